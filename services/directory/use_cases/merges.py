"""Two venues become one, and two again; for moderators."""

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import uuid4

from services.directory.domain import merging
from services.directory.domain.fiche import Fiche, public_addresses
from services.directory.domain.merging import (
    AlreadyMerged,
    AlreadyUnmerged,
    FieldProposal,
    Merge,
    MergedWithItself,
    MergeNotFound,
    Side,
    VenueChanged,
)
from services.directory.domain.venues import Revision, Venue
from services.directory.store import belongings
from services.directory.store.duplicates import Merges
from services.directory.store.venues import History, Venues
from services.directory.use_cases import duplicates, reminders
from services.directory.use_cases.venues import (
    get_own,
    get_venue,
    history_of,
    tell_addresses,
    tell_managers,
    tell_update,
)
from shared.auth import Account
from shared.database import Transaction
from shared.events import FieldValue
from shared.events.directory import VenuesMerged, VenuesUnmerged


@dataclass(frozen=True)
class Preview:
    """What a merge would have to choose from, at these revisions of both sheets."""

    this: Venue
    other: Venue
    fields: list[FieldProposal]


async def preview(tx: Transaction, venue_id: str, other_id: str) -> Preview:
    """A proposal for each field. Raises `MergedWithItself`, `AlreadyMerged`, `VenueNotFound`."""
    this, other = await _both(tx, venue_id, other_id)
    return Preview(this, other, merging.propose(this, other, tx.now))


async def merge(
    tx: Transaction,
    account: Account,
    venue_id: str,
    other_id: str,
    *,
    choices: Mapping[str, Side],
    revision: int,
    other_revision: int,
) -> Merge:
    """Make one venue of two; raises as `preview` does, `VenueChanged` and `InvalidInput`."""
    shown = await preview(tx, venue_id, other_id)
    this, other = shown.this, shown.other
    if (this.revision, other.revision) != (revision, other_revision):
        raise VenueChanged(current_revision=this.revision, other_revision=other.revision)
    sides = merging.chosen(shown.fields, choices)
    by = f"account:{account.id}"
    await duplicates.note_merged(tx, this, other, by)
    before = public_addresses(this.fiche)
    done, entries = merging.merge(this, other, sides, merge_id=uuid4().hex, by=by, now=tx.now)
    done = done.model_copy(update={"moved": await belongings.move(tx, other.id, this.id)})
    if done.managers:
        await reminders.begin(tx, this.id)
    await _write(tx, this, other, done, entries, addresses=before, managers=done.managers)
    tx.publish(
        VenuesMerged(
            venue_id=this.id,
            merged_id=other.id,
            merge_id=done.id,
            revision=this.revision,
            merged_revision=other.revision,
            merged_at=tx.now,
        )
    )
    return done


async def undo(tx: Transaction, account: Account, venue_id: str, merge_id: str) -> Merge:
    """Make two venues again. Raises `MergeNotFound`, `AlreadyUnmerged`."""
    this = await get_venue(tx, venue_id)
    done = await get_merge(tx, this.id, merge_id)
    if done.undone_at:
        raise AlreadyUnmerged
    other = await get_own(tx, done.other)
    by = f"account:{account.id}"
    before, managers = public_addresses(this.fiche), set(this.managers)
    done = await _with_managers_left_to_others(tx, done)
    done, entries = merging.unmerge(this, other, done, by=by, now=tx.now)
    left = managers - set(this.managers)
    await belongings.move_back(tx, done.moved, other.id)
    if other.managers:
        await reminders.begin(tx, other.id)
    await _write(tx, this, other, done, entries, addresses=before, managers=sorted(left))
    await duplicates.note_unmerged(tx, this, other)
    tx.publish(
        VenuesUnmerged(
            venue_id=this.id,
            merged_id=other.id,
            merge_id=done.id,
            revision=this.revision,
            merged_revision=other.revision,
            unmerged_at=tx.now,
        )
    )
    return done


async def _with_managers_left_to_others(tx: Transaction, done: Merge) -> Merge:
    """The merge without the managers whom another one has brought too: from now on that one has."""
    leaving = done.managers
    for one in await Merges(tx).into(done.this):
        if one.id == done.id or one.undone_at:
            continue
        theirs = (await get_own(tx, one.other)).managers
        stay = [account for account in leaving if account in theirs]
        if stay:
            taken = [account for account in stay if account not in one.managers]
            await Merges(tx).put(one.model_copy(update={"managers": [*one.managers, *taken]}))
            leaving = [account for account in leaving if account not in stay]
    return done.model_copy(update={"managers": leaving})


async def list_merges(tx: Transaction, venue_id: str) -> list[Merge]:
    """What was merged into a venue, the newest first, also what is no longer."""
    return await Merges(tx).into((await get_venue(tx, venue_id)).id)


async def get_merge(tx: Transaction, venue_id: str, merge_id: str) -> Merge:
    """A merge into a venue; raises `MergeNotFound`."""
    done = await Merges(tx).get(merge_id)
    if done is None or done.this != venue_id:
        raise MergeNotFound(merge_id=merge_id)
    return done


async def merged_history(tx: Transaction, venue_id: str, merge_id: str) -> list[Revision]:
    """The history of the sheet that was merged, newest first."""
    done = await get_merge(tx, (await get_venue(tx, venue_id)).id, merge_id)
    return await history_of(tx, await get_own(tx, done.other))


async def base_for(
    tx: Transaction, venue_id: str, base: Fiche, fields: Mapping[str, FieldValue]
) -> Fiche:
    """What an author saw of some fields, as the venue says it that theirs was merged into."""
    while done := await Merges(tx).that_took(venue_id):
        base, venue_id = merging.rebased(base, fields, done), done.this
    return base


async def _both(tx: Transaction, venue_id: str, other_id: str) -> tuple[Venue, Venue]:
    this, other = await get_venue(tx, venue_id), await get_own(tx, other_id)
    if other.merged_into:
        raise AlreadyMerged(merged_into=(await get_venue(tx, other_id)).id)
    if this.id == other.id:
        raise MergedWithItself
    return this, other


async def _write(
    tx: Transaction,
    this: Venue,
    other: Venue,
    done: Merge,
    entries: list[Revision],
    *,
    addresses: list[str],
    managers: list[str],
) -> None:
    """Keep both venues and the merge; `managers` are those who came or went."""
    if managers:
        this.managers_revision += 1
        tell_managers(tx, this)
    await Venues(tx).save(this, other)
    await History(tx).add(entries)
    await Merges(tx).put(done)
    tell_addresses(tx, this, addresses)
    tell_update(tx, this, entries[0].changes)
