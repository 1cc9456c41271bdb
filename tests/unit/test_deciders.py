"""Who decides a case, who is asked, and what silence leaves out."""

from typing import Any

import pytest

from services.moderation.domain.cases import ReviewCase
from services.moderation.domain.deciders import (
    OBJECTED,
    UNREACHABLE,
    Scope,
    departement,
    held_at_deadline,
    in_charge,
    moderators_decide,
    reachable,
    role_in,
    unreachable,
)
from services.moderation.domain.motives import MESSAGES, MOTIVES, completed
from services.moderation.domain.problems import (
    ManagersFirst,
    NotADecider,
    OutOfScope,
    OwnProposal,
)
from shared.errors import NotAllowed
from shared.events.moderation import CaseKind, Told
from tests.unit.moderation_samples import (
    EVERY_KIND,
    INSTANT,
    OPENED,
    actor,
    case,
    held,
    opinion,
)

CONTESTED: dict[str, Any] = {"opinions": [opinion()]}
HELD: dict[str, Any] = {"held": [held("nom")]}
UNREACHED: dict[str, Any] = {"marks": ["manager_unreachable"]}


def role(
    one: ReviewCase,
    who: str,
    *,
    moderator: bool = False,
    managers: tuple[str, ...] = ("max",),
    scope: Scope | None = None,
    own: bool = False,
) -> str:
    return role_in(
        one,
        actor(who, moderator=moderator),
        managers,
        own=own or who == one.author.account_id,
        scope=scope or Scope(),
    )


class TestRoles:
    @pytest.mark.parametrize("kind", ["edit", "news", "claim"])
    @pytest.mark.parametrize("moderator", [False, True])
    @pytest.mark.parametrize("given", [{}, CONTESTED, HELD, UNREACHED])
    def test_a_managers_word_binds_always(
        self, kind: CaseKind, moderator: bool, given: Any
    ) -> None:
        assert role(case(kind, **given), "max", moderator=moderator) == "manager"

    @pytest.mark.parametrize("moderator", [False, True])
    def test_on_their_own_proposal_too(self, moderator: bool) -> None:
        assert role(case(), "alice", moderator=moderator, managers=("max", "alice")) == "manager"

    @pytest.mark.parametrize("kind", ["announcement", "report"])
    def test_managers_have_no_say_beyond_their_sheet(self, kind: CaseKind) -> None:
        with pytest.raises(NotADecider):
            role(case(kind, venue_id="v"), "max")

    def test_nobody_judges_what_is_said_of_a_sheet_they_manage(self) -> None:
        assert role(case("announcement"), "max", moderator=True) == "moderator"
        with pytest.raises(NotADecider):
            role(case("report", venue_id="v"), "max", moderator=True)

    def test_nobody_becomes_the_judge_by_objecting(self) -> None:
        mine = opinion(account_id="zoe", reason="Non.")
        with pytest.raises(ManagersFirst):
            role(case(opinions=[mine]), "zoe", moderator=True)
        assert role(case(opinions=[mine]), "yann", moderator=True) == "moderator"

    def test_a_claim_waits_for_no_deadline_so_moderators_answer_too(self) -> None:
        assert role(case("claim"), "zoe", moderator=True) == "moderator"

    @pytest.mark.parametrize("kind", EVERY_KIND)
    @pytest.mark.parametrize("who", ["bob", "alice"])
    @pytest.mark.parametrize("given", [{}, CONTESTED, HELD, UNREACHED])
    def test_others_never_decide(self, kind: CaseKind, who: str, given: Any) -> None:
        with pytest.raises(NotADecider):
            role(case(kind, **given), who)

    @pytest.mark.parametrize("kind", ["edit", "news"])
    def test_moderators_leave_it_to_a_manager_within_reach(self, kind: CaseKind) -> None:
        with pytest.raises(ManagersFirst):
            role(case(kind), "zoe", moderator=True)

    @pytest.mark.parametrize("given", [CONTESTED, HELD, UNREACHED])
    def test_unless_it_is_contested_held_or_the_manager_out_of_reach(self, given: Any) -> None:
        assert role(case(**given), "zoe", moderator=True) == "moderator"

    @pytest.mark.parametrize("choice", ["support", "abstain"])
    def test_no_other_opinion_makes_it_theirs(self, choice: str) -> None:
        with pytest.raises(ManagersFirst):
            role(case(opinions=[opinion(choice)]), "zoe", moderator=True)

    @pytest.mark.parametrize("kind", ["announcement", "report"])
    def test_what_no_manager_is_asked_for_is_theirs(self, kind: CaseKind) -> None:
        assert role(case(kind), "zoe", moderator=True) == "moderator"

    def test_so_is_a_venue_without_manager_or_address(self) -> None:
        one = case(public_addresses=0)
        assert role(one, "zoe", moderator=True, managers=()) == "moderator"

    @pytest.mark.parametrize("addresses", [0, 1])
    def test_the_author_is_no_manager_to_wait_for(self, addresses: int) -> None:
        one = case(public_addresses=addresses)
        if addresses:
            with pytest.raises(ManagersFirst):
                role(one, "zoe", moderator=True, managers=("alice",))
        else:
            assert role(one, "zoe", moderator=True, managers=("alice",)) == "moderator"

    @pytest.mark.parametrize("kind", EVERY_KIND)
    def test_no_moderator_judges_their_own(self, kind: CaseKind) -> None:
        one = case(kind, public_addresses=0)
        with pytest.raises(OwnProposal):
            role(one, "alice", moderator=True, managers=())
        # another account, the same address
        with pytest.raises(OwnProposal):
            role(one, "alice2", moderator=True, managers=(), own=True)

    @pytest.mark.parametrize(
        ("scope", "theirs"),
        [
            (Scope(), True),
            (Scope(departements=["26"]), True),
            (Scope(departements=["07", "26"], kinds=["edit", "news"]), True),
            (Scope(departements=["07"]), False),
            (Scope(kinds=["news"]), False),
            (Scope(departements=["26"], kinds=["claim"]), False),
        ],
    )
    def test_a_moderators_scope(self, scope: Scope, theirs: bool) -> None:
        one = case(departement="26", public_addresses=0)
        if theirs:
            assert role(one, "zoe", moderator=True, managers=(), scope=scope) == "moderator"
        else:
            with pytest.raises(OutOfScope):
                role(one, "zoe", moderator=True, managers=(), scope=scope)

    def test_what_has_no_territory_is_everybodys(self) -> None:
        assert Scope(departements=["26"]).covers(case("announcement"))

    def test_every_refusal_is_one_of_rights(self) -> None:
        for refusal in (NotADecider, ManagersFirst, OutOfScope, OwnProposal):
            assert issubclass(refusal, NotAllowed)
            assert refusal.status == 403


