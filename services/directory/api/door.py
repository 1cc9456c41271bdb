"""The door of `/venues/{venue_id}/…`: an id that was merged shows the way to the one that stays."""

from http import HTTPStatus
from urllib.parse import quote

from fastapi import HTTPException, Request

from services.directory.use_cases import venues
from shared.errors import Problem
from shared.service import RequestTx


class VenueMerged(Problem):
    """The venue is one with another now: write there, after having read it."""

    type = "merged-venue"
    status = 409
    title = "Ce lieu a été fusionné avec un autre : sa fiche a un autre identifiant."


async def door(request: Request, tx: RequestTx) -> None:
    """Let through what names a venue that stays; the way there for who reads, or `VenueMerged`."""
    venue_id = request.path_params.get("venue_id")
    into = await venues.merged_into(tx, venue_id) if venue_id else None
    if into is None:
        return
    if request.method not in ("GET", "HEAD"):
        # its revisions are others: what was written for the old sheet must be read again
        raise VenueMerged(venue_id=into)
    # a merge may be undone: nobody is to remember the way
    headers = {"Location": _there(request, into), "Cache-Control": "no-store"}
    raise HTTPException(HTTPStatus.PERMANENT_REDIRECT, headers=headers)


def _there(request: Request, venue_id: str) -> str:
    """The same address with another venue's id."""
    names = {**request.path_params, "venue_id": venue_id}
    path = request.scope["route"].path.format(
        **{name: quote(str(value), safe="") for name, value in names.items()}
    )
    query = f"?{request.url.query}" if request.url.query else ""
    return f"{request.scope.get('root_path', '')}{path}{query}"
