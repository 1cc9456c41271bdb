"""What an announcement may hold, and what may become of it."""

import datetime as dt
from typing import Any
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import ValidationError

from services.announcements.domain import (
    Announcement,
    Call,
    check_end,
    end,
    publish,
    refuse,
    revert,
    web_address,
    withdraw,
)
from shared.errors import InvalidInput
from shared.events import Author
from shared.events.moderation import Decision

NOW = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
LATER = NOW + dt.timedelta(days=1)
LAST_DAY = dt.date(2026, 3, 10)
CALL: dict[str, Any] = {
    "kind": "skills_call",
    "titre": "Formatrice recherchée",
    "texte": "Deux journées d'ateliers.",
    "lien": "https://exemple.fr/appel",
    "ends_on": LAST_DAY,
}
VALIDATED = Decision(how="moderator", by="account:m", at=NOW)
ON_APPEAL = VALIDATED.model_copy(update={"on_appeal": True})
REFUSED = Decision(how="moderator", by="account:m", at=NOW, reason="Hors sujet.")


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


def submitted(**changes: Any) -> Announcement:
    fields = CALL | changes
    return Announcement(**fields, id="a", author=Author(account_id="alice"), submitted_at=NOW)


def sentence(field: str, value: object) -> str:
    """What is said about one wrong field."""
    with pytest.raises(ValidationError) as refused:
        Call.model_validate(CALL | {field: value})
    (error,) = refused.value.errors()
    assert error["loc"] == (field,)
    return error["msg"]


class TestLink:
    @pytest.mark.parametrize(
        ("given_link", "kept"),
        [
            ("https://exemple.fr/appel?x=1#Détail", "https://exemple.fr/appel?x=1#Détail"),
            ("HTTPS://Exemple.FR:8443/Appel", "https://exemple.fr:8443/Appel"),
            ("  http://exemple.fr\n", "http://exemple.fr"),
            ("https://médiation.fr/", "https://médiation.fr/"),
            ("http://192.0.2.1/", "http://192.0.2.1/"),
        ],
    )
    def test_only_scheme_and_host_are_changed(self, given_link: str, kept: str) -> None:
        assert Call.model_validate(CALL | {"lien": given_link}).lien == kept

    @pytest.mark.parametrize(
        ("link", "part_of_message"),
        [
            ("javascript:alert(1)", "commencer par http"),
            ("JavaScript://exemple.fr/%0aalert(1)", "commencer par http"),
            ("data:text/html,x", "commencer par http"),
            ("ftp://exemple.fr/", "commencer par http"),
            ("//exemple.fr/", "commencer par http"),
            ("exemple.fr", "commencer par http"),
            ("https://", "nom de site"),
            ("https:///appel", "nom de site"),
            ("https:exemple.fr", "nom de site"),
            ("https://:443/", "nom de site"),
            ("https://exem%70le.fr/", "nom de site"),
            ("https://alice:secret@exemple.fr/", "mot de passe"),
            ("https://@exemple.fr/", "mot de passe"),
            ("https://exemple.fr\\@autre.fr/", "caractères interdits"),
            ("https://exem ple.fr/", "caractères interdits"),
            ("https://exemple.fr/\u202egpj.exe", "caractères interdits"),
            ("java\tscript:alert(1)", "caractères interdits"),
            ("https://exemple.fr:99999/", "adresse web"),
            ("https://[exemple/", "adresse web"),
            ("https://exemple.fr/" + "a" * 2_000, "at most 2000"),
            ("", "at least 1"),
        ],
    )
    def test_what_is_no_web_address_is_refused(self, link: str, part_of_message: str) -> None:
        assert part_of_message in sentence("lien", link)

    @given(some.text(max_size=40).map(lambda tail: f"https://{tail}") | some.text(max_size=40))
    def test_whatever_is_kept_has_a_host_and_is_kept_as_it_is(self, text: str) -> None:
        try:
            kept = web_address(text)
        except ValueError:
            return
        parts = urlsplit(kept)
        assert parts.scheme in ("http", "https")
        assert parts.hostname
        assert parts.username is None
        assert web_address(kept) == kept


