"""Values as real files and people write them: telephones, hours, SIRET, HTML, closed lists."""

import csv
import json
import os
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some

from services.directory.domain.fiche import COLUMNS, InvalidValue
from services.directory.domain.hours_text import suggested
from services.directory.domain.phones import NUMBER, international
from services.directory.domain.texts import has_html, without_html

ROOT = Path(__file__).resolve().parents[2]
HOURS = ROOT / os.environ.get("MEDNUM_DATA", "../shared/data") / "horaires"
WITH_HOURS = pytest.mark.skipif(not HOURS.is_dir(), reason="MEDNUM_DATA holds no horaires/")


def refusal(column: str, cell: str) -> tuple[str, str | None]:
    """The rule that a cell breaks, and what is suggested instead."""
    error = COLUMNS[column].read(cell).error
    assert error, f"{cell!r} is taken"
    if error.suggestion is not None:
        asked = f"« {error.suggestion} » ?" if error.suggestion else "Laissez plutôt vide."
        assert error.message.endswith(asked)
    return error.rule, error.suggestion


def noted(column: str, cell: str) -> tuple[str, str | None, str]:
    """The rule of a taken cell's note, what is kept, and the note."""
    note = COLUMNS[column].read(cell).note
    assert note, f"nothing is said of {cell!r}"
    return note.rule, note.suggestion, note.message


class TestTelephones:
    @pytest.mark.parametrize(
        ("written", "number"),
        [
            ("01 80 05 98 80", "+33180059880"), ("01.80.05.98.80", "+33180059880"),
            ("01-80-05-98-80", "+33180059880"), ("+33 1 80 05 98 80", "+33180059880"),
            ("+33 (0)1 80 05 98 80", "+33180059880"), ("0033180059880", "+33180059880"),
            ("+330180059880", "+33180059880"), ("33180059880", "+33180059880"),
            ("180059880", "+33180059880"),
            ("0590 12 34 56", "+590590123456"), ("0690123456", "+590690123456"),
            ("0594123456", "+594594123456"), ("0596123456", "+596596123456"),
            ("0696123456", "+596696123456"), ("0262123456", "+262262123456"),
            ("0692123456", "+262692123456"), ("0269123456", "+262269123456"),
            ("0508123456", "+508123456"), ("+687 12 34 56", "+687123456"),
        ],
    )  # fmt: skip
    def test_the_national_rule_leaves_no_doubt(self, written: str, number: str) -> None:
        assert noted("telephone", written)[:2] == ("rewritten", number)
        assert COLUMNS["telephone"].check_proposed(written) == number

    @pytest.mark.parametrize(
        "written", ["12 34 56", "3960", "15", "01 80 05 98", "+44 20 7946 0958", "au guichet"]
    )
    def test_others_do(self, written: str) -> None:
        assert refusal("telephone", written) == ("pattern", None)

    @pytest.mark.parametrize(
        "written", ["appeler le 01 80 05 98 80", "+33180059880 (accueil)", "Tél : 01.80.05.98.80"]
    )
    def test_a_number_among_words_is_suggested(self, written: str) -> None:
        assert refusal("telephone", written) == ("pattern", "+33180059880")

    @pytest.mark.parametrize("between", [" / ", "|", " ; ", ", ", " ou ", "\n", "/"])
    def test_of_several_the_first_valid_one_is_kept_and_no_other_lost(self, between: str) -> None:
        rule, kept, message = noted("telephone", between.join(["01 80 05 98 80", "0262 12 34 56"]))
        assert (rule, kept) == ("one_number", "+33180059880")
        assert "0262 12 34 56" in message
        assert noted("telephone", "accueil / 0180059880")[1] == "+33180059880"

    def test_a_person_says_which_one(self) -> None:
        with pytest.raises(InvalidValue) as refused:
            COLUMNS["telephone"].check_proposed("0180059880 / 0262123456")
        assert (refused.value.rule, refused.value.suggestion) == ("one_number", "+33180059880")

    @given(some.from_regex(NUMBER, fullmatch=True))
    def test_a_number_in_form_is_left_alone(self, number: str) -> None:
        assert COLUMNS["telephone"].from_cell(number) == number

    @given(some.text("0123456789+.-() ", max_size=18))
    def test_what_is_made_of_digits_has_the_form_or_is_none(self, written: str) -> None:
        number = international(written)
        assert number is None or NUMBER.fullmatch(number)


