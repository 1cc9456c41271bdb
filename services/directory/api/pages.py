"""The pages behind the links in reminders: a GET shows, only the form's POST does something."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import HTMLResponse

from services.directory.domain.fiche import COLUMNS
from services.directory.use_cases import checks, reminders, venues
from shared.links import Links
from shared.pages import PageRoute, Pages
from shared.service import RequestTx

PAGES = Pages(Path(__file__).parent / "templates")
TECHNICAL = frozenset({"id", "pivot", "code_insee", "source", "date_maj"})
"""Columns that nobody checks by reading them."""


class SheetPageRoute(PageRoute):
    """A page about a sheet."""

    pages = PAGES


router = APIRouter(tags=["links in mails"], route_class=SheetPageRoute)


def _links(request: Request) -> Links:
    links: Links = request.app.state.links
    return links


@router.get("/checks/{token}", response_class=HTMLResponse)
async def show_sheet(request: Request, tx: RequestTx, token: str) -> HTMLResponse:
    """Show the sheet as it is, and ask whether it is right. Says nothing by itself."""
    venue = await checks.venue_of_link(tx, _links(request).read_sheet(token))
    values = {name: venue.fiche.get(name) for name in COLUMNS if name not in TECHNICAL}
    return PAGES.page("check", venue=venue, values=values)


@router.post("/checks/{token}", response_class=HTMLResponse)
async def check_sheet(
    request: Request, tx: RequestTx, token: str, version: Annotated[int, Form()]
) -> HTMLResponse:
    """Note that the sheet that was shown is right."""
    link = _links(request).read_sheet(token)
    check = await checks.check_by_link(tx, link, revision=version)
    return PAGES.page("checked", venue=await checks.venue_of_link(tx, link), check=check)


@router.get("/reminders/{token}", response_class=HTMLResponse)
async def show_reminders(request: Request, tx: RequestTx, token: str) -> HTMLResponse:
    """Ask whether the holder of the link wants no more reminders. Stops nothing by itself."""
    link = _links(request).read_sheet(token)
    return PAGES.page("stop", venue=await venues.get_venue(tx, link.venue_id))


@router.post("/reminders/{token}", response_class=HTMLResponse)
async def stop_reminders(request: Request, tx: RequestTx, token: str) -> HTMLResponse:
    """Send the holder of the link no more reminders; also what mail programs call (RFC 8058)."""
    link = _links(request).read_sheet(token)
    return PAGES.page("stopped", venue=await reminders.silence_by_link(tx, link))
