"""The daily dump of open data: when it is due, how it is called, what is kept, what it says.

Source of the descriptor: Data Package 2.0, https://datapackage.org/standard/data-package/
"""

import datetime as dt
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Any, Literal

from shared.french import PARIS

SCHEMA = "https://raw.githubusercontent.com/LaMednum/standard-mediation-num/v1.0.2/schema.json"
LICENCE = {
    "name": "etalab-2.0",
    "title": "Licence Ouverte / Open Licence 2.0",
    "path": "https://www.etalab.gouv.fr/licence-ouverte-open-licence",
}
DESCRIPTION = (
    "Les fiches de l'annuaire des lieux de médiation numérique, au schéma national v1.0.2. La "
    "forme étendue dit en plus d'où vient chaque valeur, et comment elle a été acceptée."
)

_NAME = "%Y-%m-%dT%H%M%SZ"
_NAMED = re.compile(r"\d{4}-\d{2}-\d{2}T\d{6}Z", re.ASCII)


@dataclass(frozen=True)
class File:
    """A file of a dump that holds all sheets."""

    path: str
    form: Literal["csv", "ndjson", "geojson"]
    title: str
    extended: bool = False


FILES = (
    File("lieux.csv", "csv", "Les lieux (CSV)"),
    File("lieux.ndjson", "ndjson", "Les lieux (JSON, un par ligne)"),
    File("lieux.geojson", "geojson", "Les lieux (GeoJSON)"),
    File(
        "lieux-etendus.ndjson",
        "ndjson",
        "Les lieux et l'origine de chaque valeur (JSON, un par ligne)",
        extended=True,
    ),
)
DESCRIPTOR = "datapackage.json"
SUMS = "SHA256SUMS"


@dataclass(frozen=True)
class Written:
    """A file of sheets as it was written; `sha256` in hexadecimal."""

    file: File
    media_type: str
    bytes: int
    sha256: str


def name_of(made_at: dt.datetime) -> str:
    """What a dump made at this moment is called: names sort as moments do."""
    return made_at.astimezone(dt.UTC).strftime(_NAME)


def moment_of(name: str) -> dt.datetime | None:
    """When the dump of this name was made; none if it is no name of a dump."""
    if not _NAMED.fullmatch(name):
        return None
    try:
        return dt.datetime.strptime(name, _NAME).replace(tzinfo=dt.UTC)
    except ValueError:
        return None


def last_due(now: dt.datetime, at: dt.time) -> dt.datetime:
    """When a dump was due last, at this time of each day in Paris; in UTC."""
    today = now.astimezone(PARIS).date()
    moments = (
        dt.datetime.combine(today - dt.timedelta(days=days), at, PARIS).astimezone(dt.UTC)
        for days in (0, 1)
    )
    return next(moment for moment in moments if moment <= now)


def is_due(names: Collection[str], now: dt.datetime, at: dt.time) -> bool:
    """Whether none was made since it was due last: what was missed is made late."""
    return not names or name_of(last_due(now, at)) > max(names)


def out_of_date(names: Iterable[str], kept: int) -> list[str]:
    """Those to remove: all but the newest of each of the `kept` newest days, in Paris."""
    newest: dict[dt.date, str] = {}
    removed: list[str] = []
    for name in sorted(names, reverse=True):
        moment = moment_of(name)
        if moment is None:
            continue
        if newest.setdefault(moment.astimezone(PARIS).date(), name) != name or len(newest) > kept:
            removed.append(name)
    return removed


def descriptor(files: Iterable[Written], *, made_at: dt.datetime, sheets: int) -> dict[str, Any]:
    """The package's `datapackage.json`."""
    return {
        "$schema": "https://datapackage.org/profiles/2.0/datapackage.json",
        "name": "lieux-mediation-numerique",
        "title": "Lieux de médiation numérique",
        "description": DESCRIPTION,
        "keywords": ["médiation numérique", "inclusion numérique", "lieux"],
        "created": made_at.astimezone(dt.UTC).isoformat(timespec="seconds"),
        "licenses": [LICENCE],
        "resources": [_resource(one, sheets) for one in files],
    }


def _resource(written: Written, sheets: int) -> dict[str, Any]:
    file = written.file
    media_type, _, _charset = written.media_type.partition(";")
    resource = {
        "name": re.sub(r"[^a-z]+", "-", file.path),
        "path": file.path,
        "title": file.title,
        "format": file.form,
        "mediatype": media_type,
        "encoding": "utf-8",
        "bytes": written.bytes,
        "hash": f"sha256:{written.sha256}",
        "count": sheets,
    }
    # a table's schema is a CSV's: lists are arrays in the others
    return resource | {"type": "table", "schema": SCHEMA} if file.form == "csv" else resource
