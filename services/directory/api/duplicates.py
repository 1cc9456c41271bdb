"""Sheets that may tell of one venue, for moderators."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Query, Request
from pydantic import BaseModel, BeforeValidator, ConfigDict, StringConstraints

from services.directory.domain.candidates import Duplicate, Opinion, State, Verdict
from services.directory.domain.fiche import readable
from services.directory.domain.venues import Venue
from services.directory.store.duplicates import Place
from services.directory.use_cases import duplicates
from shared.auth import Moderator
from shared.database import Transaction
from shared.errors import InvalidField, InvalidInput
from shared.events import FieldValue
from shared.service import RequestTx

router = APIRouter()

Reason = Annotated[
    str, StringConstraints(strip_whitespace=True, max_length=2000), BeforeValidator(readable)
]

SHOWN = (
    "nom",
    "adresse",
    "complement_adresse",
    "code_postal",
    "commune",
    "telephone",
    "courriels",
    "site_web",
    "pivot",
    "latitude",
    "longitude",
    "source",
    "date_maj",
)
"""What tells two venues apart at a glance; the sheets say the rest."""


class SheetOut(BaseModel):
    """One of two sheets."""

    id: str
    merged_into: str | None
    fiche: dict[str, FieldValue]

    @classmethod
    def of(cls, venue: Venue) -> "SheetOut":
        """The answer for a venue."""
        fiche = {name: venue.fiche[name] for name in SHOWN if name in venue.fiche}
        return cls(id=venue.id, merged_into=venue.merged_into, fiche=fiche)


class DuplicateOut(BaseModel):
    """Two sheets that may tell of one venue."""

    id: str
    score: int
    """0 to 100."""
    match: bool
    """Whether they are taken for one venue: the score is 50 or more."""
    reasons: list[str]
    """In French, what speaks for and against it, the strongest first."""
    state: State
    left: SheetOut
    right: SheetOut
    decisions: list[Opinion]
    found_at: datetime
    updated_at: datetime

    @classmethod
    def of(cls, pair: Duplicate, venues: dict[str, Venue]) -> "DuplicateOut":
        """The answer for a pair."""
        return cls(
            id=pair.id,
            score=pair.score,
            match=pair.likeness.is_match,
            reasons=pair.likeness.reasons,
            state=pair.state,
            left=SheetOut.of(venues[pair.left]),
            right=SheetOut.of(venues[pair.right]),
            decisions=pair.decisions,
            found_at=pair.found_at,
            updated_at=pair.updated_at,
        )


class DuplicatePage(BaseModel):
    """A part of the list, the most alike first; `next` is the `after` of the following part."""

    items: list[DuplicateOut]
    next: str | None


class DecisionIn(BaseModel):
    """What a moderator decides of a pair."""

    model_config = ConfigDict(extra="forbid")

    decision: Verdict
    reason: Reason = ""


async def _shown(tx: Transaction, pairs: list[Duplicate]) -> list[DuplicateOut]:
    venues = await duplicates.sheets_of(tx, pairs)
    return [DuplicateOut.of(one, venues) for one in pairs]


@router.get("/duplicates")
async def list_duplicates(
    tx: RequestTx,
    _: Moderator,
    state: State = "open",
    departement: Annotated[str | None, Query(pattern=r"^(\d{2,3}|2[AB])$")] = None,
    after: Annotated[str, Query(max_length=100)] = "",
    limit: Annotated[int, Query(ge=1, le=100)] = 50,
) -> DuplicatePage:
    """Sheets that may tell of one venue, the most alike first; for moderators."""
    place = _place(after, state, departement)
    found = await duplicates.list_duplicates(tx, state, departement, after=place, limit=limit + 1)
    items, more = found[:limit], found[limit:]
    return DuplicatePage(
        items=await _shown(tx, items),
        next=_cursor(items[-1], state, departement) if more else None,
    )


def _cursor(last: Duplicate, state: State, departement: str | None) -> str:
    return f"{state}.{departement or ''}.{last.score}.{last.id}"


def _place(cursor: str, state: State, departement: str | None) -> Place | None:
    """Where a cursor of this very list points to; raises `InvalidInput`."""
    if not cursor:
        return None
    wanted, place, score, id_ = [*cursor.split("."), "", "", ""][:4]
    if (wanted, place) != (state, departement or "") or not score.isdecimal() or not id_:
        message = "Ce curseur vient d'une autre liste."
        raise InvalidInput(invalid=[InvalidField("after", "cursor", message)])
    return int(score), id_


@router.get("/duplicates/{duplicate_id}")
async def get_duplicate(tx: RequestTx, _: Moderator, duplicate_id: str) -> DuplicateOut:
    """Two sheets that may tell of one venue, and what was decided of them; for moderators."""
    [shown] = await _shown(tx, [await duplicates.get_duplicate(tx, duplicate_id)])
    return shown


@router.post("/duplicates/{duplicate_id}/decision")
async def decide(
    tx: RequestTx, account: Moderator, duplicate_id: str, decision: DecisionIn
) -> DuplicateOut:
    """Say whether two sheets tell of one venue; for moderators. It merges nothing by itself."""
    pair = await duplicates.decide(tx, account, duplicate_id, decision.decision, decision.reason)
    [shown] = await _shown(tx, [pair])
    return shown


@router.post("/venues/{venue_id}/duplicates")
async def check(request: Request, tx: RequestTx, _: Moderator, venue_id: str) -> DuplicatePage:
    """Compare one sheet with those around it now; for moderators."""
    pairs = await duplicates.check(tx, venue_id, request.app.state.search.index)
    return DuplicatePage(items=await _shown(tx, pairs), next=None)
