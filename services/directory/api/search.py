"""Searching the directory."""

import json
from datetime import date

from fastapi import APIRouter, Request, Response
from pydantic import BaseModel, Field

from services.directory.api.filters import Filters
from services.directory.api.parameters import described, read
from services.directory.api.venues import VenueOut
from services.directory.domain.stops import Stop
from services.directory.search.values import FACETS
from services.directory.use_cases import search

router = APIRouter()

MOST = 200


def _template() -> bytes:
    """The facets as JSON, a %d for each count: counts are in the order of the columns."""
    columns = (
        f"{json.dumps(name)}:{{{','.join(f'{_quoted(choice)}:%d' for choice in choices)}}}"
        for name, choices in FACETS.items()
    )
    return f',"facets":{{{",".join(columns)}}}'.encode()


def _quoted(text: str) -> str:
    return json.dumps(text, ensure_ascii=False).replace("%", "%%")


_FACETS = _template()


class FoundVenue(VenueOut):
    """A sheet that was found."""

    absent_from_source: bool
    """Whether no source has the venue any more."""
    checked_on: date | None
    """When somebody last said that the sheet is right."""
    distance: int | None
    """Metres from `near`: to the nearest stop, of a venue that moves."""
    arrets: list[Stop] = Field(default=[])
    """Where an itinerant venue stands, now or later."""


class VenuePage(BaseModel):
    """A part of what was found, in order."""

    total: int
    items: list[FoundVenue]
    facets: dict[str, dict[str, int]] | None = None
    """Of all that was found: how many sheets say each value of each closed column."""
    next: str | None
    """The `cursor` of the following part, if there is more."""


class Search(Filters):
    """A search, and which part of what it finds."""

    limit: int = Field(20, ge=1, le=MOST)
    cursor: str = Field(
        "", max_length=500, description="Le `next` de la page d'avant, avec les mêmes critères."
    )
    facets: bool = Field(True, description="Compter les valeurs parmi tout ce qui est trouvé.")


@router.get("/venues", response_class=Response, **described(Search, VenuePage))
async def search_venues(request: Request) -> Response:
    """The venues that meet all criteria, the best first, in parts."""
    asked = read(request, Search)
    state = request.app.state
    found = await search.page(
        state.search.index,
        asked.query(state.communes),
        cursor=asked.cursor,
        limit=asked.limit,
        facets=asked.facets,
    )
    # sheets are kept as JSON: reading and writing it again would cost more than the search
    body = b'{"total":%d,"items":[%b]%b,"next":%b}' % (
        found.total,
        b",".join(found.items),
        _FACETS % tuple(found.counts) if found.counts is not None else b"",
        json.dumps(found.next).encode(),
    )
    return Response(body, media_type="application/json")
