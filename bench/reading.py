"""A file of a million venues, read and checked: how fast, and in how much memory."""

import csv
import os
import resource
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryFile
from typing import IO

from bench.table import row
from services import supervisor
from services.directory.domain.fiche import COLUMNS
from services.directory.importing.reader import Refused, read

SAMPLE = Path(supervisor.SAMPLE)
ROWS = int(os.environ.get("ROWS", "1000000"))
MOST = 250
"""MB that an import may take."""


def write_venues(file: IO[bytes], count: int) -> None:
    """Venues made from the sample: what real ones have to themselves differs on each row."""
    with SAMPLE.open(encoding="utf-8") as sample:
        rows = [[one[name] for name in COLUMNS] for one in csv.DictReader(sample)]
    places = [list(COLUMNS).index(name) for name in ("nom", "adresse", "telephone", "courriels")]
    nom, adresse, telephone, courriels = places
    latitude, longitude = (list(COLUMNS).index(name) for name in ("latitude", "longitude"))
    file.write((",".join(COLUMNS) + "\n").encode())
    for number in range(count):
        one = rows[number % len(rows)].copy()
        one[0] = f"banc-{number:x}-mediation-numerique"
        one[nom], one[adresse] = f"{one[nom]} n° {number}", f"{number % 300} {one[adresse]}"
        one[telephone], one[courriels] = f"+331{number:08}", f"lieu{number}@example.org"
        one[latitude] = f"{42 + number % 900_001 / 100_000:.5f}"
        one[longitude] = f"{number % 700_001 / 100_000:.5f}"
        cells = (f'"{cell.replace(chr(34), chr(34) * 2)}"' for cell in one)
        file.write((",".join(cells) + "\n").encode())


def measure(count: int) -> None:
    """Read so many rows; print the rate, the refused ones and the process's most memory in MB."""
    with TemporaryFile() as file:
        write_venues(file, count)
        size = file.tell()
        file.seek(0)
        started = time.perf_counter()
        reading = read(file)
        refused = sum(isinstance(one, Refused) for one in reading)
        taken = time.perf_counter() - started
        reading.close()
    most = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"{count / taken:.0f} {refused} {most:.0f} {size / 1024**2:.0f}")


def run() -> None:
    """Measure in a process that does nothing else."""
    done = subprocess.run(
        [sys.executable, "-m", "bench.reading", str(ROWS)],
        capture_output=True,
        text=True,
        check=True,
    )
    rate, refused, most, size = map(int, done.stdout.split())
    assert refused == 0
    what = f"reading and checking {ROWS:,} venues ({size} MB)".replace(",", " ")
    row(what, f"{rate} rows/s, at most {most} MB", f"{MOST} MB", MOST / most)


if __name__ == "__main__":
    measure(int(sys.argv[1]))
