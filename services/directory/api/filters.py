"""What a search may ask for, as parameters of an address; exports take the same ones."""

import datetime as dt
import math
import re
from collections.abc import Callable, Sequence
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

from services.directory.domain.fiche import COLUMNS, InvalidValue
from services.directory.domain.territories import DEPARTMENTS, communes_of
from services.directory.search.communes import Communes
from services.directory.search.geo import DATE_LINE, POLE, Box
from services.directory.search.query import Near, Order, Query, Wanted
from services.directory.search.values import BITS, FACETS
from services.directory.search.words import terms
from shared.errors import InvalidField, InvalidInput
from shared.territories import COMMUNE, DEPARTMENTS_OF

LONGEST = 200
MOST_WORDS = 10
MOST_VALUES = 50
WIDEST = 200_000
"""Metres of a radius."""
RADIUS = 20_000

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff]")
_NUMBER = re.compile(r"[+-]?\d{1,3}(\.\d{1,20})?", re.ASCII)
_POSTCODE = re.compile(r"\d{5}", re.ASCII)

Text = Annotated[str, StringConstraints(max_length=LONGEST)]
Values = Annotated[tuple[Text, ...], Field(max_length=MOST_VALUES)]


def _closed() -> Any:
    return Field(default=(), description="Un ou plusieurs de ces libellés du schéma national.")


class Filters(BaseModel):
    """All that a search can ask; what is not given asks for nothing.

    Several values of one parameter: one of them is enough. Several parameters: all must be met.
    """

    model_config = ConfigDict(extra="forbid")

    q: Text = Field(
        "",
        description="Des mots du nom, de la commune, des services ou de la description : casse, "
        "accents, pluriels et une faute de frappe par mot sont pardonnés.",
    )
    services: Values = _closed()
    publics_specifiquement_adresses: Values = _closed()
    prise_en_charge_specifique: Values = _closed()
    frais_a_charge: Values = _closed()
    dispositif_programmes_nationaux: Values = _closed()
    formations_labels: Values = _closed()
    modalites_acces: Values = _closed()
    modalites_accompagnement: Values = _closed()
    itinerance: Values = _closed()
    typologie: Values = Field((), description="Des codes de type de lieu : `CCAS`, `TIERS_LIEUX`…")
    open_at: Text = Field(
        "",
        description="Date et heure (AAAA-MM-JJThh:mm) où le lieu est ouvert ; sans fuseau, "
        "l'heure qu'il est là-bas. Un lieu sans horaires n'en est pas.",
    )
    commune: Values = Field((), description="Des codes INSEE de communes.")
    code_insee: Values = Field((), description="Comme `commune`.")
    code_postal: Values = ()
    epci: Values = Field((), description="Des numéros SIREN d'EPCI, là où ils sont connus.")
    departement: Values = Field((), description="Des codes de départements : `26`, `2A`, `974`…")
    region: Values = Field((), description="Des codes de régions : `84`, `11`…")
    bbox: Text = Field("", description="Un rectangle : ouest,sud,est,nord, en degrés.")
    near: Text = Field("", description="Un point : latitude,longitude, en degrés.")
    radius: Text = Field(
        "", description=f"Mètres autour de `near`, au plus {WIDEST} ; sinon {RADIUS}."
    )
    order: Literal["", "relevance", "distance", "freshness"] = Field(
        "",
        description="Sans lui : par distance s'il y a un point, sinon par pertinence s'il y a des "
        "mots, sinon les fiches mises à jour le plus récemment d'abord.",
    )

    def query(self, communes: Communes) -> Query:
        """What is asked of the index; raises `InvalidInput` with all that is wrong."""
        reading = _Reading()
        near = reading.near(self.near, self.radius)
        words = reading.words(self.q)
        query = Query(
            words=words,
            values=tuple(
                (name, reading.choices(name, given))
                # a form sends what nobody filled in
                for name in FACETS
                if (given := [one for one in getattr(self, name) if one.strip()])
            ),
            groups=self._groups(reading, communes),
            open_at=reading.moment(self.open_at),
            box=reading.box(self.bbox),
            near=near,
            order=reading.order(self.order, has_point=bool(self.near), has_words=bool(words)),
        )
        if reading.wrong:
            raise InvalidInput(invalid=reading.wrong)
        return query

    def _groups(self, reading: "_Reading", communes: Communes) -> Wanted:
        asked: list[tuple[str, Sequence[str]]] = []
        if self.typologie:
            asked.append(("typologie", [one for one in self.typologie if one]))
        if self.code_postal:
            asked.append(
                ("code_postal", reading.codes("code_postal", self.code_postal, _POSTCODE.fullmatch))
            )
        if self.departement:
            listed = reading.codes("departement", self.departement, DEPARTMENTS.__contains__)
            asked.append(("departement", listed))
        if self.region:
            regions = reading.codes("region", self.region, DEPARTMENTS_OF.__contains__)
            asked.append(("departement", [one for each in regions for one in DEPARTMENTS_OF[each]]))
        if self.epci:
            asked.append(("commune", reading.epcis(self.epci, communes)))
        for name, given in (("commune", self.commune), ("code_insee", self.code_insee)):
            if given:
                codes = reading.codes(name, given, COMMUNE.fullmatch)
                asked.append(("commune", [one for code in codes for one in communes_of(code)]))
        return tuple((name, tuple(values)) for name, values in asked if values)


