"""A column of the national schema: what its values may be, and their normal form."""

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, NamedTuple

from services.directory.domain.closest import closest, question
from services.directory.domain.spreadsheets import restored
from services.directory.domain.texts import (
    SHORT,
    has_control,
    has_html,
    is_plain,
    is_stacked,
    one_line,
    one_spelling,
    without_html,
)
from shared.errors import InvalidField
from shared.events import FieldValue
from shared.html_text import LONGEST_HTML

LONGEST = 2_000
LONGEST_DETAIL = 20_000
"""Characters; the schema sets no limit, the bus does."""
SEPARATOR = "|"
LONGEST_SHOWN = 100
"""Characters of a value that a message repeats."""

EMAIL = re.compile(r"[^@\s<>,;:\"()\[\]\\]+@[^@\s<>,;:\"()\[\]\\.]+(\.[^@\s<>,;:\"()\[\]\\.]+)+")
WEB = re.compile(r"https?://[^\s/?#@\\]+([/?#][^\s\\]*)?", re.IGNORECASE)
FORBIDDEN = "Ce texte contient des caractères interdits."

_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_PLAIN_NUMBER = re.compile(r"-?[1-8]?\d\.\d+", re.ASCII)
"""A number that is certainly within all bounds."""
_DECIMAL_COMMA = re.compile(r"([+-]?\d+),(\d+)", re.ASCII)
_DAY = re.compile(
    r"(?P<year>\d{4})-(?P<month>\d{1,2})-(?P<day>\d{1,2})([T ][\d:.,+Z-]*)?", re.ASCII
)
_FRENCH_DAY = re.compile(r"(?P<day>\d{1,2})/(?P<month>\d{1,2})/(?P<year>\d{4})", re.ASCII)
_OTHER_SEPARATORS = re.compile(r"\s*[;,\n]\s*")

UNKNOWN_DATE = "1970-01-01"
"""What sources write when they do not know when a sheet was last changed; so do we."""


LOSING = frozenset({"one_number", "siret", "unknown_date"})
"""Notes on what a file is let pass with, and a person can put right."""


class InvalidValue(Exception):
    """A value that breaks a rule of its column."""

    def __init__(self, rule: str, message: str, suggestion: str | None = None) -> None:
        self.rule = rule
        self.message = message if suggestion is None else f"{message} {question(suggestion)}"
        super().__init__(self.message)
        self.suggestion = suggestion


class Mended(NamedTuple):
    """A text in its column's form; the note says what was changed, if people should know."""

    text: str
    note: str | None = None
    rule: str = "rewritten"


class Checked(NamedTuple):
    """A value in its normal form, and what was changed to get there."""

    value: FieldValue
    note: str | None = None
    rule: str = "rewritten"


class Cell(NamedTuple):
    """What a file's cell says: its value, and what was changed or what is wrong."""

    value: FieldValue = None
    note: InvalidField | None = None
    error: InvalidField | None = None


