"""How long things take: a week unless it is told to be shorter, never longer."""

import datetime as dt

import pytest
from pydantic import ValidationError

from services.moderation.domain.policy import ONE_WEEK, Policy
from services.moderation.settings import Settings

DAY = dt.timedelta(days=1)
KEY = "k" * 32
NAMES = (
    "REVIEW_PERIOD",
    "REVIEW_REMINDERS",
    "UNREACHABLE_AT_DEADLINE",
    "ASSIGNMENT_PERIOD",
    "APPEAL_WINDOW",
)


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in NAMES:
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LINK_KEY", KEY)


def test_by_default_as_the_charter_says() -> None:
    assert Settings().policy == Policy()
    assert Policy() == Policy(
        period=7 * DAY,
        reminders=(3 * DAY, 6 * DAY),
        assignment=dt.timedelta(minutes=30),
        appeal_window=30 * DAY,
        unreachable_refuses=False,
    )


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("P7D", ONE_WEEK),
        ("P1W", ONE_WEEK),
        ("PT168H", ONE_WEEK),
        ("PT14S", dt.timedelta(seconds=14)),
        ("P2DT3H", dt.timedelta(days=2, hours=3)),
    ],
)
def test_the_period_is_an_iso_8601_duration(
    monkeypatch: pytest.MonkeyPatch, text: str, period: dt.timedelta
) -> None:
    monkeypatch.setenv("REVIEW_PERIOD", text)
    policy = Settings().policy
    assert policy.period == period
    assert policy.reminders == (period * 3 / 7, period * 6 / 7)


@pytest.mark.parametrize("text", ["P8D", "P7DT0.001S", "PT0S", "P0D", "-P1D"])
def test_never_more_than_a_week_nor_nothing(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("REVIEW_PERIOD", text)
    with pytest.raises(ValidationError, match="more than nothing and at most P7D"):
        Settings()


@pytest.mark.parametrize("text", ["une semaine", "", "7 jours"])
@pytest.mark.parametrize("name", ["REVIEW_PERIOD", "ASSIGNMENT_PERIOD", "APPEAL_WINDOW"])
def test_what_is_no_duration(monkeypatch: pytest.MonkeyPatch, name: str, text: str) -> None:
    monkeypatch.setenv(name, text)
    with pytest.raises(ValidationError, match=name.lower()):
        Settings()


@pytest.mark.parametrize(
    ("text", "reminders"),
    [
        ("P5D", (5 * DAY,)),
        ("P1D,P2D, P6D", (DAY, 2 * DAY, 6 * DAY)),
        ("P6D,P3D", (3 * DAY, 6 * DAY)),
        ("", ()),
        (" , ", ()),
    ],
)
def test_the_reminders_may_be_set(
    monkeypatch: pytest.MonkeyPatch, text: str, reminders: tuple[dt.timedelta, ...]
) -> None:
    monkeypatch.setenv("REVIEW_REMINDERS", text)
    assert Settings().policy.reminders == reminders


@pytest.mark.parametrize("text", ["P7D", "P8D", "PT0S", "-PT1S", "P3D,P7D", "PT0S,P3D"])
def test_each_falls_inside_the_period(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("REVIEW_REMINDERS", text)
    with pytest.raises(ValidationError, match="inside REVIEW_PERIOD"):
        Settings()


@pytest.mark.parametrize("text", ["P3D;P6D", "3", "jeudi"])
def test_a_reminder_that_is_no_duration(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("REVIEW_REMINDERS", text)
    with pytest.raises(ValidationError, match=r"review_reminders|REVIEW_PERIOD"):
        Settings()


def test_reminders_set_for_a_week_do_not_fit_a_shorter_period(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REVIEW_REMINDERS", "P5D")
    monkeypatch.setenv("REVIEW_PERIOD", "PT12S")
    with pytest.raises(ValidationError, match="inside REVIEW_PERIOD"):
        Settings()


@pytest.mark.parametrize("name", ["ASSIGNMENT_PERIOD", "APPEAL_WINDOW"])
@pytest.mark.parametrize("text", ["PT0S", "-P1D"])
def test_the_others_last_more_than_nothing(
    monkeypatch: pytest.MonkeyPatch, name: str, text: str
) -> None:
    monkeypatch.setenv(name, text)
    with pytest.raises(ValidationError, match="must be more than nothing"):
        Settings()


def test_the_others_may_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ASSIGNMENT_PERIOD", "PT1H")
    monkeypatch.setenv("APPEAL_WINDOW", "P60D")
    policy = Settings().policy
    assert (policy.assignment, policy.appeal_window) == (DAY / 24, 60 * DAY)


@pytest.mark.parametrize(("text", "refuses"), [("approve", False), ("refuse", True)])
def test_what_silence_means_where_nobody_could_be_reached(
    monkeypatch: pytest.MonkeyPatch, text: str, refuses: bool
) -> None:
    monkeypatch.setenv("UNREACHABLE_AT_DEADLINE", text)
    assert Settings().policy.unreachable_refuses is refuses


@pytest.mark.parametrize("text", ["", "wait", "APPROVE"])
def test_it_means_one_of_two_things(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("UNREACHABLE_AT_DEADLINE", text)
    with pytest.raises(ValidationError, match="unreachable_at_deadline"):
        Settings()


def test_there_is_no_link_without_a_key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LINK_KEY")
    with pytest.raises(ValidationError, match="link_key"):
        Settings()


def test_the_key_is_never_shown() -> None:
    assert KEY not in repr(Settings())


def test_not_even_the_end_of_it_when_another_setting_is_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REVIEW_PERIOD", "P8D")
    with pytest.raises(ValidationError) as refused:
        Settings()
    assert KEY[-8:] not in str(refused.value)
