"""Temporary notices of a venue."""

from datetime import date, datetime
from typing import Annotated

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from services.directory.domain.notices import Notice, NoticeKind, NoticeWords
from services.directory.use_cases import notices
from shared.auth import SignedIn
from shared.service import RequestTx

router = APIRouter()


class NoticeOut(BaseModel):
    """A notice that is current or to come; its first and last day included."""

    model_config = ConfigDict(populate_by_name=True)

    id: str
    kind: NoticeKind
    text: str
    starts_on: Annotated[date, Field(serialization_alias="from")]
    until: date
    updated_at: datetime

    @classmethod
    def of(cls, notice: Notice) -> "NoticeOut":
        """The answer for a notice."""
        return cls.model_validate(notice.model_dump())


@router.post("/venues/{venue_id}/notices", status_code=201)
async def add_notice(
    tx: RequestTx, account: SignedIn, venue_id: str, said: NoticeWords
) -> NoticeOut:
    """Say what is different for a while, online at once; for managers and moderators."""
    return NoticeOut.of(await notices.add(tx, account, venue_id, said))


@router.put("/venues/{venue_id}/notices/{notice_id}")
async def change_notice(
    tx: RequestTx, account: SignedIn, venue_id: str, notice_id: str, said: NoticeWords
) -> NoticeOut:
    """Give a notice another text or other days; for managers and moderators."""
    return NoticeOut.of(await notices.change(tx, account, venue_id, notice_id, said))


@router.delete("/venues/{venue_id}/notices/{notice_id}", status_code=204)
async def remove_notice(
    tx: RequestTx, account: SignedIn, venue_id: str, notice_id: str
) -> Response:
    """Remove a notice before its time; for managers and moderators."""
    await notices.remove(tx, account, venue_id, notice_id)
    return Response(status_code=204)
