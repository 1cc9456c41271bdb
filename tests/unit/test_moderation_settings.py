"""How long a review lasts: a week unless it is told to be shorter, never longer."""

import datetime as dt

import pytest
from pydantic import ValidationError

from services.moderation.settings import Settings

WEEK = dt.timedelta(days=7)
KEY = "k" * 32


@pytest.fixture(autouse=True)
def environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("REVIEW_PERIOD", "REVIEW_REMINDER"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("LINK_KEY", KEY)


def test_a_week_with_a_reminder_after_five_days() -> None:
    settings = Settings()
    assert settings.review_period == WEEK
    assert settings.reminder == dt.timedelta(days=5)


@pytest.mark.parametrize(
    ("text", "period"),
    [
        ("P7D", WEEK),
        ("P1W", WEEK),
        ("PT168H", WEEK),
        ("PT12S", dt.timedelta(seconds=12)),
        ("P2DT3H", dt.timedelta(days=2, hours=3)),
    ],
)
def test_the_period_is_an_iso_8601_duration(
    monkeypatch: pytest.MonkeyPatch, text: str, period: dt.timedelta
) -> None:
    monkeypatch.setenv("REVIEW_PERIOD", text)
    settings = Settings()
    assert settings.review_period == period
    assert settings.reminder == period * 5 / 7


@pytest.mark.parametrize("text", ["P8D", "P7DT1S", "PT0S", "P0D", "-P1D"])
def test_never_more_than_a_week_nor_nothing(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("REVIEW_PERIOD", text)
    with pytest.raises(ValidationError, match="more than nothing and at most P7D"):
        Settings()


@pytest.mark.parametrize("text", ["une semaine", "", "7 jours"])
def test_what_is_no_duration(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("REVIEW_PERIOD", text)
    with pytest.raises(ValidationError, match="review_period"):
        Settings()


def test_the_reminder_may_be_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REVIEW_REMINDER", "P6D")
    assert Settings().reminder == dt.timedelta(days=6)


@pytest.mark.parametrize("text", ["P7D", "P8D", "PT0S", "-PT1S"])
def test_the_reminder_falls_inside_the_period(monkeypatch: pytest.MonkeyPatch, text: str) -> None:
    monkeypatch.setenv("REVIEW_REMINDER", text)
    with pytest.raises(ValidationError, match="inside REVIEW_PERIOD"):
        Settings()


def test_a_reminder_set_for_a_week_does_not_fit_a_shorter_period(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("REVIEW_REMINDER", "P5D")
    monkeypatch.setenv("REVIEW_PERIOD", "PT12S")
    with pytest.raises(ValidationError, match="inside REVIEW_PERIOD"):
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
