"""Files of the directory, written while they are sent."""

from typing import Annotated, Any

from fastapi import APIRouter, Path, Query
from fastapi.responses import StreamingResponse
from pydantic import BaseModel

from services.directory.domain.venues import day
from services.directory.exporting.formats import FORMS, FormName, form
from services.directory.exporting.streams import all_venues, begun, written
from shared.database import now
from shared.service import RequestDatabase

router = APIRouter()

_FILES: dict[int | str, dict[str, Any]] = {
    200: {
        "description": "The file",
        "content": {one.media_type.partition(";")[0]: {} for one in FORMS},
    }
}


class Asked(BaseModel):
    """Which sheets, and how much of them."""

    extended: bool = False
    """With each sheet's revision and where each of its values comes from."""


@router.get("/exports/venues.{name}", response_class=StreamingResponse, responses=_FILES)
async def export_venues(
    database: RequestDatabase,
    name: Annotated[FormName, Path()],
    asked: Annotated[Asked, Query()],
) -> StreamingResponse:
    """The directory as a file: CSV of the national schema, NDJSON, JSON or GeoJSON."""
    pages = await begun(all_venues(database))
    made = form(name, extended=asked.extended)
    headers = {
        "Content-Disposition": f'attachment; filename="lieux-{day(now())}.{name}"',
        "Cache-Control": "no-cache",
    }
    return StreamingResponse(written(made, pages), headers=headers, media_type=made.media_type)
