"""The directory by territory, counted in the index: quick whatever its size."""

import datetime as dt

import numpy as np
from pyroaring import BitMap

from services.directory.domain.completeness import fresh_since
from services.directory.domain.overview import (
    AGES,
    BANDS,
    PUBLICS,
    SERVICES,
    UNKNOWN,
    Counts,
    age_limits,
)
from services.directory.domain.territories import DEPARTMENTS
from services.directory.search.entries import EPOCH
from services.directory.search.memory import Memory, ordinals
from services.directory.search.values import BITS
from shared.french import PARIS


def counted(memory: Memory, now: dt.datetime) -> dict[str, Counts]:
    """What is counted in each department, and in none (`UNKNOWN`); each sheet once."""
    days = _Days(now)
    found = {
        code: memory.groups["departement", code] & memory.everything
        for code in sorted(DEPARTMENTS)
        if ("departement", code) in memory.groups
    }
    elsewhere = memory.everything - BitMap.union(BitMap(), *found.values())
    return {
        code: _counts(memory, sheets, days)
        for code, sheets in {**found, UNKNOWN: elsewhere}.items()
    }


class _Days:
    """The days that matter at a moment, counted from 1970 as the index has them."""

    def __init__(self, now: dt.datetime) -> None:
        today = now.astimezone(PARIS).date()
        self.today = _number(today)
        self.limits = np.array([_number(day) for day in age_limits(now)])
        self.fresh = _number(fresh_since(today))


def _number(day: dt.date) -> int:
    return (day - EPOCH).days


def _counts(memory: Memory, sheets: BitMap, days: _Days) -> Counts:
    there = ordinals(sheets)
    day = memory.day[there]
    known = (day > 0) & (day <= days.today)
    by_service = _by_value(memory, sheets, "services", SERVICES)
    # as many of the limits as it has passed
    ages = (day[:, None] <= days.limits).sum(axis=1)
    scores = memory.score[there] + (known & (day >= days.fresh))
    by_score = np.bincount(scores, minlength=11)
    by_age = np.bincount(np.where(known, ages, len(AGES) - 1), minlength=len(AGES))
    return Counts(
        venues=len(there),
        services=sum(by_service.values()),
        by_service=by_service,
        by_public=_by_value(memory, sheets, "publics_specifiquement_adresses", PUBLICS),
        by_age=dict(zip(AGES, by_age.tolist(), strict=True)),
        by_completeness={
            name: int(by_score[band.start : band.stop].sum()) for name, band in BANDS.items()
        },
    )


def _by_value(
    memory: Memory, sheets: BitMap, column: str, choices: tuple[str, ...]
) -> dict[str, int]:
    return {
        choice: memory.values[BITS[column, choice]].intersection_cardinality(sheets)
        for choice in choices
    }
