"""Words as they are compared: without case, accents or simple plurals."""

import re
import unicodedata

_WORD = re.compile(r"\w+")
_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "ß": "ss"})
_SHORTEST_PLURAL = 4


def words(text: str) -> list[str]:
    """The words of a text, folded, in order."""
    apart = unicodedata.normalize("NFKD", text.lower().translate(_LIGATURES))
    plain = "".join(sign for sign in apart if not unicodedata.combining(sign))
    return [_singular(word) for word in _WORD.findall(plain)]


def matches(asked: list[str], known: list[str]) -> bool:
    """Whether all words asked for are known; the last may be one's beginning."""
    *whole, last = asked or [""]
    return all(word in known for word in whole) and any(word.startswith(last) for word in known)


def _singular(word: str) -> str:
    return word[:-1] if len(word) >= _SHORTEST_PLURAL and word[-1] in "sx" else word
