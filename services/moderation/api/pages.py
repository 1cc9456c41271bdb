"""The page behind the links in mails: shows a proposal; only its form's POST decides anything."""

from pathlib import Path
from typing import Annotated, Literal

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse
from pydantic import BeforeValidator

from services.moderation.api.shown import Rules
from services.moderation.domain.cases import LONGEST_REASON
from services.moderation.use_cases import deciding, threads
from services.moderation.use_cases.access import case_by_link, with_addresses
from services.moderation.use_cases.deciding import Answer
from shared.links import Links
from shared.pages import PageRoute, Pages
from shared.service import RequestTx

HOW = {
    "manager": "par une personne responsable du lieu",
    "moderator": "par l'équipe de modération",
    "silence": "à la fin du délai",
    "shortcut": "tout de suite",
}

PAGES = Pages(Path(__file__).parent / "templates", how=HOW)
page = PAGES.page


def _one_break(text: object) -> object:
    # browsers count a line break as one character, and send two
    return text.replace("\r\n", "\n") if isinstance(text, str) else text


Words = Annotated[str, Form(max_length=LONGEST_REASON), BeforeValidator(_one_break)]


class CasePageRoute(PageRoute):
    """A page about a case."""

    pages = PAGES
    back_label = "Revenir à la proposition"

    def back(self, request: Request) -> str | None:
        """The case, whatever form was refused."""
        token = request.path_params.get("token")
        return f"/decision/{token}" if token and request.method == "POST" else None


router = APIRouter(tags=["links in mails"], route_class=CasePageRoute)


@router.get("/decision/{token}", response_class=HTMLResponse)
async def show(
    request: Request,
    tx: RequestTx,
    token: str,
    choix: Literal["accepter", "refuser"] = "accepter",
) -> HTMLResponse:
    """Show the proposal, what was said of it, and ask for a confirmation. Decides nothing."""
    link = _links(request).read(token)
    [case] = await with_addresses(tx, await case_by_link(tx, link))
    return page(
        "decision",
        case=case,
        choice=choix,
        thread=await threads.thread_by_link(tx, link),
        closing=case.about_to_close(tx.now),
        token=token,
    )


@router.post("/decision/{token}", response_class=HTMLResponse)
async def decide(
    request: Request,
    tx: RequestTx,
    policy: Rules,
    token: str,
    choix: Annotated[Literal["accepter", "refuser"], Form()],
    version: Annotated[int, Form()],
    champs: Annotated[list[str] | None, Form()] = None,
    motif: Words = "",
) -> HTMLResponse:
    """Take the decision that the form confirms."""
    answer = Answer(
        "approve" if choix == "accepter" else "refuse",
        version,
        fields=champs or [],
        reason=motif.strip(),
    )
    case = await deciding.decide_by_link(tx, _links(request).read(token), answer, policy)
    return page("decided", case=case)


@router.post("/decision/{token}/message", response_class=HTMLResponse)
async def write(request: Request, tx: RequestTx, token: str, texte: Words = "") -> HTMLResponse:
    """Write to whoever made the proposal, and to the moderators who look after it."""
    await threads.post_by_link(tx, _links(request).read(token), texte)
    return page("written", token=token)


def _links(request: Request) -> Links:
    links: Links = request.app.state.links
    return links
