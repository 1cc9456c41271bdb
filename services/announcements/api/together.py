"""Deliveries that come at the same time are stored in one transaction.

A commit costs more than a row: under load each transaction takes all that came during the one
before, and one that comes alone waits for nobody.
"""

import asyncio
from collections.abc import Mapping
from contextvars import Context
from typing import Any

from services.announcements.domain.partners import Partner
from services.announcements.store.partners import MOST_AT_ONCE, known_partner
from services.announcements.use_cases import intake
from services.announcements.use_cases.intake import Arrival
from shared.database import Database

Answer = Mapping[str, Any]


class Together:
    """Belongs to the event loop of its process."""

    def __init__(self) -> None:
        self._reading: dict[str, asyncio.Task[Partner | None]] = {}
        self._waiting: list[tuple[Arrival, asyncio.Future[Answer]]] = []
        self._storing: asyncio.Task[None] | None = None

    async def partner(self, database: Database, slug: str) -> Partner | None:
        """A partner, by one read for all who ask meanwhile."""
        reading = self._reading.get(slug)
        if reading is None:
            reading = asyncio.create_task(known_partner(database, slug), context=Context())
            self._reading[slug] = reading
            reading.add_done_callback(lambda _: self._reading.pop(slug, None))
        return await asyncio.shield(reading)

    async def store(self, database: Database, arrival: Arrival) -> Answer:
        """The answer once the delivery is committed; raises what its own refusal is."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._waiting.append((arrival, answer))
        if self._storing is None or self._storing.done():
            # in no request's context: each delivery brings its own
            self._storing = asyncio.create_task(self._store_all(database), context=Context())
        return await answer

    async def _store_all(self, database: Database) -> None:
        while self._waiting:
            batch, self._waiting = self._waiting[:MOST_AT_ONCE], self._waiting[MOST_AT_ONCE:]
            arrivals = [arrival for arrival, _ in batch]
            answers: list[Any]
            try:
                answers = list(await database.run(lambda tx: intake.store(tx, arrivals)))  # noqa: B023
            except Exception as exc:
                answers = [exc] * len(batch)
            for (_, waiting), answer in zip(batch, answers, strict=True):
                if not waiting.done():
                    _settle(waiting, answer)


def _settle(waiting: asyncio.Future[Answer], answer: Answer | Exception) -> None:
    if isinstance(answer, Exception):
        waiting.set_exception(answer)
    else:
        waiting.set_result(answer)
