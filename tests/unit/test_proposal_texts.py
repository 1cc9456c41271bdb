"""The texts of a proposal, what is corrected or improved, and what an approval applies."""

import datetime as dt
from typing import Any

import pytest
from pydantic import ValidationError

from services.directory.domain.proposals import (
    EditImprovement,
    NewsImprovement,
    NewsItem,
    Proposal,
    UnknownText,
)
from services.directory.domain.rework import (
    CorrectInstead,
    Correction,
    NotCorrectable,
    NothingToPropose,
    ProposalClosed,
    Rework,
    check_improvable,
    check_parts,
    corrected,
    corrected_news,
    improved,
    improved_news,
)
from services.directory.domain.venues import Acceptance, Change, Revision, applied_by
from shared.errors import InvalidInput
from shared.events import Author, FieldValue

NOW = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
ALICE = Author(account_id="alice", name="Alice")
Sheet = dict[str, FieldValue]
SHEET: Sheet = {"id": "v", "nom": "Anonymal", "horaires": "Mo-Fr 09:00-12:00", "adresse": "1 rue"}
CHANGES: Sheet = {"nom": "Tiers-lieu", "horaires": "Mo-Sa 10:00-18:00"}


def edit(*improvements: Sheet, changes: Sheet = CHANGES, **fields: Any) -> Proposal:
    """An edit with later texts by a manager."""
    return Proposal(
        id="p",
        venue_id="v",
        base_revision=1,
        base={name: SHEET[name] for name in changes if name in SHEET},
        changes=changes,
        comment="Vu sur place.",
        author=ALICE,
        author_is_manager=False,
        proposed_at=NOW,
        improvements=[EditImprovement(by="account:m", at=NOW, changes=one) for one in improvements],
        **fields,
    )


def news(*titles: str, **fields: Any) -> NewsItem:
    """A news item with later titles by a manager."""
    return NewsItem(
        id="n",
        venue_id="v",
        titre="Porte ouverte",
        texte="Samedi.",
        lien="https://exemple.fr",
        author=ALICE,
        author_is_manager=False,
        proposed_at=NOW,
        improvements=[
            NewsImprovement(by="account:m", at=NOW, titre=title, texte="Samedi.")
            for title in titles
        ],
        **fields,
    )


def applied(**results: Any) -> dict[str, Any]:
    """The state and outcome of an edit that met the sheet."""
    return {"state": "applied", "accepted_revision": 1, "outcome": results}


def rules(refused: pytest.ExceptionInfo[InvalidInput]) -> list[tuple[str, str]]:
    assert all(one.message for one in refused.value.invalid)
    return [(one.field, one.rule) for one in refused.value.invalid]


class TestTexts:
    def test_each_text_is_kept_the_authors_is_the_first(self) -> None:
        better: Sheet = {"nom": "Le Tiers-lieu"}
        proposal = edit(better)
        assert (proposal.text(1), proposal.text(2)) == (CHANGES, better)
        assert (proposal.improved_by(1), proposal.improved_by(2)) == (None, "account:m")
        assert (proposal.revision, edit().revision) == (2, 1)

    def test_the_accepted_text_is_shown_else_the_newest(self) -> None:
        better: Sheet = {"nom": "Le Tiers-lieu"}
        assert edit(better).shown == better
        assert edit(better, accepted_revision=1).shown == CHANGES
        assert news("Portes ouvertes").shown.titre == "Portes ouvertes"
        assert news("Portes ouvertes", accepted_revision=1).shown.titre == "Porte ouverte"

    @pytest.mark.parametrize("revision", [-1, 0, 3])
    def test_a_text_that_never_was(self, revision: int) -> None:
        for proposal in (edit({"nom": "b"}), news("b")):
            with pytest.raises(UnknownText):
                proposal.text(revision)

    def test_events_carry_the_newest_changes(self) -> None:
        proposal = edit({"nom": "b", "courriels": ["a@exemple.fr"]})
        name, addresses = proposal.field_changes()
        assert (name.old, name.new) == ("Anonymal", "b")
        assert (addresses.withheld, addresses.new) == (True, None)
        assert proposal.has_addresses
        assert not edit({"nom": "b"}).has_addresses


