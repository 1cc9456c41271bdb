"""Places by the cells that they lie in: one block in the order of cells, and what came since.

Cells that are neighbours in a row follow each other, so that a circle is a slice for each row.
"""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from services.directory.search import geo
from services.directory.search.geo import Box, Cell, Floats
from services.directory.search.values import WIDTH, Masks

Block = NDArray[np.uint64]
"""Places in columns; ordinal, latitude, longitude, point of the sphere (3), mask in rows."""
PLACE = slice(1, 3)
POINT = slice(3, 6)
MASK = slice(6, None)
LOOSE = 5_000
"""Places out of order that are too few to sort all again for."""
SHARE = 4
"""The part of all places that may be out of order."""


def block(ordinals: NDArray[np.uint32], latitude: Floats, longitude: Floats, masks: Masks) -> Block:
    """A block of places; `masks` are `WIDTH` × n."""
    places = np.vstack((latitude, longitude, geo.on_sphere(latitude, longitude)))
    return np.vstack((ordinals.astype(np.uint64), places.view(np.uint64), masks))


class Grid:
    """All places of all sheets."""

    def __init__(self) -> None:
        # together in one: a thread may be looking
        self._sorted = (np.zeros(0, np.int64), np.zeros((6 + WIDTH, 0), np.uint64))
        self._loose: dict[Cell, Block] = {}
        self._count = 0

    def fill(self, places: Block) -> None:
        """Hold these places and no others."""
        latitude, longitude = places[PLACE].view(np.float64)
        cells = geo.cells_of(latitude, longitude)
        order = np.argsort(cells, kind="stable")
        self._sorted = (cells[order], np.ascontiguousarray(places[:, order]))
        self._loose, self._count = {}, 0

    def add(self, places: Block) -> None:
        """Hold these places too."""
        latitude, longitude = places[PLACE].view(np.float64)
        for at, cell in enumerate(geo.cells_of(latitude, longitude).tolist()):
            one, others = places[:, at : at + 1], self._loose.get(cell)
            self._loose[cell] = one if others is None else np.hstack((others, one))
        self._count += places.shape[1]
        if self._count > max(LOOSE, len(self._sorted[0]) // SHARE):
            kept = np.hstack([self._sorted[1], *self._loose.values()])
            self.fill(kept[:, ~np.isnan(kept[PLACE].view(np.float64)[0])])

    def forget(self, ordinal: int, cells: Iterable[Cell]) -> None:
        """Hold no place of a sheet in these cells."""
        known, places = self._sorted
        for cell in cells:
            first, last = np.searchsorted(known, (cell, cell + 1))
            at = first + np.flatnonzero(places[0, first:last] == ordinal)
            # what is nowhere is in no box and no circle
            places[1:6, at] = np.full((5, len(at)), np.nan).view(np.uint64)
            if cell in self._loose:
                others = self._loose[cell]
                self._loose[cell] = others[:, others[0] != ordinal]

    def near(self, box: Box) -> list[Block]:
        """All places that may be in a box, and some around it."""
        known, places = self._sorted
        firsts, lasts = geo.spans_in(box)
        slices = zip(
            np.searchsorted(known, firsts).tolist(),
            np.searchsorted(known, lasts).tolist(),
            strict=True,
        )
        found = [places[:, first:last] for first, last in slices if last > first]
        if self._loose:
            loose = self._loose
            found += [loose[cell] for cell in geo.cells_in(box, loose)]
        return found
