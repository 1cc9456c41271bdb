"""Files of sheets."""

from tempfile import SpooledTemporaryFile
from typing import Annotated, Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, StringConstraints

from services.directory.importing.importer import import_csv
from shared.auth import Admin
from shared.errors import InvalidField, InvalidInput
from shared.service import RequestDatabase

router = APIRouter()

LARGEST_IMPORT = 64 * 1024 * 1024
IN_MEMORY = 1024 * 1024

Source = Annotated[str, StringConstraints(pattern=r"^[\w .-]{1,80}$")]


class ImportReport(BaseModel):
    """What became of each row of a file."""

    created: int
    updated: int
    unchanged: int
    refused: int
    absent: int
    """Venues that the source had and the file has not."""
    errors: list[dict[str, Any]]


@router.post("/imports", max_body_size=LARGEST_IMPORT)
async def import_venues(
    request: Request, database: RequestDatabase, _: Admin, source: Source, dry_run: bool = False
) -> ImportReport:
    """Import a CSV file of the national schema (the request's body); for admins.

    A dry run writes nothing, and says what would happen.
    """
    media_type, *_rest = request.headers.get("content-type", "").partition(";")
    if media_type.strip().lower() != "text/csv":
        message = "Le fichier doit être envoyé comme text/csv."
        raise InvalidInput(invalid=[InvalidField("content-type", "media_type", message)])
    with SpooledTemporaryFile(max_size=IN_MEMORY) as file:
        async for chunk in request.stream():
            file.write(chunk)
        file.seek(0)
        report = await import_csv(database, file, source, dry_run=dry_run)
    return ImportReport.model_validate(report.as_json())
