"""What a sheet's pivot is: the number of a register, which several venues of a town may share."""

import re

from services.directory.domain.columns import Mended

UNKNOWN_PIVOT = "00000000000000"
"""What sources write when they do not know it: the column is required."""

_SIRET = re.compile(r"\d{14}", re.ASCII)
_LA_POSTE = "356000000"
_DOUBLED = str.maketrans("0123456789", "0246813579")
"""Twice a digit, the two digits of that added."""


def mend_pivot(text: str) -> Mended:
    """A pivot as it is; the note says that it is probably wrong."""
    if is_wrong_siret(text):
        note = "La clé de ce SIRET est fausse : un chiffre est sans doute mal recopié."
        return Mended(text, note, "siret")
    return Mended(text)


def is_wrong_siret(pivot: str) -> bool:
    """Whether 14 digits break the key that every SIRET has (Luhn's; La Poste has its own)."""
    if not _SIRET.fullmatch(pivot) or pivot == UNKNOWN_PIVOT:
        return False
    if pivot.startswith(_LA_POSTE) and sum(map(int, pivot)) % 5 == 0:
        return False
    return sum(map(int, pivot[::2].translate(_DOUBLED) + pivot[1::2])) % 10 != 0
