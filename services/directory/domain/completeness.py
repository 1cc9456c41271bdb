"""How complete a sheet is: ten criteria, each of use to somebody who looks for help.

Nine depend on the sheet alone and can be computed once per revision; freshness depends on the day.
"""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass

from services.directory.domain.fiche import Fiche
from shared.french import PARIS

SHORTEST_DESCRIPTION = 40
"""Characters: less is a title, and says nothing to who hesitates to come."""
UNKNOWN = dt.date(1970, 1, 1)
"""What sources write when they do not know the date."""


@dataclass(frozen=True)
class Criterion:
    """One thing that a good sheet says: its name, and what to do where it is missing."""

    key: str
    label: str
    advice: str


@dataclass(frozen=True)
class Completeness:
    """A sheet measured: which of the ten criteria it meets, in their order."""

    met: frozenset[str]

    @property
    def score(self) -> int:
        """From 0 to 10: one for each criterion that is met."""
        return len(self.met)

    @property
    def missing(self) -> list[Criterion]:
        """What is still to be done."""
        return [one for one in CRITERIA if one.key not in self.met]


def _any(*names: str) -> Callable[[Fiche], bool]:
    return lambda fiche: any(fiche.get(name) not in (None, "", []) for name in names)


def _all(*names: str) -> Callable[[Fiche], bool]:
    return lambda fiche: all(fiche.get(name) not in (None, "", []) for name in names)


def _described(fiche: Fiche) -> bool:
    texts = (fiche.get("presentation_resume"), fiche.get("presentation_detail"))
    return any(isinstance(one, str) and len(one) >= SHORTEST_DESCRIPTION for one in texts)


OF_THE_SHEET: dict[Criterion, Callable[[Fiche], bool]] = {
    Criterion(
        "contact",
        "Un moyen de contact",
        "Indiquez un numéro de téléphone ou une adresse de courriel.",
    ): _any("telephone", "courriels"),
    Criterion(
        "hours",
        "Les horaires",
        "Indiquez les jours et les heures d'ouverture.",
    ): _any("horaires"),
    Criterion(
        "description",
        "Une présentation",
        f"Présentez le lieu en une ou deux phrases ({SHORTEST_DESCRIPTION} caractères au moins).",
    ): _described,
    Criterion(
        "services",
        "Les services proposés",
        "Cochez les services que l'on trouve dans ce lieu.",
    ): _any("services"),
    Criterion(
        "support",
        "La forme de l'accompagnement",
        "Dites si l'on est accompagné seul, en atelier, à distance, ou si l'on vient en autonomie.",
    ): _any("modalites_accompagnement"),
    Criterion(
        "prices",
        "Les tarifs",
        "Dites si l'aide est gratuite, gratuite sous condition ou payante.",
    ): _any("frais_a_charge"),
    Criterion(
        "access",
        "Comment venir",
        "Dites s'il suffit de se présenter, ou s'il faut d'abord téléphoner, écrire "
        "ou prendre rendez-vous.",
    ): _any("modalites_acces"),
    Criterion(
        "place",
        "L'endroit exact",
        "Donnez l'adresse et placez le lieu sur la carte (latitude et longitude).",
    ): _all("adresse", "latitude", "longitude"),
    Criterion(
        "online",
        "Un lien pour en savoir plus",
        "Ajoutez l'adresse d'un site web ou d'une prise de rendez-vous en ligne.",
    ): _any("site_web", "prise_rdv"),
}
"""The criteria that the sheet alone decides."""

FRESHNESS = Criterion(
    "freshness",
    "Une fiche à jour",
    "Relisez la fiche au moins une fois par an, et dites si elle est toujours exacte.",
)

CRITERIA = (*OF_THE_SHEET, FRESHNESS)
"""All ten, in the order in which people read them."""


def met_by_sheet(fiche: Fiche) -> frozenset[str]:
    """The keys of the nine criteria that do not depend on the day; for an index."""
    return frozenset(one.key for one, is_met in OF_THE_SHEET.items() if is_met(fiche))


def fresh_until(fiche: Fiche, checked_on: dt.date | None) -> dt.date | None:
    """The last day on which a sheet is fresh: a year after it was checked or changed.

    None if neither is known.
    """
    known = [one for one in (_changed_on(fiche), checked_on) if one and one > UNKNOWN]
    return _a_year_after(max(known)) if known else None


def fresh_since(today: dt.date) -> dt.date:
    """The first of the days on which a sheet was checked or changed to be fresh today."""
    if (today.month, today.day) == (2, 29):
        return today.replace(year=today.year - 1, month=3, day=1)
    return today.replace(year=today.year - 1)


def completeness(fiche: Fiche, checked_on: dt.date | None, now: dt.datetime) -> Completeness:
    """A sheet measured at a moment (aware); `checked_on` is when somebody last said it is right."""
    met = met_by_sheet(fiche)
    today = now.astimezone(PARIS).date()
    changed = _changed_on(fiche)
    # a date to come is a typing error of the source, not a promise
    trusted = fiche if changed and changed <= today else {}
    until = fresh_until(trusted, checked_on)
    return Completeness(met | {FRESHNESS.key} if until and today <= until else met)


def _changed_on(fiche: Fiche) -> dt.date | None:
    try:
        return dt.date.fromisoformat(str(fiche.get("date_maj")))
    except ValueError:
        return None


def _a_year_after(day: dt.date) -> dt.date:
    leap = (day.month, day.day) == (2, 29)
    return day.replace(year=day.year + 1, day=28 if leap else day.day)
