"""What a check says, and when it says nothing new."""

import datetime as dt

import pytest

from services.directory.domain.checks import Check, role_of

NOON = dt.datetime(2026, 3, 2, 12, tzinfo=dt.UTC)
CONFIRMED = Check(venue_id="v", at=NOON, by_role="manager", read=4, revision=5)


@pytest.mark.parametrize(
    ("account", "moderator", "role"),
    [
        ("gus", False, "manager"),
        # who manages it speaks as its manager, whatever else they are
        ("gus", True, "manager"),
        ("mo", True, "moderator"),
        ("zoe", False, "visitor"),
    ],
)
def test_as_what_somebody_looks(account: str, moderator: bool, role: str) -> None:
    assert role_of(account, ["gus"], moderator=moderator) == role


@pytest.mark.parametrize(
    ("read", "current", "covers"),
    [(4, 5, True), (5, 5, True), (3, 5, False), (6, 5, False), (5, 6, False), (4, 6, False)],
)
def test_who_read_the_text_before_it_was_confirmed_read_the_same(
    read: int, current: int, covers: bool
) -> None:
    assert CONFIRMED.covers(read, current=current) is covers


@pytest.mark.parametrize(
    ("role", "later", "repeats"),
    [
        ("manager", dt.timedelta(hours=9), True),
        ("visitor", dt.timedelta(hours=9), False),
        # the next day has begun in Paris
        ("manager", dt.timedelta(hours=11, minutes=30), False),
    ],
)
def test_the_same_people_on_the_same_day(role: str, later: dt.timedelta, repeats: bool) -> None:
    assert CONFIRMED.repeats(role, NOON + later) is repeats  # type: ignore[arg-type]
