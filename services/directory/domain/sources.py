"""What a source's new sheet changes in a venue: values are compared, not dates.

A source moves a value only where it says something else than the last time. What people wrote
stays while it is fresher; a manager's word stays as long as it outranks imports. Nothing filled
becomes empty by itself, and an address moves only together with its coordinates.
"""

import datetime as dt
from dataclasses import dataclass, field
from typing import Literal

from services.directory.domain.fiche import COLUMNS, Fiche
from services.directory.domain.provenance import Origin
from services.directory.domain.venues import Venue
from shared.events import FieldValue
from shared.french import PARIS

SOURCE_NAME = r"^[\w .-]{1,80}$"
"""What a source may be called: events and public sheets name it, so it is nobody's address."""

Kept = Literal["manager", "fresher", "emptied", "address"]

WHY: dict[Kept, str] = {
    "manager": "La valeur confirmée par le responsable du lieu reste.",
    "fresher": "La fiche a une valeur plus récente, qui reste.",
    "emptied": "La source n'a plus de valeur ; celle de la fiche reste.",
    "address": "L'adresse ne change qu'avec ses coordonnées ; elles restent ensemble.",
}
"""In French, why the sheet keeps its value."""
GONE = "La source ne l'a plus : cette valeur était de l'ancienne adresse, et part avec elle."
"""In French, why a value was emptied: the only reason there is."""

COORDINATES = ("latitude", "longitude")
ADDRESS = ("adresse", "complement_adresse", "code_postal", "commune", "code_insee", *COORDINATES)
"""The columns that move together."""
NEVER = frozenset({"id", "date_maj"})

_PARTS = {"complement_adresse": "adresse", "code_insee": "commune"}
"""Columns that say nothing right any more once another one has moved."""


@dataclass
class TakeOver:
    """What becomes of a source's new sheet."""

    applied: dict[str, tuple[FieldValue, FieldValue]] = field(default_factory=dict)
    """Old and new of each field that moves."""
    kept: dict[str, Kept] = field(default_factory=dict)
    """Where the sheet keeps its value though the source says something else by now, and why."""
    said: dict[str, FieldValue] = field(default_factory=dict)
    """What the source counts as having said: where a value was kept, still its earlier one."""


def take_over(venue: Venue, said: Fiche, offered: Fiche, now: dt.datetime) -> TakeOver:
    """Compare what a source says now with what it said the last time and with the sheet."""
    result = TakeOver(said={name: offered[name] for name in ("id", "date_maj") if name in offered})
    for name in COLUMNS:
        if name in NEVER or (name not in said and name not in offered):
            continue
        before, wanted, there = said.get(name), offered.get(name), venue.fiche.get(name)
        same = COLUMNS[name].same
        if same(there, wanted) or same(before, wanted):
            continue
        if reason := _keeps(venue, name, before, offered, now):
            result.kept[name] = reason
        else:
            result.applied[name] = (there, wanted)
    _keep_address_together(venue, offered, result)
    result.said |= {name: offered[name] for name in offered if name not in result.kept}
    result.said |= {name: said[name] for name in result.kept if name in said}
    _take_date(venue, offered, result)
    return result


def _keeps(
    venue: Venue, name: str, before: FieldValue, offered: Fiche, now: dt.datetime
) -> Kept | None:
    """Why a sheet keeps a value that its source has changed; none if it does not."""
    there, origin = venue.fiche.get(name), venue.origin(name)
    if offered.get(name) is None:
        return "emptied"
    if origin.protected_until and now < origin.protected_until:
        return "manager"
    untouched = not origin.by_people and COLUMNS[name].same(there, before)
    empty = there is None and not origin.by_people
    # without a date, it is of no later day
    date = str(offered.get("date_maj") or "")
    fresher = _day_of(venue, origin) < date <= _tomorrow(now)
    return None if untouched or empty or fresher else "fresher"


def _tomorrow(now: dt.datetime) -> str:
    """The last day that a source's word may be of: a mistyped year outranks nobody."""
    return (now.astimezone(PARIS).date() + dt.timedelta(days=1)).isoformat()


def _day_of(venue: Venue, origin: Origin) -> str:
    """The day that a value is of: its source's own date, else when it was accepted."""
    dates = [
        str(source.fiche["date_maj"])
        for source in venue.sources
        if origin.by == f"import:{source.name}" and source.fiche.get("date_maj")
    ]
    accepted = (origin.confirmed_at or origin.at).astimezone(PARIS).date().isoformat()
    return max(dates, default=accepted)


def _keep_address_together(venue: Venue, offered: Fiche, result: TakeOver) -> None:
    """An address moves whole and to its own coordinates, or not at all."""
    moving = [name for name in ADDRESS if name in result.applied]
    if not moving:
        return
    for name, of in _PARTS.items():
        of_people = venue.origin(name).by_people
        if result.kept.get(name) == "emptied" and of in moving and not of_people:
            del result.kept[name]
            result.applied[name] = (venue.fiche[name], None)
    after = venue.fiche | {name: new for name, (_, new) in result.applied.items()}
    # who says nothing of a code leaves it, unless it would be the code of another place
    told = [
        name for name in ADDRESS if name in COORDINATES or name in offered or "commune" in moving
    ]
    together = all(after.get(name) == offered.get(name) for name in told)
    if together and not any(name in result.kept for name in ADDRESS):
        return
    for name in [name for name in ADDRESS if name in result.applied]:
        del result.applied[name]
        result.kept[name] = "address"


def _take_date(venue: Venue, offered: Fiche, result: TakeOver) -> None:
    """The newest date stays."""
    there, new = venue.fiche.get("date_maj"), offered.get("date_maj")
    if str(new or "") > str(there or ""):
        result.applied["date_maj"] = (there, new)
