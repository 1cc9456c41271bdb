"""Every decision gives its reasons; a refusal can be looked at again by another moderator."""

from typing import Any
from uuid import uuid4

import pytest

from shared.events import FieldChange
from shared.events.directory import EditProposed
from tests.harness import System
from tests.harness.bus import tell
from tests.harness.cases import (
    ADMIN,
    HORAIRES,
    MODERATOR,
    NOM,
    an_announcement,
    decide,
    fill_in,
    found,
    link,
    opened,
    said,
    somebody,
    timers,
    types,
)
from tests.harness.refusals import refused
from tests.harness.rows import nothing_written
from tests.harness.system import token

OTHER = token("other-mod", "moderator")


def lodge(moderation: System, case: str, as_: str | None, text: str = "Regardez encore.") -> Any:
    """Ask for another look."""
    body = {"text": text}
    return moderation.call("POST", "moderation", f"/cases/{case}/appeal", as_=as_, json=body)


def answer(moderation: System, case: str, as_: str | None = OTHER, **body: Any) -> Any:
    """The last word; by default at the present revision."""
    said = {"revision": found(moderation, case)["revision"], "reason": "Vérifié.", **body}
    path = f"/cases/{case}/appeal/answer"
    return moderation.call("POST", "moderation", path, as_=as_, json=said)


def statement(moderation: System, case: str, as_: str) -> Any:
    """The reasons of a decision."""
    return moderation.get("moderation", f"/cases/{case}/statement", as_=as_)


def author_of(edit: EditProposed) -> str:
    """Its author's token."""
    return token(edit.author.account_id, "user")


@pytest.fixture
async def edit(moderation: System) -> EditProposed:
    """An edit that a moderator has refused."""
    edit = await opened(moderation)
    decide(moderation, edit.proposal_id, "refuse", {"motive": "not_verified"})
    return edit


async def test_a_statement_of_reasons(moderation: System, edit: EditProposed) -> None:
    said = statement(moderation, edit.proposal_id, author_of(edit))
    assert (said["decided_by"], said["automated"], said["rule"]) == ("moderator", False, None)
    assert said["ground"] == "Nous n'avons pas pu vérifier cette information."
    assert (said["state"], said["refused_fields"]) == ("refused", ["horaires", "nom"])
    assert said["appeal_until"] is not None
    assert len(said["redress"]) == 3
    assert statement(moderation, edit.proposal_id, MODERATOR) == said
    path = f"/cases/{edit.proposal_id}/statement"
    refused(moderation.call("GET", "moderation", path, as_=somebody()), 404, "case-not-found")
    waiting = await opened(moderation)
    path = f"/cases/{waiting.proposal_id}/statement"
    open_yet = moderation.call("GET", "moderation", path, as_=author_of(waiting))
    assert refused(open_yet, 409, "no-appeal")["detail"] == "Rien n'est encore décidé."


async def test_an_appeal_granted(moderation: System, edit: EditProposed) -> None:
    case = edit.proposal_id
    lodged = lodge(moderation, case, author_of(edit))
    assert (lodged.status_code, lodged.json()["appeal"]["granted"]) == (201, None)
    [*_, event] = await said(moderation, case)
    assert (event.type, event.body["text"]) == ("AppealLodged", "Regardez encore.")
    assert await timers(moderation, case) == {}
    page = moderation.get("moderation", "/cases?appealed=true&limit=200", as_=OTHER)
    assert case in [one["id"] for one in page["items"]]

    there = answer(moderation, case, grant=True).json()
    assert (there["state"], there["approved_fields"]) == ("approved", ["horaires", "nom"])
    assert there["appeal"]["granted"] is True
    [*_, event] = await said(moderation, case)
    assert (event.type, event.body["fields"]) == ("EditApproved", ["horaires", "nom"])
    decision = event.body["decision"]
    assert (decision["on_appeal"], decision["by"]) == (True, "account:other-mod")
    page = moderation.get("moderation", "/cases?appealed=true&limit=200", as_=OTHER)
    assert case not in [one["id"] for one in page["items"]]
    reasons = statement(moderation, case, author_of(edit))
    assert (reasons["ground"], reasons["appeal_until"]) == ("Vérifié.", None)
    record = moderation.get("moderation", "/contributors/me", as_=author_of(edit))
    assert record["accepted"] == 1
    async with nothing_written(moderation, "moderation"):
        refused(answer(moderation, case, grant=False), 409, "no-appeal")
        refused(lodge(moderation, case, author_of(edit)), 409, "no-appeal")


async def test_an_appeal_granted_in_part(moderation: System) -> None:
    edit = await opened(
        moderation, changes=[HORAIRES, NOM, FieldChange(field="telephone", old="1", new="2")]
    )
    case = edit.proposal_id
    body = {"fields": ["horaires"], "reason": "Le reste n'est pas sûr."}
    assert decide(moderation, case, "approve", body).json()["appeal_until"] is not None
    lodge(moderation, case, author_of(edit))
    async with nothing_written(moderation, "moderation"):
        wrong = answer(moderation, case, grant=True, fields=["horaires"])
        refused(wrong, 422, "invalid-input", ("fields", "unknown_field"))
    there = answer(moderation, case, grant=True, fields=["nom"]).json()
    assert (there["state"], there["approved_fields"]) == ("partly_approved", ["horaires", "nom"])
    assert there["refused_fields"] == ["telephone"]
    # only what is new is applied
    assert (await said(moderation, case))[-1].body["fields"] == ["nom"]


