"""What becomes of a project that was asked for, and what a round asks for."""

import datetime as dt
from typing import Any

import pytest

from services.announcements.domain.announcements import Announcement, reach
from services.announcements.domain.partners import Delivery, Partner
from services.announcements.domain.ulule import Project
from services.announcements.domain.ulule_fetches import MOST_PAGES, PATIENCE, Fetch, Page, Round
from services.announcements.handlers.decisions import HANDLERS_DECISIONS
from services.announcements.store import Announcements
from services.announcements.store.partners import Deliveries, Partners
from services.announcements.store.ulule import Fetches, Rounds
from services.announcements.use_cases import partners
from services.announcements.use_cases import ulule as use_cases
from services.announcements.use_cases.relayed import announcement_id
from services.announcements.use_cases.ulule import PAGE, ROUND, ROUND_ANEW, ROUND_CUT
from shared.errors import InvalidInput
from shared.events.moderation import AnnouncementValidated
from tests.harness.ulule import project
from tests.unit.announcements_memory import NOW, Memory, validated

ID = announcement_id("atelier", "7")
END = {"date_end": "2026-03-10T12:00:00Z"}
AFTER = dt.datetime(2026, 3, 11, 8, tzinfo=dt.UTC)
FUNDED = {"finished": True, "goal_raised": True}
AGAIN = dt.timedelta(minutes=5)


@pytest.fixture
async def memory() -> Memory:
    memory = Memory()
    partner = Partner(
        slug="atelier", name="Atelier", kind="ulule", ulule_slug="atelier", created_at=NOW
    )
    await Partners(memory).add(partner)
    return memory


async def settle(memory: Memory, fields: dict[str, Any] | None, **values: Any) -> str:
    """What comes of project 7 as it is now; of none, of its absence."""
    found = None if fields is None else Project.read(project(7, **END | fields))
    at = values.pop("at", memory.now)
    fetch = Fetch(partner="atelier", project=7, due_at=memory.now, **values)
    return await use_cases.settle(
        memory, fetch, found, at=at, own_hosts=frozenset(), missing_pause=AGAIN
    )


async def stored(memory: Memory) -> Announcement:
    one = await Announcements(memory).get(ID)
    assert one
    return one


@pytest.fixture
async def online(memory: Memory) -> Memory:
    await settle(memory, {})
    await HANDLERS_DECISIONS[AnnouncementValidated](validated(ID), memory)
    return memory


@pytest.fixture
async def expired(online: Memory) -> Memory:
    """Our timer has ended it at midnight, and nobody has told what became of it."""
    announcement = await stored(online)
    online.now = dt.datetime(2026, 3, 10, 23, tzinfo=dt.UTC)
    await Announcements(online).save(reach(announcement, announcement.until, online.now))
    online.now = AFTER
    return online


async def asked(memory: Memory, *listed: dict[str, Any]) -> bool:
    """Whether a round that sees these projects asks for ours."""
    page = Page(projects=[project(one.pop("id", 7), **END | one) for one in listed], next=None)
    begun = Round(partner="atelier", due_at=memory.now)
    period = dt.timedelta(hours=1)
    assert await use_cases.take_page(memory, begun, page, period=period) == ROUND
    fetch = await Fetches(memory).get("atelier:7")
    if fetch:
        await Fetches(memory).drop(fetch)
    return fetch is not None


async def test_what_is_unchanged_is_not_asked_for(online: Memory) -> None:
    assert not await asked(online, {})
    assert await asked(online, {"amount_raised": 4_000})
    assert await asked(online)


@pytest.mark.parametrize(("reached", "why"), [(True, "funded"), (False, "unfunded")])
async def test_a_lost_end_is_asked_for_once(expired: Memory, reached: bool, why: str) -> None:
    over = {"finished": True, "goal_raised": reached}
    assert (await stored(expired)).why == "expired"
    # on a page or on none
    assert await asked(expired, over)
    assert await asked(expired)
    assert await settle(expired, over) == "ended"
    assert ((await stored(expired)).state, (await stored(expired)).why) == ("closed", why)
    assert not await asked(expired, over)
    assert not await asked(expired)


@pytest.mark.parametrize("answer", [None, {"is_cancelled": True}])
async def test_an_expired_project_without_an_end_is_asked_for_once(
    expired: Memory, answer: dict[str, Any] | None
) -> None:
    assert await asked(expired)
    await settle(expired, answer, missing=True)
    assert (await stored(expired)).why == "expired"
    assert not await asked(expired)


async def test_what_expired_long_ago_is_not_asked_for(expired: Memory) -> None:
    expired.now = AFTER + dt.timedelta(days=7)
    assert not await asked(expired)


