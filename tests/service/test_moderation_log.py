"""The log: everything that happened, in pages for export; and the numbers of a year."""

import datetime as dt
import json
from collections.abc import Iterator
from typing import Any

import pytest

from shared.database import now
from shared.events import FieldChange
from shared.events.notifications import NoticeBounced
from tests.harness import Servers, System
from tests.harness.bus import tell
from tests.harness.cases import (
    LONG_AGO,
    MODERATOR,
    NOM,
    a_news,
    a_report,
    an_edit,
    applied,
    becomes,
    decide,
    found,
    managed,
    moderating,
    opened,
    opine,
    post,
    somebody,
    week_ends,
)
from tests.harness.refusals import refused
from tests.harness.rows import nothing_written, rows
from tests.harness.system import token


@pytest.fixture(scope="module")
def quiet(servers: Servers) -> Iterator[System]:
    """Moderation where nothing happens but what a test does."""
    with moderating(servers) as system:
        yield system


def log_of(moderation: System, case: str, as_: str = MODERATOR) -> list[Any]:
    """A case's log."""
    items: list[Any] = moderation.get("moderation", f"/cases/{case}/log", as_=as_)["items"]
    return items


def export(moderation: System, as_: str | None = MODERATOR, **query: Any) -> Any:
    """The answer of the export."""
    return moderation.call("GET", "moderation", "/log", as_=as_, params=query)


def lines(answer: Any) -> list[Any]:
    """Its lines."""
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines()]


async def test_what_happens_to_a_case_is_logged(moderation: System) -> None:
    siret = FieldChange(field="pivot", old="1", new="2")
    edit = await opened(moderation, changes=[NOM, siret])
    case, bo = edit.proposal_id, somebody("bo")
    opine(moderation, case, "object", bo, "Faux.")
    moderation.call("PUT", "moderation", f"/cases/{case}/assignment", as_=MODERATOR)
    post(moderation, case, MODERATOR, text="Bizarre.", note=True)
    post(moderation, case, MODERATOR, text="D'où vient-il ?")
    decide(moderation, case, "approve", {})
    body = {"revision": 3, "reason": "Faux."}
    moderation.post("moderation", f"/cases/{case}/revert", body, as_=MODERATOR)
    entries = log_of(moderation, case)
    assert [(one["act"], one["by"].split("-")[0]) for one in entries] == [
        ("open", "account:auteur"),
        ("object", "account:bo"),
        ("take", "account:moderator"),
        ("note", "account:moderator"),
        ("message", "account:moderator"),
        ("decide", "account:moderator"),
        ("revert", "account:moderator"),
    ]
    assert [one["revision"] for one in entries] == [1, 2, 2, 2, 2, 3, 4]
    assert entries[0]["rules"] == ["siret"]
    assert (entries[5]["outcome"], entries[5]["how"]) == ("approved", "moderator")
    times = [dt.datetime.fromisoformat(one["at"]) for one in entries]
    assert times == sorted(times)
    # neither words nor addresses
    assert "Faux." not in json.dumps(entries)

    author = log_of(moderation, case, token(edit.author.account_id, "user"))
    assert [one["act"] for one in author] == [
        "open", "object", "take", "message", "decide", "revert",
    ]  # fmt: skip
    assert author[1]["by"] is None
    path = f"/cases/{case}/log"
    refused(moderation.call("GET", "moderation", path, as_=somebody()), 404, "case-not-found")


async def test_a_message_by_a_link_is_logged_by_its_holder(moderation: System) -> None:
    edit = await opened(moderation, public_addresses=1)
    await managed(moderation, edit.venue_id, 1, "ada-l")
    post(moderation, edit.proposal_id, token("ada-l", "user"), text="Non.")
    assert log_of(moderation, edit.proposal_id)[-1]["by"] == "account:ada-l"


