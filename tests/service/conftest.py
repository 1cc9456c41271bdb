"""One process of each service, alone on its topics: what it hears is what a test tells it."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from tests.harness import Servers, System
from tests.harness.receiver import Receiver


@contextmanager
def alone(servers: Servers, service: str, **settings: Any) -> Iterator[System]:
    """One service on its own database and topics, for as long as the block lasts."""
    system = System(servers, services=(service,), **settings)
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


@pytest.fixture(scope="module")
def sending(servers: Servers) -> Iterator[System]:
    """The announcements, that may call this machine."""
    settings = {
        "PRIVATE_NETWORKS": '["127.0.0.0/8"]',
        "WEBHOOK_TIMEOUT": "PT3S",
        "PUBLIC_URL": "https://annonces.example.org",
    }
    with alone(servers, "announcements", **settings) as system:
        yield system


@pytest.fixture(scope="module")
def receiver() -> Iterator[Receiver]:
    """What a subscriber runs."""
    receiver = Receiver()
    yield receiver
    receiver.stop()
