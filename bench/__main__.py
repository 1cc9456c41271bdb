"""`python -m bench`: measure again what README and the ADRs say."""

import asyncio
import csv
import io
import os
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import AsyncMongoClient

from services import supervisor
from services.directory.app import service
from services.directory.domain.fiche import COLUMNS
from services.directory.importer import import_csv
from services.directory.settings import Settings
from services.processes import memory_of
from shared import embedded

SAMPLE = Path(supervisor.SAMPLE)
VENUES = 8_705
ROUNDS = 300
WORKERS = 32


def venues(count: int) -> bytes:
    """A file of venues made from the sample, as many as asked for."""
    with SAMPLE.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    text = io.StringIO()
    writer = csv.DictWriter(text, list(COLUMNS))
    writer.writeheader()
    for number in range(count):
        row = rows[number % len(rows)]
        writer.writerow({**row, "id": f"banc-{number}", "courriels": f"lieu{number}@example.org"})
    return text.getvalue().encode()


@contextmanager
def database() -> Iterator[str]:
    """An embedded database's URL."""
    with tempfile.TemporaryDirectory() as folder:
        server = embedded.database(Path(folder), embedded.free_port())
        with embedded.running(server, Path(folder, "log")):
            yield server.settings["MONGO_URL"]


async def imports(url: str, content: bytes) -> list[str]:
    """Import of a file, against `insert_many` of the same documents."""
    target = service(Settings(mongo_url=url)).database()
    await target.ensure_indexes(service(Settings(mongo_url=url)).all_indexes)
    started = time.perf_counter()
    report = await import_csv(target, io.BytesIO(content), "bench")
    taken = time.perf_counter() - started

    documents = await target.plain("venues").find({}).to_list(None)
    floor = target.plain("floor")
    started = time.perf_counter()
    for first in range(0, len(documents), 500):
        await floor.insert_many(documents[first : first + 500])
    plain = time.perf_counter() - started
    target.close()
    return [
        f"import of {report.rows} venues ({report.refused} refused)",
        f"{taken:.1f} s",
        f"{plain:.1f} s (insert_many of the sheets alone)",
        f"{plain / taken:.2f}",
    ]


async def drivers(url: str) -> list[list[str]]:
    """Motor against PyMongo's asynchronous client, on what a handler does."""
    rows = []
    clients: dict[str, Any] = {
        "motor": AsyncIOMotorClient(url, serverSelectionTimeoutMS=5_000),
        "pymongo": AsyncMongoClient(url, serverSelectionTimeoutMS=5_000),
    }
    for name, one in clients.items():
        await one["drivers"]["things"].insert_one({"_id": f"{name}-warm"})
    for label, workers in (("1 task", 1), (f"{WORKERS} tasks", WORKERS)):
        taken = {}
        for name, client in clients.items():
            work = _transactions(client, name, label)
            started = time.perf_counter()
            await asyncio.gather(*(work(worker, ROUNDS // workers) for worker in range(workers)))
            taken[name] = time.perf_counter() - started
        rows.append(
            [
                f"two-insert transactions, {label}: Motor against PyMongo",
                f"{taken['motor']:.2f} s",
                f"{taken['pymongo']:.2f} s",
                f"{taken['pymongo'] / taken['motor']:.2f}",
            ]
        )
    for client in clients.values():
        closing = client.close()
        if closing is not None:
            await closing
    return rows


def _transactions(client: Any, name: str, label: str) -> Callable[[int, int], Awaitable[None]]:
    async def work(worker: int, rounds: int) -> None:
        things = client["drivers"]["things"]
        for turn in range(rounds):
            session = client.start_session()
            if name == "motor":
                session = await session
            async with session:
                transaction = session.start_transaction()
                if name == "pymongo":
                    transaction = await transaction
                async with transaction:
                    key = f"{name}-{label}-{worker}-{turn}"
                    await things.insert_one({"_id": f"{key}-a"}, session=session)
                    await things.insert_one({"_id": f"{key}-b"}, session=session)

    return work


def up() -> list[list[str]]:
    """From `python -m services up` to all services ready, and the memory of it all."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.perf_counter()
        process = subprocess.Popen(
            [sys.executable, "-m", "services", "up", "--folder", folder],
            stdout=subprocess.DEVNULL,
        )
        try:
            while not Path(folder, "run.json").exists():
                assert process.poll() is None, "it did not start"
                time.sleep(0.1)
            taken = time.perf_counter() - started
            memory = sum(memory_of(pid) or 0 for pid in _family(process.pid))
        finally:
            process.terminate()
            process.wait()
    return [
        ["start to ready, sample loaded", f"{taken:.1f} s", "", ""],
        ["memory of the whole system (PSS)", f"{memory / 2**20:.0f} MiB", "", ""],
    ]


def _family(pid: int) -> list[int]:
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [pid, *(one for child in children for one in _family(int(child)))]


def main() -> None:
    """Run all and print a table in Markdown."""
    file = os.environ.get("FILE")
    content = Path(file).read_bytes() if file else venues(VENUES)
    with database() as url:
        rows = [asyncio.run(imports(url, content)), *asyncio.run(drivers(url))]
    rows += up()
    names = ("aiokafka", "faststream", "motor", "pymongo", "secantusdb")
    packages = ", ".join(f"{name} {version(name)}" for name in names)
    print(f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}")
    print(packages)
    print("\n| what | measured | floor | ratio |\n| --- | --- | --- | --- |")
    for row in rows:
        print(f"| {' | '.join(row)} |")


if __name__ == "__main__":
    main()
