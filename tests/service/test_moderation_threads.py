"""The thread of a case, and the notes that only moderators read."""

from typing import Any

import pytest

from shared.events.directory import EditProposed
from tests.harness import System
from tests.harness.bus import tell
from tests.harness.cases import (
    MODERATOR,
    a_report,
    decide,
    fill_in,
    found,
    link,
    managed,
    opened,
    post,
    said,
    somebody,
    types,
)
from tests.harness.refusals import refused
from tests.harness.rows import nothing_written
from tests.harness.system import token


@pytest.fixture
async def edit(moderation: System) -> EditProposed:
    """An open case of a venue with a manager."""
    edit = await opened(moderation, public_addresses=1)
    await managed(moderation, edit.venue_id, 1, "ada-t")
    return edit


MANAGER = token("ada-t", "user")


def thread(moderation: System, case: str, as_: str) -> list[Any]:
    """What somebody reads of it."""
    items: list[Any] = moderation.get("moderation", f"/cases/{case}/messages", as_=as_)["items"]
    return items


async def test_author_manager_and_moderators_write_to_each_other(
    moderation: System, edit: EditProposed
) -> None:
    case, author = edit.proposal_id, token(edit.author.account_id, "user")
    first = post(moderation, case, author, text="J'ai appelé hier.")
    assert (first.status_code, first.json()["role"]) == (201, "author")
    post(moderation, case, MANAGER, text="  Qui avez-vous eu ?  ")
    fill_in(moderation, link(case, f"venue:{edit.venue_id}") + "/message", {"texte": "Je demande."})
    post(moderation, case, MODERATOR, message="source", text="Merci.")
    for reader in (author, MANAGER, MODERATOR):
        assert [(one["role"], one["text"]) for one in thread(moderation, case, reader)] == [
            ("author", "J'ai appelé hier."),
            ("manager", "Qui avez-vous eu ?"),
            ("manager", "Je demande."),
            ("moderator", "Pouvez-vous nous dire d'où vient cette information ? Merci."),
        ]
    # moderators sign as the team
    assert [one["name"] for one in thread(moderation, case, author)][-1] == ""
    # writing moves nothing: a decision taken meanwhile stands
    assert found(moderation, case)["revision"] == 1

    events = [one.body for one in await said(moderation, case) if one.type == "MessagePosted"]
    assert [one["sender_role"] for one in events] == ["author", "manager", "manager", "moderator"]
    assert [one["sender"]["account_id"] for one in events] == [
        edit.author.account_id,
        "ada-t",
        f"venue:{edit.venue_id}",
        "moderator",
    ]
    for body in events:
        assert (body["managers"], body["public_addresses"]) == (["ada-t"], 1)
        assert body["author"]["account_id"] == edit.author.account_id
        assert body["kind"] == "edit"
    assert len({body["message_id"] for body in events}) == 4

    # once they have written, moderators hear the answer
    post(moderation, case, author, text="Sur l'affiche.")
    [*_, answer] = await said(moderation, case)
    assert [body["for_moderators"] for body in (*events, answer.body)] == [False] * 4 + [True]


async def test_notes_are_for_moderators_only(moderation: System, edit: EditProposed) -> None:
    case, author = edit.proposal_id, token(edit.author.account_id, "user")
    note = post(moderation, case, MODERATOR, text="Déjà vu ailleurs.", note=True).json()
    assert (note["note"], note["name"]) == (True, "Moderator")
    assert [one["text"] for one in thread(moderation, case, token("bo", "moderator"))] == [
        "Déjà vu ailleurs."
    ]
    path = link(case, f"venue:{edit.venue_id}")
    page = moderation.call("GET", "moderation", path, headers={"Accept": "text/html"}).text
    assert "Déjà vu" not in page
    for reader in (author, MANAGER):
        assert thread(moderation, case, reader) == []
        log = moderation.get("moderation", f"/cases/{case}/log", as_=reader)["items"]
        assert "note" not in [one["act"] for one in log]
    assert await types(moderation, case) == ["ReviewOpened"]
    async with nothing_written(moderation, "moderation"):
        for writer in (author, MANAGER):
            answer = post(moderation, case, writer, text="Pour moi.", note=True)
            refused(answer, 403, "not-allowed")


async def test_the_thread_goes_on_after_the_decision(
    moderation: System, edit: EditProposed
) -> None:
    author = token(edit.author.account_id, "user")
    decide(moderation, edit.proposal_id, "refuse", {"reason": "Non."}, MANAGER)
    assert post(moderation, edit.proposal_id, author, text="Pourquoi ?").status_code == 201


async def test_strangers_neither_read_nor_write(moderation: System, edit: EditProposed) -> None:
    report = a_report(venue_id=edit.venue_id)
    await tell(moderation, report)
    found(moderation, report.report_id)
    async with nothing_written(moderation, "moderation"):
        for case, who in (
            (edit.proposal_id, somebody()),
            (report.report_id, somebody()),
            (report.report_id, MANAGER),
            ("absent", MODERATOR),
        ):
            refused(post(moderation, case, who, text="Bonjour"), 404, "case-not-found")
            path = f"/cases/{case}/messages"
            refused(moderation.call("GET", "moderation", path, as_=who), 404, "case-not-found")
        refused(post(moderation, edit.proposal_id, None, text="a"), 401, "not-authenticated")


async def test_bad_messages(moderation: System, edit: EditProposed) -> None:
    bad: list[tuple[dict[str, Any], str, str]] = [
        ({}, "text", "missing"),
        ({"text": " \n"}, "text", "missing"),
        ({"text": "é" * 2001}, "text", "string_too_long"),
        ({"text": ["a"]}, "text", "string_type"),
        ({"message": "bof"}, "message", "literal_error"),
        ({"text": "a", "note": "peut-être"}, "note", "bool_parsing"),
        ({"text": "a", "couleur": "bleu"}, "couleur", "extra_forbidden"),
    ]
    async with nothing_written(moderation, "moderation"):
        for body, field, rule in bad:
            answer = post(moderation, edit.proposal_id, MODERATOR, **body)
            refused(answer, 422, "invalid-input", (field, rule))
