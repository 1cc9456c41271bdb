"""Places a call is for: `commune:69123`, `departement:69`, `region:84` or `france`."""

import re
from typing import Annotated

from pydantic import AfterValidator

# Code officiel géographique, INSEE: the departments of each region
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
REGION_OF = {
    department: region for region, listed in REGIONS.items() for department in listed.split()
}
# collectivities overseas stand where a department would, in no region
DEPARTMENTS = REGION_OF.keys() | {"975", "977", "978", "986", "987", "988"}
FRANCE = "france"

_COMMUNE = re.compile(r"(?:\d{2}|2[AB])\d{3}", re.ASCII)


def check_territory(text: str) -> str:
    """The territory in its one form; raises `ValueError` if there is none such."""
    scale, _, code = text.strip().partition(":")
    scale, code = scale.lower(), code.upper()
    known = (
        (scale == FRANCE and not code)
        or (scale == "region" and code in REGIONS)
        or (scale == "departement" and code in DEPARTMENTS)
        or (scale == "commune" and _COMMUNE.fullmatch(code) and department_of(code) in DEPARTMENTS)
    )
    if not known:
        raise ValueError(
            "Il faut un territoire : commune:69123, departement:69, region:84 ou france."
        )
    return f"{scale}:{code}" if code else scale


Territory = Annotated[str, AfterValidator(check_territory)]
"""A place in its one form."""


def containing(territory: str) -> list[str]:
    """A territory and all that it lies in, from small to large."""
    scale, _, code = territory.partition(":")
    found = [territory]
    if scale == "commune":
        scale, code = "departement", department_of(code)
        found.append(f"departement:{code}")
    if scale == "departement" and code in REGION_OF:
        found.append(f"region:{REGION_OF[code]}")
    return found if territory == FRANCE else [*found, FRANCE]


def overlap(one: str, other: str) -> bool:
    """Whether one of two territories lies in the other."""
    return one in containing(other) or other in containing(one)


def department_of(code: str) -> str:
    """The department of a commune's code, or of a postal code outside of Corsica."""
    return code[:3] if code.startswith(("97", "98")) else code[:2]
