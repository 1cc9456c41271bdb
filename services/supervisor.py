"""The whole system on one machine, for development: what runs, on what, waiting for what.

Embedded broker, database and mail server (unless `KAFKA_URL`, `MONGO_URL`, `SMTP_HOST` name real
ones), then each service as a child process: the topology of production.
"""

import asyncio
import fcntl
import json
import os
import secrets
import signal
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, closing, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any

import httpx
from joserfc import jwt
from joserfc.jwk import OctKey
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text
from tenacity import retry, retry_if_exception_type, wait_fixed

from services.processes import Child, kept, memory_of
from shared import embedded
from shared.bus import outbox
from shared.database import OUTAGES, Database
from shared.embedded import HOST, Server
from shared.settings import ServiceSettings

PORTS = {"directory": 8001, "moderation": 8002, "announcements": 8003, "notifications": 8004}
SAMPLE = Path(__file__).parent / "directory" / "sample" / "lieux.csv"
DEFAULTS = {
    "REVIEW_PERIOD": "P7D",
    "MODERATORS": "moderation@mednum.example",
    # somebody who tries our webhooks receives them on this machine
    "PRIVATE_NETWORKS": '["127.0.0.0/8"]',
    # all services are there, whatever their ports
    "OWN_HOSTS": f'["localhost", "{HOST}"]',
}
IMPATIENCE = 15.0
"""Seconds after which people are told what is not ready yet."""
LONGEST_IMPORT = 900.0
LONGEST_INDEXING = 60.0
SHOWN_ERRORS = 5

_COLOURS = {
    "mednum": "bold",
    "broker": "magenta",
    "database": "yellow",
    "mail": "blue",
    "directory": "green",
    "moderation": "cyan",
    "announcements": "bright_magenta",
    "notifications": "bright_blue",
}

console = Console(highlight=False)


class AlreadyRunning(Exception):
    """Another supervisor has this folder."""


def say(name: str, text: str) -> None:
    """Show a line of one process."""
    prefix = (f"{name:>13} │ ", _COLOURS.get(name, ""))
    # a terminal that was closed must not keep us from stopping everything
    with suppress(OSError):
        console.print(Text.assemble(prefix, text), soft_wrap=True)


def development_keys(folder: Path) -> dict[str, str]:
    """`JWT_KEY` and `LINK_KEY` of a folder, made the first time; the environment's go first."""
    path = folder / "dev-secrets.json"
    folder.mkdir(parents=True, exist_ok=True)
    with suppress(FileExistsError):
        made = {name: secrets.token_urlsafe(48) for name in ("JWT_KEY", "LINK_KEY")}
        with os.fdopen(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600), "w") as file:
            json.dump(made, file)
    keys: dict[str, str] = json.loads(path.read_text())
    return {name: os.environ.get(name) or key for name, key in keys.items()}


DAY = 86_400


def token(
    key: str, name: str, *, roles: Sequence[str] = (), email: str | None = None, days: float = 1
) -> str:
    """A token for somebody of this name, signed with the development key."""
    claims: dict[str, Any] = {
        "sub": "-".join(name.lower().split()),
        "name": name,
        "roles": list(roles),
        "exp": int(time.time() + days * DAY),
        # old enough to support and object
        "created_at": int(time.time() - 30 * DAY),
    }
    if email:
        claims["email"] = email
    return jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(key))


def up(folder: Path, file: Path | None, *, started: float) -> None:
    """Run everything until Ctrl-C or SIGTERM.

    Raises `AlreadyRunning`, or `NotStarted` when a server cannot run.
    """
    folder.mkdir(parents=True, exist_ok=True)
    with locked(folder):
        asyncio.run(_until_told_to_stop(System(folder, file, started=started)))


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """The folder is this process's alone for the block; raises `AlreadyRunning`."""
    with (folder / "lock").open("a+") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.seek(0)
            raise AlreadyRunning(f"{folder} is in use by process {lock.read()}") from None
        lock.truncate(0)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


async def _until_told_to_stop(system: "System") -> None:
    running = asyncio.create_task(system.run())

    def stop() -> None:
        if running.cancelling():
            say("mednum", "killing")
            system.kill()
        else:
            say("mednum", "stopping (Ctrl-C again to kill)")
            running.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        asyncio.get_running_loop().add_signal_handler(number, stop)
    try:
        await running
    except asyncio.CancelledError:
        say("mednum", "stopped")
    except BaseExceptionGroup as group:
        # whatever went wrong first has cancelled the rest
        first: BaseException = group
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        raise first from None


