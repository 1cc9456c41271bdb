"""What a search may ask for, as parameters of an address."""

from pathlib import Path

import pytest
from starlette.requests import Request

from services.directory.api.filters import Filters
from services.directory.api.parameters import read
from services.directory.search.communes import Communes
from services.directory.search.query import Cursor, Near, Query, opened
from services.directory.search.values import FACETS
from services.directory.search.words import close, terms, variants
from shared.errors import BadRequest, InvalidInput

NOWHERE = Communes(None)


def asked(query: str, communes: Communes = NOWHERE) -> Query:
    scope = {"type": "http", "query_string": query.encode()}
    return read(Request(scope), Filters).query(communes)


def test_every_closed_column_is_a_filter() -> None:
    assert set(FACETS) <= set(Filters.model_fields)


def test_all_that_is_wrong_is_said_at_once() -> None:
    with pytest.raises(InvalidInput) as refusal:
        asked("q=%00&near=x&bbox=1&open_at=x&region=x&services=x")
    wrong = {one.field for one in refusal.value.invalid}
    assert wrong == {"q", "near", "bbox", "open_at", "region", "services"}


def test_too_many_parameters_are_no_request() -> None:
    with pytest.raises(BadRequest):
        asked("&".join("services=x" for _ in range(501)))
    with pytest.raises(InvalidInput):
        asked("&".join("services=x" for _ in range(51)))


def test_the_order_follows_from_what_is_asked() -> None:
    assert asked("").order == "freshness"
    assert asked("q=mairie").order == "relevance"
    assert asked("q=le la").order == "freshness"
    assert asked("q=mairie&near=44.7,5.4").order == "distance"
    assert asked("q=mairie&near=44.7,5.4&order=relevance").order == "relevance"
    assert asked("near=44.7,5.4").near == Near(44.7, 5.4, 20_000)


def test_cities_have_their_arrondissements_and_regions_their_departments() -> None:
    [(name, codes)] = asked("commune=75056").groups
    assert (name, codes[0], codes[-1], len(codes)) == ("commune", "75056", "75120", 21)
    assert asked("region=94").groups == (("departement", ("2A", "2B")),)
    assert asked("departement=2a").groups == (("departement", ("2A",)),)


def test_an_epci_is_its_communes(tmp_path: Path) -> None:
    file = tmp_path / "communes.csv"
    file.write_text(
        "code_insee,code_epci\n26113,111111111\n26114,111111111\n26115,\n26116,222222222\n"
    )
    communes = Communes(file)
    assert asked("epci=111111111", communes).groups == (("commune", ("26113", "26114")),)
    with pytest.raises(InvalidInput):
        asked("epci=333333333", communes)


def test_spellings_of_a_value_are_one() -> None:
    value = "Aide aux démarches administratives"
    one, other = asked(f"frais_a_charge=Gratuit&services={value}"), asked(f"services={value}")
    assert one.values == (("services", (value,)), ("frais_a_charge", ("Gratuit",)))
    assert other.digest != one.digest
    spelled = asked("formations_labels=Étapes numériques (La Poste)")
    assert spelled == asked("formations_labels=Étapes numériques(La Poste)")


@pytest.mark.parametrize(
    "text",
    ["", "W10", "WzEsMiwzXQ", "é", "W" * 500, "WzEsMix0cnVlXQ", "bm90IGpzb24", "WzEuNSwyLCJ4Il0"],
)
def test_what_is_no_cursor(text: str) -> None:
    with pytest.raises(InvalidInput):
        opened(text, Query())


def test_a_cursor_comes_back() -> None:
    query = Query(words=("mairie",))
    assert opened(Cursor(12, 34).sealed(query), query) == Cursor(12, 34)
    with pytest.raises(InvalidInput):
        opened(Cursor(12, 34).sealed(query), Query())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("Médiathèques de l’Étoile", ["mediatheque", "etoile"]),
        ("St-Étienne", ["saint", "etienne"]),
        ("SAINTE ÉTIENNE", ["saint", "etienne"]),
        ("C.C.A.S. d'Œuvre", ["cca", "oeuvre"]),
        ("journaux, bureaux, jeux, choux", ["journal", "bureau", "jeu", "chou"]),
        ("26150 Die", ["26150", "die"]),
        ("à la", []),
        ("İstanbul ﬁn", ["istanbul", "fin"]),
    ],
)
def test_words_have_one_form(text: str, words: list[str]) -> None:
    assert terms(text) == words


@pytest.mark.parametrize("other", ["mairi", "maarie", "amirie", "mairiee", "marie", "mairies"])
def test_one_error_is_close_and_found_by_its_variants(other: str) -> None:
    assert close("mairie", other)
    assert variants("mairie") & variants(other)


def test_two_errors_are_not_close() -> None:
    assert not close("mairie", "prairi")
    assert not close("mairie", "mariei")
