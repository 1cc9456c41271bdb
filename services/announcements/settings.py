"""The announcements' settings: nothing but what every service has."""

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """Read from the environment."""
