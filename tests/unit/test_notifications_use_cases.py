"""What events leave behind, with a database in memory; and what moderators see of it."""

import time
from collections.abc import AsyncIterator
from datetime import datetime, timedelta

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey
from pydantic import ValidationError

from services.notifications import domain, use_cases
from services.notifications.app import service
from services.notifications.handlers import HANDLERS
from services.notifications.settings import Settings
from services.notifications.store import Deliveries
from shared.events import Author, Event
from shared.events.contacts import (
    AccountContactChanged,
    AddressesProposed,
    ContactErased,
    VenueAddressesChanged,
)
from shared.events.moderation import ReviewOpened
from shared.events.notifications import NoticeBounced, NoticeSent
from shared.observability import correlated
from shared.service import build
from tests.unit.notifications_memory import NOW, Memory

SECRET = "a-secret-of-thirty-two-characters-or-more"
AT_VENUE = "review_opened:c1:venue:v1"


@pytest.fixture
def memory() -> Memory:
    return Memory()


async def handle(memory: Memory, *events: Event) -> None:
    for event in events:
        with correlated("corr-1", {}):
            await HANDLERS[type(event)](event, memory)


def contact(email: str, changed_at: datetime) -> AccountContactChanged:
    return AccountContactChanged(account_id="ali", email=email, changed_at=changed_at)


def opened(case_id: str = "c1") -> ReviewOpened:
    return ReviewOpened(
        case_id=case_id,
        revision=1,
        kind="edit",
        venue_id="v1",
        title="Médiathèque",
        author=Author(account_id="nina"),
        managers=["ali"],
        public_addresses=1,
        opened_at=NOW,
    )


async def test_an_older_contact_never_overwrites_a_newer_one(memory: Memory) -> None:
    later = NOW + timedelta(seconds=1)
    await handle(memory, contact("neuf@x.fr", later), contact("vieux@x.fr", NOW))
    assert memory.rows("contacts")["ali"]["addresses"] == ["neuf@x.fr"]
    await handle(memory, contact("encore@x.fr", later + timedelta(seconds=1)))
    assert memory.rows("contacts")["ali"]["addresses"] == ["encore@x.fr"]


async def test_older_addresses_of_a_venue_never_overwrite_newer_ones(memory: Memory) -> None:
    for revision in (3, 2, 5, 4):
        address = f"r{revision}@x.fr"
        await handle(
            memory,
            VenueAddressesChanged(venue_id="v1", revision=revision, addresses=[address]),
        )
    assert memory.rows("contacts")["venue:v1"]["addresses"] == ["r5@x.fr"]


async def test_an_erased_contact_is_gone(memory: Memory) -> None:
    proposed = AddressesProposed(proposal_id="c1", old=["a@x.fr"], new=["b@x.fr"])
    await handle(memory, contact("ali@x.fr", NOW), proposed)
    row = memory.rows("contacts")["proposal:c1"]
    assert (row["old"], row["new"]) == (["a@x.fr"], ["b@x.fr"])
    await handle(memory, ContactErased(contact="ali"), ContactErased(contact="proposal:c1"))
    assert memory.rows("contacts") == {}


async def test_an_event_read_twice_tells_once(memory: Memory) -> None:
    await handle(memory, opened(), opened())
    rows = memory.rows("deliveries")
    assert set(rows) == {
        "review_opened:c1:account:ali",
        "review_opened:c1:venue:v1",
        "proposal_received:c1:account:nina",
    }
    assert {row["correlation_id"] for row in rows.values()} == {"corr-1"}
    assert all(row["due_at"] == row["created_at"] == NOW for row in rows.values())


async def test_deliveries_hold_no_address(memory: Memory) -> None:
    await handle(
        memory,
        contact("ali@x.fr", NOW),
        VenueAddressesChanged(venue_id="v1", revision=1, addresses=["lieu@x.fr"]),
        opened(),
    )
    assert len(memory.rows("deliveries")) == 3
    assert "@" not in str(memory.rows("deliveries"))


async def test_message_ids_cannot_be_made_up_from_what_is_known(memory: Memory) -> None:
    await handle(memory, opened(), opened("c2"))
    secrets = {row["case_id"]: row["secret"] for row in memory.rows("deliveries").values()}
    assert len(set(secrets.values())) == 2
    assert all(len(one) == 32 for one in secrets.values())


async def sent(memory: Memory, *names: str) -> None:
    """The venue's delivery of c1, taken by a server for these mails."""
    await handle(memory, opened())
    row = memory.rows("deliveries")[AT_VENUE]
    await memory["deliveries"].put(row | {"sent": list(names)})
    await use_cases.finish(memory, AT_VENUE, "rejected")


async def test_what_became_of_a_mail_is_published_once(memory: Memory) -> None:
    await sent(memory, "un")
    memory.now += timedelta(hours=1)
    await use_cases.finish(memory, AT_VENUE, "failed")
    assert memory.published == {
        f"NoticeSent:{AT_VENUE}": NoticeSent(
            case_id="c1", recipient="venue:v1", template="review_opened", at=NOW
        )
    }
    row = memory.rows("deliveries")[AT_VENUE]
    assert (row["state"], row["done_at"], "due_at" in row) == ("sent", NOW, False)


