"""Departments and regions, from the codes of a sheet (code officiel géographique, INSEE)."""

from services.directory.domain.fiche import Fiche
from shared.territories import REGION_OF

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
