"""Reports with a reason: what the directory takes, and what follows from one that is founded."""

import json
from typing import Any
from uuid import uuid4

import pytest

from services.directory.domain.venues import day
from shared.database import now
from shared.events import Author
from shared.events.moderation import Decision, ReportDismissed, ReportUpheld
from tests.harness import System, eventually
from tests.harness.bus import published, tell
from tests.harness.refusals import refused
from tests.harness.rows import nothing_written, wait_for_rows
from tests.harness.stories import MODERATOR, Person, new_venue, sheet
from tests.harness.venues import csv_of, row


def send(directory: System, venue: str, as_: str, **body: Any) -> Any:
    """Report a sheet over HTTP."""
    said = {"text": "Vu sur place."} | body
    return directory.call("POST", "directory", f"/venues/{venue}/reports", as_=as_, json=said)


def reported(directory: System, venue: str, **body: Any) -> str:
    """The case of a new report."""
    answer = send(directory, venue, Person("zoe").token, **body)
    assert answer.status_code == 202, answer.text
    case: str = answer.json()["case_id"]
    return case


async def decide(directory: System, case: str, venue: str, *, founded: bool = True) -> None:
    """Say what moderation decided."""
    event = ReportUpheld if founded else ReportDismissed
    decision = Decision(how="moderator", by="account:mo", at=now(), reason="Vérifié.")
    said = {"case_id": case, "revision": 2, "author": Author(account_id="zoe"), "title": "x"}
    await tell(directory, event(**said, decision=decision, about=f"venue:{venue}"))


async def upheld(directory: System, case: str, venue: str) -> None:
    """Have a report founded, and wait until the directory knows."""
    await decide(directory, case, venue)
    await wait_for_rows(directory, "directory", "reports", 1, _id=case, upheld_at={"$ne": None})


async def test_a_report_says_its_reason_and_the_other_of_a_duplicate(directory: System) -> None:
    venue, _ = new_venue(directory)
    other, _ = new_venue(directory)
    case = reported(directory, venue, reason="duplicate", other_venue=other)
    [event] = await published(directory, "directory", venue, 1)
    assert event.body["report_id"] == case
    assert (event.body["reason"], event.body["other_venue"]) == ("duplicate", other)


async def test_what_is_no_report(directory: System) -> None:
    venue, _ = new_venue(directory)
    other, _ = new_venue(directory)
    zoe = Person("zoe").token
    bad: list[tuple[dict[str, Any], str, str]] = [
        ({}, "reason", "missing"),
        ({"reason": "ugly"}, "reason", "literal_error"),
        ({"reason": "duplicate"}, "other_venue", "missing"),
        ({"reason": "duplicate", "other_venue": venue}, "other_venue", "same"),
        ({"reason": "duplicate", "other_venue": "absent"}, "other_venue", "unknown"),
        ({"reason": "closed", "other_venue": other}, "other_venue", "unexpected"),
    ]
    async with nothing_written(directory, "directory"):
        for body, field, rule in bad:
            refused(send(directory, venue, zoe, **body), 422, "invalid-input", (field, rule))


def exported(directory: System) -> set[str]:
    """The ids of all sheets in a file of the directory."""
    lines = directory.call("GET", "directory", "/exports/venues.ndjson").text.splitlines()
    return {json.loads(line)["id"] for line in lines}


def is_found(directory: System, words: str, venue: str) -> bool:
    """Whether a search for these words finds a venue."""
    page = directory.call("GET", "directory", "/venues", params={"q": words, "limit": "200"})
    return venue in [one["id"] for one in page.json()["items"]]