class TestInCharge:
    @pytest.mark.parametrize(
        ("managers", "addresses", "expected"),
        [
            ([], 0, []),
            ([], 2, ["venue:v"]),
            (["max"], 0, ["account:max"]),
            (["max", "lea"], 1, ["account:max", "account:lea", "venue:v"]),
            (["alice"], 0, []),
            (["alice", "max"], 0, ["account:max"]),
        ],
    )
    def test_managers_without_the_author_and_the_public_addresses(
        self, managers: list[str], addresses: int, expected: list[str]
    ) -> None:
        one = case(public_addresses=addresses)
        assert in_charge(one, managers) == expected
        assert reachable(one, managers) is bool(expected)
        assert moderators_decide(one, managers) is not bool(expected)

    @pytest.mark.parametrize("kind", ["announcement", "report"])
    def test_nobody_where_managers_do_not_decide(self, kind: CaseKind) -> None:
        assert in_charge(case(kind, venue_id="v"), ["max"]) == []


def told(who: str, outcome: str, minutes: int = 0, what: str = "review_opened") -> Told:
    at = OPENED + minutes * 60_000 * INSTANT
    return Told.model_validate({"who": who, "what": what, "at": at, "outcome": outcome})


class TestUnreachable:
    ASKED = ("account:max", "venue:v")

    @pytest.mark.parametrize(
        ("notices", "expected"),
        [
            ([], False),
            ([told("account:max", "bounced")], False),
            ([told("account:max", "bounced"), told("venue:v", "bounced")], True),
            ([told("account:max", "bounced"), told("venue:v", "sent")], False),
            ([told("account:max", "sent"), told("account:max", "bounced", 9)], False),
            # a server takes it first, and gives it back later
            (
                [
                    told("venue:v", "bounced", 9),
                    told("venue:v", "sent"),
                    told("account:max", "bounced"),
                ],
                True,
            ),
            # a later mail has come through
            (
                [
                    told("venue:v", "bounced"),
                    told("account:max", "bounced"),
                    told("venue:v", "sent", 9, "review_reminder"),
                ],
                False,
            ),
            # what is not a question is not an answer that failed
            (
                [
                    told("venue:v", "sent"),
                    told("venue:v", "bounced", 9, "message_posted"),
                    told("account:max", "bounced"),
                ],
                False,
            ),
            # others than those asked do not count
            ([told("account:max", "bounced"), told("moderators", "bounced")], False),
        ],
    )
    def test_only_if_the_last_word_to_each_has_come_back(
        self, notices: list[Told], expected: bool
    ) -> None:
        one = case(asked=[*self.ASKED])
        assert unreachable(one, notices) is expected
        assert unreachable(one, notices[::-1]) is expected

    def test_where_nobody_was_asked_nobody_is_out_of_reach(self) -> None:
        assert not unreachable(case(), [told("moderators", "bounced")])

    def test_the_mark_makes_moderators_deciders(self) -> None:
        assert not reachable(case(**UNREACHED), ["max"])
        assert moderators_decide(case(**UNREACHED), ["max"])


