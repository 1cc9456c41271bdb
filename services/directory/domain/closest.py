"""« Vouliez-vous dire … ? »: the known value that somebody probably meant."""

import unicodedata
from collections.abc import Iterable

from rapidfuzz import fuzz, process

CLOSE = 70
"""How alike two values must be, of 100: less is another word, not a typing error."""


def closest(written: str, known: Iterable[str]) -> str | None:
    """The known value that is most like a written one, if any is like it."""
    found = process.extractOne(
        written, list(known), scorer=fuzz.WRatio, processor=_plain, score_cutoff=CLOSE
    )
    return found[0] if found else None


def question(suggestion: str) -> str:
    """The question to ask with a suggestion; an empty one is an empty cell."""
    return f"Vouliez-vous dire « {suggestion} » ?" if suggestion else "Laissez plutôt vide."


def _plain(text: str) -> str:
    parts = unicodedata.normalize("NFKD", text.casefold())
    return "".join(part for part in parts if not unicodedata.combining(part))
