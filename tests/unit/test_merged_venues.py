"""What moderation and notifications make of venues that become one, and two again."""

import asyncio
import datetime as dt
from typing import Any

import pytest

from services.moderation.domain.deciders import Actor
from services.moderation.handlers import on_venues_merged, on_venues_unmerged
from services.moderation.store import Cases, VenueManagers
from services.moderation.use_cases import queue
from services.moderation.use_cases.access import see
from services.notifications.store import Contacts, Outgoing
from services.notifications.use_cases import follow_merge, follow_unmerge
from shared.events.contacts import venue_key
from shared.events.directory import VenuesMerged, VenuesUnmerged
from tests.unit.moderation_memory import Memory, MemoryTransaction
from tests.unit.moderation_samples import OPENED, actor, case

DAY = dt.timedelta(days=1)


def merged(old: str, into: str, at: dt.datetime = OPENED) -> VenuesMerged:
    return VenuesMerged(
        venue_id=into, merged_id=old, merge_id="m", revision=2, merged_revision=2, merged_at=at
    )


def unmerged(old: str, into: str) -> VenuesUnmerged:
    return VenuesUnmerged(
        venue_id=into, merged_id=old, merge_id="m", revision=3, merged_revision=3,
        unmerged_at=OPENED + DAY,
    )  # fmt: skip


@pytest.fixture
def memory() -> Memory:
    """Two venues, each with a manager, and an open case of the one that will be merged."""
    memory = Memory()

    async def known(tx: MemoryTransaction) -> None:
        await VenueManagers(tx).put("old", 1, ["olga"])
        await VenueManagers(tx).put("new", 1, ["olga", "nina"])
        await Cases(tx).add(case(id="c", venue_id="old"))

    memory.run(known, OPENED)
    return memory


def told(memory: Memory, *events: VenuesMerged | VenuesUnmerged) -> None:
    for event in events:
        if isinstance(event, VenuesMerged):
            memory.run(lambda tx, event=event: on_venues_merged(event, tx), OPENED)  # type: ignore[misc]
        else:
            memory.run(lambda tx, event=event: on_venues_unmerged(event, tx), OPENED)  # type: ignore[misc]


def managers(memory: Memory, venue_id: str) -> list[str]:
    return memory.look(lambda tx: VenueManagers(tx).of(venue_id))


def decides(memory: Memory, who: Actor) -> bool:
    return memory.look(lambda tx: see(tx, who, "c")).may_decide


def test_who_manages_the_venue_that_stays_decides_the_others_cases(memory: Memory) -> None:
    nina = actor("nina")
    assert not decides(memory, nina)
    told(memory, merged("old", "new"))
    assert decides(memory, nina)
    assert decides(memory, actor("olga"))
    told(memory, unmerged("old", "new"))
    assert not decides(memory, nina)
    assert managers(memory, "old") == ["olga"]


def test_who_no_longer_manages_it_does_not(memory: Memory) -> None:
    told(memory, merged("old", "new"))
    memory.run(lambda tx: VenueManagers(tx).put("new", 2, ["nina"]), OPENED)
    assert not decides(memory, actor("olga"))
    assert memory.look(lambda tx: VenueManagers(tx).venues_of("olga")) == []


def test_a_managers_queue_has_the_cases_of_both(memory: Memory) -> None:
    told(memory, merged("old", "new"))
    assert memory.look(lambda tx: VenueManagers(tx).venues_of("nina")) == ["new", "old"]
    for venue_id in (None, "new", "old"):
        wanted = queue.Wanted(venue_id=venue_id)
        page = memory.look(lambda tx, wanted=wanted: queue.list_cases(tx, actor("nina"), wanted))  # type: ignore[misc]
        assert [one.case.id for one in page.views] == ["c"]


def test_chains_are_followed(memory: Memory) -> None:
    told(memory, merged("old", "new"), merged("new", "last"))
    memory.run(lambda tx: VenueManagers(tx).put("last", 1, ["luc"]), OPENED)
    assert managers(memory, "old") == ["luc"]
    assert memory.look(lambda tx: VenueManagers(tx).ids_of("new")) == ["last", "new", "old"]


def test_an_older_word_changes_nothing(memory: Memory) -> None:
    told(memory, merged("old", "new", OPENED + DAY), merged("old", "elsewhere", OPENED))
    assert managers(memory, "old") == ["olga", "nina"]
    told(memory, unmerged("old", "elsewhere"))
    assert managers(memory, "old") == ["olga", "nina"]


def test_words_out_of_order_make_no_endless_circle(memory: Memory) -> None:
    told(memory, merged("old", "new"), merged("new", "old"))
    assert {*memory.look(lambda tx: VenueManagers(tx).ids_of("old"))} == {"old", "new"}
    assert managers(memory, "old")


class Desk:
    """The sender's view of the same rows."""

    def __init__(self, memory: Memory) -> None:
        self._memory = memory

    def plain(self, name: str) -> Any:
        return self._memory.look(lambda tx: _itself(tx[name]))


async def _itself(one: Any) -> Any:
    return one


def contact(memory: Memory, venue_id: str) -> Any:
    desk: Any = Desk(memory)
    found = asyncio.run(Outgoing(desk).contact(venue_key(venue_id)))
    return found["addresses"] if found else None


def test_mails_for_a_merged_venue_go_to_the_one_that_stays() -> None:
    memory = Memory()

    async def known(tx: MemoryTransaction) -> None:
        for name in ("old", "new"):
            await Contacts(tx).keep(venue_key(name), 1, addresses=[f"{name}@lieu.example.org"])

    memory.run(known, OPENED)
    memory.run(lambda tx: follow_merge(tx, merged("old", "new")), OPENED)
    assert contact(memory, "old") == ["new@lieu.example.org"]
    assert contact(memory, "new") == ["new@lieu.example.org"]
    memory.run(lambda tx: follow_merge(tx, merged("new", "old")), OPENED)
    assert contact(memory, "old")
    memory.run(lambda tx: follow_unmerge(tx, unmerged("old", "new")), OPENED)
    assert contact(memory, "old") == ["old@lieu.example.org"]
