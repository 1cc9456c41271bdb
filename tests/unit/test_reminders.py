"""When a venue's managers are asked to read its sheet again: every rule, without a clock."""

import datetime as dt
from typing import Any

import pytest

from services.directory.domain.reminders import IN_A_ROW, MONTH, Reminders, turn
from services.directory.domain.reports import Delisting
from services.directory.domain.venues import Venue
from services.directory.store.checks import Checks
from services.directory.store.reminders import ReminderClocks
from services.directory.store.reports import Delistings
from services.directory.store.venues import Venues
from services.directory.use_cases import checks, reminders
from services.directory.use_cases.venues import add_manager, set_manager
from shared.auth import Account
from shared.database import Transaction
from shared.errors import NotAllowed
from shared.events import Event
from shared.events.directory import SheetReviewDue, VenueReviewAsked
from shared.links import SheetLink
from tests.unit.moderation_memory import Memory

NOW = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
HALF_A_YEAR = 6 * MONTH
SHORT = dt.timedelta(seconds=1)


def clock(**values: Any) -> Reminders:
    return Reminders(venue_id="v", started_at=NOW, due_at=NOW).model_copy(update=values)


def turned(
    one: Reminders, *, after: dt.timedelta, cared: dt.timedelta = -MONTH, can_ask: bool = True
) -> tuple[Reminders, bool]:
    """A turn so long after the start, of a sheet that was last changed at that time."""
    return turn(one, cared_at=NOW + cared, can_ask=can_ask, now=NOW + after, month=MONTH)


class TestTurn:
    def test_nobody_is_asked_before_their_time(self) -> None:
        after, asks = turned(clock(), after=HALF_A_YEAR - SHORT)
        assert (after.due_at, asks) == (NOW + HALF_A_YEAR, False)

    def test_then_they_are_and_the_next_turn_is_as_far_away(self) -> None:
        after, asks = turned(clock(), after=HALF_A_YEAR)
        assert asks
        assert (after.due_at, after.unanswered) == (NOW + 2 * HALF_A_YEAR, 1)

    @pytest.mark.parametrize("months", [3, 6, 12])
    def test_the_rhythm_is_the_managers(self, months: int) -> None:
        assert turned(clock(every_months=months), after=months * MONTH)[1]
        assert not turned(clock(every_months=months), after=months * MONTH - SHORT)[1]

    def test_a_change_or_a_check_starts_the_clock_anew(self) -> None:
        after, asks = turned(clock(), after=HALF_A_YEAR, cared=2 * MONTH)
        assert (after.due_at, asks) == (NOW + 8 * MONTH, False)

    def test_a_late_turn_asks_once_and_counts_from_then(self) -> None:
        after, asks = turned(clock(), after=10 * HALF_A_YEAR)
        assert (after.due_at, after.unanswered, asks) == (NOW + 11 * HALF_A_YEAR, 1, True)

    def test_never_means_no_turn_at_all(self) -> None:
        after, asks = turned(clock(every_months=None), after=10 * HALF_A_YEAR)
        assert (after.due_at, asks) == (None, False)
        assert clock(every_months=None).begun(NOW).due_at is None

    def test_it_turns_on_in_silence_where_nobody_would_hear(self) -> None:
        after, asks = turned(clock(), after=HALF_A_YEAR, can_ask=False)
        assert (after.due_at, after.unanswered, asks) == (NOW + 2 * HALF_A_YEAR, 0, False)

    def test_three_without_an_answer_are_enough_until_something_happens(self) -> None:
        one, asked = clock(), []
        for turns in range(1, 6):
            one, asks = turned(one, after=turns * HALF_A_YEAR)
            asked.append(asks)
        assert asked == [True] * IN_A_ROW + [False, False]
        # somebody looks at it between two turns
        care = 5 * HALF_A_YEAR + MONTH
        one, asks = turned(one, after=6 * HALF_A_YEAR, cared=care)
        assert (one.unanswered, asks, one.due_at) == (0, False, NOW + care + HALF_A_YEAR)
        assert turned(one, after=care + HALF_A_YEAR, cared=care)[1]

    def test_an_answer_in_between_makes_them_count_anew(self) -> None:
        one, _ = turned(clock(), after=HALF_A_YEAR)
        one, asks = turned(one, after=3 * HALF_A_YEAR, cared=HALF_A_YEAR + SHORT)
        assert (one.unanswered, asks) == (1, True)


