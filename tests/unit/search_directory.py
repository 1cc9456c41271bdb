"""Small directories to search, and what a search must find, by looking at each sheet in turn."""

import datetime as dt
import json
import math
import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from hypothesis import strategies as st

from services.directory.domain.shown import shown
from services.directory.domain.venues import Venue
from services.directory.search.entries import entry_of
from services.directory.search.file import IndexFile, create
from services.directory.search.index import Index
from services.directory.search.query import Near, Query
from services.directory.search.values import FACETS
from services.directory.store.sheets import Sheet
from shared.events import FieldValue

NOW = dt.datetime(2026, 11, 25, 12, tzinfo=dt.UTC)
Fiche = Mapping[str, FieldValue]


def sheet(number: int, revision: int = 1, /, **values: FieldValue) -> Sheet:
    """A sheet with its place in the list, `id` `v<number>`."""
    fiche: dict[str, FieldValue] = {
        "id": f"v{number}",
        "pivot": "99912345600017",
        "nom": "Lieu",
        "commune": "Die",
        "code_postal": "26150",
        "adresse": "1 rue Neuve",
        "date_maj": "2025-01-15",
        **values,
    }
    fiche = {name: value for name, value in fiche.items() if value not in (None, "", [])}
    venue = Venue(
        id=f"v{number}",
        revision=revision,
        ordinal=number,
        fiche=fiche,
        sources=[],
        created_by="import:tests",
        created_at=NOW,
        updated_at=NOW,
    )
    return Sheet(venue.id, number, revision, fiche, shown(venue))


@contextmanager
def indexed(*sheets: Sheet) -> Iterator[Index]:
    """An index of these sheets."""
    with TemporaryDirectory() as folder:
        path = Path(folder, "index.sqlite")
        create(path)
        file = IndexFile(path)
        file.write([entry_of(one) for one in sheets])
        file.close()
        index = Index(path)
        try:
            yield index
        finally:
            index.close()


def write(index: Index, sheets: Iterable[Sheet] = (), gone: Iterable[str] = ()) -> None:
    """What a follower does with what it has read."""
    index.apply(index.file.write([entry_of(one) for one in sheets], gone))


def found(index: Index, query: Query, limit: int | None = None) -> list[dict[str, Any]]:
    """All that an index finds, in order."""
    hits = index.match(query)
    if query.open_at:
        hits = index.keep_open(hits, query.open_at)
    ranked = index.rank(query, hits, None, limit)
    return [json.loads(item) for item in index.shown(hits, ranked.places)]


def ids(index: Index, query: Query) -> list[str]:
    """The ids of all that an index finds, in order."""
    return [one["id"] for one in found(index, query)]


NAMES = st.lists(
    st.sampled_from(
        [
            "médiathèque",
            "mediatheques",
            "MÉDIATHÉQUE",
            "mediateque",
            "maison",
            "maisons",
            "saint",
            "st",
            "étienne",
            "numérique",
            "l'atelier",
            "œuvre",
            "travaux",
            "bureau",
            "bureaux",
            "3.0",
            "Die",
        ]
    ),
    min_size=1,
    max_size=4,
).map(" ".join)
PLACES = st.one_of(
    st.just((None, None)),
    st.tuples(st.floats(44.0, 44.6), st.floats(4.5, 5.5)),
    st.tuples(st.floats(-90, 90), st.floats(-180, 180)),
)


def _some(name: str, least: int = 0) -> st.SearchStrategy[list[str]]:
    return st.lists(st.sampled_from(FACETS[name][:4]), min_size=least, max_size=2, unique=True)


