"""Searches a second, and p99, at 32 connections; how fast the index is built, and its memory.

Words, two filters, a circle and facets over synthetic sheets (`SHEETS=20000,1000000`). The floors
are bare FastAPI endpoints that return a constant answer of the same size, driven by the same
client in the same run, in turns; every search differs from all others.
"""

import asyncio
import csv
import datetime as dt
import io
import os
import random
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from urllib.parse import quote, urlencode

import httpx

from bench.load import gets, load
from bench.servers import bus
from bench.synthetic import KINDS, SAMPLE, places, sheets
from bench.table import row
from services.directory.domain.fiche import COLUMNS
from services.directory.search.entries import entry_of
from services.directory.search.file import IndexFile, create
from services.directory.search.folder import Folder
from services.directory.search.words import terms
from services.directory.store.sheets import Sheet
from services.supervisor import token as development_token
from shared.embedded import die_with_parent, free_port
from shared.settings import ServiceSettings

QUICK = bool(os.environ.get("QUICK"))
SIZES = os.environ.get("SHEETS") or ("2000" if QUICK else "20000,1000000")
CONNECTIONS = 32
REQUESTS = int(os.environ.get("REQUESTS") or (500 if QUICK else 5_000))
ROUNDS = 1 if QUICK else 3
CHANGES = 5 if QUICK else 20
BATCH = 5_000
RADII = (5_000, 10_000, 20_000, 30_000)
WIDE = {
    "200 km around Paris with a frequent word": "q=mairie&near=48.8566,2.3522&radius=200000",
    "200 km around Paris": "near=48.8566,2.3522&radius=200000",
    "everything, the freshest first": "order=freshness",
    "two frequent words, by relevance": "q=maison services&order=relevance",
    "open on a Tuesday at ten, anywhere": "open_at=2026-11-24T10:00",
}


def run() -> None:
    """Each size in turn, then how soon a change is found."""
    for size in map(int, SIZES.split(",")):
        with tempfile.TemporaryDirectory() as folder, bus() as settings:
            _build(Path(folder), size)
            _measure(Path(folder), size, settings)
    with bus() as settings:
        _freshness(settings)


def _freshness(settings: ServiceSettings) -> None:
    """How long after its commit a change of a sheet is found, on the embedded broker."""
    key = secrets.token_urlsafe(48)
    environment = {**_environment(settings), "JWT_KEY": key, "DATABASE_PREFIX": "bench_fresh_"}
    token = development_token(key, "bench", roles=["admin"])
    with served("services.directory", environment) as (url, _):
        lasted = []
        for turn in range(CHANGES + 1):
            name = f"Lieu zz{turn:06}"
            _import(url, token, name)
            started = time.perf_counter()
            while not httpx.get(f"{url}/venues?q={name}").raise_for_status().json()["total"]:
                time.sleep(0.005)
            # the first one also waits for the topic to be read from its start
            lasted += [time.perf_counter() - started] if turn else []
    row(
        f"{CHANGES} changes of a sheet, from commit to found",
        f"median {statistics.median(lasted) * 1_000:.0f} ms, longest {max(lasted) * 1_000:.0f} ms",
        "2,000 ms asked",
    )


def _import(url: str, token: str, name: str) -> None:
    text = io.StringIO()
    writer = csv.DictWriter(text, list(COLUMNS))
    with SAMPLE.open(encoding="utf-8", newline="") as file:
        cells = next(csv.DictReader(file))
    writer.writeheader()
    writer.writerow({**cells, "nom": name})
    headers = {"Authorization": f"Bearer {token}", "Content-Type": "text/csv"}
    answer = httpx.post(
        f"{url}/imports?source=bench", content=text.getvalue().encode(), headers=headers, timeout=60
    )
    answer.raise_for_status()


def _environment(settings: ServiceSettings) -> dict[str, str]:
    return {
        **os.environ,
        "MONGO_URL": settings.mongo_url,
        "KAFKA_URL": settings.kafka_url,
        "KAFKA_IDEMPOTENCE": "false",
        "KAFKA_SESSION_TIMEOUT_MS": "3000",
        "LINK_KEY": secrets.token_urlsafe(48),
    }


def _build(path: Path, size: int) -> None:
    folder = Folder(path)
    file = folder.fresh()
    create(file)
    index = IndexFile(file)
    spent = 0.0
    made = _made(size)
    while batch := list(islice(made, BATCH)):
        started = time.perf_counter()
        index.write([entry_of(one) for one in batch])
        spent += time.perf_counter() - started
    started = time.perf_counter()
    index.tidy()
    spent += time.perf_counter() - started
    index.close()
    folder.publish(file)
    megabytes = sum(one.stat().st_size for one in path.iterdir()) / 1e6
    row(f"index of {size:,} sheets built", f"{size / spent:.0f} sheets/s, {megabytes:.0f} MB")


def _made(size: int) -> Iterator[Sheet]:
    moment = dt.datetime(2026, 1, 1, tzinfo=dt.UTC)
    for number, fiche in enumerate(sheets(size)):
        id_ = str(fiche["id"])
        public = {
            "id": id_,
            "revision": 1,
            "updated_at": moment,
            "fiche": {name: fiche.get(name) for name in COLUMNS},
        }
        yield Sheet(id_, number, 1, fiche, public)


