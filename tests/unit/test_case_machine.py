"""No sequence of commands, timers, duplicates and clock skews breaks a promise about a case."""

import datetime as dt
from collections.abc import Callable

from hypothesis import settings
from hypothesis import strategies as some
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from services.moderation.domain import appeals
from services.moderation.domain.cases import (
    KINDS,
    TRANSITIONS,
    Act,
    Choice,
    Reversion,
    ReviewCase,
    approve,
    changed,
    close_at_deadline,
    fail,
    give_opinion,
    improve,
    refuse,
    revert,
    supersede,
    withdraw,
)
from services.moderation.domain.deciders import Scope, held_at_deadline, role_in
from services.moderation.domain.problems import (
    AboutToClose,
    AnotherModerator,
    NoAppeal,
    NotADecider,
    NothingToRevert,
    OwnProposal,
    ReviewAlreadyDecided,
)
from shared.errors import InvalidInput, Problem
from shared.events.moderation import CaseKind, Decision
from tests.unit.moderation_samples import (
    DEADLINE,
    EVERY_KIND,
    OPENED,
    WEEK,
    actor,
    case,
    change,
    held,
    opinion,
)

FIELDS = ["nom", "horaires", "latitude", "longitude"]
MODERATORS = ("zoe", "yann")
PEOPLE = ("alice", "max", "bob", *MODERATORS)
"""alice proposes, max manages the venue, zoe and yann moderate."""

MOMENTS = some.sampled_from(
    [
        dt.timedelta(seconds=seconds)
        for seconds in (-7 * 86_400, -10_800, -2, -0.001, 0, 0.001, 2, 10_800, 30 * 86_400)
    ]
).map(lambda skew: DEADLINE + skew)
"""From the deadline, by the clock of whichever process asks."""

CHOSEN = (
    some.none()
    | some.sampled_from([["nom"], ["latitude", "longitude"], ["latitude"], [], ["pivot"]])
    | some.lists(some.sampled_from(FIELDS), max_size=4, unique=True)
)
REASONS = some.sampled_from(["Non.", "Non.", "Non.", " ", None])


def is_open(machine: "CaseMachine") -> bool:
    return machine.case.state == "open"


def is_decided(machine: "CaseMachine") -> bool:
    return machine.case.decision is not None


