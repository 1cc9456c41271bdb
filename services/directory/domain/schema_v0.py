"""Rows of the previous schema, v0.1.1 (29 columns, lists with `;`), as rows of v1.0.2.

Sources: values by the tables of the national map's own library, lieux-de-mediation-numerique
(https://github.com/anct-cartographie-nationale/lieux-de-mediation-numerique, its
`from-schema-data-inclusion-fields.ts`), columns by the standard's `descriptif-des-evolutions`.
What has no equivalent is kept where a free column allows it, and said in a note where none does.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from services.directory.domain.closest import closest, question
from services.directory.domain.columns import SEPARATOR, folded
from services.directory.domain.fiche import COLUMNS
from shared.errors import InvalidField

LIST = ";"

COLUMNS_V0 = (
    "id", "pivot", "nom", "commune", "code_postal", "code_insee", "adresse", "complement_adresse",
    "latitude", "longitude", "cle_ban", "typologie", "telephone", "courriel", "site_web",
    "horaires", "presentation_resume", "presentation_detail", "source", "structure_parente",
    "date_maj", "services", "publics_accueillis", "conditions_acces", "labels_nationaux",
    "labels_autres", "modalites_accompagnement", "accessibilite", "prise_rdv",
)  # fmt: skip

ONLY_V0 = frozenset(COLUMNS_V0) - COLUMNS.keys()

_RENAMED = {"courriel": "courriels", "accessibilite": "fiche_acces_libre"}
_LISTS = {
    "typologie": "typologie",
    "site_web": "site_web",
    "labels_autres": "autres_formations_labels",
}

_AID = "Aide aux démarches administratives"
_DAILY = "Maîtrise des outils numériques du quotidien"
_WORK = "Insertion professionnelle via le numérique"
_WORLD = "Compréhension du monde numérique"
_ACCESS = "Accès internet et matériel informatique"
_SPECIAL = "prise_en_charge_specifique"
_MEANT_FOR = "publics_specifiquement_adresses"
_PROGRAMMES = "dispositif_programmes_nationaux"
_CAF = "Point d'accès numérique CAF"

Target = tuple[str, str] | None
"""Column and value of v1, none where it has no such value."""


def _into(column: str, values: Mapping[str, str]) -> dict[str, Target]:
    return {old: (column, new) for old, new in values.items()}


VALUES: dict[str, dict[str, Target]] = {
    "services": _into(
        "services",
        {
            "Devenir autonome dans les démarches administratives": _AID,
            "Réaliser des démarches administratives avec un accompagnement": _AID,
            "Prendre en main un smartphone ou une tablette": _DAILY,
            "Prendre en main un ordinateur": _DAILY,
            "Utiliser le numérique au quotidien": _DAILY,
            "Approfondir ma culture numérique": _WORLD,
            "Favoriser mon insertion professionnelle": _WORK,
            "Accéder à une connexion internet": _ACCESS,
            "Accéder à du matériel": _ACCESS,
            "S'équiper en matériel informatique": (
                "Acquisition de matériel informatique à prix solidaire"
            ),
            "Créer et développer mon entreprise": _WORK,
            "Créer avec le numérique": "Loisirs et créations numériques",
            "Accompagner les démarches de santé": _AID,
            "Promouvoir la citoyenneté numérique": _WORLD,
            "Soutenir la parentalité et l'éducation avec le numérique": (
                "Parentalité et éducation avec le numérique"
            ),
        },
    ),
    "publics_accueillis": {
        "Seniors (+ 65 ans)": (_MEANT_FOR, "Seniors"),
        "Familles/enfants": (_MEANT_FOR, "Familles et/ou enfants"),
        "Adultes": None,
        "Jeunes (16-26 ans)": (_MEANT_FOR, "Jeunes"),
        "Public langues étrangères": (_SPECIAL, "Langues étrangères (autres)"),
        "Déficience visuelle": (_SPECIAL, "Déficience visuelle"),
        "Surdité": (_SPECIAL, "Surdité"),
        "Handicaps psychiques": None,
        "Handicaps mentaux": (_SPECIAL, "Handicaps mentaux"),
        "Uniquement femmes": (_MEANT_FOR, "Femmes"),
        "Personnes en situation d'illettrisme": (_SPECIAL, "Illettrisme"),
    },
    "conditions_acces": _into(
        "frais_a_charge",
        {
            "Gratuit": "Gratuit",
            "Gratuit sous condition": "Gratuit sous condition",
            "Payant": "Payant",
            "Accepte le Pass numérique": "Gratuit sous condition",
            "Adhésion": "Payant",
        },
    ),
    "labels_nationaux": _into(
        _PROGRAMMES,
        {
            "France Services": "France Services",
            "CNFS": "Conseillers numériques",
            "Aidants Connect": "Aidants Connect",
            "Grandes écoles du numérique": "Grande école du numérique",
            "Point relais CAF": _CAF,
            "Point numérique CAF": _CAF,
        },
    )
    | {"Fabriques de Territoire": ("formations_labels", "Fabriques de Territoire")}
    # no national programme any more, and still labels
    | {
        label: ("autres_formations_labels", label)
        for label in ("APTIC", "Relais pôle emploi", "French Tech", "Campus connecté")
    },
    "modalites_accompagnement": _into(
        "modalites_accompagnement",
        {
            "Seul": "En autonomie",
            "Avec de l'aide": "Accompagnement individuel",
            "Dans un atelier": "Dans un atelier collectif",
            "A ma place": "Accompagnement individuel",
        },
    ),
}
"""By column of v0 and the name of its value (what stands before « : »)."""


@dataclass
class Upgraded:
    """A row of v0 as cells of v1; `errors` are values that v0 has not, `notes` what v1 has not."""

    cells: dict[str, str] = field(default_factory=dict)
    notes: list[InvalidField] = field(default_factory=list)
    errors: list[InvalidField] = field(default_factory=list)


def upgraded(row: Mapping[str, str]) -> Upgraded:
    """A row of v0, by its columns' names, as one of v1."""
    made = Upgraded({name: row.get(name, "") for name in COLUMNS})
    for old, new in _RENAMED.items():
        made.cells[new] = row[old]
    for old, new in _LISTS.items():
        made.cells[new] = SEPARATOR.join(_items(row[old]))
    for old, values in VALUES.items():
        _translate(made, old, _items(row[old]), values)
    _shorten(made)
    return made


