"""The promises about cases hold for everything that moderation does, whatever its timers do."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as some
from hypothesis.stateful import initialize, precondition, rule

from services.moderation.domain.appeals import can_appeal
from services.moderation.domain.cases import ReviewCase
from services.moderation.domain.contributors import Contributor
from services.moderation.handlers import handlers
from services.moderation.settings import Settings
from services.moderation.store import Assignment, Assignments, Cases, Contributors, VenueManagers
from services.moderation.use_cases import (
    appeals,
    deciding,
    opening,
    opinions,
    queue,
    reverts,
    timers,
)
from services.moderation.use_cases.deciding import Answer
from shared.database import Conflict
from shared.events import Author, Event, FieldChange
from shared.events.directory import EditImproved
from shared.events.moderation import (
    AssignmentExpired,
    CaseKind,
    ReviewDeadlineReached,
)
from shared.events.notifications import NoticeBounced, NoticeSent
from tests.unit.moderation_memory import Memory, MemoryTransaction
from tests.unit.moderation_promises import POLICY, Promises, accepted, under_appeal
from tests.unit.moderation_samples import EVERY_KIND, OPENED, actor, change

SETTINGS = Settings.model_validate({"link_key": "k" * 32})
HANDLERS = handlers(SETTINGS)
LONG_AGO = OPENED - dt.timedelta(days=900)

MODERATORS = ("zoe", "yann")
PEOPLE = ("max", "zoe", "yann", "zoe", "yann", "alice", "bob")
"""alice and ada propose, max manages the venue `v`, zoe and yann moderate, bob is known."""
AUTHORS = ("alice", "alice", "ada")
NOM = change("nom", "Médiathèque", "Bibliothèque")
PIVOT = change("pivot", "1" * 14, "2" * 14)
EDITS = some.sampled_from(
    [
        [NOM],
        [NOM, PIVOT],
        [NOM, change("latitude", 45.0, 45.001), change("longitude", 5.0, 5.001)],
        [change("site_web", None, ["https://evil.com"]), NOM],
        [change("nom", "lieu", "Lieu")],
    ]
)
SKEWS = some.sampled_from([dt.timedelta(seconds=one) for one in (0, 0, -3600, -2, 2, 3600)])
"""Between the clocks of the processes."""
WHICH = some.sampled_from([0, 0, 0, 1, 2, 3])
Fits = Callable[[ReviewCase], bool]


class ModerationMachine(Promises):
    """Some cases, the people around them, and a bus that delivers late, twice, in any order."""

    @initialize(managers=some.sampled_from([[], ["max"]]))
    def begin(self, managers: list[str]) -> None:
        async def before(tx: MemoryTransaction) -> None:
            await VenueManagers(tx).put("v", 1, managers)
            for name in ("bob", "alice", "ada"):
                await Contributors(tx).put(Contributor(id=name, since=LONG_AGO, fingerprint=name))

        self.memory.run(before, self.now)

    def _case(self, which: int, fits: Fits = lambda one: one.state == "open") -> ReviewCase | None:
        """The newest one for which it makes sense, or now and then any other."""
        cases = [one for id_ in reversed(self.opened) for one in self._cases() if one.id == id_]
        fitting = [one for one in cases if fits(one)]
        found = fitting or cases
        return cases[which % len(cases)] if cases and which else next(iter(found), None)

    @precondition(lambda self: len(self.opened) < 4)
    @rule(
        kind=some.sampled_from(["edit", "edit", "edit", *EVERY_KIND]),
        changes=EDITS,
        author=some.sampled_from(AUTHORS),
        reachable=some.booleans(),
        replaces=WHICH,
        late=some.sampled_from([0, 0, 0, 3600, 8 * 86_400]),
    )
    def open(
        self,
        kind: CaseKind,
        changes: list[FieldChange],
        author: str,
        reachable: bool,
        replaces: int,
        late: int,
    ) -> None:
        older = self._case(replaces)
        one = ReviewCase(
            id=f"c{next(self.ids)}",
            kind=kind,
            venue_id=None if kind == "announcement" else "v",
            title="Lieu",
            changes=changes if kind == "edit" else [],
            author=Author(account_id=author),
            latitude=45.0,
            longitude=5.0,
            public_addresses=int(reachable),
            opened_at=self.now - dt.timedelta(seconds=late),
        )

        async def work(tx: MemoryTransaction) -> None:
            replaced = older.id if older and replaces else None
            await opening.open_review(tx, one, POLICY, replaces=replaced)

        assert self._do(work)
        # the event that opens it may come twice
        assert self._do(work)
        self.opened.append(one.id)

    @rule(
        which=WHICH,
        who=some.sampled_from(PEOPLE),
        yes=some.booleans(),
        fields=some.sampled_from([None, None, ["nom"], ["latitude"], []]),
        stale=some.sampled_from([0, 0, 0, 1]),
        skew=SKEWS,
    )
    def decide(
        self,
        which: int,
        who: str,
        yes: bool,
        fields: list[str] | None,
        stale: int,
        skew: dt.timedelta,
    ) -> None:
        if (one := self._case(which)) is None:
            return
        answer = Answer("approve", one.revision - stale, fields)
        if not yes:
            answer = Answer("refuse", one.revision - stale, None, "charter")
        by = actor(who, moderator=who in MODERATORS)
        if self._do(lambda tx: deciding.decide(tx, by, one.id, answer, POLICY), skew):
            assert one.state == "open"
            assert not stale

    @rule(
        which=WHICH,
        who=some.sampled_from(["bob", "zoe", "eve", "alice"]),
        choice=some.sampled_from(["support", "object", "object", "abstain"]),
        fields=some.sampled_from([[], ["nom"], ["pivot"]]),
        skew=SKEWS,
    )
    def give_opinion(
        self, which: int, who: str, choice: Any, fields: list[str], skew: dt.timedelta
    ) -> None:
        if one := self._case(which):
            by = actor(who, moderator=who in MODERATORS)
            given = self._do(
                lambda tx: opinions.opine(tx, by, one.id, choice, reason="Non.", fields=fields),
                skew,
            )
            # eve's account is new
            assert not (given and who == "eve" and choice != "abstain")

    @precondition(lambda self: len(self.opened) < 4)
    @rule(
        kind=some.sampled_from(["edit", "edit", "news"]), changes=EDITS, all_of_it=some.booleans()
    )
    def open_and_object(self, kind: CaseKind, changes: list[FieldChange], all_of_it: bool) -> None:
        self.open(kind, changes, "ada", True, 0, 0)
        fields = [] if all_of_it or kind == "news" else ["nom"]
        self.give_opinion(0, "bob", "object", fields, dt.timedelta(0))

    @rule(which=WHICH, author=some.sampled_from(AUTHORS))
    def withdraw(self, which: int, author: str) -> None:
        one = self._case(which)
        if one and one.revision > 1:
            self._do(lambda tx: deciding.withdraw_case(tx, actor(author), one.id))

    @rule(which=WHICH, text=some.integers(1, 3), changes=EDITS)
    def put_right(self, which: int, text: int, changes: list[FieldChange]) -> None:
        one = self._case(which)
        if one and one.kind == "edit":
            self._deliver(
                EditImproved(
                    venue_id="v",
                    proposal_id=one.id,
                    proposal_revision=text,
                    improved_by="account:max",
                    improved_at=self.now,
                    changes=changes,
                )
            )

    @rule(which=WHICH, who=some.sampled_from(MODERATORS), give_back=some.booleans(), skew=SKEWS)
    def take(self, which: int, who: str, give_back: bool, skew: dt.timedelta) -> None:
        if one := self._case(which, lambda one: one.state == "open" or under_appeal(one)):
            by = actor(who, moderator=True)
            if give_back:
                self._do(lambda tx: queue.release(tx, by, one.id), skew)
            else:
                self._do(lambda tx: queue.take(tx, by, one.id, POLICY), skew)

    @precondition(lambda self: len(self.opened) < 4)
    @rule(
        kind=some.sampled_from(["edit", "edit", "news", "announcement"]),
        changes=EDITS,
        appealed=some.booleans(),
    )
    def open_and_refuse(self, kind: CaseKind, changes: list[FieldChange], appealed: bool) -> None:
        self.open(kind, changes, "alice", False, 0, 0)
        self.mail(0, True, "account:max")
        self.decide(0, "zoe", kind == "edit", ["nom"], 0, dt.timedelta(0))
        self.decide(0, "zoe", False, None, 0, dt.timedelta(0))
        if appealed:
            self.lodge_appeal(0, "alice", dt.timedelta(0))

    @rule(which=WHICH, author=some.sampled_from(AUTHORS), skew=SKEWS)
    def lodge_appeal(self, which: int, author: str, skew: dt.timedelta) -> None:
        if one := self._case(which, can_appeal):
            self._do(lambda tx: appeals.lodge(tx, actor(author), one.id, "Relisez."), skew)

    @rule(which=WHICH, who=some.sampled_from(MODERATORS), yes=some.booleans(), skew=SKEWS)
    def answer_appeal(self, which: int, who: str, yes: bool, skew: dt.timedelta) -> None:
        one = self._case(which, under_appeal)
        if one and self._do(
            lambda tx: appeals.answer(
                tx,
                actor(who, moderator=True),
                one.id,
                grant=yes,
                revision=one.revision,
                fields=None,
                reason="Vu.",
            ),
            skew,
        ):
            assert one.decision is not None
            assert one.decision.by != f"account:{who}"

    @rule(which=WHICH, who=some.sampled_from(["max", *MODERATORS]))
    def undo(self, which: int, who: str) -> None:
        if one := self._case(which, accepted):
            by = actor(who, moderator=who in MODERATORS)
            self._do(
                lambda tx: reverts.revert(tx, by, one.id, revision=one.revision, reason="Erreur.")
            )

    @precondition(lambda self: len(self.opened) > 2)
    @rule(who=some.sampled_from(MODERATORS))
    def undo_all_of_an_author(self, who: str) -> None:
        by = actor(who, moderator=True)

        async def both(tx: MemoryTransaction) -> None:
            token = (await reverts.plan(tx, by, "alice")).token
            await reverts.revert_all(tx, by, "alice", token=token, reason="Non.", policy=POLICY)
            assert not (await reverts.plan(tx, by, "alice")).revert

        self._do(both)

    @rule(which=WHICH, back=some.booleans(), who=some.sampled_from(["account:max", "venue:v"]))
    def mail(self, which: int, back: bool, who: str) -> None:
        if one := self._case(which):
            kind = NoticeBounced if back else NoticeSent
            self._deliver(
                kind(case_id=one.id, recipient=who, template="review_opened", at=self.now)
            )

    @rule(which=WHICH, nothing=some.booleans())
    def applied(self, which: int, nothing: bool) -> None:
        one = self._case(which, accepted)
        if one and one.kind == "edit" and one.decision:
            self._do(lambda tx: timers.applied(tx, one.id, nothing=nothing))

    @rule(hours=some.sampled_from([0.25, 1, 24, 72]))
    def time_passes(self, hours: float) -> None:
        self.now += dt.timedelta(hours=hours)

    @precondition(lambda self: self.memory.timers)
    @rule(late=some.sampled_from([0, 0, 0.001, 3600, 400 * 86_400]), pick=some.integers(0, 2))
    def relay(self, late: float, pick: int) -> None:
        """A due timer goes over the bus; cancelling it comes too late from now on."""
        by_time = sorted(self.memory.timers, key=lambda one: self.memory.timers[one][1])
        timer_id = by_time[min(pick, len(by_time) - 1)]
        event, at = self.memory.timers.pop(timer_id)
        self.now = max(self.now, at + dt.timedelta(seconds=late))
        self.in_flight.append(event)
        if isinstance(event, ReviewDeadlineReached):
            self.undelivered.add(event.case_id)

    @precondition(lambda self: self.in_flight)
    @rule(
        pick=some.sampled_from([0, 0, 0, 1, 2, 9]), times=some.sampled_from([1, 1, 2]), skew=SKEWS
    )
    def deliver_timer(self, pick: int, times: int, skew: dt.timedelta) -> None:
        """In any order, and perhaps again."""
        event = self.in_flight[-1 - pick % len(self.in_flight)]
        for _ in range(times):
            before = self._assignments()
            self._deliver(event, skew)
            # who has taken a case again keeps it
            later = {
                id_: one
                for id_, one in before.items()
                if not isinstance(event, AssignmentExpired) or one.expires_at > event.expires_at
            }
            if isinstance(event, AssignmentExpired):
                assert later.items() <= self._assignments().items()
        if isinstance(event, ReviewDeadlineReached):
            self.undelivered.discard(event.case_id)

    @precondition(lambda self: self.memory.timers)
    @rule(timers=some.integers(1, 3))
    def timers_run(self, timers: int) -> None:
        for _ in range(min(timers, len(self.memory.timers))):
            self.relay(0, 0)
            self.deliver_timer(0, 1, dt.timedelta(0))

    def _assignments(self) -> dict[str, Assignment]:
        return self.memory.look(lambda tx: Assignments(tx).of(self.opened))

    def _deliver(self, event: Event, skew: dt.timedelta = dt.timedelta(0)) -> None:
        assert self._do(lambda tx: HANDLERS[type(event)](event, tx), skew)


TestModerationMachine = ModerationMachine.TestCase
TestModerationMachine.settings = settings(max_examples=80, stateful_step_count=25, deadline=None)


def test_a_save_that_comes_second_is_a_conflict() -> None:
    memory = Memory()
    one = ReviewCase(
        id="c", kind="report", title="Lieu", author=Author(account_id="alice"), opened_at=OPENED
    )
    memory.run(lambda tx: Cases(tx).add(one), OPENED)
    second = one.model_copy(update={"revision": 2})
    memory.run(lambda tx: Cases(tx).save(second), OPENED)
    with pytest.raises(Conflict):
        memory.run(lambda tx: Cases(tx).save(second), OPENED)
