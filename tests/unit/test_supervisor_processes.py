"""Child processes of the supervisor: what is shown, how long to wait, why one did not start."""

import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from services import processes
from services.processes import LONGEST_WAIT, SHORTEST_WAIT, Child, is_loud, kept, next_wait
from shared import embedded
from shared.embedded import NotStarted, Server

SECONDS = 20
LONG = "import time; time.sleep(60)"


@pytest.fixture(autouse=True)
def _quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processes, "SHORTEST_WAIT", 0.01)


class Screen:
    """What a child has people read."""

    def __init__(self) -> None:
        self.lines: list[str] = []
        self._more = asyncio.Event()

    def say(self, name: str, text: str) -> None:
        self.lines.append(f"{name}: {text}")
        self._more.set()

    async def shows(self, words: str, times: int = 1) -> None:
        """Return once a line with these words was shown so often."""
        async with asyncio.timeout(SECONDS):
            while sum(words in line for line in self.lines) < times:
                self._more.clear()
                await self._more.wait()


def python(program: str, *, ready: bool = True, **troubles: str) -> Server:
    command = (sys.executable, "-c", program)
    return Server("toy", command, ready=lambda: ready, troubles=troubles)


def child(server: Server, folder: Path, screen: Screen) -> Child:
    return Child(server, {}, folder / "toy.log", say=screen.say, shows_warnings=True)


@pytest.mark.parametrize(
    ("line", "before", "loud"),
    [
        ("2026-01-01T00:00:00Z [info     ] request ms=3", True, False),
        ("2026-01-01T00:00:00Z [warning  ] relay waits", False, True),
        ("2026-01-01T00:00:00Z [error    ] dead letter", False, True),
        ("2026-01-01 00:00:00,000 INFO server: listening", True, False),
        ("2026-01-01 00:00:00,000 WARNING server: slow", False, True),
        ("Traceback (most recent call last):", False, True),
        ('  File "app.py", line 1, in <module>', True, True),
        ("  a line that goes on", False, False),
        ("an ERRORLESS line", False, False),
    ],
)
def test_warnings_are_loud_with_the_lines_that_follow(line: str, before: bool, loud: bool) -> None:
    assert is_loud(line, before=before) is loud


def test_waits_double_up_to_a_limit_and_are_short_again_after_a_good_start() -> None:
    waits = [next_wait(0, 1)]
    for _ in range(20):
        waits.append(next_wait(waits[-1], 1))

    assert waits[1:3] == [waits[0] * 2, waits[0] * 4]
    assert waits[-1] == LONGEST_WAIT
    assert next_wait(LONGEST_WAIT, 3600) == processes.SHORTEST_WAIT < SHORTEST_WAIT


async def test_a_dead_child_starts_again_and_says_so(tmp_path: Path) -> None:
    screen = Screen()
    async with kept(child(python("raise SystemExit('tired')"), tmp_path, screen)):
        await screen.shows("starts again in 0.01 s")
        await screen.shows("starts again in 0.02 s")

    assert "toy: died: exit code 1: tired" in screen.lines[0]
    assert (tmp_path / "toy.log").read_text().startswith("tired\ntired\n")


async def test_what_lives_inside_starts_again_with_its_server(tmp_path: Path) -> None:
    screen = Screen()
    outer = child(python(LONG), tmp_path, screen)
    entered: list[int | None] = []

    @asynccontextmanager
    async def inside() -> AsyncIterator[None]:
        entered.append(outer.pid)
        screen.say("inside", "in")
        outer.kill()
        yield
        screen.say("inside", "out")

    task = asyncio.create_task(outer.keep(inside))
    await screen.shows("inside: in", times=2)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert screen.lines[1:3] == ["toy: died: SIGKILL", "inside: out"]
    assert len(set(entered)) == len(entered)
    assert outer.pid is None


async def test_only_warnings_reach_the_screen_and_everything_the_log(tmp_path: Path) -> None:
    screen = Screen()
    program = (
        f"print('[info     ] all is well'); print('[warning  ] look here', flush=True); {LONG}"
    )
    async with kept(child(python(program), tmp_path, screen)):
        await screen.shows("look here")

    assert screen.lines == ["toy: [warning  ] look here"]
    assert "all is well" in (tmp_path / "toy.log").read_text()


async def test_a_server_that_cannot_start_says_why_in_plain_words(tmp_path: Path) -> None:
    server = python("raise SystemExit('bad entryFormat 3')", ready=False, entryFormat="Too old.")
    toy = child(server, tmp_path, Screen())

    with pytest.raises(NotStarted, match=r"toy did not start: exit code 1: Too old\."):
        await toy.keep()


async def test_a_program_that_is_missing_is_said(tmp_path: Path) -> None:
    server = Server("toy", (str(tmp_path / "nothing"),), ready=lambda: True)

    with pytest.raises(NotStarted, match="No such file"):
        await child(server, tmp_path, Screen()).keep()


def test_the_store_of_another_version_is_explained_and_kept(tmp_path: Path) -> None:
    server = embedded.database(tmp_path / "database", 1)
    said = "IncompatibleStorageFormatError: … is entryFormat 3, but this build requires 4."

    why = server.explain(said)

    assert "another version" in why
    assert "Nothing was deleted" in why
    assert str(tmp_path / "database") in why
