"""The settings of notifications: the mail server, the addresses and the links in mails."""

from email.utils import parseaddr
from typing import Annotated, Literal

from pydantic import SecretStr, field_validator
from pydantic_settings import NoDecode

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """Read from the environment."""

    smtp_host: str = "127.0.0.1"
    smtp_port: int = 1025
    smtp_security: Literal["none", "starttls", "tls"] = "none"
    smtp_username: str = ""
    smtp_password: SecretStr = SecretStr("")
    mail_from: str = "mednum <ne-pas-repondre@mednum.example>"
    moderators: Annotated[tuple[str, ...], NoDecode] = ()
    """Who hears of what waits for moderators: addresses, separated by commas."""
    moderation_url: str = "http://127.0.0.1:8002"
    directory_url: str = "http://127.0.0.1:8001"
    link_key: SecretStr
    """Signs the links in mails; the first one signs where there are several (commas)."""

    @field_validator("moderators", mode="before")
    @classmethod
    def _addresses(cls, value: object) -> object:
        if isinstance(value, str):
            return [part.strip() for part in value.split(",") if part.strip()]
        return value

    @field_validator("mail_from")
    @classmethod
    def _sender(cls, value: str) -> str:
        if "@" not in parseaddr(value)[1]:
            raise ValueError("MAIL_FROM must hold an address")
        return value

    @field_validator("moderation_url", "directory_url")
    @classmethod
    def _without_slash(cls, value: str) -> str:
        return value.rstrip("/")
