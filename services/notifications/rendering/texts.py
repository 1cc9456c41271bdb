"""Text that people give, made safe to print; text that we send, in lines of a mail."""

import re
import textwrap
import unicodedata
from collections.abc import Sequence
from typing import Any

WIDTH = 72

_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")


def one_line(given: Any) -> Any:
    """Text without line breaks or signs that hide or turn it: nothing forges a part of a mail."""
    # a Markup is ours, and whole
    if type(given) is not str:
        return given
    spaced = "".join(
        " " if unicodedata.category(sign) in ("Cc", "Zl", "Zp") else sign for sign in given
    )
    return " ".join(_BIDI.sub("", spaced).split())


def lines(text: str | None) -> Sequence[str]:
    """Somebody's words, line by line; each is printed as one."""
    return (text or "").strip().splitlines()


def first_upper(text: str) -> str:
    """The same text, as it begins a sentence."""
    return text[:1].upper() + text[1:]


def wrapped(text: str) -> str:
    """Lines of at most 72 signs (addresses stay whole), and no more than one blank line."""
    pieces = [piece for line in text.splitlines() for piece in _wrapped_line(line) or [""]]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(pieces)).strip() + "\n"


def _wrapped_line(line: str) -> list[str]:
    indent = line[: len(line) - len(line.lstrip(" "))]
    further = "> " if line.startswith("> ") else indent
    if indent or line.startswith("- "):
        further += "  "
    pieces = textwrap.wrap(
        # a line never begins with a colon or a question mark
        re.sub(r" (?=[:;!?])", "\xa0", line),
        WIDTH,
        subsequent_indent=further,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [piece.replace("\xa0", " ") for piece in pieces]
