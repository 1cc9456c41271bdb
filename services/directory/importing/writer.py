"""Writes what a source says: new venues, new revisions of known ones, what it no longer has."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from services.directory.domain.fiche import Fiche, public_addresses
from services.directory.domain.sources import Kept, TakeOver, take_over
from services.directory.domain.venues import Acceptance, Revision, SourceSheet, Venue
from services.directory.importing.seen import SeenIds
from services.directory.store.venues import History, Sources, Venues
from services.directory.use_cases.venues import addresses_changed, tell_addresses, tell_update
from shared.database import Database, Transaction
from shared.events.directory import VenuesImported, VenuesLeftSource

BATCH = 500
"""Sheets of one transaction."""


@dataclass(frozen=True)
class Import:
    """One run of one source."""

    id: str
    source: str
    database: Database
    dry_run: bool = False

    @property
    def by(self) -> str:
        """What the history calls it."""
        return f"import:{self.source}"


@dataclass(frozen=True)
class Written:
    """What became of one sheet; `kept` says where the venue's own value stays, and why."""

    outcome: Literal["created", "updated", "unchanged"]
    kept: Mapping[str, Kept] = field(default_factory=dict)
    emptied: tuple[str, ...] = ()
    """Parts of an address that moved, of which the source has no new one."""


async def write(run: Import, sheets: Mapping[str, Fiche]) -> dict[str, Written]:
    """Take over a source's sheets, by their ids there; at most `BATCH`."""
    written: dict[str, Written] = {}
    waiting = sheets
    while waiting:
        written |= await run.database.run(partial(_write, run=run, sheets=waiting))
        # two of them may be of one venue by now: each has a revision of its own
        waiting = {id_: sheet for id_, sheet in waiting.items() if id_ not in written}
    return written


async def _write(tx: Transaction, run: Import, sheets: Mapping[str, Fiche]) -> dict[str, Written]:
    known = await _known(Venues(tx), list(sheets))
    batch = _Batch(tx, run)
    for id_, venue in known.items():
        batch.take_over(venue, id_, sheets[id_])
    fresh = {id_: sheet for id_, sheet in sheets.items() if id_ not in known}
    if not run.dry_run:
        await _add(tx, run, fresh)
        await batch.save()
        _tell_import(tx, run, [*fresh, *(venue.id for venue in batch.revised)])
    return batch.written | dict.fromkeys(fresh, Written("created"))


async def _add(tx: Transaction, run: Import, sheets: Mapping[str, Fiche]) -> None:
    """Add new venues."""
    if not sheets:
        return
    # apart: two batches under way would write the same counter
    ordinals = await run.database.run(lambda one: Venues(one).take_ordinals(len(sheets)))
    added = [
        _new_venue(tx, run, id_, sheet, ordinal)
        for (id_, sheet), ordinal in zip(sheets.items(), ordinals, strict=True)
    ]
    await Venues(tx).add(added)
    tx.publish_many([event for venue in added if (event := addresses_changed(venue, []))])


async def _known(venues: Venues, ids: list[str]) -> dict[str, Venue]:
    """The venues that a source's ids stand for, followed to those that they were merged into."""
    known = await venues.get_many(ids)
    while merged := {one.merged_into for one in known.values() if one.merged_into}:
        into = await venues.get_many(sorted(merged))
        known = {id_: into.get(one.merged_into or "", one) for id_, one in known.items()}
    return known


