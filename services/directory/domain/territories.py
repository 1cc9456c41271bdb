"""Departments and regions, from the codes of a sheet (code officiel géographique, INSEE)."""

import re

from services.directory.domain.fiche import Fiche

REGIONS = {
    "01": "971", "02": "972", "03": "973", "04": "974", "06": "976",
    "11": "75 77 78 91 92 93 94 95",
    "24": "18 28 36 37 41 45",
    "27": "21 25 39 58 70 71 89 90",
    "28": "14 27 50 61 76",
    "32": "02 59 60 62 80",
    "44": "08 10 51 52 54 55 57 67 68 88",
    "52": "44 49 53 72 85",
    "53": "22 29 35 56",
    "75": "16 17 19 23 24 33 40 47 64 79 86 87",
    "76": "09 11 12 30 31 32 34 46 48 65 66 81 82",
    "84": "01 03 07 15 26 38 42 43 63 69 73 74",
    "93": "04 05 06 13 83 84",
    "94": "2A 2B",
}  # fmt: skip
DEPARTMENTS_OF = {region: tuple(listed.split()) for region, listed in REGIONS.items()}
REGION_OF = {
    department: region for region, listed in DEPARTMENTS_OF.items() for department in listed
}
OVERSEAS = {"975", "977", "978", "984", "986", "987", "988"}
"""Collectivities that stand where a department would, in no region."""
DEPARTMENTS = frozenset(REGION_OF.keys() | OVERSEAS)

_ARRONDISSEMENTS = {
    "75056": range(75101, 75121),
    "69123": range(69381, 69390),
    "13055": range(13201, 13217),
}
"""Paris, Lyon and Marseille: sheets give the city's code or an arrondissement's."""

_ZONES = {
    "971": "America/Guadeloupe",
    "972": "America/Martinique",
    "973": "America/Cayenne",
    "974": "Indian/Reunion",
    "975": "America/Miquelon",
    "976": "Indian/Mayotte",
    "977": "America/St_Barthelemy",
    "978": "America/Marigot",
    "984": "Indian/Kerguelen",
    "986": "Pacific/Wallis",
    "987": "Pacific/Tahiti",
    "988": "Pacific/Noumea",
}
COMMUNE = re.compile(r"(?:\d{2}|2[AB])\d{3}", re.ASCII)


def department_of(fiche: Fiche) -> str | None:
    """The department of a sheet: of its commune's code, else of its postal code."""
    insee, postal = (str(fiche.get(name) or "") for name in ("code_insee", "code_postal"))
    code = insee or postal
    if not insee and code.startswith("20"):
        # Corsica: the postal codes of Ajaccio and Sartène, and those of Bastia and Corte
        found = "2A" if code[2] in "01" else "2B"
    else:
        found = code[:3] if code.startswith(("97", "98")) else code[:2]
    return found if found in DEPARTMENTS else None


def communes_of(code: str) -> tuple[str, ...]:
    """A commune's code, and those of its arrondissements."""
    return (code, *(str(one) for one in _ARRONDISSEMENTS.get(code, ())))


def zone_of(department: str | None) -> str:
    """The time zone there, by its IANA name."""
    return _ZONES.get(department or "", "Europe/Paris")
