"""What a decision changes for others: what people have earned, links seen in refused cases."""

import datetime as dt
from typing import Any

import pytest

from services.moderation.domain.cases import ReviewCase
from services.moderation.domain.contributors import Contributor
from services.moderation.domain.deciders import Actor
from services.moderation.domain.policy import Policy
from services.moderation.domain.problems import AnotherModerator
from services.moderation.store import Assignments, Cases, Contributors, VenueManagers
from services.moderation.use_cases import appeals, deciding, opening, opinions, queue, timers
from services.moderation.use_cases.deciding import Answer
from shared.errors import Problem
from shared.events import FieldValue
from tests.unit.moderation_memory import Memory
from tests.unit.moderation_samples import DEADLINE, FIELDS, INSTANT, OPENED, actor, case, change

POLICY = Policy()
ZOE, YANN = actor("zoe", moderator=True), actor("yann", moderator=True)
LATER = OPENED + dt.timedelta(hours=1)


@pytest.fixture
def memory() -> Memory:
    return Memory()


def opened(memory: Memory, id_: str = "c", **fields: Any) -> ReviewCase:
    one = case(id=id_, **{"public_addresses": 0} | fields)
    memory.run(lambda tx: opening.open_review(tx, one, POLICY), OPENED)
    return kept(memory, id_)


def kept(memory: Memory, id_: str = "c") -> ReviewCase:
    one = memory.look(lambda tx: Cases(tx).get(id_))
    assert one is not None
    return one


def decide(
    memory: Memory, who: Actor, verdict: Any, fields: list[str] | None = None, id_: str = "c"
) -> None:
    answer = Answer(verdict, kept(memory, id_).revision, fields, reason="Non.")
    memory.run(lambda tx: deciding.decide(tx, who, id_, answer, POLICY), LATER)


def appeal(memory: Memory, *, granted: bool) -> None:
    memory.run(lambda tx: appeals.lodge(tx, actor("alice"), "c", "Relisez."), LATER)
    memory.run(
        lambda tx: appeals.answer(
            tx,
            YANN,
            "c",
            grant=granted,
            revision=kept(memory).revision,
            fields=None,
            reason="Vu.",
        ),
        LATER,
    )


def silence(memory: Memory, id_: str = "c") -> ReviewCase:
    memory.run(lambda tx: timers.deadline_reached(tx, id_, DEADLINE, POLICY), DEADLINE)
    return kept(memory, id_)


def earned(memory: Memory, name: str = "alice") -> list[bool]:
    return memory.look(lambda tx: Contributors(tx).get(name)).recent


def managed_by(memory: Memory, *names: str) -> None:
    memory.run(lambda tx: VenueManagers(tx).put("v", 1, [*names]), OPENED)


class TestEarned:
    @pytest.mark.parametrize(
        ("verdict", "fields", "expected"),
        [("approve", None, [True]), ("approve", ["nom"], [True]), ("refuse", None, [False])],
    )
    def test_by_a_decision(
        self, memory: Memory, verdict: str, fields: list[str] | None, expected: list[bool]
    ) -> None:
        opened(memory)
        decide(memory, ZOE, verdict, fields)
        assert earned(memory) == expected

    @pytest.mark.parametrize(
        ("fields", "granted", "expected"),
        [
            # the refusal of all of it no longer counts
            (None, True, [True]),
            (None, False, [False]),
            # accepted in part, it has counted as accepted already
            (["nom"], True, [True]),
            (["nom"], False, [True]),
        ],
    )
    def test_once_whatever_becomes_of_the_appeal(
        self, memory: Memory, fields: list[str] | None, granted: bool, expected: list[bool]
    ) -> None:
        opened(memory)
        decide(memory, ZOE, "approve" if fields else "refuse", fields)
        appeal(memory, granted=granted)
        assert earned(memory) == expected

    def test_not_by_a_managers_own_word_from_another_account(self, memory: Memory) -> None:
        async def same_address(tx: Any) -> None:
            for name in ("alice", "max"):
                await Contributors(tx).put(Contributor(id=name, fingerprint="f"))

        managed_by(memory, "max")
        memory.run(same_address, OPENED)
        opened(memory)
        decide(memory, actor("max"), "approve")
        assert kept(memory).state == "approved"
        assert earned(memory) == []

    def test_by_somebody_elses(self, memory: Memory) -> None:
        managed_by(memory, "max")
        opened(memory)
        decide(memory, actor("max"), "approve")
        assert earned(memory) == [True]

    def test_by_silence_no_trust_but_a_name(self, memory: Memory) -> None:
        opened(memory)
        opened(memory, "d", changes=[change("pivot", "1" * 14, "2" * 14)])
        assert (silence(memory).state, silence(memory, "d").state) == ("approved", "refused")
        record = memory.look(lambda tx: Contributors(tx).get("alice"))
        assert (record.recent, record.accepted, record.refused) == ([], 1, 0)


EVIL = ["https://www.evil.com/1"]


