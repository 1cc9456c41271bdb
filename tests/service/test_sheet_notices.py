"""Temporary notices over HTTP: shown on the sheet on their days, by those who look after it."""

import datetime as dt
from typing import Any

import httpx
import pytest

from services.directory.domain.notices import AT_MOST, today
from shared.database import now
from tests.harness import System
from tests.harness.bus import published
from tests.harness.refusals import refused
from tests.harness.rows import database, nothing_written
from tests.harness.stories import MODERATOR, Person, new_venue, sheet
from tests.harness.venues import csv_of, row

DAY = dt.timedelta(days=1)


def said(first: int = 0, last: int = 3, **values: Any) -> dict[str, Any]:
    """A notice from and until so many days from today."""
    day = today(now())
    days = {"from": (day + first * DAY).isoformat(), "until": (day + last * DAY).isoformat()}
    return {"kind": "closure", "text": "Fermé pour travaux.", **days, **values}


def send(directory: System, method: str, path: str, as_: str | None, body: Any) -> httpx.Response:
    return directory.call(method, "directory", path, as_=as_, json=body)


def managed(directory: System) -> tuple[str, Person]:
    """A new venue and its manager."""
    gus = Person("gus")
    venue, _ = new_venue(directory)
    path = f"/venues/{venue}/managers/{gus.id}"
    assert directory.call("PUT", "directory", path, as_=MODERATOR).is_success
    return venue, gus


async def test_a_notice_is_on_the_sheet_at_once_can_change_and_go(directory: System) -> None:
    venue, gus = managed(directory)
    path = f"/venues/{venue}/notices"
    later = send(directory, "POST", path, MODERATOR, said(5, 6, kind="hours", text="Le matin."))
    first = send(directory, "POST", path, gus.token, said())
    assert (first.status_code, later.status_code) == (201, 201)
    before = sheet(directory, venue)
    assert before["notices"] == [first.json(), later.json()]
    assert {**first.json(), **said()} == first.json()

    other = said(0, 1, kind="moved", text="Provisoirement au gymnase.")
    changed = send(directory, "PUT", f"{path}/{first.json()['id']}", gus.token, other)
    assert sheet(directory, venue)["notices"][0] == changed.json()
    assert changed.json()["text"] == "Provisoirement au gymnase."

    gone = directory.call("DELETE", "directory", f"{path}/{later.json()['id']}", as_=gus.token)
    assert gone.status_code == 204
    after = sheet(directory, venue)
    assert [one["id"] for one in after["notices"]] == [first.json()["id"]]
    # the sheet itself is as it was
    assert (after["revision"], after["fiche"]) == (before["revision"], before["fiche"])
    events = await published(directory, "directory", venue, 5)
    assert [one.type for one in events[1:]] == ["VenueNoticesChanged"] * 4


async def test_it_disappears_by_itself_and_an_import_never_touches_it(directory: System) -> None:
    cells = row()
    directory.import_venues(csv_of(cells))
    path = f"/venues/{cells['id']}/notices"
    send(directory, "POST", path, MODERATOR, said())
    over = send(directory, "POST", path, MODERATOR, said()).json()["id"]
    async with database(directory, "directory") as there:
        yesterday = (today(now()) - DAY).isoformat()
        change = {"$set": {"starts_on": yesterday, "until": yesterday}}
        await there.plain("notices").update_one({"_id": over}, change)
    directory.import_venues(csv_of({**cells, "nom": "Autre nom", "date_maj": "2026-01-02"}))
    [left] = sheet(directory, cells["id"])["notices"]
    assert left["id"] != over


async def test_who_may_not(directory: System) -> None:
    venue, gus = managed(directory)
    path = f"/venues/{venue}/notices"
    one = send(directory, "POST", path, gus.token, said()).json()["id"]
    elsewhere, _ = new_venue(directory)
    zoe = Person("zoe").token
    async with nothing_written(directory, "directory"):
        for method, place in (
            ("POST", path),
            ("PUT", f"{path}/{one}"),
            ("DELETE", f"{path}/{one}"),
        ):
            body = None if method == "DELETE" else said()
            refused(send(directory, method, place, None, body), 401, "not-authenticated")
            refused(send(directory, method, place, zoe, body), 403, "not-allowed")
        absent = "/venues/absent/notices"
        refused(send(directory, "POST", absent, MODERATOR, said()), 404, "venue-not-found")
        for place in (f"{path}/absent", f"/venues/{elsewhere}/notices/{one}"):
            refused(send(directory, "PUT", place, MODERATOR, said()), 404, "notice-not-found")
            refused(send(directory, "DELETE", place, MODERATOR, None), 404, "notice-not-found")


@pytest.mark.parametrize(
    ("body", "field", "rule"),
    [
        (said(3, 2), "until", "before_from"),
        (said(-3, -1), "until", "past"),
        (said(0, 400), "until", "too_long"),
        (said(until=None), "until", "date_type"),
        (said(until="demain"), "until", "date_from_datetime_parsing"),
        (said(text=""), "text", "string_too_short"),
        (said(text="é" * 501), "text", "string_too_long"),
        (said(kind="fête"), "kind", "literal_error"),
        (said(author="gus"), "author", "extra_forbidden"),
    ],
)
async def test_what_is_no_notice(directory: System, body: Any, field: str, rule: str) -> None:
    venue, _ = new_venue(directory)
    async with nothing_written(directory, "directory"):
        answer = send(directory, "POST", f"/venues/{venue}/notices", MODERATOR, body)
        refused(answer, 422, "invalid-input", (field, rule))


async def test_more_than_anybody_reads(directory: System) -> None:
    venue, _ = new_venue(directory)
    path = f"/venues/{venue}/notices"
    for _ in range(AT_MOST):
        assert send(directory, "POST", path, MODERATOR, said()).status_code == 201
    async with nothing_written(directory, "directory"):
        refused(send(directory, "POST", path, MODERATOR, said()), 409, "too-many-notices")
