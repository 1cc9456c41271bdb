"""What goes online at once, marked and reversible."""

import re
import unicodedata
from typing import Literal

from services.moderation.domain.cases import ReviewCase
from services.moderation.domain.links import links_of
from shared.events import FieldChange, FieldValue

Shortcut = Literal["typography", "empty_field"]

PROSE = frozenset(
    {
        "nom",
        "commune",
        "adresse",
        "complement_adresse",
        "presentation_resume",
        "presentation_detail",
        "structure_parente",
    }
)
"""Fields where a comma is a comma: in hours, numbers and links it changes what is said."""

SENTENCES = {
    "typography": "Seuls changent des majuscules, des espaces ou de la ponctuation.",
    "empty_field": (
        "Une personne dont les propositions sont régulièrement acceptées a complété une "
        "information qui manquait."
    ),
}

_GAP = re.compile(r"([\s.,;:!?…'’‘\"“”«»()\[\]‐‑–—·-]+)")
"""Spaces and punctuation. Other signs say something (5 €, C++, @), unseen ones hide something."""
_LONGEST_GAP = 8
"""Signs in a row; more of them draw or bury something."""
_LINK_OR_MAIL = re.compile(r"//|@|www\.|\w\.([^\W\d_A-Z]{2,}|[A-Z]{2,})\b")
"""Their signs and letters all count; `fin.Début` only lacks a space."""
_WORD = re.compile(r"[^\W\d_]+|\d+")
_STOP = re.compile(r"[.;:!?…]+(?=\s|$|[^\W\d_])")
SENTENCED = frozenset({"presentation_resume", "presentation_detail"})
_HOUR = re.compile(r"(?<=\d)\s+(?=h(?![^\W\d_]))")
_COUNTS = re.compile(
    r".*\d.*|lun(di)?s?|mar(di)?s?|mer(credi)?s?|jeu(di)?s?|ven(dredi)?s?|sam(edi)?s?|dim(anche)?s?"
    r"|janvier|février|mars|avril|mai|juin|juillet|août|septembre|octobre|novembre|décembre"
)
"""Words between which a sign says from-to, and, or comma: 9.30, 4-6, 9h-12h, lundi-jeudi."""


def shortcut(case: ReviewCase, *, trusted: bool) -> Shortcut | None:
    """By which rule an edit needs no answer, if by any."""
    if case.kind != "edit" or case.held or not case.changes:
        return None
    if all(only_typography(change) for change in case.changes):
        return "typography"
    if trusted and all(fills(one) or only_typography(one) for one in case.changes):
        return "empty_field"
    return None


def only_typography(change: FieldChange) -> bool:
    """Whether only case, punctuation or spaces differ."""
    old, new = change.old, change.new
    if change.field not in PROSE or not isinstance(old, str) or not isinstance(new, str):
        return False
    return (
        bool(_bare(old))
        and _bare(old) == _bare(new)
        and _links_and_mails(old) == _links_and_mails(new)
        and _longest_gap(new) <= max(_longest_gap(old), _LONGEST_GAP)
        and _words(old) == _words(new)
        and (change.field not in SENTENCED or _sentences(old) == _sentences(new))
    )


def fills(change: FieldChange) -> bool:
    """Whether there was nothing before; a link is looked at by somebody."""
    empty = _empty(change.old) and not _empty(change.new)
    return empty and not change.withheld and not links_of(change.new)


def _empty(value: FieldValue) -> bool:
    return value is None or value in ("", [])


def _bare(text: str) -> str:
    """What a text says, whatever its case, punctuation and spaces."""
    parts = _GAP.split(_HOUR.sub("", unicodedata.normalize("NFC", text).lower()))
    for at in range(1, len(parts), 2):
        between = _COUNTS.fullmatch(parts[at - 1]) and _COUNTS.fullmatch(parts[at + 1])
        parts[at] = ("".join(parts[at].split()) or " ") if between else ""
    return "".join(parts)


def _words(text: str) -> list[str]:
    """A space or a sign more makes two words of one: `Concours`, `Con Cours`."""
    return _WORD.findall(unicodedata.normalize("NFC", text).lower())


def _sentences(text: str) -> list[int]:
    """How many words each sentence has: a stop elsewhere can say the contrary."""
    counts = [len(_words(one)) for one in _STOP.split(text)]
    return [one for one in counts if one]


def _links_and_mails(text: str) -> list[str]:
    words = (word.lstrip('(«“"').rstrip('.,;:!?…»”"') for word in text.split())
    return [word for word in words if _LINK_OR_MAIL.search(word)]


def _longest_gap(text: str) -> int:
    return max(map(len, _GAP.findall(text)), default=0)
