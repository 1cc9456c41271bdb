"""What everybody may read of a venue: the answer of `GET /venues/{id}`, and an item of a search."""

from typing import Any

from services.directory.domain.fiche import as_read
from services.directory.domain.venues import Venue


def shown(venue: Venue) -> dict[str, Any]:
    """The public form of a venue: every column of the schema, null where nothing is known."""
    return {
        "id": venue.id,
        "revision": venue.revision,
        "updated_at": venue.updated_at,
        "fiche": as_read(venue.fiche),
    }
