"""The directory over HTTP: its lists and sheets, and the events that go out of a request."""

import datetime as dt
import json
from typing import Any
from uuid import uuid4

from services.directory.domain.fiche import COLUMNS
from services.directory.domain.venues import day
from shared.database import now
from shared.events import Author
from shared.events.moderation import (
    Decision,
    EditApproved,
    EditRefused,
    NewsApproved,
    NewsRefused,
)
from tests.harness import System, eventually
from tests.harness.bus import published, tell
from tests.harness.refusals import refused
from tests.harness.rows import rows
from tests.harness.stories import Person, applied, history, new_venue, propose, sheet, state
from tests.harness.system import token
from tests.harness.venues import SAMPLE

HOURS = "Mo-Sa 10:00-18:00"
MODERATOR = token("moderator", "moderator")


def test_a_sheet_has_all_columns_and_a_history(directory: System) -> None:
    venue, address = new_venue(directory, structure_parente="")
    found = sheet(directory, venue)
    assert found["revision"] == 1
    assert list(found["fiche"]) == list(COLUMNS)
    assert found["fiche"]["structure_parente"] is None
    assert found["fiche"]["courriels"] == [address]

    [first] = history(directory, venue)
    assert (first["revision"], first["by"]) == (1, f"import:{venue}")
    assert (first["accepted"]["how"], first["accepted"]["proposal_id"]) == ("import", None)
    changes = {change["field"]: (change["old"], change["new"]) for change in first["changes"]}
    assert changes == {
        name: (None, value) for name, value in found["fiche"].items() if value is not None
    }


def test_words_lose_the_signs_that_nobody_sees(directory: System) -> None:
    venue, _ = new_venue(directory)
    token_ = Person("ari").token
    edit = {"base_revision": 1, "changes": {"horaires": HOURS}, "comment": "V\0u\u202e \ud800ici"}
    news = {"titre": "A\x07telier", "texte": "Un\r\ndeux\0"}
    answers = []
    for path, body in (("edits", edit), ("news", news)):
        url = f"/venues/{venue}/{path}"
        content = json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        answers.append(
            directory.call("POST", "directory", url, as_=token_, content=content, headers=headers)
        )
    assert [answer.status_code for answer in answers] == [201, 201]
    assert answers[0].json()["comment"] == "Vu ici"
    assert (answers[1].json()["titre"], answers[1].json()["texte"]) == ("Atelier", "Un\ndeux")


def test_a_proposal_is_for_those_it_concerns(directory: System) -> None:
    venue, _ = new_venue(directory)
    author, stranger, manager = Person("ana"), Person("bo"), Person("cy")
    path = f"/venues/{venue}/managers/{manager.id}"
    assert directory.call("PUT", "directory", path, as_=MODERATOR).status_code == 200
    proposal = f"/proposals/{propose(directory, author, venue, horaires=HOURS)}"

    refused(
        directory.call("GET", "directory", proposal, as_=stranger.token), 404, "proposal-not-found"
    )
    unknown = directory.call("GET", "directory", "/proposals/inconnue", as_=MODERATOR)
    refused(unknown, 404, "proposal-not-found")
    for reader in (author.token, manager.token, MODERATOR):
        found = directory.get("directory", proposal, as_=reader)
        assert (found["state"], found["changes"]) == ("waiting", {"horaires": HOURS})


async def test_managers_change_once(directory: System) -> None:
    venue, _ = new_venue(directory)
    path = f"/venues/{venue}/managers"
    for method, name, managers in (
        ("PUT", "ada", ["ada"]),
        ("PUT", "ada", ["ada"]),
        ("DELETE", "bo", ["ada"]),
        ("DELETE", "ada", []),
    ):
        answer = directory.call(method, "directory", f"{path}/{name}", as_=MODERATOR)
        assert answer.json() == {"venue_id": venue, "managers": managers}

    events = await published(directory, "directory", venue, 2)
    assert [one.type for one in events] == ["VenueManagersChanged"] * 2
    assert [(one.body["revision"], one.body["managers"]) for one in events] == [
        (1, ["ada"]),
        (2, []),
    ]


async def test_an_edit_goes_out_as_cloudevents(directory: System) -> None:
    venue, address = new_venue(directory)
    person, new_address = Person("dan"), f"nouveau-{uuid4().hex[:8]}@lieu.example.org"
    correlation, trace = f"essai-{uuid4().hex[:8]}", uuid4().hex
    answer = directory.call(
        "POST",
        "directory",
        f"/venues/{venue}/edits",
        as_=person.token,
        json={"base_revision": 1, "changes": {"horaires": HOURS, "courriels": [new_address]}},
        headers={"X-Correlation-Id": correlation, "traceparent": f"00-{trace}-{'1' * 16}-01"},
    )
    assert answer.status_code == 201, answer.text
    assert answer.headers["x-correlation-id"] == correlation
    proposal = answer.json()["id"]
    assert answer.headers["location"] == f"/proposals/{proposal}"

    [proposed] = await published(directory, "directory", venue, 1)
    [contact] = await published(directory, "contacts", person.id, 1)
    [addresses] = await published(directory, "contacts", f"proposal:{proposal}", 1)
    [public] = await published(directory, "contacts", f"venue:{venue}", 1)
    for event in (proposed, contact, addresses, public):
        assert event.headers["ce_specversion"] == "1.0"
        assert event.headers["ce_source"] == "/mednum/directory"
        assert event.headers["ce_subject"] == event.key
        assert event.headers["content-type"] == "application/json"
        assert dt.datetime.fromisoformat(event.headers["ce_time"]).tzinfo
    assert len({one.headers["ce_id"] for one in (proposed, contact, addresses, public)}) == 4
    for event in (proposed, contact, addresses):
        assert event.headers["ce_correlationid"] == correlation
        assert trace in event.headers["ce_traceparent"]

    assert (proposed.type, proposed.body["proposal_id"]) == ("EditProposed", proposal)
    assert proposed.body["author"] == {"account_id": person.id, "name": person.id.title()}
    assert (proposed.body["base_revision"], proposed.body["public_addresses"]) == (1, 1)
    assert {"field": "horaires", "old": SAMPLE["horaires"], "new": HOURS, "withheld": False} in (
        proposed.body["changes"]
    )
    assert "@" not in json.dumps(proposed.body)
    assert (contact.type, contact.body["email"]) == ("AccountContactChanged", person.email)
    assert (addresses.type, addresses.body["old"]) == ("AddressesProposed", [address])
    assert addresses.body["new"] == [new_address]
    assert (public.type, public.body["addresses"]) == ("VenueAddressesChanged", [address])


