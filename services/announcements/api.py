"""The announcements over HTTP."""

import datetime as dt
from typing import Annotated

from fastapi import APIRouter, Query, Response
from pydantic import AwareDatetime, BaseModel, ConfigDict

from services.announcements import use_cases
from services.announcements.domain import Call, State
from shared.auth import SignedIn, Visitor
from shared.events.announcements import AnnouncementKind
from shared.service import RequestTx

MOST = 100

router = APIRouter(prefix="/announcements", tags=["announcements"])


class Submission(Call):
    """A call to relay."""

    model_config = ConfigDict(extra="forbid")


class AnnouncementSummary(BaseModel):
    """An announcement in the list; its author by name, never by account."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    kind: AnnouncementKind
    titre: str
    lien: str
    territoire: str | None
    ends_on: dt.date
    author_name: str
    published_at: AwareDatetime | None


class AnnouncementDetail(AnnouncementSummary):
    """An announcement, whole."""

    texte: str
    state: State
    submitted_at: AwareDatetime
    ended_at: AwareDatetime | None
    refusal_reason: str | None
    revision: int


class AnnouncementPage(BaseModel):
    """Part of the list; `next` goes into the parameter `after` of the next request."""

    items: list[AnnouncementSummary]
    next: str | None


@router.post("", status_code=201)
async def submit(
    submission: Submission, account: SignedIn, tx: RequestTx, response: Response
) -> AnnouncementDetail:
    """Ask for a call to be relayed."""
    announcement = await use_cases.submit(tx, account, submission)
    response.headers["Location"] = f"{router.prefix}/{announcement.id}"
    return AnnouncementDetail.model_validate(announcement)


@router.get("")
async def list_online(
    tx: RequestTx,
    kind: AnnouncementKind | None = None,
    after: Annotated[str, Query(max_length=100)] = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = MOST,
) -> AnnouncementPage:
    """Announcements that are online, soonest end first."""
    page = await use_cases.list_online(tx, kind=kind, after=after, limit=limit)
    return AnnouncementPage(
        items=[
            AnnouncementSummary.model_validate(announcement) for announcement in page.announcements
        ],
        next=page.next,
    )


@router.get("/{announcement_id}")
async def get(announcement_id: str, reader: Visitor, tx: RequestTx) -> AnnouncementDetail:
    """One announcement; until it is validated, for its author and moderators only."""
    return AnnouncementDetail.model_validate(await use_cases.get(tx, reader, announcement_id))
