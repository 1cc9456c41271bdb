"""Corrected and sent again, or improved before it is decided: other texts of a proposal."""

import json
from typing import Any
from uuid import uuid4

import httpx
import pytest

from shared.database import now
from shared.events import Author
from shared.events.moderation import Decision, EditApproved, EditRefused, NewsApproved
from tests.harness import System, eventually
from tests.harness.bus import published, tell
from tests.harness.refusals import bad_authorizations, refused
from tests.harness.rows import nothing_written
from tests.harness.stories import Person, applied, history, new_venue, propose, state
from tests.harness.system import token
from tests.harness.venues import SAMPLE

HOURS = "Mo-Sa 10:00-18:00"
NEWS = {"titre": "Atelier", "texte": "Apprendre à scanner.", "lien": "https://lieu.example.org"}
MODERATOR = token("moderator", "moderator")
TITLES = {
    "correct-instead": "C'est votre proposition : vous pouvez la corriger et la renvoyer.",
    "not-correctable": (
        "Cette proposition ne peut pas être corrigée : elle est en ligne, annulée ou remplacée."
    ),
    "nothing-to-propose": "Il ne reste rien à proposer.",
    "proposal-closed": "Cette proposition n'attend plus de réponse.",
}


def send(
    system: System, proposal: str, what: str, body: Any, as_: str | None = MODERATOR
) -> httpx.Response:
    """POST another text."""
    return system.call("POST", "directory", f"/proposals/{proposal}/{what}", as_=as_, json=body)


def sent(system: System, proposal: str, what: str, body: Any, as_: str = MODERATOR) -> Any:
    """POST another text that is taken; the answer."""
    answer = send(system, proposal, what, body, as_)
    assert answer.status_code == 201, answer.text
    assert answer.headers["location"] == f"/proposals/{answer.json()['id']}"
    return answer.json()


def is_refused(answer: httpx.Response, status: int, kind: str) -> None:
    """Check the problem document of a refusal that only this file knows."""
    assert answer.headers["content-type"] == "application/problem+json"
    body = answer.json()
    assert (answer.status_code, body["type"]) == (status, f"urn:mednum:problem:{kind}")
    assert body["title"] == TITLES[kind]


def decided(proposal: str, venue: str, **values: Any) -> dict[str, Any]:
    """What moderation says of a case that it has decided."""
    return {
        "case_id": proposal,
        "venue_id": venue,
        "revision": 2,
        "author": Author(account_id="somebody"),
        "title": SAMPLE["nom"],
        "decision": Decision(how="moderator", by="account:mo", at=now(), reason="Vu."),
        **values,
    }


async def refuse(system: System, person: Person, proposal: str, venue: str) -> None:
    """Have an edit refused."""
    await tell(system, EditRefused(**decided(proposal, venue)))
    eventually(lambda: state(system, person, proposal) == "refused")


def news_of(system: System, person: Person, venue: str) -> str:
    """A proposed news item; its id."""
    return str(system.post("directory", f"/venues/{venue}/news", NEWS, as_=person.token)["id"])


async def test_what_a_proposal_says_of_its_venue(directory: System) -> None:
    venue, _ = new_venue(directory)
    person = Person("ana")
    propose(directory, person, venue, latitude=45.0, longitude=6.0)
    news_of(directory, person, venue)
    edit, news = await published(directory, "directory", venue, 2)
    for event in (edit, news):
        assert (event.body["code_insee"], event.body["code_postal"]) == ("26113", "26150")
        assert event.body["replaces"] is None
    # where it was, not where it is said to be
    assert (edit.body["latitude"], edit.body["longitude"]) == (44.7534, 5.3706)


