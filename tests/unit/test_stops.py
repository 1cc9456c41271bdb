"""The stops of an itinerant venue: each field by its column's rules, one writer at a time."""

from datetime import UTC, date, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from services.directory.domain.stops import (
    ITINERANT,
    MOST_STOPS,
    NotItinerant,
    Stop,
    Stops,
    StopsChanged,
    check_stops,
    shown_stops,
)
from services.directory.domain.venues import VenueNotFound
from services.directory.handlers import on_venue_stop_ended
from services.directory.store.stops import stops_of
from services.directory.use_cases import stops
from shared.auth import Account
from shared.errors import InvalidInput, NotAllowed
from shared.events.directory import VenueStopEnded, VenueStopsChanged
from tests.unit.directory_venues import FICHE, MODERATOR, NOW, a_venue, memory_with
from tests.unit.moderation_memory import Memory

MARKET: dict[str, Any] = {
    "commune": "Luc-en-Diois",
    "code_postal": "26310",
    "code_insee": "26167",
    "adresse": "Place de la Croix",
    "latitude": 44.616,
    "longitude": 5.448,
    "horaires": "We 09:00-12:00",
}
MOVES: dict[str, Any] = {"itinerance": ["Fixe", ITINERANT]}
ADA = Account("ada")


def itinerant() -> Memory:
    return memory_with(a_venue("ada", **MOVES))


def put(
    memory: Memory,
    *given: dict[str, Any],
    base_revision: int = 0,
    by: Account = ADA,
    at: datetime = NOW,
) -> tuple[Stops, list[Any]]:
    return memory.run(
        lambda tx: stops.put_stops(tx, by, "v1", given, base_revision=base_revision), at
    )


class TestFields:
    def test_keep_the_rules_of_their_columns(self) -> None:
        [stop] = check_stops([{**MARKET, "commune": " Luc\nen Diois ", "complement_adresse": ""}])
        assert (stop.commune, stop.complement_adresse) == ("Luc en Diois", None)
        assert (stop.horaires, stop.latitude) == ("We 09:00-12:00", 44.616)

    @pytest.mark.parametrize(
        ("change", "field", "rule"),
        [
            ({"commune": ""}, "commune", "required"),
            ({"code_postal": "2631"}, "code_postal", "pattern"),
            ({"adresse": None}, "adresse", "required"),
            ({"horaires": "Sun"}, "horaires", "opening_hours"),
            ({"latitude": 95.0}, "latitude", "range"),
            ({"latitude": None}, "latitude", "together"),
            ({"adresse": "a\x00b"}, "adresse", "characters"),
            ({"debut": "2026-W01-1"}, "debut", "date"),
            ({"fin": "31/12/2026"}, "fin", "date"),
            ({"debut": "2026-12-02", "fin": "2026-12-01"}, "fin", "order"),
            ({"telephone": "+33465710099"}, "telephone", "unknown_field"),
            ({"commune": 26}, "commune", "type"),
        ],
    )
    def test_each_rule(self, change: dict[str, Any], field: str, rule: str) -> None:
        with pytest.raises(InvalidInput) as refusal:
            check_stops([MARKET, {**MARKET, **change}])
        assert (f"stops.1.{field}", rule) in [
            (one.field, one.rule) for one in refusal.value.invalid
        ]

    def test_there_may_be_many_but_not_too_many(self) -> None:
        assert len(check_stops([MARKET] * MOST_STOPS)) == MOST_STOPS
        with pytest.raises(InvalidInput):
            check_stops([MARKET] * (MOST_STOPS + 1))


class TestShown:
    def test_not_what_is_over(self) -> None:
        today = date(2026, 11, 23)
        over = Stop(**MARKET, fin=today - timedelta(days=1))
        last_day, later = Stop(**MARKET, fin=today), Stop(**MARKET, debut=today + timedelta(days=9))
        fiche = {**FICHE, **MOVES}
        assert shown_stops(fiche, [over, last_day, later], NOW) == [last_day, later]

    @pytest.mark.parametrize("itinerance", [None, ["Fixe"]])
    def test_none_of_a_venue_that_stays(self, itinerance: Any) -> None:
        assert shown_stops({**FICHE, "itinerance": itinerance}, [Stop(**MARKET)], NOW) == []


