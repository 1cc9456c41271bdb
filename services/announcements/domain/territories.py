"""Places a call is for: `commune:69123`, `departement:69`, `region:84` or `france`."""

from typing import Annotated

from pydantic import AfterValidator

from shared.territories import COMMUNE, REGION_OF, REGIONS

# collectivities overseas stand where a department would, in no region
DEPARTMENTS = REGION_OF.keys() | {"975", "977", "978", "986", "987", "988"}
FRANCE = "france"


def check_territory(text: str) -> str:
    """The territory in its one form; raises `ValueError` if there is none such."""
    scale, _, code = text.strip().partition(":")
    scale, code = scale.lower(), code.upper()
    known = (
        (scale == FRANCE and not code)
        or (scale == "region" and code in REGIONS)
        or (scale == "departement" and code in DEPARTMENTS)
        or (scale == "commune" and COMMUNE.fullmatch(code) and department_of(code) in DEPARTMENTS)
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
