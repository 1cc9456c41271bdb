"""The directory's settings."""

from datetime import timedelta
from typing import Self

from pydantic import SecretStr, model_validator

from services.directory.domain.reminders import MONTH
from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """Read from the environment."""

    link_key: SecretStr = SecretStr("")
    """Needed to serve: signs the links in mails; several keys (commas) while they rotate."""
    reminder_month: timedelta = MONTH
    """How long a month of the reminders' rhythm lasts; ISO 8601 (`PT20S`)."""

    @model_validator(mode="after")
    def _goes_forward(self) -> Self:
        if self.reminder_month <= timedelta(0):
            raise ValueError("REMINDER_MONTH must be more than nothing")
        return self
