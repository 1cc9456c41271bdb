"""Queries of moderation, one class per collection."""

from services.moderation.store.cases import INDEXES as _OF_CASES
from services.moderation.store.cases import (
    Assignment,
    Assignments,
    Cases,
    Log,
    Message,
    Messages,
    Notices,
    place,
    place_in_time,
)
from services.moderation.store.people import INDEXES as _OF_PEOPLE
from services.moderation.store.people import (
    Contributors,
    ProposedAddresses,
    RefusedDomains,
    Scopes,
    VenueManagers,
)

INDEXES = (*_OF_CASES, *_OF_PEOPLE, *Log.INDEXES)

__all__ = [
    "INDEXES",
    "Assignment",
    "Assignments",
    "Cases",
    "Contributors",
    "Log",
    "Message",
    "Messages",
    "Notices",
    "ProposedAddresses",
    "RefusedDomains",
    "Scopes",
    "VenueManagers",
    "place",
    "place_in_time",
]