@st.composite
def fiches(draw: st.DrawFn) -> dict[str, FieldValue]:
    """Values of a sheet that searches look at."""
    latitude, longitude = draw(PLACES)
    return {
        "nom": draw(NAMES),
        "commune": draw(st.sampled_from(["Die", "Saint-Étienne", "L'Isle-d'Abeau", "Valence"])),
        "code_insee": draw(st.sampled_from([None, "26113", "42218", "75056", "75111", "2A004"])),
        "code_postal": draw(st.sampled_from(["26150", "42000", "20000", "97400"])),
        "latitude": latitude,
        "longitude": longitude,
        "presentation_resume": draw(st.one_of(st.none(), NAMES)),
        "date_maj": draw(st.sampled_from(["2025-01-15", "2024-06-01", "1970-01-01"])),
        "typologie": draw(
            st.lists(st.sampled_from(["CCAS", "BIB", "RFS"]), max_size=2, unique=True)
        ),
        **{name: draw(_some(name)) for name in FACETS},
    }


@st.composite
def queries(draw: st.DrawFn) -> Query:
    """Anything that can be asked but opening hours."""
    words = draw(st.lists(st.sampled_from(sorted(_ASKED)), max_size=2, unique=True))
    near = draw(
        st.one_of(
            st.none(),
            st.builds(Near, st.floats(44.0, 44.6), st.floats(4.5, 5.5), st.floats(1, 200_000)),
            st.builds(Near, st.floats(-90, 90), st.floats(-180, 180), st.floats(1, 200_000)),
        )
    )
    orders = ["freshness", *(["distance"] if near else []), *(["relevance"] if words else [])]
    names = draw(st.lists(st.sampled_from(sorted(FACETS)), max_size=2, unique=True))
    groups = {
        "commune": ["26113", "75111", "69123"],
        "departement": ["26", "2A", "974"],
        "code_postal": ["26150", "42000"],
        "typologie": ["CCAS", "BIB"],
    }
    chosen = draw(st.lists(st.sampled_from(sorted(groups)), max_size=1))
    south, north = sorted(draw(st.tuples(st.floats(-90, 90), st.floats(-90, 90))))
    west, east = sorted(draw(st.tuples(st.floats(-180, 180), st.floats(-180, 180))))
    return Query(
        words=tuple(words),
        values=tuple((name, tuple(draw(_some(name, 1)))) for name in names),
        groups=tuple(
            (name, tuple(draw(st.lists(st.sampled_from(groups[name]), min_size=1, max_size=2))))
            for name in chosen
        ),
        box=draw(st.sampled_from([None, (west, south, east, north), (4.5, 44.0, 5.0, 44.5)])),
        near=near,
        order=draw(st.sampled_from(orders)),
    )


_ASKED = {
    "mediatheque", "mediatheqe", "mediahteque", "maison", "maisno", "saint", "etiene", "numerique",
    "atelier", "oeuvre", "travau", "bureau", "die", "dia", "3", "valance", "inconnu",
}  # fmt: skip


def expected(sheets: Mapping[str, Sheet], query: Query) -> list[tuple[str, int | None]]:
    """Ids and distances of what a query must find, in order: each sheet is looked at."""
    kept = [one for one in sheets.values() if _meets(one.fiche, query)]
    keys = {one.id: (_sort(one.fiche, query), one.ordinal) for one in kept}
    kept.sort(key=lambda one: keys[one.id])
    return [(one.id, _metres(one.fiche, query.near)) for one in kept]


def counted(sheets: Iterable[Sheet]) -> dict[str, dict[str, int]]:
    """How many of these sheets say each value."""
    kept = list(sheets)
    return {
        name: {
            choice: sum(choice in _list(one.fiche.get(name)) for one in kept) for choice in choices
        }
        for name, choices in FACETS.items()
    }


def _meets(fiche: Fiche, query: Query) -> bool:
    return (
        all(_points(fiche, word) for word in query.words)
        and all(set(wanted) & {*_list(fiche.get(name))} for name, wanted in query.values)
        and all(_group(fiche, name) & {*wanted} for name, wanted in query.groups)
        and (query.box is None or _in_box(fiche, query.box))
        and (query.near is None or (_exact(fiche, query.near) or math.inf) <= query.near.radius)
    )


