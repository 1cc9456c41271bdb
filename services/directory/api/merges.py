"""Two venues become one, and two again; for moderators."""

from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from services.directory.api.venues import HistoryOut, VenueId, VenueOut
from services.directory.domain.merging import WHY, FieldProposal, Merge, Side
from services.directory.domain.venues import Change
from services.directory.use_cases import merges
from shared.auth import Moderator
from shared.service import RequestTx

router = APIRouter()


class PreviewIn(BaseModel):
    """The venue that would be merged."""

    model_config = ConfigDict(extra="forbid")

    other: VenueId


class ChoiceOut(FieldProposal):
    """One choice, and in French why a side is proposed."""

    reason: str


class PreviewOut(BaseModel):
    """What a merge would choose from: this sheet stays, the other one is merged into it."""

    this: VenueOut
    other: VenueOut
    choices: list[ChoiceOut]


class MergeIn(BaseModel):
    """A merge: the revisions that were read, and a side for the fields that are not as proposed."""

    model_config = ConfigDict(extra="forbid")

    other: VenueId
    revision: Annotated[int, Field(strict=True)]
    other_revision: Annotated[int, Field(strict=True)]
    choices: dict[str, Side] = {}


class MergeOut(BaseModel):
    """What was merged into a venue."""

    id: str
    this: str
    other: str
    at: datetime
    by: str
    choices: dict[str, Side]
    changes: list[Change]
    """What it changed in the sheet that stays."""
    undone_at: datetime | None
    undone_by: str | None

    @classmethod
    def of(cls, merge: Merge) -> "MergeOut":
        """The answer for a merge."""
        changes = [
            Change(field=name, old=old, new=merge.after[name]) for name, old in merge.before.items()
        ]
        return cls.model_validate({**merge.model_dump(), "changes": changes})


class MergesOut(BaseModel):
    """All merges into a venue, the newest first, also those that were undone."""

    items: list[MergeOut]


@router.post("/venues/{venue_id}/merges/preview")
async def preview(tx: RequestTx, _: Moderator, venue_id: str, wanted: PreviewIn) -> PreviewOut:
    """Both values of every field, which one is proposed and why; for moderators. Writes nothing."""
    shown = await merges.preview(tx, venue_id, wanted.other)
    return PreviewOut(
        this=VenueOut.of(shown.this),
        other=VenueOut.of(shown.other),
        choices=[ChoiceOut(**one.model_dump(), reason=WHY[one.why]) for one in shown.fields],
    )


@router.post("/venues/{venue_id}/merges", status_code=201)
async def merge(
    tx: RequestTx, account: Moderator, venue_id: str, wanted: MergeIn, response: Response
) -> MergeOut:
    """Merge another venue into this one; its id leads here from then on. For moderators."""
    done = await merges.merge(
        tx,
        account,
        venue_id,
        wanted.other,
        choices=wanted.choices,
        revision=wanted.revision,
        other_revision=wanted.other_revision,
    )
    response.headers["Location"] = f"/venues/{venue_id}/merges/{done.id}"
    return MergeOut.of(done)


@router.get("/venues/{venue_id}/merges")
async def list_merges(tx: RequestTx, venue_id: str) -> MergesOut:
    """What was merged into a venue."""
    return MergesOut(items=[MergeOut.of(one) for one in await merges.list_merges(tx, venue_id)])


@router.get("/venues/{venue_id}/merges/{merge_id}")
async def get_merge(tx: RequestTx, venue_id: str, merge_id: str) -> MergeOut:
    """One merge into a venue."""
    return MergeOut.of(await merges.get_merge(tx, venue_id, merge_id))


@router.get("/venues/{venue_id}/merges/{merge_id}/history")
async def get_merged_history(tx: RequestTx, venue_id: str, merge_id: str) -> HistoryOut:
    """The history of the sheet that was merged."""
    return HistoryOut.of(await merges.merged_history(tx, venue_id, merge_id))


@router.post("/venues/{venue_id}/merges/{merge_id}/undo")
async def undo(tx: RequestTx, account: Moderator, venue_id: str, merge_id: str) -> MergeOut:
    """Make two venues again: the other as it was, this one but for what changed since."""
    return MergeOut.of(await merges.undo(tx, account, venue_id, merge_id))
