"""Killed with `kill -9` at each named point and started again: nothing lost, nothing twice."""

import contextlib
from pathlib import Path

import httpx
import pytest

from tests.faults.conftest import Trap
from tests.harness import System, eventually
from tests.harness.stories import (
    Person,
    applied,
    confirm,
    history,
    manager_link,
    new_venue,
    propose,
    sheet,
)
from tests.harness.system import text_of, token

HOURS = "Mo-Sa 10:00-18:00"
MODERATOR = token("moderator", "moderator")

POINTS = [
    ("proposing", "directory", "published-not-marked"),
    ("proposing", "moderation", "published-not-marked"),
    ("proposing", "moderation", "handled-not-committed"),
    ("proposing", "moderation", "committed-not-acknowledged"),
    ("proposing", "notifications", "handled-not-committed"),
    ("proposing", "notifications", "committed-not-acknowledged"),
    ("deciding", "directory", "published-not-marked"),
    ("deciding", "directory", "handled-not-committed"),
    ("deciding", "directory", "committed-not-acknowledged"),
    ("deciding", "moderation", "published-not-marked"),
    ("deciding", "notifications", "handled-not-committed"),
]


@pytest.mark.parametrize(("moment", "service", "point"), POINTS)
def test_an_edit_survives_a_kill(
    system: System, tmp_path: Path, moment: str, service: str, point: str
) -> None:
    process = system.processes[service]
    trap = Trap(process, point, tmp_path / "armed")
    eventually(process.ready)
    venue, address = new_venue(system)
    nina = Person("nina")

    # or the trap would spring on the import's own events
    eventually(lambda: outbox_pending(process.url) == 0)
    if moment == "proposing":
        trap.arm()
        # its relay may take the whole process away before the answer is out
        with contextlib.suppress(httpx.TransportError):
            propose(system, nina, venue, horaires=HOURS)
        eventually(lambda: trap.sprung)
        process.start()
        confirm(manager_link(system, address), "accepter", "horaires")
    else:
        propose(system, nina, venue, horaires=HOURS)
        link = manager_link(system, address)
        trap.arm()
        with contextlib.suppress(httpx.TransportError):
            confirm(link, "accepter", "horaires")
        eventually(lambda: trap.sprung)
        process.start()

    applied(system, venue, 2)
    told = system.mails_of(nina.email, 2)
    assert "en ligne" in text_of(told[1])
    eventually(process.ready)
    assert [entry["revision"] for entry in history(system, venue)] == [2, 1]
    assert len(system.mails(address)) == 1


def test_a_kill_before_the_commit_leaves_nothing(system: System, tmp_path: Path) -> None:
    directory = system.processes["directory"]
    trap = Trap(directory, "before-commit", tmp_path / "armed")
    eventually(directory.ready)
    venue, address = new_venue(system)
    omar = Person("omar")

    trap.arm()
    with pytest.raises(httpx.TransportError):
        propose(system, omar, venue, horaires=HOURS)
    assert trap.sprung
    directory.start()
    eventually(directory.ready)

    # told nothing, the person tries again: there is one proposal, not two
    proposal = propose(system, omar, venue, horaires=HOURS)
    system.mail(address)
    cases = system.get("moderation", "/cases", as_=MODERATOR)["items"]
    assert [case["id"] for case in cases if case["venue_id"] == venue] == [proposal]


def test_a_kill_between_sending_and_noting_repeats_the_same_message_id(
    system: System, tmp_path: Path
) -> None:
    notifications = system.processes["notifications"]
    trap = Trap(notifications, "mailed-not-noted", tmp_path / "armed")
    eventually(notifications.ready)
    venue, address = new_venue(system)

    trap.arm()
    propose(system, Person("paula"), venue, horaires=HOURS)
    eventually(lambda: trap.sprung)
    notifications.start()

    # SMTP has no way to take a mail back: its Message-ID lets mailboxes show it once
    eventually(notifications.ready)
    deliveries = f"/deliveries?case_id={_case_of(system, venue)}"

    def all_sent() -> bool:
        found = system.get("notifications", deliveries, as_=MODERATOR)["items"]
        return len(found) == 2 and all(one["state"] == "sent" for one in found)

    eventually(all_sent)
    assert len({mail["Message-ID"] for mail in system.mails(address)}) == 1


def outbox_pending(url: str) -> float:
    """Rows that the relay of this process has still to send and mark."""
    lines = httpx.get(f"{url}/metrics").text.splitlines()
    [pending] = [line for line in lines if line.startswith("mednum_outbox_pending ")]
    return float(pending.split()[1])


def _case_of(system: System, venue: str) -> str:
    def found() -> str:
        cases = system.get("moderation", "/cases", as_=MODERATOR)["items"]
        [case] = [case["id"] for case in cases if case["venue_id"] == venue]
        return str(case)

    return eventually(found)


def test_every_service_is_killed_in_the_middle(system: System) -> None:
    venue, address = new_venue(system)
    quentin = Person("quentin")
    propose(system, quentin, venue, horaires=HOURS)

    system.restart()
    link = manager_link(system, address)
    system.restart()
    confirm(link, "accepter", "horaires")
    system.restart()

    assert applied(system, venue, 2)["fiche"]["horaires"] == HOURS
    system.mails_of(quentin.email, 2)
    assert len(system.mails(address)) == 1
    assert sheet(system, venue)["revision"] == 2
