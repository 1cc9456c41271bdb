"""What people propose: edits and news."""

from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Response
from pydantic import BaseModel, ConfigDict, Field

from services.directory.domain.proposals import Comment, NewsItem, NewsWords, Proposal
from services.directory.domain.rework import Correction, Rework
from services.directory.use_cases import proposals
from shared.auth import SignedIn
from shared.events import FieldValue
from shared.service import RequestTx

router = APIRouter()


class EditIn(BaseModel):
    """A proposed edit: only the fields that change, against the revision that was read."""

    model_config = ConfigDict(extra="forbid")

    base_revision: Annotated[int, Field(strict=True)]
    changes: dict[str, Any]
    comment: Comment = ""


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