class World:
    """The directory's rows in memory, and the timer of one venue."""

    def __init__(self) -> None:
        self.memory = Memory()
        self.now = NOW
        sheet = {"id": "v", "nom": "Médiathèque", "courriels": ["a@lieu.example.org"]}
        venue = Venue(
            id="v",
            revision=1,
            ordinal=0,
            fiche=sheet,
            sources=[],
            created_by="import:tests",
            created_at=NOW - MONTH,
            updated_at=NOW - MONTH,
        )
        self.run(lambda tx: Venues(tx).add([venue]))

    def run(self, work: Any) -> list[Event]:
        """The events of a transaction."""
        return self.memory.run(work, self.now)[1]

    def fire(self, *, late: dt.timedelta = dt.timedelta(0)) -> list[Event]:
        """What the timer makes when its time comes, or later; an error if there is none."""
        [(event, at)] = self.memory.timers.values()
        assert isinstance(event, SheetReviewDue)
        self.now = max(self.now, at) + late
        return self.again(event)

    def again(self, event: SheetReviewDue) -> list[Event]:
        return self.run(lambda tx: reminders.reached(tx, event.venue_id, event.due_at, month=MONTH))

    @property
    def clock(self) -> Reminders:
        known = self.memory.look(lambda tx: ReminderClocks(tx).get("v"))
        assert known
        return known


@pytest.fixture
def world() -> World:
    """A venue that gus manages."""
    world = World()
    world.run(lambda tx: add_manager(tx, "v", "gus"))
    return world


def asked(events: list[Event]) -> VenueReviewAsked:
    [one] = events
    assert isinstance(one, VenueReviewAsked)
    return one


