"""Mediators publish a profile, venues agree to show them, and all of it can be taken away."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from uuid import uuid4

from services.directory.domain.mediators import (
    MOST_VENUES,
    Attachment,
    Mediator,
    MediatorNotFound,
    attach,
    check_profile,
)
from services.directory.domain.venues import Venue
from services.directory.store.mediators import Mediations, Mediators
from services.directory.use_cases.venues import get_venue
from shared.auth import Account
from shared.database import Transaction
from shared.errors import InvalidField, InvalidInput, NotAllowed
from shared.events import FieldValue
from shared.events.directory import MediatorAttachmentAsked, VenueMediatorsChanged


@dataclass(frozen=True)
class Shown:
    """A mediator, and the venues that they are attached to or ask for."""

    mediator: Mediator
    attachments: list[Attachment]

    @property
    def confirmed(self) -> list[str]:
        """The venues that show them."""
        return [one.venue_id for one in self.attachments if one.state == "confirmed"]


async def publish(
    tx: Transaction, account: Account, given: Mapping[str, FieldValue], venue_ids: Sequence[str]
) -> Shown:
    """Publish or replace one's own profile, and name all one's venues."""
    profile = check_profile(given)
    known = await Mediators(tx).of_account(account.id)
    mediator = Mediator(
        **profile.model_dump(),
        id=known.id if known else uuid4().hex,
        account_id=account.id,
        published_at=known.published_at if known else tx.now,
        updated_at=tx.now,
    )
    before = await Mediations(tx).of_mediator(mediator.id)
    venues = await _venues(tx, venue_ids)
    managed = [venue.id for venue in venues.values() if account.id in venue.managers]
    after = attach(mediator.id, before, venues, managed=managed, at=tx.now)
    await Mediators(tx).put(mediator)
    await Mediations(tx).erase(after.dropped)
    await Mediations(tx).put([*after.kept, *after.added])
    for one in after.added:
        if one.state == "asked":
            _ask(tx, account, venues[one.venue_id])
    await _tell(tx, before, [*after.kept, *after.added])
    return Shown(mediator, [*after.kept, *after.added])


async def own_profile(tx: Transaction, account: Account) -> Shown:
    """One's own profile, shown or not; raises `MediatorNotFound`."""
    mediator = await Mediators(tx).of_account(account.id)
    if mediator is None:
        raise MediatorNotFound
    return Shown(mediator, await Mediations(tx).of_mediator(mediator.id))


async def erase(tx: Transaction, account: Account) -> None:
    """Take one's profile and attachments away; nothing of them is kept."""
    mediator = await Mediators(tx).of_account(account.id)
    if mediator is None:
        return
    attachments = await Mediations(tx).of_mediator(mediator.id)
    await Mediations(tx).erase(attachments)
    await Mediators(tx).erase(account.id)
    await _tell(tx, attachments, [])


async def get_mediator(tx: Transaction, mediator_id: str) -> Shown:
    """A profile that a venue at least shows."""
    mediator = await Mediators(tx).get(mediator_id)
    if mediator is None:
        raise MediatorNotFound
    shown = Shown(mediator, await Mediations(tx).of_mediator(mediator.id))
    if not shown.confirmed:
        raise MediatorNotFound
    return shown


async def of_venue(tx: Transaction, venue_id: str) -> list[Mediator]:
    """The mediators whom a venue shows, by name."""
    await get_venue(tx, venue_id)
    return await _in_state(tx, venue_id, "confirmed")


async def waiting_at(tx: Transaction, account: Account, venue_id: str) -> list[Mediator]:
    """Who asks to be shown at a venue; for its managers and moderators."""
    await _looked_after(tx, account, venue_id)
    return await _in_state(tx, venue_id, "asked")


async def answer(
    tx: Transaction, account: Account, venue_id: str, mediator_id: str, *, shown: bool
) -> list[Mediator]:
    """Show somebody who has asked at a venue, or no longer; for its managers and moderators.

    Mediators themselves take a venue from their list. Returns whom the venue shows now.
    """
    venue = await _looked_after(tx, account, venue_id)
    known = await Mediations(tx).get(mediator_id, venue.id)
    if known is None:
        raise MediatorNotFound
    if shown and account.id not in venue.managers:
        mediator = await Mediators(tx).get(mediator_id)
        # a moderator says so of others
        if mediator and mediator.account_id == account.id:
            raise NotAllowed("C'est à une autre personne de l'équipe de vous présenter ici.")
    wanted = known.answered("confirmed" if shown else "removed", tx.now)
    if known.state != wanted.state:
        await Mediations(tx).put([wanted])
        await _tell(tx, [known], [wanted])
    return await _in_state(tx, venue.id, "confirmed")


async def _venues(tx: Transaction, venue_ids: Sequence[str]) -> dict[str, Venue]:
    """The venues that somebody names, by their ids now: some may have been merged since."""
    if len(set(venue_ids)) > MOST_VENUES:
        message = f"Il faut au plus {MOST_VENUES} lieux."
        raise InvalidInput(invalid=[InvalidField("venues", "too_long", message)])
    found = [await get_venue(tx, venue_id) for venue_id in dict.fromkeys(venue_ids)]
    return {venue.id: venue for venue in found}


async def _looked_after(tx: Transaction, account: Account, venue_id: str) -> Venue:
    venue = await get_venue(tx, venue_id)
    if account.id not in venue.managers and not account.may("moderator"):
        raise NotAllowed
    return venue


async def _in_state(tx: Transaction, venue_id: str, state: str) -> list[Mediator]:
    attachments = await Mediations(tx).of_venue(venue_id)
    ids = [one.mediator_id for one in attachments if one.state == state]
    return await Mediators(tx).get_many(ids) if ids else []


def _ask(tx: Transaction, account: Account, venue: Venue) -> None:
    tx.publish(
        MediatorAttachmentAsked(
            venue_id=venue.id,
            venue_nom=venue.nom,
            account_id=account.id,
            managers=venue.managers,
            asked_at=tx.now,
        )
    )


async def _tell(tx: Transaction, before: Iterable[Attachment], after: Iterable[Attachment]) -> None:
    """Publish for each venue that shows somebody more or less than before."""
    shown = {one.venue_id for one in before if one.state == "confirmed"}
    shown ^= {one.venue_id for one in after if one.state == "confirmed"}
    for venue_id in sorted(shown):
        now = await Mediations(tx).of_venue(venue_id)
        tx.publish(
            VenueMediatorsChanged(
                venue_id=venue_id,
                count=sum(one.state == "confirmed" for one in now),
                changed_at=tx.now,
            )
        )
