"""The directory over HTTP: request and response models, nothing else."""

from datetime import datetime
from tempfile import SpooledTemporaryFile
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Path, Query, Request, Response
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, StringConstraints

from services.directory.domain.fiche import COLUMNS, readable
from services.directory.domain.proposals import (
    Comment,
    NewsItem,
    NewsWords,
    Proposal,
    Revision,
    Venue,
)
from services.directory.domain.rework import Correction, Rework
from services.directory.importer import import_csv
from services.directory.use_cases import proposals, requests, venues
from shared.auth import ACCOUNT_ID, Admin, SignedIn
from shared.errors import InvalidField, InvalidInput
from shared.events import FieldValue
from shared.service import RequestDatabase, RequestTx

router = APIRouter(tags=["directory"])

LARGEST_IMPORT = 64 * 1024 * 1024
IN_MEMORY = 1024 * 1024

AccountId = Annotated[str, Path(pattern=f"^{ACCOUNT_ID}$")]
Source = Annotated[str, StringConstraints(pattern=r"^[\w .-]{1,80}$")]


class VenueOut(BaseModel):
    """A sheet: all 32 columns of the national schema, null where nothing is known."""

    id: str
    revision: int
    updated_at: datetime
    fiche: dict[str, FieldValue]

    @classmethod
    def of(cls, venue: Venue) -> "VenueOut":
        """The answer for a venue."""
        return cls(
            id=venue.id,
            revision=venue.revision,
            updated_at=venue.updated_at,
            fiche={name: venue.fiche.get(name) for name in COLUMNS},
        )


class VenuePage(BaseModel):
    """A part of the list; `next` is the `after` of the following part."""

    total: int
    items: list[VenueOut]
    next: int | None


class HistoryOut(BaseModel):
    """A sheet's revisions, newest first."""

    items: list[Revision]


class EditIn(BaseModel):
    """A proposed edit: only the fields that change, against the revision that was read."""

    model_config = ConfigDict(extra="forbid")

    base_revision: Annotated[int, Field(strict=True)]
    changes: dict[str, Any]
    comment: Comment = ""


class RequestIn(BaseModel):
    """What somebody has to say about a sheet, to those who look after it."""

    model_config = ConfigDict(extra="forbid")

    text: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=2000),
        BeforeValidator(readable),
    ]


class RequestOut(BaseModel):
    """The case that moderation opens for it."""

    case_id: str


class NewsIn(NewsWords):
    """A proposed news item."""

    model_config = ConfigDict(extra="forbid")


class ProposalOut(BaseModel):
    """A proposal and what became of it: its accepted text, else its newest."""

    id: str
    kind: Literal["edit", "news"]
    venue_id: str
    state: str
    proposed_at: datetime
    replaces: str | None = None
    """The proposal that this one corrects."""
    revision: int
    """Which of its texts this is; its author's is 1."""
    improved_by: str | None = None
    """`account:…`, if somebody else than its author wrote this text."""
    base_revision: int | None = None
    changes: dict[str, FieldValue] | None = None
    titre: str | None = None
    texte: str | None = None
    lien: str | None = None
    comment: str | None = None
    outcome: dict[str, Any] | None = None

    @classmethod
    def of(cls, proposal: Proposal | NewsItem) -> "ProposalOut":
        """The answer for an edit or a news item."""
        if isinstance(proposal, NewsItem):
            text = proposal.shown.model_dump()
        else:
            text = {"changes": proposal.shown}
        revision = proposal.shown_revision
        improved_by = proposal.improved_by(revision)
        shown = {**text, "revision": revision, "improved_by": improved_by}
        return cls.model_validate({**proposal.model_dump(), **shown})


class NewsOut(BaseModel):
    """A news item that is online."""

    id: str
    titre: str
    texte: str
    lien: str | None
    published_at: datetime

    @classmethod
    def of(cls, item: NewsItem) -> "NewsOut":
        """The answer for a news item, in the words that were accepted."""
        return cls.model_validate({**item.model_dump(), **item.shown.model_dump()})


class NewsPage(BaseModel):
    """A venue's news, newest first."""

    items: list[NewsOut]


class ManagersOut(BaseModel):
    """The accounts that manage a venue."""

    venue_id: str
    managers: list[str]


class ImportReport(BaseModel):
    """What became of each row of a file."""

    created: int
    updated: int
    unchanged: int
    refused: int
    errors: list[dict[str, Any]]


@router.get("/venues")
async def list_venues(
    tx: RequestTx,
    after: Annotated[int, Query(ge=0, le=2**31)] = 0,
    limit: Annotated[int, Query(ge=1, le=200)] = 50,
    code_insee: str | None = None,
    code_postal: str | None = None,
) -> VenuePage:
    """The directory's list in parts, or the venues of a commune or postcode."""
    given = {"code_insee": code_insee, "code_postal": code_postal}
    if wanted := {name: value for name, value in given.items() if value}:
        page = await venues.find_venues(tx, wanted, after=after, limit=limit)
    else:
        page = await venues.list_venues(tx, after=after, limit=limit)
    return VenuePage(
        total=page.total, items=[VenueOut.of(venue) for venue in page.venues], next=page.next
    )


