"""The page behind the links in mails: shows a proposal; only its form's POST decides anything."""

from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse
from jinja2 import Environment, FileSystemLoader

from services.moderation import use_cases
from services.moderation.domain import LONGEST_REASON
from shared.errors import Problem
from shared.french import label, moment_in_french, shown
from shared.links import Links
from shared.service import RequestTx

router = APIRouter(tags=["links in mails"])

HEADERS = {
    # the address is the key: it must not leak to other sites, caches or frames
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
    ),
}

HOW = {
    "manager": "par une personne responsable du lieu",
    "moderator": "par l'équipe de modération",
    "silence": "parce que personne ne s'y est opposé dans le délai",
}

_templates = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"),
    autoescape=True,
    trim_blocks=True,
    lstrip_blocks=True,
)
_templates.filters |= {"label": label, "shown": shown, "moment": moment_in_french}


@router.get("/decision/{token}", response_class=HTMLResponse)
async def show(
    request: Request,
    tx: RequestTx,
    token: str,
    choix: Literal["accepter", "refuser"] = "accepter",
) -> HTMLResponse:
    """Show the proposal and ask for a confirmation. Decides nothing."""
    try:
        case = await use_cases.get_case_by_link(tx, _links(request).read(token))
        [case] = await use_cases.with_addresses(tx, case)
        return page("decision", case=case, choice=choix)
    except Problem as problem:
        return _refusal(request, problem)


@router.post("/decision/{token}", response_class=HTMLResponse)
async def decide(
    request: Request,
    tx: RequestTx,
    token: str,
    choix: Annotated[Literal["accepter", "refuser"], Form()],
    champs: Annotated[list[str] | None, Form()] = None,
    motif: Annotated[str, Form(max_length=LONGEST_REASON)] = "",
) -> HTMLResponse:
    """Take the decision that the form confirms."""
    try:
        case = await use_cases.decide_by_link(
            tx,
            _links(request).read(token),
            "approve" if choix == "accepter" else "refuse",
            fields=champs or [],
            reason=motif.strip(),
        )
        return page("decided", case=case)
    except Problem as problem:
        return _refusal(request, problem)


def _links(request: Request) -> Links:
    links: Links = request.app.state.links
    return links


def page(name: str, status: int = 200, **context: Any) -> HTMLResponse:
    """One of the templates as an answer."""
    html = _templates.get_template(f"{name}.html.j2").render(how=HOW, **context)
    return HTMLResponse(html, status, headers=HEADERS)


def _refusal(request: Request, problem: Problem) -> HTMLResponse:
    """A page for people; programs get the problem document."""
    if "text/html" not in request.headers.get("accept", ""):
        raise problem
    return page("refusal", problem.status, problem=problem)
