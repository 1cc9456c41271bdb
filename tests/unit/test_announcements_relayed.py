"""What partners' platforms say settles by the version of each resource."""

import dataclasses
import datetime as dt
import json
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.announcements.domain import announcements as rules
from services.announcements.domain.announcements import Announcement
from services.announcements.domain.calls import Call, FundingCall
from services.announcements.domain.partners import Delivery, Partner, delivery_id
from services.announcements.domain.problems import AnnouncementDuplicate
from services.announcements.handlers.decisions import HANDLERS_DECISIONS
from services.announcements.store import Announcements
from services.announcements.store.partners import Deliveries, Partners
from services.announcements.use_cases import intake, relayed
from services.announcements.use_cases.relayed import Source
from shared.errors import InvalidInput
from shared.events.announcements import AnnouncementEndReached, AnnouncementSubmitted
from tests.unit.announcements_memory import FUNDING, NOW, Memory, call, funding, refused, validated

OWN = frozenset({"portail.example.org"})
ID = relayed.announcement_id("ulule", "7")


def source(version: int, reference: str = "7") -> Source:
    return Source(slug="ulule", name="Ulule", reference=reference, version=version)


async def take_over(
    memory: Memory, version: int, said: Call | None = None, *, hold: bool = False, ref: str = "7"
) -> str:
    now = said or funding()
    result = await relayed.take_over(memory, source(version, ref), now, own_hosts=OWN, hold=hold)
    assert result.announcement_id == relayed.announcement_id("ulule", ref)
    return result.outcome


async def stored(memory: Memory) -> Announcement:
    one = await Announcements(memory).get(ID)
    assert one
    return one


async def decide(memory: Memory, event: Any) -> None:
    await HANDLERS_DECISIONS[type(event)](event, memory)


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
async def online(memory: Memory) -> Memory:
    """Version 5 is online."""
    assert await take_over(memory, 5) == "created"
    await decide(memory, validated(ID))
    memory.take()
    return memory


async def test_the_id_is_the_same_for_ever() -> None:
    assert len(ID) == 32
    others = {("ulule", "8"), ("ulul", "e:7"), ("autre", "7")}
    assert len({ID, *(relayed.announcement_id(*one) for one in others)}) == 4


async def test_a_new_one_is_submitted_by_the_partner(memory: Memory) -> None:
    assert await take_over(memory, 1) == "created"
    (event,) = memory.take()
    assert isinstance(event, AnnouncementSubmitted)
    assert event.author.account_id == "partner:ulule"
    assert "Objectif : 1 000 EUR" in event.details
    assert await take_over(memory, 1) == "unchanged"
    assert await take_over(memory, 1, funding(titre="Autre")) == "stale"
    assert await take_over(memory, 0) == "stale"
    assert memory.take() == []


async def test_held_it_is_a_draft_until_it_is_sent(memory: Memory) -> None:
    assert await take_over(memory, 1, hold=True) == "created"
    assert await take_over(memory, 2, funding(titre="Autre"), hold=True) == "updated"
    one = await stored(memory)
    assert (one.state, one.call.titre, one.links) == ("draft", "Autre", [])
    assert memory.take() == []
    assert await take_over(memory, 3, funding(titre="Autre")) == "updated"
    assert (await stored(memory)).state == "submitted"


async def test_figures_show_at_once(online: Memory) -> None:
    assert await take_over(online, 6, funding(raised=400, supporters=4)) == "progressed"
    assert online.names() == ["AnnouncementProgressed"]
    assert await take_over(online, 7, funding(raised=400, supporters=4)) == "unchanged"
    result = await relayed.progress(online, source(8), raised=500, supporters=5)
    assert result.outcome == "progressed"
    result = await relayed.progress(online, source(7), raised=100, supporters=1)
    assert result.outcome == "stale"
    one = await stored(online)
    assert isinstance(one.call, FundingCall)
    assert one.call.raised == 500
    # what leaves the supporters out does not take them away
    await relayed.progress(online, source(9), raised=600, supporters=None)
    one = await stored(online)
    assert isinstance(one.call, FundingCall)
    assert (one.call.raised, one.call.supporters) == (600, 5)


async def test_another_text_is_reviewed_and_a_return_takes_it_back(online: Memory) -> None:
    assert await take_over(online, 6, funding(titre="Autre", raised=10)) == "updated"
    assert online.names() == ["AnnouncementProgressed", "AnnouncementSubmitted"]
    one = await stored(online)
    assert (one.state, one.call.titre) == ("online", "Un bus numérique")
    assert await take_over(online, 7, funding(titre="Autre", raised=20)) == "progressed"
    online.take()
    assert await take_over(online, 8, funding(raised=20)) == "updated"
    assert online.names() == ["AnnouncementWithdrawn"]


async def test_a_refused_one_comes_back_with_another_text_only(memory: Memory) -> None:
    await take_over(memory, 1)
    await decide(memory, refused(ID))
    memory.take()
    assert await take_over(memory, 2, funding(raised=5)) == "progressed"
    assert await take_over(memory, 3, funding(raised=5)) == "unchanged"
    assert (memory.names(), (await stored(memory)).state) == ([], "refused")
    assert await take_over(memory, 4, funding(titre="Mieux")) == "updated"
    (event,) = memory.take()
    assert isinstance(event, AnnouncementSubmitted)
    assert event.replaces == ID


