"""The part of the index that is in memory: bitmaps of sheets by what they are found by.

A sheet is its ordinal, its place in the directory's list: the same for ever and in all replicas.
Once loaded, it is changed by one thread alone, the event loop's.
"""

from array import array
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray
from pyroaring import BitMap

from services.directory.search.entries import FIELDS, Keys, Words
from services.directory.search.geo import Cell, cell_of
from services.directory.search.values import BITS, WIDTH, bits_in

Ordinals = NDArray[np.uint32]
Group = tuple[str, str]
"""A name and a value: (`commune`, `26113`)."""
Hours = tuple[str, str]
"""Opening hours as a sheet has them, and the department whose clock they follow."""

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
        self.everything = BitMap()
        self.groups: defaultdict[Group, BitMap] = defaultdict(BitMap)
        self.values = [BitMap() for _ in BITS]
        """The sheets that say each value of a closed list, by its bit."""
        self.cells: dict[Cell, Ordinals] = {}
        self.postings: dict[str, Postings] = {}
        """Of words that somebody looked for; the file has them all."""
        self.hours: list[Hours] = [("", "")]
        """All that is known of opening hours, each once; a sheet has its number."""
        self._numbers: dict[Hours, int] = {("", ""): 0}
        # by ordinal
        self.masks = np.zeros((size, WIDTH), "<u8")
        self.latitude = np.full(size, np.nan)
        self.longitude = np.full(size, np.nan)
        self.day = np.zeros(size, np.int64)
        self.opening = np.zeros(size, np.int32)

    @classmethod
    def loaded(cls, rows: Iterable[Keys], last: int) -> "Memory":
        """A memory of all these sheets; `last`: the greatest ordinal."""
        memory = cls(last + 1_024)
        everything: array[int] = array("I")
        groups: defaultdict[Group, array[int]] = defaultdict(lambda: array("I"))
        cells: defaultdict[Cell, array[int]] = defaultdict(lambda: array("I"))
        for keys in rows:
            ordinal = keys.ordinal
            memory._write(keys)
            everything.append(ordinal)
            for group in _groups(keys):
                groups[group].append(ordinal)
            if (cell := _cell(keys)) != NO_CELL:
                cells[cell].append(ordinal)
        memory.everything = BitMap(everything)
        memory.groups.update({group: BitMap(found) for group, found in groups.items()})
        memory.cells = {cell: np.array(found, np.uint32) for cell, found in cells.items()}
        there = ordinals(memory.everything)
        for bit, _ in enumerate(memory.values):
            number, place = divmod(bit, 64)
            says = memory.masks[there, number] & np.uint64(1 << place) != 0
            memory.values[bit] = bitmap(there[says])
        return memory

    def replace(
        self,
        old: tuple[Keys, Words] | None,
        new: tuple[Keys, Words] | None,
    ) -> None:
        """Forget what a sheet was found by, and find it by what it says now."""
        if old:
            self._forget(*old)
        if new:
            self._add(*new)

    def _forget(self, keys: Keys, words: Words) -> None:
        ordinal = keys.ordinal
        self.everything.discard(ordinal)
        for group in _groups(keys):
            self.groups[group].discard(ordinal)
        for bit in bits_in(keys.mask):
            self.values[bit].discard(ordinal)
        if (cell := _cell(keys)) in self.cells:
            kept = self.cells[cell]
            self.cells[cell] = kept[kept != ordinal]
        for term in frozenset().union(*words):
            if known := self.postings.get(term):
                known.forget(ordinal)

    def _add(self, keys: Keys, words: Words) -> None:
        ordinal = keys.ordinal
        self._make_room(ordinal + 1)
        self._write(keys)
        self.everything.add(ordinal)
        for group in _groups(keys):
            self.groups[group].add(ordinal)
        for bit in bits_in(keys.mask):
            self.values[bit].add(ordinal)
        if (cell := _cell(keys)) != NO_CELL:
            kept = self.cells.get(cell, np.zeros(0, np.uint32))
            kept = kept[kept != ordinal]
            self.cells[cell] = np.append(kept, np.uint32(ordinal))
        for field, terms in enumerate(words):
            for term in terms:
                if known := self.postings.get(term):
                    known.add(field, ordinal)

    def _write(self, keys: Keys) -> None:
        ordinal = keys.ordinal
        self.masks[ordinal] = np.frombuffer(keys.mask, "<u8")
        self.latitude[ordinal] = keys.latitude
        self.longitude[ordinal] = keys.longitude
        self.day[ordinal] = keys.day
        self.opening[ordinal] = self._number(keys)

    def _number(self, keys: Keys) -> int:
        hours = (keys.hours, keys.department if keys.hours else "")
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
        self.opening = np.concatenate([self.opening, np.zeros(more, np.int32)])


def fields_of(rows: Iterable[tuple[int, str]]) -> Postings:
    """Postings from ordinals and the fields that a word is in."""
    found: Mapping[str, array[int]] = {name: array("I") for name in FIELDS}
    for ordinal, field in rows:
        found[field].append(ordinal)
    return Postings([BitMap(one) for one in found.values()])


def _groups(keys: Keys) -> Iterator[Group]:
    for name, value in (
        ("commune", keys.commune),
        ("code_postal", keys.postcode),
        ("departement", keys.department),
        *(("typologie", one) for one in keys.typologies),
    ):
        if value:
            yield name, value


def _cell(keys: Keys) -> Cell:
    if keys.latitude != keys.latitude:
        return NO_CELL
    return cell_of(keys.latitude, keys.longitude)
