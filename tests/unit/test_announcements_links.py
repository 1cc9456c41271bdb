"""Links: what is one, when two are the same, and which is the portal's own."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import ValidationError

from services.announcements.domain.links import canonical, check_elsewhere, web_address
from shared.errors import InvalidInput
from tests.unit.announcements_memory import call

OWN = frozenset({"portail.example.org", "médiation.fr"})


class TestWebAddress:
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
        assert call(lien=given_link).lien == kept

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
        with pytest.raises(ValidationError) as wrong:
            call(lien=link)
        (error,) = wrong.value.errors()
        assert error["loc"] == ("lien",)
        assert part_of_message in error["msg"]

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


class TestCanonical:
    @pytest.mark.parametrize(
        "link",
        [
            "http://exemple.fr/appel?a=1&b=2",
            "https://EXEMPLE.fr:443/appel/?b=2&a=1",
            "http://exemple.fr:80/appel?a=1&b=2#suite",
            "https://exemple.fr./appel?a=1&utm_source=x&b=2&fbclid=y&UTM_medium=z&gclid=1",
            "https://exemple.fr/%61ppel?b=2&a=%31",
        ],
    )
    def test_links_to_one_page_are_the_same(self, link: str) -> None:
        assert canonical(link) == "https://exemple.fr/appel?a=1&b=2"

    def test_an_accented_host_is_its_ascii_form(self) -> None:
        assert canonical("https://médiation.fr/") == canonical("https://xn--mdiation-b1a.fr")

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("https://exemple.fr/appel", "https://exemple.fr/Appel"),
            ("https://exemple.fr/appel", "https://www.exemple.fr/appel"),
            ("https://exemple.fr/appel", "https://exemple.fr:8443/appel"),
            ("https://exemple.fr/?id=1", "https://exemple.fr/?id=2"),
            ("https://exemple.fr/a%2Fb", "https://exemple.fr/a/b"),
        ],
    )
    def test_links_to_other_pages_are_not(self, one: str, other: str) -> None:
        assert canonical(one) != canonical(other)

    @given(
        some.text(
            some.characters(codec="utf-8") | some.sampled_from("%/?&=#+;:@.-aé20"), max_size=40
        )
    )
    def test_it_is_its_own_canonical_form(self, tail: str) -> None:
        try:
            link = web_address(f"https://exemple.fr/{tail}")
        except ValueError:
            return
        once = canonical(link)
        assert canonical(once) == once


class TestElsewhere:
    @pytest.mark.parametrize(
        "link",
        [
            "https://portail.example.org/annonces/1",
            "http://PORTAIL.example.org.:8080/",
            "https://xn--mdiation-b1a.fr/",
        ],
    )
    def test_the_portal_itself_is_refused(self, link: str) -> None:
        with pytest.raises(InvalidInput) as refused:
            check_elsewhere(link, OWN)
        (wrong,) = refused.value.invalid
        assert (wrong.field, wrong.rule) == ("lien", "own_portal")

    def test_others_pass(self) -> None:
        check_elsewhere("https://blog.portail.example.org/", OWN)
