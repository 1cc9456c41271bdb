"""Pages for people, behind the links in mails: one look, refusals included, and no leak."""

from pathlib import Path
from typing import Any, ClassVar

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader

from shared.errors import Problem
from shared.french import label, moment_in_french, shown

HEADERS = {
    # the address is the key: it must not leak to other sites, caches or frames
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
    ),
}

_TEMPLATES = Path(__file__).parent / "templates"


class Pages:
    """A service's templates; `layout.html.j2` and `refusal.html.j2` are everybody's."""

    def __init__(self, folder: Path, **always: Any) -> None:
        self._templates = Environment(
            loader=FileSystemLoader([folder, _TEMPLATES]),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {"label": label, "shown": shown, "moment": moment_in_french}
        self._templates.globals |= always

    def page(self, name: str, status: int = 200, **context: Any) -> HTMLResponse:
        """One of the templates as an answer."""
        html = self._templates.get_template(f"{name}.html.j2").render(**context)
        return HTMLResponse(html, status, headers=HEADERS)


class PageRoute(APIRoute):
    """A route whose refusals people read: a page for browsers, problem documents for programs."""

    pages: ClassVar[Pages]
    back_label = "Revenir à la page précédente"

    def back(self, request: Request) -> str | None:
        """Where a refused form leads back to, if anywhere."""
        return request.url.path if request.method == "POST" else None

    def refusal(self, request: Request, problem: Problem) -> Response | None:
        """The page for a browser; `shared.http` asks for it, wherever the request was refused."""
        if "text/html" not in request.headers.get("accept", ""):
            return None
        made = self.pages.page(
            "refusal",
            problem.status,
            problem=problem,
            back=self.back(request),
            back_label=self.back_label,
        )
        made.headers.update(problem.headers)
        return made
