"""The announcements over HTTP: sent, found, changed, ended."""

from typing import Annotated

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AfterValidator, BaseModel

from services.announcements.api.shown import (
    AnnouncementDetail,
    AnnouncementPage,
    AnnouncementSummary,
    detail,
    summary,
)
from services.announcements.domain.announcements import Announcement, State
from services.announcements.domain.calls import Call, Figures, HelpKind
from services.announcements.domain.territories import check_territory
from services.announcements.settings import Settings
from services.announcements.use_cases import announcements as use_cases
from services.announcements.use_cases import listing
from services.announcements.use_cases.access import readable
from shared.auth import Account, Moderator, SignedIn, Visitor
from shared.errors import NotAllowed, NotAuthenticated
from shared.events.announcements import AnnouncementKind
from shared.service import RequestTx

MOST = 100

router = APIRouter(prefix="/announcements", tags=["announcements"])


async def _own_hosts(request: Request) -> frozenset[str]:
    settings: Settings = request.app.state.settings
    return settings.portal_hosts


OwnHosts = Annotated[frozenset[str], Depends(_own_hosts)]
"""A route's parameter: the portal's own hosts."""


class Asked(BaseModel):
    """What to find; nothing asked shows all that is online."""

    q: Annotated[str, Query(max_length=200)] = ""
    kind: AnnouncementKind | None = None
    territoire: Annotated[str, AfterValidator(check_territory)] | None = None
    """`commune:69123`, `departement:69`, `region:84` or `france`."""
    skill: Annotated[str, Query(max_length=60)] = ""
    help_kind: HelpKind | None = None
    remote: bool | None = None
    closing_within: Annotated[int | None, Query(ge=0, le=731)] = None
    """Days."""
    venue_id: Annotated[str | None, Query(max_length=200)] = None
    """What concerns one venue, for its page."""
    state: State = "online"
    """Others than `online` are for moderators; of drafts, partners' only."""

    def filters(self) -> listing.Filters:
        """As the use case takes them."""
        return listing.Filters(**self.model_dump(exclude={"after", "limit"}))


class Listed(Asked):
    """What to find, and which part of it."""

    after: Annotated[str, Query(max_length=100)] = ""
    limit: Annotated[int, Query(ge=1, le=MOST)] = MOST


class OwnAnnouncements(BaseModel):
    """All of one's own, newest first."""

    items: list[AnnouncementDetail]


@router.post("", status_code=201)
async def create(
    call: Call,
    account: SignedIn,
    tx: RequestTx,
    own_hosts: OwnHosts,
    response: Response,
    draft: bool = False,
) -> AnnouncementDetail:
    """Ask for a call to be relayed, or keep it as a draft."""
    announcement = await use_cases.create(tx, account, call, own_hosts=own_hosts, draft=draft)
    response.headers["Location"] = f"{router.prefix}/{announcement.id}"
    return _whole(announcement, tx)


@router.get("")
async def list_online(
    tx: RequestTx, reader: Visitor, asked: Annotated[Listed, Query()]
) -> AnnouncementPage:
    """Announcements that are online, soonest date first."""
    if asked.state != "online":
        _check_moderates(reader)
    page = await listing.list_online(tx, asked.filters(), asked.after, asked.limit)
    items: list[AnnouncementSummary] = [summary(one, tx.now) for one in page.announcements]
    return AnnouncementPage(items=items, next=page.next)


@router.get("/mine")
async def mine(account: SignedIn, tx: RequestTx, state: State | None = None) -> OwnAnnouncements:
    """One's own, in every state or one."""
    found = await use_cases.of_author(tx, account)
    return OwnAnnouncements(
        items=[_whole(one, tx) for one in found if state is None or one.state == state]
    )


@router.get("/{announcement_id}")
async def get(announcement_id: str, reader: Visitor, tx: RequestTx) -> AnnouncementDetail:
    """One announcement; until it is validated, for its author and moderators only."""
    announcement, whole = await readable(tx, reader, announcement_id)
    return detail(announcement, tx.now, whole=whole)


@router.put("/{announcement_id}")
async def change(
    announcement_id: str,
    call: Call,
    account: SignedIn,
    tx: RequestTx,
    own_hosts: OwnHosts,
    revision: int | None = None,
) -> AnnouncementDetail:
    """Give it another text; `revision` refuses the change if it is not as it was read.

    A draft's is replaced; else it is reviewed, and what is online stays until it is validated.
    """
    announcement = await use_cases.change(
        tx, account, announcement_id, call, own_hosts=own_hosts, revision=revision
    )
    return _whole(announcement, tx)


@router.post("/{announcement_id}/submit")
async def submit(announcement_id: str, account: SignedIn, tx: RequestTx) -> AnnouncementDetail:
    """Send a draft for review."""
    return _whole(await use_cases.submit(tx, account, announcement_id), tx)


@router.post("/{announcement_id}/withdraw")
async def withdraw(announcement_id: str, account: SignedIn, tx: RequestTx) -> AnnouncementDetail:
    """Take it back."""
    return _whole(await use_cases.withdraw(tx, account, announcement_id), tx)


@router.post("/{announcement_id}/close")
async def close(announcement_id: str, account: SignedIn, tx: RequestTx) -> AnnouncementDetail:
    """End it before its last day."""
    return _whole(await use_cases.close(tx, account, announcement_id), tx)


@router.post("/{announcement_id}/improvements", status_code=201)
async def improve(
    announcement_id: str, call: Call, account: Moderator, tx: RequestTx, own_hosts: OwnHosts
) -> AnnouncementDetail:
    """Put right the text that waits for a decision."""
    announcement = await use_cases.improve(tx, account, announcement_id, call, own_hosts=own_hosts)
    return _whole(announcement, tx)


@router.put("/{announcement_id}/progress")
async def progress(
    announcement_id: str, figures: Figures, account: SignedIn, tx: RequestTx
) -> AnnouncementDetail:
    """Show how far a funding call has come, without review."""
    return _whole(await use_cases.progress(tx, account, announcement_id, figures), tx)


def _whole(announcement: Announcement, tx: RequestTx) -> AnnouncementDetail:
    return detail(announcement, tx.now, whole=True)


def _check_moderates(reader: Account | None) -> None:
    if reader is None:
        raise NotAuthenticated(headers={"WWW-Authenticate": "Bearer"})
    if not reader.may("moderator"):
        raise NotAllowed
