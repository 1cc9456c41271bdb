"""The queue: what waits for whom, in order, in numbers; who works on what, until when."""

import datetime as dt
from typing import Any
from uuid import uuid4

import pytest

from shared.database import now
from shared.events import FieldChange
from shared.events.directory import EditProposed
from tests.harness import System
from tests.harness.bus import tell
from tests.harness.cases import (
    ADMIN,
    MODERATOR,
    a_claim,
    a_news,
    a_report,
    an_announcement,
    an_edit,
    decide,
    found,
    managed,
    opened,
    opened_all,
    opine,
    somebody,
    timers,
)
from tests.harness.refusals import refused
from tests.harness.rows import nothing_written
from tests.harness.system import token

SIRET = FieldChange(field="pivot", old="1", new="2")


def entrust(moderation: System, *kinds: str, departements: list[str]) -> str:
    """The token of a moderator of these départements and kinds."""
    account = f"mod-{uuid4().hex[:8]}"
    body = {"departements": departements, "kinds": list(kinds)}
    path = f"/moderators/{account}/scope"
    answer = moderation.call("PUT", "moderation", path, as_=ADMIN, json=body)
    assert answer.json() == body
    return token(account, "moderator")


def listed(moderation: System, as_: str, query: str = "") -> list[str]:
    """The ids of a list."""
    page = moderation.get("moderation", f"/cases?limit=200&{query}", as_=as_)
    return [one["id"] for one in page["items"]]


def take(moderation: System, case: str, as_: str) -> Any:
    """Claim a case."""
    return moderation.call("PUT", "moderation", f"/cases/{case}/assignment", as_=as_)


def release(moderation: System, case: str, as_: str) -> Any:
    """Give it back."""
    return moderation.call("DELETE", "moderation", f"/cases/{case}/assignment", as_=as_)


@pytest.fixture
async def queue(moderation: System) -> tuple[str, dict[str, EditProposed]]:
    """A moderator of Guadeloupe's edits and news, and what waits there, by what is special."""
    today = now()
    hour = dt.timedelta(hours=1)
    edits = {
        "oldest": an_edit(code_insee="97105", proposed_at=today - dt.timedelta(days=6)),
        "held": an_edit(code_insee="97105", changes=[SIRET], proposed_at=today - 3 * hour),
        "contested": an_edit(code_insee="97105", proposed_at=today - 2 * hour),
        "plain": an_edit(code_insee=None, code_postal="97110", proposed_at=today - hour),
    }
    await opened_all(moderation, *edits.values())
    opine(moderation, edits["contested"].proposal_id, "object", somebody(), "Faux.")
    return entrust(moderation, "edit", "news", departements=["971"]), edits


async def test_filters_and_counts(
    moderation: System, queue: tuple[str, dict[str, EditProposed]]
) -> None:
    mod, edits = queue
    names = {edit.proposal_id: name for name, edit in edits.items()}

    def which(query: str) -> list[str]:
        return [names[one] for one in listed(moderation, mod, query) if one in names]

    assert which("") == ["oldest", "held", "contested", "plain"]
    assert which("near_deadline=true") == ["oldest"]
    assert which("unanswered=true") == ["oldest", "held", "plain"]
    assert which("contested=true") == ["contested"]
    assert which("rule=siret") == ["held"]
    assert which("rule=closing") == []
    assert which("by_new_account=true") == ["oldest", "held", "contested", "plain"]
    assert which("kind=news") == []
    assert which("departement=971") == ["oldest", "held", "contested", "plain"]
    assert which("departement=26") == []
    assert which(f"venue_id={edits['held'].venue_id}") == ["held"]
    assert which("contested=true&unanswered=true") == []
    assert which("state=decided") == []

    before = moderation.get("moderation", "/cases/counts", as_=mod)
    assert before["total"] == len(listed(moderation, mod))
    for count, query in (
        ("unanswered", "unanswered=true"),
        ("near_deadline", "near_deadline=true"),
        ("contested", "contested=true"),
        ("by_new_account", "by_new_account=true"),
    ):
        assert before[count] == len(listed(moderation, mod, query)) > 0, count
    assert before["rules"] == {"siret": len(listed(moderation, mod, "rule=siret"))}
    assert before["kinds"] == {"edit": before["total"]}
    decide(moderation, edits["held"].proposal_id, "approve", {})
    after = moderation.get("moderation", "/cases/counts", as_=mod)
    assert (before["total"] - after["total"], after["rules"].get("siret", 0)) == (
        1,
        before["rules"]["siret"] - 1,
    )
    assert "held" not in which("")
    assert which("state=decided") == ["held"]


