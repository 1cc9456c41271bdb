"""The bus under attack: duplicates, poison, two relays, a rebalance, a late timer."""

import asyncio
import json
import subprocess
import sys
from uuid import uuid4

from shared.database import now
from shared.events import Author, FieldChange
from shared.events.directory import EditProposed
from tests.faults.conftest import MakeSystem
from tests.harness import System, eventually
from tests.harness.bus import everything_on, message, send
from tests.harness.servers import ROOT
from tests.harness.stories import (
    MODERATOR,
    NOBODY,
    Person,
    applied,
    decide,
    history,
    new_venue,
    propose,
    sheet,
)

HOURS = "Mo-Sa 10:00-18:00"


def dead(system: System, service: str, *arguments: str) -> str:
    """`python -m services.… dead …`, as an operator types it."""
    return subprocess.run(
        [sys.executable, "-m", f"services.{service}", "dead", *arguments],
        cwd=ROOT,
        env={**system.environment, "COLUMNS": "40"},
        capture_output=True,
        text=True,
        check=True,
    ).stdout


def proposed(venue: str) -> EditProposed:
    """An event as the directory would publish it."""
    return EditProposed(
        venue_id=venue,
        proposal_id=uuid4().hex,
        venue_nom="Médiathèque",
        author=Author(account_id="somebody"),
        author_is_manager=False,
        public_addresses=0,
        proposed_at=now(),
        base_revision=1,
        changes=[FieldChange(field="horaires", old=None, new=HOURS)],
    )


async def test_duplicates_have_one_effect(system: System) -> None:
    venue, _ = new_venue(system)
    propose(system, Person("ugo"), venue, horaires=HOURS)
    [first] = [
        record
        for record in await everything_on(system, "directory")
        if (record.key or b"").decode() == venue
    ]
    copy = {"key": first.key, "value": first.value, "headers": list(first.headers)}
    await send(system, "directory", *[copy] * 5)

    # what is sent behind the copies arrives behind them
    marker = proposed(venue)
    await send(system, "directory", message(marker, uuid4().hex))
    eventually(lambda: system.get("moderation", f"/cases/{marker.proposal_id}", as_=MODERATOR))

    opened = [
        record
        for record in await everything_on(system, "moderation")
        if json.loads(record.value or b"{}").get("venue_id") == venue
    ]
    assert len(opened) == 2
    cases = system.get("moderation", "/cases", as_=MODERATOR)["items"]
    assert len([case for case in cases if case["venue_id"] == venue]) == 2


async def test_poison_is_parked_with_its_reason_and_replayed(system: System) -> None:
    venue, _ = new_venue(system)
    good = proposed(venue)
    secret = f"{uuid4().hex}@personne.example.org"
    await send(
        system,
        "directory",
        {"value": b"\xff\xfe", "headers": [("ce_type", b"EditProposed"), ("ce_id", b"bad-1")]},
        {"value": b"{}", "headers": [("ce_type", b"\xff"), ("ce_id", b"bad-2")]},
        {"value": b"{}", "headers": []},
        {
            "value": json.dumps({"proposal_id": [secret]}).encode(),
            "headers": [("ce_type", b"EditProposed"), ("ce_id", b"bad-3")],
        },
        {"value": b"{}", "headers": [("ce_type", b"SomethingNew"), ("ce_id", b"unknown")]},
        message(good, uuid4().hex),
    )

    # nothing bad blocks the good one
    eventually(lambda: system.get("moderation", f"/cases/{good.proposal_id}", as_=MODERATOR))

    def listed() -> str:
        table = dead(system, "moderation", "list")
        assert table.count("parked") >= 4, table
        return table

    table = eventually(listed)
    assert "a header is not UTF-8" in table
    assert "the header ce_id is missing" in table
    assert "EditProposed is not valid: body: json_invalid" in table
    assert secret not in table
    assert "unknown" not in table
    assert secret not in system.processes["moderation"].log

    [row] = [line for line in table.splitlines() if "proposal_id: string_type" in line]
    letter = row.split()[0]
    assert secret in dead(system, "moderation", "show", letter)
    assert "1 replayed" in dead(system, "moderation", "replay", letter)

    def parked_again() -> bool:
        rows = dead(system, "moderation", "list").splitlines()
        return ["replayed" in line for line in rows if "proposal_id: string_type" in line] == [
            True,
            False,
        ]

    # still poison: it is parked anew, beside the letter that was replayed
    eventually(parked_again)