class _Batch:
    """The known venues of one transaction, each changed once at most."""

    def __init__(self, tx: Transaction, run: Import) -> None:
        self._tx = tx
        self._run = run
        self.written: dict[str, Written] = {}
        self.revised: list[Venue] = []
        self._noted: list[Venue] = []
        self._history: list[Revision] = []
        self._tell: list[Callable[[], None]] = []
        self._seen: set[str] = set()

    def take_over(self, venue: Venue, id_: str, sheet: Fiche) -> None:
        """Change a venue to what its source says now; leaves what must wait for another turn."""
        if venue.id in self._seen:
            return
        self._seen.add(venue.id)
        source = venue.source(self._run.source, id_)
        said = source.fiche if source else {}
        back = source is not None and source.absent_since is not None
        if source and said == sheet and not back:
            self.written[id_] = Written("unchanged")
            return
        result = take_over(venue, said, sheet, self._tx.now)
        venue.set_source(SourceSheet(name=self._run.source, id=id_, fiche=result.said))
        outcome: Literal["updated", "unchanged"] = "unchanged"
        if result.applied or back:
            outcome = "updated"
            self._revise(venue, result, back=back)
        elif not source or result.said != said:
            self._noted.append(venue)
        emptied = tuple(name for name, (_, new) in result.applied.items() if new is None)
        self.written[id_] = Written(outcome, result.kept, emptied)

    def _revise(self, venue: Venue, result: TakeOver, *, back: bool) -> None:
        before = public_addresses(venue.fiche)
        entry = venue.revise(
            result.applied,
            by=self._run.by,
            accepted=Acceptance(how="import", at=self._tx.now),
            now=self._tx.now,
            note="back_in_source" if back else None,
        )
        self.revised.append(venue)
        self._history.append(entry)
        self._tell.append(partial(tell_addresses, self._tx, venue, before))
        self._tell.append(partial(tell_update, self._tx, venue, entry.changes))

    async def save(self) -> None:
        """Write what changed, and publish it."""
        await Venues(self._tx).save(*self.revised)
        await Venues(self._tx).save_sources(*self._noted)
        await History(self._tx).add(self._history)
        for tell in self._tell:
            tell()


def _new_venue(tx: Transaction, run: Import, id_: str, sheet: Fiche, ordinal: int) -> Venue:
    # not validated once more: the reader has looked at every value
    source = SourceSheet.model_construct(name=run.source, id=id_, fiche=dict(sheet))
    return Venue.model_construct(
        id=id_,
        revision=1,
        ordinal=ordinal,
        fiche=dict(sheet),
        sources=[source],
        created_by=run.by,
        created_at=tx.now,
        updated_at=tx.now,
    )


def _tell_import(tx: Transaction, run: Import, ids: list[str]) -> None:
    if ids:
        tx.publish(
            VenuesImported(source=run.source, import_id=run.id, venue_ids=ids, imported_at=tx.now)
        )


async def is_known(run: Import) -> bool:
    """Whether the source was imported before, to its end or not; from now on it was."""
    return await run.database.run(partial(_is_known, run=run))


async def mark_absent(run: Import, seen: SeenIds) -> int:
    """Mark the venues that a source had and its file, of these ids, has not; returns how many."""
    marked = 0
    last = await run.database.run(lambda tx: Venues(tx).count())
    for first in range(0, last, BATCH):
        here = await run.database.run(partial(_present, run=run, first=first))
        there = seen.contains_many(here)
        gone = {id_: venue_id for id_, venue_id in here.items() if id_ not in there}
        if gone and not run.dry_run:
            await run.database.run(partial(_mark_absent, run=run, gone=gone))
        marked += len(gone)
    return marked


async def _is_known(tx: Transaction, run: Import) -> bool:
    sources = Sources(tx)
    if await sources.get(run.source):
        return True
    if not run.dry_run:
        await sources.add(run.source, run.id, tx.now)
    return False


async def _present(tx: Transaction, run: Import, first: int) -> dict[str, str]:
    """Some venues that the source had when it was last imported, by their ids there."""
    return {
        source["id"]: venue_id
        for venue_id, sources in await Venues(tx).sources_page(first, BATCH)
        for source in sources
        if source["name"] == run.source and not source.get("absent_since")
    }


async def _mark_absent(tx: Transaction, run: Import, gone: Mapping[str, str]) -> None:
    """Note it in each venue, as one more revision; `gone` has venues by their ids there."""
    venues = Venues(tx)
    known = await venues.get_many(sorted(set(gone.values())))
    history: list[Revision] = []
    for id_, venue_id in gone.items():
        venue = known[venue_id]
        source = venue.source(run.source, id_)
        if source is None or source.absent_since:
            continue
        venue.set_source(source.model_copy(update={"absent_since": tx.now}))
        if venue.id in {entry.venue_id for entry in history}:
            continue
        accepted = Acceptance(how="import", at=tx.now)
        history.append(
            venue.revise({}, by=run.by, accepted=accepted, now=tx.now, note="absent_from_source")
        )
    ids = [entry.venue_id for entry in history]
    await venues.save(*(known[id_] for id_ in ids))
    await History(tx).add(history)
    if ids:
        tx.publish(
            VenuesLeftSource(source=run.source, import_id=run.id, venue_ids=ids, left_at=tx.now)
        )