async def test_cases_without_a_deadline_are_never_near_it(moderation: System) -> None:
    announcement = an_announcement(submitted_at=now() - dt.timedelta(days=30))
    await tell(moderation, announcement)
    found(moderation, announcement.announcement_id)
    mod = entrust(moderation, "announcement", departements=[])
    assert announcement.announcement_id in listed(moderation, mod)
    assert listed(moderation, mod, "near_deadline=true") == []
    assert moderation.get("moderation", "/cases/counts", as_=mod)["near_deadline"] == 0


async def test_pages_lose_and_repeat_nothing(moderation: System) -> None:
    same = now()
    edits = [an_edit(code_insee="97205", proposed_at=same) for _ in range(7)]
    await opened_all(moderation, *edits)
    mod = entrust(moderation, "edit", departements=["972"])
    seen: list[str] = []
    after = ""
    while True:
        page = moderation.get("moderation", f"/cases?limit=3&after={after}", as_=mod)
        seen += [one["id"] for one in page["items"]]
        if len(seen) == 3:
            # what is decided meanwhile moves nobody
            decide(moderation, seen[0], "approve", {})
        if page["next"] is None:
            break
        after = page["next"]
    assert seen == sorted(one.proposal_id for one in edits)


async def test_reports_by_their_reason(moderation: System) -> None:
    venue = f"lieu-{uuid4().hex[:8]}"
    closed = a_report(venue_id=venue, reason="closed")
    double = a_report(venue_id=venue, reason="duplicate", other_venue="lieu-jumeau")
    plain = a_report(venue_id=venue)
    await tell(moderation, closed, double, plain)
    seen = {one.report_id: found(moderation, one.report_id) for one in (closed, double, plain)}
    here = f"venue_id={venue}&report_reason"
    assert listed(moderation, MODERATOR, f"{here}=closed") == [closed.report_id]
    assert listed(moderation, MODERATOR, f"{here}=duplicate") == [double.report_id]
    assert listed(moderation, MODERATOR, f"{here}=charter") == []

    case = seen[double.report_id]
    assert (case["report_reason"], case["other_venue"]) == ("duplicate", "lieu-jumeau")
    # whoever reads it in a mail knows as much
    assert case["text"].startswith("Motif : la fiche est le doublon d'une autre.")
    assert "lieu-jumeau" in case["text"]
    assert seen[plain.report_id]["text"] == plain.text
    answer = moderation.call("GET", "moderation", "/cases?report_reason=ugly", as_=MODERATOR)
    refused(answer, 422, "invalid-input", ("report_reason", "literal_error"))


async def test_managers_have_their_venues_only(moderation: System) -> None:
    mine, other = an_edit(), an_edit()
    manager = f"ada-{uuid4().hex[:6]}"
    await managed(moderation, mine.venue_id, 1, manager)
    report = a_report(venue_id=mine.venue_id)
    claim = a_claim(venue_id=mine.venue_id)
    await tell(moderation, mine, other, report, claim)
    for case in (mine.proposal_id, other.proposal_id, report.report_id, claim.claim_id):
        found(moderation, case)
    me = token(manager, "user")
    theirs = listed(moderation, me)
    assert {mine.proposal_id, claim.claim_id} <= set(theirs)
    # reports are for moderators
    assert not {other.proposal_id, report.report_id} & set(theirs)
    assert report.report_id not in listed(moderation, me, f"venue_id={mine.venue_id}")
    assert moderation.get("moderation", "/cases/counts", as_=me)["total"] == len(theirs)
    # of another venue they see what everybody sees
    assert listed(moderation, me, f"venue_id={other.venue_id}") == [other.proposal_id]


