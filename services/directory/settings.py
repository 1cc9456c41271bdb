"""The directory's settings."""

from pydantic import SecretStr

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """Read from the environment."""

    link_key: SecretStr = SecretStr("")
    """Needed to serve: signs the links in mails; several keys, separated by commas, while they rotate."""
