"""The closed lists of the schema as bits: each value has one, a sheet's values are one mask."""

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from services.directory.domain.fiche import COLUMNS, Fiche

Masks = NDArray[np.uint64]

FACETS: dict[str, tuple[str, ...]] = {
    column.name: column.choices for column in COLUMNS.values() if column.choices
}
"""Every closed column and its values."""
BITS: dict[tuple[str, str], int] = {
    pair: bit
    for bit, pair in enumerate(
        (name, choice) for name, choices in FACETS.items() for choice in choices
    )
}
WIDTH = -(-len(BITS) // 64)
"""Numbers of 64 bits that a mask takes."""


def mask_of(fiche: Fiche) -> bytes:
    """The values of a sheet: `WIDTH` little-endian numbers of 64 bits."""
    return _packed(
        BITS[name, item]
        for name in FACETS
        if isinstance(items := fiche.get(name), list)
        for item in items
        if (name, item) in BITS
    )


def any_of(name: str, choices: Iterable[str]) -> Masks:
    """A mask that has a bit in common with the sheets that say one of these values."""
    return np.frombuffer(_packed(BITS[name, choice] for choice in choices), "<u8")


def shares(masks: Masks, other: Masks) -> NDArray[np.bool_]:
    """Which masks (`WIDTH` × n) have a bit in common with another."""
    found: NDArray[np.bool_] = masks[0] & other[0] != 0
    for number in range(1, WIDTH):
        found |= masks[number] & other[number] != 0
    return found


def bits_in(mask: bytes) -> list[int]:
    """The bits that are set."""
    return [int(bit) for bit in np.flatnonzero(_unpacked(np.frombuffer(mask, np.uint8)))]


def counts(masks: Masks) -> list[int]:
    """How many of these masks (n × `WIDTH`) have each bit."""
    unpacked = _unpacked(masks.view(np.uint8).reshape(len(masks), WIDTH * 8))
    found: list[int] = unpacked.sum(axis=0, dtype=np.uint32)[: len(BITS)].tolist()
    return found


def _packed(bits: Iterable[int]) -> bytes:
    number = 0
    for bit in bits:
        number |= 1 << bit
    return number.to_bytes(WIDTH * 8, "little")


def _unpacked(octets: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.unpackbits(octets, axis=-1, bitorder="little")