class CaseMachine(RuleBasedStateMachine):
    """One case, and what happens to it in any order."""

    @initialize(
        kind=some.sampled_from(["edit", "edit", "edit", *EVERY_KIND]),
        reachable=some.booleans(),
        rule=some.booleans(),
        refused=some.sampled_from([None, None, [], ["nom"]]),
        appealed=some.booleans(),
    )
    def opened(
        self,
        kind: CaseKind,
        reachable: bool,
        rule: bool,
        refused: list[str] | None,
        appealed: bool,
    ) -> None:
        self.case = case(
            kind,
            changes=[change(name) for name in FIELDS] if kind == "edit" else [],
            public_addresses=int(reachable),
            held=[held("horaires")] if rule and kind == "edit" else [],
        )
        self.managers = ["max"] if reachable and KINDS[kind].managers else []
        self.decided = 0
        self.answered = 0
        self.fired = False
        if refused is not None:
            # half of the stories begin with a moderator's refusal, of all but some fields
            self.decide("zoe", OPENED, refused or None, "Non.", bool(refused))
        if appealed:
            self.lodge_appeal(OPENED)

    def _try(self, act: Callable[[], ReviewCase], *expected: type[Problem]) -> ReviewCase | None:
        """What the act makes of the case, once all that holds of any change was checked."""
        before = self.case
        try:
            after = act()
        except expected:
            assert self.case == before
            return None
        assert after.revision == before.revision + 1
        assert (after.opened_at, after.deadline) == (before.opened_at, before.deadline)
        assert after.state == before.state or any(
            after.state in to for (state, _), to in TRANSITIONS.items() if state == before.state
        )
        self.case = after
        return after

    def _decision(self, who: str, at: dt.datetime, reason: str | None) -> Decision:
        how = role_in(
            self.case,
            actor(who, moderator=who in MODERATORS),
            self.managers,
            own=who == "alice",
            scope=Scope(),
        )
        return Decision(how=how, by=f"account:{who}", at=at, reason=reason)

    @rule(
        who=some.sampled_from([*PEOPLE, *MODERATORS]),
        at=MOMENTS,
        fields=CHOSEN,
        reason=REASONS,
        yes=some.booleans(),
    )
    def decide(
        self, who: str, at: dt.datetime, fields: list[str] | None, reason: str | None, yes: bool
    ) -> None:
        before = self.case

        def act() -> ReviewCase:
            decision = self._decision(who, at, reason)
            return approve(before, decision, fields) if yes else refuse(before, decision)

        if after := self._try(act, NotADecider, OwnProposal, InvalidInput, ReviewAlreadyDecided):
            self.decided += 1
            assert before.state == "open"
            assert who in (*MODERATORS, *self.managers)
            assert after.decision is not None
            if after.decision.how == "moderator" and after.state != "approved":
                # as those who keep decisions do
                self.case = after.model_copy(update={"appeal_until": at + dt.timedelta(days=30)})

    @rule(timers=some.lists(MOMENTS, min_size=1, max_size=3), refuses=some.booleans())
    def deadline_timers(self, timers: list[dt.datetime], refuses: bool) -> None:
        for deadline in timers:
            before = self.case
            left_out = held_at_deadline(before, unreachable_refuses=refuses)
            after = close_at_deadline(before, deadline, told=[], held=left_out)
            if after is None:
                assert before.state != "open" or not before.deadline or deadline < before.deadline
                continue
            self._try(lambda after=after: after)  # type: ignore[misc]
            self.decided += 1
            assert deadline >= DEADLINE
            withheld = {name for one in left_out for name in one.fields}
            assert not withheld & set(after.approved_fields)
            pair = {"latitude", "longitude"} & set(after.fields)
            assert pair & set(after.approved_fields) in (set(), pair)
            if any(not one.fields for one in left_out):
                assert after.state == "refused"
        self.fired = self.fired or max(timers) >= DEADLINE

    @rule(
        who=some.sampled_from(["bob", "eve"]),
        choice=some.sampled_from(["support", "object", "abstain"]),
        fields=some.lists(some.sampled_from(FIELDS), max_size=2, unique=True),
        at=MOMENTS,
    )
    def give_opinion(self, who: str, choice: Choice, fields: list[str], at: dt.datetime) -> None:
        one = opinion(choice, account_id=who, fields=fields, at=at)
        expected = (InvalidInput, ReviewAlreadyDecided, AboutToClose)
        if self._try(lambda: give_opinion(self.case, one), *expected):
            assert self.case.deadline is None or at <= self.case.deadline
            assert [two.account_id for two in self.case.opinions].count(who) == 1

    @precondition(lambda self: self.case.kind == "edit" and self.case.revision < 6)
    @rule(kept=some.sets(some.sampled_from(FIELDS), min_size=1), rule=some.booleans())
    def put_right(self, kept: set[str], rule: bool) -> None:
        better = self.case.model_copy(
            update={
                "changes": [change(name) for name in FIELDS if name in kept],
                "held": [held(*sorted(kept)[:1])] if rule else [],
            }
        )
        revision = self.case.proposal_revision + 1
        self._try(lambda: improve(better, revision), ReviewAlreadyDecided)

    @precondition(lambda self: is_open(self) and not self.case.marks)
    @rule()
    def mails_come_back(self) -> None:
        self._try(lambda: changed(self.case, marks=["manager_unreachable"]))

    @precondition(lambda self: self.case.revision > 3)
    @rule(act=some.sampled_from([withdraw, lambda one: supersede(one, "c2")]))
    def taken_back(self, act: Callable[[ReviewCase], ReviewCase]) -> None:
        self._try(lambda: act(self.case), ReviewAlreadyDecided)

    @precondition(is_decided)
    @rule()
    def conflict(self) -> None:
        decision = self.case.decision
        self._try(lambda: fail(self.case), ReviewAlreadyDecided)
        assert self.case.decision == decision

    @precondition(is_decided)
    @rule(at=MOMENTS)
    def undo(self, at: dt.datetime) -> None:
        undone = Reversion(by="account:yann", at=at, reason="Erreur.")
        self._try(lambda: revert(self.case, undone), NothingToRevert)

    @precondition(is_decided)
    @rule(at=MOMENTS)
    def lodge_appeal(self, at: dt.datetime) -> None:
        self._try(lambda: appeals.lodge(self.case, "Relisez.", at), NoAppeal)

    @precondition(lambda self: is_decided(self) and self.case.revision > 3)
    @rule()
    def appeal_window_timer(self) -> None:
        if after := appeals.close(self.case):
            self._try(lambda: after)
            assert appeals.close(after) is None

    @precondition(is_decided)
    @rule(who=some.sampled_from(MODERATORS), yes=some.booleans(), fields=CHOSEN, at=MOMENTS)
    def answer_appeal(self, who: str, yes: bool, fields: list[str] | None, at: dt.datetime) -> None:
        before = self.case
        decision = Decision(
            how="moderator", by=f"account:{who}", at=at, reason="Vu.", on_appeal=yes
        )
        granted: list[str] = []

        def act() -> ReviewCase:
            if not yes:
                return appeals.dismiss(before, decision)
            after, chosen = appeals.grant(before, decision, fields)
            granted.extend(chosen)
            return after

        if after := self._try(act, NoAppeal, AnotherModerator, InvalidInput):
            self.answered += 1
            assert before.decision is not None
            assert before.decision.by != decision.by
            assert set(granted) <= set(before.refused_fields)
            assert set(after.approved_fields) == {*before.approved_fields, *granted}

    @invariant()
    def decided_once_and_answered_once(self) -> None:
        assert self.decided <= 1
        assert self.answered <= 1
        assert (self.case.decision is not None) == bool(self.decided)

    @invariant()
    def state_and_decision_agree(self) -> None:
        undecided = ("open", "withdrawn", "superseded")
        assert (self.case.decision is None) == (self.case.state in undecided)

    @invariant()
    def never_open_behind_its_timer(self) -> None:
        assert not (self.fired and self.case.deadline and self.case.state == "open")

    @invariant()
    def never_later_than_the_week_by_silence(self) -> None:
        decision = self.case.decision
        if decision and decision.how == "silence":
            assert decision.at == DEADLINE <= OPENED + WEEK
            assert decision.rule == "deadline"
            assert KINDS[self.case.kind].silence

    @invariant()
    def every_field_is_accepted_or_refused(self) -> None:
        both = [*self.case.approved_fields, *self.case.refused_fields]
        assert sorted(both) == (sorted(self.case.fields) if self.decided else [])
        if self.case.fields and self.case.state in ("approved", "refused"):
            assert not (
                self.case.refused_fields
                if self.case.state == "approved"
                else self.case.approved_fields
            )

    @invariant()
    def only_known_acts_are_left(self) -> None:
        left: set[Act] = {act for state, act in TRANSITIONS if state == self.case.state}
        if self.case.state in ("withdrawn", "superseded"):
            assert not left


TestCaseMachine = CaseMachine.TestCase
TestCaseMachine.settings = settings(max_examples=300, stateful_step_count=20, deadline=None)
