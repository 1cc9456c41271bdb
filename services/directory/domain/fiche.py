"""The sheet (fiche) of a venue: the 32 columns of the national schema v1.0.2 and their rules.

Source: https://github.com/LaMednum/standard-mediation-num (schema.json). Lists are `|` separated
in CSV and arrays everywhere else; a pattern must match the whole value, each item of a list.
"""

import re
from collections.abc import Mapping

from services.directory.domain.columns import (
    EMAIL,
    LONGEST,
    LONGEST_DETAIL,
    SEPARATOR,
    UNKNOWN_DATE,
    WEB,
    Column,
    InvalidValue,
    mend_date,
)
from services.directory.domain.hours import mend_hours
from services.directory.domain.phones import NUMBER, mend_phone
from services.directory.domain.pivots import UNKNOWN_PIVOT, mend_pivot
from services.directory.domain.texts import readable
from shared.errors import InvalidField
from shared.events import FieldValue

__all__ = [
    "COLUMNS",
    "LONGEST",
    "LONGEST_DETAIL",
    "SEPARATOR",
    "UNKNOWN_DATE",
    "UNKNOWN_PIVOT",
    "WITHHELD",
    "Column",
    "Fiche",
    "InvalidValue",
    "as_read",
    "known",
    "public_addresses",
    "read_row",
    "readable",
]

Fiche = Mapping[str, FieldValue]


def _closed(name: str, *choices: str) -> Column:
    return Column(name, "list", choices=choices)


COLUMNS: dict[str, Column] = {
    column.name: column
    for column in (
        Column("id", required=True, editable=False, longest=200),
        Column(
            "pivot",
            required=True,
            pattern=re.compile(r"[a-zA-Z0-9]{9,14}", re.ASCII),
            mend=mend_pivot,
        ),
        Column("nom", required=True, prose=True),
        Column("commune", required=True, prose=True),
        Column("code_postal", required=True, pattern=re.compile(r"\d{5}", re.ASCII)),
        Column("code_insee", pattern=re.compile(r"([013-9]\d|2[AB1-9])\d{3}", re.ASCII)),
        Column("adresse", required=True, prose=True),
        Column("complement_adresse", prose=True),
        Column("latitude", "number", bounds=(-90, 90)),
        Column("longitude", "number", bounds=(-180, 180)),
        Column("typologie", "list"),
        # in a cell, a line may be another number
        Column("telephone", pattern=NUMBER, mend=mend_phone, several_lines=True),
        Column("courriels", "list", items=EMAIL),
        Column("site_web", "list", items=WEB),
        Column("horaires", mend=mend_hours),
        Column("presentation_resume", longest=280, prose=True, several_lines=True),
        Column("presentation_detail", longest=LONGEST_DETAIL, prose=True, several_lines=True),
        Column("source", editable=False),
        _closed("itinerance", "Itinérant", "Fixe"),
        Column("structure_parente", prose=True),
        Column("date_maj", "date", required=True, editable=False, mend=mend_date),
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
        Column("fiche_acces_libre", items=WEB),
        Column("prise_rdv", items=WEB),
    )
}
"""Every column by name, in the schema's order."""

_UNKNOWN = {"date_maj": UNKNOWN_DATE, "pivot": UNKNOWN_PIVOT}
"""Columns that the schema requires, and what stands there for what nobody knows."""

WITHHELD = frozenset({"courriels"})
"""Columns whose values are addresses: they travel on `contacts` only."""


def read_row(row: Mapping[str, str]) -> tuple[dict[str, FieldValue], list[InvalidField]]:
    """A sheet from a CSV row (empty values left out), and every rule that the row breaks."""
    fiche: dict[str, FieldValue] = {}
    errors: list[InvalidField] = []
    for column in COLUMNS.values():
        cell = column.read(row.get(column.name) or "")
        if cell.error:
            errors.append(cell.error)
        elif cell.value is not None:
            fiche[column.name] = cell.value
    if wrong := unaddressable(fiche.get("id")):
        errors.append(wrong)
    return fiche, errors


def unaddressable(id_: FieldValue) -> InvalidField | None:
    """What keeps an id from being part of a web address; the schema does not ask for it, we do."""
    if "/" not in str(id_) and id_ not in (".", ".."):
        return None
    message = "Un identifiant ne contient pas de « / », et n'est ni « . » ni « .. »."
    return InvalidField("id", "address", message)


def as_read(fiche: Fiche) -> dict[str, FieldValue]:
    """A sheet as people should read it: every column, null where nothing is known."""
    return {name: known(name, fiche.get(name)) for name in COLUMNS}


def known(name: str, value: FieldValue) -> FieldValue:
    """A column's value, None if it is what sources write where nobody knows it."""
    return None if value == _UNKNOWN.get(name) else value


def public_addresses(fiche: Fiche) -> list[str]:
    """The usable addresses of a sheet's `courriels`, each once, in lower case."""
    courriels = fiche.get("courriels")
    if not isinstance(courriels, list):
        return []
    return list(dict.fromkeys(item.lower() for item in courriels if EMAIL.fullmatch(item)))
