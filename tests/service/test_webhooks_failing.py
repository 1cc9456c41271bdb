"""Endpoints that fail, are slow, ask for a pause or are gone: what is tried again, and when."""

import datetime as dt
import json
import threading
from typing import Any
from uuid import uuid4

import pytest

from services.announcements.domain import public_events
from services.announcements.domain.public_events import PublicEvent
from services.announcements.domain.subscriptions import delivery_of
from services.announcements.store.subscriptions import Deliveries, Outgoing, PublicEvents
from shared.database import Transaction, now
from tests.harness import System, eventually
from tests.harness.bus import message, published, send, tell
from tests.harness.receiver import Receiver, Reply
from tests.harness.refusals import refused
from tests.harness.rows import database, rows, wait_for_rows
from tests.harness.stories import Person
from tests.harness.subscribers import (
    an_update,
    ask,
    deliveries,
    got,
    partner,
    path,
    settled,
    subscribed,
)


async def test_gone_disables_and_says_so(sending: System, receiver: Receiver) -> None:
    person, there = partner(), path()
    receiver.answers(there, Reply(410), Reply(200))
    url = receiver.url(f"{there}?cle=secrete")
    receiver.answers(f"{there}?cle=secrete", Reply(410), Reply(200))
    subscription = subscribed(sending, person, receiver, there, url=url)["id"]
    first = an_update()
    await tell(sending, first)
    [said] = await published(sending, "announcements", subscription, 1)
    assert (said.type, said.body["why"], said.body["host"]) == (
        "SubscriptionDisabled",
        "gone",
        receiver.host,
    )
    assert said.body["owner"]["account_id"] == person.id
    assert "secrete" not in json.dumps(said.body)
    assert ask(sending, person, "GET", f"/{subscription}").json()["state"] == "disabled"
    for action in ("test", f"deliveries/{uuid4().hex}/replay"):
        answer = ask(sending, person, "POST", f"/{subscription}/{action}")
        refused(answer, 409, "subscription-disabled")
    # while it is disabled nothing new waits for it, and what waited goes out once it is enabled
    missed = an_update()
    await tell(sending, missed)
    await wait_for_rows(sending, "announcements", "public_events", 1, subject=missed.venue_id)
    assert len(deliveries(sending, person, subscription)) == 1
    enabled = ask(sending, person, "POST", f"/{subscription}/enable").json()
    assert (enabled["state"], enabled["disabled_why"]) == ("active", None)
    both = got(receiver, f"{there}?cle=secrete", 2)
    assert {json.loads(one.body)["subject"] for one in both} == {first.venue_id}


async def test_who_asks_for_a_pause_gets_nothing_meanwhile(
    sending: System, receiver: Receiver
) -> None:
    person, there = partner(), path()
    receiver.answers(there, Reply(429, {"Retry-After": "3600"}), Reply(200))
    subscription = subscribed(sending, person, receiver, there)["id"]
    await tell(sending, an_update())
    one = settled(sending, person, subscription, "pending")
    assert (one["status"], one["reason"], one["attempts"]) == (429, "status", 1)
    due = dt.datetime.fromisoformat(one["due_at"])
    assert due - dt.datetime.fromisoformat(one["attempted_at"]) == dt.timedelta(hours=1)
    held = ask(sending, person, "GET", f"/{subscription}").json()
    assert dt.datetime.fromisoformat(held["held_until"]) == due
    # another event waits too; one endpoint that is told shows that its turn would have come
    witness = path()
    subscribed(sending, person, receiver, witness)
    await tell(sending, an_update())
    got(receiver, witness)
    assert len(receiver.at(there)) == 1


