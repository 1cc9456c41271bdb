"""Motor against PyMongo's asynchronous client, on what a handler does."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from motor.motor_asyncio import AsyncIOMotorClient
from pymongo import AsyncMongoClient

from bench.servers import database
from bench.table import row

ROUNDS = 300
WORKERS = 32


async def drivers(url: str) -> None:
    """Two-insert transactions with either driver, by one task and by many."""
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
        row(
            f"two-insert transactions, {label}: Motor against PyMongo",
            f"{taken['motor']:.2f} s",
            f"{taken['pymongo']:.2f} s",
            taken["pymongo"] / taken["motor"],
        )
    for client in clients.values():
        closing = client.close()
        if closing is not None:
            await closing


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


def run() -> None:
    """Compare the drivers on a fresh database."""
    with database() as url:
        asyncio.run(drivers(url))
