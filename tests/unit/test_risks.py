"""Which changes ask for an explicit decision, to the metre and to the half."""

import math
import re
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from services.moderation.domain.cases import ReviewCase
from services.moderation.domain.deciders import OBJECTED, UNREACHABLE
from services.moderation.domain.risks import (
    EARTH,
    FAR,
    NO_PUBLIC,
    RULES,
    domains_proposed,
    held,
    metres,
    never_open,
)
from services.moderation.domain.shortcuts import SENTENCES
from shared.events import FieldChange, FieldValue
from tests.unit.moderation_samples import case, change, edit

SERVICES = ["a", "b", "c", "d"]
HERE = {"latitude": 45.0, "longitude": 5.0}


def rules(one: ReviewCase, *refused: str) -> dict[str, list[str]]:
    return {rule.rule: rule.fields for rule in held(one, refused)}


def test_nothing_is_held_of_an_ordinary_edit() -> None:
    one = edit(
        change("nom", "Médiathèque", "Bibliothèque"),
        change("horaires", "Mo-Fr 09:00-12:00", "Mo-Sa 10:00-18:00; PH off"),
        change("telephone", "+33475000000", None),
        **HERE,
    )
    assert rules(one, "evil.com") == {}


def test_the_table_in_its_order_with_its_sentences() -> None:
    one = edit(
        change("site_web", None, ["https://evil.com"]),
        change("services", SERVICES, []),
        change("latitude", 45.0, 46.0),
        change("pivot", "1" * 14, "2" * 14),
        FieldChange(field="courriels", withheld=True),
        change("modalites_acces", [], [NO_PUBLIC]),
        **HERE,
        improved_fields=["site_web"],
    )
    found = held(one, ["evil.com"])
    assert [rule.rule for rule in found] == [rule.name for rule in RULES]
    assert [rule.sentence for rule in found] == [rule.sentence for rule in RULES]
    assert [rule.fields for rule in found] == [
        ["modalites_acces"],
        ["courriels"],
        ["pivot"],
        ["latitude"],
        ["services"],
        ["site_web"],
        ["site_web"],
    ]


ACCUSING = re.compile(
    r"fraud|spam|suspect|abus|malveill|vandal|douteu|dangereu|mensong|trich|faux|frauduleu|interdit",
    re.IGNORECASE,
)


def test_no_sentence_accuses() -> None:
    for sentence in [
        *(rule.sentence for rule in RULES),
        *SENTENCES.values(),
        OBJECTED,
        UNREACHABLE,
    ]:
        assert not ACCUSING.search(sentence), sentence
        assert sentence.endswith(".")


class TestClosing:
    @pytest.mark.parametrize(
        "hours",
        [
            "off",
            "closed",
            "OFF",
            " off ",
            'off "travaux"',
            "24/7 off",
            "Mo-Su off",
            "Mo-Su,PH off",
            "Mo-Su 00:00-24:00 off",
            "Mo-Fr off; Sa-Su off",
            "Mo-Fr off, Sa-Su off",
            "Mo,Tu,We,Th,Fr,Sa,Su off",
            "Mo, We, Fr off",
            "PH off",
            "closed || off",
            # what comes last counts
            "Mo-Fr 09:00-12:00; Mo-Su off",
            "Mo-Fr 09:00-12:00; off",
            "Mo-Fr 09:00-12:00,14:00-18:00 off",
            "Fermé",
            "FERMÉ",
            "FERME DÉFINITIVEMENT",
            "Fermé. Réouverture un jour",
            "Fermeture définitive",
            "fermée jusqu'à nouvel ordre",
            '"fermé"',
            'off "jusqu\'à 18:00"',
        ],
    )
    def test_hours_that_leave_none(self, hours: str) -> None:
        one = edit(change("horaires", "Mo-Fr 09:00-12:00", hours))
        assert rules(one) == {"closing": ["horaires"]}

    @pytest.mark.parametrize(
        "hours",
        [
            "Mo-Fr 09:00-12:00",
            "Mo-Fr 09:00-12:00; PH off",
            "Mo-Fr 09:00-12:00; Sa,Su off",
            "Mo-Fr 09:00-12:00, Sa off",
            "off; Mo 09:00-12:00",
            'Mo-Fr 09:00-12:00 "fermé en août"',
            "24/7; Dec 25 off",
            "Mo-Fr sunrise-sunset; Su off",
            "Lundi : 9h-12h, mardi : fermé",
            "Fermé le lundi, ouvert les autres jours",
            "Sur rendez-vous, fermé en août",
            "Fermeture à 18h",
            "Sur rendez-vous",
        ],
    )
    def test_hours_that_leave_some(self, hours: str) -> None:
        assert rules(edit(change("horaires", "Mo-Fr 09:00-12:00", hours))) == {}

    @pytest.mark.parametrize(
        "hours",
        [
            "Fermé définitivement, plus ouvert au public",
            "Définitivement clos",
            "Cessation d'activité ; ouvert jusqu'en mai",
            "Mo-Fr 00:00-00:00",
        ],
    )
    def test_an_end_in_words(self, hours: str) -> None:
        assert rules(edit(change("horaires", "Mo-Fr 09:00-12:00", hours))) == {
            "closing": ["horaires"]
        }

    @pytest.mark.parametrize("hours", [None, "", ["off"], 0.0])
    def test_no_hours_say_nothing(self, hours: FieldValue) -> None:
        assert not never_open(hours)

    def test_what_was_closed_is_not_closed_again(self) -> None:
        assert rules(edit(change("horaires", "off", 'off "déménagement"'))) == {}

    @pytest.mark.parametrize(
        ("old", "new", "closes"),
        [
            (None, [NO_PUBLIC], True),
            (["Téléphoner"], ["Téléphoner", NO_PUBLIC], True),
            ([NO_PUBLIC], [NO_PUBLIC, "Téléphoner"], False),
            ([NO_PUBLIC], ["Se présenter"], False),
            (["Se présenter"], None, False),
        ],
    )
    def test_no_public_any_more(self, old: FieldValue, new: FieldValue, closes: bool) -> None:
        expected = {"closing": ["modalites_acces"]} if closes else {}
        assert rules(edit(change("modalites_acces", old, new))) == expected

    def test_both_ways_at_once(self) -> None:
        one = edit(change("modalites_acces", [], [NO_PUBLIC]), change("horaires", None, "off"))
        assert rules(one) == {"closing": ["modalites_acces", "horaires"]}


