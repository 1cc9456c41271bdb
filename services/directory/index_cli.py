"""`python -m services.directory index …`, for those who look after a search index."""

import asyncio

import rich
import typer
from rich.progress import MofNCompleteColumn, Progress

from services.directory.app import service
from services.directory.search import build
from services.directory.search.folder import Folder, InUse
from services.directory.settings import Settings

index = typer.Typer(help="The search index of one process.", no_args_is_help=True)


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