async def test_an_appeal_dismissed(moderation: System, edit: EditProposed) -> None:
    case = edit.proposal_id
    lodge(moderation, case, author_of(edit))
    there = answer(moderation, case, grant=False, reason="Le lieu confirme.").json()
    assert (there["state"], there["appeal"]["granted"]) == ("refused", False)
    [*_, event] = await said(moderation, case)
    assert (event.type, event.body["decision"]["reason"]) == (
        "AppealDismissed",
        "Le lieu confirme.",
    )
    assert event.body["decision"]["on_appeal"] is False
    assert statement(moderation, case, author_of(edit))["ground"] == "Le lieu confirme."
    async with nothing_written(moderation, "moderation"):
        refused(answer(moderation, case, grant=True), 409, "no-appeal")


async def test_who_answers_an_appeal(moderation: System, edit: EditProposed) -> None:
    case = edit.proposal_id
    async with nothing_written(moderation, "moderation"):
        refused(answer(moderation, case, grant=True), 409, "no-appeal")
    lodge(moderation, case, author_of(edit))
    account = f"mod-{case[:6]}"
    scope = {"departements": ["974"], "kinds": []}
    moderation.call("PUT", "moderation", f"/moderators/{account}/scope", as_=ADMIN, json=scope)
    own = token(edit.author.account_id, "moderator")
    async with nothing_written(moderation, "moderation"):
        refused(answer(moderation, case, MODERATOR, grant=True), 403, "another-moderator")
        refused(answer(moderation, case, own, grant=True), 403, "own-proposal")
        elsewhere = token(account, "moderator")
        refused(answer(moderation, case, elsewhere, grant=True), 403, "out-of-scope")
        refused(answer(moderation, case, somebody(), grant=True), 403, "not-allowed")
        changed = refused(answer(moderation, case, grant=True, revision=2), 409, "case-changed")
        assert [one["act"] for one in changed["changed"]] == ["appeal"]
        for body, field, rule in (
            ({"grant": True, "reason": " "}, "reason", "string_too_short"),
            ({"grant": "oui, bien sûr"}, "grant", "bool_parsing"),
            ({}, "grant", "missing"),
            ({"grant": True, "fields": []}, "fields", "too_short"),
        ):
            refused(answer(moderation, case, **body), 422, "invalid-input", (field, rule))


async def test_an_appeal_is_claimed_like_a_case(moderation: System, edit: EditProposed) -> None:
    case, third = edit.proposal_id, token("third-mod", "moderator")
    path = f"/cases/{case}/assignment"
    async with nothing_written(moderation, "moderation"):
        refused(moderation.call("PUT", "moderation", path, as_=OTHER), 403, "not-a-decider")
    lodge(moderation, case, author_of(edit))
    async with nothing_written(moderation, "moderation"):
        # who may not answer it does not keep it from the others
        first = moderation.call("PUT", "moderation", path, as_=MODERATOR)
        refused(first, 403, "another-moderator")
    assert moderation.call("PUT", "moderation", path, as_=third).status_code == 200
    async with nothing_written(moderation, "moderation"):
        refused(answer(moderation, case, grant=True), 409, "taken")
    assert answer(moderation, case, third, grant=True).status_code == 200
    assert found(moderation, case)["assignment"] is None
    assert await timers(moderation, case) == {}


async def test_what_is_no_ground_for_an_appeal(moderation: System, edit: EditProposed) -> None:
    accepted = await opened(moderation)
    decide(moderation, accepted.proposal_id, "approve", {})
    by_manager = await opened(moderation)
    path = link(by_manager.proposal_id, f"venue:{by_manager.venue_id}")
    fill_in(moderation, path, {"choix": "refuser", "motif": "Non."})
    waiting = await opened(moderation)
    async with nothing_written(moderation, "moderation"):
        for one in (accepted, by_manager, waiting):
            refused(lodge(moderation, one.proposal_id, author_of(one)), 409, "no-appeal")
        for other in (somebody(), MODERATOR):
            refused(lodge(moderation, edit.proposal_id, other), 403, "not-the-author")
        refused(lodge(moderation, edit.proposal_id, None), 401, "not-authenticated")
        short = lodge(moderation, edit.proposal_id, author_of(edit), " ")
        refused(short, 422, "invalid-input", ("text", "string_too_short"))
        long = lodge(moderation, edit.proposal_id, author_of(edit), "é" * 2001)
        refused(long, 422, "invalid-input", ("text", "string_too_long"))


async def test_an_announcement_on_appeal(moderation: System) -> None:
    call = an_announcement(lien=f"https://appel-{uuid4().hex}.example.org")
    await tell(moderation, call)
    case, author = call.announcement_id, token(call.author.account_id, "user")
    found(moderation, case)
    decide(moderation, case, "refuse", {"motive": "off_topic"})
    assert lodge(moderation, case, author).status_code == 201
    async with nothing_written(moderation, "moderation"):
        unknown = answer(moderation, case, grant=True, fields=["titre"])
        refused(unknown, 422, "invalid-input", ("fields", "unknown_field"))
    assert answer(moderation, case, grant=True).json()["state"] == "approved"
    assert (await types(moderation, case))[-1] == "AnnouncementValidated"
    # its link is no longer one of a refused case
    again = an_announcement(lien=call.lien)
    await tell(moderation, again)
    assert found(moderation, again.announcement_id)["held"] == []
