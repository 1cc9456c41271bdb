"""What operators see: health, metrics, roles, and logs that give nobody away."""

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any
from uuid import uuid4

import httpx
import pytest

from shared.embedded import free_port
from tests.harness import System, eventually
from tests.harness.bus import published, tell
from tests.harness.cases import fill_in, link, opened
from tests.harness.refusals import bad_authorizations, refused
from tests.harness.stories import Person, new_venue, propose, sheet
from tests.harness.system import Process
from tests.harness.system import request as ask
from tests.service.notifications_events import contact, public, review

HOURS = "Mo-Sa 10:00-18:00"
SERVICES = ("directory", "moderation", "announcements", "notifications")
OF_ALL = {
    "mednum_consumer_lag",
    "mednum_dead_letters_total",
    "mednum_events_duplicate_total",
    "mednum_events_handled_total",
    "mednum_events_retried_total",
    "mednum_outbox_oldest_seconds",
    "mednum_outbox_pending",
    "mednum_outbox_published_total",
    "mednum_outbox_refused_total",
    "mednum_timer_lateness_seconds",
}
OF_MAILS = {"mednum_mails_total", "mednum_mails_pending"}

# a token of any kind starts like this; an address is somebody's
SECRET = re.compile(r"eyJ[\w-]+\.[\w-]*|\b[\w.+-]+@[\w-]+(\.[\w-]+)*\.[a-z]{2,}", re.IGNORECASE)

Replica = Callable[..., Process]


@pytest.fixture(params=SERVICES)
def one(request: pytest.FixtureRequest) -> tuple[str, System]:
    """Each service by itself."""
    return request.param, request.getfixturevalue(request.param)


@pytest.fixture
def replica(directory: System) -> Iterator[Replica]:
    """One more process of the directory, with settings of its own; stopped with the test."""
    with ExitStack() as stack:

        def start(**settings: str) -> Process:
            process = directory.replica("directory", **settings)
            stack.callback(process.stop)
            process.start()
            return process

        yield start


def health(process: Process, what: str = "ready") -> httpx.Response:
    """What a process says of itself, once its port is open."""
    assert not process.dead, process.log
    return eventually(lambda: httpx.get(f"{process.url}/health/{what}", timeout=20))


def red(process: Process) -> dict[str, str]:
    """The parts that are not well."""
    answer = httpx.get(f"{process.url}/health/ready", timeout=20)
    body = answer.json()
    assert (answer.status_code, body["status"]) == (503, "not ready")
    parts: dict[str, str] = body["red"]
    return parts


def test_a_service_that_is_well(one: tuple[str, System]) -> None:
    service, system = one
    assert system.get(service, "/health/live") == {"status": "live"}
    assert system.get(service, "/health/ready") == {"status": "ready", "red": {}}
    refused(system.call("GET", service, "/nulle-part"), 404, "not-found")


def test_a_service_has_its_metrics(one: tuple[str, System]) -> None:
    service, system = one
    answer = system.call("GET", service, "/metrics")
    assert answer.headers["content-type"].startswith("text/plain")
    kinds = dict(re.findall(r"^# TYPE (mednum_\w+) (\w+)", answer.text, re.MULTILINE))
    assert kinds.keys() >= OF_ALL
    assert kinds.keys() >= OF_MAILS or service != "notifications"
    assert kinds["mednum_outbox_pending"] == "gauge"
    assert kinds["mednum_timer_lateness_seconds"] == "histogram"
    assert not SECRET.search(answer.text)


async def test_metrics_move(directory: System, notifications: System) -> None:
    def counted(system: System, service: str, line: str) -> float:
        text = system.call("GET", service, "/metrics").text
        found = re.search(rf"^{re.escape(line)} (\S+)$", text, re.MULTILINE)
        return float(found[1]) if found else 0.0

    sent, mailed = "mednum_outbox_published_total", 'mednum_mails_total{outcome="sent"}'
    handled = 'mednum_events_handled_total{type="ReviewOpened"}'
    before = (
        counted(directory, "directory", sent),
        counted(notifications, "notifications", mailed),
        counted(notifications, "notifications", handled),
    )
    venue, _ = new_venue(directory)
    person = Person("metra")
    propose(directory, person, venue, horaires=HOURS)
    address = f"accueil@{venue}.example.org"
    await tell(notifications, contact(person), public(venue, address), review(person, venue))

    # the public address at the import, then the author's and the proposal
    eventually(lambda: counted(directory, "directory", sent) >= before[0] + 3)
    eventually(lambda: counted(notifications, "notifications", mailed) >= before[1] + 2)
    assert counted(notifications, "notifications", handled) == before[2] + 1
    assert counted(directory, "directory", "mednum_outbox_pending") == 0