async def test_a_moderator_has_the_venues_they_manage_too(moderation: System) -> None:
    mine, other = an_edit(), an_edit()
    mod = entrust(moderation, "announcement", departements=["2B"])
    account = f"mod-{uuid4().hex[:8]}"
    body = {"departements": ["2B"], "kinds": ["edit"]}
    moderation.call("PUT", "moderation", f"/moderators/{account}/scope", as_=ADMIN, json=body)
    await managed(moderation, mine.venue_id, 1, account)
    report = a_report(venue_id=mine.venue_id)
    await tell(moderation, mine, other, report)
    for case in (mine.proposal_id, other.proposal_id, report.report_id):
        found(moderation, case)
    both = token(account, "moderator")
    here = listed(moderation, both)
    assert mine.proposal_id in here
    assert not {other.proposal_id, report.report_id} & set(here)
    assert mine.proposal_id in listed(moderation, both, f"venue_id={mine.venue_id}")
    assert moderation.get("moderation", "/cases/counts", as_=both)["total"] == len(here)
    assert mine.proposal_id not in listed(moderation, mod)


async def test_a_venues_open_edits_and_news_are_for_everybody(moderation: System) -> None:
    edit = await opened(moderation)
    venue = edit.venue_id
    news, report, claim = a_news(venue_id=venue), a_report(venue_id=venue), a_claim(venue_id=venue)
    await tell(moderation, news, report, claim)
    for case in (news.proposal_id, report.report_id, claim.claim_id):
        found(moderation, case)
    reader = somebody()
    assert listed(moderation, reader, f"venue_id={venue}") == [edit.proposal_id, news.proposal_id]
    assert listed(moderation, reader) == []
    refused(
        moderation.call("GET", "moderation", f"/cases?venue_id={venue}"), 401, "not-authenticated"
    )


async def test_my_proposals(moderation: System) -> None:
    first = await opened(moderation, proposed_at=now() - dt.timedelta(days=1))
    second = a_news(author=first.author)
    await tell(moderation, second)
    found(moderation, second.proposal_id)
    decide(moderation, first.proposal_id, "refuse", {"motive": "outdated"})
    me = token(first.author.account_id, "user")
    items = moderation.get("moderation", "/cases/mine", as_=me)["items"]
    assert [(one["id"], one["state"], one["your_role"]) for one in items] == [
        (first.proposal_id, "refused", "author"),
        (second.proposal_id, "open", "author"),
    ]
    assert moderation.get("moderation", "/cases/mine", as_=somebody())["items"] == []


async def test_scopes_bound_what_a_moderator_lists_and_decides(moderation: System) -> None:
    corse = await opened(moderation, code_insee="2A004")
    call = an_announcement()
    await tell(moderation, call)
    found(moderation, call.announcement_id)
    here = entrust(moderation, departements=["2A"])
    elsewhere = entrust(moderation, departements=["2B", "976"])
    calls = entrust(moderation, "announcement", departements=["2B"])
    assert corse.proposal_id in listed(moderation, here)
    # what has no territory is everybody's
    assert call.announcement_id in listed(moderation, here)
    assert corse.proposal_id not in listed(moderation, elsewhere)
    assert corse.proposal_id not in listed(moderation, elsewhere, "departement=2A")
    assert call.announcement_id in listed(moderation, calls)
    assert corse.proposal_id not in listed(moderation, calls)
    async with nothing_written(moderation, "moderation"):
        for mod in (elsewhere, calls):
            refused(decide(moderation, corse.proposal_id, "approve", {}, mod), 403, "out-of-scope")
            refused(take(moderation, corse.proposal_id, mod), 403, "out-of-scope")
    assert found(moderation, corse.proposal_id, elsewhere)["you_may_decide"] is False
    assert decide(moderation, corse.proposal_id, "approve", {}, here).status_code == 200


