"""One process of each service, alone on its topics: what it hears is what a test tells it."""

import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import httpx
import pytest

from tests.harness import Servers, System

_TLS = ssl.create_default_context()


class Alone(System):
    """A system that is asked a thousand questions."""

    def call(
        self, method: str, service: str, path: str, *, as_: str | None = None, **options: Any
    ) -> httpx.Response:
        """As any system; certificates, which nobody needs here, are not read again each time."""
        return super().call(method, service, path, as_=as_, verify=_TLS, **options)


@contextmanager
def alone(servers: Servers, service: str) -> Iterator[System]:
    """One service on its own database and topics, for as long as the block lasts."""
    system = Alone(servers, services=(service,))
    try:
        yield system.start()
    finally:
        system.stop()


@pytest.fixture(scope="session")
def directory(servers: Servers) -> Iterator[System]:
    """The directory."""
    with alone(servers, "directory") as system:
        yield system


@pytest.fixture(scope="session")
def moderation(servers: Servers) -> Iterator[System]:
    """Moderation, with the charter's week."""
    with alone(servers, "moderation") as system:
        yield system


@pytest.fixture(scope="session")
def announcements(servers: Servers) -> Iterator[System]:
    """The announcements."""
    with alone(servers, "announcements") as system:
        yield system


@pytest.fixture(scope="session")
def notifications(servers: Servers) -> Iterator[System]:
    """Notifications, with a mail server."""
    with alone(servers, "notifications") as system:
        yield system