async def test_a_refused_edit_is_corrected_and_sent_again(directory: System) -> None:
    venue, address = new_venue(directory)
    person, new_address = Person("bea"), f"nouveau-{uuid4().hex[:8]}@lieu.example.org"
    old = propose(
        directory,
        person,
        venue,
        horaires=HOURS,
        nom="Ici",
        courriels=[new_address],
        pivot="99999999999993",
    )
    await refuse(directory, person, old, venue)
    # somebody else says the same of one field meanwhile
    other = propose(directory, Person("bo"), venue, nom="Ici")
    await tell(directory, EditApproved(**decided(other, venue), fields=["nom"]))
    applied(directory, venue, 2)

    body = {"changes": {"horaires": "Mo 10:00-18:00"}, "drop": ["pivot"]}
    new = sent(directory, old, "corrections", body, person.token)
    assert new["id"] != old
    assert (new["state"], new["replaces"], new["base_revision"]) == ("waiting", old, 2)
    assert new["changes"] == {"horaires": "Mo 10:00-18:00", "courriels": [new_address]}
    assert (new["comment"], new["revision"], new["improved_by"]) == ("Vu sur place.", 1, None)
    assert state(directory, person, old) == "refused"

    event = (await published(directory, "directory", venue, 5))[-1]
    assert (event.type, event.body["replaces"]) == ("EditProposed", old)
    assert event.body["proposal_id"] == new["id"]
    assert "@" not in json.dumps(event.body)
    [addresses] = await published(directory, "contacts", f"proposal:{new['id']}", 1)
    assert (addresses.body["old"], addresses.body["new"]) == ([address], [new_address])


async def test_only_what_is_not_online_is_sent_again(directory: System) -> None:
    venue, _ = new_venue(directory)
    person = Person("cleo")
    old = propose(directory, person, venue, horaires=HOURS, nom="Ici")
    await tell(
        directory,
        EditApproved(**decided(old, venue), fields=["horaires"], refused_fields=["nom"]),
    )
    applied(directory, venue, 2)
    new = sent(directory, old, "corrections", {"comment": "Voir la façade."}, person.token)
    assert (new["changes"], new["comment"]) == ({"nom": "Ici"}, "Voir la façade.")

    whole = propose(directory, person, venue, nom="Là")
    await tell(directory, EditApproved(**decided(whole, venue), fields=["nom"]))
    applied(directory, venue, 3)
    async with nothing_written(directory, "directory"):
        answer = send(directory, whole, "corrections", {"changes": {"nom": "x"}}, person.token)
    is_refused(answer, 409, "not-correctable")


async def test_an_earlier_sheet_may_be_named(directory: System) -> None:
    venue, _ = new_venue(directory)
    person = Person("dan")
    old = propose(directory, person, venue, horaires=HOURS)
    other = propose(directory, Person("di"), venue, nom="Ici")
    await tell(directory, EditApproved(**decided(other, venue), fields=["nom"]))
    applied(directory, venue, 2)
    new = sent(directory, old, "corrections", {"base_revision": 1}, person.token)
    assert (new["base_revision"], new["changes"]) == (1, {"horaires": HOURS})
    async with nothing_written(directory, "directory"):
        answer = send(directory, old, "corrections", {"base_revision": 3}, person.token)
    refused(answer, 422, "unknown-revision")


async def test_news_is_corrected(directory: System) -> None:
    venue, _ = new_venue(directory)
    person = Person("eve")
    old = news_of(directory, person, venue)
    body = {"titre": "Ateliers", "lien": None}
    new = sent(directory, old, "corrections", body, person.token)
    assert (new["titre"], new["texte"], new["lien"]) == ("Ateliers", NEWS["texte"], None)
    event = (await published(directory, "directory", venue, 2))[-1]
    assert (event.type, event.body["replaces"]) == ("NewsProposed", old)
    assert (event.body["proposal_id"], event.body["titre"]) == (new["id"], "Ateliers")


