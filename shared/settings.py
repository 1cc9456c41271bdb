"""What every service can be told by its environment; each service adds its own settings."""

from typing import Annotated, Literal

from pydantic import SecretStr, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

Role = Literal["api", "consumer", "relay", "sender"]


class ServiceSettings(BaseSettings):
    """Settings common to all services, read from environment variables of the same name."""

    model_config = SettingsConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)

    mongo_url: str = "mongodb://127.0.0.1:27017/?replicaSet=rs0"
    database_prefix: str = "mednum_"
    kafka_url: str = "127.0.0.1:9092"
    """Bootstrap servers, separated by commas."""
    kafka_idempotence: bool = True
    """Producer idempotence; off for brokers that lack it (the embedded one)."""
    kafka_session_timeout_ms: int = 10_000
    topic_prefix: str = ""
    topic_partitions: int = 6
    topic_replication: int = 1

    roles: Annotated[frozenset[Role], NoDecode] = frozenset({"api", "consumer", "relay", "sender"})
    """Which parts this process runs, separated by commas."""
    host: str = "127.0.0.1"
    port: int = 8000

    log_format: Literal["json", "console"] = "json"
    log_level: Literal["DEBUG", "INFO", "WARNING", "ERROR"] = "INFO"

    jwks_url: str = ""
    """Where the keys of the identity provider are published."""
    jwt_key: SecretStr = SecretStr("")
    """A local key instead: a PEM public key, or a secret of 32 characters or more (HS256)."""
    jwt_issuer: str = ""
    jwt_audience: str = ""

    @field_validator("roles", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        return [part.strip() for part in value.split(",")] if isinstance(value, str) else value