class TestOpenLists:
    @pytest.mark.parametrize(
        ("column", "written", "kept"),
        [
            ("courriels", "a@lieu.fr;b@lieu.fr", "a@lieu.fr|b@lieu.fr"),
            ("courriels", "a@lieu.fr, b@lieu.fr;", "a@lieu.fr|b@lieu.fr"),
            ("courriels", "a@lieu.fr\nb@lieu.fr|c@lieu.fr", "a@lieu.fr|b@lieu.fr|c@lieu.fr"),
            ("site_web", "https://a.fr; https://b.fr", "https://a.fr|https://b.fr"),
        ],
    )
    def test_addresses_with_another_sign_between_them(
        self, column: str, written: str, kept: str
    ) -> None:
        assert noted(column, written)[:2] == ("rewritten", kept)
        assert COLUMNS[column].from_cell(written) == kept.split("|")

    @pytest.mark.parametrize(
        ("column", "whole"),
        [
            ("site_web", "https://a.fr/1,2;3.html"),
            ("courriels", "a@lieu.fr, le matin"),
            ("typologie", "A;B"),
        ],
    )
    def test_what_is_no_list_of_them_stays_whole(self, column: str, whole: str) -> None:
        assert COLUMNS[column].from_cell(whole) == [whole]


class TestHours:
    @pytest.mark.parametrize(
        ("written", "meant"),
        [
            ("undefined", ""),
            ("Th :undefined-17:00", ""),
            ("Mo-Fr 09:00-12:00; Th undefined-undefined", "Mo-Fr 09:00-12:00"),
            ("Mo-Sun 08:30-12:30", "Mo-Su 08:30-12:30"),
            ("Sun 10:00-12:00", "Su 10:00-12:00"),
            ("Sun", "Su"),
            ("Mo 09:00-12:00; Sun \"sur rdv\"", "Mo 09:00-12:00; Su \"sur rdv\""),
            ("Mon-Fri 09:00-12:00", "Mo-Fr 09:00-12:00"),
            ("Mo-Fr 9h-12h30,13h30-17h", "Mo-Fr 09:00-12:30,13:30-17:00"),
            ("Mo-Fr 09:00-12:00; 14:00-17:00", "Mo-Fr 09:00-12:00,14:00-17:00"),
            ("Du lundi au vendredi : 9h-12h / 14h-17h", "Mo-Fr 09:00-12:00,14:00-17:00"),
            ("9h-19h du lundi au samedi", "Mo-Sa 09:00-19:00"),
            ("Lundi, mardi et jeudi de 16h30 à 18h.", "Mo,Tu,Th 16:30-18:00"),
            ("mardi-jeudi-samedi 14h-18h", "Tu,Th,Sa 14:00-18:00"),
            ("Lundi : 14H - 17HMardi : 9H30 - 12H", "Mo 14:00-17:00; Tu 09:30-12:00"),
            ("<ul><li>Lundi 9h-12h</li><li>Mardi 9h-12h</li></ul>", "Mo,Tu 09:00-12:00"),
            ("Du lundi au vendredi 9h-12h, fermé le mercredi", "Mo,Tu,Th,Fr 09:00-12:00"),
            ("8 h 30 - 12 h et 13 h 30 - 17 h", "08:30-12:00,13:30-17:00"),
            ("samedi au lundi 9h-12h", "Mo,Sa,Su 09:00-12:00"),
            ("24h/24 7j/7", "24/7"),
            # half of it would be other hours
            ("lundi matin", None),
            ("Mo 08:30", None),
            ("Mo 09:00-12:00-13:45", None),
            ("Mo-Fr 09:00-12:00 sur rendez-vous", None),
            ("1er mardi du mois 9h-12h", None),
            ("lundi 9h-12h, lundi 10h-11h", None),
            ("lundi 14h-7h", None),
            ("Très variables", None),
        ],
    )  # fmt: skip
    def test_refused_with_what_was_meant_if_every_word_was_understood(
        self, written: str, meant: str | None
    ) -> None:
        assert refusal("horaires", written) == ("opening_hours", meant)

    @pytest.mark.parametrize(
        "written",
        ["24/7", "Mo-Fr 09:00-12:00,14:00-18:30; Sa 08:30-12:00", "Mo-Fr 08:30-17:00; Sa off",
         "Tu,Th 08:30-12:00; PH off", 'Mo 09:00-12:00 "sur rendez-vous"', "Jul-Aug Mo 09:00+"],
    )  # fmt: skip
    def test_what_a_machine_can_read_stays_as_it_was_written(self, written: str) -> None:
        assert COLUMNS["horaires"].check_proposed(written) == written
        assert COLUMNS["horaires"].read(written).note is None

    def test_days_in_a_chain_are_a_list(self) -> None:
        assert noted("horaires", "Mo-Tu-Th 09:00-12:00")[1] == "Mo,Tu,Th 09:00-12:00"

    def test_people_are_told_as_well(self) -> None:
        with pytest.raises(InvalidValue, match="« Mo 09:00-12:00 »") as refused:
            COLUMNS["horaires"].check_proposed("lundi 9h-12h")
        assert refused.value.suggestion == "Mo 09:00-12:00"

    @given(some.text("lundimarejv 0123456789h:-/,;à+[]()", max_size=40))
    @settings(deadline=None)
    def test_a_suggestion_can_be_taken(self, written: str) -> None:
        error = COLUMNS["horaires"].read(written).error
        if error and error.suggestion:
            assert COLUMNS["horaires"].from_cell(error.suggestion) == error.suggestion

    @WITH_HOURS
    def test_real_hours_are_taken(self) -> None:
        with (HOURS / "horaires-osm-reels.csv").open(encoding="utf-8", newline="") as file:
            real = [row["horaires"] for row in csv.DictReader(file)]
        assert [one for one in real if COLUMNS["horaires"].read(one).error] == []

    @WITH_HOURS
    def test_really_broken_hours_are_refused(self) -> None:
        broken = json.loads((HOURS / "horaires-invalides-reels.json").read_text("utf-8"))
        errors = [COLUMNS["horaires"].read(one["valeur"]).error for one in broken]
        assert all(errors)
        with_suggestion = [error for error in errors if error and error.suggestion is not None]
        assert len(with_suggestion) >= 60

    @WITH_HOURS
    def test_no_suggestion_says_other_hours(self) -> None:
        cases = json.loads((HOURS / "cas-horaires.json").read_text("utf-8"))
        texts = cases["texte_vers_osm_semaine"] + cases["texte_vers_osm_un_jour"]
        made = [(one["texte"], suggested(one["texte"]), one["osm"]) for one in texts]
        understood = [(text, ours, theirs) for text, ours, theirs in made if ours]
        assert len(understood) >= 80
        # every day is not Monday to Friday
        assert [text for text, ours, theirs in understood if _week(ours) != _week(theirs)] == [
            "Tous les jours 9h-20h"
        ]