@pytest.mark.parametrize("state", ["rejected", "unreachable", "failed"])
async def test_a_mail_that_nobody_has_is_published_as_bounced(
    memory: Memory, state: domain.Final
) -> None:
    await handle(memory, opened())
    await use_cases.finish(memory, AT_VENUE, state, "SMTPDataError 554")
    [event] = memory.published.values()
    assert isinstance(event, NoticeBounced)
    row = memory.rows("deliveries")[AT_VENUE]
    assert (row["state"], row["error"]) == (state, "SMTPDataError 554")


async def test_one_bounce_of_two_leaves_a_delivery_sent(memory: Memory) -> None:
    await sent(memory, "un", "deux")
    memory.published.clear()
    assert await use_cases.note_bounce(memory, "un")
    row = memory.rows("deliveries")[AT_VENUE]
    assert (row["state"], row["sent"], row["rejected"]) == ("sent", ["deux"], ["un"])
    assert memory.published == {}

    memory.now += timedelta(days=1)
    assert await use_cases.note_bounce(memory, "deux")
    row = memory.rows("deliveries")[AT_VENUE]
    assert (row["state"], row["sent"]) == ("rejected", [])
    assert memory.published == {
        f"NoticeBounced:{AT_VENUE}": NoticeBounced(
            case_id="c1", recipient="venue:v1", template="review_opened", at=memory.now
        )
    }


async def test_the_same_bounce_twice_is_noted_once(memory: Memory) -> None:
    await sent(memory, "un")
    await use_cases.note_bounce(memory, "un")
    rows = memory.rows("deliveries")
    assert await use_cases.note_bounce(memory, "un") is None
    assert memory.rows("deliveries") == rows
    assert list(memory.published) == [f"NoticeSent:{AT_VENUE}", f"NoticeBounced:{AT_VENUE}"]


async def test_a_bounce_before_the_last_attempt_waits_for_it(memory: Memory) -> None:
    await handle(memory, opened())
    row = memory.rows("deliveries")[AT_VENUE]
    await memory["deliveries"].put(row | {"sent": ["un"]})
    await use_cases.note_bounce(memory, "un")
    assert memory.published == {}
    delivery = await Deliveries(memory).get(AT_VENUE)
    assert (delivery.state, delivery.due_at) == ("pending", NOW)

    await use_cases.finish(memory, AT_VENUE, "rejected")
    assert list(memory.published) == [f"NoticeBounced:{AT_VENUE}"]


async def test_a_bounce_of_somebody_elses_mail_changes_nothing(memory: Memory) -> None:
    await sent(memory, "un")
    rows = memory.rows("deliveries")
    assert await use_cases.note_bounce(memory, "trois") is None
    assert memory.rows("deliveries") == rows


@pytest.fixture
async def http(memory: Memory) -> AsyncIterator[httpx.AsyncClient]:
    settings = Settings(jwt_key=SECRET, link_key=SECRET, roles=frozenset({"api"}))
    app = build(service(settings))
    app.state.database = memory
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


def signed_in(*roles: str) -> dict[str, str]:
    claims = {"sub": "somebody", "exp": int(time.time()) + 60, "roles": list(roles)}
    token = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET))
    return {"Authorization": f"Bearer {token}"}


@pytest.mark.parametrize("role", ["moderator", "admin"])
async def test_moderators_see_the_deliveries_of_a_case(
    http: httpx.AsyncClient, memory: Memory, role: str
) -> None:
    await handle(memory, opened(), opened("c2"))
    answer = await http.get("/deliveries", params={"case_id": "c1"}, headers=signed_in(role))
    assert answer.status_code == 200
    items = answer.json()["items"]
    assert [(one["template"], one["recipient"]) for one in items] == [
        ("proposal_received", "account:nina"),
        ("review_opened", "account:ali"),
        ("review_opened", "venue:v1"),
    ]
    assert items[0] == {
        "template": "proposal_received",
        "recipient": "account:nina",
        "state": "pending",
        "attempts": 0,
        "error": None,
        "sent": 0,
        "rejected": 0,
        "created_at": "2026-11-23T09:00:00Z",
        "due_at": "2026-11-23T09:00:00Z",
        "done_at": None,
    }


async def test_nobody_else_sees_them(http: httpx.AsyncClient, memory: Memory) -> None:
    await handle(memory, opened())
    params = {"case_id": "c1"}
    assert (await http.get("/deliveries", params=params)).status_code == 401
    for role in ("user", "partner"):
        answer = await http.get("/deliveries", params=params, headers=signed_in(role))
        assert answer.status_code == 403
        assert "nina" not in answer.text


async def test_a_case_must_be_named(http: httpx.AsyncClient) -> None:
    answer = await http.get("/deliveries", headers=signed_in("moderator"))
    assert answer.status_code == 422
    assert answer.json()["invalid_params"][0]["field"] == "case_id"


def test_moderators_are_separated_by_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MODERATORS", "mo@x.fr, ma@x.fr,")
    assert Settings(link_key=SECRET).moderators == ("mo@x.fr", "ma@x.fr")


def test_a_sender_without_an_address_is_refused_at_start() -> None:
    with pytest.raises(ValidationError, match="MAIL_FROM"):
        Settings(link_key=SECRET, mail_from="mednum")


def test_secrets_are_not_shown() -> None:
    assert SECRET not in repr(Settings(link_key=SECRET, smtp_password=SECRET))
