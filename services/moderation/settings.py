"""Moderation's settings."""

from datetime import timedelta
from typing import Annotated, Literal, Self

from pydantic import SecretStr, field_validator, model_validator
from pydantic_settings import NoDecode

from services.moderation.domain.policy import ONE_WEEK, Policy
from shared.settings import ServiceSettings

DEFAULT_REMINDERS = (3 / 7, 6 / 7)
"""Day 3 and day 6 of the week, and the same parts of a shorter period."""


class Settings(ServiceSettings):
    """Read from the environment; durations in ISO 8601 (`P7D`, `PT20S`)."""

    review_period: timedelta = ONE_WEEK
    """From a proposal to the moment when silence decides it."""
    review_reminders: Annotated[list[timedelta] | None, NoDecode] = None
    """From a proposal to each reminder, separated by commas; none if empty."""
    unreachable_at_deadline: Literal["approve", "refuse"] = "approve"
    """What silence means if no manager could be told: the week holds, or nothing is applied."""
    assignment_period: timedelta = timedelta(minutes=30)
    """How long a moderator keeps a case for themselves."""
    appeal_window: timedelta = timedelta(days=30)
    """From a refusal to the end of the time to ask another moderator."""
    link_key: SecretStr
    """Signs the links in mails; several keys, separated by commas, while they rotate."""

    @field_validator("review_reminders", mode="before")
    @classmethod
    def _split_reminders(cls, value: object) -> object:
        if isinstance(value, str):
            return [part.strip() for part in value.split(",") if part.strip()]
        return value

    @model_validator(mode="after")
    def _within_the_week(self) -> Self:
        if not timedelta(0) < self.review_period <= ONE_WEEK:
            raise ValueError("REVIEW_PERIOD must be more than nothing and at most P7D")
        if not all(timedelta(0) < one < self.review_period for one in self.policy.reminders):
            raise ValueError("REVIEW_REMINDERS must fall inside REVIEW_PERIOD")
        if self.assignment_period <= timedelta(0) or self.appeal_window <= timedelta(0):
            raise ValueError("ASSIGNMENT_PERIOD and APPEAL_WINDOW must be more than nothing")
        return self

    @property
    def policy(self) -> Policy:
        """As the rules use them."""
        reminders = self.review_reminders
        if reminders is None:
            reminders = [self.review_period * part for part in DEFAULT_REMINDERS]
        return Policy(
            period=self.review_period,
            reminders=tuple(sorted(reminders)),
            assignment=self.assignment_period,
            appeal_window=self.appeal_window,
            unreachable_refuses=self.unreachable_at_deadline == "refuse",
        )
