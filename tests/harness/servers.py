"""Brokers, databases and mail servers for a run: shared by default, own ones for who kills them."""

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from shared import embedded
from shared.bus import outbox
from shared.database import Database
from shared.embedded import Server
from shared.settings import ServiceSettings

ROOT = Path(__file__).parents[2]
KAFKA = ROOT / "tools" / "kafka"


def chosen_broker(wanted: str) -> tuple[str, str]:
    """Which broker a run uses (`given`, `kafka` or `embedded`), and a sentence that says so."""
    if wanted == "auto" and os.environ.get("KAFKA_URL"):
        return "given", f"broker: the one at KAFKA_URL={os.environ['KAFKA_URL']}"
    if wanted in ("auto", "kafka"):
        check = subprocess.run(
            [sys.executable, KAFKA, "check"], capture_output=True, text=True, check=False
        )
        if check.returncode == 0:
            return "kafka", "broker: Apache Kafka, started by tools/kafka"
        why = (check.stdout + check.stderr).strip()
        if wanted == "kafka":
            raise SystemExit(f"Apache Kafka cannot be started: {why}")
        return "embedded", f"broker: embedded (Tansu); Apache Kafka cannot be started: {why}"
    return "embedded", "broker: embedded (Tansu)"


@dataclass
class Running:
    """A server that a test may kill and start again on the same port, with the same data."""

    server: Server
    log: Path
    _stack: ExitStack = field(default_factory=ExitStack)
    process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        """Start it and wait until it is ready."""
        self.process = self._stack.enter_context(embedded.running(self.server, self.log))

    def kill(self) -> None:
        """`kill -9`, its children included."""
        assert self.process
        os.killpg(self.process.pid, 9)
        self.process.wait()
        self._stack.close()

    def stop(self) -> None:
        """Stop it if it runs."""
        self._stack.close()


class Servers:
    """The servers of one test run, started when first asked for."""

    def __init__(self, folder: Path, broker: str) -> None:
        self.folder = folder
        self.broker_kind = broker
        self._stack = ExitStack()
        self._environment: dict[str, str] | None = None
        self._count = 0

    @property
    def environment(self) -> Mapping[str, str]:
        """Settings of a service that uses the shared broker and database."""
        if self._environment is None:
            database = self.database()
            self._environment = {**self._broker_settings(), **database.server.settings}
            if "MONGO_URL" in os.environ:
                self._environment["MONGO_URL"] = os.environ["MONGO_URL"]
        return self._environment

    def _broker_settings(self) -> Mapping[str, str]:
        if self.broker_kind == "given":
            names = ("KAFKA_URL", "KAFKA_IDEMPOTENCE", "KAFKA_SESSION_TIMEOUT_MS")
            return {name: os.environ[name] for name in names if name in os.environ}
        return self.broker().server.settings

    def broker(self) -> Running:
        """A broker of the kind chosen for this run, started, empty."""
        port = embedded.free_port()
        folder = self._folder("broker")
        apache = self.broker_kind != "embedded"
        server = embedded.apache_kafka(folder, port) if apache else embedded.broker(port)
        return self._started(server, folder)

    def database(self) -> Running:
        """A database server, started, empty; its abandoned transactions are pruned."""
        folder = self._folder("database")
        running = self._started(embedded.database(folder, embedded.free_port()), folder)
        self._stack.enter_context(_pruned(running.server.settings["MONGO_URL"]))
        return running

    def smtp(self) -> tuple[Running, Path]:
        """A mail server and the Maildir where it keeps what it gets."""
        folder = self._folder("mail")
        maildir = folder / "maildir"
        return self._started(embedded.smtp(maildir, embedded.free_port()), folder), maildir

    def _folder(self, name: str) -> Path:
        self._count += 1
        folder = self.folder / f"{name}-{self._count}"
        folder.mkdir()
        return folder

    def _started(self, server: Server, folder: Path) -> Running:
        running = Running(server, folder.with_suffix(".log"))
        self._stack.callback(running.stop)
        running.start()
        return running

    def close(self) -> None:
        """Stop everything."""
        self._stack.close()


@contextmanager
def _pruned(url: str) -> Iterator[None]:
    """Let the embedded database forget the transactions of killed clients, from a thread."""
    loop = asyncio.new_event_loop()

    async def keep() -> None:
        database = Database(url, "heartbeat", outbox.publisher("tests", ServiceSettings()))
        try:
            await embedded.keep_transactions_pruned(database)
        finally:
            database.close()

    task = loop.create_task(keep())

    def run() -> None:
        with suppress(asyncio.CancelledError):
            loop.run_until_complete(task)
        loop.close()

    thread = threading.Thread(target=run, daemon=True)
    thread.start()
    try:
        yield
    finally:
        loop.call_soon_threadsafe(task.cancel)
        thread.join(timeout=5)
