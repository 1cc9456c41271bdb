"""Announcements without servers: a database in memory, and what moderation says of them."""

import datetime as dt
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from joserfc import jwt
from joserfc.jwk import OctKey

from services.announcements.domain.calls import CALL, Call
from shared.database import Collection, Transaction
from shared.events import Author, Event
from shared.events.moderation import (
    AnnouncementRefused,
    AnnouncementValidated,
    ApprovalReverted,
    Decision,
)
from tests.unit.memory import MemoryCollection, Rows

SECRET = "a secret for tests, long enough to sign"
NOW = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(days=1)
LAST_DAY = dt.date(2026, 3, 10)
SKILLS: dict[str, Any] = {
    "kind": "skills_call",
    "titre": "Formatrice recherchée",
    "texte": "Deux journées d'ateliers.",
    "lien": "https://Exemple.fr/appel",
    "help_kind": "job",
    "place": "Valence",
    "ends_on": "2026-03-10",
    "territoire": "departement:26",
}
FUNDING: dict[str, Any] = {
    "kind": "funding_call",
    "titre": "Un bus numérique",
    "texte": "Pour aller de village en village.",
    "lien": "https://exemple.fr/bus",
    "platform": "Ulule",
    "goal": 1000,
    "currency": "EUR",
    "ends_on": "2026-03-10",
}
WAVES = ["2026-03-05", "2026-06-05", "2026-09-05"]
VALIDATED = Decision(how="moderator", by="account:m", at=NOW)
ON_APPEAL = VALIDATED.model_copy(update={"on_appeal": True})
REFUSED = Decision(how="moderator", by="account:m", at=NOW, reason="Hors sujet.")


def call(**changes: Any) -> Call:
    """A skills call, with other values."""
    return CALL.validate_python(SKILLS | changes)


def funding(**changes: Any) -> Call:
    """A funding call, with other values."""
    return CALL.validate_python(FUNDING | changes)


def rolling(**changes: Any) -> Call:
    """A skills call with selection dates."""
    return call(**{"ends_on": None, "waves": WAVES} | changes)


class Memory(Transaction):
    """A database and its only transaction: it records events and timers, and has its own clock."""

    def __init__(self) -> None:
        self.now = NOW
        self.published: list[Event] = []
        self.timers: dict[str, tuple[Event, dt.datetime]] = {}
        self._collections: dict[str, Rows] = {}

    def __getitem__(self, collection: str) -> Collection:
        return MemoryCollection(self._collections.setdefault(collection, {}))

    def publish(self, event: Event, *, event_id: str | None = None) -> None:
        assert event_id is None
        self.published.append(event)

    def schedule(self, event: Event, *, at: dt.datetime, timer_id: str) -> None:
        self.timers[timer_id] = (event, at)

    def unschedule(self, timer_id: str) -> None:
        self.timers.pop(timer_id, None)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["Memory"]:
        yield self

    def take(self) -> list[Event]:
        """What was published since the last look."""
        taken, self.published = self.published, []
        return taken

    def names(self) -> list[str]:
        """The types of what was published since the last look."""
        return [type(event).__name__ for event in self.take()]


def signed_in(account: str = "alice", **claims: Any) -> dict[str, str]:
    """Headers of somebody with an account."""
    claims = {"sub": account, "exp": int(time.time()) + 86_400, "name": account.title()} | claims
    token = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET))
    return {"Authorization": f"Bearer {token}"}


MODERATOR = signed_in("mo", roles=["moderator"])


def _decided(case_id: str, decision: Decision) -> dict[str, Any]:
    author = Author(account_id="alice")
    return {
        "revision": 2, "case_id": case_id, "author": author, "title": "x", "decision": decision
    }  # fmt: skip


def validated(
    case_id: str, revision: int = 1, decision: Decision = VALIDATED
) -> AnnouncementValidated:
    """What moderation says of a text that may be shown."""
    return AnnouncementValidated(**_decided(case_id, decision), proposal_revision=revision)


def refused(case_id: str) -> AnnouncementRefused:
    """What moderation says of a text that may not."""
    return AnnouncementRefused(**_decided(case_id, REFUSED))


def reverted(case_id: str) -> ApprovalReverted:
    """What moderation says of an approval that it undoes."""
    return ApprovalReverted(
        revision=3,
        case_id=case_id,
        kind="announcement",
        title="x",
        author=Author(account_id="alice"),
        by="account:m",
        reason="Faux.",
        reverted_at=NOW,
    )
