"""How a sheet is cared for, as everybody may see it."""

from dataclasses import dataclass

from services.directory.domain.checks import Check
from services.directory.domain.completeness import Completeness, completeness
from services.directory.domain.notices import Notice
from services.directory.domain.reports import Delisting
from services.directory.domain.venues import Venue
from services.directory.store.checks import Checks
from services.directory.store.reports import Delistings
from services.directory.use_cases.notices import shown_of
from shared.database import Transaction


@dataclass(frozen=True)
class Care:
    """What is known of a sheet beside its values."""

    completeness: Completeness
    check: Check | None
    notices: list[Notice]
    """Current or to come, the earliest first."""
    delisting: Delisting | None
    """Why it is in no search and no list, if it is not."""


async def of(tx: Transaction, venue: Venue) -> Care:
    """The care of a sheet, now."""
    check = await Checks(tx).last(venue.id)
    return Care(
        completeness=completeness(venue.fiche, check.on if check else None, tx.now),
        check=check,
        notices=await shown_of(tx, venue.id),
        delisting=(await Delistings(tx).of([venue.id])).get(venue.id),
    )
