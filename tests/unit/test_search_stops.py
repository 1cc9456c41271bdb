"""An itinerant venue is found where it stops, as if it were there."""

import dataclasses
from typing import Any

import pytest

from services.directory.domain.stops import Stop
from services.directory.search.index import Index
from services.directory.search.query import Near, Query
from services.directory.store.sheets import Sheet
from tests.unit.search_directory import found, ids, indexed, sheet, write

DIE, LUC = (44.7534, 5.3706), (44.616, 5.448)
AT_LUC: dict[str, Any] = {
    "commune": "Luc-en-Diois",
    "code_postal": "26310",
    "code_insee": "26167",
    "adresse": "Place de la Croix",
    "latitude": LUC[0],
    "longitude": LUC[1],
}


def van(*stops: Stop, revision: int = 1, **values: Any) -> Sheet:
    """A venue at Die that moves."""
    at_die = {"latitude": DIE[0], "longitude": DIE[1], "code_insee": "26113"}
    made = sheet(1, revision, itinerance=["Itinérant"], **{**at_die, **values})
    return dataclasses.replace(
        made,
        stops=stops,
        public={**made.public, "arrets": [one.model_dump(mode="json") for one in stops]},
    )


def near(place: tuple[float, float], radius: float = 2_000) -> Query:
    return Query(near=Near(*place, radius), order="distance")


def group(name: str, value: str) -> Query:
    return Query(groups=((name, (value,)),))


def office() -> Sheet:
    """Another one at Luc, some hundred metres away."""
    return sheet(2, latitude=LUC[0] + 0.005, longitude=LUC[1])


@pytest.mark.parametrize("place", [DIE, LUC])
def test_near_its_place_and_near_each_stop(place: tuple[float, float]) -> None:
    with indexed(van(Stop(**AT_LUC)), office()) as index:
        for one in (index, Index(index.file.path)):
            nearest = found(one, near(place))[0]
            assert (nearest["id"], nearest["distance"]) == ("v1", 0)
            assert nearest["arrets"][0]["commune"] == "Luc-en-Diois"


def test_once_though_several_of_its_places_are_near() -> None:
    stops = (Stop(**AT_LUC), Stop(**{**AT_LUC, "latitude": LUC[0] + 0.001}))
    with indexed(van(*stops), office()) as index:
        assert ids(index, near(LUC)) == ["v1", "v2"]
        assert ids(index, near(LUC, 100_000)) == ["v1", "v2"]


def test_without_a_place_of_its_own() -> None:
    with indexed(van(Stop(**AT_LUC), latitude=None, longitude=None)) as index:
        assert [one["distance"] for one in found(index, near(LUC))] == [0]
        assert ids(index, near(DIE)) == []


def test_by_the_territory_and_the_words_of_its_stops() -> None:
    elsewhere = Stop(commune="Serres", code_postal="05700", adresse="Gare")
    with indexed(van(Stop(**AT_LUC), elsewhere), office()) as index:
        for query in (
            group("commune", "26113"),
            group("commune", "26167"),
            group("code_postal", "05700"),
            group("departement", "05"),
            Query(words=("serres",), order="relevance"),
        ):
            assert "v1" in ids(index, query), query
        assert ids(index, near(LUC)) == ["v1", "v2"]


def test_no_longer_where_it_no_longer_stops() -> None:
    with indexed(van(Stop(**AT_LUC)), office()) as index:
        assert ids(index, near(LUC)) == ["v1", "v2"]
        write(index, [van()])
        assert ids(index, near(LUC)) == ["v2"]
        assert ids(index, group("commune", "26167")) == []
        assert ids(index, near(DIE)) == ["v1"]
        write(index, [van(Stop(**AT_LUC))])
        write(index, gone=["v1"])
        assert ids(index, near(LUC)) == ["v2"]
        assert (ids(index, near(DIE)), ids(index, group("commune", "26167"))) == ([], [])