class System:
    """The processes of one folder."""

    def __init__(self, folder: Path, file: Path | None, *, started: float) -> None:
        self._folder = folder
        self._file = file
        self._started = started
        self._keys = development_keys(folder)
        ports = {name: embedded.free_port(port) for name, port in PORTS.items()}
        self._urls = {name: f"http://{HOST}:{port}" for name, port in ports.items()}
        chosen = servers(folder)
        self._settings = {name: value for one in chosen for name, value in one.settings.items()}
        (folder / "log").mkdir(exist_ok=True)
        self._servers = {one.name: self._child(one) for one in chosen}
        self._services = [
            self._child(_service(name), PORT=str(port), PUBLIC_URL=self._urls[name])
            for name, port in ports.items()
        ]

    def _child(self, server: Server, **more: str) -> Child:
        urls = {f"{name.upper()}_URL": url for name, url in self._urls.items()}
        wiring = {"HOST": HOST, "LOG_FORMAT": "console", "PYTHONUNBUFFERED": "1"}
        folder = self._folder.resolve()
        places = {"DUMPS_DIR": str(folder / "dumps"), "SEARCH_INDEX": str(folder / "search")}
        given = {**DEFAULTS, **places, **urls, **os.environ}
        environment = {**given, **self._keys, **wiring, **self._settings}
        log = self._folder / "log" / f"{server.name}.log"
        is_ours = server.name in self._urls
        return Child(server, environment | more, log, say=say, shows_warnings=is_ours)

    def kill(self) -> None:
        """End all processes now."""
        for child in (*self._services, *self._servers.values()):
            child.kill()

    async def run(self) -> None:
        """Start, and keep everything running until cancelled; stops in reverse."""
        run_file = self._folder / "run.json"
        run_file.unlink(missing_ok=True)
        say("mednum", f"starting {', '.join([*self._servers, *self._urls])}")
        stores = [child for name, child in self._servers.items() if name != "broker"]
        try:
            async with asyncio.TaskGroup() as below:
                for child in stores:
                    below.create_task(child.keep())
                for child in stores:
                    await child.up.wait()
                async with asyncio.TaskGroup() as above:
                    if "database" in self._servers:
                        above.create_task(self._prune())
                    above.create_task(self._run_bus())
                    await self._wait_until_ready()
                    venues = await asyncio.to_thread(self._load_venues)
                    run_file.write_text(json.dumps(self._facts(), indent=2))
                    self._show(venues)
        finally:
            run_file.unlink(missing_ok=True)

    async def _run_bus(self) -> None:
        if broker := self._servers.get("broker"):
            await broker.keep(inside=self._services_on_empty_broker)
        async with kept(*self._services):
            await asyncio.Event().wait()

    @asynccontextmanager
    async def _services_on_empty_broker(self) -> AsyncIterator[None]:
        await self._requeue()
        # consumers remember offsets of the broker that is gone: they start with the new one
        async with kept(*self._services):
            yield

    @retry(retry=retry_if_exception_type(OUTAGES), wait=wait_fixed(1))
    async def _requeue(self) -> None:
        """Have every event still kept sent again."""
        for name in self._urls:
            with closing(self._open(name)) as database:
                await outbox.requeue_published(database)

    async def _prune(self) -> None:
        with closing(self._open("heartbeat")) as database:
            await embedded.keep_transactions_pruned(database)

    def _open(self, name: str) -> Database:
        url = self._settings.get("MONGO_URL") or os.environ["MONGO_URL"]
        settings = ServiceSettings(mongo_url=url)
        publisher = outbox.publisher(name, settings)
        return Database(url, f"{settings.database_prefix}{name}", publisher)

    async def _wait_until_ready(self) -> None:
        waiting = dict(self._urls)
        told = time.monotonic()
        async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
            while waiting:
                red = {name: await _red(client, url) for name, url in waiting.items()}
                waiting = {name: self._urls[name] for name, why in red.items() if why}
                if time.monotonic() - told > IMPATIENCE:
                    told = time.monotonic()
                    for name in waiting:
                        say(name, f"not ready yet: {red[name]}")
                await asyncio.sleep(0.2)

    def _load_venues(self) -> str:
        """Import the file given, or the sample into an empty directory; says what is there."""
        admin = token(self._keys["JWT_KEY"], "Development", roles=["admin"])
        with httpx.Client(
            base_url=self._urls["directory"],
            headers={"authorization": f"Bearer {admin}", "content-type": "text/csv"},
            timeout=LONGEST_IMPORT,
            trust_env=False,
        ) as client:
            try:
                before, created = _count(client), 0
                if self._file:
                    created = _import(client, self._file)
                elif not before:
                    created = _import(client, SAMPLE)
                return f"{_wait_for(client, before + created)} venues"
            except (httpx.HTTPError, ValueError) as exc:
                say("directory", f"venues not loaded: {exc}")
                return "venues not loaded"

    def _facts(self) -> dict[str, Any]:
        """What other commands need to know of a running system."""
        mails = self._folder.absolute() / "mails" if "mail" in self._servers else None
        return {
            "urls": self._urls,
            "kafka_url": self._settings.get("KAFKA_URL") or os.environ["KAFKA_URL"],
            "review_period": os.environ.get("REVIEW_PERIOD", DEFAULTS["REVIEW_PERIOD"]),
            "mail_folder": mails and str(mails),
            "pid": os.getpid(),
        }

    def _show(self, venues: str) -> None:
        children = {child.name: child for child in (*self._services, *self._servers.values())}
        where = {name: f"{url}/docs" for name, url in self._urls.items()}
        where["directory"] += f" ({venues})"
        where["broker"] = self._settings.get("KAFKA_URL", "KAFKA_URL of the environment")
        where["database"] = self._settings.get("MONGO_URL", "MONGO_URL of the environment")
        where["mail"] = (
            f"{self._folder / 'mails'} (a Maildir)"
            if "mail" in self._servers
            else "SMTP_HOST of the environment"
        )
        where["logs"] = str(self._folder / "log")
        memory = {name: memory_of(child.pid or 0) for name, child in children.items()}
        memory["mednum"] = memory_of(os.getpid())
        table = Table("what", Column("where", overflow="fold"), "pid", "MB", box=None)
        for name, place in where.items():
            pid = children[name].pid if name in children else None
            table.add_row(
                Text(name, _COLOURS.get(name, "")),
                place,
                str(pid or ""),
                _megabytes(memory.get(name)),
            )
        total = sum(taken or 0 for taken in memory.values())
        seconds = time.monotonic() - self._started
        console.print()
        console.print(table)
        console.print(
            f"\nReady in {seconds:.1f} s, {_megabytes(total)} MB in {len(memory)} processes. "
            "Ctrl-C stops everything. Try, in another terminal:\n"
            f"  curl '{self._urls['directory']}/venues?limit=3'\n"
            "  make demo      a proposal, its mails and a decision\n"
            "  make mails     the mails that were sent\n"
            "  make token NAME=Ada ROLE=moderator",
            soft_wrap=True,
        )


