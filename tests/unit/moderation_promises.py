"""What must hold of moderation's cases, events, timers and log at any moment."""

import datetime as dt
from collections.abc import Awaitable, Callable
from itertools import count
from typing import Any

from hypothesis.stateful import RuleBasedStateMachine, invariant

from services.moderation.domain.cases import ReviewCase
from services.moderation.domain.policy import Policy
from services.moderation.store import Assignments, Cases, Contributors, Log
from shared.errors import Problem
from shared.events import Event
from shared.events.moderation import (
    AppealDismissed,
    AppealWindowEnded,
    AssignmentExpired,
    CaseDecided,
    CaseEvent,
    ReviewDeadlineReached,
)
from tests.unit.moderation_memory import Memory, MemoryTransaction
from tests.unit.moderation_samples import OPENED

POLICY = Policy()


def under_appeal(one: ReviewCase) -> bool:
    return one.appeal is not None and one.appeal.decision is None


def accepted(one: ReviewCase) -> bool:
    return one.state in ("approved", "partly_approved") and one.reverted is None


class Promises(RuleBasedStateMachine):
    """Does things in transactions, and checks what is kept after each."""

    def __init__(self) -> None:
        super().__init__()
        self.memory = Memory()
        self.now = OPENED
        self.ids = count()
        self.opened: list[str] = []
        self.deadlines: dict[str, dt.datetime | None] = {}
        self.in_flight: list[Event] = []
        self.undelivered: set[str] = set()

    def _do(
        self,
        work: Callable[[MemoryTransaction], Awaitable[Any]],
        skew: dt.timedelta = dt.timedelta(0),
    ) -> bool:
        """Whether it was done; a refusal must leave no trace."""
        before = {one.id: one for one in self._cases()}
        try:
            _, events = self.memory.run(work, self.now + skew)
        except Problem:
            return False
        after = {one.id: one for one in self._cases()}
        for event in events:
            revision = getattr(event, "revision", None)
            if isinstance(event, CaseEvent) and revision is not None:
                assert revision == after[event.case_id].revision
        for id_, one in after.items():
            if id_ in before:
                assert one.revision - before[id_].revision == (one != before[id_])
                assert one.deadline == before[id_].deadline
        return True

    def _cases(self) -> list[ReviewCase]:
        return self.memory.look(lambda tx: Cases(tx).find({}))

    @invariant()
    def decided_once_and_once_on_appeal(self) -> None:
        decided = [one for one in self.memory.published if isinstance(one, CaseDecided)]
        for case in self._cases():
            own = [one for one in decided if one.case_id == case.id]
            last = [
                one for one in own if isinstance(one, AppealDismissed) or one.decision.on_appeal
            ]
            first = [one for one in own if one not in last]
            assert len(first) == (case.decision is not None)
            assert len(last) == bool(case.appeal and case.appeal.decision)

    @invariant()
    def no_timer_is_left_for_a_closed_case(self) -> None:
        cases = {one.id: one for one in self._cases()}
        for event, _ in self.memory.timers.values():
            assert isinstance(event, CaseEvent)
            case = cases[event.case_id]
            assert (
                case.state == "open"
                or isinstance(event, AppealWindowEnded)
                or (under_appeal(case) and isinstance(event, AssignmentExpired))
            ), event

    @invariant()
    def every_deadline_has_its_timer(self) -> None:
        scheduled = {
            event.case_id
            for event, _ in self.memory.timers.values()
            if isinstance(event, ReviewDeadlineReached)
        }
        for case in self._cases():
            if case.state == "open" and case.deadline:
                assert case.id in scheduled | self.undelivered
                assert case.deadline == case.opened_at + POLICY.period

    @invariant()
    def silence_keeps_to_the_week(self) -> None:
        for case in self._cases():
            if case.decision and case.decision.how == "silence":
                assert case.decision.at == case.deadline
                left_out = {name for one in case.decision.held for name in one.fields}
                at_first = {*case.approved_fields}
                if not (case.appeal and case.appeal.granted):
                    assert not left_out & at_first

    @invariant()
    def the_log_has_every_revision(self) -> None:
        for case in self._cases():
            entries = self.memory.look(lambda tx, case=case: Log(tx).of(case.id))  # type: ignore[misc]
            assert {one["revision"] for one in entries} == set(range(1, case.revision + 1))
            assert all(one["by"] and one["act"] for one in entries)

    @invariant()
    def who_works_on_a_case_has_something_to_decide(self) -> None:
        cases = self._cases()
        taken = self.memory.look(lambda tx: Assignments(tx).of(one.id for one in cases))
        for case in cases:
            assert case.id not in taken or case.state == "open" or under_appeal(case)

    @invariant()
    def nobody_has_more_decided_proposals_than_proposals(self) -> None:
        for name in ("alice", "ada"):
            earned = self.memory.look(lambda tx, name=name: Contributors(tx).get(name))  # type: ignore[misc]
            own = [one for one in self._cases() if one.author.account_id == name]
            undone = sum(one.reverted is not None for one in own)
            assert earned.accepted + earned.refused <= len(own) + undone
            assert min(earned.accepted, earned.refused) >= 0