async def test_two_relays_and_a_rebalance_lose_and_double_nothing(make_system: MakeSystem) -> None:
    system = make_system(services=("directory", "moderation"))
    venues = [new_venue(system, **NOBODY)[0] for _ in range(4)]
    person = Person("vera")
    others = [system.replica("directory"), system.replica("moderation")]

    proposals = []
    for turn in range(40):
        if turn == 10:
            for replica in others:
                replica.start()
        if turn == 25:
            system.processes["directory"].kill()
            system.processes["moderation"].kill()
            system.processes["directory"] = others[0]
            system.processes["moderation"] = others[1]
            for replica in others:
                eventually(replica.ready)
        changes = {"presentation_resume": f"Présentation {turn}"}
        proposals.append(propose(system, person, venues[turn % 4], **changes))

    def all_open() -> list[str]:
        cases = system.get("moderation", "/cases", as_=MODERATOR)["items"]
        assert len(cases) == len(proposals), len(cases)
        return [case["id"] for case in cases]

    assert sorted(eventually(all_open)) == sorted(proposals)
    # one after the other on each venue: the first is applied, the others meet a conflict
    for proposal in proposals[:4]:
        decide(system, proposal, "approve")
    for venue in venues:
        applied(system, venue, 2)
        assert [entry["revision"] for entry in history(system, venue)] == [2, 1]

    records = await everything_on(system, "moderation")
    opened = [
        dict(record.headers)["ce_id"]
        for record in records
        if dict(record.headers)["ce_type"] == b"ReviewOpened"
    ]
    assert len(set(opened)) == len(proposals)
    for replica in others:
        replica.stop()


async def test_a_late_timer_fires_late(make_system: MakeSystem) -> None:
    system = make_system(
        services=("directory", "moderation"), REVIEW_PERIOD="PT5S", REVIEW_REMINDERS="PT2S"
    )
    venue, _ = new_venue(system)
    person = Person("wim")
    proposal = propose(system, person, venue, horaires=HOURS)
    case = eventually(lambda: system.get("moderation", f"/cases/{proposal}", as_=MODERATOR))
    system.processes["moderation"].kill()

    # the deadline passes while nobody is there
    await asyncio.to_thread(eventually, lambda: now().isoformat() > case["deadline"])
    assert sheet(system, venue)["revision"] == 1
    system.processes["moderation"].start()

    applied(system, venue, 2)
    assert history(system, venue)[0]["accepted"]["how"] == "silence"


async def test_order_holds_per_venue(make_system: MakeSystem) -> None:
    system = make_system(services=("directory", "moderation"))
    venue, _ = new_venue(system, **NOBODY)
    person = Person("xena")
    for turn in range(12):
        proposal = propose(system, person, venue, presentation_resume=f"Présentation {turn}")
        decide(system, proposal, "approve")
        applied(system, venue, turn + 2)

    applied_in_order = [
        json.loads(record.value)["revision"]
        for record in await everything_on(system, "directory")
        if dict(record.headers)["ce_type"] == b"EditApplied"
    ]
    assert applied_in_order == list(range(2, 14))


async def test_addresses_travel_on_contacts_only(system: System) -> None:
    venue, address = new_venue(system)
    yara = Person("yara")
    new_address = f"nouveau-{address}"
    propose(system, yara, venue, courriels=[new_address], horaires=HOURS)
    system.mail(address)
    system.mail(yara.email)

    people = [one.encode() for one in (address, new_address, yara.email)]
    for stream in ("directory", "moderation", "announcements"):
        for record in await everything_on(system, stream):
            assert not any(one in (record.value or b"") for one in people), record
    contacts = b"".join(record.value or b"" for record in await everything_on(system, "contacts"))
    assert all(one in contacts for one in people)
    for process in system.processes.values():
        assert not any(one.decode() in process.log for one in people)
