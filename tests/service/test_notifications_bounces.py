"""What became of each mail is published, and mails that come back are noted."""

import json
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.harness import System, eventually
from tests.harness.bus import everything_on, published, tell
from tests.harness.rows import rows
from tests.harness.servers import ROOT
from tests.harness.stories import Person
from tests.service.notifications_events import (
    contact,
    deliveries,
    new_venue,
    public,
    review,
)

REPORT = """From: MAILER-DAEMON@relais.example
To: ne-pas-repondre@mednum.example
Subject: Undelivered Mail Returned to Sender
Content-Type: multipart/report; report-type=delivery-status; boundary="=="

--==
Content-Type: message/delivery-status

Reporting-MTA: dns; relais.example

Final-Recipient: rfc822; {address}
Action: {action}
Status: 5.1.1
--==
Content-Type: text/rfc822-headers

To: {address}
Message-ID: {message_id}
--==--
"""


def come_back(system: System, raw: str, **settings: str) -> subprocess.CompletedProcess[str]:
    """Pipe a message to the command, as a mail server does."""
    return subprocess.run(
        [sys.executable, "-m", "services.notifications", "bounce"],
        cwd=ROOT,
        env={**system.environment, **settings},
        input=raw,
        capture_output=True,
        text=True,
        check=False,
    )


def report(address: str, message_id: str, action: str = "failed") -> str:
    return REPORT.format(address=address, message_id=message_id, action=action)


def all_done(system: System, case: str) -> dict[str, Any]:
    """The deliveries of a case, once none is left to send."""

    def done() -> dict[str, Any]:
        found = deliveries(system, case)
        assert found
        assert all(one["state"] != "pending" for one in found.values()), found
        return found

    return eventually(done)


@asynccontextmanager
async def nothing_changed(system: System, case: str) -> AsyncIterator[None]:
    """Fail if the block changes a delivery of a case, or says something of it."""
    before = await _kept(system, case)
    yield
    assert await _kept(system, case) == before


async def _kept(system: System, case: str) -> tuple[list[Any], list[str]]:
    # others of this service are still tried
    said = await rows(system, "notifications", "outbox", key=case)
    noted = await rows(system, "notifications", "deliveries", case_id=case)
    return noted, [one["_id"] for one in said]


async def test_what_became_of_each_mail_is_published(notifications: System) -> None:
    ada, bea, (venue, address) = Person("ada"), Person("bea"), new_venue()
    bea.email = "pas une adresse"
    opened = review(ada, venue, managers=[bea.id])
    await tell(notifications, contact(ada), contact(bea), public(venue, address), opened)

    told = await published(notifications, "notifications", opened.case_id, 3)
    assert {(one.type, one.body["recipient"], one.body["template"]) for one in told} == {
        ("NoticeSent", f"account:{ada.id}", "proposal_received"),
        ("NoticeSent", f"venue:{venue}", "review_opened"),
        ("NoticeBounced", f"account:{bea.id}", "review_opened"),
    }
    assert {one.headers["ce_id"] for one in told} == {
        f"{one.type}:{one.body['template']}:{opened.case_id}:{one.body['recipient']}"
        for one in told
    }
    assert not any("@" in json.dumps([one.headers, one.body]) for one in told)
    correlated = await rows(notifications, "notifications", "deliveries", case_id=opened.case_id)
    assert {one.headers["ce_correlationid"] for one in told} == {
        one["correlation_id"] for one in correlated
    }


async def test_a_delivery_has_bounced_once_every_address_has(notifications: System) -> None:
    cora, (venue, address) = Person("cora"), new_venue()
    other = f"direction-{address}"
    opened = review(cora, venue, public_addresses=2)
    await tell(notifications, contact(cora), public(venue, address, other), opened)
    ids = [str(notifications.mail(one)["Message-ID"]) for one in (address, other)]
    all_done(notifications, opened.case_id)
    place = f"venue:{venue}"

    first = come_back(notifications, report(address, ids[0]))
    assert (first.returncode, first.stderr) == (0, "")
    row = deliveries(notifications, opened.case_id)[place]
    assert (row["state"], row["sent"], row["rejected"]) == ("sent", 1, 1)

    # the same again is known, and changes nothing
    async with nothing_changed(notifications, opened.case_id):
        assert come_back(notifications, report(address, ids[0])).returncode == 0

    second = come_back(notifications, report(other, ids[1]))
    [line] = second.stdout.splitlines()
    assert json.loads(line)["event"] == "mail bounced"
    assert not any("@" in one.stdout for one in (first, second))
    row = deliveries(notifications, opened.case_id)[place]
    assert (row["state"], row["sent"], row["rejected"]) == ("rejected", 0, 2)

    told = await published(notifications, "notifications", opened.case_id, 3)
    of_venue = [one.type for one in told if one.body["recipient"] == place]
    assert of_venue == ["NoticeSent", "NoticeBounced"]


async def test_what_is_no_bounce_of_ours_leaves_no_trace(notifications: System) -> None:
    dora, (venue, address) = Person("dora"), new_venue()
    opened = review(dora, venue)
    await tell(notifications, contact(dora), public(venue, address), opened)
    message_id = str(notifications.mail(address)["Message-ID"])
    all_done(notifications, opened.case_id)
    async with nothing_changed(notifications, opened.case_id):
        for raw in (
            report(address, message_id, action="delayed"),
            report(address, f"<{'0' * 32}@mednum.example>"),
            f"From: {address}\nIn-Reply-To: {message_id}\n\nJe suis absent.",
            "",
        ):
            answer = come_back(notifications, raw)
            assert answer.returncode == 0
            [line] = answer.stdout.splitlines()
            assert json.loads(line)["event"] == "not a bounce of ours"
            assert "@" not in answer.stdout + answer.stderr


async def test_a_bounce_waits_with_the_mail_server_while_the_database_is_away(
    notifications: System,
) -> None:
    away = "mongodb://127.0.0.1:9/?replicaSet=rs0&serverSelectionTimeoutMS=200"
    raw = report("lieu@asso.example", f"<{'0' * 32}@mednum.example>")
    answer = come_back(notifications, raw, MONGO_URL=away)
    assert answer.returncode == 75
    [line] = answer.stdout.splitlines()
    assert json.loads(line)["event"] == "bounce not noted"
    assert "@" not in answer.stdout + answer.stderr


async def test_nothing_on_the_stream_holds_an_address(notifications: System) -> None:
    eli, (venue, address) = Person("eli"), new_venue()
    opened = review(eli, venue)
    await tell(notifications, contact(eli), public(venue, address), opened)
    await published(notifications, "notifications", opened.case_id, 2)
    for record in await everything_on(notifications, "notifications"):
        assert b"@" not in record.value
