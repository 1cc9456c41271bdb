"""What other collections keep by venue goes with a venue that is merged, and comes back."""

from typing import Any
from uuid import uuid4

from services.directory.domain.mediators import attachment_id
from services.directory.store import belongings
from tests.unit.moderation_memory import Memory, MemoryTransaction
from tests.unit.moderation_samples import OPENED

M1, M2 = uuid4().hex, uuid4().hex

ROWS: dict[str, list[dict[str, Any]]] = {
    "news": [{"_id": "n1", "venue_id": "old"}, {"_id": "n2", "venue_id": "new"}],
    "notices": [{"_id": "t1", "venue_id": "old"}],
    "mediations": [
        {"_id": attachment_id(M1, "old"), "mediator_id": M1, "venue_id": "old"},
        {"_id": attachment_id(M2, "old"), "mediator_id": M2, "venue_id": "old"},
        {"_id": attachment_id(M2, "new"), "mediator_id": M2, "venue_id": "new"},
    ],
    "stops": [{"_id": "old", "venue_id": "old", "revision": 2}],
    "stops_history": [
        {"_id": "old@1", "venue_id": "old", "revision": 1},
        {"_id": "old@2", "venue_id": "old", "revision": 2},
    ],
}


def filled(**more: list[dict[str, Any]]) -> Memory:
    memory = Memory()

    async def fill(tx: MemoryTransaction) -> None:
        for name, rows in ROWS.items():
            for row in [*rows, *more.get(name, [])]:
                await tx[name].put(row)

    memory.run(fill, OPENED)
    return memory


def of(memory: Memory, venue_id: str) -> dict[str, list[str]]:
    """The ids of a venue's rows, by collection."""

    async def look(tx: MemoryTransaction) -> dict[str, list[str]]:
        return {
            name: sorted(row["_id"] for row in await tx[name].find({"venue_id": venue_id}))
            for name in ROWS
        }

    return memory.look(look)


def test_all_that_is_shown_on_a_page_moves_and_comes_back() -> None:
    memory = filled()
    before = of(memory, "old"), of(memory, "new")
    moved, _ = memory.run(lambda tx: belongings.move(tx, "old", "new"), OPENED)
    assert of(memory, "new") == {
        "news": ["n1", "n2"],
        "notices": ["t1"],
        "mediations": sorted(attachment_id(one, "new") for one in (M1, M2)),
        "stops": ["new"],
        "stops_history": ["new@1", "new@2"],
    }
    memory.run(lambda tx: belongings.move_back(tx, moved, "old"), OPENED)
    assert (of(memory, "old"), of(memory, "new")) == before


def test_stops_written_since_go_back_with_the_others() -> None:
    memory = filled()
    moved, _ = memory.run(lambda tx: belongings.move(tx, "old", "new"), OPENED)

    async def write(tx: MemoryTransaction) -> None:
        await tx["stops"].put({"_id": "new", "venue_id": "new", "revision": 3})
        await tx["stops_history"].put({"_id": "new@3", "venue_id": "new", "revision": 3})

    memory.run(write, OPENED)
    memory.run(lambda tx: belongings.move_back(tx, moved, "old"), OPENED)
    assert of(memory, "old")["stops_history"] == ["old@1", "old@2", "old@3"]
    assert of(memory, "new")["stops"] == []


def test_a_venue_with_stops_of_its_own_keeps_them() -> None:
    memory = filled(stops=[{"_id": "new", "venue_id": "new", "revision": 1}])
    memory.run(lambda tx: belongings.move(tx, "old", "new"), OPENED)
    assert of(memory, "old")["stops_history"] == ["old@1", "old@2"]
    assert of(memory, "new")["stops"] == ["new"]


def test_what_was_taken_away_since_stays_away() -> None:
    memory = filled()
    moved, _ = memory.run(lambda tx: belongings.move(tx, "old", "new"), OPENED)

    async def erase(tx: MemoryTransaction) -> None:
        await tx["mediations"].delete({"_id": attachment_id(M1, "new")})

    memory.run(erase, OPENED)
    memory.run(lambda tx: belongings.move_back(tx, moved, "old"), OPENED)
    assert of(memory, "old")["mediations"] == [attachment_id(M2, "old")]
