"""Pages behind the links in mails: plain HTML without script, for people without an account.

A service's folder of templates holds what its pages say; the layout and the refusals are here.
"""

from pathlib import Path
from typing import Any

from fastapi import Request, Response
from fastapi.responses import HTMLResponse
from fastapi.routing import APIRoute
from jinja2 import Environment, FileSystemLoader

from shared.errors import Problem
from shared.french import day_in_french, label, moment_in_french, shown

HEADERS = {
    # the address is the key: it must not leak to other sites, caches or frames
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
    "X-Robots-Tag": "noindex",
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'"
    ),
}


class Pages:
    """The pages of one folder of templates; `always` is what all of them may use."""

    def __init__(self, folder: Path, **always: Any) -> None:
        self._templates = Environment(
            loader=FileSystemLoader([folder, Path(__file__).parent]),
            autoescape=True,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.globals |= always
        self._templates.filters |= {
            "label": label,
            "shown": shown,
            "moment": moment_in_french,
            "day": day_in_french,
        }

    def __call__(self, name: str, status: int = 200, **context: Any) -> HTMLResponse:
        """One of the templates as an answer."""
        html = self._templates.get_template(f"{name}.html.j2").render(**context)
        return HTMLResponse(html, status, headers=HEADERS)


_refusal_page = Pages(Path(__file__).parent)


class PageRoute(APIRoute):
    """A route whose refusals people read: a page for browsers, problem documents for programs.

    The link's token is the path's parameter `token`: what is above it is the page to go back to.
    """

    def refusal(self, request: Request, problem: Problem) -> Response | None:
        """The page for a browser; `shared.http` asks for it, wherever the request was refused."""
        if "text/html" not in request.headers.get("accept", ""):
            return None
        made = _refusal_page("refusal", problem.status, problem=problem, back=_page_before(request))
        made.headers.update(problem.headers)
        return made


def _page_before(request: Request) -> str | None:
    token = request.path_params.get("token")
    if not token or request.method != "POST":
        return None
    before, found, _ = request.url.path.partition(token)
    return f"{before}{found}" if found else None
