"""The sheet (fiche) of a venue: the 32 columns of the national schema v1.0.2 and their rules.

Source: https://github.com/LaMednum/standard-mediation-num (schema.json). Lists are `|` separated
in CSV and arrays everywhere else; a pattern must match the whole value, each item of a list.
"""

import contextlib
import datetime as dt
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal

from services.directory.domain.spreadsheets import meant
from shared.errors import InvalidField
from shared.events import FieldValue

LONGEST = 2_000
LONGEST_DETAIL = 20_000
"""Characters; the schema sets no limit, the bus does."""
SEPARATOR = "|"

_EMAIL = re.compile(r"[^@\s<>,;:\"()\[\]\\]+@[^@\s<>,;:\"()\[\]\\.]+(\.[^@\s<>,;:\"()\[\]\\.]+)+")
_WEB = re.compile(r"https?://[^\s/?#@\\]+([/?#][^\s\\]*)?", re.IGNORECASE)
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_DATE = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_LINE_ENDS = re.compile(r"\r\n|[\r\x0b\x0c\x85\u2028\u2029]")
_BREAKS = re.compile(r"\s*[\r\n\t]+\s*")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")
_SEVERAL_LINES = frozenset({"presentation_resume", "presentation_detail"})

_INVISIBLE = re.compile(r"[\u202a-\u202e\u2066-\u2069]")
"""Signs that turn the direction of text, and can make it read as something else."""

Fiche = Mapping[str, FieldValue]


class InvalidValue(Exception):
    """A value that breaks a rule of its column."""

    def __init__(self, rule: str, message: str) -> None:
        super().__init__(message)
        self.rule = rule
        self.message = message


@dataclass(frozen=True)
class Column:
    """One column: its form and what the schema asks of its values."""

    name: str
    form: Literal["text", "list", "number", "date"] = "text"
    required: bool = False
    pattern: str | None = None
    choices: tuple[str, ...] = ()
    longest: int = LONGEST
    editable: bool = True
    """Whether people may propose another value."""
    items: re.Pattern[str] | None = None
    """What we ask of each item of a proposed value, beyond the schema."""
    bounds: tuple[float, float] | None = None

    def from_cell(self, cell: str) -> FieldValue:
        """The value of a CSV cell; raises `InvalidValue`."""
        text = meant(cell).strip()
        if self.form == "list":
            return self.check(text.split(SEPARATOR) if text else [])
        if self.form == "number" and text:
            if not _NUMBER.fullmatch(text):
                raise InvalidValue("number", f"« {text} » n'est pas un nombre.")
            return self.check(float(text))
        return self.check(text)

    def check(self, value: FieldValue) -> FieldValue:
        """The value in its normal form, None if empty; raises `InvalidValue`."""
        if value is None or value in ("", []):
            if self.required:
                raise InvalidValue("required", "Cette information est obligatoire.")
            return None
        if self.form == "number":
            return self._number(value)
        if self.form == "list":
            return self._list(value)
        if not isinstance(value, str):
            raise InvalidValue("type", "Il faut un texte.")
        text = self._text(value)
        if not text:
            return self.check(None)
        return self._date(text) if self.form == "date" else text

    def check_proposed(self, value: FieldValue) -> FieldValue:
        """As `check`, and what we ask of people beyond the schema."""
        if not self.editable:
            raise InvalidValue("read_only", "Ce champ ne peut pas être modifié.")
        checked = self.check(value)
        for item in checked if isinstance(checked, list) else [checked]:
            if self.items and isinstance(item, str) and not self.items.fullmatch(item):
                what = "une adresse de courriel" if self.items is _EMAIL else "une adresse web"
                raise InvalidValue("format", f"« {item} » n'est pas {what}.")
        return checked

    def same(self, one: FieldValue, other: FieldValue) -> bool:
        """Whether two values say the same; the order of a closed list says nothing."""
        if self.choices and isinstance(one, list) and isinstance(other, list):
            return sorted(one) == sorted(other)
        return one == other

    def _number(self, value: FieldValue) -> float:
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise InvalidValue("type", "Il faut un nombre.")
        low, high = self.bounds or (float("-inf"), float("inf"))
        # also refuses NaN, which is in no interval
        if not low <= value <= high:
            raise InvalidValue("range", f"Il faut un nombre entre {low:g} et {high:g}.")
        return float(value)

    def _list(self, value: FieldValue) -> FieldValue:
        if not isinstance(value, list):
            raise InvalidValue("type", "Il faut une liste.")
        items: list[str] = []
        for given in value:
            if not isinstance(given, str):
                raise InvalidValue("type", "Il faut une liste de textes.")
            item = self._choice(self._text(given))
            if SEPARATOR in item:
                raise InvalidValue("separator", f"Le signe « {SEPARATOR} » n'est pas permis.")
            if item and item not in items:
                items.append(item)
        if len(SEPARATOR.join(items)) > self.longest:
            raise InvalidValue("max_length", f"Il faut au plus {self.longest} caractères.")
        return items or self.check(None)

    def _choice(self, item: str) -> str:
        if not self.choices or not item:
            return item
        known = _KNOWN.get(_folded(item))
        if known not in self.choices:
            raise InvalidValue("enum", f"« {item} » n'est pas une valeur de la liste.")
        return known

    def _text(self, value: str) -> str:
        text = _INVISIBLE.sub("", _LINE_ENDS.sub("\n", unicodedata.normalize("NFC", value))).strip()
        if self.name not in _SEVERAL_LINES:
            text = _BREAKS.sub(" ", text)
        if _CONTROL.search(text):
            raise InvalidValue("characters", "Ce texte contient des caractères interdits.")
        if len(text) > self.longest:
            raise InvalidValue("max_length", f"Il faut au plus {self.longest} caractères.")
        if self.pattern and text and not re.fullmatch(self.pattern, text, re.ASCII):
            raise InvalidValue("pattern", f"« {text} » n'a pas la forme attendue.")
        return text

    def _date(self, text: str) -> str:
        # fromisoformat alone would also take week dates
        if _DATE.fullmatch(text):
            with contextlib.suppress(ValueError):
                return dt.date.fromisoformat(text).isoformat()
        raise InvalidValue("date", f"« {text} » n'est pas une date (AAAA-MM-JJ).")


