"""What people write, in one spelling: the sign for one thing is always the same one."""

import re
import unicodedata
from html import unescape

from shared.html_text import plain_text

_LINE_ENDS = re.compile(r"\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_BREAKS = re.compile(r"[\r\n\t]+")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")

_INVISIBLE = re.compile(r"[\u00ad\u200b\u2060\ufeff\u202a-\u202e\u2066-\u2069]")
"""Signs without a width, and those that turn the direction of text: it could read as another."""

_SPELLINGS = str.maketrans({
    "\u2019": "'", "\u02bc": "'", "\u00a0": " ", "\u202f": " ", "\u2007": " ", "\u2009": " ",
})  # fmt: skip
"""Typographic apostrophes and the spaces that do not break: the schema has the plain ones."""

_TAG = re.compile(
    r"</?[a-z][a-z0-9-]*(\s[^<>]*)?/?>|<!--|<(script|style|iframe|img|svg|object|embed)\b",
    re.IGNORECASE,
)
"""A tag, complete or dangerous; neither « <3 » nor a mail address between brackets."""
_NAMED = re.compile(r"&(#\d{1,7}|#x[0-9a-f]{1,6}|[a-z]{2,8}\d{0,2});", re.IGNORECASE)
"""A sign by its name; not « R&D »."""


_ODD = re.compile(r"[<&\u2019\u02bc]")


DEEPEST = 4
"""How often HTML may have been escaped into HTML."""
SHORT = 1_000
MOST_MARKS = 30
"""On one letter; more than any script has (Unicode's « stream-safe » texts)."""


def is_stacked(text: str) -> bool:
    """Whether a letter has so many marks that ordering them would take the square of their time."""
    if len(text) <= SHORT or text.isascii():
        return False
    marks = 0
    for sign in text:
        marks = marks + 1 if unicodedata.combining(sign) else 0
        if marks > MOST_MARKS:
            return True
    return False


def is_plain(text: str) -> bool:
    """Whether nothing below would change a text; quick, and true of most."""
    if not text.isprintable() or _ODD.search(text):
        return False
    return text.isascii() or unicodedata.is_normalized("NFC", text)


def one_spelling(text: str) -> str:
    """A text in NFC, with plain apostrophes, spaces and line ends, without invisible signs."""
    if text.isascii() and text.isprintable():
        return text
    composed = unicodedata.normalize("NFC", text)
    return _INVISIBLE.sub("", _LINE_ENDS.sub("\n", composed)).translate(_SPELLINGS)


def one_line(text: str) -> str:
    """A text without line ends and tabs."""
    if text.isprintable():
        return text
    return " ".join(filter(None, (part.strip() for part in _BREAKS.split(text))))


def has_control(text: str) -> bool:
    """Whether a text holds signs that are for machines, or half a character."""
    return not text.isprintable() and bool(_CONTROL.search(text))


def has_html(text: str) -> bool:
    """Whether a text is written in HTML."""
    return bool(("<" in text and _TAG.search(text)) or ("&" in text and _NAMED.search(text)))


def without_html(text: str) -> str:
    """The text of some HTML, even of HTML that was escaped into HTML: it holds none any more.

    Of its first 100,000 characters: whoever calls refuses longer ones.
    """
    for _ in range(DEEPEST):
        if not has_html(text):
            return text
        # without a tag, its line ends are its author's
        text = plain_text(text) if _TAG.search(text) else one_spelling(unescape(text))
    return text.replace("<", " ").replace("&", " ") if has_html(text) else text


def readable(text: object) -> object:
    """What people wrote, without the signs that nobody can see."""
    if not isinstance(text, str):
        return text
    return _CONTROL.sub("", _INVISIBLE.sub("", _LINE_ENDS.sub("\n", text)))
