"""Files of the directory, written while they are sent."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import Field

from services.directory.api.filters import Filters
from services.directory.api.parameters import REFUSED, parameters_of, read
from services.directory.domain.venues import day
from services.directory.exporting.formats import FORMS, FormName, form
from services.directory.exporting.streams import all_venues, begun, found_venues, written
from services.directory.search.query import Query
from shared.database import now
from shared.service import RequestDatabase

router = APIRouter()

_FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file",
        "content": {one.media_type.partition(";")[0]: {} for one in FORMS},
    },
    **REFUSED,
}


class Export(Filters):
    """Which sheets, and how much of them."""

    extended: bool = Field(
        False,
        description="Avec la révision de chaque fiche, et l'origine de chacune de ses valeurs.",
    )


@router.head("/exports/venues.{name}", include_in_schema=False)
@router.get(
    "/exports/venues.{name}",
    response_class=StreamingResponse,
    openapi_extra={"parameters": parameters_of(Export)},
    responses=_FILES,
)
async def export_venues(
    request: Request, database: RequestDatabase, name: Annotated[FormName, Path()]
) -> Response:
    """All sheets, or those of a search, as a file: CSV of the national schema, JSON forms."""
    asked = read(request, Export)
    query = asked.query(request.app.state.communes)
    made = form(name, extended=asked.extended)
    headers = {
        "Content-Disposition": f'attachment; filename="lieux-{day(now())}.{name}"',
        "Cache-Control": "no-cache",
    }
    if request.method == "HEAD":
        answer = Response(headers=headers, media_type=made.media_type)
        # nobody knows it before the file is written
        del answer.headers["content-length"]
        return answer
    if query == Query():
        # the whole directory needs no index, and is told in the list's order
        pages = all_venues(database)
    else:
        pages = found_venues(database, request.app.state.search.index, query)
    return StreamingResponse(
        written(made, await begun(pages)), headers=headers, media_type=made.media_type
    )
