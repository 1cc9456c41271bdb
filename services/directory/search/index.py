"""Searching: bitmaps say which sheets, arrays in which order, the file what they say."""

import datetime as dt
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from services.directory.search import geo, values
from services.directory.search.entries import FIELDS, days_of
from services.directory.search.file import Change, IndexFile
from services.directory.search.grid import MASK, PLACE, POINT
from services.directory.search.hours import is_open, local
from services.directory.search.memory import NOBODY, Memory, Ordinals, Postings, bitmap, ordinals
from services.directory.search.query import Cursor, Query

WEIGHTS = (12, 8, 6, 2)
"""What a word counts by the field it is in; half of it if it is written another way."""
MOST_POINTS = 2**16
LAST_DAY = 2**20
"""In the year 4840; whatever comes later is as fresh."""
FEW = 4_096
"""Sheets up to which their masks are counted one by one."""
MANY = 20_000
"""Sheets to go through from which a query is heavy."""
MOST_MEANINGS = 10_000
FREQUENT = 500
"""Sheets from which a word's postings are read at the start, not when somebody asks."""

Places = NDArray[np.int64]
"""Positions in the arrays of `Hits`."""


@dataclass(frozen=True)
class Hits:
    """The sheets that a query finds."""

    ordinals: Ordinals
    """Ascending."""
    found: BitMap
    """The same."""
    metres: NDArray[np.int64] | None = None
    """Their distances, if the query has a place."""
    points: NDArray[np.int64] | None = None
    """What their words count, if the query has words and asks for that order."""
    day: NDArray[np.int64] | None = None


