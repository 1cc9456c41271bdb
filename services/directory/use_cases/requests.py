"""What people ask about a sheet that does not change it by itself: to manage it."""

from typing import Any
from uuid import uuid4

from services.directory.domain.fiche import public_addresses
from services.directory.domain.proposals import AlreadyManager
from services.directory.domain.venues import Venue
from services.directory.use_cases.venues import get_venue
from shared.auth import Account
from shared.database import Transaction
from shared.events.directory import ManagementClaimed


async def claim(tx: Transaction, account: Account, venue_id: str, text: str) -> str:
    """Ask to manage a venue's sheet; returns the id of the case that moderation opens."""
    venue = await get_venue(tx, venue_id)
    if account.id in venue.managers:
        raise AlreadyManager
    claim_id = uuid4().hex
    tx.publish(
        ManagementClaimed(
            **_asked(tx, account, venue, text),
            claim_id=claim_id,
            public_addresses=len(public_addresses(venue.fiche)),
            claimed_at=tx.now,
        )
    )
    return claim_id


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