class TestWriting:
    def test_the_whole_list_is_replaced_and_kept(self) -> None:
        memory = itinerant()
        first, [event] = put(memory, MARKET)
        assert (first.revision, first.by, first.at) == (1, "account:ada", NOW)
        assert isinstance(event, VenueStopsChanged)
        assert (event.revision, event.count) == (1, 1)
        second, _ = put(memory, {**MARKET, "debut": "2026-12-01"}, MARKET, base_revision=1)
        assert [one.debut for one in second.stops] == [date(2026, 12, 1), None]
        lists, _ = memory.run(lambda tx: stops.get_stops_history(tx, "v1"), NOW)
        assert [one.revision for one in lists] == [2, 1]
        assert lists[1].stops == first.stops

    def test_the_same_list_again_changes_nothing(self) -> None:
        memory = itinerant()
        put(memory, MARKET)
        same, events = put(memory, MARKET, base_revision=1)
        assert (same.revision, events) == (1, [])

    def test_their_ends_are_told_one_after_the_other(self) -> None:
        memory = itinerant()
        ends = [{**MARKET, "fin": day} for day in ("2026-11-22", "2026-11-30", "2027-03-27")]
        put(memory, MARKET, *ends)
        # midnight in Paris, in winter and in summer
        for end in (
            datetime(2026, 11, 30, 23, tzinfo=UTC),
            datetime(2027, 3, 27, 23, tzinfo=UTC),
        ):
            timer, at = memory.timers.pop("stops:v1")
            assert isinstance(timer, VenueStopEnded)
            assert at == end
            _, [changed] = memory.run(partial(on_venue_stop_ended, timer), end)
            assert isinstance(changed, VenueStopsChanged)
            assert (changed.revision, changed.count) == (1, 4)
        assert memory.timers == {}
        put(memory, *ends, base_revision=1)
        put(memory, base_revision=2)
        assert memory.timers == {}

    def test_the_last_day_of_all_has_no_day_after(self) -> None:
        memory = itinerant()
        put(memory, {**MARKET, "fin": date.max.isoformat()})
        assert memory.timers == {}

    @pytest.mark.parametrize("base", [0, 2])
    def test_nobody_overwrites_what_they_have_not_seen(self, base: int) -> None:
        memory = itinerant()
        put(memory, MARKET)
        with pytest.raises(StopsChanged) as refusal:
            put(memory, {**MARKET, "adresse": "Gare"}, base_revision=base)
        assert refusal.value.extra["current_revision"] == 1

    def test_for_managers_and_moderators(self) -> None:
        memory = itinerant()
        with pytest.raises(NotAllowed):
            put(memory, MARKET, by=Account("max"))
        assert put(memory, MARKET, by=MODERATOR)[0].by == "account:mo"

    def test_for_a_venue_that_moves_but_an_empty_list_always(self) -> None:
        memory = memory_with(a_venue("ada"))
        with pytest.raises(NotItinerant) as refusal:
            put(memory, MARKET)
        assert (refusal.value.extra["field"], refusal.value.extra["value"]) == (
            "itinerance", ITINERANT,
        )  # fmt: skip
        moving = itinerant()
        put(moving, MARKET)
        moving.rows["venues"] = memory.rows["venues"]
        cleared, [event] = put(moving, base_revision=1)
        assert (cleared.stops, event.count) == ([], 0)

    def test_of_no_venue(self) -> None:
        with pytest.raises(VenueNotFound):
            put(memory_with(), MARKET)


def test_the_stops_of_many_venues_at_once() -> None:
    memory = memory_with(a_venue("ada", **MOVES), a_venue(id="v2"))
    put(memory, MARKET)
    found, _ = memory.run(lambda tx: stops_of(tx, ["v1", "v2", "absent"]), NOW)
    assert {one: [stop.commune for stop in them] for one, them in found.items()} == {
        "v1": ["Luc-en-Diois"]
    }