async def test_an_improvement_is_the_next_text(directory: System) -> None:
    venue, address = new_venue(directory)
    person, manager = Person("flo"), Person("gil")
    path = f"/venues/{venue}/managers/{manager.id}"
    assert directory.call("PUT", "directory", path, as_=MODERATOR).status_code == 200
    new_address = f"nouveau-{uuid4().hex[:8]}@lieu.example.org"
    proposal = propose(directory, person, venue, horaires=HOURS, nom="Ici")
    body = {"changes": {"nom": "Là-bas", "courriels": [new_address]}}
    better = sent(directory, proposal, "improvements", body, manager.token)
    assert (better["id"], better["state"], better["revision"]) == (proposal, "waiting", 2)
    assert better["improved_by"] == f"account:{manager.id}"
    assert better["changes"] == {"horaires": HOURS, "nom": "Là-bas", "courriels": [new_address]}
    # its author reads it too, and a moderator may go on
    found = directory.get("directory", f"/proposals/{proposal}", as_=person.token)
    assert found["changes"] == better["changes"]
    last = sent(directory, proposal, "improvements", {"drop": ["horaires"]})
    assert (last["revision"], last["improved_by"]) == (3, "account:moderator")

    events = (await published(directory, "directory", venue, 4))[-2:]
    assert [one.type for one in events] == ["EditImproved"] * 2
    first, second = (one.body for one in events)
    assert (first["proposal_id"], first["proposal_revision"]) == (proposal, 2)
    assert first["improved_by"] == f"account:{manager.id}"
    assert [one["field"] for one in first["changes"]] == ["horaires", "nom", "courriels"]
    assert first["changes"][1]["old"] == SAMPLE["nom"]
    assert (first["changes"][2]["withheld"], first["changes"][2]["new"]) == (True, None)
    assert [one["field"] for one in second["changes"]] == ["nom", "courriels"]
    assert "@" not in json.dumps([first, second])
    told = await published(directory, "contacts", f"proposal:{proposal}", 2)
    for one in told:
        assert (one.body["old"], one.body["new"]) == ([address], [new_address])

    # the manager's text is what is approved, the moderator's came in between
    decision = decided(proposal, venue, proposal_revision=2)
    await tell(directory, EditApproved(**decision, fields=["horaires", "nom"]))
    fiche = applied(directory, venue, 2)["fiche"]
    assert (fiche["horaires"], fiche["nom"], fiche["courriels"]) == (HOURS, "Là-bas", [address])
    newest = history(directory, venue)[0]
    assert newest["by"] == f"account:{person.id}"
    assert newest["accepted"]["improved_by"] == f"account:{manager.id}"
    found = directory.get("directory", f"/proposals/{proposal}", as_=person.token)
    assert (found["revision"], found["outcome"]["refused_fields"]) == (2, ["courriels"])


async def test_the_approved_words_are_online(directory: System) -> None:
    venue, _ = new_venue(directory)
    person = Person("hal")
    ids = [news_of(directory, person, venue) for _ in range(2)]
    for item in ids:
        better = sent(directory, item, "improvements", {"titre": "Mieux dit"})
        assert (better["revision"], better["texte"]) == (2, NEWS["texte"])
    await tell(directory, NewsApproved(**decided(ids[0], venue, proposal_revision=2)))
    await tell(directory, NewsApproved(**decided(ids[1], venue)))

    def online() -> Any:
        items = directory.get("directory", f"/venues/{venue}/news")["items"]
        return {one["id"]: one["titre"] for one in items} if len(items) == len(ids) else None

    assert eventually(online) == {ids[0]: "Mieux dit", ids[1]: NEWS["titre"]}
    events = await published(directory, "directory", venue, 6)
    improved = [one for one in events if one.type == "NewsImproved"]
    assert [(one.body["proposal_revision"], one.body["titre"]) for one in improved] == [
        (2, "Mieux dit")
    ] * 2
    # two cases are two keys: they come in any order
    announced = {
        one.body["proposal_id"]: one.body["titre"] for one in events if one.type == "NewsPublished"
    }
    assert announced == online()


