"""What a call may hold, and what is read off it."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import ValidationError

from services.announcements.domain.calls import (
    CALL,
    FundingCall,
    check_dates,
    midnight_after,
    same_text,
    today,
)
from services.announcements.domain.details import changes, details
from services.announcements.domain.search import matches, words
from services.announcements.domain.territories import DEPARTMENTS, check_territory, overlap
from shared.errors import InvalidInput
from tests.unit.announcements_memory import FUNDING, NOW, SKILLS, call, funding, rolling

DAYS = some.dates(dt.date(2026, 3, 2), dt.date(2027, 12, 31))


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


class TestFields:
    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"titre": " "}, "titre"),
            ({"titre": "x" * 141}, "titre"),
            ({"titre": "a\x00b"}, "titre"),
            ({"titre": "\u200b"}, "titre"),
            ({"titre": "\u3164\u2800"}, "titre"),
            ({"titre": "\u0301"}, "titre"),
            ({"titre": "\u202eabc"}, "titre"),
            ({"titre": "\u2066x"}, "titre"),
            ({"titre": "a\u200fb"}, "titre"),
            ({"texte": "\u200b\n\u200b"}, "texte"),
            ({"texte": "Un\n\u202bdeux"}, "texte"),
            ({"structure": "\u2060"}, "structure"),
            ({"place": "\u2069Valence"}, "place"),
            ({"skills": ["\u200d"]}, "skills.0"),
            ({"contacts": [{"nom": "\u200b"}]}, "contacts.0.nom"),
            ({"contacts": [{"nom": "A", "courriel": "\u202ea@exemple.fr"}]}, "contacts.0.courriel"),
            ({"texte": "x" * 5001}, "texte"),
            ({"territoire": "Drôme"}, "territoire"),
            ({"territoire": "commune:20004"}, "territoire"),
            ({"territoire": "region:99"}, "territoire"),
            ({"territoire": "france:1"}, "territoire"),
            ({"help_kind": "aide"}, "help_kind"),
            ({"help_kind": None}, "help_kind"),
            ({"place": None}, "remote"),
            ({"remote": "oui"}, "remote"),
            ({"skills": ["x" * 61]}, "skills.0"),
            ({"skills": ["x"] * 21}, "skills"),
            ({"goal": 5}, "goal"),
            ({"ends_on": None}, "ends_on"),
            ({"waves": ["2026-04-01"]}, "ends_on"),
            ({"ends_on": None, "waves": ["2026-05-01", "2026-04-01"]}, "waves"),
            ({"ends_on": None, "waves": ["2026-05-01", "2026-05-01"]}, "waves"),
            ({"ends_on": None, "waves": ["2026-05-01T00:00:00"]}, "waves.0"),
            ({"ends_on": 1893456000}, "ends_on"),
            ({"contacts": [{"nom": "Ana", "courriel": "ana"}]}, "contacts.0.courriel"),
            ({"contacts": [{"nom": "Ana", "site": "javascript:x"}]}, "contacts.0.site"),
            ({"contacts": [{"nom": "Ana", "telephone": "<b>"}]}, "contacts.0.telephone"),
            ({"contacts": ["ana"]}, "contacts.0"),
            ({"kind": "autre"}, "kind"),
        ],
    )
    def test_a_skills_call_names_what_is_wrong(self, changes: dict[str, Any], field: str) -> None:
        with pytest.raises(ValidationError) as wrong:
            CALL.validate_python(SKILLS | changes)
        (error,) = wrong.value.errors()
        assert ".".join(str(part) for part in error["loc"]) == field

    @pytest.mark.parametrize(
        ("changes", "field"),
        [
            ({"goal": 0}, "goal"),
            ({"goal": -5}, "goal"),
            ({"goal": float("nan")}, "goal"),
            ({"goal": 10.5}, "goal"),
            ({"goal": True}, "goal"),
            ({"goal": "1000"}, "goal"),
            ({"goal": 10**13}, "goal"),
            ({"raised": -1}, "raised"),
            ({"raised": float("inf")}, "raised"),
            ({"supporters": -1}, "supporters"),
            ({"currency": None}, "currency"),
            ({"currency": "euro"}, "currency"),
            ({"currency": "ABC"}, "currency"),
            ({"currency": "ZZZ"}, "currency"),
            ({"currency": "€UR"}, "currency"),
            ({"presale": True}, "currency"),
            ({"platform": ""}, "platform"),
            ({"help_kind": "job"}, "help_kind"),
        ],
    )
    def test_a_funding_call_names_what_is_wrong(self, changes: dict[str, Any], field: str) -> None:
        with pytest.raises(ValidationError) as wrong:
            CALL.validate_python(FUNDING | changes)
        (error,) = wrong.value.errors()
        assert error["loc"] == (field,)

    def test_a_presale_counts_orders_and_no_money(self) -> None:
        presale = funding(presale=True, currency=None, goal=50, raised=20)
        assert isinstance(presale, FundingCall)
        assert (presale.currency, presale.percent) == (None, 40)
        assert "Objectif : 50 commandes" in details(presale)
        assert "Objectif : 1 000 EUR" in details(funding())

    def test_a_currency_is_one_of_the_standard(self) -> None:
        for code in ("EUR", "chf", "XPF"):
            made = funding(currency=code)
            assert isinstance(made, FundingCall)
            assert made.currency == code.upper()

    @pytest.mark.parametrize("titre", ["❤️", "?", "👩\u200d💻", "مرحبا", "Co\u00adopérer"])
    def test_whatever_can_be_seen_is_a_title(self, titre: str) -> None:
        assert call(titre=titre).titre == titre

    def test_texts_are_put_right(self) -> None:
        assert call(titre="  Appel\n à\tprojets ").titre == "Appel à projets"
        assert call(texte=" un\n\ndeux\n").texte == "un\n\ndeux"
        assert call(territoire="commune:2a004").territoire == "commune:2A004"

    def test_moderators_read_no_address_in_the_details(self) -> None:
        contacts = [{"nom": "Ana", "courriel": "ana@exemple.fr"}, {"nom": "bob@exemple.fr"}]
        lines = details(rolling(contacts=contacts, skills=["Python"], structure="La Fabrique"))
        assert "Contact : Ana" in lines
        assert "Compétences : Python" in lines
        assert "Dates de sélection : 05/03/2026, 05/06/2026, 05/09/2026" in lines
        assert "@" not in "".join(lines)

    def test_moderators_read_what_a_change_replaces(self) -> None:
        contacts = [{"nom": "Ana", "site": "https://exemple.fr/ana"}]
        after = call(texte="Une journée.", ends_on="2026-03-09", contacts=contacts)
        assert changes(call(), after) == [
            "Texte jusqu'ici : Deux journées d'ateliers.",
            "Contact jusqu'ici : rien",
            "Dernier jour jusqu'ici : 10/03/2026",
            "Les contacts changent.",
        ]
        assert "Contact : Ana (https://exemple.fr/ana)" in details(after)
        assert "Territoire : département 26" in details(after)
        assert changes(funding(), funding(raised=500, supporters=3)) == []

    def test_figures_are_no_text(self) -> None:
        assert same_text(funding(), funding(raised=500, supporters=3))
        assert not same_text(funding(), funding(goal=2000))
        assert not same_text(funding(), funding(currency="CHF"))


class TestDays:
    @pytest.mark.parametrize(
        ("day", "ends_at"),
        [
            ("2026-01-31", "2026-01-31T23:00"),
            ("2026-07-14", "2026-07-14T22:00"),
            ("2026-03-28", "2026-03-28T23:00"),
            ("2026-03-29", "2026-03-29T22:00"),
            ("2026-10-25", "2026-10-25T23:00"),
        ],
    )
    def test_a_day_ends_at_midnight_in_paris(self, day: str, ends_at: str) -> None:
        assert midnight_after(dt.date.fromisoformat(day)) == utc(ends_at)

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
        check_dates(call(ends_on=ends_on), utc(at))

    @pytest.mark.parametrize(
        ("at", "dates", "field", "rule"),
        [
            ("2026-03-02T09:00", {"ends_on": "2026-03-01"}, "ends_on", "past"),
            ("2026-03-02T23:00", {"ends_on": "2026-03-02"}, "ends_on", "past"),
            ("2026-03-02T09:00", {"ends_on": "2028-03-03"}, "ends_on", "too_far"),
            ("2028-02-29T09:00", {"ends_on": "2030-03-01"}, "ends_on", "too_far"),
            ("2026-03-02T09:00", {"waves": ["2026-03-01", "2026-06-01"]}, "waves", "past"),
            ("2026-03-02T09:00", {"waves": ["2026-03-01"]}, "waves", "past"),
            ("2026-03-02T09:00", {"waves": ["2026-06-01", "2029-01-01"]}, "waves", "too_far"),
        ],
    )
    def test_other_days_are_refused(
        self, at: str, dates: dict[str, Any], field: str, rule: str
    ) -> None:
        with pytest.raises(InvalidInput) as refused:
            check_dates(call(**{"ends_on": None} | dates), utc(at))
        (wrong,) = refused.value.invalid
        assert (wrong.field, wrong.rule) == (field, rule)

    def test_waves_that_are_over_may_stay_in_a_change(self) -> None:
        at = utc("2026-04-01T09:00")
        check_dates(rolling(titre="Autre"), at, rolling())
        with pytest.raises(InvalidInput):
            check_dates(rolling(), at)

    @given(some.sets(DAYS, min_size=1, max_size=24), DAYS)
    def test_the_next_date_is_the_first_that_is_not_over(
        self, waves: set[dt.date], day: dt.date
    ) -> None:
        one = rolling(waves=sorted(waves))
        following = one.next_date(day)
        assert following == min((wave for wave in waves if wave >= day), default=None)
        assert one.open_until(day) == (following or max(waves))
        assert one.last_day == max(waves)

    def test_a_call_with_one_end_has_no_next_date(self) -> None:
        assert call().next_date(today(NOW)) is None
        assert call().open_until(today(NOW)) == dt.date(2026, 3, 10)


class TestTerritories:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("commune:69123", "departement:69"),
            ("commune:69123", "region:84"),
            ("commune:2A004", "departement:2A"),
            ("commune:2B033", "region:94"),
            ("commune:97411", "departement:974"),
            ("commune:97411", "region:04"),
            ("commune:97502", "departement:975"),
            ("departement:976", "region:06"),
            ("region:84", "france"),
        ],
    )
    def test_one_lies_in_the_other(self, one: str, other: str) -> None:
        assert overlap(check_territory(one), check_territory(other))
        assert overlap(other, one)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("commune:69123", "commune:69266"),
            ("commune:69123", "departement:01"),
            ("departement:2A", "departement:2B"),
            ("region:84", "region:93"),
            ("commune:04070", "region:04"),
        ],
    )
    def test_they_are_apart(self, one: str, other: str) -> None:
        assert not overlap(check_territory(one), check_territory(other))
        assert not overlap(other, one)

    def test_all_departments_are_there(self) -> None:
        assert len(DEPARTMENTS) == 101 + 6


class TestWords:
    def test_case_accents_and_plurals_do_not_count(self) -> None:
        assert words("Réseaux d'ŒUVRES, bénévoles") == ["reseau", "d", "oeuvre", "benevole"]

    @pytest.mark.parametrize("asked", ["bénévole", "BENEVOLES", "ateliers bene", "ate", ""])
    def test_all_words_asked_for_are_there(self, asked: str) -> None:
        assert matches(words(asked), words("Bénévoles pour un atelier"))

    @pytest.mark.parametrize("asked", ["benevolat", "bene atelier", "lier"])
    def test_one_word_is_missing(self, asked: str) -> None:
        assert not matches(words(asked), words("Bénévoles pour un atelier"))
