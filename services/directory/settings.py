"""The directory's settings, beside those of every service."""

from pydantic import SecretStr

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """Read from the environment."""

    link_key: SecretStr
    """Signs the links in mails; several keys, separated by commas, while they rotate."""