class TestTexts:
    def test_a_title_is_one_line(self) -> None:
        assert submitted(titre="  Appel\n à\tprojets ").titre == "Appel à projets"
        assert submitted(territoire="La\nDrôme").territoire == "La Drôme"

    def test_a_text_keeps_its_lines(self) -> None:
        assert submitted(texte=" un\n\ndeux\n").texte == "un\n\ndeux"

    @pytest.mark.parametrize(
        ("field", "longest"), [("titre", 140), ("texte", 5_000), ("territoire", 120)]
    )
    def test_texts_have_limits(self, field: str, longest: int) -> None:
        assert len(getattr(submitted(**{field: "x" * longest}), field)) == longest
        assert f"at most {longest}" in sentence(field, "x" * (longest + 1))
        assert "at least 1" in sentence(field, " \n")
        assert "caractères interdits" in sentence(field, "a\x00b")

    def test_the_territory_may_be_missing(self) -> None:
        assert submitted().territoire is None


class TestEnd:
    @pytest.mark.parametrize(
        ("ends_on", "ends_at"),
        [
            ("2026-01-31", "2026-01-31T23:00"),
            ("2026-07-14", "2026-07-14T22:00"),
            ("2026-03-28", "2026-03-28T23:00"),
            ("2026-03-29", "2026-03-29T22:00"),
            ("2026-10-25", "2026-10-25T23:00"),
        ],
    )
    def test_it_is_midnight_in_paris(self, ends_on: str, ends_at: str) -> None:
        announcement = submitted(ends_on=dt.date.fromisoformat(ends_on))
        assert announcement.ends_at == utc(ends_at)

    @pytest.mark.parametrize(
        ("at", "ends_on"),
        [
            ("2026-03-02T09:00", "2026-03-02"),
            ("2026-03-02T22:59", "2026-03-02"),
            ("2026-03-02T23:00", "2026-03-03"),
            ("2026-03-02T09:00", "2028-03-02"),
            ("2028-02-29T09:00", "2030-02-28"),
        ],
    )
    def test_today_to_two_years_ahead_is_allowed(self, at: str, ends_on: str) -> None:
        check_end(dt.date.fromisoformat(ends_on), utc(at))

    @pytest.mark.parametrize(
        ("at", "ends_on", "rule", "message"),
        [
            ("2026-03-02T09:00", "2026-03-01", "past", "déjà passée"),
            ("2026-03-02T23:00", "2026-03-02", "past", "déjà passée"),
            ("2026-03-02T09:00", "2028-03-03", "too_far", "deux ans"),
            ("2028-02-29T09:00", "2030-03-01", "too_far", "deux ans"),
            ("2026-03-02T09:00", "9999-12-31", "too_far", "deux ans"),
        ],
    )
    def test_other_days_are_refused(self, at: str, ends_on: str, rule: str, message: str) -> None:
        with pytest.raises(InvalidInput) as refused:
            check_end(dt.date.fromisoformat(ends_on), utc(at))
        (wrong,) = refused.value.invalid
        assert (wrong.field, wrong.rule) == ("ends_on", rule)
        assert message in wrong.message


