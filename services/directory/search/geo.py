"""Places: cells of a tenth of a degree to look in, and distances on the sphere."""

import math
from collections.abc import Collection

import numpy as np
from numpy.typing import NDArray

EARTH = 6_371_008.8
"""Mean radius in metres (IUGG)."""
POLE, DATE_LINE = 90.0, 180.0
PER_DEGREE = 10
_AROUND = 360 * PER_DEGREE
_METRES_PER_DEGREE = EARTH * math.pi / 180
_MARGIN = 1.0 + 1e-9

Cell = int
Box = tuple[float, float, float, float]
"""West, south, east, north, in degrees; west is greater than east across the date line."""
Floats = NDArray[np.float64]


def cell_of(latitude: float, longitude: float) -> Cell:
    """The cell of a place."""
    return _cell(math.floor(latitude * PER_DEGREE), math.floor(longitude * PER_DEGREE))


def cells_of(latitude: Floats, longitude: Floats) -> NDArray[np.int64]:
    """The cells of places."""
    row = np.floor(latitude * PER_DEGREE).astype(np.int64)
    column = np.floor(longitude * PER_DEGREE).astype(np.int64)
    return (row + 90 * PER_DEGREE) * _AROUND + (column + _AROUND // 2) % _AROUND


def around(latitude: float, longitude: float, radius: float) -> Box:
    """The smallest box that holds a circle; `radius` in metres."""
    high = radius / _METRES_PER_DEGREE * _MARGIN
    south, north = latitude - high, latitude + high
    if south <= -POLE or north >= POLE:
        return (-DATE_LINE, max(south, -POLE), DATE_LINE, min(north, POLE))
    # where the circle touches its meridians, not at its middle
    ratio = math.sin(radius / EARTH) / math.cos(math.radians(latitude))
    if ratio >= 1:
        return (-DATE_LINE, south, DATE_LINE, north)
    wide = math.degrees(math.asin(ratio)) * _MARGIN
    return (_wrapped(longitude - wide), south, _wrapped(longitude + wide), north)


def spans_in(box: Box) -> tuple[list[Cell], list[Cell]]:
    """The cells that a box touches: where each run of them begins, and behind where it ends."""
    west, south, east, north = box
    first, last = math.floor(west * PER_DEGREE), math.floor(east * PER_DEGREE)
    if west > east:
        last += _AROUND
    wide = min(last - first + 1, _AROUND)
    start = (first + _AROUND // 2) % _AROUND
    runs = [(start, min(start + wide, _AROUND)), (0, start + wide - _AROUND)]
    firsts, lasts = [], []
    for row in range(math.floor(south * PER_DEGREE), math.floor(north * PER_DEGREE) + 1):
        base = (row + 90 * PER_DEGREE) * _AROUND
        for begin, end in runs:
            if end > begin:
                firsts.append(base + begin)
                lasts.append(base + end)
    return firsts, lasts


def cells_in(box: Box, known: Collection[Cell]) -> list[Cell]:
    """The known cells that a box touches."""
    west, south, east, north = box
    first, last = math.floor(west * PER_DEGREE), math.floor(east * PER_DEGREE)
    if west > east:
        last += _AROUND
    low, high = math.floor(south * PER_DEGREE), math.floor(north * PER_DEGREE)
    wide = last - first + 1
    if (high - low + 1) * wide <= len(known):
        starts = [(row + 90 * PER_DEGREE) * _AROUND for row in range(low, high + 1)]
        columns = [(at + _AROUND // 2) % _AROUND for at in range(first, last + 1)]
        return [cell for start in starts for at in columns if (cell := start + at) in known]
    found = []
    # a copy: others may add cells meanwhile
    for cell in list(known):
        row, at = cell // _AROUND - 90 * PER_DEGREE, cell % _AROUND - _AROUND // 2
        if low <= row <= high and (at - first) % _AROUND < wide:
            found.append(cell)
    return found


def inside(box: Box, latitude: Floats, longitude: Floats) -> NDArray[np.bool_]:
    """Which of these places a box holds, its edges included."""
    west, south, east, north = box
    wide = (longitude >= west) & (longitude <= east)
    if west > east:
        wide = (longitude >= west) | (longitude <= east)
    return (latitude >= south) & (latitude <= north) & wide


def on_sphere(latitude: Floats, longitude: Floats) -> Floats:
    """Places as points of the unit sphere (3 × n): distances between them need no trigonometry."""
    up, along = np.radians(latitude), np.radians(longitude)
    return np.vstack((np.cos(up) * np.cos(along), np.cos(up) * np.sin(along), np.sin(up)))


def squared_chords(latitude: float, longitude: float, points: Floats) -> Floats:
    """Squares of the straight ways through the sphere from a place to points of it (3 × n)."""
    up, along = math.radians(latitude), math.radians(longitude)
    here = (math.cos(up) * math.cos(along), math.cos(up) * math.sin(along), math.sin(up))
    ways = points - np.array(here)[:, np.newaxis]
    found: Floats = np.einsum("ij,ij->j", ways, ways)
    return found


def squared_chord(metres: float) -> float:
    """The square of the chord below a way on the ground; at most half around the earth."""
    return (2 * math.sin(metres / EARTH / 2)) ** 2


def metres(squared_chords: Floats) -> Floats:
    """The ways on the ground above chords."""
    found: Floats = 2 * EARTH * np.arcsin(np.sqrt(squared_chords) / 2)
    return found


def _cell(row: int, column: int) -> Cell:
    return (row + 90 * PER_DEGREE) * _AROUND + (column + _AROUND // 2) % _AROUND


def _wrapped(longitude: float) -> float:
    return (longitude + 180) % 360 - 180
