"""Several sheets merged into one, and taken apart again, in any order."""

import pytest

from services.directory.domain.venues import Venue
from services.directory.store.venues import Venues
from services.directory.use_cases import merges
from tests.unit.directory_venues import MODERATOR, NOW, a_venue, memory_with
from tests.unit.moderation_memory import Memory, MemoryTransaction

THREE = (a_venue("nour"), a_venue("ada", id="v2"), a_venue("ada", "max", id="v3"))


def merged(memory: Memory, other: str) -> str:
    """Merge a venue into `v1`; the id of the merge."""

    async def merge(tx: MemoryTransaction) -> str:
        shown = await merges.preview(tx, "v1", other)
        revisions = {"revision": shown.this.revision, "other_revision": shown.other.revision}
        return (await merges.merge(tx, MODERATOR, "v1", other, choices={}, **revisions)).id

    return memory.run(merge, NOW)[0]


def managers(memory: Memory, venue_id: str) -> list[str]:
    async def look(tx: MemoryTransaction) -> Venue | None:
        return await Venues(tx).get(venue_id)

    found = memory.look(look)
    assert found
    return found.managers


@pytest.mark.parametrize("first", [0, 1])
def test_who_manages_two_of_them_manages_the_venue_until_both_have_left(first: int) -> None:
    memory = memory_with(*THREE)
    done = [merged(memory, "v2"), merged(memory, "v3")]
    assert managers(memory, "v1") == ["nour", "ada", "max"]
    memory.run(lambda tx: merges.undo(tx, MODERATOR, "v1", done[first]), NOW)
    assert "ada" in managers(memory, "v1")
    memory.run(lambda tx: merges.undo(tx, MODERATOR, "v1", done[1 - first]), NOW)
    assert managers(memory, "v1") == ["nour"]
    assert (managers(memory, "v2"), managers(memory, "v3")) == (["ada"], ["ada", "max"])