class TestStates:
    def test_validated_it_is_online(self) -> None:
        online = publish(submitted(), VALIDATED, LATER)
        assert (online.state, online.published_at, online.ended_at) == ("online", LATER, None)
        assert (online.revision, online.decision) == (2, VALIDATED)
        assert online.is_public

    def test_refused_it_says_why(self) -> None:
        refused = refuse(submitted(), REFUSED)
        assert (refused.state, refused.refusal_reason) == ("refused", "Hors sujet.")
        assert (refused.revision, refused.published_at) == (2, None)
        assert not refused.is_public

    def test_a_remark_with_a_validation_is_no_refusal(self) -> None:
        remark = VALIDATED.model_copy(update={"reason": "Merci !"})
        assert publish(submitted(), remark, LATER).refusal_reason is None

    def test_validated_on_its_last_day_it_is_still_online(self) -> None:
        at = submitted().ends_at - dt.timedelta(milliseconds=1)
        assert publish(submitted(), VALIDATED, at).state == "online"

    def test_validated_after_its_end_it_is_ended_at_once(self) -> None:
        ended = publish(submitted(), VALIDATED, submitted().ends_at)
        assert (ended.state, ended.ended_at, ended.published_at) == (
            "ended",
            submitted().ends_at,
            None,
        )

    def test_its_end_takes_it_offline(self) -> None:
        online = publish(submitted(), VALIDATED, NOW)
        ended = end(online, LAST_DAY, LATER)
        assert (ended.state, ended.ended_at, ended.revision) == ("ended", LATER, 3)
        assert ended.published_at == NOW

    def test_a_timer_for_another_day_changes_nothing(self) -> None:
        online = publish(submitted(), VALIDATED, NOW)
        assert end(online, LAST_DAY - dt.timedelta(days=1), LATER) is online

    def test_an_appeal_puts_a_refused_one_online(self) -> None:
        refused = refuse(submitted(), REFUSED)
        assert publish(refused, VALIDATED, LATER) is refused
        online = publish(refused, ON_APPEAL, LATER)
        assert (online.state, online.revision, online.published_at) == ("online", 3, LATER)
        assert (online.decision, online.refusal_reason) == (ON_APPEAL, None)
        assert publish(online, ON_APPEAL, LATER) is online

    def test_an_appeal_after_its_end_never_puts_it_online(self) -> None:
        ended = publish(refuse(submitted(), REFUSED), ON_APPEAL, submitted().ends_at)
        assert (ended.state, ended.published_at) == ("ended", None)

    def test_withdrawn_it_is_for_its_author(self) -> None:
        withdrawn = withdraw(submitted())
        assert (withdrawn.state, withdrawn.revision) == ("withdrawn", 2)
        assert not withdrawn.is_public
        assert publish(withdrawn, ON_APPEAL, LATER) is withdrawn
        assert refuse(withdrawn, REFUSED) is withdrawn

    def test_undone_it_is_offline(self) -> None:
        undone = revert(publish(submitted(), VALIDATED, NOW), LATER)
        assert (undone.state, undone.ended_at, undone.revision) == ("ended", LATER, 3)
        assert publish(undone, ON_APPEAL, LATER) is undone
        assert end(undone, LAST_DAY, LATER) is undone

    @pytest.mark.parametrize("state", ["online", "refused", "withdrawn", "ended"])
    def test_only_what_waits_can_be_withdrawn(self, state: str) -> None:
        announcement = submitted().model_copy(update={"state": state})
        assert withdraw(announcement) is announcement

    @pytest.mark.parametrize("state", ["submitted", "refused", "withdrawn", "ended"])
    def test_only_what_is_online_can_be_undone(self, state: str) -> None:
        announcement = submitted().model_copy(update={"state": state})
        assert revert(announcement, LATER) is announcement

    @pytest.mark.parametrize("state", ["online", "refused", "ended"])
    def test_a_decision_that_comes_again_changes_nothing(self, state: str) -> None:
        decided = submitted().model_copy(update={"state": state})
        assert publish(decided, VALIDATED, LATER) is decided
        assert refuse(decided, REFUSED) is decided

    @pytest.mark.parametrize("state", ["submitted", "refused", "ended"])
    def test_only_what_is_online_can_end(self, state: str) -> None:
        announcement = submitted().model_copy(update={"state": state})
        assert end(announcement, LAST_DAY, LATER) is announcement
