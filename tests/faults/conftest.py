"""Systems to be hurt: each module has its own, on the shared broker and database."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from tests.harness import Servers, System
from tests.harness.system import Process

MakeSystem = Callable[..., System]


@pytest.fixture(scope="module")
def make_system(servers: Servers) -> Iterator[MakeSystem]:
    """Makes systems that are stopped with the module."""
    with ExitStack() as stack:

        def make(**options: Any) -> System:
            system = System(servers, **options)
            stack.callback(system.stop)
            return system.start()

        yield make


@pytest.fixture(scope="module")
def system(make_system: MakeSystem) -> System:
    """All services, with time to decide."""
    return make_system()


class Trap:
    """A process that will kill itself at a point, once it is armed."""

    def __init__(self, process: Process, point: str, file: Path) -> None:
        self._process = process
        self._file = file
        process.stop()
        process.start(
            command=("-m", "tests.faults.crash", point, process.service), CRASH_FILE=str(file)
        )

    def arm(self) -> None:
        """Die at the next pass."""
        self._file.touch()

    @property
    def sprung(self) -> bool:
        """Whether it has died of it."""
        return self._process.dead and not self._file.exists()