async def test_the_export_pages_and_loses_nothing(quiet: System) -> None:
    before = now()
    edits = [await opened(quiet) for _ in range(5)]
    for edit in edits:
        decide(quiet, edit.proposal_id, "approve", {})
    mine = {edit.proposal_id for edit in edits}
    whole = export(quiet, since=before.isoformat())
    assert whole.headers["content-type"].startswith("application/x-ndjson")
    assert "x-next" not in whole.headers
    everything = lines(whole)
    assert [one["act"] for one in everything if one["case_id"] in mine] == (
        ["open"] * 5 + ["decide"] * 5
    )

    paged: list[Any] = []
    after = ""
    while True:
        page = export(quiet, since=before.isoformat(), after=after, limit=3)
        assert len(lines(page)) <= 3
        paged += lines(page)
        if "x-next" not in page.headers:
            break
        after = page.headers["x-next"]
    assert paged == everything
    stored = await rows(quiet, "moderation", "log", act="decide")
    assert len([one for one in stored if one["case_id"] in mine]) == 5

    assert lines(export(quiet, until=before.isoformat(), since="2020-01-01T00:00:00Z")) == []
    only = everything[4]["at"]
    some = lines(export(quiet, since=only))
    assert some == [one for one in everything if one["at"] >= only]
    some = lines(export(quiet, since=before.isoformat(), until=only))
    assert some == [one for one in everything if one["at"] < only]


async def test_the_log_is_for_moderators(moderation: System) -> None:
    async with nothing_written(moderation, "moderation"):
        refused(export(moderation, somebody()), 403, "not-allowed")
        refused(export(moderation, None), 401, "not-authenticated")
        for query, field, rule in (
            ({"limit": 0}, "limit", "greater_than_equal"),
            ({"limit": 10_001}, "limit", "less_than_equal"),
            ({"after": "x" * 301}, "after", "string_too_long"),
        ):
            refused(export(moderation, **query), 422, "invalid-input", (field, rule))
        for query in ({"since": "2026-01-01T00:00:00"}, {"until": "hier"}):
            assert export(moderation, **query).status_code == 422
        for method in ("PUT", "POST", "DELETE"):
            answer = moderation.call(method, "moderation", "/log", as_=MODERATOR)
            refused(answer, 405, "method-not-allowed")


def numbers(system: System, kind: str = "") -> Any:
    """The numbers of this year, or of one kind."""
    report = system.get("moderation", f"/transparency?year={now().year}")
    empty = {"opened": 0, "outcomes": {}, "decided_by": {}, "median_hours": None}
    return report["kinds"].get(kind, empty) if kind else report


def more(before: Any, after: Any) -> dict[str, int]:
    """What has grown, by how much."""
    grown = {name: after[name] - before.get(name, 0) for name in after}
    return {name: count for name, count in grown.items() if count}


async def test_the_outcomes_of_a_year(quiet: System) -> None:
    before = numbers(quiet, "edit")
    assert numbers(quiet, "news") == numbers(quiet, "none")
    accepted, refused_, lost = await opened(quiet), await opened(quiet), await opened(quiet)
    decide(quiet, accepted.proposal_id, "approve", {})
    decide(quiet, refused_.proposal_id, "refuse", {"reason": "Faux."})
    decide(quiet, lost.proposal_id, "approve", {"fields": ["nom"]})
    siret = FieldChange(field="pivot", old="1", new="2")
    silent = an_edit(proposed_at=now() - LONG_AGO, changes=[NOM, siret])
    by_manager = an_edit(author_is_manager=True)
    dot = FieldChange(field="nom", old="Médiathèque.", new="Médiathèque")
    at_once = an_edit(changes=[dot])
    news, report = a_news(), a_report()
    await tell(quiet, silent, by_manager, at_once, news, report)
    becomes(quiet, silent.proposal_id, state="partly_approved")
    # it was accepted, and is no second outcome for having met other changes
    failed_before = numbers(quiet)["failed"]
    await tell(quiet, applied(accepted, conflicts=["nom", "horaires"], unchanged=[]))
    becomes(quiet, accepted.proposal_id, state="failed")
    assert numbers(quiet)["failed"] == failed_before + 1
    for case in (at_once.proposal_id, by_manager.proposal_id, news.proposal_id, report.report_id):
        found(quiet, case)
    path = f"/cases/{news.proposal_id}/withdraw"
    quiet.post("moderation", path, {}, as_=token(news.author.account_id, "user"))
    decide(quiet, report.report_id, "approve", {})

    after = numbers(quiet, "edit")
    assert after["opened"] - before["opened"] == 6
    assert more(before["outcomes"], after["outcomes"]) == {
        "approved": 3,
        "refused": 1,
        "partly_approved": 2,
    }
    assert more(before["decided_by"], after["decided_by"]) == {
        "moderator": 3,
        "silence": 1,
        "manager": 1,
        "shortcut": 1,
    }
    # all but the one that took a week were decided within the hour
    assert 0 <= after["median_hours"] < 1
    news_items = numbers(quiet, "news")
    assert (news_items["opened"], news_items["outcomes"]) == (1, {"withdrawn": 1})
    assert news_items["median_hours"] is None
    assert numbers(quiet, "report")["decided_by"] == {"moderator": 1}