async def test_scopes_are_given_by_admins(moderation: System) -> None:
    path = "/moderators/mod-x/scope"
    bad: list[tuple[Any, str, str]] = [
        ({"departements": ["26", "999"]}, "departements.1", "string_pattern_mismatch"),
        ({"kinds": ["tout"]}, "kinds.0", "literal_error"),
        ({"couleur": "bleu"}, "couleur", "extra_forbidden"),
        ({"departements": "26"}, "departements", "list_type"),
    ]
    async with nothing_written(moderation, "moderation"):
        for somebody_else in (MODERATOR, somebody()):
            answer = moderation.call("PUT", "moderation", path, as_=somebody_else, json={})
            refused(answer, 403, "not-allowed")
        for body, field, rule in bad:
            answer = moderation.call("PUT", "moderation", path, as_=ADMIN, json=body)
            refused(answer, 422, "invalid-input", (field, rule))
        away = "/moderators/a@b.example.org/scope"
        answer = moderation.call("PUT", "moderation", away, as_=ADMIN, json={})
        refused(answer, 422, "invalid-input", ("account_id", "string_pattern_mismatch"))
    scope = moderation.get("moderation", path, as_=MODERATOR)
    assert scope == {"departements": [], "kinds": []}


async def test_one_moderator_at_a_time(moderation: System) -> None:
    edit = await opened(moderation)
    case, bo, ada = edit.proposal_id, token("bo-mod", "moderator"), token("ada-mod", "moderator")
    taken = take(moderation, case, bo)
    assert (taken.status_code, taken.json()["holder"]) == (200, "bo-mod")
    half_an_hour = dt.datetime.fromisoformat(taken.json()["expires_at"]) - now()
    assert dt.timedelta(minutes=28) < half_an_hour <= dt.timedelta(minutes=30)
    assert f"assignment:{case}" in await timers(moderation, case)
    assert found(moderation, case)["assignment"]["holder"] == "bo-mod"
    assert found(moderation, case, somebody())["assignment"] is None
    async with nothing_written(moderation, "moderation"):
        assert refused(take(moderation, case, ada), 409, "taken")["until"]
        refused(decide(moderation, case, "approve", {}, ada), 409, "taken")
        assert release(moderation, case, ada).status_code == 204
    assert take(moderation, case, bo).status_code == 200
    assert release(moderation, case, bo).status_code == 204
    assert f"assignment:{case}" not in await timers(moderation, case)
    assert take(moderation, case, ada).status_code == 200
    assert decide(moderation, case, "approve", {}, ada).status_code == 200
    assert found(moderation, case)["assignment"] is None
    assert f"assignment:{case}" not in await timers(moderation, case)


async def test_what_nobody_can_claim(moderation: System) -> None:
    edit = await opened(moderation)
    case = edit.proposal_id
    reached = await opened(moderation, public_addresses=1)
    await managed(moderation, edit.venue_id, 1, "ada-q")
    async with nothing_written(moderation, "moderation"):
        refused(take(moderation, case, somebody()), 403, "not-allowed")
        refused(take(moderation, case, token("ada-q", "moderator")), 403, "not-a-decider")
        own = token(reached.author.account_id, "moderator")
        refused(take(moderation, reached.proposal_id, own), 403, "own-proposal")
        refused(take(moderation, reached.proposal_id, MODERATOR), 403, "managers-first")
        refused(take(moderation, "absent", MODERATOR), 404, "case-not-found")
        refused(release(moderation, "absent", MODERATOR), 404, "case-not-found")
    decide(moderation, case, "approve", {}, token("ada-q", "user"))
    async with nothing_written(moderation, "moderation"):
        refused(take(moderation, case, MODERATOR), 403, "not-a-decider")


@pytest.mark.parametrize(
    ("query", "field", "rule"),
    [
        ("kind=tout", "kind", "literal_error"),
        ("departement=999", "departement", "string_pattern_mismatch"),
        ("contested=peut-etre", "contested", "bool_parsing"),
        (f"after={'x' * 301}", "after", "string_too_long"),
    ],
)
def test_bad_filters(moderation: System, query: str, field: str, rule: str) -> None:
    answer = moderation.call("GET", "moderation", f"/cases?{query}", as_=MODERATOR)
    refused(answer, 422, "invalid-input", (field, rule))
