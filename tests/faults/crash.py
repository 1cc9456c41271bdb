"""Runs a service that kills itself (`kill -9`) at a named point, when a test arms it.

`python -m tests.faults.crash POINT SERVICE`, armed by creating the file named by CRASH_FILE:
the first time the point is passed after that, the file goes and so does the process. The
services' code knows nothing of this.
"""

import os
import runpy
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from services.notifications.store import Outgoing
from shared.bus.delivery import Delivery
from shared.bus.outbox import Relay
from shared.database import Transaction

Method = Callable[..., Awaitable[Any]]

POINTS: dict[str, tuple[type[Any], str, str]] = {
    # rows and events are written, not committed
    "before-commit": (Transaction, "flush", "after"),
    # Kafka has the messages, the outbox does not know it
    "published-not-marked": (Relay, "_mark", "before"),
    # the handler has run, its transaction is open
    "handled-not-committed": (Delivery, "_apply", "after"),
    # the effects are there, the offset is not
    "committed-not-acknowledged": (Delivery, "_settled", "before"),
    # the mail server has the mail, the delivery row does not say so
    "mailed-not-noted": (Outgoing, "note_sent", "before"),
}


def die_if_armed() -> None:
    """`kill -9` ourselves, once."""
    armed = Path(os.environ["CRASH_FILE"])
    if armed.exists():
        armed.unlink()
        os.kill(os.getpid(), signal.SIGKILL)


def _instrument(point: str) -> None:
    owner, name, when = POINTS[point]
    original = getattr(owner, name)

    def dying(*args: Any, **kwargs: Any) -> Any:
        die_if_armed()
        return original(*args, **kwargs)

    async def dying_after(*args: Any, **kwargs: Any) -> Any:
        result = await original(*args, **kwargs)
        die_if_armed()
        return result

    setattr(owner, name, dying if when == "before" else dying_after)


if __name__ == "__main__":
    _, point, service = sys.argv
    _instrument(point)
    sys.argv = [f"services.{service}"]
    runpy.run_module(f"services.{service}", run_name="__main__", alter_sys=True)
