"""Cells of a CSV file that a spreadsheet would run as formulas, made harmless and back.

An apostrophe before a formula makes it text for every spreadsheet. `harmless` writes it, and
`restored` takes exactly those away again: each cell comes back as it was.

Numbers and telephones (`-61.5`, `+33180059880`) are no formulas and stay as the schema wants them.
A spreadsheet that takes `;` or a tab for the separator (as in France) begins cells in the middle
of ours: what runs is looked for there too. A sign there begins an item of a list most often, and
counts only before a call (`+HYPERLINK(…)`) or a command (`|`).

Where the apostrophe would make a cell longer than its column may be, the first sign is written as
a space of its own instead: no value begins with a space. In the middle, such a sign is lost.

Source: OWASP, CSV Injection.
"""

import math
import re

_NUMBER = r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
# full-width signs: spreadsheets take them for the plain ones
_START = rf"\A (?P<start>'*) (?!{_NUMBER}\Z) (?=[=+\-@＝＋－＠\t\r\n])"
_MIDDLE = r"""
    (?P<before>[;\t\r\n][ "]*) (?P<inner>'*)
    (?=[=@＝＠] | [+\-＋－][^;\t\r\n]*(?:\w\(|\|))
"""
_FLAGS = re.VERBOSE | re.ASCII
_FORMULA = re.compile(f"{_START} | {_MIDDLE}", _FLAGS)
_AT_START = re.compile(_START, _FLAGS)
_IN_THE_MIDDLE = re.compile(f"{_MIDDLE} .", _FLAGS)

_SPACE = dict(zip("'=+-@＝＋－＠", map(chr, range(0x2002, 0x200B)), strict=True))
_SIGN = {space: sign for sign, space in _SPACE.items()}


def harmless(cell: str, longest: float = math.inf) -> str:
    """The cell to write, of at most `longest` characters as the given one."""
    written = _FORMULA.sub(_with_apostrophe, cell)
    if len(written) <= longest:
        return written
    shortened = _IN_THE_MIDDLE.sub(lambda found: f"{found['before']}{found['inner']} ", cell)
    if not _AT_START.match(shortened):
        return shortened
    if len(shortened) < longest:
        return f"'{shortened}"
    return _SPACE.get(shortened[0], " ") + shortened[1:]


def restored(cell: str, longest: float = math.inf) -> str:
    """The cell that was written: without what `harmless` did to it, and nothing else."""
    if len(cell) == longest and cell[0] in _SIGN:
        return _SIGN[cell[0]] + cell[1:]
    return _FORMULA.sub(_without_apostrophe, cell) if "'" in cell else cell


def _with_apostrophe(found: re.Match[str]) -> str:
    return f"{found['before'] or ''}'{_quotes(found)}"


def _without_apostrophe(found: re.Match[str]) -> str:
    return f"{found['before'] or ''}{_quotes(found)[1:]}"


def _quotes(found: re.Match[str]) -> str:
    """The apostrophes that are there already."""
    return found["start"] or found["inner"] or ""
