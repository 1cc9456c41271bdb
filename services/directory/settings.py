"""The directory's settings."""

from datetime import time, timedelta
from pathlib import Path
from typing import Annotated, Self

from pydantic import BeforeValidator, Field, SecretStr, model_validator

from services.directory.domain.reminders import MONTH
from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """Read from the environment."""

    public_url: str = "http://127.0.0.1:8001"
    """Where people and feed readers find this service: links in feeds start with it."""
    link_key: SecretStr = SecretStr("")
    """Needed to serve: signs the links in mails; several keys (commas) while they rotate."""
    reminder_month: timedelta = MONTH
    """How long a month of the reminders' rhythm lasts; ISO 8601 (`PT20S`)."""
    dumps_dir: Annotated[Path | None, BeforeValidator(lambda value: value or None)] = None
    """Where the daily dumps of open data are, for all processes of the service; empty: none."""
    dump_at: time = time(3)
    """When the daily dump is made, in Paris."""
    dumps_kept: Annotated[int, Field(ge=1)] = 7
    """Days whose dumps are kept."""
    search_index: str = ""
    """The folder of this process's search index; without one it is built at each start."""
    mednum_data: str = ""
    """A folder of open data: its `geo/communes.csv` says which EPCI each commune is in."""

    @model_validator(mode="after")
    def _goes_forward(self) -> Self:
        if self.reminder_month <= timedelta(0):
            raise ValueError("REMINDER_MONTH must be more than nothing")
        return self

    @property
    def search_folder(self) -> Path | None:
        """Where the search index is kept."""
        return Path(self.search_index) if self.search_index else None

    @property
    def communes_file(self) -> Path | None:
        """The communes of France, if they are there."""
        return Path(self.mednum_data) / "geo" / "communes.csv" if self.mednum_data else None
