"""Signed deliveries of partners: accepted a second, and p99, at 64 connections.

The floor is a bare FastAPI endpoint that verifies the same HMAC and inserts one document, on the
same database server, driven by the same client in the same run, in turns.
"""

import asyncio
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from urllib.parse import urlsplit

import httpx
from joserfc import jwt
from joserfc.jwk import OctKey
from standardwebhooks import Webhook

from bench.load import load
from bench.servers import database
from bench.table import row
from shared.embedded import die_with_parent, free_port

CONNECTIONS = 64
QUICK = bool(os.environ.get("QUICK"))
DELIVERIES = int(os.environ.get("DELIVERIES") or (500 if QUICK else 5_000))
ROUNDS = 1 if QUICK else 3
JWT_KEY = secrets.token_urlsafe(48)
PARTNER = "bench"


def run() -> None:
    """Both, in turns."""
    with tempfile.TemporaryFile() as log, database() as mongo:
        environment = {**os.environ, "MONGO_URL": mongo, "JWT_KEY": JWT_KEY, "ROLES": "api"}
        with served("services.announcements", environment, log.fileno()) as ours:
            secret = _register(ours)
            floor_environment = {**environment, "SECRET": secret}
            with served("bench.intake_floor", floor_environment, log.fileno()) as floor:
                _compare(f"{ours}/partners/{PARTNER}/events", f"{floor}/events", Webhook(secret))


def _compare(ours: str, floor: str, webhook: Webhook) -> None:
    asyncio.run(load(ours, requests(ours, webhook, CONNECTIONS * 2), CONNECTIONS, status=202))
    asyncio.run(load(floor, requests(floor, webhook, CONNECTIONS * 2), CONNECTIONS, status=202))
    rates: dict[str, list[float]] = {ours: [], floor: []}
    waits: dict[str, list[float]] = {ours: [], floor: []}
    for _ in range(ROUNDS):
        for url in (ours, floor):
            taken, lasted = asyncio.run(
                load(url, requests(url, webhook, DELIVERIES), CONNECTIONS, status=202)
            )
            rates[url].append(DELIVERIES / taken)
            waits[url] += lasted
    rate, least = (statistics.median(rates[url]) for url in (ours, floor))
    row(
        f"signed deliveries accepted, {CONNECTIONS} connections",
        f"{rate:.0f}/s, p99 {_p99(waits[ours]):.0f} ms",
        f"{least:.0f}/s, p99 {_p99(waits[floor]):.0f} ms",
        rate / least,
    )


def _p99(seconds: list[float]) -> float:
    return statistics.quantiles(seconds, n=100)[98] * 1_000


@contextmanager
def served(module: str, environment: dict[str, str], log: int) -> Iterator[str]:
    """A server's URL, ready, for as long as the block lasts."""
    port = free_port()
    process = subprocess.Popen(
        [sys.executable, "-m", module, *([str(port)] if module.startswith("bench") else [])],
        env={**environment, "PORT": str(port)},
        stdout=log,
        stderr=log,
        preexec_fn=die_with_parent(),
    )
    try:
        _wait(f"http://127.0.0.1:{port}/openapi.json", process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait()


def _wait(url: str, process: subprocess.Popen[bytes]) -> None:
    while True:
        assert process.poll() is None, "it did not start"
        try:
            httpx.get(url).raise_for_status()
        except httpx.HTTPError:
            time.sleep(0.1)
        else:
            return


def _register(url: str) -> str:
    claims = {"sub": "bench", "roles": ["admin"], "exp": int(time.time()) + 3_600}
    token = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(JWT_KEY))
    answer = httpx.post(
        f"{url}/partners",
        headers={"Authorization": f"Bearer {token}"},
        json={"slug": PARTNER, "name": "Bench", "per_minute": 1_000_000},
        timeout=60,
    )
    answer.raise_for_status()
    secret: str = answer.json()["secret"]
    return secret


def requests(url: str, webhook: Webhook, count: int) -> list[bytes]:
    """Signed deliveries of one event each, as bytes to send: the client must cost little."""
    moment = datetime.now(UTC)
    parts = urlsplit(url)
    made = []
    for _ in range(count):
        id_ = f"msg_{secrets.token_hex(12)}"
        body = json.dumps(_event(id_, moment))
        headers = {
            "Host": parts.netloc,
            "Content-Type": "application/cloudevents+json",
            "Content-Length": str(len(body)),
            "webhook-id": id_,
            "webhook-timestamp": str(int(moment.timestamp())),
            "webhook-signature": webhook.sign(id_, moment, body),
        }
        lines = [f"POST {parts.path} HTTP/1.1", *(f"{k}: {v}" for k, v in headers.items())]
        made.append("\r\n".join([*lines, "", body]).encode())
    return made


def _event(id_: str, moment: datetime) -> dict[str, object]:
    return {
        "specversion": "1.0",
        "id": id_,
        "source": f"/partners/{PARTNER}",
        "type": "announcement.published",
        "subject": id_,
        "data": {
            "version": 1,
            "kind": "funding_call",
            "titre": "Un fablab pour le quartier",
            "texte": "Un atelier ouvert à tous, trois soirs par semaine. " * 10,
            "lien": f"https://projets.example.org/{id_}",
            "ends_on": (moment + timedelta(days=60)).date().isoformat(),
            "platform": "Exemple",
            "goal": 3_200,
            "raised": 1_662,
            "currency": "EUR",
        },
    }
