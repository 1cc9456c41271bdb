"""`python -m services.directory export …` and `… dump …`, for those who look after files."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import IO, Annotated

import typer
from rich.console import Console
from rich.progress import MofNCompleteColumn, Progress

from services.directory.app import service
from services.directory.exporting import dump, files
from services.directory.exporting.formats import Form, FormName, form
from services.directory.exporting.streams import all_venues, count
from services.directory.files_cli import ending_in_a_line
from services.directory.settings import Settings
from shared.database import Database, now


def export_file(
    format_: Annotated[FormName, typer.Option("--format", help="The form of the file.")] = "csv",
    extended: Annotated[bool, typer.Option(help="Also say where each value comes from.")] = False,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The file; standard output if none.")
    ] = None,
) -> None:
    """Write the whole directory to a file."""
    made = form(format_, extended=extended)
    if output is None:
        with ending_in_a_line("la sortie"):
            asyncio.run(_export(made, sys.stdout.buffer))
        return
    with ending_in_a_line(str(output)), files.whole(output) as file:
        asyncio.run(_export(made, file))


async def _export(made: Form, file: IO[bytes]) -> None:
    # not on standard output: the file may go there
    console = Console(stderr=True)
    columns = (*Progress.get_default_columns(), MofNCompleteColumn())
    async with _database() as database:
        with Progress(*columns, console=console) as bar:
            task = bar.add_task("fiches", total=await database.run(count))
            await files.write(
                made, all_venues(database), file, lambda sheets: bar.update(task, completed=sheets)
            )


def dump_folder(
    folder: Annotated[Path, typer.Argument(help="Where dumps are kept.", file_okay=False)],
) -> None:
    """Make a dump of open data now, and remove those that are out of date."""
    try:
        with ending_in_a_line(str(folder)):
            made = asyncio.run(_dump(folder))
    except dump.Abandoned:
        typer.echo("un autre processus y écrit un export en ce moment", err=True)
        raise typer.Exit(1) from None
    typer.echo(made)


async def _dump(folder: Path) -> Path:
    async with _database() as database:
        return await dump.make_dump(
            all_venues(database), folder, made_at=now(), kept=Settings().dumps_kept
        )


@asynccontextmanager
async def _database() -> AsyncIterator[Database]:
    database = service(Settings()).database()
    try:
        yield database
    finally:
        database.close()
