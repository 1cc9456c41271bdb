"""Kafka, the database or the mail server away: the rest goes on, and what waited comes through."""

from collections.abc import Iterator
from contextlib import ExitStack

import httpx
import pytest

from shared.bus import outbox
from shared.database import Database
from shared.settings import ServiceSettings
from tests.harness import Servers, System, eventually
from tests.harness.partners import Platform, event
from tests.harness.servers import Running
from tests.harness.stories import Person, accept, applied, manager_link, new_venue, propose, sheet
from tests.harness.system import token

HOURS = "Mo-Sa 10:00-18:00"
CALL = {
    "version": 1,
    "kind": "skills_call",
    "titre": "Animer un atelier",
    "texte": "Deux heures par semaine.",
    "lien": "https://missions.example.org/pendant-la-panne",
    "help_kind": "volunteering",
    "remote": True,
    "ends_on": "2028-01-31",
}


class Hurt:
    """A system with servers of its own."""

    def __init__(self, system: System, broker: Running, database: Running) -> None:
        self.system = system
        self.broker = broker
        self.database = database


@pytest.fixture(scope="module")
def hurt(servers: Servers) -> Iterator[Hurt]:
    """All services on a broker and a database that a test may kill."""
    if servers.broker_kind == "given":
        pytest.skip("the broker at KAFKA_URL is not ours to kill")
    with ExitStack() as stack:
        broker, database = servers.broker(), servers.database()
        stack.callback(broker.stop)
        stack.callback(database.stop)
        system = System(
            servers,
            broker_settings=broker.server.settings,
            database_settings=database.server.settings,
        )
        stack.callback(system.stop)
        yield Hurt(system.start(), broker, database)


def found(system: System, venue: str) -> list[str]:
    """What the search says of the hours of a venue that has the postcode of its own."""
    page = system.get("directory", "/venues?code_postal=05100&limit=200")
    return [one["fiche"]["horaires"] for one in page["items"] if one["id"] == venue]


async def start_broker_again(hurt: Hurt, servers: Servers) -> None:
    """As an operator does (Apache Kafka keeps its data), or the supervisor (Tansu does not)."""
    hurt.broker.start()
    if servers.broker_kind == "kafka":
        return
    # the embedded broker comes back empty: what the outboxes keep is sent again
    for process in hurt.system.processes.values():
        process.kill()
    environment = hurt.system.environment
    for service in hurt.system.processes:
        name = f"{environment['DATABASE_PREFIX']}{service}"
        database = Database(
            environment["MONGO_URL"], name, outbox.publisher(service, ServiceSettings())
        )
        await outbox.requeue_published(database)
        database.close()
    for process in hurt.system.processes.values():
        process.start()


async def test_kafka_away_while_proposing(hurt: Hurt, servers: Servers) -> None:
    system = hurt.system
    venue, address = new_venue(system, code_postal="05100")
    before = [sheet(system, venue)["fiche"]["horaires"]]
    eventually(lambda: found(system, venue) == before)
    platform = Platform(system)
    hurt.broker.kill()

    # the API does not need Kafka
    propose(system, Person("rosa"), venue, horaires=HOURS)
    assert sheet(system, venue)["revision"] == 1
    assert found(system, venue) == before
    assert system.mails(address) == []
    pushed = platform.send(event("r1", CALL))
    assert pushed.status_code == 202, pushed.text
    id_ = pushed.json()["delivery"]
    assert platform.delivery(id_)["status"] == "accepted"
    red = eventually(
        lambda: httpx.get(f"{system.processes['directory'].url}/health/ready").json()["red"]
    )
    assert red["kafka"] == "unreachable"

    await start_broker_again(hurt, servers)
    eventually(lambda: platform.delivery(id_)["status"] == "applied")
    accept(manager_link(system, address), "horaires")
    applied(system, venue, 2)
    eventually(lambda: found(system, venue) == [HOURS])
    system.wait()


def test_the_database_is_killed_and_nothing_is_parked(hurt: Hurt) -> None:
    system = hurt.system
    venue, address = new_venue(system, code_postal="05100")
    eventually(lambda: found(system, venue))
    sam = Person("sam")
    propose(system, sam, venue, horaires=HOURS)

    hurt.database.kill()
    assert found(system, venue)
    answer = system.call("GET", "directory", f"/venues/{venue}")
    assert answer.status_code == 503
    assert answer.json()["type"] == "urn:mednum:problem:busy"
    eventually(
        lambda: httpx.get(f"{system.processes['moderation'].url}/health/ready").status_code == 503
    )
    hurt.database.start()

    accept(manager_link(system, address), "horaires")
    applied(system, venue, 2)
    eventually(lambda: found(system, venue) == [HOURS])
    system.mails_of(sam.email, 2)
    assert all(_dead_letters(process.url) == 0 for process in system.processes.values())


def test_the_mail_server_is_away(hurt: Hurt) -> None:
    system = hurt.system
    venue, address = new_venue(system)
    system.smtp.kill()
    proposal = propose(system, Person("tess"), venue, horaires=HOURS)
    moderator = token("m", "moderator")

    def postponed() -> bool:
        path = f"/deliveries?case_id={proposal}"
        found = system.get("notifications", path, as_=moderator)["items"]
        return len(found) == 2 and all(one["attempts"] > 0 for one in found)

    eventually(postponed)
    system.smtp.start()
    system.mail(address)


def _dead_letters(url: str) -> float:
    text = httpx.get(f"{url}/metrics").text
    counted = [line for line in text.splitlines() if line.startswith("mednum_dead_letters_total{")]
    return sum(float(line.rsplit(" ", 1)[1]) for line in counted)
