"""The index finds, counts, orders and pages exactly what looking at each sheet would."""

import datetime as dt
import json
from dataclasses import replace
from itertools import islice
from typing import Any
from unittest.mock import patch

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.directory.search import grid
from services.directory.search.index import Index
from services.directory.search.memory import Postings
from services.directory.search.query import Cursor, Near, Query, opened
from services.directory.search.values import FACETS
from services.directory.search.words import terms
from services.directory.use_cases.search import all_ids
from shared.events import FieldValue
from tests.unit.search_directory import (
    counted,
    expected,
    fiches,
    found,
    ids,
    indexed,
    queries,
    sheet,
    write,
)

QUICK = settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def named(counts: list[int]) -> dict[str, dict[str, int]]:
    by_bit = iter(counts)
    return {name: {one: next(by_bit) for one in choices} for name, choices in FACETS.items()}


@QUICK
@given(
    before=st.lists(fiches(), max_size=12),
    after=st.dictionaries(st.integers(0, 15), st.one_of(st.none(), fiches()), max_size=8),
    asked=st.lists(queries(), min_size=1, max_size=6),
    loose=st.sampled_from([0, grid.LOOSE]),
)
def test_what_is_found_is_what_each_sheet_says(
    before: list[dict[str, FieldValue]],
    after: dict[int, dict[str, FieldValue] | None],
    asked: list[Query],
    loose: int,
) -> None:
    there = {f"v{number}": sheet(number, **values) for number, values in enumerate(before)}
    with indexed(*there.values()) as index, patch.object(grid, "LOOSE", loose):
        for query in asked[:1]:
            found(index, query)  # words that were asked for are kept up to date in memory
        for number, values in after.items():
            there.pop(f"v{number}", None)
            if values is None:
                write(index, gone=[f"v{number}"])
            else:
                there[f"v{number}"] = sheet(number, 2, **values)
                write(index, [there[f"v{number}"]])
        again = Index(index.file.path)
        for one in (index, again):
            for query in asked:
                items = found(one, query)
                assert [(item["id"], item["distance"]) for item in items] == expected(there, query)
                hits = one.match(query)
                assert named(one.count(hits)) == counted(there[item["id"]] for item in items)
        again.close()


def test_counts_of_many_are_those_of_each() -> None:
    every = [(name, choice) for name, choices in FACETS.items() for choice in choices]
    many = [
        sheet(number, **{(one := every[number % len(every)])[0]: [one[1]]})
        for number in range(5_000)
    ]
    with indexed(*many) as index:
        hits = index.match(Query())
        assert len(hits.ordinals) == len(many)
        assert named(index.count(hits)) == counted(many)


@QUICK
@given(
    there=st.lists(fiches(), min_size=1, max_size=20),
    changes=st.lists(st.tuples(st.integers(0, 25), st.one_of(st.none(), fiches())), max_size=12),
    query=queries(),
    limit=st.integers(1, 4),
)
def test_pages_lose_and_repeat_nothing_while_others_change(
    there: list[dict[str, FieldValue]],
    changes: list[tuple[int, dict[str, FieldValue] | None]],
    query: Query,
    limit: int,
) -> None:
    sheets = {f"v{number}": sheet(number, **values) for number, values in enumerate(there)}
    touched = {f"v{number}" for number, _ in changes}
    waiting = iter(changes)
    with indexed(*sheets.values()) as index:
        untouched = [id_ for id_, _ in expected(sheets, query) if id_ not in touched]
        seen: list[str] = []
        after: Cursor | None = None
        while True:
            hits = index.match(query)
            ranked = index.rank(query, hits, after, limit)
            seen += [hit["id"] for hit in _shown(index, hits, ranked)]
            after = ranked.next
            if after is None:
                break
            for number, values in islice(waiting, 3):
                if values is None:
                    write(index, gone=[f"v{number}"])
                else:
                    write(index, [sheet(number, 2, **values)])
        assert [id_ for id_ in seen if id_ not in touched] == untouched


def _shown(index: Index, hits: Any, ranked: Any) -> list[dict[str, Any]]:
    return [json.loads(item) for item in index.shown(hits, ranked.places)]


def test_a_page_that_ends_with_a_day_far_away_has_a_next_one() -> None:
    query = Query(order="freshness")
    with indexed(*(sheet(number, date_maj="9999-12-31") for number in range(2))) as index:
        hits = index.match(query)
        after = index.rank(query, hits, None, 1).next
        assert after
        last = index.rank(query, hits, opened(after.sealed(query), query), 1)
        assert [one["id"] for one in _shown(index, hits, last)] == ["v1"]


def test_an_older_sheet_does_not_replace_a_newer_one() -> None:
    with indexed(sheet(0, 3, nom="Nouveau")) as index:
        write(index, [sheet(0, 2, nom="Ancien")])
        assert ids(index, Query(words=("nouveau",))) == ["v0"]
        assert ids(index, Query(words=("ancien",))) == []


def test_the_place_of_another_directorys_sheet_is_taken_over() -> None:
    with indexed(sheet(0, nom="Fantôme")) as index:
        other = sheet(0, nom="Lieu")
        other = type(other)("autre", 0, 1, other.fiche, {**other.public, "id": "autre"})
        write(index, [other])
        assert ids(index, Query()) == ["autre"]
        assert ids(index, Query(words=("fantome",))) == []