@pytest.mark.parametrize("value", [None, "12345678901234"])
def test_any_change_of_siret(value: FieldValue) -> None:
    assert rules(edit(change("pivot", "9" * 14, value))) == {"siret": ["pivot"]}


@pytest.mark.parametrize("withheld", [False, True])
def test_any_change_of_the_public_mail(withheld: bool) -> None:
    one = edit(FieldChange(field="courriels", withheld=withheld))
    assert rules(one) == {"public_mail": ["courriels"]}


def north(distance: float, latitude: float = 45.0) -> float:
    return latitude + math.degrees(distance / EARTH)


class TestFarAway:
    @pytest.mark.parametrize(("distance", "far"), [(0, False), (1999.99, False), (2000.01, True)])
    def test_two_kilometres(self, distance: float, far: bool) -> None:
        both = [
            change("latitude", 45.0, north(distance)),
            change("longitude", 5.0, 5.0),
        ]
        expected = {"far_away": ["latitude", "longitude"]} if far else {}
        assert rules(edit(*both, **HERE)) == expected

    def test_exactly_two_kilometres_are_not_more(self, monkeypatch: pytest.MonkeyPatch) -> None:
        one = edit(change("latitude", 45.0, north(FAR)), **HERE)
        for metres_moved, far in ((FAR, False), (math.nextafter(FAR, 9999), True)):
            monkeypatch.setattr(
                "services.moderation.domain.risks.metres", lambda *_, found=metres_moved: found
            )
            assert bool(rules(one)) is far

    @pytest.mark.parametrize(
        ("field", "near", "far"),
        [("latitude", 45.017, 45.019), ("longitude", 5.025, 5.026), ("longitude", 4.975, 4.974)],
    )
    def test_half_of_it_against_the_other_half_of_the_sheet(
        self, field: str, near: float, far: float
    ) -> None:
        assert rules(edit(change(field, None, near), **HERE)) == {}
        assert rules(edit(change(field, None, far), **HERE)) == {"far_away": [field]}

    def test_each_half_near_and_both_far(self) -> None:
        lat, lon = change("latitude", 45.0, 45.016), change("longitude", 5.0, 5.02)
        assert rules(edit(lat, **HERE)) == rules(edit(lon, **HERE)) == {}
        assert rules(edit(lat, lon, **HERE)) == {"far_away": ["latitude", "longitude"]}

    def test_the_same_degrees_are_less_near_a_pole(self) -> None:
        one = edit(change("longitude", 5.0, 5.1), latitude=89.0, longitude=5.0)
        assert rules(one) == {}

    def test_across_the_date_line(self) -> None:
        one = edit(change("longitude", 179.999, -179.999), latitude=-17.0, longitude=179.999)
        assert rules(one) == {}

    @pytest.mark.parametrize("new", [None, "45.0", [], "loin"])
    def test_nowhere_is_far(self, new: Any) -> None:
        assert rules(edit(change("latitude", 45.0, new), **HERE)) == {"far_away": ["latitude"]}

    @pytest.mark.parametrize("known", [{}, {"latitude": 45.0}, {"longitude": 5.0}])
    def test_from_nowhere_is_no_move(self, known: dict[str, float]) -> None:
        both = [change("latitude", None, 48.0), change("longitude", None, 2.0)]
        assert rules(edit(*both, **known)) == {}

    def test_a_known_distance(self) -> None:
        # Valence to Paris, 470 km as the crow flies
        assert metres((44.9334, 4.8924), (48.8566, 2.3522)) == pytest.approx(475_600, rel=0.01)

    @given(
        some.tuples(some.floats(-90, 90), some.floats(-180, 180)),
        some.tuples(some.floats(-90, 90), some.floats(-180, 180)),
    )
    def test_a_distance_is_one(self, one: Any, other: Any) -> None:
        found = metres(one, other)
        assert 0 <= found <= math.pi * EARTH * 1.000001
        assert found == pytest.approx(metres(other, one), abs=0.01)
        assert metres(one, one) == 0