def _group(fiche: Fiche, name: str) -> set[str]:
    if name == "typologie":
        return {*_list(fiche.get(name))}
    insee, postal = str(fiche.get("code_insee") or ""), str(fiche["code_postal"])
    if name == "departement":
        by_postal = {"20000": "2A", "97400": "974"}.get(postal, postal[:2])
        return {insee[:2] if insee else by_postal}
    return {insee if name == "commune" else postal}


def _in_box(fiche: Fiche, box: tuple[float, float, float, float]) -> bool:
    west, south, east, north = box
    latitude, longitude = fiche.get("latitude"), fiche.get("longitude")
    if not isinstance(latitude, float) or not isinstance(longitude, float):
        return False
    return south <= latitude <= north and west <= longitude <= east


def _exact(fiche: Fiche, near: Near) -> float | None:
    """The spherical law of cosines is too coarse for short ways: the chord in space."""
    if not isinstance(fiche.get("latitude"), float):
        return None
    one, other = (
        (math.cos(up) * math.cos(along), math.cos(up) * math.sin(along), math.sin(up))
        for up, along in (
            (math.radians(near.latitude), math.radians(near.longitude)),
            (
                math.radians(float(str(fiche["latitude"]))),
                math.radians(float(str(fiche["longitude"]))),
            ),
        )
    )
    return 2 * 6_371_008.8 * math.asin(min(1.0, math.dist(one, other) / 2)) + 1e-9


def _metres(fiche: Fiche, near: Near | None) -> int | None:
    return None if near is None else round(_exact(fiche, near) or 0.0)


def _sort(fiche: Fiche, query: Query) -> float:
    if query.order == "distance":
        return _metres(fiche, query.near) or 0
    if query.order == "relevance":
        return -sum(_points(fiche, word) for word in query.words)
    day = str(fiche["date_maj"])
    return -dt.date.fromisoformat(day).toordinal()


def _points(fiche: Fiche, word: str) -> int:
    """What a word counts: 12, 8, 6, 2 by its field, half of it for another spelling."""
    columns = (["nom"], ["commune", "code_postal"], ["services"], _DESCRIPTION)
    best = 0
    for worth, names in zip((12, 8, 6, 2), columns, strict=True):
        text = " ".join(part for name in names for part in _list(fiche.get(name)))
        for other in _plain(text):
            if other == word:
                best = max(best, worth)
            elif len(word) >= 4 and word.isalpha() and other.isalpha() and _one_error(word, other):
                best = max(best, worth // 2)
    return best


_DESCRIPTION = [
    "presentation_resume",
    "presentation_detail",
    "structure_parente",
    "dispositif_programmes_nationaux",
    "formations_labels",
    "autres_formations_labels",
]


def _plain(text: str) -> list[str]:
    text = text.lower().replace("œ", "oe")
    text = "".join(c for c in unicodedata.normalize("NFD", text) if not unicodedata.combining(c))
    words = [w for w in re.split(r"[^a-z0-9]+", text) if len(w) > 1]
    same = {"st": "saint", "travaux": "traval", "bureaux": "bureau"}
    plain = [same.get(word, word) for word in words]
    return [word[:-1] if len(word) > 3 and word.endswith("s") else word for word in plain]


def _one_error(one: str, other: str) -> bool:
    if abs(len(one) - len(other)) > 1:
        return False
    start = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), None)
    if start is None:
        return True
    a, b = one[start:], other[start:]
    swapped = len(a) > 1 and a[0] + a[1] == b[1:2] + b[:1] and a[2:] == b[2:]
    return a[1:] == b[1:] or a[1:] == b or a == b[1:] or swapped


def _list(value: FieldValue) -> list[str]:
    if isinstance(value, list):
        return value
    return [value] if isinstance(value, str) else []
