"""Sheets that people care for, as they live it: over HTTP and mail only."""

import re

from services.directory.domain.venues import day
from shared.database import now
from tests.harness import System, eventually
from tests.harness.stories import (
    BROWSER,
    MODERATOR,
    NOBODY,
    Person,
    decide,
    history,
    new_venue,
    sheet,
)
from tests.harness.system import request, text_of


def managed(system: System, manager: Person) -> str:
    """A new venue, whose manager chooses to be asked every three months."""
    venue, _ = new_venue(system, **NOBODY)
    path = f"/venues/{venue}/managers/{manager.id}"
    assert system.call("PUT", "directory", path, as_=MODERATOR).is_success
    path, body = f"/venues/{venue}/reminders", {"every_months": 3}
    answer = system.call("PUT", "directory", path, as_=manager.token, json=body)
    assert answer.is_success, answer.text
    return venue


def test_a_stale_sheet_is_read_again_by_one_click_in_a_mail(quick: System) -> None:
    gus = Person("gus")
    venue = managed(quick, gus)
    assert sheet(quick, venue)["checked_on"] is None

    mail = eventually(lambda: quick.mails(gus.email, "toujours exacte"))[0]
    text = text_of(mail)
    assert "4 place de la Fontaine" in text
    check = re.search(r"http://\S+/checks/\S+", text)
    assert check
    page = request("GET", check[0], headers=BROWSER).text
    # looking says nothing: mail programs open links, too
    assert sheet(quick, venue)["checked_on"] is None
    version = re.search(r'name="version" value="(\d+)"', page)
    assert version
    answer = request("POST", check[0], data={"version": version[1]}, headers=BROWSER)
    assert answer.status_code == 200, answer.text
    checked = sheet(quick, venue)
    assert (checked["checked_on"], checked["checked_by"]) == (day(now()), "manager")
    assert history(quick, venue)[0]["note"] == "confirmed"

    # a mail program's own button: one request, no page
    stop = str(mail["List-Unsubscribe"]).strip("<>")
    assert mail["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert request("POST", stop, data={"List-Unsubscribe": "One-Click"}).status_code == 200
    chosen = quick.get("directory", f"/venues/{venue}/reminders", as_=gus.token)
    assert (chosen["every_months"], chosen["you_hear"]) == (3, False)


def test_a_founded_report_is_told_to_the_manager_or_takes_the_sheet_away(quick: System) -> None:
    gus, zoe = Person("gus"), Person("zoe")
    venue = managed(quick, gus)
    wrong = {"reason": "wrong", "text": "Le numéro sonne occupé."}
    case = quick.post("directory", f"/venues/{venue}/reports", wrong, as_=zoe.token)["case_id"]
    decide(quick, case, "approve")
    told = quick.mail(gus.email, "à corriger")
    assert "Le numéro sonne occupé." in text_of(told)

    closed = {"reason": "closed", "text": "Rideau baissé, affiche de liquidation."}
    case = quick.post("directory", f"/venues/{venue}/reports", closed, as_=zoe.token)["case_id"]
    eventually(lambda: quick.get("moderation", f"/cases/{case}", as_=MODERATOR))
    waiting = quick.get("moderation", "/cases?report_reason=closed&limit=200", as_=MODERATOR)
    assert case in [one["id"] for one in waiting["items"]]
    decide(quick, case, "approve")
    assert eventually(lambda: sheet(quick, venue)["closed_on"]) == day(now())