def _measure(folder: Path, size: int, settings: ServiceSettings) -> None:
    environment = {
        **_environment(settings),
        "JWT_KEY": secrets.token_urlsafe(48),
        "ROLES": "api",
        "SEARCH_INDEX": str(folder),
        "DATABASE_PREFIX": f"bench_{size}_",
    }
    started = time.perf_counter()
    with served("services.directory", environment) as (ours, pid):
        row(f"process ready with {size:,} sheets", f"{time.perf_counter() - started:.1f} s")
        answer = folder / "answer.json"
        answer.write_bytes(_typical(ours))
        with served("bench.search_floor", {**environment, "ANSWER": str(answer)}) as (floor, _):
            _compare(size, ours, floor)
        _wide(size, ours)
        row(f"memory of that process, {size:,} sheets", _memory(pid))


def _typical(url: str) -> bytes:
    """The answer of middle length."""
    asked = paths(200, seed=9)
    answers = sorted((httpx.get(url + path, timeout=60).content for path in asked), key=len)
    return answers[len(answers) // 2]


def _compare(size: int, ours: str, floor: str) -> None:
    kinds = {"ours": ours, "bytes": floor, "object": floor}
    rates: dict[str, list[float]] = {name: [] for name in kinds}
    waits: dict[str, list[float]] = {name: [] for name in kinds}
    for turn in range(ROUNDS + 1):
        for name, url in kinds.items():
            count = REQUESTS if turn else CONNECTIONS * 4
            asked = paths(count, seed=turn) if name == "ours" else [f"/{name}"] * count
            taken, lasted = asyncio.run(load(url, gets(url, asked), CONNECTIONS, status=200))
            if turn:
                rates[name].append(count / taken)
                waits[name] += lasted
    said = {
        name: f"{statistics.median(rates[name]):.0f}/s, {_waits(waits[name])}" for name in kinds
    }
    for name, what in (("bytes", "made once, as bytes"), ("object", "written by the framework")):
        row(
            f"search of {size:,} sheets, {CONNECTIONS} connections",
            said["ours"],
            f"{said[name]} (a constant answer, {what})",
            statistics.median(rates["ours"]) / statistics.median(rates[name]),
        )


def _wide(size: int, url: str) -> None:
    with httpx.Client(base_url=url, timeout=60) as client:
        client.get("/venues?limit=1")
        for what, query in WIDE.items():
            lasted = []
            for _ in range(6):
                started = time.perf_counter()
                found = client.get(f"/venues?{query}").raise_for_status().json()
                lasted.append((time.perf_counter() - started) * 1_000)
            row(
                f"{size:,} sheets: {what} ({found['total']:,} found)",
                f"{statistics.median(lasted[1:]):.0f} ms, the first time {lasted[0]:.0f} ms",
            )


def _waits(seconds: Sequence[float]) -> str:
    cut = statistics.quantiles(seconds, n=100)
    return f"p50 {cut[49] * 1_000:.0f} ms, p99 {cut[98] * 1_000:.0f} ms"


def _memory(pid: int) -> str:
    status = Path(f"/proc/{pid}/status").read_text()
    kept = {name: int(line.split()[0]) / 1e3 for name, _, line in map(_parted, status.splitlines())
            if name in ("RssAnon", "RssFile")}  # fmt: skip
    return f"{kept['RssAnon']:.0f} MB, and {kept['RssFile']:.0f} MB of files that it maps"


def _parted(line: str) -> tuple[str, str, str]:
    return line.partition(":")


def paths(count: int, seed: int) -> list[str]:
    """Searches, all different: a word (one in two mistyped), two values, a circle, facets."""
    draw = random.Random(seed)
    listed, weights = places()
    made = []
    for place in draw.choices(listed, cum_weights=weights, k=count):
        word = draw.choice([*terms(draw.choice(KINDS))])
        if draw.random() < 0.5 and len(word) > 4:
            at = draw.randrange(len(word) - 1)
            word = word[:at] + word[at + 1 :]
        near = (place.latitude + draw.gauss(0, 0.05), place.longitude + draw.gauss(0, 0.05))
        asked = {
            "q": word,
            "services": draw.choice(COLUMNS["services"].choices[:3]),
            "frais_a_charge": "Gratuit",
            "near": f"{near[0]:.5f},{near[1]:.5f}",
            "radius": draw.choice(RADII),
        }
        made.append(f"/venues?{urlencode(asked, quote_via=quote)}")
    return made


@contextmanager
def served(module: str, environment: dict[str, str]) -> Iterator[tuple[str, int]]:
    """A server's URL and process id, ready, for as long as the block lasts."""
    port = free_port()
    with tempfile.TemporaryFile() as log:
        process = subprocess.Popen(
            [sys.executable, "-m", module, *([str(port)] if module.startswith("bench") else [])],
            env={**environment, "PORT": str(port)},
            stdout=log,
            stderr=log,
            preexec_fn=die_with_parent(),
        )
        url = f"http://127.0.0.1:{port}"
        try:
            _wait(url, module, process)
            yield url, process.pid
        finally:
            process.terminate()
            process.wait()


def _wait(url: str, module: str, process: subprocess.Popen[bytes]) -> None:
    path = "/bytes" if module.startswith("bench") else "/health/ready"
    while True:
        assert process.poll() is None, "it did not start"
        try:
            httpx.get(url + path, timeout=60).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return
