"""What was examined or contested before, in the same words; what a moderator has put right."""

from datetime import timedelta
from itertools import count
from typing import Any

import pytest

from services.moderation.domain.cases import ReviewCase
from services.moderation.domain.deciders import Actor
from services.moderation.domain.policy import Policy
from services.moderation.domain.problems import CaseChanged, WaitForAnswer
from services.moderation.store import Cases, VenueManagers
from services.moderation.use_cases import deciding, opening, opinions, reverts, threads
from services.moderation.use_cases.deciding import Answer
from shared.events.moderation import ProposalSuperseded, ReviewOpened
from tests.unit.moderation_memory import Memory
from tests.unit.moderation_samples import OPENED, WEEK, actor, case, change

POLICY = Policy()
ZOE = actor("zoe", moderator=True)
OLD = actor("omar", since=OPENED - 5 * WEEK)
FIELDS = [change("nom", "a", "b"), change("horaires", "c", "d")]


@pytest.fixture
def memory() -> Memory:
    return Memory()


def opened(memory: Memory, id_: str = "c", replaces: str | None = None, **more: Any) -> ReviewCase:
    given: dict[str, Any] = {"id": id_, "changes": FIELDS, "public_addresses": 0}
    one = case(**given | more)
    memory.run(lambda tx: opening.open_review(tx, one, POLICY, replaces=replaces), OPENED)
    return kept(memory, id_)


def kept(memory: Memory, id_: str = "c") -> ReviewCase:
    one = memory.look(lambda tx: Cases(tx).get(id_))
    assert one
    return one


def decide(memory: Memory, verdict: Any, fields: list[str] | None = None) -> None:
    answer = Answer(verdict, kept(memory).revision, fields, reason="Non.")
    memory.run(lambda tx: deciding.decide(tx, ZOE, "c", answer, POLICY), OPENED)


def opine(memory: Memory, who: Actor, choice: Any, fields: list[str]) -> None:
    memory.run(
        lambda tx: opinions.opine(tx, who, "c", choice, reason="Non.", fields=fields), OPENED
    )


class TestSentAgain:
    def again(self, memory: Memory, replaces: str | None = "c", **more: Any) -> list[list[str]]:
        held = opened(memory, "d", replaces, **more).held
        assert {one.rule for one in held} <= {"sent_again"}
        return [one.fields for one in held]

    @pytest.mark.parametrize("replaces", ["c", None])
    def test_what_was_refused_is_held(self, memory: Memory, replaces: str | None) -> None:
        opened(memory)
        decide(memory, "approve", ["nom"])
        assert self.again(memory, replaces) == [["horaires"]]

    def test_other_words_are_not(self, memory: Memory) -> None:
        opened(memory)
        decide(memory, "refuse")
        assert self.again(memory, changes=[change("nom", "a", "z")]) == []

    def test_what_was_contested_is_held_and_its_readers_know(self, memory: Memory) -> None:
        opened(memory)
        opine(memory, OLD, "object", ["nom"])
        assert self.again(memory) == [["nom"]]
        assert kept(memory, "d").replaces == "c"
        assert any(isinstance(one, ProposalSuperseded) for one in memory.published)
        last = [one for one in memory.published if isinstance(one, ReviewOpened)][-1]
        assert last.for_moderators

    def test_what_was_undone_is_held(self, memory: Memory) -> None:
        opened(memory)
        decide(memory, "approve")
        at = kept(memory).revision
        memory.run(lambda tx: reverts.revert(tx, ZOE, "c", revision=at, reason="Faux."), OPENED)
        assert self.again(memory) == [["nom", "horaires"]]

    def test_news_too(self, memory: Memory) -> None:
        news: dict[str, Any] = {"kind": "news", "changes": [], "text": "Atelier"}
        opened(memory, **news)
        decide(memory, "refuse")
        assert self.again(memory, **news) == [[]]


class TestImproved:
    BETTER = [change("nom", "a", "mieux"), change("horaires", "c", "d")]  # noqa: RUF012

    def improve(self, memory: Memory, by: str) -> ReviewCase:
        memory.run(
            lambda tx: opening.improve(tx, "c", 2, by=f"account:{by}", changes=self.BETTER), OPENED
        )
        return kept(memory)

    def test_a_moderators_words_are_not_for_silence(self, memory: Memory) -> None:
        opened(memory)
        after = self.improve(memory, "zoe")
        assert (after.proposal_revision, after.improved_by) == (2, "account:zoe")
        assert [(one.rule, one.fields) for one in after.held] == [("improved", ["nom"])]

    def test_a_managers_are(self, memory: Memory) -> None:
        memory.run(lambda tx: VenueManagers(tx).put("v", 1, ["max"]), OPENED)
        opened(memory)
        assert self.improve(memory, "max").held == []

    def test_who_may_not_decide_changes_nothing(self, memory: Memory) -> None:
        opened(memory, public_addresses=1)
        after = self.improve(memory, "zoe")
        assert (after.proposal_revision, after.changes, after.revision) == (1, FIELDS, 1)


class TestOpinions:
    def test_who_agrees_keeps_nobody_from_deciding(self, memory: Memory) -> None:
        seen = opened(memory).revision
        for choice in ("abstain", "support", "support"):
            opine(memory, OLD, choice, [])
        assert kept(memory).revision == seen + 2
        answer = Answer("approve", seen)
        memory.run(lambda tx: deciding.decide(tx, ZOE, "c", answer, POLICY), OPENED)

    @pytest.mark.parametrize("then", ["object", "support"])
    def test_an_objection_more_or_less_is_read_first(self, memory: Memory, then: str) -> None:
        opened(memory)
        if then == "support":
            opine(memory, OLD, "object", [])
        seen = kept(memory).revision
        opine(memory, OLD, then, [])
        answer = Answer("approve", seen)
        with pytest.raises(CaseChanged):
            memory.run(lambda tx: deciding.decide(tx, ZOE, "c", answer, POLICY), OPENED)


def test_nobody_writes_mail_after_mail(memory: Memory) -> None:
    opened(memory)

    # each a second later: messages of one moment have no order
    seconds = count()

    def write(who: Actor) -> None:
        memory.run(
            lambda tx: threads.post(tx, who, "c", canned=None, text="Et ?", private=False),
            OPENED + timedelta(seconds=next(seconds)),
        )

    for _ in range(3):
        write(actor("alice"))
    with pytest.raises(WaitForAnswer):
        write(actor("alice"))
    write(ZOE)
    write(actor("alice"))


def test_a_revision_that_never_was_decides_nothing(memory: Memory) -> None:
    opened(memory)
    with pytest.raises(CaseChanged):
        memory.run(lambda tx: deciding.decide(tx, ZOE, "c", Answer("approve", 9), POLICY), OPENED)


def test_a_text_with_less_is_still_its_authors(memory: Memory) -> None:
    opened(memory)
    memory.run(lambda tx: opening.improve(tx, "c", 2, by="account:zoe", changes=FIELDS[:1]), OPENED)
    assert kept(memory).held == []
