"""What is undone, by whom, and what is counted of it."""

import datetime as dt
from typing import Any

import pytest

from services.moderation.domain.contributors import Contributor
from services.moderation.domain.deciders import Actor
from services.moderation.domain.policy import Policy
from services.moderation.domain.problems import OwnProposal
from services.moderation.store import Cases, Contributors, VenueManagers
from services.moderation.use_cases import appeals, deciding, opening, opinions, reverts, timers
from services.moderation.use_cases.deciding import Answer
from shared.events import FieldChange
from shared.events.moderation import ReviewEscalated
from tests.unit.moderation_memory import Memory
from tests.unit.moderation_samples import OPENED, actor, case, change

POLICY = Policy()
ZOE, YANN = actor("zoe", moderator=True), actor("yann", moderator=True)
LATER = OPENED + dt.timedelta(hours=1)
FIELDS = [change("nom", "a", "b"), change("horaires", "c", "d")]


@pytest.fixture
def memory() -> Memory:
    return Memory()


def opened(memory: Memory, changes: list[FieldChange] | None = None, **fields: Any) -> None:
    one = case(changes=changes or FIELDS, public_addresses=0)
    memory.run(lambda tx: opening.open_review(tx, one, POLICY, **fields), OPENED)


def revision(memory: Memory) -> int:
    one = memory.look(lambda tx: Cases(tx).get("c"))
    assert one
    return one.revision


def undo(memory: Memory, who: Actor) -> None:
    at = revision(memory)
    memory.run(lambda tx: reverts.revert(tx, who, "c", revision=at, reason="Faux."), LATER)


def record(memory: Memory) -> Contributor:
    return memory.look(lambda tx: Contributors(tx).get("alice"))


def test_a_moderators_undoing_counts_as_a_refusal_for_what_went_online_at_once(
    memory: Memory,
) -> None:
    opened(memory, [change("nom", "mairie", "Mairie")])
    undo(memory, ZOE)
    assert record(memory).recent == [False]


def test_a_manager_who_undoes_their_own_edit_loses_nothing(memory: Memory) -> None:
    memory.run(lambda tx: VenueManagers(tx).put("v", 1, ["alice"]), OPENED)
    opened(memory, by_manager=True)
    undo(memory, actor("alice"))
    assert record(memory).recent == []


def test_a_moderator_undoes_nothing_of_their_other_account(memory: Memory) -> None:
    opened(memory)

    async def same_address(tx: Any) -> None:
        await Contributors(tx).put(Contributor(id="alice", fingerprint="f"))
        await Contributors(tx).put(Contributor(id="zoe", fingerprint="f"))

    memory.run(same_address, OPENED)
    with pytest.raises(OwnProposal):
        memory.run(lambda tx: reverts.plan(tx, ZOE, "alice"), LATER)


def test_one_objection_more_writes_to_nobody_again(memory: Memory) -> None:
    opened(memory)
    old = actor("omar", since=OPENED - dt.timedelta(days=30))
    for choice in ("object", "support", "object"):
        memory.run(
            lambda tx, choice=choice: opinions.opine(  # type: ignore[misc]
                tx, old, "c", choice, reason="Non.", fields=[]
            ),
            LATER,
        )
    escalated = [one for one in memory.published if isinstance(one, ReviewEscalated)]
    assert len(escalated) == 1


def test_what_is_online_already_keeps_a_case_from_failing(memory: Memory) -> None:
    opened(memory)
    answer = Answer("approve", 1, ["nom"], reason="Oui.")
    memory.run(lambda tx: deciding.decide(tx, ZOE, "c", answer, POLICY), LATER)
    memory.run(lambda tx: timers.applied(tx, "c", nothing=False), LATER)
    memory.run(lambda tx: appeals.lodge(tx, actor("alice"), "c", "Relisez."), LATER)
    at = revision(memory)
    memory.run(
        lambda tx: appeals.answer(
            tx, YANN, "c", grant=True, revision=at, fields=None, reason="Vu."
        ),
        LATER,
    )
    memory.run(lambda tx: timers.applied(tx, "c", nothing=True), LATER)
    one = memory.look(lambda tx: Cases(tx).get("c"))
    assert one
    assert one.state == "approved"