class Circle(NamedTuple):
    """The sheets around a point, ascending, and their distances in metres."""

    ordinals: Ordinals
    metres: geo.Floats


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
        self._meanings: dict[str, list[str]] = {}
        for term in self.file.frequent(max(FREQUENT, len(self) // 100)):
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
        # there may be new words
        self._meanings.clear()

    def postings(self, term: str) -> Postings:
        """The sheets that a word is in."""
        known = self.memory.postings.get(term)
        if known is None:
            changes = self.memory.changes
            known = self.memory.postings[term] = self.file.postings(term)
            # kept, then looked at: a thread may have read what has changed since
            if changes != self.memory.changes:
                self.memory.postings.pop(term, None)
        return known

    def _meant(self, word: str) -> list[str]:
        """The words of the sheets that somebody who writes this may mean, itself first."""
        known = self._meanings.get(word)
        if known is None:
            changes = self.memory.changes
            known = self._meanings[word] = self.file.known(word)
            if changes != self.memory.changes or len(self._meanings) > MOST_MEANINGS:
                self._meanings.clear()
        return known

    def is_heavy(self, query: Query) -> bool:
        """Whether answering takes so long that others should not wait for it."""
        if len(self) <= MANY:
            return False
        box = query.area
        if box is None:
            return True
        return sum(int(block.shape[1]) for block in self.memory.grid.near(box)) > MANY

    def match(self, query: Query) -> Hits:
        """The sheets that meet a query, opening hours apart (see `keep_open`)."""
        circle: Circle | None = None
        if query.area:
            there, circle = self._in_area(query)
            found = bitmap(there)
        else:
            found = self._with_values(query)
        for name, wanted in query.groups:
            found &= self._group(name, wanted)
        words = [[self.postings(term) for term in self._meant(one)] for one in query.words]
        for terms in words:
            found &= _union([found & postings.any for postings in terms])
        there = ordinals(found)
        metres, points, day = None, None, None
        if query.near and not circle:
            metres = np.zeros(0, np.int64)
        elif circle:
            exact = circle.metres[np.searchsorted(circle.ordinals, there)]
            metres = np.rint(exact).astype(np.int64)
        if query.order == "relevance":
            points = _points(words, found, there)
        if query.order == "freshness":
            day = self.memory.day[there]
        return Hits(there, found, metres, points, day)

    def keep_open(self, hits: Hits, at: dt.datetime) -> Hits:
        """Those of the hits that are surely open at a moment; may take long the first time."""
        memory = self.memory
        numbers, inverse = np.unique(memory.opening[hits.ordinals], return_inverse=True)
        known = [memory.hours[number] for number in numbers]
        is_open_then = np.array([bool(one[0]) and is_open(*one, at) for one in known], bool)
        kept = is_open_then[inverse] if known else np.zeros(0, bool)
        closed = BitMap(one for one in [*memory.closures] if self._is_closed(one, at))
        if closed:
            kept &= ~np.isin(hits.ordinals, ordinals(closed))
        return _only(hits, kept)

    def _is_closed(self, ordinal: int, at: dt.datetime) -> bool:
        """Whether a notice says so, of the day that it is there."""
        _, zone = self.memory.hours[self.memory.opening[ordinal]]
        if not zone:  # without hours it is not open anyway
            return True
        day = days_of(local(at, zone).date())
        spans = self.memory.closures.get(ordinal, ())
        return any(first <= day <= last for first, last in spans)

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

    def count(self, hits: Hits) -> list[int]:
        """How many of the hits say each value of the closed lists, by its bit."""
        if len(hits.ordinals) <= FEW:
            return values.counts(self.memory.masks[hits.ordinals])
        return [hits.found.intersection_cardinality(one) for one in self.memory.values]

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

    def ids(self, hits: Hits, places: Places) -> list[str]:
        """The ids of these hits."""
        wanted = hits.ordinals[places].tolist()
        ids = self.file.ids(wanted)
        return [ids[ordinal] for ordinal in wanted if ordinal in ids]

    def _with_values(self, query: Query) -> BitMap:
        found = self.memory.everything.copy()
        for name, wanted in query.values:
            bits = [values.BITS[name, choice] for choice in wanted]
            found &= _union([self.memory.values[bit] for bit in bits])
        return found

    def _in_area(self, query: Query) -> tuple[Ordinals, Circle | None]:
        """Those with the values asked for in the circle and in the box, ascending."""
        near = self.memory.grid.near(query.area) if query.area else []
        if not near:
            return np.zeros(0, np.uint32), None
        block = np.concatenate(near, axis=1) if len(near) > 1 else near[0]
        tests = [values.shares(block[MASK], values.any_of(*one)) for one in query.values]
        if query.box:
            latitude, longitude = block[PLACE].view(np.float64)
            tests.append(geo.inside(query.box, latitude, longitude))
        if tests:
            block = block[:, np.logical_and.reduce(tests) if len(tests) > 1 else tests[0]]
        there = block[0].astype(np.uint32)
        if not query.near:
            return np.sort(there), None
        near_ = query.near
        chords = geo.squared_chords(near_.latitude, near_.longitude, block[POINT].view(np.float64))
        inside = chords <= geo.squared_chord(near_.radius)
        there, chords = there[inside], chords[inside]
        order = np.argsort(there)
        if self.memory.stops:
            # of the places of a venue that moves, the nearest counts
            order = np.lexsort((chords, there))
            order = order[np.unique(there[order], return_index=True)[1]]
        there = there[order]
        return there, Circle(there, geo.metres(chords[order]))

    def _group(self, name: str, wanted: Sequence[str]) -> BitMap:
        groups = self.memory.groups
        return _union([groups[name, one] for one in wanted if (name, one) in groups])


def _union(bitmaps: Sequence[BitMap]) -> BitMap:
    if not bitmaps:
        return NOBODY
    return bitmaps[0] if len(bitmaps) == 1 else BitMap.union(*bitmaps)


def _points(words: list[list[Postings]], found: BitMap, there: Ordinals) -> NDArray[np.int64]:
    """What the words of each sheet count: each word once, where it counts most."""
    total = np.zeros(len(there), np.int64)
    for first, *others in words:
        points = np.zeros(len(there), np.int64)
        for field in reversed(range(len(FIELDS))):
            meant = _union([found & one.fields[field] for one in others])
            _raise(points, there, meant, WEIGHTS[field] // 2)
            _raise(points, there, found & first.fields[field], WEIGHTS[field])
        total += points
    return total


def _raise(points: NDArray[np.int64], there: Ordinals, have: BitMap, worth: int) -> None:
    if have:
        at = np.searchsorted(there, ordinals(have))
        points[at] = np.maximum(points[at], worth)


def _sort_keys(query: Query, hits: Hits) -> NDArray[np.int64]:
    """Lower is better; of the sheet and the query alone, so that pages stay true."""
    if query.order == "distance" and hits.metres is not None:
        return hits.metres
    if query.order == "relevance" and hits.points is not None:
        return MOST_POINTS - hits.points
    if hits.day is None:
        raise ValueError(query.order)
    return LAST_DAY - np.minimum(hits.day, LAST_DAY)


def _only(hits: Hits, kept: NDArray[np.bool_]) -> Hits:
    there = hits.ordinals[kept]
    parts = (hits.metres, hits.points, hits.day)
    return Hits(there, bitmap(there), *(None if one is None else one[kept] for one in parts))
