"""Files of sheets."""

from collections.abc import Iterator
from contextlib import ExitStack
from tempfile import TemporaryFile
from typing import IO, Annotated, Any

from fastapi import APIRouter, Request, Response
from fastapi.responses import StreamingResponse
from pydantic import BaseModel, StringConstraints

from services.directory.api.files import CSV, sent_file, wants_csv
from services.directory.domain.sources import SOURCE_NAME
from services.directory.importing.importer import import_csv
from services.directory.importing.tables import OutcomeTable
from shared.auth import Admin
from shared.database import Database
from shared.service import RequestDatabase

router = APIRouter()

LARGEST_IMPORT = 64 * 1024 * 1024
"""Bytes; a larger file goes in by the command line."""
CHUNK = 64 * 1024

Source = Annotated[str, StringConstraints(pattern=SOURCE_NAME)]


class RowErrorOut(BaseModel):
    """What is wrong with a refused row: its line in the file, and the rule that it breaks."""

    line: int
    id: str
    field: str
    value: str
    rule: str
    message: str
    suggestion: str | None
    """What was probably meant; empty for an empty cell."""


class ImportReport(BaseModel):
    """What became of each row of a file."""

    created: int
    updated: int
    unchanged: int
    refused: int
    noted: int
    """Rows that were taken with a change, or in doubt; `text/csv` names them."""
    kept: int
    """Sheets where the venue keeps a value though the source has another, or none any more:
    a manager's word, a fresher one, an address without coordinates; `text/csv` names them."""
    absent: int
    """Venues that the source had and the file has not."""
    notes: list[str]
    """How the file was read, where that is not what the standard asks for."""
    errors: list[RowErrorOut]
    """The first thousand."""
    more_errors: int


@router.post(
    "/imports",
    max_body_size=LARGEST_IMPORT,
    response_model=ImportReport,
    responses={200: {"content": {CSV: {"schema": {"type": "string"}}}}},
)
async def import_venues(
    request: Request, database: RequestDatabase, _: Admin, source: Source, dry_run: bool = False
) -> Any:
    """Import a CSV file of the national schema (the request's body, at most 64 MiB); for admins.

    A dry run writes nothing, and says what would happen. With `Accept: text/csv`, the answer is a
    table with the outcome of every row.
    """
    async with sent_file(request) as file:
        if wants_csv(request):
            return await _import_with_table(database, file, source, dry_run=dry_run)
        report = await import_csv(database, file, source, dry_run=dry_run)
    return report.as_json()


async def _import_with_table(
    database: Database, file: IO[bytes], source: str, *, dry_run: bool
) -> Response:
    with ExitStack() as stack:
        text = stack.enter_context(TemporaryFile("w+", encoding="utf-8", newline=""))
        await import_csv(database, file, source, dry_run=dry_run, told=OutcomeTable(text).add)
        # the answer goes out after this: it closes the file
        return StreamingResponse(_chunks(text, stack.pop_all()), media_type=CSV)


def _chunks(text: IO[str], owner: ExitStack) -> Iterator[str]:
    with owner:
        text.seek(0)
        while chunk := text.read(CHUNK):
            yield chunk
