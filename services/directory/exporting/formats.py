"""Sheets as bytes, one by one: CSV, NDJSON, JSON, GeoJSON.

A file is a head, a text per sheet with something between two of them, and a tail: one of any size
is written without being held. The extended forms add where each value comes from.
"""

import csv
import json
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Literal

from services.directory.domain.fiche import COLUMNS, SEPARATOR, UNKNOWN_DATE, Column, as_read
from services.directory.domain.spreadsheets import harmless
from services.directory.domain.venues import Venue
from services.directory.exporting import origins
from shared.events import FieldValue

FormName = Literal["csv", "ndjson", "json", "geojson"]


@dataclass(frozen=True)
class Form:
    """How a file of sheets is written."""

    name: FormName
    media_type: str
    one: Callable[[Venue], str]
    """The text of one sheet."""
    head: str = ""
    between: str = ""
    tail: str = ""


class Writer:
    """The bytes of one file: `begin`, `add` as often as there are sheets, `end`."""

    def __init__(self, form: Form) -> None:
        self._form = form
        self._before = ""

    def begin(self) -> bytes:
        """What opens the file."""
        return self._form.head.encode()

    def add(self, venues: Iterable[Venue]) -> bytes:
        """The next sheets."""
        parts: list[str] = []
        for venue in venues:
            parts += (self._before, self._form.one(venue))
            self._before = self._form.between
        return "".join(parts).encode()

    def end(self) -> bytes:
        """What closes the file."""
        return self._form.tail.encode()


def form(name: FormName, *, extended: bool = False) -> Form:
    """A form by its name, or its extended one."""
    return (_EXTENDED if extended else _PLAIN)[name]


def cell(column: Column, value: FieldValue) -> str:
    """A value as a cell of a CSV file: lists by `|`, numbers without exponent, no formula."""
    if value is None:
        return ""
    if isinstance(value, list):
        return harmless(SEPARATOR.join(value), column.longest)
    if isinstance(value, float):
        return f"{Decimal(repr(value)):f}"
    return harmless(value, column.longest)


class _Line:
    """What `csv.writer` writes to, and gives back."""

    def write(self, text: str) -> str:
        return text


_LINE = csv.writer(_Line())


def _line(cells: Sequence[str]) -> str:
    # writerow returns what the file's `write` returned
    text: str = _LINE.writerow(cells)
    return text


def _cells(venue: Venue) -> list[str]:
    # the schema wants a date, and this one is read as none
    fiche = {"date_maj": UNKNOWN_DATE, **venue.fiche}
    return [cell(column, fiche.get(name)) for name, column in COLUMNS.items()]


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def _fiche(venue: Venue) -> dict[str, Any]:
    """All columns, null where nothing is known: as the API gives a sheet."""
    return as_read(venue.fiche)


def _feature(venue: Venue, properties: dict[str, Any]) -> dict[str, Any]:
    """A GeoJSON feature (RFC 7946): longitude first, no geometry where no coordinates are known."""
    place = [venue.fiche.get("longitude"), venue.fiche.get("latitude")]
    geometry = None if None in place else {"type": "Point", "coordinates": place}
    return {"type": "Feature", "id": venue.id, "geometry": geometry, "properties": properties}


def _forms(
    header: Sequence[str],
    cells: Callable[[Venue], Sequence[str]],
    members: Callable[[Venue], dict[str, Any]],
) -> dict[FormName, Form]:
    forms = (
        Form("csv", "text/csv; charset=utf-8", lambda one: _line(cells(one)), head=_line(header)),
        Form("ndjson", "application/x-ndjson", lambda one: _json(members(one)) + "\n"),
        Form(
            "json",
            "application/json",
            lambda one: _json(members(one)),
            head="[\n",
            between=",\n",
            tail="\n]\n",
        ),
        Form(
            "geojson",
            "application/geo+json",
            lambda one: _json(_feature(one, members(one))),
            head='{"type":"FeatureCollection","features":[\n',
            between=",\n",
            tail="\n]}\n",
        ),
    )
    return {one.name: one for one in forms}


_PLAIN = _forms(list(COLUMNS), _cells, _fiche)
_EXTENDED = _forms(
    [*COLUMNS, *origins.HEADER],
    lambda one: [*_cells(one), *origins.cells(one)],
    lambda one: {**_fiche(one), **origins.members(one)},
)
FORMS = tuple(_PLAIN.values())
