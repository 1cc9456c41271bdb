"""Sheets that may tell of one venue: found, listed, decided on by people."""

from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from itertools import islice

from services.directory.domain.candidates import (
    Duplicate,
    DuplicateNotFound,
    State,
    Verdict,
    found,
    pair_id,
)
from services.directory.domain.duplicates import REVIEW, Likeness, blocks, compare
from services.directory.domain.fiche import Fiche
from services.directory.domain.traits import traits
from services.directory.domain.venues import Venue
from services.directory.search.index import Index
from services.directory.search.query import Near, Query
from services.directory.store.blocks import Blocks
from services.directory.store.duplicates import Duplicates, Place, open_pairs
from services.directory.store.venues import Venues
from services.directory.use_cases import search
from services.directory.use_cases.venues import get_venue
from shared.auth import Account
from shared.database import Database, Transaction

BATCH = 500
"""Sheets or pairs of one transaction."""
MOST_NEIGHBOURS = 2_000
"""Sheets that one is compared with at once; a run compares the others."""
NOT_FAR = 300.0
"""Metres."""

MERGED = "Les deux fiches ont été fusionnées."
REPORTED = "Un signalement le disait, et l'équipe de modération lui donne raison."

Alike = tuple[str, str, Likeness]
"""Two venues, and how alike they are."""


@dataclass
class Found:
    """What a run over the whole directory did."""

    venues: int = 0
    compared: int = 0
    alike: int = 0
    """Pairs worth a look, those decided before included."""
    matches: int = 0
    """Of these, the pairs that are taken for one venue."""
    new: int = 0
    changed: int = 0
    """Pairs nobody has decided whose score moved."""
    closed: int = 0
    """Pairs nobody has decided that no longer look alike."""
    passed_by: int = 0
    """Blocks too large to say anything."""


async def find(database: Database, progress: Callable[[Found], None] = lambda _: None) -> Found:
    """Compare all sheets of the directory that share a block; decided pairs stay as they are."""
    run = Found()
    before = await open_pairs(database)
    with closing(Blocks()) as scratch:
        async for sheets in _sheets(database):
            scratch.add((one, blocks(one)) for one in map(traits, sheets))
            run.venues += len(sheets)
            progress(run)
        alike = _alike(scratch, run)
        while batch := list(islice(alike, BATCH)):
            scratch.note(pair_id(one, other) for one, other, _ in batch)
            new, changed = await database.run(partial(_keep, alike=batch))
            run.new += new
            run.changed += changed
            progress(run)
        run.passed_by = scratch.passed_by
        gone = [one for one in before if not scratch.noted(one)]
    for first in range(0, len(gone), BATCH):
        run.closed += await database.run(partial(_close, ids=gone[first : first + BATCH]))
    return run


async def _sheets(database: Database) -> AsyncIterator[list[Fiche]]:
    """The sheets of the directory in parts, without those that are one with another."""
    total = await database.run(lambda tx: Venues(tx).count())
    for first in range(0, total, BATCH):
        page = partial(_page, first=first)
        yield [one.fiche for one in await database.run(page) if one.merged_into is None]


async def _page(tx: Transaction, first: int) -> list[Venue]:
    return await Venues(tx).page(first, BATCH)


def _alike(scratch: Blocks, run: Found) -> Iterator[Alike]:
    for one, other in scratch.pairs():
        run.compared += 1
        likeness = compare(one, other)
        if likeness.score >= REVIEW:
            run.alike += 1
            run.matches += likeness.is_match
            yield one.id, other.id, likeness


async def _keep(tx: Transaction, alike: list[Alike]) -> tuple[int, int]:
    """Add new pairs, and note the new score of those that nobody has decided; how many each."""
    pairs = {pair_id(one, other): (one, other, likeness) for one, other, likeness in alike}
    known = await Duplicates(tx).get_many(list(pairs))
    compared = {id_: one.compared(pairs[id_][2], tx.now) for id_, one in known.items()}
    changed = [one for id_, one in compared.items() if one is not known[id_]]
    fresh = {id_: pair for id_, pair in pairs.items() if id_ not in known}
    ids = {venue_id for one, other, _ in fresh.values() for venue_id in (one, other)}
    venues = await Venues(tx).get_many(sorted(ids))
    new = [
        found(venues[one].fiche, venues[other].fiche, likeness, tx.now)
        for one, other, likeness in fresh.values()
        if not (venues[one].merged_into or venues[other].merged_into)
    ]
    await Duplicates(tx).add(new)
    await Duplicates(tx).put(*changed)
    return len(new), len(changed)


async def _close(tx: Transaction, ids: list[str]) -> int:
    known = (await Duplicates(tx).get_many(ids)).values()
    closed = [one.closed(tx.now) for one in known if one.state == "open"]
    await Duplicates(tx).put(*closed)
    return len(closed)