_EXAMPLES = {
    "region": "Il faut le code d'une région : 84, par exemple.",
    "departement": "Il faut le code d'un département : 26, 2A ou 974, par exemple.",
    "commune": "Il faut le code INSEE d'une commune : 26113, par exemple.",
    "code_insee": "Il faut le code INSEE d'une commune : 26113, par exemple.",
    "code_postal": "Il faut un code postal de cinq chiffres.",
}


class _Reading:
    """Reads parameters, and notes what is wrong with each."""

    def __init__(self) -> None:
        self.wrong: list[InvalidField] = []

    def refuse(self, field: str, rule: str, message: str) -> None:
        self.wrong.append(InvalidField(field, rule, message))

    def words(self, text: str) -> tuple[str, ...]:
        if _CONTROL.search(text):
            self.refuse("q", "characters", "Ce texte contient des caractères interdits.")
            return ()
        found = tuple(dict.fromkeys(terms(text)))
        if len(found) > MOST_WORDS:
            self.refuse("q", "too_many_words", f"Il faut au plus {MOST_WORDS} mots.")
        return found

    def choices(self, name: str, given: Sequence[str]) -> tuple[str, ...]:
        if all((name, one) in BITS for one in given):
            return tuple(sorted({*given}))
        try:
            checked = COLUMNS[name].check([*given])
            return tuple(sorted(checked)) if isinstance(checked, list) else ()
        except InvalidValue as exc:
            self.wrong.append(InvalidField(name, exc.rule, exc.message, exc.suggestion))
            return ()

    def codes(self, name: str, given: Sequence[str], fits: Callable[[str], object]) -> list[str]:
        found = [one.strip().upper() for one in given if one.strip()]
        fine = [one for one in found if fits(one)]
        if len(fine) < len(found):
            self.refuse(name, "code", _EXAMPLES[name])
        return fine

    def epcis(self, given: Sequence[str], communes: Communes) -> list[str]:
        wanted = [one.strip() for one in given if one.strip()]
        if wanted and not communes.known:
            self.refuse(
                "epci",
                "epci_unknown_here",
                "Ce serveur ne connaît pas les EPCI : demandez leurs communes, ou le département.",
            )
            return []
        found = [communes.of_epci(one) for one in wanted]
        if not all(found):
            self.refuse("epci", "code", "Il faut le numéro SIREN d'un EPCI (neuf chiffres).")
        # sheets in Paris, Lyon or Marseille may name the arrondissement
        return [one for communes in found for each in communes for one in communes_of(each)]

    def moment(self, text: str) -> dt.datetime | None:
        if not text:
            return None
        try:
            # a plus sign of an address that was not encoded
            moment = dt.datetime.fromisoformat(text.replace(" ", "+") if "T" in text else text)
            if 1900 <= moment.year < 9999 and "T" in text:  # noqa: PLR2004 what the library knows
                return moment
        except ValueError:
            pass
        self.refuse("open_at", "moment", "Il faut une date et une heure (AAAA-MM-JJThh:mm).")
        return None

    def box(self, text: str) -> Box | None:
        if not text:
            return None
        numbers = _numbers(text, 4)
        if numbers is None:
            self.refuse("bbox", "numbers", "Il faut ouest,sud,est,nord : quatre nombres.")
            return None
        west, south, east, north = numbers
        wide, high = DATE_LINE, POLE
        if not (-wide <= west <= east <= wide and -high <= south <= north <= high):
            self.refuse(
                "bbox",
                "bounds",
                "Il faut ouest,sud,est,nord en degrés : l'ouest avant l'est (de -180 à 180), "
                "le sud avant le nord (de -90 à 90).",
            )
            return None
        return (west, south, east, north)

    def near(self, text: str, radius: str) -> Near | None:
        if not text:
            if radius:
                self.refuse("radius", "without_near", "Un rayon demande un point, `near`.")
            return None
        metres = float(RADIUS)
        if radius:
            if not re.fullmatch(r"\d{1,9}(\.\d{1,20})?", radius, re.ASCII) or not float(radius):
                self.refuse("radius", "number", "Il faut un nombre de mètres.")
            elif (metres := float(radius)) > WIDEST:
                self.refuse("radius", "too_wide", f"Il faut au plus {WIDEST} mètres.")
        numbers = _numbers(text, 2)
        if numbers is None:
            self.refuse("near", "numbers", "Il faut latitude,longitude : deux nombres.")
            return None
        latitude, longitude = numbers
        if abs(latitude) > POLE or abs(longitude) > DATE_LINE:
            self.refuse("near", "bounds", "Il faut latitude,longitude en degrés.")
            return None
        return Near(latitude, longitude, metres)

    def order(self, asked: str, *, has_point: bool, has_words: bool) -> Order:
        if asked == "distance" and not has_point:
            self.refuse("order", "without_near", "Trier par distance demande un point, `near`.")
        if asked == "relevance" and not has_words:
            self.refuse("order", "without_words", "Trier par pertinence demande des mots, `q`.")
        if asked == "freshness":
            return "freshness"
        if has_point and asked != "relevance":
            return "distance"
        return "relevance" if has_words else "freshness"


def _numbers(text: str, count: int) -> list[float] | None:
    parts = [part.strip() for part in text.split(",")]
    if len(parts) != count or not all(_NUMBER.fullmatch(part) for part in parts):
        return None
    numbers = [float(part) for part in parts]
    return numbers if all(map(math.isfinite, numbers)) else None
