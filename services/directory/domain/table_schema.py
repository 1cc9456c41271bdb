"""Whether a cell is what the national Table Schema v1.0.2 says, to the letter.

Reading forgives: it takes other spellings, spaces, numbers of telephones as people write them.
This does not, and says what a validator of Table Schema says (frictionless, which matches the
whole value as well), but for numbers that are none (NaN) and dates without their zeros.
"""

import re

from services.directory.domain.columns import SEPARATOR, Column
from services.directory.domain.fiche import COLUMNS

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_SUMMARY = "presentation_resume"


def breaks(name: str, cell: str) -> str | None:
    """The rule of the schema that a cell of this column breaks, none if it keeps them all."""
    column = COLUMNS[name]
    if not cell:
        return "required" if column.required else None
    if column.form == "number":
        return None if _NUMBER.fullmatch(cell) else "number"
    if column.form == "date":
        return None if _DATE.fullmatch(cell) and column.read(cell).value == cell else "date"
    if name == _SUMMARY and len(cell) > column.longest:
        return "max_length"
    return None if _matches(column, cell) else "pattern"


def _matches(column: Column, cell: str) -> bool:
    if column.choices:
        # the published pattern lets a list begin with a separator
        return all(item in column.choices for item in cell.removeprefix(SEPARATOR).split(SEPARATOR))
    return column.pattern is None or bool(column.pattern.fullmatch(cell))
