"""Words of a text as they are compared: case, accents, plurals and one typing error forgiven."""

import re
import unicodedata
from functools import lru_cache

from rapidfuzz.distance import OSA

LONGEST = 40
"""Letters of a word that count."""
FORGIVING = 4
"""Letters from which a typing error is forgiven; shorter words are each other's."""

_WORD = re.compile(r"[^\W_]+")
_ACRONYM = re.compile(r"\b(?:[^\W\d_]\.){2,}(?:[^\W\d_]\b)?")
_MARKS = re.compile(r"[\u0300-\u036f]+")
_LIGATURES = str.maketrans({"œ": "oe", "æ": "ae", "ß": "ss"})
_SAME = {"st": "saint", "ste": "saint", "sainte": "saint", "sts": "saint", "stes": "saint"}
_EMPTY = frozenset(
    [
        "au",
        "aux",
        "avec",
        "ce",
        "ces",
        "cet",
        "cette",
        "dans",
        "de",
        "des",
        "du",
        "elle",
        "en",
        "et",
        "il",
        "la",
        "le",
        "les",
        "leur",
        "leurs",
        "ne",
        "nos",
        "notre",
        "ou",
        "par",
        "pas",
        "pour",
        "que",
        "qui",
        "sa",
        "se",
        "ses",
        "son",
        "sur",
        "un",
        "une",
        "vos",
        "votre",
        "vous",
    ]
)


def terms(text: str) -> list[str]:
    """The words of a text in their one form, empty ones left out, in order."""
    found = _WORD.findall(_folded(_ACRONYM.sub(lambda one: one[0].replace(".", ""), text)))
    return [_singular(word) for word in found if len(word) > 1 and word not in _EMPTY]


def forgives(term: str) -> bool:
    """Whether somebody may have meant another word."""
    return len(term) >= FORGIVING and term.isalpha()


@lru_cache(maxsize=100_000)
def variants(term: str) -> frozenset[str]:
    """The word, and it without each of its letters: words one error apart share one of them."""
    if not term.isalpha():
        return frozenset()
    return frozenset({term, *(term[:at] + term[at + 1 :] for at in range(len(term)))})


def close(one: str, other: str) -> bool:
    """Whether one letter added, left out, wrong, or two swapped make one word the other."""
    return OSA.distance(one, other, score_cutoff=1) <= 1


def _folded(text: str) -> str:
    if text.isascii():
        return text.lower()
    return _MARKS.sub("", unicodedata.normalize("NFKD", text.lower().translate(_LIGATURES)))


@lru_cache(maxsize=100_000)
def _singular(word: str) -> str:
    word = _SAME.get(word, word)[:LONGEST]
    if len(word) < FORGIVING or not word.isalpha():
        return word
    if word.endswith(("eaux", "eux", "oux")):
        return word[:-1]
    if word.endswith("aux"):
        return f"{word[:-2]}l"
    return word[:-1] if word.endswith("s") else word
