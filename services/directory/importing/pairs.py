"""Labelled pairs of sheets in CSV files, and how well `domain.duplicates` tells them apart."""

import csv
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from services.directory.domain.duplicates import MATCH, Likeness, compare
from services.directory.domain.fiche import COLUMNS
from services.directory.domain.traits import folded, traits
from shared.errors import Problem
from shared.events import FieldValue

_NAMES = {
    "lat": "latitude", "y": "latitude", "lon": "longitude", "lng": "longitude",
    "long": "longitude", "x": "longitude", "courriel": "courriels", "email": "courriels",
    "mail": "courriels", "tel": "telephone", "phone": "telephone", "siret": "pivot",
    "ville": "commune", "city": "commune", "cp": "code_postal", "postcode": "code_postal",
    "insee": "code_insee", "citycode": "code_insee", "name": "nom", "address": "adresse",
    "site": "site_web", "website": "site_web", "identifiant": "id", "gauche": "left",
    "id_left": "left", "left_id": "left", "id1": "left", "a": "left", "droite": "right",
    "id_right": "right", "right_id": "right", "id2": "right", "b": "right", "etiquette": "label",
    "is_match": "label", "verdict": "label",
}  # fmt: skip
"""Other names under which columns are met."""

_LABELS = {
    "match": True, "same": True, "duplicate": True, "doublon": True, "identique": True, "oui": True,
    "yes": True, "true": True, "1": True, "distinct": False, "different": False, "no": False,
    "non match": False, "no match": False, "non": False, "false": False, "0": False,
}  # fmt: skip
"""What a pair is labelled; any other word (unsure) is not counted."""

_ITEMS = re.compile(r"[|;,\s]+")


class UnreadablePairs(Problem):
    """A file of sheets or pairs lacks what is needed."""

    type = "unreadable-pairs"
    status = 422
    title = "Ces fichiers ne se lisent pas comme des fiches et des paires."


@dataclass(frozen=True)
class Judged:
    """A labelled pair and what was found."""

    left: str
    right: str
    is_same: bool | None
    """What its label says; None is unsure."""
    likeness: Likeness


@dataclass
class Evaluation:
    """How labelled pairs came out at a threshold."""

    threshold: int
    pairs: list[Judged] = field(default_factory=list)
    missing: int = 0
    """Pairs of which a sheet is in neither file."""

    def count(self, *, label: bool | None, found: bool) -> int:
        """Pairs with a label that were found to match, or not to."""
        return sum(
            pair.is_same is label and (pair.likeness.score >= self.threshold) is found
            for pair in self.pairs
        )

    @property
    def precision(self) -> float:
        """Of the pairs found to match, the share that does."""
        hits = self.count(label=True, found=True)
        return hits / (hits + self.count(label=False, found=True) or 1)

    @property
    def recall(self) -> float:
        """Of the pairs that match, the share that was found."""
        hits = self.count(label=True, found=True)
        return hits / (hits + self.count(label=True, found=False) or 1)

    @property
    def f1(self) -> float:
        """The harmonic mean of both."""
        return 2 * self.precision * self.recall / (self.precision + self.recall or 1)


def evaluate(left: Path, right: Path, pairs: Path, threshold: int = MATCH) -> Evaluation:
    """Score every labelled pair; columns go by several names. Raises `UnreadablePairs`."""
    one, other = read_sheets(left), read_sheets(right)
    evaluation = Evaluation(threshold)
    for row in _rows(pairs, {"left", "right", "label"}):
        here = one.get(row["left"]) or other.get(row["left"])
        there = other.get(row["right"]) or one.get(row["right"])
        if here is None or there is None:
            evaluation.missing += 1
            continue
        is_same = _LABELS.get(folded(row["label"]))
        likeness = compare(traits(here), traits(there))
        evaluation.pairs.append(Judged(row["left"], row["right"], is_same, likeness))
    return evaluation


def read_sheets(path: Path) -> dict[str, dict[str, FieldValue]]:
    """Sheets by id, with whatever columns of the national schema a file has."""
    return {row["id"]: _fiche(row) for row in _rows(path, {"id", "nom"})}


def _rows(path: Path, needed: set[str]) -> Iterator[dict[str, str]]:
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = raw.decode("cp1252", errors="replace")
    header, _, _ = text.partition("\n")
    separator = max(",;\t", key=header.count)
    for row in csv.DictReader(text.splitlines(keepends=True), delimiter=separator):
        named = {_named(name): (value or "").strip() for name, value in row.items() if name}
        if missing := needed - named.keys():
            raise UnreadablePairs(f"{path.name} : il manque {', '.join(sorted(missing))}.")
        yield named


def _named(column: str) -> str:
    name = column.strip().lower()
    return _NAMES.get(name, name)


def _fiche(row: Mapping[str, str]) -> dict[str, FieldValue]:
    """The cells that the schema knows; what is no number is left out."""
    fiche: dict[str, FieldValue] = {}
    for name, cell in row.items():
        column = COLUMNS.get(name)
        if column is None or not cell:
            continue
        if column.form == "number":
            try:
                fiche[name] = float(cell.replace(",", "."))
            except ValueError:
                continue
        elif column.form == "list":
            items = cell.split("|") if column.choices else _ITEMS.split(cell)
            fiche[name] = [item.strip() for item in items if item.strip()]
        else:
            fiche[name] = cell
    return fiche
