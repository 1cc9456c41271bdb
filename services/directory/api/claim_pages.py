"""The page behind the mail to a venue's public address: do you know who claims your sheet?"""

from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse

from services.directory.use_cases import claims
from shared.links import ClaimLink, Links
from shared.pages import PageRoute, Pages
from shared.service import RequestTx

PAGES = Pages(Path(__file__).parent / "templates")


class ClaimPageRoute(PageRoute):
    """A page about a claim."""

    pages = PAGES


router = APIRouter(tags=["links in mails"], route_class=ClaimPageRoute)


@router.get("/responsable/{token}", response_class=HTMLResponse)
async def show(request: Request, tx: RequestTx, token: str) -> HTMLResponse:
    """Show who claims the sheet, and ask for an answer. Decides nothing."""
    claim, venue = await claims.claim_by_link(tx, _link(request, token))
    enough = await claims.proof_is_enough(tx, venue, claim)
    return PAGES.page("claim", claim=claim, venue=venue, enough=enough)


@router.post("/responsable/{token}", response_class=HTMLResponse)
async def answer(
    request: Request,
    tx: RequestTx,
    token: str,
    reponse: Annotated[Literal["oui", "non"], Form()],
) -> HTMLResponse:
    """Take the answer that the form confirms."""
    link = _link(request, token)
    claim = await claims.answer_by_link(tx, link, known=reponse == "oui")
    _, venue = await claims.claim_by_link(tx, link)
    return PAGES.page("claim_answered", claim=claim, venue=venue)


def _link(request: Request, token: str) -> ClaimLink:
    links: Links = request.app.state.links
    return links.read_claim(token)
