"""Opening hours as people write them, in OpenStreetMap's syntax: a suggestion, never a value.

« Du lundi au vendredi : 9h-12h / 14h-17h » is `Mo-Fr 09:00-12:00,14:00-17:00`. Every word must be
understood: half of a sentence, without its « sauf » or « sur rendez-vous », would be other hours.
"""

import re
from itertools import pairwise

from services.directory.domain.texts import has_html, one_spelling, without_html

DAYS = ("Mo", "Tu", "We", "Th", "Fr", "Sa", "Su")

_END = r"\.?(?![a-zà-ÿ])"
_SIGNS = {
    "Mo": rf"(?:lundis?|lun|lu|mondays?|mon|mo){_END}",
    "Tu": rf"(?:mardis?|mar|ma|tuesdays?|tues?|tu){_END}",
    "We": rf"(?:mercredis?|mer|me|wednesdays?|wed|we){_END}",
    "Th": rf"(?:jeudis?|jeu|je|thursdays?|thurs?|thu|th){_END}",
    "Fr": rf"(?:vendredis?|ven|ve|fridays?|fri|fr){_END}",
    "Sa": rf"(?:samedis?|sam|saturdays?|sat|sa){_END}",
    "Su": rf"(?:dimanches?|dim|di|sundays?|sun|su){_END}",
    "Mo - Su": r"tous les jours|7\s*j\s*/\s*7",
    "Sa Su": r"week-?ends?",
    "24/7": r"24\s*h?\s*/\s*24(?:\s*h)?(?:\s*,?\s*7\s*j?\s*/\s*7)?",
    "?": rf"(?:undefined|null|nan){_END}",
    "off": rf"(?:ferm[ée]e?s?|fermeture|off|closed){_END}",
    "-": r"(?:jusqu')?(?:(?:aux?|à|a)(?![a-zà-ÿ])|[-–—])",
    "": r"(?:du|des?|les?|la|ouverte?s?|horaires?|permanences?|entre|et|puis)(?![a-zà-ÿ])"
    r"|d'ouverture|au public|[\s:;,./&>|*+\"•_]",
}
"""What a word is in the small language that `_PART` reads; nothing for those that say nothing."""
_TIME = re.compile(
    r"([01]?\d|2[0-4])(?!\d)"
    r"(?:(?:\s+(?:heures?|h)\s*|\s*[h:])([0-5]\d)(?!\d|\s*[h:])|\s*(?:heures?|h|:))?"
)
_WORDS = [(sign, re.compile(words)) for sign, words in _SIGNS.items()]

_DAY = "(?:Mo|Tu|We|Th|Fr|Sa|Su)"
_SOME_DAYS = rf"(?:{_DAY} (?:- )?)+"
_SOME_TIMES = r"(?:\d\d:\d\d (?:- )?)+"
_BY_DAY = re.compile(
    rf"(?P<days>{_SOME_DAYS})"
    r"(?:(?P<lost>(?:- |\d\d:\d\d )*\? (?:- |\? |\d\d:\d\d )*)"
    rf"|(?P<times>{_SOME_TIMES})|(?P<off>off ))"
    rf"|off (?P<closed>{_SOME_DAYS})|(?P<nothing>(?:- |\? )+)"
)
_BY_TIME = re.compile(rf"(?P<times>{_SOME_TIMES})(?P<days>(?:{_SOME_DAYS})?)")


def suggested(text: str) -> str | None:
    """A text's hours in OpenStreetMap's syntax; "" if it has none, None if they are unclear."""
    said = _in_signs(one_spelling(without_html(text) if has_html(text) else text).lower())
    if said is None or said == "24/7 ":
        return said and said.strip()
    form = _BY_TIME if said[:1].isdigit() else _BY_DAY
    week: dict[str, str] = {}
    place = 0
    while place < len(said):
        part = form.match(said, place)
        if not part or part.end() == place:
            return None
        place = part.end()
        if not _add(week, part.groupdict()):
            return None
    return "; ".join(_rules(week))


def _in_signs(text: str) -> str | None:
    """The text in the signs of the small language, each with a space behind."""
    signs: list[str] = []
    place = 0
    while place < len(text):
        time = _TIME.match(text, place)
        sign, found = next(
            ((sign, found) for sign, word in _WORDS if (found := word.match(text, place))),
            (None, time),
        )
        if found is None:
            return None
        if sign is None:
            sign = f"{int(found[1]):02}:{found[2] or '00'}"
        signs += sign.split()
        place = found.end()
    while signs and signs[0] == "-":
        del signs[0]
    return "".join(f"{sign} " for sign in signs)


def _add(week: dict[str, str], part: dict[str, str | None]) -> bool:
    """Take over what a part says; False if its times are no hours, or a day comes again."""
    if part.get("closed"):
        week |= dict.fromkeys(_days(part["closed"] or ""), "off")
    elif part.get("off"):
        week |= dict.fromkeys(_days(part["days"] or ""), "off")
    elif part["times"]:
        days = _days(part["days"] or "") or [""]
        hours = _hours(part["times"])
        # twice the same day: does the second one add, or replace?
        if hours is None or week.keys() & set(days):
            return False
        week |= dict.fromkeys(days, hours)
    return True


def _days(said: str) -> list[str]:
    """« Mo - Fr » is five days, « Tu - Th - Fr » and « Tu Th Fr » are three."""
    signs = said.removesuffix("- ").split()
    if signs.count("-") > 1 and signs.count("-") == len(signs) // 2:
        return [sign for sign in signs if sign != "-"]
    days: list[str] = []
    for first, last in re.findall(rf"({_DAY})(?: - ({_DAY}))?", " ".join(signs)):
        start, end = DAYS.index(first), DAYS.index(last or first)
        days += DAYS[start : end + 1] if start <= end else DAYS[start:] + DAYS[: end + 1]
    return days


def _hours(said: str) -> str | None:
    times = re.findall(r"\d\d:\d\d", said)
    if len(times) % 2 or any(one >= other for one, other in pairwise(times)):
        return None
    return ",".join(f"{start}-{end}" for start, end in zip(times[::2], times[1::2], strict=True))


def _rules(week: dict[str, str]) -> list[str]:
    """The week's hours, days with the same ones together, in the order of their first day."""
    said: dict[str, list[str]] = {}
    for day in ("", *DAYS):
        if week.get(day, "off") != "off":
            said.setdefault(week[day], []).append(day)
    return [f"{_spans(days)} {hours}".strip() for hours, days in said.items()]


def _spans(days: list[str]) -> str:
    """`Mo-Fr`, `Mo,Tu`, `Mo-We,Fr`."""
    spans: list[list[str]] = []
    for day in days:
        if spans and day and DAYS.index(spans[-1][-1]) + 1 == DAYS.index(day):
            spans[-1].append(day)
        else:
            spans.append([day])
    # two days are named, not spanned
    return ",".join(f"{span[0]}-{span[-1]}" if span[2:] else ",".join(span) for span in spans)
