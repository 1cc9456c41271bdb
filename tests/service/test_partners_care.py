"""Looking after partners: pages of what they sent, suspension, and the end of one."""

from typing import Any
from uuid import uuid4

from services.announcements.domain.partners import Delivery, delivery_id
from services.announcements.store.partners import Deliveries
from shared.database import Transaction
from tests.harness import System, eventually
from tests.harness.bus import published
from tests.harness.partners import ADMIN, Platform, event
from tests.harness.refusals import refused
from tests.harness.rows import database, rows
from tests.harness.system import token


async def test_pages_hold_every_delivery_of_one_moment(announcements: System) -> None:
    platform = Platform(announcements)

    async def add(tx: Transaction) -> None:
        await Deliveries(tx).add(
            *(
                Delivery(
                    id=delivery_id(platform.slug, f"msg_{n:03}"),
                    partner=platform.slug,
                    received_at=tx.now,
                    status="applied" if n % 2 else "failed",
                    via="kafka",
                )
                for n in range(150)
            )
        )

    async with database(announcements, "announcements") as behind:
        await behind.run(add)
    for query, count in [("", 150), ("&status=failed", 75)]:
        found = all_pages(announcements, platform, f"limit=20{query}")
        assert len(found) == len(set(found)) == count
    path = f"/partners/{platform.slug}/deliveries?after=msg_001"
    answer = announcements.call("GET", "announcements", path, as_=ADMIN)
    refused(answer, 422, "invalid-input", ("after", "cursor"))


def all_pages(system: System, platform: Platform, query: str) -> list[str]:
    """The ids of all deliveries, page after page."""
    found: list[str] = []
    after = ""
    while True:
        path = f"/partners/{platform.slug}/deliveries?{query}{after}"
        page = system.get("announcements", path, as_=ADMIN)
        found += [one["id"] for one in page["items"]]
        if not page["next"]:
            return found
        after = f"&after={page['next']}"


async def test_what_was_refused_is_found_by_its_own_id(announcements: System) -> None:
    platform = Platform(announcements)
    platform.send(event("x", {"version": 1}), id_="msg_plain")
    assert all_pages(announcements, platform, "limit=20") == ["msg_plain"]
    assert platform.delivery("msg_plain")["status"] == "refused"


def test_a_partner_of_ulules_sends_no_events(announcements: System) -> None:
    platform = Platform(announcements, kind="ulule", ulule_slug="atelier")
    refused(platform.send(event("42", {"version": 1})), 403, "wrong-door")


async def test_a_suspended_partner_is_replayed_no_more_and_can_be_removed(
    announcements: System,
) -> None:
    address = f"contact-{uuid4().hex[:8]}@plateforme.example.org"
    platform = Platform(announcements, email=address)
    path = f"/partners/{platform.slug}"
    sent = platform.send(event("x", {}, "order.paid")).json()["delivery"]
    eventually(lambda: platform.delivery(sent)["status"] == "ignored")

    def ask(method: str, where: str = path, **how: Any) -> Any:
        return announcements.call(method, "announcements", where, **{"as_": ADMIN, **how})

    refused(ask("DELETE", as_=token("mo", "moderator")), 403, "not-allowed")
    refused(ask("DELETE"), 409, "partner-not-suspended")
    assert ask("PATCH", json={"suspended": True}).is_success
    refused(ask("POST", f"{path}/deliveries/{sent}/replay"), 409, "partner-not-active")

    assert ask("DELETE").status_code == 204
    refused(ask("GET"), 404, "partner-unknown")
    assert await rows(announcements, "announcements", "deliveries", partner=platform.slug) == []
    told, erased = await published(announcements, "contacts", f"partner:{platform.slug}", 2)
    assert told.body["email"] == address
    assert erased.type == "ContactErased"
    assert platform.send(event("x", {}, "order.paid")).status_code == 404