def test_words_are_forgiven_and_the_right_ones_come_first() -> None:
    with indexed(
        sheet(0, presentation_resume="À côté de la médiathèque"),
        sheet(1, nom="Mediateque"),
        sheet(2, nom="Médiathèques de Saint-Étienne"),
        sheet(3, nom="Maison", commune="ST ETIENNE"),
    ) as index:

        def by(text: str) -> list[str]:
            return ids(index, Query(words=tuple(terms(text)), order="relevance"))

        assert by("MÉDIATHÈQUE") == ["v2", "v1", "v0"]
        assert by("mediatheqe") == ["v2", "v0"]
        assert by("médiathèque saint etienne") == ["v2"]
        assert by("ste-étienne") == ["v2", "v3"]
        assert by("bibliothèque") == []


def test_only_who_is_surely_open_is_open() -> None:
    with indexed(
        sheet(0, horaires="Mo-Fr 09:00-12:00; PH off", code_insee="26113"),
        sheet(1, horaires="Mo-Fr 09:00-12:00; PH off", code_insee="97411"),
        sheet(2),
        sheet(3, horaires="ouvert quand il fait beau"),
    ) as index:

        def at(moment: str) -> list[str]:
            return ids(index, Query(open_at=dt.datetime.fromisoformat(moment)))

        assert at("2026-11-12T10:00") == ["v0", "v1"]
        assert at("2026-11-11T10:00") == []  # the armistice
        assert at("2026-11-12T12:00") == []
        assert at("2026-11-12T08:30:00Z") == ["v0"]  # 9:30 in Die, 12:30 in La Réunion
        assert at("2026-11-12T06:30:00Z") == ["v1"]


def test_who_is_closed_for_a_while_is_not_open() -> None:
    always = sheet(0, horaires="24/7", code_insee="98818")
    away = replace(always, closures=((dt.date(2026, 11, 10), dt.date(2026, 11, 12)),))
    with indexed(always) as index:
        write(index, [away])

        def at(moment: str) -> list[str]:
            return ids(index, Query(open_at=dt.datetime.fromisoformat(moment)))

        assert at("2026-11-09T23:59") == at("2026-11-13T00:00") == ["v0"]
        assert at("2026-11-10T00:00") == at("2026-11-12T23:59") == []
        assert at("2026-11-12T14:00:00Z") == ["v0"]  # the 13th in Nouméa
        again = Index(index.file.path)
        assert ids(again, Query(open_at=dt.datetime.fromisoformat("2026-11-11T00:00"))) == []
        again.close()
        write(index, [replace(always, revision=2)])
        assert at("2026-11-11T10:00") == ["v0"]


def test_a_check_makes_a_sheet_fresher() -> None:
    checked = replace(sheet(0, date_maj="2024-01-01"), checked_on=dt.date(2026, 1, 1))
    with indexed(
        checked, sheet(1, date_maj="2025-01-01"), sheet(2, date_maj="1970-01-01")
    ) as index:
        assert ids(index, Query(order="freshness")) == ["v0", "v1", "v2"]


def test_a_circle_across_the_date_line_and_one_around_a_pole() -> None:
    with indexed(
        sheet(0, latitude=-14.3, longitude=-179.9),
        sheet(1, latitude=-14.3, longitude=179.9),
        sheet(2, latitude=89.9, longitude=10.0),
        sheet(3, latitude=89.9, longitude=-170.0),
    ) as index:
        assert ids(index, Query(near=Near(-14.3, 180.0, 50_000))) == ["v0", "v1"]
        assert ids(index, Query(near=Near(90.0, 0.0, 50_000))) == ["v2", "v3"]


async def test_an_export_gets_all_in_order() -> None:
    with indexed(*(sheet(number, nom=f"Lieu {number % 3}") for number in range(1_200))) as index:
        query = Query(words=("lieu",), order="relevance")
        streamed = [id_ async for part in all_ids(index, query) for id_ in part]
        assert streamed == ids(index, query)
        assert len(streamed) == 1_200


def test_what_a_thread_reads_while_sheets_change_is_not_kept() -> None:
    with indexed(sheet(0, nom="Lieu")) as index:
        read = index.file.postings

        def late(term: str) -> Postings:
            index.file.postings = read  # type: ignore[method-assign]
            before = read(term)
            write(index, [sheet(1, nom="Fabrique")])
            return before

        index.file.postings = late  # type: ignore[method-assign]
        ids(index, Query(words=("fabrique",)))
        assert ids(index, Query(words=("fabrique",))) == ["v1"]


def test_what_may_be_meant_is_not_kept_either() -> None:
    with indexed(sheet(0, nom="Lieu")) as index:
        read = index.file.known

        def late(term: str) -> list[str]:
            index.file.known = read  # type: ignore[method-assign]
            before = read(term)
            write(index, [sheet(1, nom="Fabrique")])
            return before

        index.file.known = late  # type: ignore[method-assign]
        ids(index, Query(words=("fabrqiue",)))
        assert ids(index, Query(words=("fabrqiue",))) == ["v1"]
