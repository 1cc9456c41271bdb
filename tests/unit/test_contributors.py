"""What accounts earn and lose, to the instant and to the proposal; the same person twice."""

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as some

from services.moderation.domain.contributors import (
    ACCEPTED_TO_BE_KNOWN,
    FORGIVEN,
    LOOKED_AT,
    NEW_FOR,
    Contributor,
    Fingerprints,
    same_person,
)
from tests.unit.moderation_samples import INSTANT, OPENED

KEY, OLD_KEY = "k" * 32, "o" * 32


def record(*decided: bool, **fields: object) -> Contributor:
    one = Contributor.model_validate({"id": "alice"} | fields)
    for accepted in decided:
        one = one.after(accepted=accepted)
    return one


class TestNew:
    @pytest.mark.parametrize(
        ("age", "accepted", "new"),
        [
            (dt.timedelta(0), 0, True),
            (NEW_FOR - INSTANT, 9, True),
            (NEW_FOR, 0, False),
            (NEW_FOR + INSTANT, 0, False),
            (dt.timedelta(0), 10, False),
            (NEW_FOR - INSTANT, 10, False),
            # a clock behind the one that made the account
            (-dt.timedelta(hours=1), 0, True),
            (None, 9, True),
            (None, 10, False),
        ],
    )
    def test_under_two_weeks_and_under_ten(
        self, age: dt.timedelta | None, accepted: int, new: bool
    ) -> None:
        since = None if age is None else OPENED - age
        assert record(since=since, accepted=accepted).is_new(OPENED) is new

    def test_as_published(self) -> None:
        assert (NEW_FOR.days, ACCEPTED_TO_BE_KNOWN) == (14, 10)

    def test_refusals_make_nobody_new_again(self) -> None:
        assert not record(*[True] * 10, *[False] * 20).is_new(OPENED)


class TestTrusted:
    @pytest.mark.parametrize(
        ("decided", "trusted"),
        [
            ([], False),
            ([True] * 9, False),
            ([True] * 10, True),
            ([False] + [True] * 9, True),
            ([True] * 9 + [False], True),
            ([False, False] + [True] * 8, False),
            ([False, False] + [True] * 9, True),
            ([True] * 20 + [False, False], False),
            ([True] * 20 + [False, False] + [True] * 8, False),
            ([True] * 20 + [False, False] + [True] * 9, True),
        ],
    )
    def test_nine_of_the_last_ten(self, decided: list[bool], trusted: bool) -> None:
        one = record(*decided)
        assert one.trusted is trusted
        assert (one.accepted, one.refused) == (decided.count(True), decided.count(False))
        assert one.revision == len(decided)

    @pytest.mark.parametrize(
        ("decided", "sentence"),
        [
            ([], "Encore 10 propositions acceptées, et vos ajouts"),
            ([True] * 8, "Encore 2 propositions acceptées, et"),
            ([True] * 9, "Encore 1 proposition acceptée, et"),
            ([True] * 8 + [False], "Encore 1 proposition acceptée, et"),
            ([True] * 10, "Sur vos 10 dernières propositions, 10 ont été acceptées"),
            ([True] * 9 + [False], "Sur vos 10 dernières propositions, 9 ont été acceptées"),
            ([False, False], "2 de vos 2 dernières propositions n'ont pas été retenues"),
            ([True] * 8 + [False] * 2, "2 de vos 10 dernières propositions n'ont pas été"),
        ],
    )
    def test_says_why(self, decided: list[bool], sentence: str) -> None:
        assert record(*decided).standing.startswith(sentence)

    @given(some.lists(some.booleans(), max_size=30))
    def test_only_the_last_ten_count(self, decided: list[bool]) -> None:
        one = record(*decided)
        assert one.recent == decided[-LOOKED_AT:]
        assert one.trusted is (
            len(decided) >= LOOKED_AT and decided[-LOOKED_AT:].count(False) <= FORGIVEN
        )


class TestCleared:
    def test_an_overturned_refusal_is_an_acceptance(self) -> None:
        one = record(True, False, True).cleared()
        assert (one.accepted, one.refused, one.recent) == (3, 0, [True, True, True])
        assert one.revision == 4

    def test_gives_trust_back(self) -> None:
        lost = record(*[True] * 8, False, False)
        assert not lost.trusted
        assert lost.cleared().trusted

    def test_of_long_ago(self) -> None:
        one = record(False, *[True] * 10).cleared()
        assert (one.accepted, one.refused, one.recent) == (11, 0, [True] * 10)


class TestFingerprints:
    PRINTS = Fingerprints(KEY)

    @pytest.mark.parametrize(
        "address",
        ["ada@exemple.fr", " Ada@Exemple.FR ", "ada+autre@exemple.fr", "ADA+a+b@exemple.fr"],
    )
    def test_the_same_mailbox(self, address: str) -> None:
        assert self.PRINTS.of(address) == self.PRINTS.of("ada@exemple.fr")

    @pytest.mark.parametrize("address", ["ada@exemple.org", "adah@exemple.fr", "exemple.fr"])
    def test_another_one(self, address: str) -> None:
        assert self.PRINTS.of(address) != self.PRINTS.of("ada@exemple.fr")

    def test_says_nothing_of_the_address(self) -> None:
        found = self.PRINTS.of("ada@exemple.fr")
        assert len(found) == 32
        assert "ada" not in found
        assert found != Fingerprints(OLD_KEY).of("ada@exemple.fr")

    def test_under_every_key_while_they_rotate(self) -> None:
        both = Fingerprints(f"{KEY}, {OLD_KEY},")
        kept = Fingerprints(OLD_KEY).of("ada@exemple.fr")
        assert both.of("ada@exemple.fr") == self.PRINTS.of("ada@exemple.fr")
        assert both.all("ada@exemple.fr") == {kept, self.PRINTS.of("ada@exemple.fr")}

    @pytest.mark.parametrize("address", [None, ""])
    def test_of_no_address(self, address: str | None) -> None:
        assert self.PRINTS.all(address) == frozenset()


class TestSamePerson:
    def test_by_id(self) -> None:
        assert same_person(record(), "alice", frozenset())
        assert not same_person(record(), "bob", frozenset())

    def test_by_address(self) -> None:
        one = record(fingerprint="f")
        assert same_person(one, "bob", frozenset({"e", "f"}))
        assert not same_person(one, "bob", frozenset({"e"}))

    def test_an_unknown_address_is_nobodys(self) -> None:
        assert not same_person(record(), "bob", frozenset())
        assert not same_person(record(), "bob", frozenset({"f"}))