class TestRefusedLinks:
    def proposed(self, memory: Memory, id_: str, new: FieldValue) -> ReviewCase:
        return opened(
            memory, id_, changes=[change("site_web", None, new), change("nom", None, id_)]
        )

    @pytest.mark.parametrize(
        "link", ["https://evil.com/2", "HTTP://a@EVIL.com.", "https://pages.evil.com"]
    )
    def test_hold_what_leads_there_later(self, memory: Memory, link: str) -> None:
        assert self.proposed(memory, "c", EVIL).held == []
        decide(memory, ZOE, "refuse")
        assert [one.rule for one in self.proposed(memory, "d", [link]).held] == ["refused_link"]

    def test_and_what_already_waits(self, memory: Memory) -> None:
        self.proposed(memory, "c", EVIL)
        self.proposed(memory, "d", ["https://evil.com/2"])
        decide(memory, ZOE, "refuse")
        after = silence(memory, "d")
        assert (after.approved_fields, after.refused_fields) == (["nom"], ["site_web"])
        assert after.decision is not None
        assert [one.rule for one in after.decision.held] == ["refused_link"]

    def test_until_an_appeal_says_otherwise(self, memory: Memory) -> None:
        self.proposed(memory, "c", EVIL)
        decide(memory, ZOE, "refuse")
        appeal(memory, granted=True)
        assert self.proposed(memory, "d", EVIL).held == []


class TestAppeals:
    @pytest.mark.parametrize("grant", [True, False])
    def test_whoever_refused_does_not_answer(self, memory: Memory, grant: bool) -> None:
        opened(memory)
        decide(memory, ZOE, "refuse")
        memory.run(lambda tx: appeals.lodge(tx, actor("alice"), "c", "Relisez."), LATER)
        with pytest.raises(AnotherModerator):
            memory.run(
                lambda tx: appeals.answer(
                    tx, ZOE, "c", grant=grant, revision=3, fields=None, reason="Vu."
                ),
                LATER,
            )

    def test_a_late_end_of_the_window_does_not_disturb_one(self, memory: Memory) -> None:
        opened(memory)
        decide(memory, ZOE, "refuse")
        memory.run(lambda tx: appeals.lodge(tx, actor("alice"), "c", "Relisez."), LATER)
        before = kept(memory)
        memory.run(lambda tx: timers.appeal_window_ended(tx, "c"), LATER)
        assert kept(memory) == before


def test_a_decision_between_the_deadline_and_its_timer_counts(memory: Memory) -> None:
    opened(memory)
    answer = Answer("refuse", 1, reason="Non.")
    late = DEADLINE + INSTANT
    memory.run(lambda tx: deciding.decide(tx, ZOE, "c", answer, POLICY), late)
    assert silence(memory).state == "refused"
    with pytest.raises(Problem, match="décision a déjà été prise"):
        memory.run(lambda tx: deciding.decide(tx, YANN, "c", answer, POLICY), late)


class TestAssignments:
    def holder(self, memory: Memory) -> str | None:
        found = memory.look(lambda tx: Assignments(tx).of(["c"]))
        return found["c"].holder if found else None

    def taken(self, memory: Memory, at: dt.datetime) -> dt.datetime:
        mine, _ = memory.run(lambda tx: queue.take(tx, ZOE, "c", POLICY), at)
        return mine.expires_at

    def test_an_older_timer_does_not_end_a_newer_one(self, memory: Memory) -> None:
        opened(memory)
        first, second = self.taken(memory, OPENED), self.taken(memory, LATER)
        memory.run(lambda tx: timers.assignment_expired(tx, "c", first), second)
        assert self.holder(memory) == "zoe"
        memory.run(lambda tx: timers.assignment_expired(tx, "c", second), second)
        assert self.holder(memory) is None

    def test_an_answered_appeal_leaves_nobody_at_work(self, memory: Memory) -> None:
        opened(memory)
        decide(memory, ZOE, "refuse")
        memory.run(lambda tx: appeals.lodge(tx, actor("alice"), "c", "Relisez."), LATER)
        memory.run(lambda tx: queue.take(tx, YANN, "c", POLICY), LATER)
        memory.run(
            lambda tx: appeals.answer(
                tx, YANN, "c", grant=True, revision=3, fields=None, reason="Vu."
            ),
            LATER,
        )
        assert self.holder(memory) is None
        assert memory.timers == {}


@pytest.mark.parametrize(
    ("fields", "state", "left_out"),
    [(["nom"], "partly_approved", ["nom"]), ([], "refused", FIELDS)],
)
def test_silence_leaves_out_what_somebody_objects_to(
    memory: Memory, fields: list[str], state: str, left_out: list[str]
) -> None:
    opened(memory)
    memory.run(
        lambda tx: opinions.opine(
            tx,
            actor("bob", since=OPENED - dt.timedelta(days=14)),
            "c",
            "object",
            reason="C'est faux.",
            fields=fields,
        ),
        OPENED,
    )
    after = silence(memory)
    assert (after.state, after.refused_fields) == (state, left_out)
