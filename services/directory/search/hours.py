"""Whether a venue is open, from its opening hours in the syntax of OpenStreetMap."""

import datetime as dt
from functools import lru_cache
from zoneinfo import ZoneInfo

from opening_hours import OpeningHours, ParserError  # type: ignore[attr-defined]

COUNTRY = "FR"
"""Whose public holidays the library applies."""


@lru_cache(maxsize=50_000)
def is_open(hours: str, zone: str, at: dt.datetime) -> bool:
    """Whether it is surely open then; `at` without a zone is the time on the clock there."""
    parsed = _parsed(hours)
    if parsed is None:
        return False
    return bool(parsed.is_open(local(at, zone)))


def local(at: dt.datetime, zone: str) -> dt.datetime:
    """A moment on the clock of a zone, which goes unsaid."""
    return at if at.tzinfo is None else at.astimezone(ZoneInfo(zone)).replace(tzinfo=None)


@lru_cache(maxsize=50_000)
def _parsed(hours: str) -> OpeningHours | None:
    try:
        return OpeningHours(hours, country=COUNTRY)
    except ParserError:
        return None
