"""A file's first line: which separator it has, and which column of the schema is where."""

import csv
import re
import unicodedata
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

from services.directory.domain.closest import closest
from services.directory.domain.fiche import COLUMNS
from services.directory.domain.schema_v0 import COLUMNS_V0, ONLY_V0
from services.directory.importing.problems import NotACsvFile

SEPARATORS = {",": "virgule", ";": "point-virgule", "\t": "tabulation"}

LONGEST_HEADER = 64 * 1024
"""Characters in which the separator is looked for."""
MOST_COLUMNS = 1_000
MOST_NAMED = 20
LONGEST_NAME = 60
"""Names of others' columns that a sentence repeats, and characters of each."""

UNREADABLE = "guillemet isolé, ou cellule trop longue"


@dataclass(frozen=True)
class Header:
    """Where each column of the schema is, and what people should know of how it was found."""

    version: str
    """Of the schema: `1.0.2` or `0.1.1`."""
    width: int
    """Cells of a row."""
    places: dict[str, int]
    """Of each column of that version, in its order."""
    is_exact: bool
    """Whether the line is word for word the standard's."""
    notes: list[str] = field(default_factory=list)


def separator_of(line: str) -> str:
    """The separator with which a first line has the most columns that we know."""
    start = line[:LONGEST_HEADER]
    return max(SEPARATORS, key=lambda one: len(_known(_split(start, one))))


def _split(line: str, separator: str) -> list[str]:
    try:
        return next(csv.reader([line], delimiter=separator), [])
    except csv.Error:
        return []


def _known(names: Sequence[str]) -> set[str]:
    return {_tidy(name) for name in names} & (COLUMNS.keys() | ONLY_V0)


def read_header(names: Sequence[str]) -> Header:
    """The places of the columns; raises `NotACsvFile` where one is missing or there twice."""
    if len(names) > MOST_COLUMNS:
        raise NotACsvFile(f"La première ligne a plus de {MOST_COLUMNS} colonnes.")
    tidied = [_tidy(name) for name in names]
    only_v1 = COLUMNS.keys() - set(COLUMNS_V0)
    is_old = len(ONLY_V0.intersection(tidied)) > len(only_v1.intersection(tidied))
    columns: Collection[str] = COLUMNS_V0 if is_old else COLUMNS.keys()
    counted = Counter(tidied)
    if twice := [name for name in columns if counted[name] > 1]:
        raise NotACsvFile(f"Colonnes en double : {', '.join(twice)}.", duplicate_columns=twice)
    if missing := [name for name in columns if name not in counted]:
        raise NotACsvFile(_missing(missing, names, columns), missing_columns=missing)
    notes = [
        f"La colonne « {written[:LONGEST_NAME]} » est lue comme « {name} »."
        for written, name in zip(names, tidied, strict=True)
        if written != name and name in columns
    ]
    if others := [name or "(sans nom)" for name in names if _tidy(name) not in columns]:
        notes.append(f"Colonnes que le schéma n'a pas, laissées de côté : {_some(others)}.")
    if is_old:
        notes.append("Le fichier suit la version 0.1.1 : ses valeurs sont traduites.")
        notes.append("La version 1 n'a plus de colonne « cle_ban » : elle n'est pas reprise.")
    if [name for name in tidied if name in columns] != list(columns):
        notes.append("Les colonnes ne sont pas dans l'ordre du schéma.")
    places = {name: tidied.index(name) for name in columns}
    is_exact = list(names) == list(COLUMNS)
    return Header("0.1.1" if is_old else "1.0.2", len(names), places, is_exact, notes)


def _missing(missing: Sequence[str], names: Sequence[str], columns: Collection[str]) -> str:
    others = [name for name in names if _tidy(name) not in columns][:MOST_NAMED]
    said = f"Colonnes absentes : {', '.join(missing)}."
    found = ((name, closest(name, [one[:LONGEST_NAME] for one in others])) for name in missing)
    alike = [f"« {other} » pour « {name} »" for name, other in found if other]
    return f"{said} Est-ce {', '.join(alike)} ?" if alike else said


def _some(names: Sequence[str]) -> str:
    """The first names, as many as people read."""
    shown = ", ".join(name[:LONGEST_NAME] for name in names[:MOST_NAMED])
    return f"{shown}…" if len(names) > MOST_NAMED else shown


def _tidy(name: str) -> str:
    """A column's name as the schema writes names: small letters, no accents, no spaces."""
    parts = unicodedata.normalize("NFKD", name.strip("\ufeff \t\u00a0").lower())
    plain = "".join(part for part in parts if not unicodedata.combining(part))
    return re.sub(r"[\s_'-]+", "_", plain)
