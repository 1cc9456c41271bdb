"""Venues to try things on: each test imports its own."""

import csv
import io
import re
from uuid import uuid4

from services.directory.domain.fiche import COLUMNS

SAMPLE = {
    "pivot": "99912345600017",
    "nom": "Médiathèque des Tilleuls",
    "commune": "Die",
    "code_postal": "26150",
    "code_insee": "26113",
    "adresse": "4 place de la Fontaine",
    "latitude": "44.7534",
    "longitude": "5.3706",
    "telephone": "+33465710099",
    "horaires": "Mo-Fr 09:00-12:00",
    "presentation_resume": "Une médiathèque ouverte à tous.",
    "date_maj": "2025-01-15",
    "services": "Aide aux démarches administratives|Accès internet et matériel informatique",
    "frais_a_charge": "Gratuit",
}


def row(**values: str) -> dict[str, str]:
    """A valid row of the national schema, with its own id unless one is given."""
    return {"id": f"lieu-{uuid4().hex[:12]}", **SAMPLE, **values}


def csv_of(*rows: dict[str, str]) -> bytes:
    """A CSV file of these rows."""
    text = io.StringIO()
    writer = csv.DictWriter(text, list(COLUMNS), restval="")
    writer.writeheader()
    writer.writerows(rows)
    return text.getvalue().encode()


def source_of(file: bytes) -> str:
    """The source that a test's file comes from: named after its first venue.

    A venue that its source no longer has is marked; each test's venues have a source of their own.
    """
    try:
        first = next(csv.DictReader(io.StringIO(file.decode())), {})
    except (ValueError, csv.Error):
        return "tests"
    return re.sub(r"[^\w .-]", "-", first.get("id") or "tests")[:80]
