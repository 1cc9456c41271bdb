"""An import of venues, against the plain insertion of the same documents."""

import asyncio
import csv
import io
import os
import time
from pathlib import Path

from bench.servers import database
from bench.table import row
from services import supervisor
from services.directory.app import service
from services.directory.domain.fiche import COLUMNS
from services.directory.importing.importer import import_csv
from services.directory.settings import Settings

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
    floor = target.plain("floor")
    started = time.perf_counter()
    for first in range(0, len(documents), 500):
        await floor.insert_many(documents[first : first + 500])
    plain = time.perf_counter() - started
    target.close()
    row(
        f"import of {report.rows} venues ({report.refused} refused)",
        f"{taken:.1f} s",
        f"{plain:.1f} s (insert_many of the sheets alone)",
        plain / taken,
    )


def run() -> None:
    """Import `FILE`, or venues made from the sample."""
    file = os.environ.get("FILE")
    content = Path(file).read_bytes() if file else venues(VENUES)
    with database() as url:
        asyncio.run(imports(url, content))
