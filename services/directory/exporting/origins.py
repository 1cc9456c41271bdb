"""What the extended forms add to a sheet: its revision, and where each value comes from.

CSV has a column for each member of the JSON, named by its path: `provenance.nom.how`.
"""

from typing import Any

from services.directory.domain.fiche import COLUMNS, LONGEST
from services.directory.domain.provenance import Origin
from services.directory.domain.spreadsheets import harmless
from services.directory.domain.venues import Venue

_ORIGIN = ("by", "how", "at", "accepted_by", "rule", "confirmed_at")
# the id is what it is, and the date moves with every revision
_FIELDS = [name for name in COLUMNS if name not in ("id", "date_maj")]

HEADER = [
    "revision",
    "updated_at",
    "absent_from_source",
    *(f"provenance.{name}.{member}" for name in _FIELDS for member in _ORIGIN),
]


def members(venue: Venue) -> dict[str, Any]:
    """The members that a sheet gets in JSON; times in ISO 8601, UTC."""
    return {
        **venue.model_dump(mode="json", include={"revision", "updated_at"}),
        "absent_from_source": venue.absent_from_source,
        "provenance": _provenance(venue),
    }


def cells(venue: Venue) -> list[str]:
    """The cells under `HEADER`."""
    said = members(venue)
    origins = [said["provenance"].get(name, {}) for name in _FIELDS]
    return [
        str(said["revision"]),
        said["updated_at"],
        "true" if said["absent_from_source"] else "false",
        *(harmless(origin.get(member, ""), LONGEST) for origin in origins for member in _ORIGIN),
    ]


def _provenance(venue: Venue) -> dict[str, dict[str, str]]:
    """The origin of each value, of those that were emptied too."""
    # most values are the first import's: said once
    imported = _said(venue.origin("id"))
    return {
        name: _said(venue.origins[name]) if name in venue.origins else imported
        for name in _FIELDS
        if name in venue.fiche or name in venue.origins
    }


def _said(origin: Origin) -> dict[str, str]:
    return origin.model_dump(mode="json", include=set(_ORIGIN), exclude_none=True)
