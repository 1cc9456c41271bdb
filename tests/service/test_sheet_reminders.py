"""Reminders about sheets: chosen by managers, ended by one click, kept with their timer."""

from collections.abc import Iterator
from typing import Any

import pytest

from shared.database import now
from shared.links import Links, SheetLink
from tests.harness import Servers, System
from tests.harness.cases import BROWSER, PROGRAM
from tests.harness.refusals import refused
from tests.harness.rows import nothing_written, rows, wait_for_rows
from tests.harness.stories import MODERATOR, Person, new_venue
from tests.harness.system import LINK_KEY
from tests.service.conftest import alone

ASKED = {"headers.ce_type": "VenueReviewAsked"}


@pytest.fixture(scope="module")
def hurried(servers: Servers) -> Iterator[System]:
    """The directory, where three months go by in a moment."""
    with alone(servers, "directory", REMINDER_MONTH="PT0.1S") as system:
        yield system


def managed(directory: System, *managers: Person) -> str:
    """A new venue that some people manage."""
    venue, _ = new_venue(directory)
    for one in managers:
        path = f"/venues/{venue}/managers/{one.id}"
        assert directory.call("PUT", "directory", path, as_=MODERATOR).is_success
    return venue


def choose(directory: System, venue: str, who: str | None, body: Any) -> Any:
    """Choose a rhythm over HTTP."""
    return directory.call("PUT", "directory", f"/venues/{venue}/reminders", as_=who, json=body)


def link(venue: str, holder: Person) -> str:
    """A link as notifications would sign it; its token."""
    ends = now().replace(year=now().year + 1)
    return Links(LINK_KEY).sign(SheetLink(venue, f"account:{holder.id}", ends))


async def asked(directory: System, venue: str, count: int) -> None:
    """Wait until the managers of a venue were asked so many times."""
    await wait_for_rows(directory, "directory", "outbox", count, key=venue, **ASKED)


async def test_who_manages_a_sheet_chooses_a_rhythm(directory: System) -> None:
    gus = Person("gus")
    venue = managed(directory, gus)
    path = f"/venues/{venue}/reminders"
    assert directory.get("directory", path, as_=gus.token) == {
        "venue_id": venue,
        "every_months": 6,
        "you_hear": True,
    }
    for months, hears in ((3, True), (12, True), (None, False)):
        answer = choose(directory, venue, gus.token, {"every_months": months})
        chosen = {"venue_id": venue, "every_months": months, "you_hear": hears}
        assert answer.json() == chosen == directory.get("directory", path, as_=gus.token)
    # never: no timer is left
    assert await rows(directory, "directory", "outbox", _id=f"sheet-review:{venue}") == []


@pytest.mark.parametrize(
    ("body", "rule"),
    [
        ({}, "missing"),
        ({"every_months": 4}, "literal_error"),
        ({"every_months": "6"}, "literal_error"),
    ],
)
async def test_rhythms_that_there_are_not(directory: System, body: Any, rule: str) -> None:
    gus = Person("gus")
    venue = managed(directory, gus)
    refused(choose(directory, venue, gus.token, body), 422, "invalid-input", ("every_months", rule))


async def test_nobody_else_chooses(directory: System) -> None:
    venue = managed(directory, Person("gus"))
    body = {"every_months": 3}
    refused(choose(directory, venue, None, body), 401, "not-authenticated")
    for who in (Person("zoe").token, MODERATOR):
        refused(choose(directory, venue, who, body), 403, "not-allowed")
        path = f"/venues/{venue}/reminders"
        refused(directory.call("GET", "directory", path, as_=who), 403, "not-allowed")
    refused(choose(directory, "absent", MODERATOR, body), 404, "venue-not-found")


async def test_three_reminders_then_silence_until_somebody_looks(hurried: System) -> None:
    gus = Person("gus")
    venue = managed(hurried, gus)
    choose(hurried, venue, gus.token, {"every_months": 3})
    await asked(hurried, venue, 3)
    [clock] = await rows(hurried, "directory", "reminders", _id=venue)
    assert clock["unanswered"] == 3
    # turns go by and nobody is asked
    later = {"due_at": {"$gt": clock["due_at"]}}
    await wait_for_rows(hurried, "directory", "reminders", 1, _id=venue, **later)
    assert len(await rows(hurried, "directory", "outbox", key=venue, **ASKED)) == 3

    hurried.post("directory", f"/venues/{venue}/checks", {}, as_=Person("zoe").token)
    await asked(hurried, venue, 6)


async def test_one_click_ends_them_for_who_clicks(hurried: System) -> None:
    gus = Person("gus")
    venue = managed(hurried, gus)
    choose(hurried, venue, gus.token, {"every_months": None})
    path = f"/reminders/{link(venue, gus)}"
    async with nothing_written(hurried, "directory"):
        page = hurried.call("GET", "directory", path, headers=BROWSER)
    assert "Ne plus me le rappeler" in page.text
    # as a mail program does it: no cookie, no page
    one_click = {"List-Unsubscribe": "One-Click"}
    for _ in range(2):
        answer = hurried.call("POST", "directory", path, data=one_click)
        assert answer.status_code == 200
    [clock] = await rows(hurried, "directory", "reminders", _id=venue)
    assert clock["silenced"] == [gus.id]
    # a link for one sheet ends no other's
    bad = f"/reminders/{link('absent', gus)}"
    refused(hurried.call("POST", "directory", bad, headers=PROGRAM), 404, "venue-not-found")
    refused(
        hurried.call("POST", "directory", "/reminders/abc", headers=PROGRAM), 400, "link-forged"
    )