@dataclass(frozen=True)
class Column:
    """One column: its form and what the schema asks of its values."""

    name: str
    form: Literal["text", "list", "number", "date"] = "text"
    required: bool = False
    pattern: re.Pattern[str] | None = None
    choices: tuple[str, ...] = ()
    longest: int = LONGEST
    editable: bool = True
    """Whether people may propose another value."""
    prose: bool = False
    """Words for people: HTML in it becomes text."""
    several_lines: bool = False
    mend: Callable[[str], Mended] | None = None
    """Gives a text the form that the schema asks for, or raises `InvalidValue`."""
    items: re.Pattern[str] | None = None
    """What we ask of each item of a proposed value, beyond the schema."""
    bounds: tuple[float, float] | None = None

    def quick(self, cell: str) -> FieldValue:
        """The value of a CSV cell that is surely in its normal form, else none: most are."""
        text = cell.strip()
        if not text or self.mend or self.choices or len(cell) >= min(SHORT, self.longest):
            return None
        if self.form == "number":
            return float(text) if _PLAIN_NUMBER.fullmatch(text) else None
        if "'" in text or not is_plain(text):
            return None
        if self.form == "list":
            return None if SEPARATOR in text or self._apart(text) != [text] else [text]
        return text if self.pattern is None or self.pattern.fullmatch(text) else None

    def read(self, cell: str) -> Cell:
        """What a CSV cell says."""
        text = restored(cell, self.longest).strip()
        try:
            value, note, rule = self._from_text(text)
        except InvalidValue as exc:
            wrong = InvalidField(self.name, exc.rule, exc.message, exc.suggestion)
            return Cell(error=wrong)
        if note is None:
            return Cell(value)
        return Cell(value, InvalidField(self.name, rule, note, written(value)))

    def from_cell(self, cell: str) -> FieldValue:
        """The value of a CSV cell; raises `InvalidValue`."""
        return self._from_text(restored(cell, self.longest).strip())[0]

    def check(self, value: FieldValue) -> FieldValue:
        """The value in its normal form, None if empty; raises `InvalidValue`."""
        return self._checked(value)[0]

    def check_proposed(self, value: FieldValue) -> FieldValue:
        """As `check`, and what we ask of people beyond the schema."""
        if not self.editable:
            raise InvalidValue("read_only", "Ce champ ne peut pas être modifié.")
        checked, note, rule = self._checked(value)
        if note and rule in LOSING:
            kept = written(checked)
            raise InvalidValue(rule, note, None if kept == value else kept)
        for item in checked if isinstance(checked, list) else [checked]:
            if self.items and isinstance(item, str) and not self.items.fullmatch(item):
                what = "une adresse de courriel" if self.items is EMAIL else "une adresse web"
                raise InvalidValue("format", f"« {item} » n'est pas {what}.")
        return checked

    def same(self, one: FieldValue, other: FieldValue) -> bool:
        """Whether two values say the same; the order of a closed list says nothing."""
        if self.choices and isinstance(one, list) and isinstance(other, list):
            return sorted(one) == sorted(other)
        return one == other

    def _from_text(self, text: str) -> Checked:
        if self.form == "number" and text:
            return self._checked(_number(text))
        if self.form == "list" and text:
            value = self._list(text.split(SEPARATOR), text)
            return Checked(value, _rewritten(text, value))
        value, note, rule = self._checked(text)
        if note is None and isinstance(value, str) and not self.several_lines:
            note = _rewritten(text, value)
        return Checked(value, note, rule)

    def _checked(self, value: FieldValue) -> Checked:
        if value is None or value in ("", []):
            if self.required:
                raise InvalidValue("required", "Cette information est obligatoire.")
            return Checked(None)
        if self.form == "number":
            return Checked(self._within(value))
        if self.form == "list":
            return Checked(self._list(value))
        if not isinstance(value, str):
            raise InvalidValue("type", "Il faut un texte.")
        text, note, rule = self._text(value)
        return Checked(text or self._checked(None).value, note, rule)

    def _within(self, value: FieldValue) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidValue("type", "Il faut un nombre.")
        low, high = self.bounds or (float("-inf"), float("inf"))
        # also refuses NaN, which is in no interval
        if not low <= value <= high:
            raise InvalidValue("range", f"Il faut un nombre entre {low:g} et {high:g}.")
        return float(value)

    def _list(self, value: FieldValue, cell: str = "") -> FieldValue:
        if not isinstance(value, list):
            raise InvalidValue("type", "Il faut une liste.")
        items: list[str] = []
        if not all(isinstance(given, str) for given in value):
            raise InvalidValue("type", "Il faut une liste de textes.")
        for given in (part for whole in value for part in self._apart(whole)):
            item = self._choice(self._item(given), cell)
            if SEPARATOR in item:
                raise InvalidValue("separator", f"Le signe « {SEPARATOR} » n'est pas permis.")
            if item and item not in items:
                items.append(item)
        if len(SEPARATOR.join(items)) > self.longest:
            raise InvalidValue("max_length", f"Il faut au plus {self.longest} caractères.")
        return items or self.check(None)

    def _apart(self, item: str) -> list[str]:
        """Several mail or web addresses that somebody wrote with another sign between them."""
        if not self.items or len(item) > self.longest:
            return [item]
        parts = [part for part in _OTHER_SEPARATORS.split(item) if part]
        is_list = len(parts) > 1 and all(self.items.fullmatch(part) for part in parts)
        return parts if is_list else [item]

    def _choice(self, item: str, cell: str) -> str:
        if not self.choices or not item or item in self.choices:
            return item
        known = {folded(choice): choice for choice in self.choices}
        if found := known.get(folded(item)):
            return found
        message = f"« {_cut(item)} » n'est pas une valeur de la liste."
        whole = cell if cell and len(cell) <= self.longest else item
        parts = [known.get(folded(part)) for part in _OTHER_SEPARATORS.split(whole)]
        if len(parts) > 1 and all(parts):
            raise InvalidValue("enum", message, SEPARATOR.join(filter(None, parts)))
        raise InvalidValue("enum", message, closest(item, self.choices))

    def _item(self, given: str) -> str:
        _refuse_stacks(given)
        text = one_line(one_spelling(given)).strip()
        self._refuse_signs(text)
        return text

    def _text(self, value: str) -> Mended:
        _refuse_stacks(value)
        mended = Mended(one_spelling(value))
        if self.prose and len(value) <= LONGEST_HTML and has_html(mended.text):
            plain = without_html(mended.text)
            mended = Mended(plain, "Les balises HTML ont été retirées du texte.", "html")
        text = (mended.text if self.several_lines else one_line(mended.text)).strip()
        self._refuse_signs(text)
        mended = self.mend(text) if self.mend and text else Mended(text, *mended[1:])
        if self.pattern and mended.text and not self.pattern.fullmatch(mended.text):
            message = f"« {_cut(text)} » n'a pas la forme attendue."
            raise InvalidValue("pattern", message, self._tidied(mended.text))
        return mended

    def _tidied(self, text: str) -> str | None:
        """A code without its spaces, or with the 0 that a spreadsheet dropped, if that is one."""
        code = re.sub(r"[\s.]", "", text)
        forms = (code, code.zfill(len("01000")))
        return next((form for form in forms if self.pattern and self.pattern.fullmatch(form)), None)

    def _refuse_signs(self, text: str) -> None:
        if has_control(text):
            raise InvalidValue("characters", FORBIDDEN)
        if len(text) > self.longest:
            raise InvalidValue("max_length", f"Il faut au plus {self.longest} caractères.")


