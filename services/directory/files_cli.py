"""`python -m services.directory import …` and `… validate …`, for those who look after files."""

import asyncio
import os
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO, Annotated

import typer
from rich.console import Console
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from services.directory.app import service
from services.directory.domain.sources import SOURCE_NAME
from services.directory.importing.fetching import CannotFetch, fetch, is_url
from services.directory.importing.importer import Report, Told, import_csv
from services.directory.importing.problems import NotACsvFile
from services.directory.importing.tables import FindingTable, OutcomeTable
from services.directory.importing.validator import Finding, Validation, validate
from services.directory.settings import Settings
from shared.database import OUTAGES

SHOWN = 50
"""Things wrong that the terminal shows; `--report` has them all."""
WIDEST = 80
"""Characters of a value that the terminal shows."""
NO_SUCH_FILE, NOT_VALID, NO_DATABASE = 2, 1, 1
WHY: dict[type[OSError], str] = {
    FileNotFoundError: "il n'existe pas",
    IsADirectoryError: "c'est un dossier",
    PermissionError: "vous n'en avez pas le droit",
}

Place = Annotated[
    str, typer.Argument(metavar="FILE_OR_URL", help="A CSV file, here or on the web.")
]
ReportFile = Annotated[
    Path | None, typer.Option(help="Write a CSV with a line for each thing to say of a row.")
]


def _source(name: str) -> str:
    """A source's name, if it is one."""
    if not re.fullmatch(SOURCE_NAME, name):
        raise typer.BadParameter("80 lettres, chiffres, espaces, points ou tirets au plus.")
    return name


def import_file(
    place: Place,
    source: Annotated[str, typer.Option(help="Where the file comes from.", callback=_source)],
    dry_run: Annotated[bool, typer.Option(help="Write nothing, say what would happen.")] = False,
    report: ReportFile = None,
) -> None:
    """Import a CSV file of the national schema."""
    with _opened(place) as (file, bar), _table(report) as text:
        told = OutcomeTable(text).add if text else None
        with bar:
            done = asyncio.run(_import(file, source, bar, dry_run=dry_run, told=told))
    console = Console(highlight=False)
    for error in done.errors[:SHOWN]:
        _say(console, error.line, error.field, error.value, f"{error.rule} : {error.message}")
    _say_more(console, len(done.errors) + done.more_errors)
    for note in done.notes:
        console.print(note, markup=False)
    prefix = "À blanc, rien n'est écrit : " if dry_run else ""
    console.print(
        f"{prefix}{done.created} créés, {done.updated} modifiés, {done.unchanged} inchangés, "
        f"{done.refused} refusés, {done.noted} avec une remarque, "
        f"{done.kept} où l'annuaire garde une valeur, "
        f"{done.absent} absents de la source",
        soft_wrap=True,
    )


async def _import(
    file: IO[bytes], source: str, bar: Progress, *, dry_run: bool, told: Told | None
) -> Report:
    database = service(Settings()).database()
    try:
        await database.ensure_indexes(service(Settings()).all_indexes)
        advance = _advance(bar, file)
        return await import_csv(
            database, file, source, lambda done: advance(done.rows), dry_run=dry_run, told=told
        )
    finally:
        database.close()


def validate_file(place: Place, report: ReportFile = None) -> None:
    """Say whether a CSV file is valid by the national schema, and what an import would do."""
    with _opened(place) as (file, bar), _table(report) as text:
        told: Callable[[Finding], None] = FindingTable(text).add if text else lambda _: None
        with bar:
            advance = _advance(bar, file)
            found = validate(file, told, lambda done: advance(done.rows))
    console = Console(highlight=False)
    for one in found.findings[:SHOWN]:
        verdict = "refusé" if one.outcome == "refused" else "pris"
        _say(console, one.line, one.field, one.value, f"{verdict} · {one.rule} : {one.message}")
    _say_more(console, len(found.findings) + found.more_findings)
    for note in found.notes:
        console.print(note, markup=False)
    console.print(_verdict(found), soft_wrap=True)
    if not found.valid:
        raise typer.Exit(NOT_VALID)


def _verdict(found: Validation) -> str:
    is_valid = "est valide" if found.valid else "n'est pas valide"
    return (
        f"Le fichier {is_valid} selon le schéma national v1.0.2 : {found.rows} lignes, "
        f"{found.breaking} hors du schéma. Un import en refuserait {found.refused}, "
        f"et en prendrait {found.noted} avec une remarque."
    )


def _say(console: Console, line: int, field: str, value: str, what: str) -> None:
    # a cell may hold anything, signs that move a terminal's cursor too
    shown = "".join(sign if sign.isprintable() else " " for sign in value)[:WIDEST]
    parts = [f"ligne {line}", field, f"« {shown} »" if shown else "", what]
    console.print(" · ".join(filter(None, parts)), markup=False, soft_wrap=True)


def _say_more(console: Console, found: int) -> None:
    if found > SHOWN:
        console.print(f"… et {found - SHOWN} autres, tous dans le rapport (--report).")


@contextmanager
def _opened(place: str) -> Iterator[tuple[IO[bytes], Progress]]:
    """The file with a bar for its reading; a file that is none ends the command in a line."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %  {task.fields[rate]}"),
        TimeRemainingColumn(),
    )
    bar = Progress(*columns, console=Console(stderr=True))
    with ending_in_a_line(place), ExitStack() as stack:
        if is_url(place):
            file: IO[bytes] = stack.enter_context(TemporaryFile())
            with bar:
                task = bar.add_task("téléchargement", total=None, rate="")
                fetch(place, file, partial(_fetched, bar, task))
        else:
            file = stack.enter_context(Path(place).open("rb"))
        yield file, bar


@contextmanager
def ending_in_a_line(place: str) -> Iterator[None]:
    """End a command that cannot do its work in a line, for people; `place` is its file's."""
    try:
        yield
    except BrokenPipeError:
        # whoever read the output has enough of it
        raise
    except (NotACsvFile, CannotFetch) as exc:
        typer.echo(exc.detail or exc.title, err=True)
        raise typer.Exit(NO_SUCH_FILE) from None
    except OSError as exc:
        why = WHY.get(type(exc), exc.strerror)
        typer.echo(f"{place} ne s'ouvre pas : {why}.", err=True)
        raise typer.Exit(NO_SUCH_FILE) from None
    except OUTAGES:
        typer.echo("La base de données ne répond pas (MONGO_URL).", err=True)
        raise typer.Exit(NO_DATABASE) from None


def _fetched(bar: Progress, task: TaskID, came: int, total: int | None) -> None:
    bar.update(task, completed=came, total=total, rate=f"{came / 1024**2:.1f} Mio")


def _advance(bar: Progress, file: IO[bytes]) -> Callable[[int], None]:
    """What moves the bar: the file's bytes are its length, its rows give the rate."""
    size = os.fstat(file.fileno()).st_size
    task = bar.add_task("lecture", total=size, rate="")

    def advance(rows: int) -> None:
        elapsed = bar.tasks[-1].elapsed or 0
        rate = f"{rows} lignes, {rows / elapsed:.0f}/s" if elapsed else ""
        bar.update(task, completed=file.tell(), rate=rate)

    return advance


@contextmanager
def _table(report: Path | None) -> Iterator[IO[str] | None]:
    if report is None:
        yield None
        return
    with ending_in_a_line(str(report)):
        text = report.open("w", encoding="utf-8", newline="")
    with text:
        yield text
