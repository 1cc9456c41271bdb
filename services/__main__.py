"""`python -m services`: run the whole system on this machine, and look at it."""

import mailbox
import time
from email.header import decode_header, make_header
from email.message import Message
from pathlib import Path
from typing import Annotated

import typer

from shared.embedded import NotStarted

app = typer.Typer(add_completion=False, help="Without a command: up.")

Folder = Annotated[Path, typer.Option(help="Where data, keys, mails and logs are kept.")]
VenueFile = Annotated[
    Path | None, typer.Option(exists=True, dir_okay=False, help="A CSV file of venues to import.")
]
VAR = Path("var")


@app.callback(invoke_without_command=True)
def main(context: typer.Context, file: VenueFile = None, folder: Folder = VAR) -> None:
    """Run the whole system on this machine, for development."""
    if context.invoked_subcommand is None:
        up(file, folder)


@app.command()
def up(file: VenueFile = None, folder: Folder = VAR) -> None:
    """Start everything and keep it running until Ctrl-C."""
    started = time.monotonic()
    from services import supervisor  # noqa: PLC0415 - the other commands answer at once

    try:
        supervisor.up(folder, file, started=started)
    except (NotStarted, supervisor.AlreadyRunning) as problem:
        typer.echo(problem, err=True)
        raise typer.Exit(1) from None


@app.command()
def token(
    name: str,
    role: Annotated[list[str] | None, typer.Option(help="moderator, admin, partner…")] = None,
    email: Annotated[str | None, typer.Option(help="For mails to this person.")] = None,
    days: float = 1,
    folder: Folder = VAR,
) -> None:
    """Print a token for somebody, signed with the development key."""
    from services import supervisor  # noqa: PLC0415

    key = supervisor.development_keys(folder)["JWT_KEY"]
    typer.echo(supervisor.token(key, name, roles=role or [], email=email, days=days))


@app.command()
def mails(last: int = 10, folder: Folder = VAR) -> None:
    """List the last mails that were sent, and the text of the very last."""
    path = folder / "mails"
    found = list(mailbox.Maildir(path, create=False)) if path.is_dir() else []
    found.sort(key=lambda mail: mail.get_date())
    for mail in found[-last:]:
        date = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(mail.get_date()))
        typer.echo(f"{date}  {_header(mail, 'to')}  {_header(mail, 'subject')}")
    typer.echo("\n" + _text(found[-1]) if found else "No mail yet.")


def _header(mail: Message, name: str) -> str:
    return str(make_header(decode_header(mail.get(name, ""))))


def _text(mail: Message) -> str:
    for part in mail.walk():
        content = part.get_payload(decode=True)
        if part.get_content_type() == "text/plain" and isinstance(content, bytes):
            return content.decode(part.get_content_charset() or "utf-8", errors="replace")
    return "(no text)"


@app.command()
def demo(folder: Folder = VAR) -> None:
    """Show the main story on the running system."""
    from services.demo import demo as play  # noqa: PLC0415

    play(folder)


if __name__ == "__main__":
    app()
