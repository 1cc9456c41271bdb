"""The directory seen by territory: how many sheets, what they offer, how old and complete they are.

Departments are counted, everything else is their sum: no sheet is lost, none is counted twice.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from services.directory.domain.fiche import COLUMNS
from services.directory.domain.provenance import months_after
from services.directory.domain.territory_names import DEPARTMENTS, REGIONS
from shared.errors import Problem
from shared.french import PARIS
from shared.territories import DEPARTMENTS_OF, REGION_OF

Kind = Literal["region", "departement"]


class TerritoryNotFound(Problem):
    """No region or department has this code."""

    type = "territory-not-found"
    status = 404
    title = "Ce territoire n'existe pas."


UNKNOWN = ""
"""The department of a sheet that says none."""
SERVICES = COLUMNS["services"].choices
PUBLICS = COLUMNS["publics_specifiquement_adresses"].choices

AGES = ("under_6_months", "under_1_year", "under_2_years", "over_2_years", "unknown")
"""Of what a sheet says of its last change (`date_maj`); a day to come is unknown too."""
_MONTHS = (6, 12, 24)
"""Where one of the known ages ends and the next begins."""

BANDS = {"0-3": range(4), "4-6": range(4, 7), "7-8": range(7, 9), "9-10": range(9, 11)}
"""Of a sheet's completeness score, from 0 to 10."""


@dataclass
class Counts:
    """What is counted of some sheets."""

    venues: int = 0
    services: int = 0
    """Each service of each venue."""
    by_service: dict[str, int] = field(default_factory=lambda: dict.fromkeys(SERVICES, 0))
    by_public: dict[str, int] = field(default_factory=lambda: dict.fromkeys(PUBLICS, 0))
    by_age: dict[str, int] = field(default_factory=lambda: dict.fromkeys(AGES, 0))
    by_completeness: dict[str, int] = field(default_factory=lambda: dict.fromkeys(BANDS, 0))


@dataclass(frozen=True)
class Territory:
    """A region or a department, by its code, and what is counted there."""

    kind: Kind
    code: str
    nom: str
    region: str | None
    """The region that a department lies in; collectivities overseas lie in none."""
    counts: Counts


@dataclass(frozen=True)
class Overview:
    """The whole directory, its territories in the order of their codes, and what lies in none."""

    total: Counts
    regions: list[Territory]
    departments: list[Territory]
    unknown: Counts

    def find(self, kind: Kind, code: str) -> Territory | None:
        """A territory."""
        known = self.regions if kind == "region" else self.departments
        return next((one for one in known if one.code == code), None)


def overview(by_department: Mapping[str, Counts]) -> Overview:
    """The whole, from what is counted in each department and under `UNKNOWN`."""
    departments = [
        Territory("departement", code, nom, REGION_OF.get(code), by_department.get(code, Counts()))
        for code, nom in sorted(DEPARTMENTS.items())
    ]
    regions = [
        Territory("region", code, nom, None, _sum_of(by_department, DEPARTMENTS_OF[code]))
        for code, nom in sorted(REGIONS.items())
    ]
    return Overview(
        total=total(by_department.values()),
        regions=regions,
        departments=departments,
        unknown=by_department.get(UNKNOWN, Counts()),
    )


def total(several: Iterable[Counts]) -> Counts:
    """What is counted in all of them together."""
    whole = Counts()
    for one in several:
        whole.venues += one.venues
        whole.services += one.services
        for name in ("by_service", "by_public", "by_age", "by_completeness"):
            there = getattr(whole, name)
            for key, count in getattr(one, name).items():
                there[key] += count
    return whole


def _sum_of(by_department: Mapping[str, Counts], codes: Iterable[str]) -> Counts:
    return total(by_department.get(code, Counts()) for code in codes)


def age_limits(now: dt.datetime) -> list[dt.date]:
    """The first day of each known age, youngest first: the day on which it was 6 months ago…"""
    here = now.astimezone(PARIS)
    return [months_after(here, -months).date() for months in _MONTHS]


def age_of(day: dt.date | None, now: dt.datetime) -> str:
    """The age of a sheet that was last changed on a day."""
    if day is None or day > now.astimezone(PARIS).date():
        return AGES[-1]
    return next(
        (age for age, first in zip(AGES, age_limits(now), strict=False) if day > first), AGES[-2]
    )


def band_of(score: int) -> str:
    """The band of a completeness score."""
    return next(name for name, scores in BANDS.items() if score in scores)
