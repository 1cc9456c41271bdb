"""Temporary notices: their days, and when they are shown."""

import datetime as dt
from typing import Any

import pytest
from pydantic import ValidationError

from services.directory.domain.notices import LONGEST, Notice, NoticeWords, check_days, shown, today
from shared.errors import InvalidInput

TODAY = dt.date(2026, 3, 2)
DAY = dt.timedelta(days=1)


def said(first: int = 0, last: int = 3, **values: Any) -> NoticeWords:
    """A notice from and until so many days from today."""
    days = {"starts_on": TODAY + first * DAY, "until": TODAY + last * DAY}
    return NoticeWords(**{"kind": "closure", "text": "Travaux.", **days, **values})


def notice(id_: str, first: int, last: int) -> Notice:
    at = dt.datetime(2026, 3, 1, tzinfo=dt.UTC)
    return Notice(id=id_, venue_id="v", updated_at=at, **said(first, last).model_dump())


@pytest.mark.parametrize(
    ("first", "last"), [(0, 0), (-30, 0), (5, 5), (LONGEST.days, LONGEST.days), (0, LONGEST.days)]
)
def test_days_that_are_fine(first: int, last: int) -> None:
    check_days(said(first, last), TODAY)


@pytest.mark.parametrize(
    ("first", "last", "rule"),
    [
        (3, 2, "before_from"),
        (-3, -1, "past"),
        (0, LONGEST.days + 1, "too_long"),
        (-1, LONGEST.days, "too_long"),
        (LONGEST.days, LONGEST.days + 1, "too_long"),
    ],
)
def test_days_that_are_not(first: int, last: int, rule: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        check_days(said(first, last), TODAY)
    [wrong] = refused.value.invalid
    assert (wrong.field, wrong.rule) == ("until", rule)


def test_the_last_day_is_shown_and_the_next_is_not() -> None:
    over, last_day, to_come, current = (
        notice("over", -5, -1),
        notice("last", -5, 0),
        notice("coming", 4, 9),
        notice("current", -1, 2),
    )
    assert shown([over, to_come, current, last_day], TODAY) == [last_day, current, to_come]


def test_the_day_is_that_of_paris() -> None:
    assert today(dt.datetime(2026, 3, 2, 23, 30, tzinfo=dt.UTC)) == dt.date(2026, 3, 3)


def test_signs_that_nobody_sees_are_left_out() -> None:
    assert said(text=" Fermé\x00 \u202eici ").text == "Fermé ici"


@pytest.mark.parametrize(
    "values",
    [{"text": " \x00"}, {"text": "é" * 501}, {"kind": "party"}, {"until": None}, {"more": 1}],
)
def test_what_a_notice_cannot_say(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        said(**values)