class TestVenue:
    def test_who_becomes_its_manager_is_asked_half_a_year_later(self, world: World) -> None:
        one = asked(world.fire())
        assert world.now == NOW + HALF_A_YEAR
        assert (one.managers, one.number, one.at_most) == (["gus"], 1, 3)
        assert one.cared_at == NOW - MONTH
        # addresses travel elsewhere
        assert "courriels" not in {value.column for value in one.values}
        assert "lieu.example.org" not in one.model_dump_json()

    def test_a_check_sets_the_clock_of_who_managed_it_before_there_was_one(self) -> None:
        world = World()

        async def manage(tx: Transaction) -> None:
            venue = await Venues(tx).get("v")
            assert venue
            managed = {"managers": ["gus"], "managers_revision": 1}
            await Venues(tx).save_managers(venue.model_copy(update=managed))

        world.run(manage)
        assert world.memory.timers == {}
        world.run(lambda tx: checks.check(tx, Account(id="gus"), "v", revision=None))
        assert asked(world.fire()).managers == ["gus"]

    def test_a_turn_that_comes_twice_asks_once(self, world: World) -> None:
        [(event, _)] = world.memory.timers.values()
        assert isinstance(event, SheetReviewDue)
        assert len(world.fire()) == 1
        assert world.again(event) == []

    def test_a_check_by_anybody_sets_the_clock(self, world: World) -> None:
        world.now += 5 * MONTH
        zoe = Account(id="zoe")
        world.run(lambda tx: checks.check(tx, zoe, "v", revision=None))
        assert world.fire() == []
        assert world.clock.due_at == NOW + 11 * MONTH
        assert asked(world.fire()).cared_at == NOW + 5 * MONTH

    def test_without_a_manager_nobody_is_asked_and_the_next_one_starts_anew(
        self, world: World
    ) -> None:
        admin = Account(id="mo", roles=frozenset({"moderator"}))
        world.run(lambda tx: set_manager(tx, admin, "v", "gus", manages=False))
        assert world.fire() == []
        world.run(lambda tx: set_manager(tx, admin, "v", "ada", manages=True))
        assert asked(world.fire()).managers == ["ada"]
        assert world.now == NOW + 2 * HALF_A_YEAR

    def test_nobody_is_asked_about_a_sheet_that_left_the_lists(self, world: World) -> None:
        left = Delisting(venue_id="v", why="closed", since=NOW.date(), report_id="r")
        world.run(lambda tx: Delistings(tx).put(left))
        assert world.fire() == []
        world.run(lambda tx: Delistings(tx).remove("v"))
        assert asked(world.fire()).number == 1

    def test_nobody_is_asked_about_a_sheet_that_is_one_with_another(self, world: World) -> None:
        async def merge(tx: Transaction) -> None:
            venue = await Venues(tx).get("v")
            assert venue
            merged = {"merged_into": "w", "revision": venue.revision + 1}
            await Venues(tx).save(venue.model_copy(update=merged))

        world.run(merge)
        assert world.fire() == []

    def test_never_takes_the_timer_away_and_another_choice_brings_it_back(
        self, world: World
    ) -> None:
        gus = Account(id="gus")
        world.run(lambda tx: reminders.choose_rhythm(tx, gus, "v", None, month=MONTH))
        assert world.memory.timers == {}
        world.run(lambda tx: reminders.choose_rhythm(tx, gus, "v", 3, month=MONTH))
        assert asked(world.fire()).every_months == 3
        assert world.now == NOW + 3 * MONTH

    def test_a_timer_that_was_moved_meanwhile_means_nothing(self, world: World) -> None:
        [(event, _)] = world.memory.timers.values()
        assert isinstance(event, SheetReviewDue)
        world.now += MONTH
        world.run(lambda tx: reminders.choose_rhythm(tx, Account(id="gus"), "v", 12, month=MONTH))
        world.now += 6 * MONTH
        assert world.again(event) == []

    def test_who_wants_no_more_hears_no_more_and_the_others_do(self, world: World) -> None:
        world.run(lambda tx: add_manager(tx, "v", "ada"))
        link = SheetLink("v", "account:gus", NOW)
        for _ in range(2):
            world.run(lambda tx: reminders.silence_by_link(tx, link))
        assert world.clock.silenced == ["gus"]
        assert asked(world.fire()).managers == ["ada"]
        world.run(lambda tx: reminders.silence_by_link(tx, SheetLink("v", "account:ada", NOW)))
        assert world.fire() == []
        # until they choose a rhythm again
        world.run(lambda tx: reminders.choose_rhythm(tx, Account(id="gus"), "v", 12, month=MONTH))
        assert asked(world.fire()).managers == ["gus"]

    def test_the_rhythm_is_for_managers(self, world: World) -> None:
        zoe = Account(id="zoe")
        with pytest.raises(NotAllowed):
            world.run(lambda tx: reminders.get_rhythm(tx, zoe, "v"))
        with pytest.raises(NotAllowed):
            world.run(lambda tx: reminders.choose_rhythm(tx, zoe, "v", 3, month=MONTH))

    def test_a_link_checks_for_who_still_manages(self, world: World) -> None:
        link = SheetLink("v", "account:gus", NOW)
        world.run(lambda tx: checks.check_by_link(tx, link, revision=1))
        check = world.memory.look(lambda tx: Checks(tx).last("v"))
        assert check
        assert check.by_role == "manager"
        other = SheetLink("v", "account:zoe", NOW)
        with pytest.raises(NotAllowed):
            world.run(lambda tx: checks.check_by_link(tx, other, revision=1))
