"""The stops of an itinerant venue: where it is, when; each field by the rules of its column."""

import datetime as dt
import re
from collections.abc import Mapping, Sequence

from pydantic import AwareDatetime, BaseModel

from services.directory.domain.columns import InvalidValue
from services.directory.domain.fiche import COLUMNS, Fiche
from shared.errors import InvalidField, InvalidInput, Problem
from shared.events import FieldValue
from shared.french import PARIS

ITINERANT = "Itinérant"
MOST_STOPS = 200
OF_THE_SHEET = (
    "commune",
    "code_postal",
    "code_insee",
    "adresse",
    "complement_adresse",
    "latitude",
    "longitude",
    "horaires",
)
"""Columns of the national schema that a stop has too, by the same rules."""
DATES = ("debut", "fin")

_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)


class NotItinerant(Problem):
    """The sheet does not say that the venue moves."""

    type = "not-itinerant"
    status = 409
    title = "Seul un lieu itinérant a des arrêts."


class StopsChanged(Problem):
    """Somebody else has written the stops since they were read."""

    type = "stops-changed"
    status = 409
    title = "Les arrêts ont changé depuis que vous les avez lus : relisez-les d'abord."


class Stop(BaseModel):
    """A place where an itinerant venue stands; between two dates, if they are given."""

    commune: str
    code_postal: str
    code_insee: str | None = None
    adresse: str
    complement_adresse: str | None = None
    latitude: float | None = None
    """Degrees (WGS 84); with `longitude`, or neither."""
    longitude: float | None = None
    horaires: str | None = None
    """Opening hours there, in OpenStreetMap's syntax."""
    debut: dt.date | None = None
    """The first day; none: it has been so."""
    fin: dt.date | None = None
    """The last day; none: until further notice."""


class Stops(BaseModel):
    """All stops of a venue, in the order in which its managers put them."""

    venue_id: str
    revision: int = 0
    """Counts the lists there have been; 0: none yet."""
    stops: list[Stop] = []
    by: str | None = None
    """`account:…`."""
    at: AwareDatetime | None = None

    def replaced(
        self, stops: Sequence[Stop], *, base_revision: int, by: str, at: dt.datetime
    ) -> "Stops":
        """The next list; raises `StopsChanged` unless it was made on this one."""
        if base_revision != self.revision:
            raise StopsChanged(base_revision=base_revision, current_revision=self.revision)
        return Stops(
            venue_id=self.venue_id, revision=self.revision + 1, stops=list(stops), by=by, at=at
        )


def check_itinerant(fiche: Fiche) -> None:
    """Raise `NotItinerant` unless the sheet says that the venue moves."""
    if not moves(fiche):
        raise NotItinerant(
            f"Proposez d'abord « {ITINERANT} » pour le champ « itinerance » de la fiche.",
            field="itinerance",
            value=ITINERANT,
        )


def check_stops(given: Sequence[Mapping[str, FieldValue]]) -> list[Stop]:
    """The stops in their normal form; raises `InvalidInput` with every rule that they break."""
    if len(given) > MOST_STOPS:
        message = f"Il faut au plus {MOST_STOPS} arrêts."
        raise InvalidInput(invalid=[InvalidField("stops", "too_long", message)])
    stops: list[Stop] = []
    errors: list[InvalidField] = []
    for number, one in enumerate(given):
        checked, wrong = _checked(one, f"stops.{number}")
        errors += wrong
        if not wrong:
            stops.append(Stop.model_validate(checked))
    if errors:
        raise InvalidInput(invalid=errors)
    return stops


def moves(fiche: Fiche) -> bool:
    """Whether a sheet says that its venue is itinerant."""
    return ITINERANT in _items(fiche.get("itinerance"))


def shown_stops(fiche: Fiche, stops: Sequence[Stop], now: dt.datetime) -> list[Stop]:
    """The stops that help somebody today or later: not past ones, none if the venue stays."""
    if not moves(fiche):
        return []
    today = now.astimezone(PARIS).date()
    return [one for one in stops if one.fin is None or one.fin >= today]


def next_end(stops: Sequence[Stop], now: dt.datetime) -> dt.datetime | None:
    """When the next of the stops is over: the midnight, in Paris, after its last day."""
    ends = [
        dt.datetime.combine(one.fin + dt.timedelta(days=1), dt.time(), PARIS)
        for one in stops
        # the last day of all has none after it
        if one.fin and one.fin < dt.date.max
    ]
    return min((end for end in ends if end > now), default=None)


def _checked(
    given: Mapping[str, FieldValue], where: str
) -> tuple[dict[str, FieldValue], list[InvalidField]]:
    checked: dict[str, FieldValue] = {}
    errors: list[InvalidField] = []
    unknown = [name for name in given if name not in (*OF_THE_SHEET, *DATES)]
    errors += [
        InvalidField(f"{where}.{name}", "unknown_field", "Un arrêt n'a pas ce champ.")
        for name in unknown
    ]
    for name in (*OF_THE_SHEET, *DATES):
        try:
            value = given.get(name)
            checked[name] = _day(value) if name in DATES else COLUMNS[name].check_proposed(value)
        except InvalidValue as exc:
            errors.append(InvalidField(f"{where}.{name}", exc.rule, exc.message, exc.suggestion))
    return checked, errors or _together(checked, where)


def _together(stop: Mapping[str, FieldValue], where: str) -> list[InvalidField]:
    errors = []
    if (stop["latitude"] is None) != (stop["longitude"] is None):
        message = "La latitude et la longitude vont ensemble."
        errors += [
            InvalidField(f"{where}.{name}", "together", message)
            for name in ("latitude", "longitude")
        ]
    debut, fin = stop["debut"], stop["fin"]
    if isinstance(debut, str) and isinstance(fin, str) and fin < debut:
        message = "Le dernier jour ne peut pas précéder le premier."
        errors.append(InvalidField(f"{where}.fin", "order", message))
    return errors


def _day(value: FieldValue) -> str | None:
    if value is None or value == "":
        return None
    try:
        # fromisoformat alone would also take week dates
        if isinstance(value, str) and _DAY.fullmatch(value):
            return dt.date.fromisoformat(value).isoformat()
    except ValueError:
        pass
    raise InvalidValue("date", "Il faut une date (AAAA-MM-JJ).")


def _items(value: FieldValue) -> list[str]:
    return value if isinstance(value, list) else []