async def test_each_text_is_for_those_who_may(directory: System) -> None:
    venue, _ = new_venue(directory)
    person, stranger = Person("ida"), Person("jo")
    proposal = propose(directory, person, venue, horaires=HOURS)
    change = {"changes": {"nom": "x"}}
    async with nothing_written(directory, "directory"):
        for reader in (stranger.token, MODERATOR):
            answer = send(directory, proposal, "corrections", change, reader)
            refused(answer, 404, "proposal-not-found")
        answer = send(directory, proposal, "improvements", change, stranger.token)
        refused(answer, 404, "proposal-not-found")
        for what in ("corrections", "improvements"):
            refused(send(directory, "inconnue", what, change), 404, "proposal-not-found")
        answer = send(directory, proposal, "improvements", change, person.token)
        is_refused(answer, 403, "correct-instead")
        # a moderator does not improve their own either
        own = token(person.id, "moderator")
        is_refused(send(directory, proposal, "improvements", change, own), 403, "correct-instead")
    await refuse(directory, person, proposal, venue)
    async with nothing_written(directory, "directory"):
        is_refused(send(directory, proposal, "improvements", change), 409, "proposal-closed")


@pytest.mark.parametrize(
    ("body", "field", "rule"),
    [
        ({"changes": {"code_postal": "2"}}, "changes.code_postal", "pattern"),
        ({"changes": {"source": "moi"}}, "changes.source", "read_only"),
        ({"changes": {"horaires": SAMPLE["horaires"]}}, "changes.horaires", "unchanged"),
        ({"changes": "horaires"}, "changes", "dict_type"),
        ({"drop": ["nom"]}, "drop", "unknown_field"),
        ({"drop": "horaires"}, "drop", "list_type"),
        ({"drop": ["x"] * 33}, "drop", "too_long"),
        ({"titre": "Atelier"}, "titre", "extra_forbidden"),
        ({"state": "applied"}, "state", "extra_forbidden"),
    ],
)
async def test_another_text_of_another_form(
    directory: System, body: dict[str, Any], field: str, rule: str
) -> None:
    venue, _ = new_venue(directory)
    person = Person("kim")
    proposal = propose(directory, person, venue, horaires=HOURS)
    async with nothing_written(directory, "directory"):
        for what, reader in (("corrections", person.token), ("improvements", MODERATOR)):
            answer = send(directory, proposal, what, body, reader)
            refused(answer, 422, "invalid-input", (field, rule))


async def test_nothing_that_is_new(directory: System) -> None:
    venue, _ = new_venue(directory)
    person = Person("lea")
    proposal = propose(directory, person, venue, horaires=HOURS)
    item = news_of(directory, person, venue)
    async with nothing_written(directory, "directory"):
        answer = send(directory, proposal, "corrections", {"drop": ["horaires"]}, person.token)
        is_refused(answer, 422, "nothing-to-propose")
        for one, field in ((proposal, "changes"), (item, "texte")):
            answer = send(directory, one, "improvements", {})
            refused(answer, 422, "invalid-input", (field, "unchanged"))
        answer = send(directory, item, "improvements", {"drop": []})
        refused(answer, 422, "invalid-input", ("drop", "extra_forbidden"))
        answer = send(directory, item, "corrections", {"titre": " "}, person.token)
        refused(answer, 422, "invalid-input", ("titre", "string_too_short"))


@pytest.mark.parametrize("why", bad_authorizations())
async def test_nobody_gets_in_by_a_bad_token(directory: System, why: str) -> None:
    authorization = bad_authorizations()[why]
    headers = {"Authorization": authorization} if authorization else {}
    async with nothing_written(directory, "directory"):
        for what in ("corrections", "improvements"):
            answer = directory.call(
                "POST", "directory", f"/proposals/x/{what}", json={}, headers=headers
            )
            assert answer.status_code == 401, answer.text
            assert answer.json()["type"] == "urn:mednum:problem:not-authenticated"