class TestApply:
    @pytest.mark.parametrize(
        ("state", "on_appeal", "applies"),
        [
            ("waiting", False, True),
            ("refused", False, False),
            ("refused", True, True),
            ("withdrawn", True, False),
            ("superseded", True, False),
            ("reverted", True, False),
        ],
    )
    def test_an_approval_counts_while_it_may(
        self, state: str, on_appeal: bool, applies: bool
    ) -> None:
        found = edit(state=state).to_apply([*CHANGES], 1, on_appeal=on_appeal)
        assert found == (CHANGES if applies else {})

    def test_exactly_the_approved_text_is_applied(self) -> None:
        proposal = edit({"nom": "Le Tiers-lieu"})
        assert proposal.to_apply(["nom"], 1, on_appeal=False) == {"nom": "Tiers-lieu"}
        assert proposal.to_apply(["nom"], 2, on_appeal=False) == {"nom": "Le Tiers-lieu"}

    @pytest.mark.parametrize("result", ["applied", "unchanged", "conflicts"])
    def test_a_field_meets_the_sheet_once(self, result: str) -> None:
        proposal = edit(**applied(**{result: ["nom"]}))
        for on_appeal in (True, False):
            assert proposal.to_apply(["nom"], 1, on_appeal=on_appeal) == {}
        left = proposal.to_apply(["nom", "horaires"], 1, on_appeal=True)
        assert left == {"horaires": CHANGES["horaires"]}


class TestCorrection:
    @pytest.mark.parametrize("state", ["waiting", "refused", "withdrawn"])
    def test_what_is_not_given_is_kept(self, state: str) -> None:
        correction = Correction(changes={"nom": "Autre nom", "telephone": "+33465710099"})
        assert corrected(edit(state=state), correction, SHEET) == {
            "nom": "Autre nom",
            "horaires": CHANGES["horaires"],
            "telephone": "+33465710099",
        }

    def test_an_improved_text_is_kept(self) -> None:
        assert corrected(edit({"nom": "Mieux"}), Correction(), SHEET) == {"nom": "Mieux"}

    def test_a_field_may_be_left_out(self) -> None:
        assert corrected(edit(), Correction(drop=["nom"]), SHEET) == {
            "horaires": CHANGES["horaires"]
        }
        with pytest.raises(InvalidInput) as refused:
            corrected(edit(), Correction(drop=["nom", "adresse"]), SHEET)
        assert rules(refused) == [("drop", "unknown_field")]

    def test_only_what_is_not_online_is_kept(self) -> None:
        proposal = edit(**applied(applied=["nom"], refused_fields=["horaires"]))
        left = {"horaires": CHANGES["horaires"]}
        assert corrected(proposal, Correction(), SHEET) == left
        # what is online may be named, and is no longer there to leave out
        assert corrected(proposal, Correction(drop=["nom"]), SHEET) == left
        other = corrected(proposal, Correction(changes={"nom": "Encore"}), SHEET)
        assert other == {**left, "nom": "Encore"}

    def test_a_conflict_can_be_sent_again(self) -> None:
        proposal = edit(**applied(applied=["horaires"], conflicts=["nom"]))
        assert corrected(proposal, Correction(), SHEET) == {"nom": "Tiers-lieu"}

    @pytest.mark.parametrize(
        "closed",
        [
            {"state": "superseded"},
            {"state": "reverted"},
            applied(applied=["nom", "horaires"]),
            applied(applied=["nom"], unchanged=["horaires"]),
        ],
    )
    def test_what_is_online_undone_or_replaced_is_not_corrected(
        self, closed: dict[str, Any]
    ) -> None:
        with pytest.raises(NotCorrectable):
            corrected(edit(**closed), Correction(changes={"nom": "x"}), SHEET)

    def test_what_the_sheet_says_by_now_is_left_out(self) -> None:
        now = {**SHEET, "nom": "Tiers-lieu"}
        assert corrected(edit(), Correction(), now) == {"horaires": CHANGES["horaires"]}
        # but not silently where it was given
        with pytest.raises(InvalidInput) as refused:
            corrected(edit(), Correction(changes={"nom": "Tiers-lieu"}), now)
        assert rules(refused) == [("changes.nom", "unchanged")]

    def test_nothing_remains(self) -> None:
        with pytest.raises(NothingToPropose):
            corrected(edit(), Correction(), {**SHEET, **CHANGES})
        with pytest.raises(NothingToPropose):
            corrected(edit(), Correction(drop=[*CHANGES]), SHEET)

    def test_it_is_checked_as_any_proposal(self) -> None:
        with pytest.raises(InvalidInput) as refused:
            corrected(edit(), Correction(changes={"nom": "", "prix": "1"}), SHEET)
        assert rules(refused) == [("changes.nom", "required"), ("changes.prix", "unknown_field")]
        position = edit(changes={"latitude": 48.0, "longitude": 2.0})
        with pytest.raises(InvalidInput) as refused:
            corrected(position, Correction(drop=["latitude"]), SHEET)
        assert {rule for _, rule in rules(refused)} == {"together"}

    def test_news_keeps_what_is_not_given(self) -> None:
        words = corrected_news(news(), Correction(titre="Portes ouvertes", texte=None))
        assert (words.titre, words.texte) == ("Portes ouvertes", "Samedi.")
        assert words.lien == "https://exemple.fr"
        assert corrected_news(news(state="refused"), Correction(lien=None)).lien is None

    @pytest.mark.parametrize("state", ["online", "superseded", "unpublished"])
    def test_news_that_is_online_undone_or_replaced_is_not_corrected(self, state: str) -> None:
        with pytest.raises(NotCorrectable):
            corrected_news(news(state=state), Correction())