@pytest.mark.parametrize(
    ("reason", "shown", "other"),
    [("closed", "closed_on", "withdrawn_on"), ("charter", "withdrawn_on", "closed_on")],
)
async def test_a_sheet_leaves_the_lists_and_a_moderator_brings_it_back(
    directory: System, reason: str, shown: str, other: str
) -> None:
    name = f"Cabane {uuid4().hex[:12]}"
    cells = row(nom=name)
    venue = cells["id"]
    directory.import_venues(csv_of(cells))
    eventually(lambda: is_found(directory, name, venue))
    before = sheet(directory, venue)
    assert (before["closed_on"], before["withdrawn_on"]) == (None, None)
    await upheld(directory, reported(directory, venue, reason=reason), venue)
    # twice: it has left already
    await upheld(directory, reported(directory, venue, reason=reason), venue)
    after = sheet(directory, venue)
    assert (after[shown], after[other]) == (day(now()), None)
    assert (after["revision"], after["fiche"]) == (before["revision"], before["fiche"])
    directory.import_venues(
        csv_of({**cells, "complement_adresse": "Au fond", "date_maj": "2026-01-02"})
    )
    assert sheet(directory, venue)[shown]

    assert venue not in exported(directory)
    eventually(lambda: not is_found(directory, name, venue))

    path = f"/venues/{venue}/delisting"
    for as_, status, kind in (
        (None, 401, "not-authenticated"),
        (Person("zoe").token, 403, "not-allowed"),
    ):
        refused(directory.call("DELETE", "directory", path, as_=as_), status, kind)
    assert directory.call("DELETE", "directory", path, as_=MODERATOR).status_code == 204
    assert sheet(directory, venue)[shown] is None
    assert venue in exported(directory)
    eventually(lambda: is_found(directory, name, venue))
    refused(directory.call("DELETE", "directory", path, as_=MODERATOR), 404, "not-delisted")
    absent = directory.call("DELETE", "directory", "/venues/absent/delisting", as_=MODERATOR)
    refused(absent, 404, "venue-not-found")

    events = await published(directory, "directory", venue, 4)
    changes = [one.body["left"] for one in events if one.type == "VenueListingChanged"]
    assert changes == [reason, None]


async def test_the_charter_weighs_more_than_a_closure(directory: System) -> None:
    venue, _ = new_venue(directory)
    for reason in ("closed", "charter", "closed"):
        await upheld(directory, reported(directory, venue, reason=reason), venue)
    after = sheet(directory, venue)
    assert (after["closed_on"], after["withdrawn_on"]) == (None, day(now()))


async def test_managers_hear_what_is_wrong_and_not_from_whom(directory: System) -> None:
    gus = Person("gus")
    venue, _ = new_venue(directory)
    managers = f"/venues/{venue}/managers/{gus.id}"
    assert directory.call("PUT", "directory", managers, as_=MODERATOR).is_success
    case = reported(directory, venue, reason="wrong", text="Le numéro sonne occupé.")
    await upheld(directory, case, venue)
    *_, asked = await published(directory, "directory", venue, 3)
    assert asked.type == "VenueCorrectionAsked"
    assert (asked.body["managers"], asked.body["text"]) == ([gus.id], "Le numéro sonne occupé.")
    assert "zoe" not in str(asked.body)


async def test_a_founded_duplicate_is_on_the_list_however_little_alike(directory: System) -> None:
    venue, _ = new_venue(directory)
    cells = row(
        nom=f"Fournil {uuid4().hex[:6]}",
        commune="Saint-Denis",
        code_postal="97400",
        code_insee="97411",
        adresse="1 rue du Port",
        latitude="-20.88",
        longitude="55.45",
        pivot="12345678901234",
        telephone="",
    )
    directory.import_venues(csv_of(cells))
    case = reported(directory, venue, reason="duplicate", other_venue=cells["id"])
    await upheld(directory, case, venue)
    pairs = directory.get("directory", "/duplicates?state=same&departement=974", as_=MODERATOR)[
        "items"
    ]
    [pair] = [one for one in pairs if venue in str(one)]
    assert cells["id"] in str(pair)
    assert "signalement" in str(pair)


async def test_what_is_not_founded_changes_nothing(directory: System) -> None:
    venue, _ = new_venue(directory)
    case = reported(directory, venue, reason="closed")
    await decide(directory, case, venue, founded=False)
    # of the same key: what comes behind it shows that it has come
    other = reported(directory, venue, reason="wrong")
    await decide(directory, case, venue, founded=False)
    await upheld(directory, other, venue)
    assert sheet(directory, venue)["closed_on"] is None
