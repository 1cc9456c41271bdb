"""Whose webhook is sent next: in turns, however much one endpoint has to get."""

import datetime as dt

from services.announcements.sender.lines import REMEMBERED, Due, Lines

NOW = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(hours=1)


def some(subscription: str, count: int, start: int = 0) -> list[Due]:
    return [Due(f"{subscription}:{n}", subscription) for n in range(start, start + count)]


def serve(lines: Lines, at: dt.datetime = NOW) -> str | None:
    """The delivery that is sent next, one a turn."""
    for subscription in lines.next(1, at, without=()):
        taken = lines.take(subscription, held_until=None)
        lines.served(subscription)
        return taken
    return None


def test_the_longest_line_holds_nobody_up() -> None:
    lines = Lines()
    lines.renew([*some("long", 10_000), *some("a", 1), *some("b", 2)])
    assert [serve(lines) for _ in range(5)] == ["long:0", "a:0", "b:0", "long:1", "b:1"]
    lines.add(some("c", 1))
    assert [serve(lines) for _ in range(3)] == ["long:2", "c:0", "long:3"]


def test_whose_turn_is_next_outlives_a_look_at_everything() -> None:
    lines = Lines()
    lines.renew([*some("long", 3), *some("a", 2)])
    assert serve(lines) == "long:0"
    lines.renew([*some("long", 2, 1), *some("a", 2)])
    assert serve(lines) == "a:0"
    lines.renew([])
    assert serve(lines) is None


def test_a_backlog_is_not_all_in_mind_and_is_asked_for_again() -> None:
    lines = Lines()
    lines.renew(some("long", REMEMBERED + 1))
    # what comes meanwhile stands behind the rest
    lines.add(some("long", 1, REMEMBERED + 1))
    served = [serve(lines) for _ in range(REMEMBERED)]
    assert served == [one.id for one in some("long", REMEMBERED)]
    assert serve(lines) is None
    assert lines.exhausted
    lines.renew(some("long", 2, REMEMBERED))
    assert not lines.exhausted
    assert serve(lines) == f"long:{REMEMBERED}"


def test_in_a_pause_only_what_was_asked_for_goes_out() -> None:
    lines = Lines()
    lines.renew(some("s", 2))
    assert lines.take("s", held_until=LATER) is None
    lines.served("s")
    assert lines.next(9, NOW, without=()) == []
    lines.add([Due("s:ping", "s", asked=True)])
    assert lines.next(9, NOW, without=()) == ["s"]
    assert lines.take("s", held_until=LATER) == "s:ping"
    assert lines.take("s", held_until=LATER) is None
    lines.served("s")
    assert lines.next(9, NOW, without=()) == []
    assert lines.next(9, LATER, without=()) == ["s"]
    assert lines.next(9, LATER, without={"s"}) == []


def test_what_was_asked_for_goes_first_and_what_was_lost_is_asked_for_again() -> None:
    lines = Lines()
    lines.renew([*some("s", 2), Due("s:ping", "s", asked=True)])
    lines.add(some("s", 2))
    assert [serve(lines) for _ in range(4)] == ["s:ping", "s:0", "s:1", None]
    lines.lost("s")
    assert lines.exhausted
    lines.forget("s")
    assert not lines.exhausted
