"""Sheets that are looked at: their completeness, and « toujours exact » with its date."""

import datetime as dt
import re

import pytest

from services.directory.domain.venues import day
from shared.database import now
from shared.events import Author
from shared.events.moderation import Decision, EditApproved
from shared.links import Links, SheetLink
from tests.harness import System
from tests.harness.bus import published, tell
from tests.harness.cases import BROWSER, PROGRAM
from tests.harness.refusals import refused, refused_on_a_page
from tests.harness.rows import nothing_written
from tests.harness.stories import MODERATOR, Person, applied, history, new_venue, sheet
from tests.harness.system import LINK_KEY


def managed(directory: System, manager: Person) -> str:
    """A new venue that somebody manages."""
    venue, _ = new_venue(directory)
    path = f"/venues/{venue}/managers/{manager.id}"
    assert directory.call("PUT", "directory", path, as_=MODERATOR).is_success
    return venue


def link(venue: str, holder: str, *, ends_in: dt.timedelta = dt.timedelta(days=1)) -> str:
    """A link as notifications would sign it; its path."""
    return f"/checks/{Links(LINK_KEY).sign(SheetLink(venue, holder, now() + ends_in))}"


def test_a_sheet_says_how_complete_it_is_and_what_to_do(directory: System) -> None:
    venue, _ = new_venue(directory, modalites_acces="Se présenter", date_maj="2019-01-15")
    measured = sheet(directory, venue)["completeness"]
    missing = [one["key"] for one in measured["criteria"] if not one["met"]]
    assert (measured["score"], measured["out_of"]) == (6, 10)
    assert missing == ["description", "support", "online", "freshness"]
    assert all(one["label"] and one["advice"] for one in measured["criteria"])


async def test_a_check_has_a_date_and_says_as_what_it_was_made(directory: System) -> None:
    gus, zoe = Person("gus"), Person("zoe")
    venue = managed(directory, gus)
    before = sheet(directory, venue)
    assert (before["checked_on"], before["checked_by"]) == (None, None)

    for who, role in ((zoe.token, "visitor"), (MODERATOR, "moderator"), (gus.token, "manager")):
        answer = directory.post("directory", f"/venues/{venue}/checks", None, as_=who)
        assert answer == {"venue_id": venue, "checked_on": day(now()), "checked_by": role}
    after = sheet(directory, venue)
    assert (after["checked_on"], after["checked_by"]) == (day(now()), "manager")
    # the sheet says what it said before; a manager's word is a revision of its own
    assert after["fiche"] == before["fiche"]

    events = await published(directory, "directory", venue, 5)
    checked = [one.body for one in events if one.type == "VenueChecked"]
    assert [(one["by_role"], one["revision"]) for one in checked] == [
        ("visitor", 1),
        ("moderator", 1),
        ("manager", 2),
    ]


async def test_what_a_manager_confirms_is_in_the_history_once_a_day(directory: System) -> None:
    gus = Person("gus")
    venue = managed(directory, gus)
    read = {"revision": 1}
    directory.post("directory", f"/venues/{venue}/checks", read, as_=gus.token)
    async with nothing_written(directory, "directory"):
        directory.post("directory", f"/venues/{venue}/checks", read, as_=gus.token)
    directory.post("directory", f"/venues/{venue}/checks", read, as_=Person("zoe").token)

    confirmed, _ = history(directory, venue)
    assert (confirmed["note"], confirmed["by"]) == ("confirmed", f"account:{gus.id}")
    assert confirmed["changes"] == []


async def test_what_a_manager_wrote_is_protected_anew(directory: System) -> None:
    gus = Person("gus")
    venue = managed(directory, gus)
    edit = {"base_revision": 1, "changes": {"horaires": "Mo-Sa 10:00-18:00"}}
    proposal = directory.post("directory", f"/venues/{venue}/edits", edit, as_=gus.token)["id"]
    decided = Decision(how="manager", by=f"account:{gus.id}", at=now() - dt.timedelta(days=300))
    said = {"case_id": proposal, "revision": 2, "author": Author(account_id=gus.id), "title": "x"}
    approved = EditApproved(**said, decision=decided, venue_id=venue, fields=["horaires"])
    await tell(directory, approved)
    applied(directory, venue, 2)

    directory.post("directory", f"/venues/{venue}/checks", {"revision": 2}, as_=gus.token)
    hours = sheet(directory, venue)["provenance"]["horaires"]
    assert hours["confirmed_at"]
    assert hours["protected_until"] > (now() + dt.timedelta(days=360)).isoformat()
    # a visitor's word protects nothing
    directory.post("directory", f"/venues/{venue}/checks", {}, as_=Person("zoe").token)
    after = sheet(directory, venue)
    assert after["provenance"]["horaires"] == hours
    assert after["checked_by"] == "visitor"


