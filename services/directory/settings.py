"""The directory's settings, beside those that every service has."""

from datetime import time
from pathlib import Path
from typing import Annotated

from pydantic import BeforeValidator, Field

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """Read from the environment."""

    public_url: str = "http://127.0.0.1:8001"
    """Where people and feed readers find this service: links in feeds start with it."""
    dumps_dir: Annotated[Path | None, BeforeValidator(lambda value: value or None)] = None
    """Where the daily dumps of open data are, for all processes of the service; empty: none."""
    dump_at: time = time(3)
    """When the daily dump is made, in Paris."""
    dumps_kept: Annotated[int, Field(ge=1)] = 7
    """Days whose dumps are kept."""
