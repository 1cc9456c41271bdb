"""Searching: bitmaps say which sheets, arrays in which order, the file what they say."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from services.directory.search import geo, values
from services.directory.search.entries import FIELDS
from services.directory.search.file import Change, IndexFile
from services.directory.search.hours import is_open
from services.directory.search.memory import NOBODY, Memory, Ordinals, Postings, bitmap, ordinals
from services.directory.search.query import Cursor, Query

WEIGHTS = (12, 8, 6, 2)
"""What a word counts by the field it is in; half of it if it is written another way."""
MOST_POINTS = 2**16
LAST_DAY = 2**20
FEW = 4_096
"""Sheets up to which their masks are counted one by one."""
FREQUENT = 500
"""Sheets from which a word's postings are read at the start, not when somebody asks."""

Places = NDArray[np.int64]
"""Positions in the arrays of `Hits`."""


@dataclass(frozen=True)
class Hits:
    """The sheets that a query finds."""

    ordinals: Ordinals
    """Ascending."""
    metres: NDArray[np.int64] | None = None
    """Their distances, if the query has a place."""
    points: NDArray[np.int64] | None = None
    """What their words count, if the query has words and asks for that order."""
    day: NDArray[np.int64] | None = None


@dataclass(frozen=True)
class Ranked:
    """Some of the hits in order: their places in `Hits`, and where the next page begins."""

    places: Places
    next: Cursor | None


class Index:
    """One file and its memory."""

    def __init__(self, path: Path) -> None:
        """Open a file; reads all keys, so not for the event loop. Raises `UnknownFormat`."""
        self.file = IndexFile(path)
        self.memory = Memory.loaded(self.file.keys(), self.file.last())
        for term in self.file.frequent(FREQUENT):
            self.postings(term)

    def close(self) -> None:
        """Let go of the file."""
        self.file.close()

    def __len__(self) -> int:
        return len(self.memory.everything)

    def apply(self, changes: Iterable[Change]) -> None:
        """Find sheets by what the file says of them now."""
        for change in changes:
            self.memory.replace(change.old, change.new)

    def postings(self, term: str) -> Postings:
        """The sheets that a word is in."""
        known = self.memory.postings.get(term)
        if known is None:
            known = self.memory.postings[term] = self.file.postings(term)
        return known

    def match(self, query: Query) -> Hits:
        """The sheets that meet a query, opening hours apart (see `keep_open`)."""
        box = query.box
        if query.near:
            near = query.near
            box = geo.around(near.latitude, near.longitude, near.radius)
        found = self._in_cells(query, box) if box else self._with_values(query)
        for name, wanted in query.groups:
            found &= self._group(name, wanted)
        words = [[self.postings(term) for term in self.file.known(one)] for one in query.words]
        for terms in words:
            found &= _union([found & postings.any for postings in terms])
        return self._placed(query, words, ordinals(found))

    def keep_open(self, hits: Hits, at: dt.datetime) -> Hits:
        """Those of the hits that are open at a moment; may take long the first time."""
        numbers, inverse = np.unique(self.memory.opening[hits.ordinals], return_inverse=True)
        known = self.memory.hours
        kept = np.array([bool(known[one][0]) and is_open(*known[one], at) for one in numbers], bool)
        return _only(hits, kept[inverse] if len(numbers) else np.zeros(0, bool))

    def rank(self, query: Query, hits: Hits, after: Cursor | None, limit: int | None) -> Ranked:
        """The best hits after a cursor; `limit` None: all."""
        sort = _sort_keys(query, hits)
        keys = (sort << 32) | hits.ordinals.astype(np.int64)
        places = np.arange(len(keys))
        if after:
            places = places[keys > (after.sort << 32 | after.ordinal)]
            keys = keys[places]
        more = limit is not None and len(keys) > limit
        if limit is not None and more:
            best = np.argpartition(keys, limit)[:limit]
            places, keys = places[best], keys[best]
        order = np.argsort(keys)
        places = places[order]
        last = int(keys[order[-1]]) if more else 0
        return Ranked(places, Cursor(last >> 32, last & 0xFFFFFFFF) if more else None)

    def count(self, hits: Ordinals) -> list[int]:
        """How many of these sheets say each value of the closed lists, by its bit."""
        if len(hits) <= FEW:
            return values.counts(self.memory.masks[hits])
        found = bitmap(hits)
        return [found.intersection_cardinality(one) for one in self.memory.values]

    def shown(self, hits: Hits, places: Places) -> list[bytes]:
        """These hits as JSON objects, with their distance."""
        wanted = hits.ordinals[places].tolist()
        sheets = self.file.sheets(wanted)
        metres = ["null"] * len(wanted) if hits.metres is None else hits.metres[places].tolist()
        return [
            b'%b,"distance":%b}' % (sheets[ordinal], str(distance).encode())
            for ordinal, distance in zip(wanted, metres, strict=True)
            if ordinal in sheets
        ]

    def _with_values(self, query: Query) -> BitMap:
        found = self.memory.everything.copy()
        for name, wanted in query.values:
            bits = [values.BITS[name, choice] for choice in wanted]
            found &= _union([self.memory.values[bit] for bit in bits])
        return found

    def _in_cells(self, query: Query, box: geo.Box) -> BitMap:
        cells = self.memory.cells
        near = [cells[cell] for cell in geo.cells_in(box, cells)]
        if not near:
            return BitMap()
        found = np.concatenate(near)
        for name, wanted in query.values:
            mask = values.any_of(name, wanted)
            found = found[(self.memory.masks[found] & mask).any(axis=1)]
        return bitmap(found)

    def _group(self, name: str, wanted: Sequence[str]) -> BitMap:
        groups = self.memory.groups
        return _union([groups[name, one] for one in wanted if (name, one) in groups])

    def _placed(self, query: Query, words: list[list[Postings]], found: Ordinals) -> Hits:
        """What is left inside of the box and the circle, with what its order needs."""
        memory = self.memory
        metres = None
        if query.box and len(found):
            inside = geo.inside(query.box, memory.latitude[found], memory.longitude[found])
            found = found[inside]
        if query.near:
            near = query.near
            exact = geo.metres(
                near.latitude, near.longitude, memory.latitude[found], memory.longitude[found]
            )
            inside = exact <= near.radius
            found, metres = found[inside], np.rint(exact[inside]).astype(np.int64)
        points = _points(words, found) if query.order == "relevance" else None
        day = memory.day[found] if query.order == "freshness" else None
        return Hits(found, metres, points, day)