class TestHeldAtDeadline:
    def rules(self, one: ReviewCase, *, refuses: bool = False) -> list[tuple[str, list[str]]]:
        found = held_at_deadline(one, unreachable_refuses=refuses)
        return [(rule.rule, rule.fields) for rule in found]

    def test_nothing_by_default(self) -> None:
        assert self.rules(case(), refuses=True) == []

    def test_rules_then_objections(self) -> None:
        one = case(held=[held("pivot")], opinions=[opinion(fields=["nom"]), opinion("support")])
        assert self.rules(one) == [("siret", ["pivot"]), ("objection", ["nom"])]

    def test_an_objection_to_all_of_it(self) -> None:
        assert self.rules(case(**CONTESTED)) == [("objection", [])]

    @pytest.mark.parametrize("refuses", [False, True])
    def test_out_of_reach_the_setting_decides(self, refuses: bool) -> None:
        found = self.rules(case(**UNREACHED), refuses=refuses)
        assert found == ([("manager_unreachable", [])] if refuses else [])

    def test_each_says_why(self) -> None:
        one = case(**CONTESTED, **UNREACHED)
        sentences = [rule.sentence for rule in held_at_deadline(one, unreachable_refuses=True)]
        assert sentences == [OBJECTED, UNREACHABLE]


@pytest.mark.parametrize(
    ("insee", "postal", "expected"),
    [
        ("26362", "26000", "26"),
        (None, "26000", "26"),
        ("", "01000", "01"),
        ("2A004", "20000", "2A"),
        ("2B033", None, "2B"),
        (None, "97400", "974"),
        ("97411", None, "974"),
        (None, "98800", "988"),
        # which of the two a postal code does not say: both see the case
        (None, "20000", None),
        (None, None, None),
        ("", "", None),
    ],
)
def test_departement(insee: str | None, postal: str | None, expected: str | None) -> None:
    assert departement(insee, postal) == expected


def test_a_corsican_case_is_seen_in_both_departements() -> None:
    one = case(departement=departement(None, "20200"))
    assert all(Scope(departements=[name]).covers(one) for name in ("2A", "2B"))


@pytest.mark.parametrize(
    ("slug", "text", "expected"),
    [
        (None, None, None),
        (None, "  ", None),
        (None, " Non. ", "Non."),
        ("charter", None, MOTIVES["charter"]),
        ("charter", "Voir le point 3.", f"{MOTIVES['charter']} Voir le point 3."),
    ],
)
def test_motives_are_completed(slug: str | None, text: str | None, expected: str | None) -> None:
    assert completed(MOTIVES, slug, text) == expected


def test_motives_and_messages_are_whole_sentences() -> None:
    for text in (*MOTIVES.values(), *MESSAGES.values()):
        assert text[0].isupper()
        assert text.endswith((".", "?"))
