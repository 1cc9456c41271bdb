"""The stops of an itinerant venue over HTTP."""

import asyncio
from typing import Any

import httpx

from tests.harness import System, eventually
from tests.harness.bus import published
from tests.harness.refusals import refused
from tests.harness.rows import nothing_written
from tests.harness.stories import MODERATOR, Person, new_venue, sheet
from tests.harness.system import token

MARKET = {
    "commune": "Luc-en-Diois",
    "code_postal": "26310",
    "adresse": "Place de la Croix",
    "latitude": 44.616,
    "longitude": 5.448,
    "horaires": "We 09:00-12:00",
}
OVER = {**MARKET, "adresse": "Salle des fêtes", "fin": "2020-01-01"}


def put(system: System, venue: str, as_: str | None, *stops: Any, base: int = 0) -> httpx.Response:
    body = {"base_revision": base, "stops": list(stops)}
    return system.call("PUT", "directory", f"/venues/{venue}/stops", as_=as_, json=body)


async def test_a_manager_writes_where_the_van_stops(directory: System) -> None:
    venue, _ = new_venue(directory, itinerance="Itinérant")
    ada = Person("ada")
    path = f"/venues/{venue}/managers/{ada.id}"
    assert directory.call("PUT", "directory", path, as_=MODERATOR).is_success
    empty = directory.get("directory", f"/venues/{venue}/stops")
    assert (empty["revision"], empty["stops"]) == (0, [])

    written = put(directory, venue, ada.token, MARKET, OVER)
    assert written.status_code == 200, written.text
    kept = directory.get("directory", f"/venues/{venue}/stops")
    assert kept == written.json()
    assert [one["adresse"] for one in kept["stops"]] == ["Place de la Croix", "Salle des fêtes"]
    # what is over helps nobody
    assert [one["adresse"] for one in sheet(directory, venue)["arrets"]] == ["Place de la Croix"]
    put(directory, venue, ada.token, MARKET, base=1)
    lists = directory.get("directory", f"/venues/{venue}/stops/history")["items"]
    assert [(one["revision"], len(one["stops"]), one["by"]) for one in lists] == [
        (2, 1, f"account:{ada.id}"),
        (1, 2, f"account:{ada.id}"),
    ]
    _, *changed = await published(directory, "directory", venue, 3)
    assert [(one.type, one.body["revision"]) for one in changed] == [
        ("VenueStopsChanged", 1),
        ("VenueStopsChanged", 2),
    ]


async def test_stops_that_cannot_be(directory: System) -> None:
    venue, _ = new_venue(directory, itinerance="Itinérant")
    fixed, _ = new_venue(directory)
    stranger = token("stranger", "user")
    assert put(directory, venue, MODERATOR, MARKET).is_success
    async with nothing_written(directory, "directory"):
        for where, as_, base, stop, status, kind in (
            (venue, None, 1, MARKET, 401, "not-authenticated"),
            (venue, stranger, 1, MARKET, 403, "not-allowed"),
            ("absent", MODERATOR, 1, MARKET, 404, "venue-not-found"),
            (fixed, MODERATOR, 0, MARKET, 409, "not-itinerant"),
            (venue, MODERATOR, 0, OVER, 409, "stops-changed"),
            (venue, MODERATOR, -1, MARKET, 422, "invalid-input"),
            (venue, MODERATOR, 1, "Place", 422, "invalid-input"),
        ):
            refused(put(directory, where, as_, stop, base=base), status, kind)
        answer = put(directory, venue, MODERATOR, {**MARKET, "horaires": "undefined"}, base=1)
        refused(answer, 422, "invalid-input", ("stops.0.horaires", "opening_hours"))


async def test_of_two_writers_at_once_one_reads_again(directory: System) -> None:
    venue, _ = new_venue(directory, itinerance="Itinérant")
    answers = await asyncio.gather(
        *(
            asyncio.to_thread(put, directory, venue, MODERATOR, {**MARKET, "adresse": place})
            for place in ("Gare", "Mairie")
        )
    )
    assert sorted(one.status_code for one in answers) == [200, 409]
    assert directory.get("directory", f"/venues/{venue}/stops")["revision"] == 1


async def test_a_van_is_found_where_it_stops(directory: System) -> None:
    venue, _ = new_venue(directory, itinerance="Itinérant")
    # far from all that other tests search
    place = {**MARKET, "latitude": -49.35, "longitude": 70.21, "code_postal": "98412"}
    put(directory, venue, MODERATOR, place, {**place, "latitude": -49.0, "fin": "2020-01-01"})

    def found(query: str) -> Any:
        return directory.get("directory", f"/venues?{query}")["items"]

    [item] = eventually(lambda: found("near=-49.35,70.22&radius=5000"))
    assert item["id"] == venue
    assert 600 < item["distance"] < 800
    assert item["arrets"] == sheet(directory, venue)["arrets"]
    assert [one["id"] for one in found("code_postal=98412")] == [venue]
    # what is over finds nothing
    assert found("near=-49.0,70.21&radius=5000") == []
    put(directory, venue, MODERATOR, base=1)
    eventually(lambda: not found("code_postal=98412"))
