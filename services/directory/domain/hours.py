"""Opening hours in OpenStreetMap's syntax, as the kept parser (opening-hours-py) reads it."""

import re
from functools import lru_cache

from opening_hours import OpeningHours, ParserError  # type: ignore[attr-defined]  # by its stub

from services.directory.domain.columns import InvalidValue, Mended
from services.directory.domain.hours_text import suggested

_CHAINED = re.compile(r"\b(?:(?:Mo|Tu|We|Th|Fr|Sa|Su)-){2,}(?:Mo|Tu|We|Th|Fr|Sa|Su)\b")
_LONG_DAYS = re.compile(
    r"\b(?:Mon(?:day)?|Tue(?:s|sday)?|Wed(?:nesday)?|Thu(?:rs|rsday)?|Fri(?:day)?|Sat(?:urday)?"
    r"|Sun(?:day)?)\b"
)
_LONE_TIMES = re.compile(r"(\d\d:\d\d-\d\d:\d\d);\s*(?=\d\d:\d\d-\d\d:\d\d)")


def mend_hours(text: str) -> Mended:
    """Hours that a machine can read, as they were written; raises `InvalidValue`."""
    chained = _CHAINED.sub(lambda days: days[0].replace("-", ","), text)
    if chained != text and _reason(chained) is None:
        return Mended(chained, f"« {text} » est enregistré comme « {chained} ».")
    if reason := _reason(text):
        raise InvalidValue(
            "opening_hours", f"Ces horaires ne se lisent pas : {reason}.", _meant(text)
        )
    if _LONE_TIMES.search(text):
        message = "Après « ; », des heures sans jour remplacent les précédentes, chaque jour."
        raise InvalidValue("opening_hours", message, _meant(text))
    return Mended(text)


def _meant(text: str) -> str | None:
    suggestion = suggested(text)
    if suggestion is not None:
        return suggestion if not suggestion or _reason(suggestion) is None else None
    renamed = _LONG_DAYS.sub(lambda day: day[0][:2], text)
    return renamed if renamed != text and _reason(renamed) is None else None


@lru_cache(maxsize=4096)
def _reason(text: str) -> str | None:
    """Why the parser refuses a text, in French; none if it takes it."""
    try:
        OpeningHours(text)
    except ParserError as exc:
        place = re.match(r".*?--> 1:(\d+)", str(exc), re.DOTALL)
        rest = _from_its_word(text, int(place[1]) - 1) if place else text
        return f"à partir de « {rest[:40]} »" if rest else "il manque la fin"
    return None


def _from_its_word(text: str, place: int) -> str:
    """The text behind a place, with the whole word that is there."""
    before = re.search(r"[^\W\d_]*\Z", text[:place])
    return text[before.start() if before else place :]