async def test_the_api_alone_needs_no_kafka(directory: System, replica: Replica) -> None:
    api = replica(ROLES="api", KAFKA_URL=f"127.0.0.1:{free_port()}")
    eventually(api.ready)
    venue, _ = new_venue(directory)
    person = Person("una")
    answer = ask(
        "POST",
        f"{api.url}/venues/{venue}/edits",
        json={"base_revision": 1, "changes": {"horaires": HOURS}},
        headers={"Authorization": f"Bearer {person.token}"},
    )
    assert answer.status_code == 201, answer.text
    # whoever has the relay sends what this one wrote
    [event] = await published(directory, "directory", venue, 1)
    assert event.body["proposal_id"] == answer.json()["id"]
    assert health(api).json() == {"status": "ready", "red": {}}


def test_a_relay_alone_has_no_routes(directory: System, replica: Replica) -> None:
    relay = replica(ROLES="relay")
    eventually(relay.ready)
    venue, _ = new_venue(directory)
    refused(httpx.get(f"{relay.url}/venues/{venue}"), 404, "not-found")
    assert health(relay, "live").status_code == 200
    assert httpx.get(f"{relay.url}/metrics").status_code == 200


def test_kafka_away_is_said(directory: System, replica: Replica) -> None:
    process = replica(KAFKA_URL=f"127.0.0.1:{free_port()}")
    assert health(process, "live").json() == {"status": "live"}
    eventually(lambda: red(process).get("start", "").startswith("kafka"))
    assert "database" not in red(process)
    # the API is there all the same
    venue, _ = new_venue(directory)
    assert httpx.get(f"{process.url}/venues/{venue}").json() == sheet(directory, venue)


def test_the_database_away_is_said(replica: Replica) -> None:
    process = replica(MONGO_URL=f"mongodb://127.0.0.1:{free_port()}/?replicaSet=nowhere")
    assert health(process, "live").json() == {"status": "live"}
    assert "database" in eventually(lambda: red(process))
    answer = httpx.get(f"{process.url}/venues/x", timeout=60)
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers["retry-after"]
    assert answer.json()["type"] == "urn:mednum:problem:busy"


@pytest.mark.parametrize("given", ["ada@courriel.example.org", "a b", "x" * 65, "é", ""])
def test_a_correlation_id_is_ours_or_well_formed(directory: System, given: str) -> None:
    headers = {"X-Correlation-Id": given.encode()}
    answer = directory.call("GET", "directory", "/venues/x", headers=headers)
    assert re.fullmatch(r"[0-9a-f]{32}", answer.headers["x-correlation-id"])


async def touch(system: System, service: str) -> None:
    """Use a service well and badly, with secrets of every kind."""
    person = Person("secrets")
    for authorization in bad_authorizations().values():
        headers = {"Authorization": authorization} if authorization else {}
        system.call("GET", service, "/proposals/x", headers=headers)
    system.call("GET", service, f"/nulle-part/{person.token}/{person.email}", as_=person.token)
    if service == "directory":
        venue, address = new_venue(system)
        propose(system, person, venue, courriels=[address, person.email], horaires=HOURS)
        news: dict[str, Any] = {"titre": "Atelier", "texte": person.email}
        path = f"/venues/{venue}/news"
        system.call("POST", service, path, as_=person.token, json=news)
        news["lien"] = f"mailto:{person.email}"
        system.call("POST", service, path, as_=person.token, json=news)
        system.call("GET", service, f"/venues/{person.email}")
    elif service == "moderation":
        edit = await opened(system)
        path = link(edit.proposal_id, f"venue:{edit.venue_id}")
        for one in (path, f"{path}x"):
            system.call("GET", service, one)
            fill_in(system, one, {"choix": "refuser", "motif": person.email})
    elif service == "announcements":
        for ends_on in ("2020-01-01", person.email):
            call = {"kind": "skills_call", "titre": person.email, "ends_on": ends_on}
            system.call("POST", service, "/announcements", as_=person.token, json=call)
    else:
        address = f"accueil-{uuid4().hex[:8]}@lieu.example.org"
        venue = f"lieu-{uuid4().hex[:8]}"
        await tell(system, contact(person), public(venue, address), review(person, venue))
        system.mail(address)
        system.mail(person.email)


async def test_logs_give_nobody_away(one: tuple[str, System]) -> None:
    service, system = one
    await touch(system, service)
    correlation = uuid4().hex
    system.call("GET", service, "/fin", headers={"X-Correlation-Id": correlation})
    process = system.processes[service]
    eventually(lambda: correlation in process.log)

    for line in process.log.splitlines():
        entry = json.loads(line)
        assert {"event", "level", "timestamp", "service"} <= entry.keys(), line
        assert entry["service"] == service
        assert not SECRET.search(line), line