@router.get("/venues/{venue_id}")
async def get_venue(tx: RequestTx, venue_id: str) -> VenueOut:
    """One sheet."""
    return VenueOut.of(await venues.get_venue(tx, venue_id))


@router.get("/venues/{venue_id}/history")
async def get_history(tx: RequestTx, venue_id: str) -> HistoryOut:
    """Who changed what, when, and how it was accepted."""
    return HistoryOut(items=await venues.get_history(tx, venue_id))


@router.post("/venues/{venue_id}/edits", status_code=201)
async def propose_edit(
    tx: RequestTx, account: SignedIn, venue_id: str, edit: EditIn, response: Response
) -> ProposalOut:
    """Propose other values for some fields of a sheet."""
    proposal = await proposals.propose_edit(
        tx,
        account,
        venue_id,
        base_revision=edit.base_revision,
        changes=edit.changes,
        comment=edit.comment,
    )
    response.headers["Location"] = f"/proposals/{proposal.id}"
    return ProposalOut.of(proposal)


@router.post("/venues/{venue_id}/news", status_code=201)
async def propose_news(
    tx: RequestTx, account: SignedIn, venue_id: str, news: NewsIn, response: Response
) -> ProposalOut:
    """Propose a news item for a venue."""
    item = await proposals.propose_news(
        tx, account, venue_id, titre=news.titre, texte=news.texte, lien=news.lien
    )
    response.headers["Location"] = f"/proposals/{item.id}"
    return ProposalOut.of(item)


@router.post("/venues/{venue_id}/claims", status_code=202)
async def claim(tx: RequestTx, account: SignedIn, venue_id: str, asked: RequestIn) -> RequestOut:
    """Ask to manage a venue's sheet."""
    return RequestOut(case_id=await requests.claim(tx, account, venue_id, asked.text))


@router.post("/venues/{venue_id}/reports", status_code=202)
async def report(tx: RequestTx, account: SignedIn, venue_id: str, asked: RequestIn) -> RequestOut:
    """Say that something is wrong with a sheet."""
    return RequestOut(case_id=await requests.report(tx, account, venue_id, asked.text))


@router.get("/venues/{venue_id}/news")
async def list_news(tx: RequestTx, venue_id: str) -> NewsPage:
    """A venue's news that is online."""
    items = await proposals.list_news(tx, venue_id)
    return NewsPage(items=[NewsOut.of(item) for item in items])


@router.get("/proposals/{proposal_id}")
async def get_proposal(tx: RequestTx, account: SignedIn, proposal_id: str) -> ProposalOut:
    """What became of a proposal; for its author, the venue's managers and moderators."""
    return ProposalOut.of(await proposals.get_proposal(tx, account, proposal_id))


@router.post("/proposals/{proposal_id}/corrections", status_code=201)
async def correct(
    tx: RequestTx, account: SignedIn, proposal_id: str, correction: Correction, response: Response
) -> ProposalOut:
    """Send again, corrected, what is not online: a new proposal, for its author only."""
    proposal = await proposals.correct(tx, account, proposal_id, correction)
    response.headers["Location"] = f"/proposals/{proposal.id}"
    return ProposalOut.of(proposal)


@router.post("/proposals/{proposal_id}/improvements", status_code=201)
async def improve(
    tx: RequestTx, account: SignedIn, proposal_id: str, rework: Rework, response: Response
) -> ProposalOut:
    """Put a waiting proposal right; for the venue's managers and moderators, not its author."""
    proposal = await proposals.improve(tx, account, proposal_id, rework)
    response.headers["Location"] = f"/proposals/{proposal.id}"
    return ProposalOut.of(proposal)


@router.put("/venues/{venue_id}/managers/{manager}")
async def add_manager(
    tx: RequestTx, account: SignedIn, venue_id: str, manager: AccountId
) -> ManagersOut:
    """Let an account manage a venue; for moderators."""
    venue = await venues.set_manager(tx, account, venue_id, manager, manages=True)
    return ManagersOut(venue_id=venue.id, managers=venue.managers)


@router.delete("/venues/{venue_id}/managers/{manager}")
async def remove_manager(
    tx: RequestTx, account: SignedIn, venue_id: str, manager: AccountId
) -> ManagersOut:
    """No longer let an account manage a venue; for moderators."""
    venue = await venues.set_manager(tx, account, venue_id, manager, manages=False)
    return ManagersOut(venue_id=venue.id, managers=venue.managers)


@router.post("/imports", max_body_size=LARGEST_IMPORT)
async def import_venues(
    request: Request, database: RequestDatabase, _: Admin, source: Source
) -> ImportReport:
    """Import a CSV file of the national schema (the request's body); for admins."""
    media_type, *_rest = request.headers.get("content-type", "").partition(";")
    if media_type.strip().lower() != "text/csv":
        message = "Le fichier doit être envoyé comme text/csv."
        raise InvalidInput(invalid=[InvalidField("content-type", "media_type", message)])
    with SpooledTemporaryFile(max_size=IN_MEMORY) as file:
        async for chunk in request.stream():
            file.write(chunk)
        file.seek(0)
        report = await import_csv(database, file, source)
    return ImportReport.model_validate(report.as_json())