def _closed(name: str, *choices: str) -> Column:
    return Column(name, "list", choices=choices)


COLUMNS: dict[str, Column] = {
    column.name: column
    for column in (
        Column("id", required=True, editable=False, longest=200),
        Column("pivot", required=True, pattern=r"[a-zA-Z0-9]{9,14}"),
        Column("nom", required=True),
        Column("commune", required=True),
        Column("code_postal", required=True, pattern=r"\d{5}"),
        Column("code_insee", pattern=r"([013-9]\d|2[AB1-9])\d{3}"),
        Column("adresse", required=True),
        Column("complement_adresse"),
        Column("latitude", "number", bounds=(-90, 90)),
        Column("longitude", "number", bounds=(-180, 180)),
        Column("typologie", "list"),
        Column("telephone", pattern=r"\+(33|590|594|262|596|269|687|689|508|681)\d{6,9}"),
        Column("courriels", "list", items=_EMAIL),
        Column("site_web", "list", items=_WEB),
        Column("horaires"),
        Column("presentation_resume", longest=280),
        Column("presentation_detail", longest=LONGEST_DETAIL),
        Column("source", editable=False),
        _closed("itinerance", "Itinérant", "Fixe"),
        Column("structure_parente"),
        Column("date_maj", "date", required=True, editable=False),
        _closed(
            "services",
            "Aide aux démarches administratives",
            "Maîtrise des outils numériques du quotidien",
            "Insertion professionnelle via le numérique",
            "Utilisation sécurisée du numérique",
            "Parentalité et éducation avec le numérique",
            "Loisirs et créations numériques",
            "Compréhension du monde numérique",
            "Accès internet et matériel informatique",
            "Acquisition de matériel informatique à prix solidaire",
        ),
        _closed(
            "publics_specifiquement_adresses",
            "Jeunes",
            "Étudiants",
            "Familles et/ou enfants",
            "Seniors",
            "Femmes",
        ),
        _closed(
            "prise_en_charge_specifique",
            "Surdité",
            "Handicaps moteurs",
            "Handicaps mentaux",
            "Illettrisme",
            "Langues étrangères (anglais)",
            "Langues étrangères (autres)",
            "Déficience visuelle",
        ),
        _closed("frais_a_charge", "Gratuit", "Gratuit sous condition", "Payant"),
        _closed(
            "dispositif_programmes_nationaux",
            "Aidants Connect",
            "Bibliothèques numérique de référence",
            "Certification PIX",
            "Conseillers numériques",
            "Emmaüs Connect",
            "France Services",
            "Grande école du numérique",
            "La Croix Rouge",
            "Point d'accès numérique CAF",
            "Promeneurs du net",
            "Relais numérique (Emmaüs Connect)",
        ),
        _closed(
            "formations_labels",
            "Formé à « Mon Espace Santé »",
            "Formé à « DUPLEX » (illettrisme)",
            "Arnia/MedNum BFC (Bourgogne-Franche-Comté)",
            "Collectif ressources et acteurs réemploi (Normandie)",
            "Étapes numériques(La Poste)",
            "Fabriques de Territoire",
            "Les Éclaireurs du numérique (Drôme)",
            "Mes Papiers (Métropole de Lyon)",
            "ORDI 3.0",
            "SUD LABS (PACA)",
        ),
        Column("autres_formations_labels", "list"),
        _closed(
            "modalites_acces",
            "Se présenter",
            "Téléphoner",
            "Contacter par mail",
            "Prendre un RDV en ligne",
            "Ce lieu n'accueille pas de public",
            "Envoyer un mail avec une fiche de prescription",
        ),
        _closed(
            "modalites_accompagnement",
            "En autonomie",
            "Accompagnement individuel",
            "Dans un atelier collectif",
            "À distance",
        ),
        Column("fiche_acces_libre", items=_WEB),
        Column("prise_rdv", items=_WEB),
    )
}
"""Every column by name, in the schema's order."""