def _week(hours: str) -> set[tuple[str, str]]:
    """Each day of some hours with what it has."""
    days = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"]
    week: dict[str, str] = {}
    for rule in filter(None, hours.split("; ")):
        names, _, times = rule.rpartition(" ")
        for span in names.split(","):
            first, _, last = span.partition("-")
            named = days[days.index(first) : days.index(last or first) + 1] if first else [""]
            week |= dict.fromkeys(named, times)
    return set(week.items())


class TestPivots:
    @pytest.mark.parametrize(
        "pivot", ["43493312300029", "35600000011892", "00000000000000", "W751234567", "123456789"]
    )
    def test_taken(self, pivot: str) -> None:
        assert COLUMNS["pivot"].read(pivot) == (pivot, None, None)

    def test_a_wrong_key_is_said_and_a_person_asked(self) -> None:
        assert noted("pivot", "43493312300028")[:2] == ("siret", "43493312300028")
        with pytest.raises(InvalidValue) as refused:
            COLUMNS["pivot"].check_proposed("43493312300028")
        assert refused.value.rule == "siret"

    def test_spaces_are_a_suggestion_away(self) -> None:
        assert refusal("pivot", "434 933 123 00029") == ("pattern", "43493312300029")
        assert refusal("code_postal", "1000") == ("pattern", "01000")


