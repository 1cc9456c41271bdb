"""Two whole systems: one that leaves time to decide, one where silence comes soon."""

from collections.abc import Iterator

import pytest

from tests.harness import Servers, System


@pytest.fixture(scope="session")
def system(servers: Servers) -> Iterator[System]:
    """All services, with the charter's week."""
    system = System(servers)
    try:
        yield system.start()
    finally:
        system.stop()


@pytest.fixture(scope="session")
def quick(servers: Servers) -> Iterator[System]:
    """All services, with a week of some seconds, and months of one."""
    system = System(servers, REVIEW_PERIOD="PT8S", REVIEW_REMINDERS="PT4S", REMINDER_MONTH="PT1S")
    try:
        yield system.start()
    finally:
        system.stop()
