"""What the index keeps of one sheet."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import NamedTuple

from pydantic_core import from_json, to_json

from services.directory.domain.completeness import met_by_sheet
from services.directory.domain.fiche import SEPARATOR, Fiche
from services.directory.domain.stops import Stop
from services.directory.domain.territories import department_of
from services.directory.search.values import mask_of
from services.directory.search.words import terms
from services.directory.store.sheets import Sheet
from shared.events import FieldValue

FIELDS: dict[str, tuple[str, ...]] = {
    "nom": ("nom",),
    "commune": ("commune", "code_postal"),
    "services": ("services",),
    "description": (
        "presentation_resume",
        "presentation_detail",
        "structure_parente",
        "dispositif_programmes_nationaux",
        "formations_labels",
        "autres_formations_labels",
    ),
}
"""Where words are looked for, and the columns that each is made of; the first counts most."""
OFTEN = 80
"""Letters of a text that another sheet may have too."""
EPOCH = dt.date(1970, 1, 1)

Words = tuple[frozenset[str], ...]
"""The words of each of `FIELDS`."""


class Keys(NamedTuple):
    """What a sheet is found by, but for its words."""

    ordinal: int
    mask: bytes
    latitude: float | None
    """Degrees, as the longitude; both or neither."""
    longitude: float | None
    day: int
    """Days since 1970 of `date_maj`, or of its last check if later; 0 where unknown."""
    score: int
    """Criteria of completeness that it meets, freshness apart."""
    hours: str
    """Opening hours as the sheet has them; empty where unknown."""
    commune: str
    postcode: str
    department: str
    typologies: str
    """Separated by `|`."""
    closures: str
    """First and last days since 1970 of each, separated by spaces."""
    stops: str
    """Where an itinerant venue stands, as `stops_in` reads it; empty for the others."""


class Standing(NamedTuple):
    """A place where an itinerant venue stands."""

    latitude: float | None
    longitude: float | None
    commune: str
    postcode: str
    department: str


@dataclass(frozen=True)
class Entry:
    """A sheet ready to be found."""

    id: str
    revision: int
    keys: Keys
    words: Words
    json: bytes
    """What is shown of it, a JSON object that still lacks its closing brace."""


def entry_of(sheet: Sheet) -> Entry:
    """The entry of a sheet."""
    fiche = sheet.fiche
    latitude, longitude = _place(fiche)
    keys = Keys(
        ordinal=sheet.ordinal,
        mask=mask_of(fiche),
        latitude=latitude,
        longitude=longitude,
        day=max(_day(fiche), days_of(sheet.checked_on) if sheet.checked_on else 0),
        score=len(met_by_sheet(fiche)),
        hours=_text(fiche.get("horaires")),
        commune=_text(fiche.get("code_insee")),
        postcode=_text(fiche.get("code_postal")),
        department=department_of(fiche) or "",
        typologies=SEPARATOR.join(_items(fiche.get("typologie"))),
        closures=" ".join(str(days_of(day)) for days in sheet.closures for day in days),
        stops=_written(sheet.stops),
    )
    words = words_of(fiche, sheet.stops)
    return Entry(sheet.id, sheet.revision, keys, words, to_json(sheet.public)[:-1])


def days_of(day: dt.date) -> int:
    """Days since 1970."""
    return (day - EPOCH).days


def words_of(fiche: Fiche, stops: Iterable[Stop] = ()) -> Words:
    """The words of each of `FIELDS`; the communes of stops are found as the sheet's own."""
    sheets = [fiche, *({"commune": one.commune, "code_postal": one.code_postal} for one in stops)]
    return tuple(
        frozenset(
            term
            for one in sheets
            for name in names
            for item in _items(one.get(name))
            for term in _terms(item)
        )
        for names in FIELDS.values()
    )


def _terms(text: str) -> Sequence[str]:
    return _terms_again(text) if len(text) < OFTEN else terms(text)


@lru_cache(maxsize=50_000)
def _terms_again(text: str) -> Sequence[str]:
    """Values of lists, communes: the same in many sheets."""
    return terms(text)


def stops_in(keys: Keys) -> list[Standing]:
    """The stops of a sheet."""
    return [Standing._make(one) for one in from_json(keys.stops)] if keys.stops else []


def _written(stops: Sequence[Stop]) -> str:
    if not stops:
        return ""
    return to_json(
        [
            Standing(
                one.latitude,
                one.longitude,
                one.code_insee or "",
                one.code_postal,
                department_of({"code_insee": one.code_insee, "code_postal": one.code_postal}) or "",
            )
            for one in stops
        ]
    ).decode()


def _items(value: FieldValue) -> list[str]:
    if isinstance(value, list):
        return value
    return [value] if isinstance(value, str) else []


def _text(value: FieldValue) -> str:
    return value if isinstance(value, str) else ""


def _place(fiche: Fiche) -> tuple[float, float] | tuple[None, None]:
    latitude, longitude = fiche.get("latitude"), fiche.get("longitude")
    if isinstance(latitude, float | int) and isinstance(longitude, float | int):
        return float(latitude), float(longitude)
    return None, None


def _day(fiche: Fiche) -> int:
    try:
        return max(0, days_of(dt.date.fromisoformat(_text(fiche.get("date_maj")))))
    except ValueError:
        return 0
