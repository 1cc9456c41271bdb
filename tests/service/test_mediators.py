"""Mediators over HTTP: published by themselves, shown by venues, gone without a trace."""

from typing import Any

import pytest

from tests.harness import System
from tests.harness.bus import published
from tests.harness.refusals import refused
from tests.harness.rows import database, nothing_written
from tests.harness.stories import MODERATOR, Person, new_venue
from tests.harness.system import token

PROFILE = {
    "nom": "Lou",
    "presentation": "J'aide à Die le mardi.",
    "langues": ["français"],
    "services": ["Aide aux démarches administratives"],
    "courriel": "lou.publique@lieu.example.org",
}
NOBODY = "0" * 32


def managed_venue(system: System, person: Person) -> str:
    venue, _ = new_venue(system)
    path = f"/venues/{venue}/managers/{person.id}"
    assert system.call("PUT", "directory", path, as_=MODERATOR).is_success
    return venue


def publish(system: System, person: Person, **said: Any) -> Any:
    answer = system.call(
        "PUT", "directory", "/mediators/me", as_=person.token, json={**PROFILE, **said}
    )
    assert answer.status_code == 200, answer.text
    return answer.json()


def at(system: System, venue: str) -> list[str]:
    found = system.get("directory", f"/venues/{venue}/mediators")["items"]
    return [one["nom"] for one in found]


async def test_a_mediator_is_shown_where_a_venue_agrees(directory: System) -> None:
    ada, lou = Person("ada"), Person("lou")
    first, second = managed_venue(directory, ada), managed_venue(directory, ada)
    own = publish(directory, lou, venues=[first, second])
    assert own["shown"] is False
    assert {one["state"] for one in own["venues"]} == {"asked"}
    page = f"/mediators/{own['id']}"
    refused(directory.call("GET", "directory", page), 404, "mediator-not-found")

    waiting = directory.get("directory", f"/venues/{first}/mediators/waiting", as_=ada.token)
    assert [one["id"] for one in waiting["items"]] == [own["id"]]
    path = f"/venues/{first}/mediators/{own['id']}"
    assert directory.call("PUT", "directory", path, as_=ada.token).is_success
    assert (at(directory, first), at(directory, second)) == (["Lou"], [])
    shown = directory.get("directory", page)
    assert shown["venues"] == [first]
    assert {**PROFILE}.items() <= shown.items()
    assert lou.id not in str(shown)
    assert directory.get("directory", "/mediators/me", as_=lou.token)["shown"] is True

    _, asked, changed = await published(directory, "directory", first, 3)
    assert (asked.type, asked.body["account_id"]) == ("MediatorAttachmentAsked", lou.id)
    assert (changed.type, changed.body["count"]) == ("VenueMediatorsChanged", 1)
    assert "Lou" not in str(asked.body).replace(lou.id, "")

    assert directory.call("DELETE", "directory", path, as_=ada.token).is_success
    assert at(directory, first) == []


async def test_what_is_taken_away_leaves_no_trace(directory: System) -> None:
    ada, lou = Person("ada"), Person("lou")
    venue = managed_venue(directory, ada)
    secret = f"Lou {lou.id[-6:]} du Diois"
    own = publish(directory, lou, nom=secret, venues=[venue])
    path = f"/venues/{venue}/mediators/{own['id']}"
    assert directory.call("PUT", "directory", path, as_=ada.token).is_success
    assert at(directory, venue) == [secret]
    gone = directory.call("DELETE", "directory", "/mediators/me", as_=lou.token)
    assert gone.status_code == 204
    assert at(directory, venue) == []

    async with database(directory, "directory") as there:
        for name in await there.plain("outbox").database.list_collection_names():
            for row in map(str, await there.plain(name).find({}).to_list(None)):
                assert own["id"] not in row, name
                assert secret not in row, name
                # an event says whose wish it was, by the account alone
                assert lou.id not in row or name == "outbox", name
    for answer in (
        directory.call("GET", "directory", f"/mediators/{own['id']}"),
        directory.call("GET", "directory", "/mediators/me", as_=lou.token),
        directory.call("PUT", "directory", path, as_=ada.token),
    ):
        refused(answer, 404, "mediator-not-found")
    assert secret not in directory.processes["directory"].log
    assert directory.call("DELETE", "directory", "/mediators/me", as_=lou.token).is_success


async def test_what_cannot_be_published_or_shown(directory: System) -> None:
    ada, lou = Person("ada"), Person("lou")
    venue = managed_venue(directory, ada)
    own = publish(directory, lou, venues=[venue])
    stranger = token("stranger", "user")
    path = f"/venues/{venue}/mediators/{own['id']}"
    me, more = "/mediators/me", f"/venues/{venue}/mediators"
    typo, elsewhere = {**PROFILE, "email": "a@b.fr"}, {**PROFILE, "venues": ["absent"]}
    async with nothing_written(directory, "directory"):
        for method, where, as_, body, status, kind in (
            ("PUT", me, None, PROFILE, 401, "not-authenticated"),
            ("PUT", me, lou.token, {"nom": ""}, 422, "invalid-input"),
            ("PUT", me, lou.token, typo, 422, "invalid-input"),
            ("PUT", me, lou.token, elsewhere, 404, "venue-not-found"),
            ("PUT", path, lou.token, None, 403, "not-allowed"),
            ("DELETE", path, stranger, None, 403, "not-allowed"),
            ("PUT", f"{more}/{NOBODY}", ada.token, None, 404, "mediator-not-found"),
            ("GET", f"{more}/waiting", stranger, None, 403, "not-allowed"),
            ("GET", "/venues/absent/mediators", None, None, 404, "venue-not-found"),
            ("GET", me, stranger, None, 404, "mediator-not-found"),
            ("GET", "/mediators/lou", None, None, 422, "invalid-input"),
        ):  # fmt: skip
            answer = directory.call(method, "directory", where, as_=as_, json=body)
            refused(answer, status, kind)


@pytest.mark.parametrize("role", ["manager", "moderator"])
async def test_who_manages_the_venue_is_shown_at_once(directory: System, role: str) -> None:
    ada = Person("ada", "user" if role == "manager" else "moderator")
    venue = managed_venue(directory, ada) if role == "manager" else new_venue(directory)[0]
    own = publish(directory, ada, venues=[venue])
    # a moderator says so of others
    assert own["shown"] is (role == "manager")
    path = f"/venues/{venue}/mediators/{own['id']}"
    answer = directory.call("PUT", "directory", path, as_=ada.token)
    assert answer.status_code == (200 if role == "manager" else 403)
