"""An import of venues, against the plain insertion of the same documents."""

import asyncio
import csv
import io
import os
import time
from dataclasses import replace
from pathlib import Path

from bench.servers import database
from bench.table import row
from services import supervisor
from services.directory.app import service
from services.directory.domain.fiche import COLUMNS
from services.directory.importing.importer import import_csv
from services.directory.settings import Settings
from services.directory.store.venues import INDEXES
from shared.database import Database, Document

SAMPLE = Path(supervisor.SAMPLE)
VENUES = 8_705


def venues(count: int) -> bytes:
    """A file of venues made from the sample, as many as asked for."""
    with SAMPLE.open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file))
    text = io.StringIO()
    writer = csv.DictWriter(text, list(COLUMNS))
    writer.writeheader()
    for number in range(count):
        one = rows[number % len(rows)]
        writer.writerow({**one, "id": f"banc-{number}", "courriels": f"lieu{number}@example.org"})
    return text.getvalue().encode()


async def imports(url: str, content: bytes) -> None:
    """Import of a file, against `insert_many` of the same documents."""
    target = service(Settings(mongo_url=url)).database()
    await target.ensure_indexes(service(Settings(mongo_url=url)).all_indexes)
    started = time.perf_counter()
    report = await import_csv(target, io.BytesIO(content), "bench")
    taken = time.perf_counter() - started

    documents = await target.plain("venues").find({}).to_list(None)
    await target.ensure_indexes(
        replace(one, collection="indexed") for one in INDEXES if one.collection == "venues"
    )
    floors = {
        "insert_many of the same documents": await plainly(target, "floor", documents),
        "the same, with the collection's indexes": await plainly(target, "indexed", documents),
    }
    target.close()
    for floor, plain in floors.items():
        row(
            f"import of {report.rows} venues ({report.refused} refused)",
            f"{taken:.1f} s",
            f"{plain:.1f} s ({floor})",
            plain / taken,
        )


async def plainly(target: Database, collection: str, documents: list[Document]) -> float:
    """Seconds that the insertion of documents takes, and nothing else."""
    started = time.perf_counter()
    for first in range(0, len(documents), 500):
        await target.plain(collection).insert_many(documents[first : first + 500])
    return time.perf_counter() - started


def run() -> None:
    """Import `FILE`, or venues made from the sample."""
    file = os.environ.get("FILE")
    content = Path(file).read_bytes() if file else venues(VENUES)
    with database() as url:
        asyncio.run(imports(url, content))
