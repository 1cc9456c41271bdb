"""The servers of a run; its first line says which broker it uses."""

from collections.abc import Iterator

import pytest

from tests.harness import Servers
from tests.harness.servers import chosen_broker


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--broker",
        choices=("auto", "kafka", "embedded"),
        default="auto",
        help="auto: KAFKA_URL if set, else Apache Kafka if tools/kafka can start it, else embedded",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_sessionstart(session: pytest.Session) -> None:
    kind, sentence = chosen_broker(session.config.getoption("broker"))
    session.config.stash[_BROKER] = kind
    reporter = session.config.pluginmanager.get_plugin("terminalreporter")
    if reporter:
        reporter.write_line(sentence)


_BROKER = pytest.StashKey[str]()


@pytest.fixture(scope="session")
def servers(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Servers]:
    """Broker, database and mail servers, shared by the run."""
    servers = Servers(tmp_path_factory.mktemp("servers"), request.config.stash[_BROKER])
    yield servers
    servers.close()
