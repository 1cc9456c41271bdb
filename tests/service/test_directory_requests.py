"""What people ask about a sheet: to manage it, to have it looked at."""

import pytest

from tests.harness import System
from tests.harness.bus import published
from tests.harness.refusals import refused
from tests.harness.rows import nothing_written
from tests.harness.stories import MODERATOR, Person, new_venue

CHARTER = "2026-1"


async def test_a_claim_and_a_report_become_events(directory: System) -> None:
    venue, _ = new_venue(directory)
    person = Person("nour")
    asked = {"text": "  Je dirige cette médiathèque. ", "charter": CHARTER}
    claim = directory.post("directory", f"/venues/{venue}/claims", asked, as_=person.token)
    wrong = {"reason": "wrong", "text": "Ce lieu a déménagé."}
    report = directory.post("directory", f"/venues/{venue}/reports", wrong, as_=person.token)

    claimed, reported = await published(directory, "directory", venue, 2)
    assert (claimed.type, claimed.body["claim_id"]) == ("ManagementClaimed", claim["case_id"])
    assert claimed.body["text"] == "Je dirige cette médiathèque."
    assert (claimed.body["public_addresses"], claimed.body["code_insee"]) == (1, "26113")
    assert (reported.type, reported.body["report_id"]) == ("VenueReported", report["case_id"])
    evidence = claimed.body["evidence"]
    assert (evidence["charter"], evidence["proof"]) == (CHARTER, None)
    assert reported.body["author"]["account_id"] == person.id
    [contact, *_] = await published(directory, "contacts", person.id, 1)
    assert contact.body["email"] == person.email


@pytest.mark.parametrize("what", ["claims", "reports"])
async def test_what_asks_for_nothing(directory: System, what: str) -> None:
    venue, _ = new_venue(directory)
    person = Person("omar")
    more = {"reason": "wrong"} if what == "reports" else {}
    async with nothing_written(directory, "directory"):
        for body, rule in (
            ({}, "missing"),
            ({"text": " \n"}, "string_too_short"),
            ({"text": "é" * 2001}, "string_too_long"),
        ):
            path = f"/venues/{venue}/{what}"
            answer = directory.call("POST", "directory", path, as_=person.token, json=body | more)
            refused(answer, 422, "invalid-input", ("text", rule))
        body = {"text": "a"} | more
        answer = directory.call("POST", "directory", f"/venues/{venue}/{what}", json=body)
        refused(answer, 401, "not-authenticated")
        answer = directory.call(
            "POST", "directory", f"/venues/absent/{what}", as_=person.token, json=body
        )
        refused(answer, 404, "venue-not-found")


async def test_a_manager_has_nothing_to_claim(directory: System) -> None:
    venue, _ = new_venue(directory)
    person = Person("paul")
    path = f"/venues/{venue}/managers/{person.id}"
    assert directory.call("PUT", "directory", path, as_=MODERATOR).is_success
    async with nothing_written(directory, "directory"):
        body = {"text": "moi", "charter": CHARTER}
        answer = directory.call(
            "POST", "directory", f"/venues/{venue}/claims", as_=person.token, json=body
        )
        refused(answer, 409, "already-manager")
