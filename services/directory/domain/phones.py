"""Telephone numbers in the schema's form, where the national numbering plan leaves no doubt."""

import re

from services.directory.domain.columns import InvalidValue, Mended

NUMBER = re.compile(r"\+(33|590|594|262|596|269|687|689|508|681)\d{6,9}", re.ASCII)

_BETWEEN = re.compile(r"\s*(?:[|;,/\n]|\bou\b|\bet\b)\s*")
_SIGNS = re.compile(r"[+0-9 .()-]+")
_SPACES = re.compile(r"[ .-]|\(0\)")
_INSIDE = re.compile(r"(?:\+|00)?\d(?:[ .-]?\d){8,12}", re.ASCII)

_OVERSEAS = {
    "590": "590", "690": "590", "691": "590",
    "594": "594", "694": "594",
    "596": "596", "696": "596", "697": "596",
    "262": "262", "263": "262", "692": "262", "693": "262", "269": "262", "639": "262",
}  # fmt: skip
"""Country codes by the first digits behind the national 0 (Arcep's numbering plan)."""
_MIQUELON = "508"


def mend_phone(text: str) -> Mended:
    """The first number of a text in the schema's form; the note names what is left out.

    Raises `InvalidValue` where it is not sure which number was meant.
    """
    if NUMBER.fullmatch(text):
        return Mended(text)
    parts = [part for part in _BETWEEN.split(text) if part]
    numbers = [international(part) for part in parts]
    kept = next(filter(None, numbers), None)
    if kept is None:
        inside = [international(found) for found in _INSIDE.findall(text)]
        message = f"« {text} » n'est pas un numéro de la forme +33…, sans espace."
        raise InvalidValue("pattern", message, next(filter(None, inside), None))
    others = [part for part, number in zip(parts, numbers, strict=True) if number != kept]
    if others:
        left = " ; ".join(others)
        note = f"Le schéma n'admet qu'un numéro : {kept} est gardé, non repris : « {left} »."
        return Mended(kept, note, "one_number")
    return Mended(kept, f"« {text} » est enregistré comme « {kept} ».")


def international(written: str) -> str | None:
    """A number as it is dialled from abroad, none if that is not certain."""
    if not _SIGNS.fullmatch(written):
        return None
    digits = _SPACES.sub("", written)
    if digits.startswith("00"):
        digits = f"+{digits[2:]}"
    # a 0 that is for callers of the same country
    digits = re.sub(r"^\+(33|590|594|262|596)0", r"+\1", digits)
    if not digits.startswith("+"):
        digits = _national(digits)
    return digits if NUMBER.fullmatch(digits) else None


def _national(digits: str) -> str:
    if len(digits) == len("33180059880") and digits.startswith("33"):
        return f"+{digits}"
    # a spreadsheet that takes it for a number drops the 0
    significant = digits.removeprefix("0")
    if len(significant) != len("180059880"):
        return ""
    if significant.startswith(_MIQUELON):
        return f"+{significant}"
    return f"+{_OVERSEAS.get(significant[:3], '33')}{significant}"