class TestImprovement:
    def test_it_is_for_others_while_it_waits(self) -> None:
        check_improvable(edit(), "m")
        with pytest.raises(CorrectInstead):
            check_improvable(edit(), "alice")
        for closed in (edit(state="refused"), news(state="withdrawn")):
            with pytest.raises(ProposalClosed):
                check_improvable(closed, "m")

    def test_it_is_the_whole_next_text(self) -> None:
        rework = Rework(changes={"nom": " Le Tiers-lieu "}, drop=["horaires"])
        assert improved(edit(), rework, SHEET) == {"nom": "Le Tiers-lieu"}
        again = Rework(changes={"adresse": "2 rue"})
        assert improved(edit({"nom": "x"}), again, SHEET) == {"nom": "x", "adresse": "2 rue"}

    @pytest.mark.parametrize(
        ("rework", "wrong"),
        [
            (Rework(), ("changes", "unchanged")),
            (Rework(changes={"nom": "Tiers-lieu"}), ("changes", "unchanged")),
            (Rework(drop=[*CHANGES]), ("changes", "too_short")),
            (Rework(drop=["adresse"]), ("drop", "unknown_field")),
            (Rework(changes={"nom": "Anonymal"}), ("changes.nom", "unchanged")),
            (Rework(changes={"code_postal": "2"}), ("changes.code_postal", "pattern")),
        ],
    )
    def test_what_is_no_improvement(self, rework: Rework, wrong: tuple[str, str]) -> None:
        with pytest.raises(InvalidInput) as refused:
            improved(edit(), rework, SHEET)
        assert rules(refused) == [wrong]

    def test_news_in_other_words(self) -> None:
        words = improved_news(news(), Rework(texte="Samedi matin."))
        assert (words.titre, words.texte) == ("Porte ouverte", "Samedi matin.")
        with pytest.raises(InvalidInput) as refused:
            improved_news(news(), Rework(titre="Porte ouverte"))
        assert rules(refused) == [("texte", "unchanged")]


class TestParts:
    def test_each_kind_has_its_own(self) -> None:
        check_parts(Correction(changes={}, drop=[], comment="", base_revision=1), edit())
        check_parts(Correction(titre="a", texte="b", lien=None), news())
        with pytest.raises(InvalidInput) as refused:
            check_parts(Correction(titre="a", lien=None), edit())
        assert rules(refused) == [("lien", "extra_forbidden"), ("titre", "extra_forbidden")]
        with pytest.raises(InvalidInput) as refused:
            check_parts(Correction(base_revision=1, texte="b"), news())
        assert rules(refused) == [("base_revision", "extra_forbidden")]

    @pytest.mark.parametrize(
        "body", [{"titre": " "}, {"lien": "exemple.fr"}, {"base_revision": "1"}, {"state": "x"}]
    )
    def test_they_have_the_forms_of_a_proposal(self, body: dict[str, Any]) -> None:
        with pytest.raises(ValidationError):
            Correction.model_validate(body)


def revision(number: int, how: Any, proposal: str | None, **changes: Any) -> Revision:
    return Revision(
        venue_id="v",
        revision=number,
        at=NOW,
        by="account:alice",
        accepted=Acceptance(how=how, at=NOW, proposal_id=proposal),
        changes=[Change(field=name, old=old, new=new) for name, (old, new) in changes.items()],
    )


def test_what_a_proposal_has_changed_is_in_the_history() -> None:
    history = [
        revision(1, "import", None, nom=(None, "a")),
        revision(2, "manager", "p", nom=("a", "b"), date_maj=("2025-01-01", "2026-03-02")),
        revision(3, "silence", "q", horaires=("x", "y")),
        # later, on appeal
        revision(4, "moderator", "p", adresse=("1 rue", None)),
        revision(5, "revert", "p", nom=("b", "a")),
    ]
    assert applied_by("p", history) == {"nom": ("a", "b"), "adresse": ("1 rue", None)}
    assert applied_by("r", history) == {}
