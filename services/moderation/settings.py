"""Moderation's settings."""

from datetime import timedelta
from typing import Self

from pydantic import SecretStr, model_validator

from shared.settings import ServiceSettings

ONE_WEEK = timedelta(days=7)
"""The network's charter: unless somebody objects, a proposal is online within one week."""

DEFAULT_REMINDER = 5 / 7


class Settings(ServiceSettings):
    """Read from the environment; durations in ISO 8601 (`P7D`, `PT20S`)."""

    review_period: timedelta = ONE_WEEK
    """From a proposal to the moment when silence approves it."""
    review_reminder: timedelta | None = None
    """From a proposal to the reminder; five sevenths of the period unless set."""
    link_key: SecretStr
    """Signs the links in mails; several keys, separated by commas, while they rotate."""

    @model_validator(mode="after")
    def _within_the_week(self) -> Self:
        if not timedelta(0) < self.review_period <= ONE_WEEK:
            raise ValueError("REVIEW_PERIOD must be more than nothing and at most P7D")
        if not timedelta(0) < self.reminder < self.review_period:
            raise ValueError("REVIEW_REMINDER must fall inside REVIEW_PERIOD")
        return self

    @property
    def reminder(self) -> timedelta:
        """When to remind, from the proposal on."""
        if self.review_reminder is not None:
            return self.review_reminder
        return self.review_period * DEFAULT_REMINDER