async def test_a_project_is_gone_when_it_is_missing_twice(online: Memory) -> None:
    await use_cases.ask(online, "atelier", 7)
    assert await settle(online, None) == "missing"
    again = await Fetches(online).get("atelier:7")
    assert again
    assert (again.missing, again.due_at) == (True, NOW + AGAIN)
    assert (await stored(online)).state == "online"
    assert await settle(online, None, missing=True) == "ended"
    assert (await stored(online)).state == "withdrawn"
    assert await Fetches(online).get("atelier:7") is None


async def test_a_project_that_was_missing_once_stays_online(online: Memory) -> None:
    await settle(online, None)
    assert await settle(online, {}, missing=True) == "unchanged"
    assert (await stored(online)).state == "online"


async def test_the_answer_that_comes_later_counts_whatever_its_clock(online: Memory) -> None:
    behind = NOW - dt.timedelta(hours=1)
    assert await settle(online, {"amount_raised": 4_000}, at=behind) == "progressed"
    assert await settle(online, FUNDED, at=behind) == "ended"
    assert (await stored(online)).why == "funded"


async def test_a_project_that_breaks_a_rule_may_be_replayed(memory: Memory) -> None:
    delivery = Delivery(
        id="atelier:d",
        partner="atelier",
        received_at=NOW,
        status="waiting",
        body=b'{"created": "x", "object": "event", "type": "project.published",'
        b' "resource": {"type": "project", "uri": "https://api.ulule.com/v1/projects/7"}}',
        via="ulule",
    )
    await Deliveries(memory).add(delivery)
    assert await settle(memory, {"date_end": "2020-01-01T12:00:00Z"}, deliveries=[delivery.id])
    after = await Deliveries(memory).get(delivery.id)
    assert after
    assert (after.status, after.reason) == ("failed", "invalid-input, ends_on: past")
    assert after.results[0]["outcome"] == "refused"


async def test_a_round_that_is_cut_says_so(online: Memory) -> None:
    page = Page(projects=[], next="since=1")
    begun = Round(partner="atelier", due_at=NOW)
    period = dt.timedelta(hours=1)
    assert await use_cases.take_page(online, begun, page, period=period) == PAGE
    circle = begun.model_copy(update={"cursors": ["since=1"]})
    long = begun.model_copy(update={"cursors": [f"since={n}" for n in range(2, MOST_PAGES + 2)]})
    for one in (circle, long):
        assert await use_cases.take_page(online, one, page, period=period) == ROUND_CUT


async def test_a_round_that_is_stuck_begins_anew(online: Memory) -> None:
    stuck = Round(partner="atelier", due_at=NOW).next("since=1", [3], NOW)
    due_at = NOW + dt.timedelta(seconds=1)
    assert await use_cases.postpone_page(online, stuck, "x", due_at=due_at) == "page postponed"
    failing = await Rounds(online).get("atelier")
    assert failing
    assert failing.cursor == "since=1"
    online.now = NOW + PATIENCE
    assert await use_cases.postpone_page(online, failing, "x", due_at=due_at) == ROUND_ANEW
    anew = await Rounds(online).get("atelier")
    assert anew
    assert (anew.cursor, anew.seen, anew.due_at) == ("", [], due_at)


async def test_a_round_is_of_one_name_at_ulule(online: Memory) -> None:
    begun = Round(partner="atelier", name="atelier", due_at=NOW).next("since=1", [3], NOW)
    await Rounds(online).put(begun)
    assert await use_cases.rounds_due(online) == [begun]
    await partners.change(online, "atelier", {"ulule_slug": "autre"})
    [anew] = await use_cases.rounds_due(online)
    assert (anew.name, anew.cursor) == ("autre", "")


async def test_only_a_partner_of_ulules_has_a_name_there(memory: Memory) -> None:
    other = Partner(slug="autre", name="Autre", kind="events", created_at=NOW)
    await partners.register(memory, other, email=None)
    with pytest.raises(InvalidInput) as refusal:
        await partners.change(memory, "autre", {"ulule_slug": "autre"})
    named = other.model_copy(update={"slug": "encore", "ulule_slug": "autre"})
    with pytest.raises(InvalidInput):
        await partners.register(memory, named, email=None)
    [wrong] = refusal.value.invalid
    assert (wrong.field, wrong.rule) == ("ulule_slug", "foreign_field")
    # one that was let in before is not pulled
    await Partners(memory).add(named)
    assert [one.partner for one in await use_cases.rounds_due(memory)] == ["atelier"]
