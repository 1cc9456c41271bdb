"""The page behind the links in mails: shows a proposal; only its form's POST decides anything."""

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Form, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader
from pydantic import BeforeValidator

from services.moderation import use_cases
from services.moderation.domain import LONGEST_REASON
from shared.errors import InvalidInput, Problem, explain
from shared.french import label, moment_in_french, shown
from shared.links import Links
from shared.service import RequestTx

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


def _one_break(text: object) -> object:
    # browsers count a line break as one character, and send two
    return text.replace("\r\n", "\n") if isinstance(text, str) else text


class PageRoute(APIRoute):
    """A route whose refusals people read: a page for browsers, problem documents for programs."""

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        """The route's handler, with its refusals turned into answers."""
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except RequestValidationError as exc:
                problem: Problem = InvalidInput(invalid=explain(exc.errors()))
            except Problem as exc:
                problem = exc
            if "text/html" not in request.headers.get("accept", ""):
                raise problem
            return page("refusal", problem.status, problem=problem)

        return answer


router = APIRouter(tags=["links in mails"], route_class=PageRoute)


@router.get("/decision/{token}", response_class=HTMLResponse)
async def show(
    request: Request,
    tx: RequestTx,
    token: str,
    choix: Literal["accepter", "refuser"] = "accepter",
) -> HTMLResponse:
    """Show the proposal and ask for a confirmation. Decides nothing."""
    case = await use_cases.get_case_by_link(tx, _links(request).read(token))
    [case] = await use_cases.with_addresses(tx, case)
    return page("decision", case=case, choice=choix)


@router.post("/decision/{token}", response_class=HTMLResponse)
async def decide(
    request: Request,
    tx: RequestTx,
    token: str,
    choix: Annotated[Literal["accepter", "refuser"], Form()],
    champs: Annotated[list[str] | None, Form()] = None,
    motif: Annotated[str, Form(max_length=LONGEST_REASON), BeforeValidator(_one_break)] = "",
) -> HTMLResponse:
    """Take the decision that the form confirms."""
    case = await use_cases.decide_by_link(
        tx,
        _links(request).read(token),
        "approve" if choix == "accepter" else "refuse",
        fields=champs or [],
        reason=motif.strip(),
    )
    return page("decided", case=case)


def _links(request: Request) -> Links:
    links: Links = request.app.state.links
    return links


def page(name: str, status: int = 200, **context: Any) -> HTMLResponse:
    """One of the templates as an answer."""
    html = _templates.get_template(f"{name}.html.j2").render(how=HOW, **context)
    return HTMLResponse(html, status, headers=HEADERS)