def servers(folder: Path) -> list[Server]:
    """The embedded servers, but for those that the environment replaces by a real one."""
    makers: dict[str, Callable[[int], Server]] = {
        "KAFKA_URL": embedded.broker,
        "MONGO_URL": partial(embedded.database, folder / "database"),
        "SMTP_HOST": partial(embedded.smtp, folder / "mails"),
    }
    return [make(embedded.free_port()) for name, make in makers.items() if not os.environ.get(name)]


def _service(name: str) -> Server:
    # it says itself when it is ready, and what it waits for
    return Server(name, (sys.executable, "-m", f"services.{name}"), ready=lambda: True)


async def _red(client: httpx.AsyncClient, url: str) -> str | None:
    """Why a service is not ready; None if it is."""
    try:
        answer = await client.get(f"{url}/health/ready")
        red = answer.json()["red"]
    except (httpx.HTTPError, ValueError, KeyError):
        return "it does not answer"
    return ", ".join(f"{part}: {why}" for part, why in red.items()) or None


def _count(client: httpx.Client) -> int:
    total: int = client.get("/venues", params={"limit": 1}).raise_for_status().json()["total"]
    return total


def _wait_for(client: httpx.Client, venues: int) -> int:
    """How many venues can be found, once there are so many, or after a while."""
    limit = time.monotonic() + LONGEST_INDEXING
    while (found := _count(client)) < venues and time.monotonic() < limit:
        time.sleep(0.2)
    return found


def _import(client: httpx.Client, file: Path) -> int:
    """Import a file; how many venues it created."""
    with file.open("rb") as content:
        answer = client.post("/imports", params={"source": file.stem}, content=content)
    body = answer.json()
    if not answer.is_success:
        say("directory", f"{file} is refused: {body['title']} {body.get('detail', '')}")
        return 0
    counts = ", ".join(
        f"{body[name]} {name}" for name in ("created", "updated", "unchanged", "refused")
    )
    say("directory", f"{file}: {counts}")
    for error in body["errors"][:SHOWN_ERRORS]:
        say("directory", json.dumps(error, ensure_ascii=False))
    return int(body["created"])


def _megabytes(size: int | None) -> str:
    return f"{size / 1e6:.0f}" if size else ""
