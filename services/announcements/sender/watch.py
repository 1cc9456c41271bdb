"""Keeping a lease while something takes longer than it lasts."""

import asyncio
import contextlib

import structlog

from shared.database import Lease

log = structlog.get_logger()


class Watch:
    """Whether a lease is ours, asked for again and again."""

    PERIOD = 1.0

    def __init__(self, lease: Lease) -> None:
        self._lease = lease
        self.held = False

    async def run(self) -> None:
        """Keep it until cancelled, then give it back."""
        try:
            while True:
                try:
                    self.held = await self._lease.hold()
                except Exception as exc:
                    self.held = False
                    log.warning("sender waits", error=type(exc).__name__)
                await asyncio.sleep(self.PERIOD)
        finally:
            self.held = False
            with contextlib.suppress(Exception):
                await self._lease.release()
