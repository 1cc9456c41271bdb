"""Child processes: started, listened to, started again when they die, and stopped."""

import asyncio
import contextlib
import re
import signal
import time
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from pathlib import Path

from shared.embedded import (
    START_SECONDS,
    STOP_SECONDS,
    NotStarted,
    Server,
    die_with_parent,
)

Say = Callable[[str, str], None]
"""Shows people a line of the process named."""

SHORTEST_WAIT = 0.5
LONGEST_WAIT = 30.0
STEADY_SECONDS = 60.0
"""A process that lived so long had a good start: its next wait is short again."""
LONGEST_LINE = 2**20
LAST_LINES = 30

_LEVEL = re.compile(r"\[(debug|info|warning|error|critical) *\]|\b(DEBUG|INFO|WARNING|ERROR)\b")
_LOUD = {"warning", "error", "critical"}


def is_loud(line: str, *, before: bool) -> bool:
    """Whether a log line is a warning or worse; one without a level goes with the line before."""
    if line.startswith("Traceback"):
        return True
    level = _LEVEL.search(line)
    return (level[1] or level[2]).lower() in _LOUD if level else before


def next_wait(wait: float, lived: float) -> float:
    """Seconds before the next start of what waited `wait` before and then lived `lived`."""
    if lived > STEADY_SECONDS:
        return SHORTEST_WAIT
    return max(SHORTEST_WAIT, min(wait * 2, LONGEST_WAIT))


class Child:
    """A server or a service as a child process, its output in a file."""

    def __init__(
        self,
        server: Server,
        environment: Mapping[str, str],
        log: Path,
        *,
        say: Say,
        shows_warnings: bool,
    ) -> None:
        self.name = server.name
        self.up = asyncio.Event()
        """Set once it has been ready."""
        self._server = server
        self._environment = environment
        self._log = log
        self._say = say
        self._shows_warnings = shows_warnings
        self._process: asyncio.subprocess.Process | None = None
        self._last: deque[str] = deque(maxlen=LAST_LINES)
        self._stopping = False
        log.write_bytes(b"")

    @property
    def pid(self) -> int | None:
        """Its process id, while it runs."""
        process = self._process
        return process.pid if process and process.returncode is None else None

    async def keep(
        self, inside: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
    ) -> None:
        """Run it until cancelled; `inside` is entered each time it is ready, left when it dies.

        Raises `NotStarted` if it never was ready; after that it is started again and again.
        """
        wait = 0.0
        while True:
            started = time.monotonic()
            try:
                async with self._running() as died, inside():
                    self._say(self.name, f"died: {await died}")
            except NotStarted as exc:
                if not self.up.is_set():
                    raise
                self._say(self.name, str(exc))
            wait = next_wait(wait, time.monotonic() - started)
            self._say(self.name, f"starts again in {wait:g} s")
            await asyncio.sleep(wait)

    def kill(self) -> None:
        """End it now."""
        if self._process and self._process.returncode is None:
            self._process.kill()

    @asynccontextmanager
    async def _running(self) -> AsyncIterator[asyncio.Task[str]]:
        """Started and ready; stopped after the block. The task ends if it dies, with why."""
        process = await self._start()
        listening = asyncio.create_task(self._listen(process))
        died = asyncio.create_task(self._death(process, listening))
        try:
            await self._wait_until_ready(died)
            yield died
        finally:
            await self._stop(process)
            died.cancel()
            listening.cancel()
            await asyncio.gather(died, listening, return_exceptions=True)

    async def _start(self) -> asyncio.subprocess.Process:
        self._stopping = False
        self._last.clear()
        try:
            self._process = await asyncio.create_subprocess_exec(
                *self._server.command,
                env=self._environment,
                stdin=asyncio.subprocess.DEVNULL,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
                limit=LONGEST_LINE,
                start_new_session=True,  # Ctrl-C is for us: we know the order to stop in
                preexec_fn=die_with_parent(),
            )
        except OSError as exc:
            raise NotStarted(f"{self.name} did not start: {exc}") from exc
        return self._process

    async def _wait_until_ready(self, died: asyncio.Task[str]) -> None:
        limit = time.monotonic() + START_SECONDS
        while died.done() or not self._server.ready():
            if died.done():
                raise NotStarted(f"{self.name} did not start: {died.result()}")
            if time.monotonic() > limit:
                raise NotStarted(f"{self.name} is not ready after {START_SECONDS:g} s")
            await asyncio.wait([died], timeout=0.05)
        self.up.set()

    async def _death(
        self, process: asyncio.subprocess.Process, listening: asyncio.Task[None]
    ) -> str:
        code = await process.wait()
        # its last words; not for ever, a process that it left behind could hold the pipe
        await asyncio.wait([listening], timeout=1)
        if code < 0:
            return signal.Signals(-code).name
        said = self._server.explain("\n".join(self._last))
        return f"exit code {code}: {said} (see {self._log})"

    async def _stop(self, process: asyncio.subprocess.Process) -> None:
        self._stopping = True
        if process.returncode is not None:
            return
        process.terminate()
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            self._say(self.name, f"did not stop in {STOP_SECONDS:g} s and is killed")
            process.kill()
            await process.wait()

    async def _listen(self, process: asyncio.subprocess.Process) -> None:
        output = process.stdout or asyncio.StreamReader()
        loud = False
        with self._log.open("ab") as file:
            while line := await _line(output):
                file.write(line)
                file.flush()
                text = line.decode(errors="replace").rstrip()
                self._last.append(text)
                loud = is_loud(text, before=loud)
                if loud and text and self._shows_warnings and not self._stopping:
                    self._say(self.name, text)


async def _line(stream: asyncio.StreamReader) -> bytes:
    try:
        return await stream.readline()
    except ValueError:
        return b"(a very long line)\n"


@asynccontextmanager
async def kept(*children: Child) -> AsyncIterator[None]:
    """Children run, and run again when they die, for as long as the block lasts."""
    tasks = [asyncio.create_task(child.keep()) for child in children]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def memory_of(pid: int) -> int | None:
    """Bytes of memory of a process, its share of what others use too included, if known."""
    with contextlib.suppress(OSError):
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return None