async def test_the_disputes_of_a_year(quiet: System) -> None:
    before = numbers(quiet)
    accepted, bounced = await opened(quiet), await opened(quiet, public_addresses=1)
    siret = FieldChange(field="pivot", old="1", new="2")
    disputed = await opened(quiet, changes=[NOM, siret])
    case, author = disputed.proposal_id, token(disputed.author.account_id, "user")
    decide(quiet, accepted.proposal_id, "approve", {})
    body = {"revision": 2, "reason": "Erreur."}
    quiet.post("moderation", f"/cases/{accepted.proposal_id}/revert", body, as_=MODERATOR)
    opine(quiet, case, "object", somebody(), "Faux.")
    decide(quiet, case, "refuse", {"reason": "Faux."})
    quiet.post("moderation", f"/cases/{case}/appeal", {"text": "Si."}, as_=author)
    answer = {"revision": 4, "grant": True, "reason": "En effet."}
    other = token("other-mod", "moderator")
    quiet.post("moderation", f"/cases/{case}/appeal/answer", answer, as_=other)
    gone = NoticeBounced(
        case_id=bounced.proposal_id,
        recipient=f"venue:{bounced.venue_id}",
        template="review_opened",
        at=now(),
    )
    await tell(quiet, gone)
    becomes(quiet, bounced.proposal_id, marks=["manager_unreachable"])
    await week_ends(quiet, bounced)
    becomes(quiet, bounced.proposal_id, state="approved")

    after = numbers(quiet)
    counted = ("objections", "appeals", "appeals_granted", "reverted", "unreachable")
    assert {name: after[name] - before[name] for name in counted} == dict.fromkeys(counted, 1)
    assert more(before["rules"], after["rules"]) == {"siret": 1}
    # an appeal is counted by itself, not as one more decision
    decided = more(before["kinds"]["edit"]["decided_by"], after["kinds"]["edit"]["decided_by"])
    assert decided == {"moderator": 2, "silence": 1}


async def test_the_numbers_name_nobody(quiet: System) -> None:
    edit = await opened(quiet)
    decide(quiet, edit.proposal_id, "refuse", {"reason": "Faux."})
    told = json.dumps(numbers(quiet))
    for hidden in ("account:", "moderator-", edit.author.account_id, edit.venue_id, "Faux."):
        assert hidden not in told
    assert quiet.get("moderation", "/transparency?year=2020")["kinds"] == {}


@pytest.mark.parametrize(
    ("query", "rule"),
    [
        ("", "missing"),
        ("year=2019", "greater_than_equal"),
        ("year=9999", "less_than_equal"),
        ("year=MMXX", "int_parsing"),
    ],
)
def test_a_year_that_is_none(moderation: System, query: str, rule: str) -> None:
    answer = moderation.call("GET", "moderation", f"/transparency?{query}")
    refused(answer, 422, "invalid-input", ("year", rule))
