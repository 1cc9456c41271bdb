"""What people ask about a sheet that does not change it by itself: to have it looked at."""

from typing import Any
from uuid import uuid4

from services.directory.domain.venues import Venue
from services.directory.use_cases.venues import get_venue
from shared.auth import Account
from shared.database import Transaction
from shared.events.directory import VenueReported


async def report(tx: Transaction, account: Account, venue_id: str, text: str) -> str:
    """Say that something is wrong with a sheet; returns the id of the case."""
    venue = await get_venue(tx, venue_id)
    report_id = uuid4().hex
    asked = _asked(tx, account, venue, text)
    tx.publish(VenueReported(**asked, report_id=report_id, reported_at=tx.now))
    return report_id


def _asked(tx: Transaction, account: Account, venue: Venue, text: str) -> dict[str, Any]:
    if contact := account.contact(tx.now):
        tx.publish(contact)
    return {
        "venue_id": venue.id,
        "venue_nom": venue.nom,
        "author": account.author,
        "text": text,
        "code_insee": venue.fiche.get("code_insee"),
        "code_postal": venue.fiche.get("code_postal"),
    }
