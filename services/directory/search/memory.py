"""The part of the index that is in memory: bitmaps of sheets by what they are found by.

A sheet is its ordinal, its place in the directory's list: the same for ever and in all replicas.
Once loaded, it is changed by one thread alone, the event loop's.
"""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from services.directory.domain.fiche import SEPARATOR
from services.directory.domain.territories import zone_of
from services.directory.search.entries import Keys, Words, stops_in
from services.directory.search.geo import Cell, Floats, cell_of, cells_of
from services.directory.search.grid import Block, Grid, block
from services.directory.search.values import BITS, WIDTH, bits_in

Ordinals = NDArray[np.uint32]
Group = tuple[str, str]
"""A name and a value: (`commune`, `26113`)."""
Hours = tuple[str, str]
"""Opening hours as a sheet has them, and the time zone that they are kept in."""

NOBODY = BitMap()
NO_CELL = -1


def bitmap(ordinals: Ordinals) -> BitMap:
    """A bitmap of an array; the way through `array` is ten times the quicker one."""
    return BitMap(array("I", ordinals.tobytes()))


def ordinals(bitmap: BitMap) -> Ordinals:
    """The sheets of a bitmap, in order."""
    return np.frombuffer(bitmap.to_array(), np.uint32)


class Postings:
    """The sheets that a word is in: by field, and in any of them."""

    def __init__(self, fields: Sequence[BitMap]) -> None:
        self.fields = tuple(fields)
        self.any = BitMap.union(*fields)

    def forget(self, ordinal: int) -> None:
        """The word is not in this sheet."""
        for one in (*self.fields, self.any):
            one.discard(ordinal)

    def add(self, field: int, ordinal: int) -> None:
        """The word is in this field of a sheet."""
        self.fields[field].add(ordinal)
        self.any.add(ordinal)


