"""APScheduler 3 with its MongoDBJobStore: what it fires a second, to compare."""

import os
import statistics
import threading
import time
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from typing import Any

from apscheduler.job import Job
from apscheduler.jobstores.mongodb import MongoDBJobStore
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.date import DateTrigger
from pymongo import MongoClient

from bench.table import row

PENDING = [
    int(one)
    for one in os.environ.get(
        "AGAINST_PENDING", "0 2000" if os.environ.get("QUICK") else "0 100000 1000000"
    ).split()
]
"""Jobs behind the due ones, run by run: how many there are decides its rate."""
ROUNDS = 3
LONG_AGO = datetime(2026, 1, 1, tzinfo=UTC)

_fired = 0


def fire() -> None:
    """The job: it does nothing, where a timer of ours goes to the broker."""
    global _fired  # noqa: PLW0603 -- the job store finds its functions by name
    _fired += 1


class Store(MongoDBJobStore):  # type: ignore[misc]
    """Its own documents, inserted in bulk; and when it has ended a round."""

    collection: Any

    def __init__(self, client: Any, database: str) -> None:
        super().__init__(database=database, client=client)
        self.round_over = threading.Event()

    def fill(self, scheduler: Any, times: Iterable[datetime]) -> None:
        """Add a job for each time."""
        collection, documents = self.collection, _Kept()
        for at in times:
            self.collection = documents
            self.add_job(_job(scheduler, at))
            self.collection = collection
            if len(documents.all) == 1_000:
                collection.insert_many(documents.all)
                documents.all = []
        if documents.all:
            collection.insert_many(documents.all)

    def shutdown(self) -> None:
        """Leave nothing to see: the scheduler looks once more after it has closed its stores."""
        self.collection = self.collection.database["empty"]

    def get_next_run_time(self) -> Any:
        """What the scheduler asks at the end of every round, before it can begin another."""
        answer = super().get_next_run_time()
        self.round_over.set()
        return answer


class _Kept:
    def __init__(self) -> None:
        self.all: list[Any] = []

    def insert_one(self, document: Any) -> None:
        self.all.append(document)


def _job(scheduler: Any, at: datetime) -> Job:
    return Job(
        scheduler,
        trigger=DateTrigger(at),
        executor="default",
        func=fire,
        args=(),
        kwargs={},
        name="fire",
        misfire_grace_time=None,  # by default it drops what is a second late
        coalesce=True,
        max_instances=1,
        next_run_time=at,
    )


def compare(url: str, pending: int, due: int, ours: float) -> None:
    """Print its rate with so many pending, and how many times as fast ours is."""
    client: MongoClient[Any] = MongoClient(url)
    store = Store(client, f"bench_apscheduler_{pending}")
    scheduler = BackgroundScheduler(jobstores={"default": store}, timezone=UTC)
    scheduler.start(paused=True)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    store.fill(scheduler, (tomorrow + timedelta(seconds=number) for number in range(pending)))
    turns = [_round(scheduler, store, due) for _ in range(_times(pending))]
    scheduler.shutdown()
    client.close()
    what = f"APScheduler 3, {due:,} due jobs, {pending:,} pending"
    for turn, label in enumerate(("to the last job", "to the end of the round")):
        rate = due / statistics.median(seconds[turn] for seconds in turns)
        row(f"{what}: {label}", f"{rate:.0f}/s", f"ours {ours:.0f}/s", ours / rate)


def _times(pending: int) -> int:
    # a round of the largest takes minutes
    return ROUNDS if pending <= 100_000 else 1


def _round(scheduler: Any, store: Store, due: int) -> tuple[float, float]:
    """Seconds until all due jobs have run, and until the scheduler can begin again."""
    scheduler.pause()
    store.fill(scheduler, (LONG_AGO + timedelta(milliseconds=number) for number in range(due)))
    wanted = _fired + due
    store.round_over.clear()
    started = time.perf_counter()
    scheduler.resume()
    while _fired < wanted:
        time.sleep(0.005)
    fired = time.perf_counter() - started
    store.round_over.wait()
    return fired, time.perf_counter() - started
