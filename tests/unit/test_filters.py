"""What the parameters of a search ask of the index."""

from pathlib import Path

import pytest

from services.directory.api.filters import Filters
from services.directory.search.communes import Communes
from services.directory.search.query import Query
from shared.errors import InvalidInput

COMMUNES = """code_insee,nom,code_epci
69123,Lyon,200046977
69381,Lyon 1er Arrondissement,
69266,Villeurbanne,200046977
26113,Die,242600534
"""


def query(folder: Path, **given: object) -> Query:
    file = folder / "communes.csv"
    file.write_text(COMMUNES, encoding="utf-8")
    return Filters.model_validate(given).query(Communes(file))


def test_an_epci_has_the_arrondissements_of_its_cities(tmp_path: Path) -> None:
    [(name, communes)] = query(tmp_path, epci=("200046977",)).groups
    assert name == "commune"
    assert {"69123", "69266", "69381", "69389"} <= {*communes}
    assert "26113" not in communes


def test_an_epci_that_does_not_exist_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidInput) as refused:
        query(tmp_path, epci=("242600534", "999999999"))
    assert [(one.field, one.rule) for one in refused.value.invalid] == [("epci", "code")]


@pytest.mark.parametrize(
    ("value", "questions"), [("Aide aux demarche", 1), ("aide aux demarches", 1), ("x", 0)]
)
def test_an_unknown_value_gets_one_suggestion_if_one_is_like_it(
    tmp_path: Path, value: str, questions: int
) -> None:
    with pytest.raises(InvalidInput) as refused:
        query(tmp_path, services=(value,))
    [wrong] = refused.value.invalid
    assert wrong.message.count("Vouliez-vous dire") == questions
    assert bool(wrong.suggestion) == bool(questions)


def test_an_epci_that_nobody_filled_in_asks_for_nothing(tmp_path: Path) -> None:
    assert Filters(epci=("",)).query(Communes(None)) == query(tmp_path)