class Memory:
    """Everything that a query asks but the text of the sheets."""

    def __init__(self, size: int = 1_024) -> None:
        self.changes = 0
        """How often it was changed."""
        self.everything = BitMap()
        self.groups: defaultdict[Group, BitMap] = defaultdict(BitMap)
        self.values = [BitMap() for _ in BITS]
        """The sheets that say each value of a closed list, by its bit."""
        self.grid = Grid()
        """Of each place of a sheet: its own, and the stops of an itinerant venue."""
        self.stops: dict[int, tuple[Floats, Floats]] = {}
        """Latitudes and longitudes of the stops of those that have any, by ordinal."""
        self.postings: dict[str, Postings] = {}
        """Of words that somebody looked for; the file has them all."""
        self.hours: list[Hours] = [("", "")]
        """All that is known of opening hours, each once; a sheet has its number."""
        self.closures: dict[int, list[tuple[int, int]]] = {}
        """Of the few sheets that have any: first and last days since 1970."""
        self._numbers: dict[Hours, int] = {("", ""): 0}
        # by ordinal
        self.masks = np.zeros((size, WIDTH), "<u8")
        self.latitude = np.full(size, np.nan)
        self.longitude = np.full(size, np.nan)
        self.day = np.zeros(size, np.int64)
        self.score = np.zeros(size, np.uint8)
        self.opening = np.zeros(size, np.int32)

    @classmethod
    def loaded(cls, chunks: Iterable[list[Keys]], last: int) -> "Memory":
        """A memory of all these sheets, in their order; `last`: the greatest ordinal."""
        memory = cls(last + 1_024)
        everything: array[int] = array("I")
        groups: defaultdict[Group, array[int]] = defaultdict(lambda: array("I"))
        moving: list[Keys] = []
        for chunk in chunks:
            some = array("I", [keys.ordinal for keys in chunk])
            everything += some
            memory._write_all(np.frombuffer(some, np.uint32), chunk)
            for keys in chunk:
                for group in _groups(keys):
                    groups[group].append(keys.ordinal)
                if keys.closures:
                    memory.closures[keys.ordinal] = _closures(keys)
            moving += [keys for keys in chunk if keys.stops]
        memory.everything = BitMap(everything)
        memory.groups.update({group: BitMap(found) for group, found in groups.items()})
        there = ordinals(memory.everything)
        for bit, _ in enumerate(memory.values):
            number, place = divmod(bit, 64)
            says = memory.masks[there, number] & np.uint64(1 << place) != 0
            memory.values[bit] = bitmap(there[says])
        memory.grid.fill(
            np.hstack([memory._block(there), *(memory._stops(keys) for keys in moving)])
        )
        return memory

    def _write_all(self, there: Ordinals, chunk: list[Keys]) -> None:
        columns = dict(zip(Keys._fields, zip(*chunk, strict=True), strict=True))
        self.masks[there] = np.frombuffer(b"".join(columns["mask"]), "<u8").reshape(-1, WIDTH)
        self.latitude[there] = np.array(columns["latitude"], np.float64)
        self.longitude[there] = np.array(columns["longitude"], np.float64)
        self.day[there] = columns["day"]
        self.score[there] = columns["score"]
        self.opening[there] = [self._number(keys) for keys in chunk]

    def _block(self, there: Ordinals) -> Block:
        """Those of these sheets that have a place."""
        there = there[~np.isnan(self.latitude[there])]
        return block(there, self.latitude[there], self.longitude[there], self.masks[there].T)

    def _stops(self, keys: Keys) -> Block:
        """Where a sheet stops too."""
        placed = [one for one in stops_in(keys) if one.latitude is not None]
        latitudes = np.array([one.latitude for one in placed], np.float64)
        longitudes = np.array([one.longitude for one in placed], np.float64)
        if placed:
            self.stops[keys.ordinal] = (latitudes, longitudes)
        there = np.full(len(placed), keys.ordinal, np.uint32)
        return block(there, latitudes, longitudes, self.masks[there].T)

    def replace(
        self,
        old: tuple[Keys, Words] | None,
        new: tuple[Keys, Words] | None,
    ) -> None:
        """Forget what a sheet was found by, and find it by what it says now."""
        self.changes += 1
        if old:
            self._forget(*old)
        if new:
            self._add(*new)

    def _forget(self, keys: Keys, words: Words) -> None:
        ordinal = keys.ordinal
        self.everything.discard(ordinal)
        self.closures.pop(ordinal, None)
        for group in _groups(keys):
            self.groups[group].discard(ordinal)
        for bit in bits_in(keys.mask):
            self.values[bit].discard(ordinal)
        stops = self.stops.pop(ordinal, None)
        cells = {_cell(keys), *(cells_of(*stops).tolist() if stops else ())}
        self.grid.forget(ordinal, cells - {NO_CELL})
        for term in frozenset().union(*words):
            if known := self.postings.get(term):
                known.forget(ordinal)

    def _add(self, keys: Keys, words: Words) -> None:
        ordinal = keys.ordinal
        self._make_room(ordinal + 1)
        self._write(keys)
        self.everything.add(ordinal)
        if keys.closures:
            self.closures[ordinal] = _closures(keys)
        for group in _groups(keys):
            self.groups[group].add(ordinal)
        for bit in bits_in(keys.mask):
            self.values[bit].add(ordinal)
        self.grid.add(self._block(np.array([ordinal], np.uint32)))
        self.grid.add(self._stops(keys))
        for field, terms in enumerate(words):
            for term in terms:
                if known := self.postings.get(term):
                    known.add(field, ordinal)

    def _write(self, keys: Keys) -> None:
        ordinal = keys.ordinal
        self.masks[ordinal] = np.frombuffer(keys.mask, "<u8")
        self.latitude[ordinal] = np.nan if keys.latitude is None else keys.latitude
        self.longitude[ordinal] = np.nan if keys.longitude is None else keys.longitude
        self.day[ordinal] = keys.day
        self.score[ordinal] = keys.score
        self.opening[ordinal] = self._number(keys)

    def _number(self, keys: Keys) -> int:
        hours = (keys.hours, zone_of(keys.department) if keys.hours else "")
        number = self._numbers.setdefault(hours, len(self.hours))
        if number == len(self.hours):
            self.hours.append(hours)
        return number

    def _make_room(self, size: int) -> None:
        more = max(size, 2 * len(self.day)) - len(self.day)
        if size <= len(self.day):
            return
        # new arrays: a thread may be reading the old ones
        self.masks = np.concatenate([self.masks, np.zeros((more, WIDTH), "<u8")])
        self.latitude = np.concatenate([self.latitude, np.full(more, np.nan)])
        self.longitude = np.concatenate([self.longitude, np.full(more, np.nan)])
        self.day = np.concatenate([self.day, np.zeros(more, np.int64)])
        self.score = np.concatenate([self.score, np.zeros(more, np.uint8)])
        self.opening = np.concatenate([self.opening, np.zeros(more, np.int32)])


def _groups(keys: Keys) -> Iterator[Group]:
    for name, value in (
        ("commune", keys.commune),
        ("code_postal", keys.postcode),
        ("departement", keys.department),
        *(("typologie", one) for one in keys.typologies.split(SEPARATOR)),
    ):
        if value:
            yield name, value
    # a bitmap holds each once: a sheet may stop in its own commune
    for stop in stops_in(keys):
        if stop.commune:
            yield "commune", stop.commune
        yield "code_postal", stop.postcode
        if stop.department:
            yield "departement", stop.department


def _closures(keys: Keys) -> list[tuple[int, int]]:
    days = [int(day) for day in keys.closures.split()]
    return list(zip(days[::2], days[1::2], strict=True))


def _cell(keys: Keys) -> Cell:
    if keys.latitude is None or keys.longitude is None:
        return NO_CELL
    return cell_of(keys.latitude, keys.longitude)