class TestServicesRemoved:
    @pytest.mark.parametrize(
        ("old", "new", "more_than_half"),
        [
            (SERVICES, ["a", "b", "c"], False),
            (SERVICES, ["a", "b"], False),
            (SERVICES, ["a"], True),
            (SERVICES, [], True),
            (SERVICES, None, True),
            (["a"], None, True),
            (["a", "b", "c"], ["a", "b"], False),
            (["a", "b", "c"], ["a"], True),
            # others in their place do not bring them back
            (SERVICES, ["e", "f", "g", "h"], True),
            (SERVICES, ["a", "b", "e", "f"], False),
            (SERVICES, ["d", "c", "b", "a"], False),
            (None, ["a"], False),
            ([], ["a"], False),
        ],
    )
    def test_half_of_them_is_not_more(
        self, old: FieldValue, new: FieldValue, more_than_half: bool
    ) -> None:
        expected = {"services_removed": ["services"]} if more_than_half else {}
        assert rules(edit(change("services", old, new))) == expected


class TestRefusedLink:
    def test_fields_of_an_edit_that_lead_there(self) -> None:
        one = edit(
            change("site_web", None, ["https://bien.fr", "https://evil.com/a"]),
            change("presentation_detail", "Voir.", "Voir evil.com."),
            change("prise_rdv", None, "https://rdv.fr"),
        )
        assert rules(one, "evil.com") == {"refused_link": ["site_web", "presentation_detail"]}

    @pytest.mark.parametrize("kind", ["news", "announcement", "report", "claim"])
    @pytest.mark.parametrize("where", [{"link": "https://evil.com"}, {"text": "Sur evil.com !"}])
    def test_the_whole_of_what_has_no_fields(self, kind: Any, where: dict[str, str]) -> None:
        assert rules(case(kind, **where), "evil.com") == {"refused_link": []}
        assert rules(case(kind, **where), "bien.fr") == {}

    def test_a_link_that_was_there_is_not_new(self) -> None:
        old = ["https://evil.com/a"]
        assert rules(edit(change("site_web", old, ["https://bien.fr", *old])), "evil.com") == {}
        assert rules(edit(change("site_web", old, None)), "evil.com") == {}

    def test_another_page_of_a_site_that_was_there_is(self) -> None:
        one = edit(change("site_web", ["https://evil.com/a"], ["https://evil.com/b"]))
        assert rules(one, "evil.com") == {"refused_link": ["site_web"]}

    @pytest.mark.parametrize("host", ["a.evil.com", "www2.evil.com", "a.b.evil.com"])
    def test_part_of_a_refused_domain(self, host: str) -> None:
        one = edit(change("prise_rdv", None, f"https://{host}/"))
        assert rules(one, "evil.com") == {"refused_link": ["prise_rdv"]}

    @pytest.mark.parametrize("host", ["notevil.com", "evil.com.fr", "evil.comme", "vil.com", "com"])
    def test_not_one_that_only_looks_like_it(self, host: str) -> None:
        assert rules(edit(change("prise_rdv", None, f"https://{host}/")), "evil.com") == {}


class TestDomainsProposed:
    def test_hosts_that_the_fields_would_add(self) -> None:
        one = edit(
            change("site_web", ["https://la.fr"], ["https://la.fr/b", "https://evil.com"]),
            change("prise_rdv", None, "https://rdv.fr"),
        )
        assert domains_proposed(one, ["site_web"]) == {"evil.com"}
        assert domains_proposed(one, one.fields) == {"evil.com", "rdv.fr"}
        assert domains_proposed(one, []) == set()

    def test_all_of_what_has_no_fields(self) -> None:
        one = case("news", text="Voir www.un.fr", link="https://deux.fr")
        assert domains_proposed(one, []) == {"un.fr", "deux.fr"}
