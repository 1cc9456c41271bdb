"""Sheets that look like the real ones, as many as asked for, the same for the same seed.

With `MEDNUM_DATA` (the optional data folder), values are drawn from the real sheets and places
from the real communes; without it from the sample that comes with the code.
"""

import csv
import datetime as dt
import os
import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from services.directory.domain.fiche import COLUMNS
from shared.events import FieldValue

SAMPLE = Path(__file__).parents[1] / "services" / "directory" / "sample" / "lieux.csv"
KINDS = (
    "Médiathèque", "Bibliothèque", "Mairie", "Centre social", "Maison France Services", "CCAS",
    "Mission locale", "Espace public numérique", "Cyberbase", "Association", "Tiers-lieu",
    "Maison de quartier", "Point information jeunesse", "Bureau de poste", "Fablab",
    "Maison des associations", "Régie de quartier", "Antenne de la communauté de communes",
)  # fmt: skip
NAMES = (
    "Jean Moulin", "Simone Veil", "Louise Michel", "Victor Hugo", "des Trois Becs", "du Vieux Pont",
    "de la Gare", "Marie Curie", "Aimé Césaire", "Les Tilleuls", "Le Moulin", "Rosa Parks",
    "Jacques Prévert", "Saint-Exupéry", "de l'Étoile", "du Grand Large", "Les Acacias", "Olympe",
)  # fmt: skip
WORDS = [
    "accueil",
    "accompagnement",
    "ordinateur",
    "tablette",
    "atelier",
    "débutants",
    "impôts",
    "déclaration",
    "retraite",
    "permanence",
    "rendez-vous",
    "mercredi",
    "matin",
    "conseiller",
    "démarches",
    "emploi",
    "recherche",
    "lettre",
    "messagerie",
    "internet",
    "sécurité",
    "parents",
    "enfants",
    "jeux",
    "imprimante",
    "numérisation",
    "connexion",
    "wifi",
    "gratuit",
    "aide",
    "habitants",
    "quartier",
    "village",
    "bénévoles",
    "café",
    "formation",
    "initiation",
    "bureautique",
    "smartphone",
    "photos",
    "santé",
    "logement",
    "allocations",
    "inscription",
    "dossier",
    "administration",
    "service",
    "équipe",
    "écoute",
    "autonomie",
    "collectif",
    "individuel",
    "séniors",
    "jeunes",
    "apprentissage",
    "découverte",
    "logiciel",
    "libre",
    "réparation",
    "réemploi",
    "matériel",
    "prêt",
    "salle",
    "écran",
    "clavier",
    "souris",
    "préfecture",
    "carte",
    "grise",
    "passeport",
    "CAF",
]
FIRST_DAY = dt.date(2022, 1, 1)
SPREAD = 0.03
"""Degrees between a venue and the middle of its commune, one standard deviation."""


@dataclass(frozen=True)
class Place:
    """A commune."""

    code: str
    name: str
    postcode: str
    latitude: float
    longitude: float


def sheets(count: int, seed: int = 1) -> Iterator[dict[str, FieldValue]]:
    """`count` sheets, empty values left out."""
    draw = random.Random(seed)
    listed, weights = places()
    # enough of them drawn at once: one by one costs more than all the rest
    for first in range(0, count, 10_000):
        chosen = draw.choices(listed, cum_weights=weights, k=min(10_000, count - first))
        for number, place in enumerate(chosen, first):
            yield _sheet(draw, number, place)


