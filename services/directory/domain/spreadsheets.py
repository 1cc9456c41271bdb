"""Cells of a CSV file that a spreadsheet would run as formulas, made harmless and back.

An apostrophe before a formula makes it text for every spreadsheet. `harmless` writes it, `meant`
takes exactly those away again: `meant(harmless(cell)) == cell` for every cell.

Numbers and telephones (`-61.5`, `+33180059880`) are no formulas and stay as the schema wants them.
A spreadsheet that takes `;` or a tab for the separator (as in France) begins cells in the middle
of ours: what runs is looked for there too. A sign there begins an item of a list most often, and
counts only before a call (`+HYPERLINK(…)`) or a command (`|`).

Source: OWASP, CSV Injection.
"""

import re

_NUMBER = r"[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
# full-width signs: spreadsheets take them for the plain ones
_FORMULA = re.compile(
    rf"""
      \A (?P<start>'*) (?!{_NUMBER}\Z) (?=[=+\-@＝＋－＠\t\r\n])
    | (?P<before>[;\t\r\n][ "]*) (?P<inner>'*)
      (?=[=@＝＠] | [+\-＋－][^;\t\r\n]*(?:\w\(|\|))
    """,
    re.VERBOSE | re.ASCII,
)


def harmless(cell: str) -> str:
    """The cell to write: an apostrophe before each formula."""
    return _FORMULA.sub(lambda found: f"{found['before'] or ''}'{_quotes(found)}", cell)


def meant(cell: str) -> str:
    """The cell that was written: without the apostrophes that `harmless` adds, and no others."""
    return _FORMULA.sub(lambda found: f"{found['before'] or ''}{_quotes(found)[1:]}", cell)


def _quotes(found: re.Match[str]) -> str:
    """The apostrophes that are there already."""
    return found["start"] or found["inner"] or ""