def _items(cell: str) -> list[str]:
    return [item for one in cell.split(LIST) if (item := one.strip())]


def _translate(made: Upgraded, old: str, items: list[str], values: Mapping[str, Target]) -> None:
    if old in COLUMNS:
        made.cells[old] = ""
    for item in items:
        name = folded(item).partition(" :")[0].strip()
        known = next((one for one in values if folded(one) == name), None)
        if known is None:
            made.errors.append(_unknown(old, item, name, values))
        elif target := values[known]:
            column, value = target
            there = made.cells[column].split(SEPARATOR) if made.cells[column] else []
            made.cells[column] = SEPARATOR.join(dict.fromkeys([*there, value]))
        else:
            message = f"« {item} » n'a pas d'équivalent dans la version 1 : non repris."
            made.notes.append(InvalidField(old, "no_equivalent", message))


def _unknown(old: str, item: str, name: str, values: Mapping[str, Target]) -> InvalidField:
    message = f"« {item} » n'est pas une valeur de la liste (version 0.1.1)."
    suggestion = closest(name, values)
    if suggestion:
        message = f"{message} {question(suggestion)}"
    return InvalidField(old, "enum", message, suggestion)


def _shorten(made: Upgraded) -> None:
    """Move a summary longer than v1 allows (v0 had 500 characters) to the details as well."""
    whole = made.cells["presentation_resume"].strip()
    longest = COLUMNS["presentation_resume"].longest
    if len(whole) <= longest:
        return
    brief = whole[: longest - 1].rsplit(maxsplit=1)[0]
    made.cells["presentation_resume"] = f"{brief}…"
    details = made.cells["presentation_detail"].strip()
    made.cells["presentation_detail"] = f"{whole}\n\n{details}".strip()
    message = f"Le résumé dépasse {longest} caractères : il est repris en entier dans le détail."
    made.notes.append(InvalidField("presentation_resume", "max_length", message))