class TestHtml:
    @pytest.mark.parametrize(
        ("written", "text"),
        [
            ("<p>Ouvert &agrave; tous.</p><p>Gratuit</p>", "Ouvert à tous.\nGratuit"),
            ("Ouvert<br />le lundi", "Ouvert\nle lundi"),
            ("Avant <script>alert(1)</script>après", "Avant \naprès"),
            ("<img src=x onerror=alert(1)>Ici", "Ici"),
            ("Ici <svg/onload=alert(1)>", "Ici"),
            ("&lt;p&gt;Ouvert&lt;/p&gt;", "Ouvert"),
            ("Ateliers\n&amp; permanences", "Ateliers\n& permanences"),
            ("<!-- caché -->Ici", "Ici"),
            ("<a href='https://exemple.fr'>Le site</a>", "Le site"),
        ],
    )
    def test_becomes_text(self, written: str, text: str) -> None:
        kept = COLUMNS["presentation_detail"].read(written)
        assert kept.note
        assert kept.note.rule == "html"
        assert str(kept.value).split() == text.split()
        assert COLUMNS["presentation_detail"].check_proposed(written) == kept.value

    @pytest.mark.parametrize(
        "written",
        ["Jeunes < 25 ans et > 16 ans", "On <3 le numérique", "R&D, arts & jeux; thé",
         "Écrire à <accueil@exemple.fr>", "Voir <https://exemple.fr>"],
    )  # fmt: skip
    def test_signs_of_prose_stay(self, written: str) -> None:
        assert COLUMNS["presentation_detail"].read(written) == (written, None, None)

    def test_a_name_too(self) -> None:
        assert COLUMNS["nom"].from_cell("<b>Médiathèque</b><br>de Die") == "Médiathèque de Die"

    @given(some.text(some.sampled_from("<>/&;!-=#\"' \n") | some.sampled_from("pbaltgmscrixn")))
    @settings(deadline=None)
    def test_nothing_of_it_is_left(self, written: str) -> None:
        text = without_html(written)
        assert not has_html(text)
        assert without_html(text) == text


class TestHeavyTexts:
    """A cell that would take the square of its length: told at once, or this never ends."""

    @pytest.mark.parametrize("column", ["nom", "presentation_detail", "typologie", "telephone"])
    def test_marks_on_a_letter(self, column: str) -> None:
        assert refusal(column, "e" + "\u0301\u0316" * 60_000)[0] == "characters"
        # as many as any script has
        assert COLUMNS["nom"].from_cell("e\u0316\u0301" * 500) == "\u00e9\u0316" * 500

    @pytest.mark.parametrize(
        ("column", "cell", "rule"),
        [
            ("nom", "a" + " " * 120_000 + "\x07", "characters"),
            ("presentation_detail", "<a " * 40_000, "max_length"),
            ("services", "x" + " " * 120_000 + "|y", "enum"),
            ("telephone", "1" + " " * 120_000, "pattern"),
            ("horaires", "lundi " * 20_000, "max_length"),
        ],
    )
    def test_repeated_signs(self, column: str, cell: str, rule: str) -> None:
        assert refusal(column, cell)[0] == rule

    def test_html_in_html_in_html(self) -> None:
        assert not has_html(without_html("&" + "amp;" * 20_000 + "lt;p>"))


class TestSpelling:
    def test_apostrophes_and_spaces_are_the_schemas_in_all_texts(self) -> None:
        written = "L’Étape\u00a0: «\u202fici\u202f» \u2066là\u2069\u200b"
        for column in ("nom", "adresse", "presentation_detail"):
            assert COLUMNS[column].from_cell(written) == "L'Étape : « ici » là"
        assert noted("nom", "L’Étape")[1] == "L'Étape"


class TestDidYouMean:
    @pytest.mark.parametrize(
        ("column", "written", "meant"),
        [
            ("frais_a_charge", "gratuit", "Gratuit"),
            ("frais_a_charge", "Gratuit;Payant", "Gratuit|Payant"),
            ("frais_a_charge", "Gratuit, Payant", "Gratuit|Payant"),
            ("frais_a_charge", "Cher", None),
            ("services", "Comprehension du monde numérique", "Compréhension du monde numérique"),
            ("publics_specifiquement_adresses", "Séniors", "Seniors"),
            ("dispositif_programmes_nationaux", "Conseiller numerique", "Conseillers numériques"),
            ("modalites_accompagnement", "A distance", "À distance"),
            ("latitude", "48,85", "48.85"),
            ("latitude", "au nord", None),
        ],
    )
    def test_the_value_that_is_most_like_it(
        self, column: str, written: str, meant: str | None
    ) -> None:
        assert refusal(column, written)[1] == meant
