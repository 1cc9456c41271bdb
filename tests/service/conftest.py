"""One process of each service, alone on its topics: what it hears is what a test tells it."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.harness import Servers, System


@contextmanager
def alone(servers: Servers, service: str) -> Iterator[System]:
    """One service on its own database and topics, for as long as the block lasts."""
    system = System(servers, services=(service,))
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
