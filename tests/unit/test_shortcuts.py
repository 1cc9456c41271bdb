"""What goes online at once: typography, and what a trusted person adds; nothing else."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as some

from services.moderation.domain.shortcuts import (
    PROSE,
    SENTENCES,
    fills,
    only_typography,
    shortcut,
)
from shared.events import FieldChange, FieldValue
from tests.unit.moderation_samples import case, change, edit, held

TYPOGRAPHY = change("nom", "mediatheque  de crest", "Mediatheque de Crest")
FILLED = change("telephone", None, "+33475000000")
OTHER = change("telephone", "+33475000000", "+33475000001")


def typographic(old: str, new: str, field: str = "presentation_detail") -> bool:
    found = only_typography(change(field, old, new))
    assert only_typography(change(field, new, old)) is found
    return found


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("MEDIATHEQUE", "Mediatheque"),
        ("Mediatheque  de   Crest", "Mediatheque de Crest"),
        ("Médiathèque de Crest", "MÉDIATHÈQUE DE CREST"),
        ("Saint Denis", "Saint-Denis"),
        ("l'espace", "l’espace"),
        ('Dit "Le Lien"', "Dit « Le Lien »"),
        ("Bonjour.Entrez", "Bonjour. Entrez"),
        ("Bonjour !", "Bonjour!"),
        ("Café associatif", "Cafe\u0301 associatif"),
        ("12 rue de la Paix", "12, rue de la Paix"),
        ("12 bis rue", "12bis, rue"),
        ("De 9 h à 12 h", "de 9h à 12h"),
        ("Un\nDeux", "Un, deux"),
        ("Un\u00a0deux", "Un deux"),
        ("lundi et mardi", "Lundi et Mardi."),
        ("Voir https://a.fr/B-c", "voir https://a.fr/B-c."),
        ("Écrire à ada@a.fr", "écrire à ada@a.fr !"),
        ("Tél. 04 75 00 00 00", "tél : 04 75 00 00 00"),
    ],
)
def test_case_punctuation_and_spaces(old: str, new: str) -> None:
    assert typographic(old, new)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        # accents are letters
        ("Mediatheque", "Médiathèque"),
        ("marche", "marché"),
        ("œuvre", "oeuvre"),
        ("straße", "strasse"),
        # between digits a sign says something
        ("9.30", "930"),
        ("4-6", "46"),
        ("4-6", "4 6"),
        ("4--6", "46"),
        ("4 - - 6", "46"),
        ("4_6", "46"),
        ("1 500", "15 00"),
        ("1 500", "1500"),
        ("1 5", "10x205"),
        ("2,5", "2.5"),
        ("2,5", "25"),
        ("12/04", "1204"),
        ("01/02", "0102"),
        ("10-12 ans", "10, 12 ans"),
        ("102", "10²"),
        ("11/2", "1½"),
        # hours
        ("9h-12h", "9h12h"),
        ("9 h - 12 h", "9h12 h"),
        ("8h-10h30", "8h10 h30"),
        ("9h30", "9h 30"),
        ("lundi-vendredi", "lundi, vendredi"),
        ("Lundi – jeudi", "lundi jeudi"),
        ("mars-juin", "mars, juin"),
        # telephone numbers
        ("04 75 00 00 00", "0 475 000 000"),
        ("04 75 00 00 00", "04.75.00.00.00"),
        ("+33475000000", "33475000000"),
        # signs that are no punctuation
        ("5 €", "5"),
        ("C++", "C"),
        ("100 %", "100"),
        ("M&M", "MM"),
        ("A+B", "AB"),
        ("<b>Non</b>", "bNonb"),
        ("#inclusion", "inclusion"),
        ("Lieu", "Lieu ☠"),
        ("Lieu", "Lieu 💩"),
        # links and addresses
        ("mairie-x.fr", "mairiex.fr"),
        ("mairie-x.fr", "mairie x fr"),
        ("evil com", "evil.com"),
        ("https://bit.ly/AbC", "https://bit.ly/ABC"),
        ("https://a.fr/b-c", "https://a.fr/bc"),
        ("https://a.fr/x_(y)", "https://a.fr/x_(y"),
        ("https a fr", "https://a.fr"),
        ("jean.dupont@a.fr", "jeandupont@a.fr"),
        ("jean at a", "jean@a"),
        ("www a fr", "www.a.fr"),
        # unseen signs, marks that strike out, letters that only look alike
        ("Lieu", "Li\u200beu"),
        ("Lieu", "Li\u00adeu"),
        ("Lieu", "\ufeffLieu"),
        ("Lieu", "L\u0336i\u0336e\u0336u\u0336"),
        ("Lieu", "Ｌｉｅｕ"),
        ("Lieu", "𝐋𝐢𝐞𝐮"),
        ("Lieu", "Lіeu"),
        ("Lieu", "Lieu\U000e0041"),
        ("Un deux", "Un ¯\\_(ツ)_/¯ deux"),
        # nothing but signs says nothing
        ("...", "!!!"),
        ("", "."),
        # words
        ("Lieu fermé", "Lieu ferme"),
        ("Ouvert", "Non, ouvert"),
        ("Mais", "M.A.I.S."),
        ("Les Concours", "Les Con Cours"),
        ("SARL du Lien", "S.A.R.L. du Lien"),
    ],
)
def test_not_what_says_something_else(old: str, new: str) -> None:
    assert not typographic(old, new)


@pytest.mark.parametrize(
    ("clean", "drowned"),
    [
        ("Lieu", "Lieu !!!!!!!!"),
        ("Un. Deux.", "Un." + "\n" * 8 + "Deux."),
        ("Lieu", "-" * 20 + "Lieu"),
    ],
)
def test_so_many_signs_are_no_correction_but_taking_them_away_is(clean: str, drowned: str) -> None:
    assert not only_typography(change("nom", clean, drowned))
    assert only_typography(change("nom", drowned, clean))


@pytest.mark.parametrize(
    "field", ["horaires", "telephone", "code_postal", "pivot", "site_web", "prise_rdv", "courriels"]
)
def test_only_in_prose(field: str) -> None:
    assert field not in PROSE
    assert not typographic("a b", "A, b", field)


@pytest.mark.parametrize(
    ("old", "new"), [(None, "a"), ("a", None), (["a"], ["A"]), ("a", ["a"]), (1.0, "1"), (1.0, 1.0)]
)
def test_only_texts(old: FieldValue, new: FieldValue) -> None:
    assert not only_typography(change("nom", old, new))


def test_not_what_is_withheld() -> None:
    assert not only_typography(FieldChange(field="nom", withheld=True))
    assert not fills(FieldChange(field="courriels", withheld=True))


WORDS = some.lists(some.text(alphabet="abcé01h", min_size=1, max_size=4), min_size=1, max_size=5)


@given(WORDS, some.sampled_from([" ", "-", ", ", " : "]), some.booleans())
def test_letters_stay_and_no_number_becomes_another(
    words: list[str], sign: str, upper: bool
) -> None:
    old, new = " ".join(words), sign.join(words)
    if only_typography(change("nom", old, new.upper() if upper else new)):
        assert re.findall(r"\d+", old) == re.findall(r"\d+", new)
        assert re.findall(r"\w", old) == re.findall(r"\w", new)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (None, "x", True),
        ("", "x", True),
        ([], ["x"], True),
        (None, 45.0, True),
        (0.0, 45.0, False),
        ("x", "y", False),
        (None, "", False),
        (None, None, False),
        ("x", None, False),
        (["x"], ["x", "y"], False),
    ],
)
def test_what_fills_an_empty_field(old: FieldValue, new: FieldValue, expected: bool) -> None:
    assert fills(change("telephone", old, new)) is expected


class TestShortcut:
    @pytest.mark.parametrize("trusted", [False, True])
    def test_typography_is_for_everybody(self, trusted: bool) -> None:
        assert shortcut(edit(TYPOGRAPHY), trusted=trusted) == "typography"

    def test_empty_fields_are_for_trusted_people(self) -> None:
        assert shortcut(edit(FILLED), trusted=True) == "empty_field"
        assert shortcut(edit(FILLED), trusted=False) is None

    def test_both_at_once(self) -> None:
        assert shortcut(edit(FILLED, TYPOGRAPHY), trusted=True) == "empty_field"
        assert shortcut(edit(FILLED, TYPOGRAPHY), trusted=False) is None

    @pytest.mark.parametrize("rest", [FILLED, TYPOGRAPHY])
    def test_all_of_it_or_none(self, rest: FieldChange) -> None:
        assert shortcut(edit(rest, OTHER), trusted=True) is None

    @pytest.mark.parametrize("one", [FILLED, TYPOGRAPHY])
    def test_never_what_a_rule_holds(self, one: FieldChange) -> None:
        assert shortcut(edit(one, held=[held("nom")]), trusted=True) is None

    def test_never_other_kinds_nor_nothing(self) -> None:
        assert shortcut(case("news"), trusted=True) is None
        assert shortcut(edit(), trusted=True) is None

    def test_each_says_why(self) -> None:
        assert set(SENTENCES) == {"typography", "empty_field"}
