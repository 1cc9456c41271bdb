"""The loop that makes the daily dump of open data, in one process at a time."""

import asyncio
from pathlib import Path

import structlog
from prometheus_client import Counter

from services.directory.domain.dumps import is_due
from services.directory.exporting.dump import Abandoned, make_dump, names
from services.directory.exporting.streams import all_venues, count
from services.directory.settings import Settings
from shared.database import OUTAGES, Database, Lease, Watch, now
from shared.observability import trace_of

POLL = 1.0
"""Seconds between two looks."""
PAUSE = 60.0
"""Seconds after a failure: a full disk is no less full a second later."""
STILL = 5.0
"""Seconds without a new sheet after which no import is under way: half of a file is no dump."""

DUMPS = Counter("mednum_dumps_total", "Dumps of open data by outcome", ["outcome"])

_LATER: tuple[type[Exception], ...] = (*OUTAGES, Abandoned)

log = structlog.get_logger()


async def make_dumps(settings: Settings, folder: Path, database: Database) -> None:
    """Make what is due until cancelled; what was missed while nobody ran is made at the start."""
    watch = Watch(Lease(database, "dump"))
    watching = asyncio.create_task(watch.run())
    try:
        while True:
            pause = POLL
            try:
                if watch.held and await _is_due(settings, folder, database):
                    await _make(settings, folder, database, watch)
            except _LATER as exc:
                log.warning("dump waits", error=type(exc).__name__)
            except Exception as exc:
                DUMPS.labels("failed").inc()
                log.error("dump failed", error=type(exc).__name__, trace=trace_of(exc))
                pause = PAUSE
            await asyncio.sleep(pause)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def _is_due(settings: Settings, folder: Path, database: Database) -> bool:
    made = await asyncio.to_thread(names, folder)
    if not is_due(made, now(), settings.dump_at):
        return False
    sheets = await database.run(count)
    await asyncio.sleep(STILL)
    # before the first import there is nothing to publish
    return 0 < sheets == await database.run(count)


async def _make(settings: Settings, folder: Path, database: Database, watch: Watch) -> None:
    pages = all_venues(database)
    made = await make_dump(
        pages, folder, made_at=now(), kept=settings.dumps_kept, may_go_on=lambda: watch.held
    )
    DUMPS.labels("made").inc()
    log.info("dump made", dump=made.name)
