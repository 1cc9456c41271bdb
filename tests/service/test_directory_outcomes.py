"""What becomes of a proposal after an approval, or without one: each once."""

import json
from typing import Any
from uuid import uuid4

from services.directory.domain.venues import day
from shared.database import now
from shared.events import Author
from shared.events.moderation import (
    ApprovalReverted,
    ClaimApproved,
    Decision,
    EditApproved,
    EditRefused,
    Held,
    NewsApproved,
    NewsRefused,
    ProposalSuperseded,
    ProposalWithdrawn,
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
SOMEBODY = Author(account_id="somebody")


def said(case: str, venue: str, kind: str = "edit") -> dict[str, Any]:
    """What moderation says of a case that moves without a decision."""
    return {
        "case_id": case,
        "venue_id": venue,
        "revision": 3,
        "kind": kind,
        "title": SAMPLE["nom"],
        "author": SOMEBODY,
    }


def decided(case: str, venue: str, **decision: Any) -> dict[str, Any]:
    """What moderation says of a case that it has decided."""
    how = {"how": "moderator", "by": "account:mo", "at": now(), **decision}
    return {
        "case_id": case,
        "venue_id": venue,
        "revision": 2,
        "title": SAMPLE["nom"],
        "author": SOMEBODY,
        "decision": Decision(**how),
    }


def withdrawn(case: str, venue: str, kind: str = "edit") -> ProposalWithdrawn:
    return ProposalWithdrawn(**said(case, venue, kind), withdrawn_at=now())


def reverted(case: str, venue: str, kind: str = "edit") -> ApprovalReverted:
    undone = {"by": "account:mo", "reason": "Faux.", "reverted_at": now()}
    return ApprovalReverted(**said(case, venue, kind), **undone)


def news_of(system: System, person: Person, venue: str) -> str:
    """A proposed news item; its id."""
    body = {"titre": "Atelier", "texte": "Apprendre à scanner."}
    return str(system.post("directory", f"/venues/{venue}/news", body, as_=person.token)["id"])


def wait_until(system: System, person: Person, proposal: str, wanted: str) -> None:
    """Wait until a proposal is in a state."""
    eventually(lambda: state(system, person, proposal) == wanted)


def outcome(system: System, person: Person, proposal: str) -> Any:
    """What its author reads about it."""
    return system.get("directory", f"/proposals/{proposal}", as_=person.token)["outcome"]


def online(system: System, venue: str) -> list[str]:
    """The ids of a venue's news."""
    return [one["id"] for one in system.get("directory", f"/venues/{venue}/news")["items"]]


async def test_a_withdrawn_proposal_is_never_applied(directory: System) -> None:
    venue, address = new_venue(directory)
    person = Person("ana")
    edit = propose(directory, person, venue, horaires=HOURS, courriels=[f"n-{address}"])
    news = news_of(directory, person, venue)
    for _ in range(2):
        await tell(directory, withdrawn(edit, venue), withdrawn(news, venue, "news"))
    await tell(directory, EditApproved(**decided(edit, venue), fields=["horaires"]))
    await tell(directory, NewsApproved(**decided(news, venue)))
    for one in (edit, news):
        wait_until(directory, person, one, "withdrawn")
    last = propose(directory, person, venue, nom="Ici")
    await tell(directory, EditApproved(**decided(last, venue), fields=["nom"]))
    assert applied(directory, venue, 2)["fiche"]["horaires"] == SAMPLE["horaires"]
    assert online(directory, venue) == []
    # the addresses that it held are forgotten
    [erasure] = await rows(directory, "directory", "outbox", key=f"proposal:{edit}", timer=True)
    assert erasure["value"] is None
    # and neither has said anything more
    events = await published(directory, "directory", venue, 5)
    assert [one.type for one in events][2:] == ["EditProposed", "VenueUpdated", "EditApplied"]


async def test_a_superseded_proposal_names_the_next_one(directory: System) -> None:
    venue, _ = new_venue(directory)
    person = Person("bea")
    edit, news = propose(directory, person, venue, nom="Ici"), news_of(directory, person, venue)
    for one, kind in ((edit, "edit"), (news, "news")):
        facts = said(one, venue, kind) | {"by": "suivante", "superseded_at": now()}
        await tell(directory, ProposalSuperseded(**facts))
        wait_until(directory, person, one, "superseded")
        assert outcome(directory, person, one) == {"by": "suivante"}
        path = f"/proposals/{one}/corrections"
        answer = directory.call("POST", "directory", path, as_=person.token, json={})
        assert answer.json()["type"] == "urn:mednum:problem:not-correctable"
    await tell(directory, EditApproved(**decided(edit, venue), fields=["nom"]))
    await tell(directory, withdrawn(edit, venue), reverted(edit, venue))
    last = propose(directory, person, venue, horaires=HOURS)
    await tell(directory, EditApproved(**decided(last, venue), fields=["horaires"]))
    assert applied(directory, venue, 2)["fiche"]["nom"] == SAMPLE["nom"]
    assert state(directory, person, edit) == "superseded"


async def test_cases_of_other_services_pass_by(directory: System) -> None:
    venue, _ = new_venue(directory)
    await tell(
        directory,
        withdrawn("annonce", venue, "announcement"),
        reverted("signalement", venue, "report"),
    )
    person = Person("cleo")
    edit = propose(directory, person, venue, nom="Ici")
    await tell(directory, EditApproved(**decided(edit, venue), fields=["nom"]))
    applied(directory, venue, 2)
    parked = await rows(directory, "directory", "outbox")
    assert not [one for one in parked if one.get("key") in (b"annonce", b"signalement")]


async def test_a_shortcut_shows_in_the_history_and_what_is_held_to_its_author(
    directory: System,
) -> None:
    venue, _ = new_venue(directory)
    person = Person("dan")
    edit = propose(directory, person, venue, nom="Ici", horaires=HOURS)
    held = Held(rule="moved", fields=["nom"], sentence="Un nom se vérifie.")
    decision = {"how": "shortcut", "by": None, "rule": "typo", "held": [held]}
    approved = EditApproved(
        **decided(edit, venue, **decision), fields=["horaires"], refused_fields=["nom"]
    )
    await tell(directory, approved)
    applied(directory, venue, 2)
    accepted = history(directory, venue)[0]["accepted"]
    assert (accepted["how"], accepted["rule"], accepted["by"]) == ("shortcut", "typo", None)
    said_of_it = (await published(directory, "directory", venue, 3))[-1].body
    assert (said_of_it["accepted_by"], said_of_it["refused_fields"]) == ("shortcut", ["nom"])
    assert said_of_it["held"] == [held.model_dump()]
    assert outcome(directory, person, edit)["held"] == [held.model_dump()]


async def test_an_appeal_applies_what_was_refused_once(directory: System) -> None:
    venue, _ = new_venue(directory)
    person, other = Person("eve"), Person("eva")
    whole = propose(directory, person, venue, horaires=HOURS)
    await tell(directory, EditRefused(**decided(whole, venue, reason="Non.")))
    part = propose(directory, other, venue, nom="Ici", adresse="5 place")
    approved = EditApproved(**decided(part, venue), fields=["nom"], refused_fields=["adresse"])
    await tell(directory, approved)
    applied(directory, venue, 2)

    # without an appeal, a refusal stands
    await tell(directory, EditApproved(**decided(whole, venue), fields=["horaires"]))
    for case, field in ((whole, "horaires"), (part, "adresse")):
        granted = EditApproved(**decided(case, venue, on_appeal=True), fields=[field])
        await tell(directory, granted, granted)
    fiche = applied(directory, venue, 4)["fiche"]
    assert (fiche["horaires"], fiche["nom"], fiche["adresse"]) == (HOURS, "Ici", "5 place")
    found = outcome(directory, other, part)
    assert (found["applied"], found["refused_fields"]) == (["nom", "adresse"], [])
    assert state(directory, person, whole) == "applied"

    last = propose(directory, person, venue, nom="Là")
    await tell(directory, EditApproved(**decided(last, venue), fields=["nom"]))
    events = await published(directory, "directory", venue, 11)
    told = [
        (one.body["proposal_id"], [change["field"] for change in one.body["applied"]])
        for one in events
        if one.type == "EditApplied"
    ]
    # two cases are two keys: they come in any order
    wanted = [(part, ["nom"]), (whole, ["horaires"]), (part, ["adresse"]), (last, ["nom"])]
    assert sorted(told) == sorted(wanted)


async def test_news_on_appeal_is_online(directory: System) -> None:
    venue, _ = new_venue(directory)
    person = Person("flo")
    news = news_of(directory, person, venue)
    await tell(directory, NewsRefused(**decided(news, venue, reason="Non.")))
    granted = NewsApproved(**decided(news, venue, on_appeal=True))
    await tell(directory, granted, granted)
    eventually(lambda: online(directory, venue) == [news])
    await tell(directory, reverted(news, venue, "news"), reverted(news, venue, "news"))
    eventually(lambda: online(directory, venue) == [])
    assert state(directory, person, news) == "unpublished"
    news_of(directory, person, venue)
    events = await published(directory, "directory", venue, 4)
    assert [one.type for one in events] == [
        "NewsProposed",
        "NewsPublished",
        "NewsUnpublished",
        "NewsProposed",
    ]
    assert (events[2].body["proposal_id"], events[2].body["reason"]) == (news, "Faux.")


async def test_an_undone_edit_gives_back_what_nobody_has_changed_since(directory: System) -> None:
    venue, address = new_venue(directory)
    person, new_address = Person("gil"), f"nouveau-{uuid4().hex[:8]}@lieu.example.org"
    edit = propose(directory, person, venue, horaires=HOURS, nom="Ici", courriels=[new_address])
    fields = ["horaires", "nom", "courriels"]
    await tell(directory, EditApproved(**decided(edit, venue), fields=fields))
    applied(directory, venue, 2)
    other = propose(directory, Person("gus"), venue, nom="Ailleurs")
    await tell(directory, EditApproved(**decided(other, venue), fields=["nom"]))
    applied(directory, venue, 3)

    await tell(directory, reverted(edit, venue), reverted(edit, venue))
    found = applied(directory, venue, 4)["fiche"]
    assert (found["horaires"], found["nom"]) == (SAMPLE["horaires"], "Ailleurs")
    assert found["courriels"] == [address]
    assert found["date_maj"] == day(now())
    assert state(directory, person, edit) == "reverted"
    story = outcome(directory, person, edit)
    assert (story["restored"], story["kept"]) == (["horaires", "courriels"], ["nom"])
    assert (story["reverted_by"], story["revert_reason"]) == ("account:mo", "Faux.")

    newest = history(directory, venue)[0]
    assert (newest["by"], newest["accepted"]["how"]) == ("account:mo", "revert")
    assert newest["accepted"]["proposal_id"] == edit
    assert [one["field"] for one in newest["changes"]] == ["horaires", "courriels"]

    # an approval that comes again, or an appeal, changes nothing any more
    again = EditApproved(**decided(edit, venue, on_appeal=True), fields=fields)
    last = propose(directory, person, venue, nom="Là")
    await tell(directory, again, EditApproved(**decided(last, venue), fields=["nom"]))
    assert applied(directory, venue, 5)["fiche"]["horaires"] == SAMPLE["horaires"]
    events = await published(directory, "directory", venue, 11)
    updated = [one.body for one in events if one.type == "VenueUpdated"]
    # the undoing too is said, and an approval that comes again is not
    assert [one["revision"] for one in updated] == [2, 3, 4, 5]
    assert updated[2]["fields"] == ["horaires", "courriels"]
    [undone] = [one for one in events if one.type == "EditReverted"]
    assert (undone.body["proposal_id"], undone.body["revision"]) == (edit, 4)
    assert undone.body["restored"] == [
        {"field": "horaires", "old": HOURS, "new": SAMPLE["horaires"], "withheld": False},
        {"field": "courriels", "old": None, "new": None, "withheld": True},
    ]
    assert (undone.body["kept"], undone.body["reason"]) == (["nom"], "Faux.")
    assert "@" not in json.dumps(undone.body)
    public = await published(directory, "contacts", f"venue:{venue}", 3)
    assert [one.body["addresses"] for one in public] == [[address], [new_address], [address]]


async def test_nothing_to_give_back_writes_no_revision(directory: System) -> None:
    venue, _ = new_venue(directory)
    person = Person("hal")
    edit = propose(directory, person, venue, nom="Ici")
    await tell(directory, EditApproved(**decided(edit, venue), fields=["nom"]))
    applied(directory, venue, 2)
    other = propose(directory, Person("hel"), venue, nom="Ailleurs")
    await tell(directory, EditApproved(**decided(other, venue), fields=["nom"]))
    applied(directory, venue, 3)
    await tell(directory, reverted(edit, venue))
    wait_until(directory, person, edit, "reverted")
    assert sheet(directory, venue)["revision"] == 3
    undone = (await published(directory, "directory", venue, 7))[-1]
    assert (undone.type, undone.body["restored"]) == ("EditReverted", [])
    assert (undone.body["kept"], undone.body["revision"]) == (["nom"], 3)


async def test_whose_claim_is_approved_manages_the_venue(directory: System) -> None:
    venue, _ = new_venue(directory)
    person = Person("ida")
    edit = propose(directory, Person("ivo"), venue, nom="Ici")
    path = f"/proposals/{edit}"
    refused(directory.call("GET", "directory", path, as_=person.token), 404, "proposal-not-found")
    claim = decided(uuid4().hex, venue) | {"author": Author(account_id=person.id)}
    await tell(directory, ClaimApproved(**claim), ClaimApproved(**claim))
    eventually(lambda: directory.get("directory", path, as_=person.token))
    added = directory.call("PUT", "directory", f"/venues/{venue}/managers/jo", as_=MODERATOR)
    assert added.json()["managers"] == [person.id, "jo"]
    events = await published(directory, "directory", venue, 3)
    changed = [one.body for one in events if one.type == "VenueManagersChanged"]
    assert [(one["revision"], one["managers"]) for one in changed] == [
        (1, [person.id]),
        (2, [person.id, "jo"]),
    ]


async def test_an_approval_that_comes_after_its_undoing_is_not_applied(directory: System) -> None:
    venue, _ = new_venue(directory)
    person = Person("kim")
    edit, news = propose(directory, person, venue, nom="Ici"), news_of(directory, person, venue)
    # as a replay of a dead letter would bring it
    await tell(directory, reverted(edit, venue), reverted(news, venue, "news"))
    await tell(directory, EditApproved(**decided(edit, venue), fields=["nom"]))
    await tell(directory, NewsApproved(**decided(news, venue)))
    wait_until(directory, person, edit, "reverted")
    wait_until(directory, person, news, "unpublished")
    last = propose(directory, person, venue, horaires=HOURS)
    await tell(directory, EditApproved(**decided(last, venue), fields=["horaires"]))
    assert applied(directory, venue, 2)["fiche"]["nom"] == SAMPLE["nom"]
    assert online(directory, venue) == []
