"""`python -m services.directory`: serve; `… import FILE`; `… index rebuild`; `… dead list`."""

import asyncio
import os
from pathlib import Path
from typing import Annotated

import rich
import typer
from rich.progress import MofNCompleteColumn, Progress

from services.directory.app import service
from services.directory.importing.importer import Report, import_csv
from services.directory.search import build
from services.directory.search.folder import Folder, InUse
from services.directory.settings import Settings
from shared.cli import command_line

app = command_line(lambda: service(Settings()))


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    source: Annotated[str, typer.Option(help="Where the file comes from.")],
) -> None:
    """Import a CSV file of the national schema."""
    report = asyncio.run(_import(file, source))
    for error in report.errors:
        rich.print(
            f"ligne {error.line} · {error.field} · « {error.value} » · "
            f"{error.rule} : {error.message}"
        )
    rich.print(
        f"{report.created} créés, {report.updated} modifiés, "
        f"{report.unchanged} inchangés, {report.refused} refusés"
    )


async def _import(file: Path, source: str) -> Report:
    database = service(Settings()).database()
    try:
        await database.ensure_indexes(service(Settings()).all_indexes)
        with Progress() as bar, file.open("rb") as raw:
            task = bar.add_task(file.name, total=os.fstat(raw.fileno()).st_size)
            return await import_csv(
                database, raw, source, lambda _: bar.update(task, completed=raw.tell())
            )
    finally:
        database.close()


index = typer.Typer(help="The search index of one process.", no_args_is_help=True)
app.add_typer(index, name="index")


@index.callback()
def _index() -> None:
    """Have a group, though it has one command so far."""


@index.command()
def rebuild() -> None:
    """Build the index of SEARCH_INDEX again from the sheets; whoever answers from it takes it."""
    settings = Settings()
    if settings.search_folder is None:
        typer.echo("SEARCH_INDEX is not set: each process builds its own when it starts", err=True)
        raise typer.Exit(2)
    try:
        count = asyncio.run(_rebuild(settings, Folder(settings.search_folder)))
    except InUse as exc:
        typer.echo(str(exc), err=True)
        raise typer.Exit(1) from None
    rich.print(f"{count} fiches")


async def _rebuild(settings: Settings, folder: Folder) -> int:
    database = service(settings).database()
    try:
        with Progress(*Progress.get_default_columns(), MofNCompleteColumn()) as bar:
            task = bar.add_task("index", total=None)
            return await build.rebuild(
                folder,
                database,
                lambda done, places: bar.update(task, completed=done, total=places),
            )
    finally:
        database.close()


if __name__ == "__main__":
    app()