async def check(tx: Transaction, venue_id: str, index: Index | None = None) -> list[Duplicate]:
    """Compare one sheet now with those it is a pair with, and those of its commune and near it.

    The index knows its neighbours. Returns all its pairs, the most alike first.
    """
    venue = await get_venue(tx, venue_id)
    mine = traits(venue.fiche)
    pairs = await Duplicates(tx).of_venue(venue.id)
    near = await _neighbours(index, venue) if index else set[str]()
    near |= {_other(one, venue.id) for one in pairs}
    others = await Venues(tx).get_many(sorted(near))
    likenesses = {
        other.id: compare(mine, traits(other.fiche))
        for other in others.values()
        if other.id != venue.id and other.merged_into is None
    }
    alike = [(venue.id, id_, one) for id_, one in likenesses.items() if one.score >= REVIEW]
    await _keep(tx, alike)
    still = {pair_id(one, other) for one, other, _ in alike}
    await _close(tx, [one.id for one in pairs if one.id not in still])
    return sorted(await Duplicates(tx).of_venue(venue.id), key=lambda one: (-one.score, one.id))


async def _neighbours(index: Index, venue: Venue) -> set[str]:
    """The sheets of the same commune, of the same postcode, and those not far away."""
    one = traits(venue.fiche)
    queries = [
        Query(groups=((name, (code,)),))
        for name, code in (("commune", one.code_insee), ("code_postal", one.code_postal))
        if code
    ]
    if one.point:
        queries.append(Query(near=Near(*one.point, NOT_FAR), order="distance"))
    found: set[str] = set()
    for query in queries:
        found |= set(await search.ids(index, query, MOST_NEIGHBOURS))
    return found


def _other(pair: Duplicate, venue_id: str) -> str:
    return pair.right if pair.left == venue_id else pair.left


async def get_duplicate(tx: Transaction, duplicate_id: str) -> Duplicate:
    """A pair; raises `DuplicateNotFound`."""
    pair = await Duplicates(tx).get(duplicate_id)
    if pair is None:
        raise DuplicateNotFound(duplicate_id=duplicate_id)
    return pair


async def list_duplicates(
    tx: Transaction, state: State, departement: str | None, *, after: Place | None, limit: int
) -> list[Duplicate]:
    """At most `limit` pairs behind a place of the list, the most alike first."""
    return await Duplicates(tx).page(state, departement, after=after, limit=limit)


async def sheets_of(tx: Transaction, pairs: Iterable[Duplicate]) -> dict[str, Venue]:
    """The venues of pairs, by id."""
    ids = {venue_id for one in pairs for venue_id in (one.left, one.right)}
    return await Venues(tx).get_many(sorted(ids))


async def decide(
    tx: Transaction, account: Account, duplicate_id: str, verdict: Verdict, reason: str
) -> Duplicate:
    """Keep what a moderator decided of a pair; no run overwrites it, another decision may."""
    pair = await get_duplicate(tx, duplicate_id)
    decided = pair.decided(verdict, f"account:{account.id}", reason, tx.now)
    await Duplicates(tx).put(decided)
    return decided


async def note_merged(tx: Transaction, this: Venue, other: Venue, by: str) -> None:
    """Two venues are one: the pair is decided, and the other one's open pairs say nothing."""
    known = await Duplicates(tx).get(pair_id(this.id, other.id))
    likeness = compare(traits(this.fiche), traits(other.fiche))
    pair = known or found(this.fiche, other.fiche, likeness, tx.now)
    rest = [one for one in await Duplicates(tx).of_venue(other.id) if one.id != pair.id]
    merged = pair.decided("same", by, MERGED, tx.now)
    await Duplicates(tx).put(merged, *(one.closed(tx.now) for one in rest))


async def note_reported(tx: Transaction, one: Venue, other: Venue, by: str) -> None:
    """A moderator finds that a report is right, and two venues are one: to be merged by people."""
    known = await Duplicates(tx).get(pair_id(one.id, other.id))
    likeness = compare(traits(one.fiche), traits(other.fiche))
    # people may see what no comparison does, and the list begins at this score
    shown = Likeness(max(likeness.score, REVIEW), likeness.evidence)
    pair = known or found(one.fiche, other.fiche, shown, tx.now)
    await Duplicates(tx).put(pair.decided("same", by, REPORTED, tx.now))


async def note_unmerged(tx: Transaction, this: Venue, other: Venue) -> None:
    """They are two again: the pair is to be looked at, and the other one's pairs are compared."""
    pair = await get_duplicate(tx, pair_id(this.id, other.id))
    await Duplicates(tx).put(pair.opened(tx.now))
    await check(tx, other.id)