def _union(bitmaps: Sequence[BitMap]) -> BitMap:
    if not bitmaps:
        return NOBODY
    return bitmaps[0] if len(bitmaps) == 1 else BitMap.union(*bitmaps)


def _points(words: list[list[Postings]], found: Ordinals) -> NDArray[np.int64]:
    """What the words of each sheet count: each word once, where it counts most."""
    total = np.zeros(len(found), np.int64)
    here = bitmap(found)
    for first, *others in words:
        points = np.zeros(len(found), np.int64)
        for field in reversed(range(len(FIELDS))):
            meant = _union([here & one.fields[field] for one in others])
            _raise(points, found, meant, WEIGHTS[field] // 2)
            _raise(points, found, here & first.fields[field], WEIGHTS[field])
        total += points
    return total


def _raise(points: NDArray[np.int64], found: Ordinals, have: BitMap, worth: int) -> None:
    if have:
        at = np.searchsorted(found, ordinals(have))
        points[at] = np.maximum(points[at], worth)


def _sort_keys(query: Query, hits: Hits) -> NDArray[np.int64]:
    """Lower is better; of the sheet and the query alone, so that pages stay true."""
    if query.order == "distance" and hits.metres is not None:
        return hits.metres
    if query.order == "relevance" and hits.points is not None:
        return MOST_POINTS - hits.points
    if hits.day is None:
        raise ValueError(query.order)
    return LAST_DAY - hits.day


def _only(hits: Hits, kept: NDArray[np.bool_]) -> Hits:
    return Hits(
        hits.ordinals[kept],
        *(
            part[kept] if part is not None else None
            for part in (hits.metres, hits.points, hits.day)
        ),
    )
