"""What people read: French names of the sheet's columns, values and moments in plain French."""

from datetime import datetime
from zoneinfo import ZoneInfo

from shared.events import FieldValue

PARIS = ZoneInfo("Europe/Paris")
EMPTY = "(vide)"

LABELS = {
    "id": "Identifiant",
    "pivot": "SIRET, RNA ou RIDET",
    "nom": "Nom",
    "commune": "Commune",
    "code_postal": "Code postal",
    "code_insee": "Code INSEE de la commune",
    "adresse": "Adresse",
    "complement_adresse": "Complément d'adresse",
    "latitude": "Latitude",
    "longitude": "Longitude",
    "typologie": "Type de lieu",
    "telephone": "Téléphone",
    "courriels": "Adresses de courriel",
    "site_web": "Site web",
    "horaires": "Horaires d'ouverture",
    "presentation_resume": "Présentation en bref",
    "presentation_detail": "Présentation détaillée",
    "source": "Source",
    "itinerance": "Lieu fixe ou itinérant",
    "structure_parente": "Structure parente",
    "date_maj": "Date de mise à jour",
    "services": "Services proposés",
    "publics_specifiquement_adresses": "Publics accueillis en particulier",
    "prise_en_charge_specifique": "Prise en charge de besoins particuliers",
    "frais_a_charge": "Tarifs",
    "dispositif_programmes_nationaux": "Dispositifs et programmes nationaux",
    "formations_labels": "Formations et labels",
    "autres_formations_labels": "Autres formations et labels",
    "modalites_acces": "Comment venir ou prendre contact",
    "modalites_accompagnement": "Formes d'accompagnement",
    "fiche_acces_libre": "Fiche Accès libre (accessibilité)",
    "prise_rdv": "Prise de rendez-vous en ligne",
}

_DAYS = ("lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche")
_MONTHS = (
    "janvier", "février", "mars", "avril", "mai", "juin", "juillet", "août", "septembre",
    "octobre", "novembre", "décembre",
)  # fmt: skip


def label(field: str) -> str:
    """How a column is called on screen and in mails."""
    return LABELS.get(field, field)


def shown(value: FieldValue) -> str:
    """A value as people read it."""
    if value is None or value in ("", []):
        return EMPTY
    if isinstance(value, list):
        return ", ".join(value)
    return repr(value).replace(".", ",") if isinstance(value, float) else str(value)


def day_in_french(moment: datetime) -> str:
    """« 30 novembre 2026 », in Paris."""
    there = moment.astimezone(PARIS)
    day = "1er" if there.day == 1 else str(there.day)
    return f"{day} {_MONTHS[there.month - 1]} {there.year}"


def moment_in_french(moment: datetime) -> str:
    """« lundi 30 novembre 2026 à 14 h 05 », in Paris."""
    there = moment.astimezone(PARIS)
    return f"{_DAYS[there.weekday()]} {day_in_french(moment)} à {there.hour} h {there:%M}"
