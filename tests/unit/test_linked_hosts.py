"""Where texts lead, however the link is written."""

import pytest
from hypothesis import given
from hypothesis import strategies as some

from services.moderation.domain.links import links_added, links_of, with_parents


@pytest.mark.parametrize(
    "text",
    [
        "https://evil.com",
        "http://evil.com/page?x=1#y",
        "HTTPS://EVIL.COM/",
        "https://www.evil.com",
        "https://evil.com:8443/a",
        "https://evil.com./",
        "https://evil.com.",
        "https://bien.fr@evil.com/",
        "https://bien.fr:secret@evil.com",
        "https://bien.fr,x@evil.com/",
        "https://evil.com\\@bien.org",
        "https:\\\\evil.com",
        "https:/evil.com",
        "https:evil.com",
        "https:////evil.com",
        "//evil.com/a",
        "ftp://evil.com",
        "https://%65vil.com",
        "https://ｅｖｉｌ.com",
        "https://evil。com",
        "https://evil．com",
        "https://ev\u00adil.com",
        "https://ev\u200bil.com",
        "https://ev\u034fil.com",
        "(https://evil.com)",
        "« https://evil.com »",
        "Voir https://evil.com, puis rien",
        "Voir https://evil.com; puis rien",
        "https://evil.com!",
        "https://evil.com…",
        "**https://evil.com**",
        "__https://evil.com__",
        "[ici](https://evil.com)",
        "<a href='https://evil.com'>",
        '"https://evil.com"',
        "evil.com",
        "EVIL.com",
        "Evil.Com",
        "evil.com/page.html",
        "www.evil.com",
        "Rendez-vous sur evil.com.",
        "(evil.com)",
        "site:evil.com",
        "l'adresse d'evil.com",
        "**evil.com**",
    ],
)
def test_one_host_however_it_is_written(text: str) -> None:
    assert links_of(text) == {"evil.com"}


@pytest.mark.parametrize(
    ("text", "hosts"),
    [
        ("https://a.fr,https://b.fr", {"a.fr", "b.fr"}),
        ("https://a.fr https://b.fr c.fr", {"a.fr", "b.fr", "c.fr"}),
        ("https://a.fr/?u=https://b.fr", {"a.fr", "b.fr"}),
        ("https://A.b.C.fr", {"a.b.c.fr"}),
        ("https://été.fr", {"été.fr"}),
        ("https://xn--t-9fab.fr", {"été.fr"}),
        ("https://XN--T-9FAB.fr", {"été.fr"}),
        ("https://straße.de", {"straße.de"}),
        ("https://пример.рф", {"пример.рф"}),
        ("http://192.0.2.1/", {"192.0.2.1"}),
    ],
)
def test_others(text: str, hosts: set[str]) -> None:
    assert links_of(text) == hosts


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Ouvert de 9.30 à 12.30",
        "Fin. Début",
        "S.A.R.L.",
        "version 1.0.2",
        "et/ou",
        "et//ou",
        "09//10.30",
        "ada@exemple.fr",
        "ada.lovelace@exemple.fr",
        "https://",
        "http://localhost/",
        "https://[::1]/",
        "https://[oups",
        "https://.../",
        "https://xn--\u00e9\ud800.1/",
        "www.",
    ],
)
def test_no_link_at_all(text: str) -> None:
    assert links_of(text) == set()


def test_files_of_a_path_are_no_hosts() -> None:
    assert links_of("https://a.fr/docs/page.html?f=x.pdf#y.z") == {"a.fr"}


def test_values_of_every_form() -> None:
    assert links_of(None, 45.0, ["https://a.fr", "b.fr"], "c.fr") == {"a.fr", "b.fr", "c.fr"}


def test_links_added_are_those_that_were_not_there_to_the_letter() -> None:
    assert links_added("https://a.fr/1", "https://a.fr/1 https://b.fr") == {"b.fr"}
    assert links_added("https://a.fr/1", "https://a.fr/2") == {"a.fr"}
    assert links_added(["https://a.fr"], ["https://a.fr"]) == set()
    assert links_added(None, "a.fr") == {"a.fr"}


def test_parents_down_to_two_names() -> None:
    assert with_parents(["a.b.evil.com", "x.fr"]) == {
        "a.b.evil.com",
        "b.evil.com",
        "evil.com",
        "x.fr",
    }


@given(some.text(alphabet="abé.:/\\@%2_-wxn,?#[] \u200b。(", max_size=60))
def test_whatever_is_written_it_is_read(text: str) -> None:
    for host in links_of(text, f"https://{text}"):
        assert host == host.lower()
        assert "." in host
        assert not host.startswith("www.") or host.count(".") > 1
        assert not set(host) & set("/\\@:?#, ")


@pytest.mark.parametrize("text", ["a." * 9_999 + "@", "ab." * 6_666 + "@", "https:" * 3_333])
def test_a_long_text_without_any(text: str) -> None:
    assert links_of(text) == set()