WITHHELD = frozenset({"courriels"})
"""Columns whose values are addresses: they travel on `contacts` only."""


def _folded(item: str) -> str:
    """One spelling for typographic apostrophes, no-break spaces and a space before a bracket."""
    plain = item.replace("\u2019", "'").replace("\u00a0", " ").replace("\u202f", " ")
    return re.sub(r"\s*\(", "(", plain)


_KNOWN = {_folded(choice): choice for column in COLUMNS.values() for choice in column.choices}


def readable(text: object) -> object:
    """What people wrote, without the signs that nobody can see."""
    if not isinstance(text, str):
        return text
    return _CONTROL.sub("", _INVISIBLE.sub("", _LINE_ENDS.sub("\n", text)))


def read_row(row: Mapping[str, str]) -> tuple[dict[str, FieldValue], list[InvalidField]]:
    """A sheet from a CSV row (empty values left out), and every rule that the row breaks."""
    fiche: dict[str, FieldValue] = {}
    errors: list[InvalidField] = []
    for column in COLUMNS.values():
        try:
            value = column.from_cell(row.get(column.name) or "")
        except InvalidValue as exc:
            errors.append(InvalidField(column.name, exc.rule, exc.message))
        else:
            if value is not None:
                fiche[column.name] = value
    if not _addressable(str(fiche.get("id", "none"))):
        message = "Un identifiant ne contient pas de « / », et n'est ni « . » ni « .. »."
        errors.append(InvalidField("id", "address", message))
    return fiche, errors


def _addressable(id_: str) -> bool:
    """Whether an id can be part of a web address; the schema does not ask for it, we do."""
    return "/" not in id_ and id_ not in (".", "..")


def public_addresses(fiche: Fiche) -> list[str]:
    """The usable addresses of a sheet's `courriels`, each once, in lower case."""
    courriels = fiche.get("courriels")
    if not isinstance(courriels, list):
        return []
    return list(dict.fromkeys(item.lower() for item in courriels if _EMAIL.fullmatch(item)))
