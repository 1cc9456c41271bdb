"""Links: what is one, when two are the same, and which is the portal's own."""

from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as some
from pydantic import ValidationError

from services.announcements.domain.links import canonical, check_elsewhere, web_address
from services.announcements.settings import Settings
from shared.errors import InvalidInput
from tests.unit.announcements_memory import call

OWN = Settings(
    public_url="https://annonces.example.org/", own_hosts=("Portail.example.org", "médiation.fr.")
).portal_hosts


class TestWebAddress:
    @pytest.mark.parametrize(
        ("given_link", "kept"),
        [
            ("https://exemple.fr/appel?x=1#Détail", "https://exemple.fr/appel?x=1#Détail"),
            ("HTTPS://Exemple.FR:8443/Appel", "https://exemple.fr:8443/Appel"),
            ("  http://exemple.fr\n", "http://exemple.fr"),
            ("https://médiation.fr/", "https://médiation.fr/"),
            ("http://1.1.1.1/", "http://1.1.1.1/"),
            ("https://a_b.exemple.fr./", "https://a_b.exemple.fr./"),
            # what no URI may hold, and feeds are of URIs
            ("https://exemple.fr/<script>\"'", "https://exemple.fr/%3Cscript%3E%22'"),
            ("https://exemple.fr/`{a}|^?b[]=c", "https://exemple.fr/%60%7Ba%7D%7C%5E?b%5B%5D=c"),
            ("https://exemple.fr/100%/%41#a#b", "https://exemple.fr/100%25/%41#a%23b"),
        ],
    )
    def test_only_what_says_nothing_is_changed(self, given_link: str, kept: str) -> None:
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
            ("http://localhost/x", "nom de site"),
            ("https://fr", "nom de site"),
            ("https://fr.", "nom de site"),
            ("https://-/", "nom de site"),
            ("https://-.fr/", "nom de site"),
            ("https://exemple..fr/", "nom de site"),
            ("https://ex,emple.fr/", "nom de site"),
            (f"https://{'a' * 64}.fr/", "nom de site"),
            ("https://portail.internal/", "nom de site"),
            ("https://imprimante.local./", "nom de site"),
            ("http://10.0.0.1/", "nom de site"),
            ("http://192.0.2.1/", "nom de site"),
            ("http://0x7f.1/", "nom de site"),
            ("http://127.1./", "nom de site"),
            ("http://\uff11\uff10.0.0.1/", "nom de site"),
            ("http://[::1]/", "nom de site"),
            ("http://[::ffff:1.1.1.1]/", "nom de site"),
            ("http://1.2.3.4.5/", "nom de site"),
            ("https://exemple.fr:99999/", "adresse web"),
            ("https://exemple.fr:0/", "adresse web"),
            ("https://exemple.fr/" + "<" * 1_900, "trop long"),
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
            # most sites answer at both, and people copy either
            "https://www.exemple.fr/appel?a=1&b=2",
            "https://exemple.fr/x/../appel/./index.html?a=1&b=2",
            "https://exemple.fr/../%2e%2E/appel/index.php?a=1&b=2",
            "https://exemple.fr/appel?a=1&b=2#/",
            "https://exemple.fr/appel?a=1&b=2#!/",
        ],
    )
    def test_links_to_one_page_are_the_same(self, link: str) -> None:
        assert canonical(link) == "https://exemple.fr/appel?a=1&b=2"

    def test_pages_of_an_application_are_the_same_however_they_are_written(self) -> None:
        one, other = "https://exemple.fr/#/app%65l/1", "https://www.exemple.fr#/appel/1/"
        assert canonical(one) == canonical(other) == "https://exemple.fr#/appel/1"

    def test_an_accented_host_is_its_ascii_form(self) -> None:
        assert canonical("https://médiation.fr/") == canonical("https://xn--mdiation-b1a.fr")

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            ("https://exemple.fr/appel", "https://exemple.fr/Appel"),
            ("https://www.fr/appel", "https://fr/appel"),
            ("https://exemple.fr/appel", "https://blog.exemple.fr/appel"),
            ("https://exemple.fr/a/b", "https://exemple.fr/a//b"),
            ("https://exemple.fr/#/appel/1", "https://exemple.fr/#/appel/2"),
            ("https://exemple.fr/#!appel-1", "https://exemple.fr/#!appel-2"),
            ("https://exemple.fr/#!appel-1", "https://exemple.fr/"),
            ("https://exemple.fr/index.php/a", "https://exemple.fr/a"),
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
            "http://www.portail.example.org/",
            "https://annonces.example.org/announcements/1",
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