@pytest.mark.parametrize(
    ("why", "state"), [("withdrawn", "withdrawn"), ("funded", "closed"), ("unfunded", "closed")]
)
async def test_it_ends_and_may_come_back(online: Memory, why: Any, state: str) -> None:
    assert (await relayed.end(online, source(6), why)).outcome == "ended"
    assert (await stored(online)).state == state
    (event,) = online.take()
    assert event.model_dump()["why"] == why
    assert (await relayed.end(online, source(6), why)).outcome == "stale"
    assert (await relayed.end(online, source(7), why)).outcome == "unchanged"
    assert await take_over(online, 6) == "stale"
    assert await take_over(online, 8) == "updated"
    (event,) = online.take()
    assert isinstance(event, AnnouncementSubmitted)
    assert (event.replaces, (await stored(online)).state) == (None, "submitted")
    assert (await stored(online)).published_at is None


@pytest.mark.parametrize("why", ["funded", "unfunded"])
async def test_a_platform_counts_when_the_last_day_is_over(online: Memory, why: Any) -> None:
    last_day = (await stored(online)).until
    online.now += dt.timedelta(days=800)
    await decide(online, AnnouncementEndReached(announcement_id=ID, ends_on=last_day))
    assert (await stored(online)).state == "expired"
    online.take()
    assert (await relayed.end(online, source(6), why)).outcome == "ended"
    (event,) = online.take()
    assert (event.model_dump()["why"], event.model_dump()["was_online"]) == (why, True)
    assert (await relayed.end(online, source(7), why)).outcome == "unchanged"
    assert online.take() == []


async def test_what_waits_ends_too(memory: Memory) -> None:
    await take_over(memory, 1)
    memory.take()
    assert (await relayed.end(memory, source(2), "funded")).outcome == "ended"
    assert memory.names() == ["AnnouncementWithdrawn"]
    assert (await stored(memory)).state == "withdrawn"


async def test_an_end_before_its_beginning_is_remembered(memory: Memory) -> None:
    assert (await relayed.end(memory, source(4), "withdrawn")).outcome == "unknown"
    assert (await relayed.end(memory, source(4), "withdrawn")).outcome == "stale"
    assert await take_over(memory, 3) == "stale"
    assert await Announcements(memory).get(ID) is None
    result = await relayed.progress(memory, source(5), raised=1, supporters=None)
    assert result.outcome == "unknown"
    # figures come before their text: they are no reason to refuse it
    assert await take_over(memory, 5) == "created"


async def test_figures_that_overtake_hold_back_neither_text_nor_end(online: Memory) -> None:
    await relayed.progress(online, source(8), raised=700, supporters=7)
    assert await take_over(online, 6, funding(titre="Autre", raised=1)) == "updated"
    one = await stored(online)
    assert one.waiting
    assert one.waiting.call == funding(titre="Autre", raised=700, supporters=7)
    assert isinstance(one.call, FundingCall)
    assert one.call.raised == 700
    assert (await relayed.end(online, source(7), "withdrawn")).outcome == "ended"


Said = tuple[str, str, int]
"""The type of an event, a title, a number of euros."""


async def said_in(order: Sequence[tuple[int, Said]]) -> Call | None:
    """What is to be shown of a resource after these versions have come."""
    memory = Memory()
    for version, (kind, titre, raised) in order:
        if kind == "published":
            await take_over(memory, version, funding(titre=titre, raised=raised))
        elif kind == "progressed":
            await relayed.progress(memory, source(version), raised=raised, supporters=None)
        else:
            await relayed.end(memory, source(version), "withdrawn")
    one = await Announcements(memory).get(ID)
    return one.newest if one and one.state == "submitted" else None


@given(data=st.data())
async def test_whatever_comes_first_the_same_is_shown(data: st.DataObject) -> None:
    one = st.tuples(
        st.sampled_from(["published", "published", "progressed", "ended"]),
        st.sampled_from(["Un", "Deux"]),
        st.integers(0, 9),
    )
    sent = list(enumerate(data.draw(st.lists(one, min_size=1, max_size=5))))
    came = data.draw(st.permutations(sent))
    assert await said_in(came) == await said_in(sent)


async def test_what_moderators_made_of_a_text_does_not_bring_it_back(online: Memory) -> None:
    # improved: the platform goes on to say its own words
    await take_over(online, 6, funding(titre="Autre"))
    waiting = (await stored(online)).waiting
    assert waiting
    before = await stored(online)
    better = rules.improve(before, funding(titre="Mieux"), "account:m", NOW)
    await Announcements(online).save(better)
    await decide(online, validated(waiting.case_id, 2))
    assert (await stored(online)).call.titre == "Mieux"
    online.take()
    assert await take_over(online, 7, funding(titre="Autre")) == "unchanged"
    assert await take_over(online, 8, funding(titre="Autre", raised=3)) == "progressed"
    assert online.names() == ["AnnouncementProgressed"]

    # refused: the same words are not asked again
    await take_over(online, 9, funding(titre="Pire"))
    waiting = (await stored(online)).waiting
    assert waiting
    await decide(online, refused(waiting.case_id))
    online.take()
    assert await take_over(online, 10, funding(titre="Pire")) == "unchanged"
    # what was validated before, although shown in a moderator's words, needs no one either
    assert await take_over(online, 11, funding(titre="Autre")) == "unchanged"
    assert online.names() == []
    assert (await stored(online)).call.titre == "Mieux"
    assert await take_over(online, 12, funding(titre="Encore")) == "updated"