def approved(proposal: str, venue: str, *fields: str) -> EditApproved:
    """What moderation says of an accepted edit."""
    return EditApproved(**_decided(proposal, venue), fields=list(fields))


def _decided(proposal: str, venue: str, reason: str | None = None) -> dict[str, Any]:
    return {
        "case_id": proposal,
        "venue_id": venue,
        "revision": 2,
        "author": Author(account_id="somebody"),
        "title": "Médiathèque",
        "decision": Decision(how="manager", by=f"venue:{venue}", at=now(), reason=reason),
    }


async def test_an_accepted_edit_is_applied_once(directory: System) -> None:
    venue, address = new_venue(directory)
    person, new_address = Person("eve"), f"nouveau-{uuid4().hex[:8]}@lieu.example.org"
    proposal = propose(directory, person, venue, horaires=HOURS, courriels=[new_address], nom="Ici")
    decision = approved(proposal, venue, "horaires", "courriels")
    # two messages for one decision, as a replay would make them
    await tell(directory, decision, decision)
    found = applied(directory, venue, 2)
    assert (found["fiche"]["horaires"], found["fiche"]["nom"]) == (HOURS, SAMPLE["nom"])
    assert found["fiche"]["date_maj"] == day(now())

    # told behind whatever the second message had told
    second = propose(directory, person, venue, nom="Ici")
    await tell(directory, approved(second, venue, "nom"))
    events = await published(directory, "directory", venue, 6)
    assert [one.type for one in events] == ["EditProposed", "VenueUpdated", "EditApplied"] * 2
    updated = events[1].body
    assert (updated["revision"], updated["nom"]) == (2, SAMPLE["nom"])
    assert updated["fields"] == ["horaires", "courriels", "date_maj"]
    assert (updated["code_insee"], updated["code_postal"]) == ("26113", "26150")
    assert "@" not in json.dumps(updated)
    body = events[2].body
    assert (body["proposal_id"], body["revision"], body["accepted_by"]) == (proposal, 2, "manager")
    assert [change["field"] for change in body["applied"]] == ["horaires", "courriels"]
    assert "@" not in json.dumps(body)
    public = await published(directory, "contacts", f"venue:{venue}", 2)
    assert [one.body["addresses"] for one in public] == [[address], [new_address]]
    newest = history(directory, venue)[1]
    assert newest["by"] == f"account:{person.id}"
    assert newest["accepted"]["by"] == f"venue:{venue}"
    [erasure] = await rows(directory, "directory", "outbox", key=f"proposal:{proposal}", timer=True)
    assert erasure["value"] is None


async def test_a_refused_edit_changes_nothing(directory: System) -> None:
    venue, _ = new_venue(directory)
    person = Person("flo")
    proposal = propose(directory, person, venue, horaires=HOURS)
    await tell(directory, EditRefused(**_decided(proposal, venue, "Non.")))
    eventually(lambda: state(directory, person, proposal) == "refused")
    found = directory.get("directory", f"/proposals/{proposal}", as_=person.token)
    assert found["outcome"] == {"refused_by": "manager", "reason": "Non."}
    assert sheet(directory, venue)["revision"] == 1


async def test_accepted_news_is_online(directory: System) -> None:
    venue, _ = new_venue(directory)
    person = Person("gil")
    body = {"titre": "Atelier", "texte": "Apprendre à scanner.", "lien": "https://lieu.example.org"}
    ids = [
        directory.post("directory", f"/venues/{venue}/news", body, as_=person.token)["id"]
        for _ in range(2)
    ]
    assert directory.get("directory", f"/venues/{venue}/news")["items"] == []
    await tell(directory, NewsRefused(**_decided(ids[0], venue, "Non.")))
    await tell(directory, NewsApproved(**_decided(ids[1], venue)))

    [item] = eventually(lambda: directory.get("directory", f"/venues/{venue}/news")["items"])
    assert (item["id"], item["lien"]) == (ids[1], "https://lieu.example.org")
    eventually(lambda: state(directory, person, ids[0]) == "refused")
    events = await published(directory, "directory", venue, 3)
    assert [one.type for one in events] == ["NewsProposed", "NewsProposed", "NewsPublished"]
    assert events[2].body["proposal_id"] == ids[1]
