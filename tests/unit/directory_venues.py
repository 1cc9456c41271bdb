"""Venues for the directory's use cases, in a database in memory."""

from datetime import UTC, datetime
from typing import Any

from services.directory.domain.venues import Acceptance, Change, Revision, Venue
from services.directory.store.venues import History, Venues
from shared.auth import Account
from shared.events import FieldValue
from tests.unit.moderation_memory import Memory, MemoryTransaction

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
LONG_AGO = datetime(2025, 1, 15, 9, tzinfo=UTC)
SIRET = "99912345600017"
ADDRESS = "accueil@lieu.example.org"
FICHE: dict[str, FieldValue] = {
    "id": "v1",
    "pivot": SIRET,
    "nom": "Médiathèque des Tilleuls",
    "commune": "Die",
    "code_postal": "26150",
    "code_insee": "26113",
    "adresse": "4 place de la Fontaine",
    "courriels": [ADDRESS],
}
NOUR = Account("nour", name="Nour", email="nour@courriel.example.org")
MODERATOR = Account("mo", name="Mo", roles=frozenset({"moderator"}))


def a_venue(*managers: str, merged_into: str | None = None, **fiche: FieldValue) -> Venue:
    """A venue, managed by these accounts."""
    said: dict[str, Any] = {
        "id": str(fiche.get("id", "v1")),
        "revision": 1,
        "ordinal": 0,
        "fiche": {name: value for name, value in {**FICHE, **fiche}.items() if value is not None},
        "sources": [],
        "created_by": "import:tests",
        "created_at": LONG_AGO,
        "managers": list(managers),
        "updated_at": LONG_AGO,
        "merged_into": merged_into,
    }
    return Venue.model_validate(said)


def revision(
    number: int,
    at: datetime,
    old: FieldValue,
    new: FieldValue,
    *,
    field: str = "courriels",
    by: str = "import:tests",
    how: Any = "import",
    **accepted: Any,
) -> Revision:
    """One entry of a sheet's history."""
    return Revision(
        venue_id="v1",
        revision=number,
        at=at,
        by=by,
        accepted=Acceptance(how=how, at=at, **accepted),
        changes=[Change(field=field, old=old, new=new)],
    )


def memory_with(*venues: Venue, history: list[Revision] | None = None) -> Memory:
    """A database that holds these venues."""
    memory = Memory()

    async def add(tx: MemoryTransaction) -> None:
        await Venues(tx).add(venues)
        await History(tx).add(history or [])

    memory.run(add, NOW)
    return memory