def _sheet(draw: random.Random, number: int, place: Place) -> dict[str, FieldValue]:
    real = draw.choice(_real())
    fiche = {name: value for name, value in real.items() if draw.random() < 0.9}
    fiche |= {
        "id": f"banc-{number}",
        "pivot": f"{draw.randrange(10**14):014}",
        "nom": f"{draw.choice(KINDS)} {draw.choice((place.name, draw.choice(NAMES)))}",
        "commune": place.name,
        "code_insee": place.code,
        "code_postal": place.postcode,
        "adresse": f"{draw.randrange(1, 200)} rue {draw.choice(NAMES)}",
        "latitude": round(place.latitude + draw.gauss(0, SPREAD), 6),
        "longitude": round(place.longitude + draw.gauss(0, SPREAD), 6),
        "source": f"source-{draw.randrange(12)}",
        "date_maj": str(FIRST_DAY + dt.timedelta(draw.randrange(1_500))),
    }
    for name in ("services", "frais_a_charge"):
        fiche.setdefault(name, real.get(name) or [COLUMNS[name].choices[0]])
    if draw.random() < 0.3:
        fiche["presentation_resume"] = " ".join(draw.choices(WORDS, k=18)).capitalize()
    if draw.random() < 0.2:
        fiche["presentation_detail"] = " ".join(draw.choices(WORDS, k=50)).capitalize()
    return fiche


KEPT = ("typologie", "horaires", "itinerance", "telephone", "site_web")


@cache
def _real() -> list[dict[str, FieldValue]]:
    """What the sheets say that does not depend on the place."""
    data = os.environ.get("MEDNUM_DATA")
    file = Path(data) / "venues" / "lieux.csv" if data else SAMPLE
    drawn = []
    names = {*KEPT, *(column.name for column in COLUMNS.values() if column.choices)}
    with file.open(encoding="utf-8", newline="") as text:
        for row in csv.DictReader(text):
            cells = {name: row[name] for name in names if row[name]}
            drawn.append(
                {
                    name: cell.split("|") if COLUMNS[name].form == "list" else cell
                    for name, cell in cells.items()
                }
            )
    return drawn


@cache
def places() -> tuple[list[Place], list[float]]:
    """Communes, and how many people live in them and all before."""
    data = os.environ.get("MEDNUM_DATA")
    found, weights, total = [], [], 0.0
    if data:
        with (Path(data) / "geo" / "communes.csv").open(encoding="utf-8", newline="") as text:
            for row in csv.DictReader(text):
                if row["latitude"] and row["codes_postaux"]:
                    found.append(_place(row))
                    # venues are fewer a head where many live
                    total += (float(row["population"] or 0) + 300) ** 0.7
                    weights.append(total)
        return found, weights
    draw = random.Random(0)
    names = [f"{a}{b}" for a in STARTS for b in ENDS]
    for number, name in enumerate(names):
        department = f"{1 + number % 95:02}".replace("20", "2A")
        latitude, longitude = draw.uniform(43.3, 50.5), draw.uniform(-1.2, 6.8)
        code = f"{department}{number // 95 + 1:03}"
        postcode = f"{department.replace('2A', '20')}{number // 95 * 10 + 100:03}"
        found.append(Place(code, name, postcode, latitude, longitude))
        total += draw.paretovariate(1.2)
        weights.append(total)
    return found, weights


def _place(row: dict[str, str]) -> Place:
    return Place(
        row["code_insee"],
        row["nom"],
        row["codes_postaux"].split("|")[0].split(";")[0].split(",")[0],
        float(row["latitude"]),
        float(row["longitude"]),
    )


STARTS = (
    "Saint-", "Sainte-", "Villeneuve-", "Mont", "Beau", "Château", "Bel", "Clair", "Roche", "Val",
    "Bourg-", "Neuf", "Haute", "Champ", "Font", "Puy", "Mas", "Pont-", "La Chapelle-", "Le Bois-",
)  # fmt: skip
ENDS = (
    "Étienne", "Martin", "Denis", "d'Abeau", "sur-Loire", "les-Bains", "fort", "mont", "lieu",
    "ville", "court", "bach", "illac", "ac", "ans", "igny", "euil", "ergue", "oz", "en-Vercors",
    "en-Bresse", "aux-Bois", "le-Vieux", "l'Évêque", "Germain", "Pierre", "Jean", "Marie", "Lô",
    "Brieuc", "Nazaire", "Julien", "Laurent", "Maurice", "Aubin", "Gilles", "Sauveur", "Clément",
    "André", "Michel", "Georges", "Hilaire", "Cyr", "Genis", "Priest", "Fons", "Chamond",
)  # fmt: skip
