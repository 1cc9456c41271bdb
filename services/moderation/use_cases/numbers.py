"""The log for export, and the numbers of a year for everybody."""

import asyncio
import time
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime
from statistics import median

from services.moderation.store import Log
from shared.database import Document, Transaction

FACTS = ("kind", "act", "how", "outcome", "state", "seconds", "marks", "rules", "on_appeal")
LONG = 0.5
KEPT = 300.0
"""Seconds: what took so long to count is kept so long."""


@dataclass(frozen=True)
class LogPage:
    """Entries of the log, and behind which place the next ones are (none at the end)."""

    entries: list[Document]
    next: str | None


@dataclass
class KindNumbers:
    """What became of the cases of one kind."""

    opened: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    decided_by: Counter[str] = field(default_factory=Counter)
    median_hours: float | None = None


@dataclass
class Report:
    """A year of moderation in numbers; nobody is named."""

    year: int
    kinds: dict[str, KindNumbers] = field(default_factory=lambda: defaultdict(KindNumbers))
    objections: int = 0
    appeals: int = 0
    appeals_granted: int = 0
    reverted: int = 0
    failed: int = 0
    """Accepted edits of which nothing could be applied: the sheet had changed meanwhile."""
    rules: Counter[str] = field(default_factory=Counter)
    """How often each rule asked for an explicit decision."""
    unreachable: int = 0
    """Decisions on venues whose managers could not be reached."""


async def read_log(
    tx: Transaction, since: datetime, until: datetime, *, after: str, limit: int
) -> LogPage:
    """Entries of a time, oldest first."""
    found = await Log(tx).between(since, until, after=after, limit=limit + 1)
    shown = found[:limit]
    return LogPage(shown, shown[-1]["place"] if len(found) > limit else None)


async def log_of(tx: Transaction, case_id: str) -> list[Document]:
    """What happened to one case, oldest first."""
    return await Log(tx).of(case_id)


class Reports:
    """Reports of years: one is counted at a time, and one that took long is kept for a while."""

    def __init__(self) -> None:
        self._counting = asyncio.Lock()
        self._kept: dict[int, tuple[float, Report]] = {}

    async def of(self, tx: Transaction, year: int) -> Report:
        """The numbers of a calendar year (UTC)."""
        async with self._counting:
            until, report = self._kept.get(year, (0.0, None))
            started = time.monotonic()
            if report and started < until:
                return report
            report = await transparency(tx, year)
            taken = time.monotonic() - started
            if taken > LONG:
                self._kept[year] = (started + KEPT, report)
            return report


async def transparency(tx: Transaction, year: int) -> Report:
    """The numbers of a calendar year (UTC), counted."""
    since, until = datetime(year, 1, 1, tzinfo=UTC), datetime(year + 1, 1, 1, tzinfo=UTC)
    report = Report(year)
    seconds: dict[str, list[float]] = defaultdict(list)
    for entry in await Log(tx).between(since, until, fields=FACTS):
        _count(report, entry, seconds)
    for kind, taken in seconds.items():
        report.kinds[kind].median_hours = round(median(taken) / 3600, 2)
    return report


def _count(report: Report, entry: Document, seconds: dict[str, list[float]]) -> None:
    numbers = report.kinds[entry["kind"]]
    match entry["act"]:
        case "open":
            numbers.opened += 1
            report.rules.update(entry.get("rules", []))
        case "decide" if entry["on_appeal"]:
            report.appeals_granted += 1
        case "decide":
            numbers.outcomes[entry["outcome"]] += 1
            numbers.decided_by[entry["how"]] += 1
            seconds[entry["kind"]].append(entry["seconds"])
            report.unreachable += "manager_unreachable" in entry["marks"]
        case "withdraw" | "supersede":
            numbers.outcomes[entry["state"]] += 1
        case "conflict":
            report.failed += 1
        case "object":
            report.objections += 1
        case "appeal":
            report.appeals += 1
        case "revert":
            report.reverted += 1
