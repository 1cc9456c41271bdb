"""Killed with `kill -9` at each named point and started again: nothing lost, nothing twice."""

from pathlib import Path

import httpx
import pytest

from tests.faults.conftest import Trap
from tests.harness import System, eventually
from tests.harness.bus import published
from tests.harness.stories import (
    Person,
    accept,
    applied,
    history,
    manager_link,
    new_venue,
    propose,
    sheet,
)
from tests.harness.system import text_of, token

HOURS = "Mo-Sa 10:00-18:00"
MODERATOR = token("moderator", "moderator")


@pytest.mark.parametrize(
    "point", ["published-not-marked", "handled-not-committed", "committed-not-acknowledged"]
)
def test_each_service_is_killed_at_a_point(system: System, tmp_path: Path, point: str) -> None:
    publishing = point == "published-not-marked"
    trapped = ("directory", "moderation", *(() if publishing else ("notifications",)))
    traps = {name: Trap(system.processes[name], point, tmp_path / name) for name in trapped}
    system.wait()

    # the directory dies over a decision
    decided, decided_address = new_venue(system)
    nina = Person("nina")
    propose(system, nina, decided, horaires=HOURS)
    link = manager_link(system, decided_address)
    eventually(lambda: outbox_pending(system.processes["directory"].url) == 0)
    traps["directory"].arm()
    accept(link, "horaires")
    eventually(lambda: traps["directory"].sprung)
    system.processes["directory"].start()

    # moderation and notifications die over a proposal
    venue, address = new_venue_and_quiet(system)
    omar = Person("omar")
    for name in trapped[1:]:
        traps[name].arm()
    propose(system, omar, venue, horaires=HOURS)
    for name in trapped[1:]:
        eventually(lambda name=name: traps[name].sprung)  # type: ignore[misc]
        system.processes[name].start()
    accept(manager_link(system, address), "horaires")

    for person, place, mailed in ((nina, decided, decided_address), (omar, venue, address)):
        applied(system, place, 2)
        assert "en ligne" in text_of(system.mails_of(person.email, 2)[1])
        assert [entry["revision"] for entry in history(system, place)] == [2, 1]
        assert len(system.mails(mailed)) == 1
    system.wait()


def test_a_kill_before_the_commit_leaves_nothing(system: System, tmp_path: Path) -> None:
    directory = system.processes["directory"]
    trap = Trap(directory, "before-commit", tmp_path / "armed")
    eventually(directory.ready)
    venue, address = new_venue(system)
    omar = Person("omar")

    trap.arm()
    with pytest.raises(httpx.TransportError):
        propose(system, omar, venue, horaires=HOURS)
    eventually(lambda: trap.sprung)
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


async def test_a_kill_while_a_mail_is_noted_tells_of_it_once(
    system: System, tmp_path: Path
) -> None:
    notifications = system.processes["notifications"]
    trap = Trap(notifications, "before-commit", tmp_path / "armed")
    eventually(notifications.ready)
    venue, address = new_venue(system)
    system.smtp.kill()
    propose(system, Person("ruth"), venue, horaires=HOURS)
    case = _case_of(system, venue)

    def states() -> list[str]:
        path = f"/deliveries?case_id={case}"
        found = system.get("notifications", path, as_=MODERATOR)["items"]
        return [one["state"] for one in found]

    eventually(lambda: states() == ["pending", "pending"])
    trap.arm()
    system.smtp.start()
    eventually(lambda: trap.sprung)
    notifications.start()
    eventually(lambda: states() == ["sent", "sent"])

    assert len({mail["Message-ID"] for mail in system.mails(address)}) == 1
    told = await published(system, "notifications", case, 2)
    assert [one.type for one in told] == ["NoticeSent", "NoticeSent"]
    assert len({one.headers["ce_id"] for one in told}) == 2


def new_venue_and_quiet(system: System) -> tuple[str, str]:
    """A new venue, once the directory's relay has sent all that came of it."""
    venue = new_venue(system)
    eventually(lambda: outbox_pending(system.processes["directory"].url) == 0)
    return venue


def outbox_pending(url: str) -> float:
    """Rows that the relay of this process has still to send and mark."""
    lines = httpx.get(f"{url}/metrics").text.splitlines()
    [pending] = [line for line in lines if line.startswith("mednum_outbox_pending ")]
    return float(pending.split()[1])


def _case_of(system: System, venue: str) -> str:
    def found() -> str:
        cases = system.get("moderation", "/cases", as_=MODERATOR)["items"]
        return "".join(case["id"] for case in cases if case["venue_id"] == venue)

    return eventually(found)


def test_every_service_is_killed_in_the_middle(system: System) -> None:
    venue, address = new_venue(system)
    quentin = Person("quentin")
    propose(system, quentin, venue, horaires=HOURS)

    system.restart()
    link = manager_link(system, address)
    system.restart()
    accept(link, "horaires")
    system.restart()

    assert applied(system, venue, 2)["fiche"]["horaires"] == HOURS
    system.mails_of(quentin.email, 2)
    assert len(system.mails(address)) == 1
    assert sheet(system, venue)["revision"] == 2
