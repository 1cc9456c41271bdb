"""`python -m services.notifications`: serve; `… bounce`: note a mail that came back."""

import asyncio
import sys
from functools import partial

import structlog
import typer

from services.notifications import use_cases
from services.notifications.app import service
from services.notifications.bounces import undelivered
from services.notifications.settings import Settings
from shared.cli import command_line
from shared.observability import configure_logging
from shared.service import Service

TRY_AGAIN = 75
"""`EX_TEMPFAIL` of sysexits.h: the mail server keeps the message and comes back with it."""

app = command_line(lambda: service(Settings()))
log = structlog.get_logger()


@app.command()
def bounce() -> None:
    """Read one message on stdin, as a mail server pipes it, and note it if a mail came back."""
    configure_logging("notifications", json=True, level="INFO")
    try:
        names = undelivered(sys.stdin.buffer.read())
        asyncio.run(_note(service(Settings()), names))
    except Exception as exc:
        # its text may hold an address
        log.error("bounce not noted", error=type(exc).__name__)
        raise typer.Exit(TRY_AGAIN) from None


async def _note(parts: Service, names: list[str]) -> None:
    database = parts.database()
    noted = 0
    try:
        for name in names:
            delivery = await database.run(partial(use_cases.note_bounce, name=name))
            if delivery:
                noted += 1
                log.info(
                    "mail bounced",
                    template=delivery.template,
                    case_id=delivery.case_id,
                    recipient=delivery.recipient,
                    state=delivery.state,
                )
    finally:
        database.close()
    if not noted:
        log.info("not a bounce of ours")


if __name__ == "__main__":
    app()
