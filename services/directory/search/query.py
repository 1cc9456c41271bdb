"""What can be asked of the index, and where an answer's next page begins."""

import base64
import binascii
import datetime as dt
import hashlib
import json
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

from services.directory.search.geo import Box, around
from shared.errors import InvalidField, InvalidInput

Order = Literal["relevance", "distance", "freshness"]
Wanted = tuple[tuple[str, tuple[str, ...]], ...]
"""Names, and values of which one is enough; all names must be met."""


@dataclass(frozen=True)
class Near:
    """A circle: degrees, and its radius in metres."""

    latitude: float
    longitude: float
    radius: float


@dataclass(frozen=True)
class Query:
    """Which sheets are wanted, and in which order."""

    words: tuple[str, ...] = ()
    """Terms (`words.terms`), all of which a sheet must have."""
    values: Wanted = ()
    """By closed columns."""
    groups: Wanted = ()
    """By `typologie`, `commune`, `code_postal`, `departement`."""
    open_at: dt.datetime | None = None
    """With a zone, or the time on the clock of each venue."""
    box: Box | None = None
    near: Near | None = None
    order: Order = "freshness"

    @cached_property
    def area(self) -> Box | None:
        """A box outside of which nothing is wanted."""
        if self.near:
            return around(self.near.latitude, self.near.longitude, self.near.radius)
        return self.box

    @property
    def digest(self) -> str:
        """The same for the same query alone."""
        return hashlib.blake2b(repr(self).encode(), digest_size=6).hexdigest()


@dataclass(frozen=True)
class Cursor:
    """The place of the last sheet of a page: its sort key and its ordinal."""

    sort: int
    ordinal: int

    def sealed(self, query: Query) -> str:
        """The cursor as a text that only the same query takes."""
        text = f'[{self.sort},{self.ordinal},"{query.digest}"]'
        return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def opened(text: str, query: Query) -> Cursor:
    """The cursor of a text; raises `InvalidInput` if it is none, or another query's."""
    try:
        padded = text + "=" * (-len(text) % 4)
        sort, ordinal, digest = json.loads(base64.b64decode(padded, altchars="-_", validate=True))
        cursor = Cursor(_whole(sort), _whole(ordinal))
    except (ValueError, TypeError, binascii.Error, RecursionError):
        raise _refused("cursor", "Ce curseur n'en est pas un.") from None
    if digest != query.digest:
        raise _refused(
            "cursor_of_another_query",
            "Ce curseur vient d'une autre recherche : reprenez les mêmes critères, "
            "ou recommencez sans curseur.",
        )
    return cursor


def _whole(number: object) -> int:
    if not isinstance(number, int) or not 0 <= number < 2**31:
        raise ValueError
    return number


def _refused(rule: str, message: str) -> InvalidInput:
    return InvalidInput(invalid=[InvalidField("cursor", rule, message)])