async def test_a_failure_is_tried_again_and_a_redirect_is_one(
    sending: System, receiver: Receiver
) -> None:
    person, there, elsewhere = partner(), path(), path()
    receiver.answers(there, Reply(302, {"Location": receiver.url(elsewhere)}), Reply(200))
    subscription = subscribed(sending, person, receiver, there)["id"]
    await tell(sending, an_update())
    first, second = got(receiver, there, 2)
    assert receiver.at(elsewhere) == []
    assert first.headers["webhook-id"] == second.headers["webhook-id"]
    assert first.body == second.body
    assert first.headers["webhook-timestamp"] != second.headers["webhook-timestamp"]
    done = settled(sending, person, subscription, "delivered")
    assert (done["attempts"], done["status"], done["reason"]) == (2, 200, None)
    shown = ask(sending, person, "GET", f"/{subscription}").json()
    assert shown["failing_since"] is None


async def test_a_slow_endpoint_does_not_hold_up_another(
    sending: System, receiver: Receiver
) -> None:
    person, slow, quick = partner(), path(), path()
    answer = threading.Event()
    receiver.answers(slow, Reply(200, when=answer))
    slow_one = subscribed(sending, person, receiver, slow)["id"]
    subscribed(sending, person, receiver, quick)
    try:
        await send(sending, "directory", *(message(an_update()) for _ in range(5)))
        got(receiver, quick, 5)
        # and is never called twice at once
        assert len(receiver.at(slow)) <= 2
        tried = eventually(
            lambda: [
                one for one in deliveries(sending, person, slow_one) if one["reason"] == "timeout"
            ]
        )
        assert tried[0]["status"] is None
    finally:
        answer.set()


async def test_the_last_attempt_disables_an_endpoint_that_never_answers(
    sending: System, receiver: Receiver
) -> None:
    person, there = partner(), path()
    receiver.answers(there, Reply(500))
    subscription = subscribed(sending, person, receiver, there)["id"]
    await tell(sending, an_update())
    settled(sending, person, subscription, "pending")
    # three days later, in the row
    async with database(sending, "announcements") as behind:
        await behind.plain("webhooks").update_one(
            {"subscription": subscription}, {"$set": {"attempts": 9}}
        )
        await Outgoing(behind).wake(subscription, now())
    done = settled(sending, person, subscription, "failed")
    assert (done["attempts"], done["status"]) == (10, 500)
    [said] = await published(sending, "announcements", subscription, 1)
    assert (said.type, said.body["why"]) == ("SubscriptionDisabled", "failing")
    assert said.body["failing_since"]


async def test_what_was_sent_and_not_noted_is_sent_again(
    sending: System, receiver: Receiver
) -> None:
    person, there = partner(), path()
    answer = threading.Event()
    receiver.answers(there, Reply(200, when=answer), Reply(200))
    subscribed(sending, person, receiver, there)
    await tell(sending, an_update())
    [first] = got(receiver, there)
    process = sending.processes["announcements"]
    process.kill()
    answer.set()
    process.start()
    sending.wait()
    second = got(receiver, there, 2)[1]
    assert second.headers["webhook-id"] == first.headers["webhook-id"]
    # nothing of the address or the secret is in the log
    assert there not in process.log
    assert receiver.host not in process.log


async def queued(system: System, subscription: str, count: int) -> None:
    """So many deliveries to an endpoint that have been due for longer than any other."""
    since = now() - dt.timedelta(hours=1)
    event = public_events.of_venue(an_update())
    each = [event.model_copy(update={"id": f"evt_{uuid4().hex}"}) for _ in range(count)]
    async with database(system, "announcements") as behind:
        for start in range(0, count, 500):
            some = each[start : start + 500]

            async def add(tx: Transaction, some: list[PublicEvent] = some) -> None:
                for one in some:
                    await PublicEvents(tx).add(one, tx.now)
                await Deliveries(tx).add(*(delivery_of(subscription, one, since) for one in some))

            await behind.run(add)


