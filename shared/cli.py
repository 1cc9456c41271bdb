"""The command line that every service has: serve, and look after dead letters."""

import asyncio
from collections.abc import Callable, Iterable, Sequence
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from shared.bus import dead_letters
from shared.bus.dead_letters import DeadLetter
from shared.service import Service, serve

Chosen = Annotated[
    list[str] | None, typer.Argument(help="Ids of dead letters; none means all not replayed.")
]

WIDEST = 10_000
"""Columns that no row fills."""


def command_line(make: Callable[[], Service]) -> typer.Typer:
    """The service's commands; without any, it serves."""
    app = typer.Typer(add_completion=False, help="Without a command: serve.")
    dead = typer.Typer(help="Messages that could not be handled.", no_args_is_help=True)
    app.add_typer(dead, name="dead")

    @app.callback(invoke_without_command=True)
    def main(context: typer.Context) -> None:
        if context.invoked_subcommand is not None:
            return
        try:
            service = make()
            service.check()
        except ValueError as exc:  # pydantic's refusals too: a wrong setting needs no trace
            typer.echo(f"wrong settings: {exc}", err=True)
            raise typer.Exit(2) from None
        serve(service)

    @dead.command("list")
    def list_() -> None:
        """All dead letters, oldest first."""
        print_table(
            ("id", "since", "type", "from", "attempts", "reason", "state"),
            (
                (
                    one.id,
                    one.at.isoformat(timespec="seconds"),
                    one.type,
                    one.origin,
                    one.attempts,
                    one.reason,
                    "lost" if one.is_lost else "replayed" if one.replayed else "parked",
                )
                for one in _read(make())
            ),
        )

    @dead.command()
    def show(letter: str) -> None:
        """One dead letter, with its message as it was."""
        (one,) = _choose(_read(make()), [letter])
        typer.echo(f"{one.reason} (after {one.attempts} attempts, from {one.origin})")
        for name, value in one.headers:
            typer.echo(
                f"{_plain(name)}: {_plain((value or b'').decode(errors='backslashreplace'))}"
            )
        typer.echo(_plain((one.value or b"").decode(errors="backslashreplace")))

    @dead.command()
    def replay(letters: Chosen = None) -> None:
        """Put messages back on their topics, to be handled again."""
        service = make()
        chosen = [one for one in _choose(_read(service), letters) if not one.is_lost]
        asyncio.run(dead_letters.replay(service.settings, chosen))
        typer.echo(f"{len(chosen)} replayed")

    return app


def print_table(columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """Print rows in full, however wide: ids are there to be copied, and lines to be searched."""
    table = Table(*columns, box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(escape(_plain(str(cell))) for cell in row))
    Console(width=WIDEST).print(table)


def _plain(text: str) -> str:
    """A text without what would move a terminal's cursor: others have written it."""
    return "".join(
        one if one.isprintable() or one == "\n" else one.encode("unicode_escape").decode()
        for one in text
    )


def _read(service: Service) -> list[DeadLetter]:
    return asyncio.run(dead_letters.read(service.settings, service.name, service.listens))


def _choose(letters: list[DeadLetter], ids: list[str] | None) -> list[DeadLetter]:
    if not ids:
        return [one for one in letters if not one.replayed]
    chosen = [one for one in letters if one.id in ids]
    if len(chosen) != len(set(ids)):
        raise typer.BadParameter("no dead letter has this id")
    return chosen