def _refuse_stacks(text: str) -> None:
    if is_stacked(text):
        raise InvalidValue("characters", FORBIDDEN)


def written(value: FieldValue) -> str:
    """A value as a CSV cell has it."""
    return SEPARATOR.join(value) if isinstance(value, list) else str("" if value is None else value)


def folded(item: str) -> str:
    """One spelling for what the schema itself writes with and without a space."""
    return re.sub(r"\s*\(", "(", one_spelling(item))


def mend_date(text: str) -> Mended:
    """A day of the calendar; what is none, or comes from a machine's first second, is unknown."""
    found = _DAY.fullmatch(text) or _FRENCH_DAY.fullmatch(text)
    day = _iso(found["year"], found["month"], found["day"]) if found else None
    if day == UNKNOWN_DATE:
        return Mended(UNKNOWN_DATE, "La date de mise à jour est inconnue.", "unknown_date")
    if day is None:
        note = f"« {_cut(text)} » n'est pas une date (AAAA-MM-JJ) : elle est inconnue."
        return Mended(UNKNOWN_DATE, note, "unknown_date")
    return Mended(day, None if day == text else f"« {text} » est enregistré comme « {day} ».")


def _iso(year: str, month: str, day: str) -> str | None:
    try:
        return dt.date(int(year), int(month), int(day)).isoformat()
    except ValueError:
        return None


def _number(text: str) -> float:
    if _NUMBER.fullmatch(text):
        return float(text)
    comma = _DECIMAL_COMMA.fullmatch(text)
    suggestion = f"{comma[1]}.{comma[2]}" if comma else None
    raise InvalidValue("number", f"« {_cut(text)} » n'est pas un nombre.", suggestion)


def _rewritten(text: str, value: FieldValue) -> str | None:
    kept = written(value)
    return None if kept == text else f"« {_cut(text)} » est enregistré comme « {_cut(kept)} »."


def _cut(text: str) -> str:
    return text if len(text) <= LONGEST_SHOWN else f"{text[:LONGEST_SHOWN]}…"