async def test_who_has_a_long_backlog_and_fails_holds_nobody_up(
    sending: System, receiver: Receiver
) -> None:
    person, bad, good = partner(), path(), path()
    receiver.answers(bad, Reply(500))
    failing = subscribed(sending, person, receiver, bad)["id"]
    # 500 were looked at once, all of this one
    await queued(sending, failing, 1_000)
    await restart(sending)
    eventually(lambda: receiver.at(bad))
    subscribed(sending, person, receiver, good)
    await tell(sending, an_update())
    got(receiver, good)
    tried = len(receiver.at(bad))
    assert tried < 500, tried
    ask(sending, person, "DELETE", f"/{failing}")


async def restart(system: System) -> None:
    """Start the service again, so that it looks at all that is due."""
    process = system.processes["announcements"]
    process.kill()
    process.start()
    system.wait()


@pytest.mark.parametrize("lifted_by", ["enable", "test", "replay"])
async def test_its_owner_need_not_wait_for_the_end_of_a_pause(
    sending: System, receiver: Receiver, lifted_by: str
) -> None:
    person, there = partner(), path()
    receiver.answers(there, Reply(503, {"Retry-After": "3600"}), Reply(200))
    subscription = subscribed(sending, person, receiver, there)["id"]
    await tell(sending, an_update())
    one = settled(sending, person, subscription, "pending")
    assert held_until(sending, person, subscription)
    action = f"deliveries/{one['id']}/replay" if lifted_by == "replay" else lifted_by
    assert ask(sending, person, "POST", f"/{subscription}/{action}").is_success
    _, second = got(receiver, there, 2)
    assert (json.loads(second.body)["type"] == "ping") == (lifted_by == "test")

    # it has answered: the pause is over
    eventually(lambda: held_until(sending, person, subscription) is None)


def held_until(system: System, person: Person, subscription: str) -> Any:
    """The end of an endpoint's pause."""
    return ask(system, person, "GET", f"/{subscription}").json()["held_until"]


async def test_an_absurd_pause_is_none(sending: System, receiver: Receiver) -> None:
    person, there = partner(), path()
    absurd = "Wed, 21 Oct 2026 99999999999999999999:28:00 GMT"
    receiver.answers(there, Reply(500, {"Retry-After": absurd}), Reply(200))
    subscription = subscribed(sending, person, receiver, there)["id"]
    await tell(sending, an_update())
    done = settled(sending, person, subscription, "delivered")
    assert done["attempts"] == 2


async def test_what_cannot_be_read_is_a_failed_attempt_not_a_loop(
    sending: System, receiver: Receiver
) -> None:
    person, there = partner(), path()
    subscription = subscribed(sending, person, receiver, there)["id"]
    await queued(sending, subscription, 1)
    [row] = await rows(sending, "announcements", "webhooks", subscription=subscription)
    async with database(sending, "announcements") as behind:
        change = {"$set": {"data": "valeur-secrete"}}
        await behind.plain("public_events").update_one({"_id": row["event"]}, change)
    replay = f"/{subscription}/deliveries/{row['event']}/replay"
    ask(sending, person, "POST", replay)
    one = settled(sending, person, subscription, "pending")
    assert (one["reason"], one["status"]) == ("internal-error", None)
    assert "valeur-secrete" not in sending.processes["announcements"].log
    assert receiver.at(there) == []


async def test_what_is_no_longer_kept_fails_alone(sending: System, receiver: Receiver) -> None:
    person, there = partner(), path()
    subscription = subscribed(sending, person, receiver, there)["id"]
    async with database(sending, "announcements") as behind:
        event = public_events.of_venue(an_update())
        await behind.run(lambda tx: Deliveries(tx).add(delivery_of(subscription, event, tx.now)))

    def failed() -> Any:
        [one] = deliveries(sending, person, subscription)
        assert one["state"] == "failed"
        return one

    one = eventually(failed)
    assert (one["reason"], one["attempts"]) == ("event-no-longer-kept", 0)
    shown = ask(sending, person, "GET", f"/{subscription}").json()
    assert (shown["state"], shown["failing_since"]) == ("active", None)