async def test_a_check_freshens_an_old_sheet(directory: System) -> None:
    venue, _ = new_venue(directory, date_maj="2019-01-15")
    before = sheet(directory, venue)["completeness"]["score"]
    directory.post("directory", f"/venues/{venue}/checks", {}, as_=Person("zoe").token)
    assert sheet(directory, venue)["completeness"]["score"] == before + 1


async def test_checks_that_are_refused(directory: System) -> None:
    venue, _ = new_venue(directory)
    zoe = Person("zoe").token
    path = f"/venues/{venue}/checks"
    async with nothing_written(directory, "directory"):
        refused(directory.call("POST", "directory", path), 401, "not-authenticated")
        answer = directory.call("POST", "directory", "/venues/absent/checks", as_=zoe)
        refused(answer, 404, "venue-not-found")
        answer = directory.call("POST", "directory", path, as_=zoe, json={"revision": 7})
        assert refused(answer, 409, "sheet-changed")["current_revision"] == 1
        for body, field, rule in (
            ({"revision": "1"}, "revision", "int_type"),
            ({"note": "vu"}, "note", "extra_forbidden"),
        ):
            answer = directory.call("POST", "directory", path, as_=zoe, json=body)
            refused(answer, 422, "invalid-input", (field, rule))


async def test_the_link_of_a_mail_shows_the_sheet_and_its_button_checks_it(
    directory: System,
) -> None:
    gus = Person("gus")
    venue = managed(directory, gus)
    path = link(venue, f"account:{gus.id}")
    async with nothing_written(directory, "directory"):
        page = directory.call("GET", "directory", path, headers=BROWSER)
    assert page.status_code == 200
    assert "4 place de la Fontaine" in page.text
    assert "Horaires d&#39;ouverture" in page.text
    assert page.headers["referrer-policy"] == "no-referrer"

    version = re.search(r'name="version" value="(\d+)"', page.text)
    assert version
    form = {"version": version[1]}
    done = directory.call("POST", "directory", path, data=form, headers=BROWSER)
    assert done.status_code == 200
    assert "c'est noté" in done.text
    assert sheet(directory, venue)["checked_by"] == "manager"
    # impatient people click twice
    async with nothing_written(directory, "directory"):
        again = directory.call("POST", "directory", path, data=form, headers=BROWSER)
        assert again.status_code == 200


async def test_links_that_check_nothing(directory: System) -> None:
    gus = Person("gus")
    venue = managed(directory, gus)
    good = link(venue, f"account:{gus.id}")
    late = link(venue, f"account:{gus.id}", ends_in=-dt.timedelta(minutes=5))
    foreign = Links("another-link-key-of-at-least-32-characters")
    end = now() + dt.timedelta(days=1)
    bad = {
        "no link": ("/checks/abc", 400, "link-forged"),
        "cut": (good[:-5], 400, "link-forged"),
        "of another key": (
            f"/checks/{foreign.sign(SheetLink(venue, f'account:{gus.id}', end))}",
            400,
            "link-forged",
        ),
        "expired": (late, 410, "link-expired"),
        "of no manager": (link(venue, "account:zoe"), 403, "not-allowed"),
        "of no venue": (link("absent", f"account:{gus.id}"), 404, "venue-not-found"),
    }
    for path, status, kind in bad.values():
        async with nothing_written(directory, "directory"):
            refused(directory.call("GET", "directory", path, headers=PROGRAM), status, kind)
            form = {"version": "1"}
            answer = directory.call("POST", "directory", path, data=form, headers=PROGRAM)
            refused(answer, status, kind)


@pytest.mark.parametrize(("form", "status"), [({"version": "7"}, 409), ({}, 422)])
async def test_what_the_button_cannot_confirm_is_said_on_a_page(
    directory: System, form: dict[str, str], status: int
) -> None:
    gus = Person("gus")
    venue = managed(directory, gus)
    path = link(venue, f"account:{gus.id}")
    async with nothing_written(directory, "directory"):
        answer = directory.call("POST", "directory", path, data=form, headers=BROWSER)
        sentence = {409: "cette fiche a changé", 422: "informations ne sont pas valables"}[status]
        refused_on_a_page(answer, status, sentence[1:])
    assert f'href="{path}"' in answer.text
