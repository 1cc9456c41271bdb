"""What a sheet's pivot is: the number of a register, which several venues of a town may share."""

import re
from itertools import cycle

from services.directory.domain.columns import Mended

UNKNOWN_PIVOT = "00000000000000"
"""What sources write when they do not know it: the column is required."""

_SIRET = re.compile(r"\d{14}", re.ASCII)
_LA_POSTE = "356000000"


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
    digits = [int(digit) for digit in pivot]
    if pivot.startswith(_LA_POSTE) and sum(digits) % 5 == 0:
        return False
    doubled = (digit * by for digit, by in zip(digits, cycle((2, 1)), strict=False))
    return sum(sum(divmod(one, 10)) for one in doubled) % 10 != 0