async def test_what_moderators_took_away_stays_away_while_its_text_is_the_same(
    online: Memory,
) -> None:
    before = await stored(online)
    await Announcements(online).save(rules.end(before, "withdraw", "closed", NOW))
    assert await take_over(online, 6, funding(raised=9)) == "progressed"
    assert (await stored(online)).state == "withdrawn"
    assert await take_over(online, 7, funding(titre="Corrigé")) == "updated"
    assert (await stored(online)).state == "submitted"


async def test_a_draft_kept_back_leaves_nothing_to_decide(online: Memory) -> None:
    await take_over(online, 6, funding(titre="Autre", ends_on="2026-09-01"))
    waiting = (await stored(online)).waiting
    assert waiting
    last_day = (await stored(online)).until
    online.now += dt.timedelta(days=30)
    await decide(online, AnnouncementEndReached(announcement_id=ID, ends_on=last_day))
    online.take()
    later = funding(titre="Encore", ends_on="2026-09-01")
    assert await take_over(online, 7, later, hold=True) == "updated"
    one = await stored(online)
    assert (one.state, one.waiting) == ("draft", None)
    assert online.names() == ["AnnouncementWithdrawn"]


async def test_a_call_without_a_place_counts_where_its_partner_says(memory: Memory) -> None:
    here = dataclasses.replace(source(1), territoire="region:84")
    await relayed.take_over(memory, here, funding(), own_hosts=OWN, hold=False)
    assert (await stored(memory)).call.territoire == "region:84"
    # another rule is no other text: what is there stays
    moved = dataclasses.replace(source(2), territoire="region:93")
    result = await relayed.take_over(memory, moved, funding(), own_hosts=OWN, hold=False)
    assert result.outcome == "unchanged"
    other = dataclasses.replace(source(3), territoire="region:93")
    own = funding(territoire="departement:26")
    await relayed.take_over(memory, other, own, own_hosts=OWN, hold=False)
    assert (await stored(memory)).newest.territoire == "departement:26"


async def test_a_resource_keeps_its_kind(online: Memory) -> None:
    with pytest.raises(InvalidInput) as refusal:
        await take_over(online, 6, call())
    assert [one.rule for one in refusal.value.invalid] == ["kind_changed"]


@pytest.mark.parametrize(
    "bad",
    [
        funding(lien="https://portail.example.org/x"),
        funding(ends_on="2026-03-01"),
    ],
)
@pytest.mark.parametrize("hold", [False, True])
async def test_a_refusal_writes_nothing(online: Memory, bad: Call, hold: bool) -> None:
    before = await stored(online)
    with pytest.raises(InvalidInput):
        await take_over(online, 9, bad, hold=hold)
    with pytest.raises(InvalidInput):
        await take_over(online, 9, bad, hold=hold, ref="8")
    assert (await stored(online), online.take()) == (before, [])
    assert await Announcements(online).get(relayed.announcement_id("ulule", "8")) is None


async def test_the_link_of_another_is_refused(online: Memory) -> None:
    with pytest.raises(AnnouncementDuplicate) as duplicate:
        await take_over(online, 1, ref="8")
    assert duplicate.value.extra == {"announcement": ID}
    assert online.take() == []


async def test_waves_that_are_over_do_not_keep_a_platforms_call_out(memory: Memory) -> None:
    rolling = funding(ends_on=None, waves=["2026-01-05", "2026-06-05"])
    assert await take_over(memory, 1, rolling) == "created"
    assert (await stored(memory)).until == dt.date(2026, 6, 5)


def test_a_source_cannot_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        source(1).version = 2  # type: ignore[misc]


async def test_what_came_before_a_suspension_is_not_applied(memory: Memory) -> None:
    partner = Partner(slug="ulule", name="Ulule", suspended=True, created_at=NOW)
    await Partners(memory).add(partner)
    data = FUNDING | {"version": 1}
    said = {"specversion": "1.0", "id": "1", "source": "/x", "type": "announcement.published"}
    delivery = Delivery(
        id=delivery_id("ulule", "m"),
        partner="ulule",
        received_at=NOW,
        status="accepted",
        body=json.dumps({**said, "subject": "7", "data": data}).encode(),
        content_type="application/cloudevents+json",
        via="http",
    )
    await Deliveries(memory).add(delivery)
    await intake.apply(memory, delivery.id, own_hosts=OWN)
    after = await Deliveries(memory).get(delivery.id)
    assert after
    assert (after.status, after.reason) == ("failed", "partner-suspended")
    assert await Announcements(memory).get(ID) is None
