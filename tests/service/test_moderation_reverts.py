"""Undo what was accepted: one proposal, or everything by one author after a dry run."""

from typing import Any

from shared.database import now
from shared.events import Author
from shared.events.notifications import NoticeBounced
from tests.harness import System
from tests.harness.bus import tell
from tests.harness.cases import (
    ADMIN,
    LONG_AGO,
    MODERATOR,
    a_claim,
    a_news,
    a_report,
    an_announcement,
    an_edit,
    becomes,
    decide,
    fill_in,
    found,
    link,
    opened,
    opened_all,
    said,
    somebody,
    timers,
)
from tests.harness.refusals import refused
from tests.harness.rows import nothing_written
from tests.harness.system import token


def revert(moderation: System, case: str, as_: str | None = MODERATOR, **body: Any) -> Any:
    """Undo one."""
    body = {"revision": 2, "reason": "Faux.", **body}
    return moderation.call("POST", "moderation", f"/cases/{case}/revert", as_=as_, json=body)


def revert_all(moderation: System, author: str, as_: str | None = MODERATOR, **body: Any) -> Any:
    """Undo all of an author's, or see what that would be."""
    body = {"reason": "Spam.", **body}
    path = f"/contributors/{author}/revert"
    return moderation.call("POST", "moderation", path, as_=as_, json=body)


def ids(items: list[Any]) -> set[str]:
    """Of cases."""
    return {one["id"] for one in items}


async def test_what_silence_accepted_can_be_undone(moderation: System) -> None:
    edit = an_edit(proposed_at=now() - LONG_AGO, public_addresses=1)
    await tell(moderation, edit)
    becomes(moderation, edit.proposal_id, state="approved")
    there = revert(moderation, edit.proposal_id).json()
    assert (there["state"], there["revision"]) == ("approved", 3)
    assert there["reverted"]["reason"] == "Faux."
    [*_, event] = await said(moderation, edit.proposal_id)
    assert (event.type, event.body["revision"]) == ("ApprovalReverted", 3)
    assert (event.body["by"], event.body["venue_id"]) == ("account:moderator", edit.venue_id)
    async with nothing_written(moderation, "moderation"):
        again = revert(moderation, edit.proposal_id, revision=3)
        refused(again, 409, "nothing-to-revert")


async def test_what_cannot_be_undone(moderation: System) -> None:
    edit = await opened(moderation)
    case = edit.proposal_id
    report, claim = a_report(), a_claim()
    await tell(moderation, report, claim)
    for one in (report.report_id, claim.claim_id):
        found(moderation, one)
        decide(moderation, one, "approve", {})
        refused(revert(moderation, one), 409, "nothing-to-revert")
    async with nothing_written(moderation, "moderation"):
        refused(revert(moderation, case, revision=1), 409, "nothing-to-revert")
    decide(moderation, case, "approve", {})
    own = token(edit.author.account_id, "moderator")
    async with nothing_written(moderation, "moderation"):
        refused(revert(moderation, case, somebody()), 403, "not-allowed")
        refused(revert(moderation, case, own), 403, "own-proposal")
        changed = refused(revert(moderation, case, revision=1), 409, "case-changed")["changed"]
        assert [one["act"] for one in changed] == ["decide"]
        answer = revert(moderation, case, reason=" ")
        refused(answer, 422, "invalid-input", ("reason", "string_too_short"))
        refused(revert(moderation, "absent"), 404, "case-not-found")
        refused(revert(moderation, case, None), 401, "not-authenticated")


async def test_everything_by_one_author(moderation: System) -> None:
    author = Author(account_id=an_edit().author.account_id, name="Mallory")
    online = [an_edit(author=author) for _ in range(2)]
    news = a_news(author=author)
    silent = an_edit(author=author, proposed_at=now() - LONG_AGO)
    bound, waiting = an_edit(author=author), an_edit(author=author, public_addresses=1)
    gone, other = an_edit(author=author), an_edit()
    call = an_announcement(author=author)
    report = a_report(author=author)
    await opened_all(moderation, *online, silent, bound, waiting, gone, other)
    await tell(moderation, news, call, report)
    found(moderation, news.proposal_id)
    found(moderation, call.announcement_id)
    found(moderation, report.report_id)
    for one in (*online, news, other):
        decide(moderation, one.proposal_id, "approve", {})
    decide(moderation, call.announcement_id, "approve", {})
    decide(moderation, gone.proposal_id, "refuse", {"reason": "Non."})
    path = link(bound.proposal_id, f"venue:{bound.venue_id}")
    fill_in(moderation, path, {"choix": "accepter", "champs": ["nom", "horaires"]})
    becomes(moderation, silent.proposal_id, state="approved")
    unreachable = NoticeBounced(
        case_id=waiting.proposal_id,
        recipient=f"venue:{waiting.venue_id}",
        template="review_opened",
        at=now(),
    )
    await tell(moderation, unreachable)
    becomes(moderation, waiting.proposal_id, marks=["manager_unreachable"])

    async with nothing_written(moderation, "moderation"):
        dry = revert_all(moderation, author.account_id).json()
    assert (dry["done"], dry["more"]) == (False, False)
    expected = {*(one.proposal_id for one in (*online, news, silent)), call.announcement_id}
    assert ids(dry["reverted"]) == expected
    assert ids(dry["refused"]) == {waiting.proposal_id}
    assert ids(dry["kept"]) == {bound.proposal_id}

    late = await opened(moderation, author=author)
    async with nothing_written(moderation, "moderation"):
        answer = revert_all(moderation, author.account_id, plan=dry["plan"])
        refused(answer, 409, "plan-changed")
        dry = revert_all(moderation, author.account_id).json()
    done = revert_all(moderation, author.account_id, plan=dry["plan"]).json()
    assert done == {**dry, "done": True}
    for case in expected:
        assert found(moderation, case)["reverted"]["reason"] == "Spam."
        assert (await said(moderation, case))[-1].type == "ApprovalReverted"
    for edit in (waiting, late):
        there = found(moderation, edit.proposal_id)
        assert (there["state"], there["decision"]["reason"]) == ("refused", "Spam.")
        assert list(await timers(moderation, edit.proposal_id)) == [
            f"appeal-window:{edit.proposal_id}"
        ]
    [*_, refusal] = await said(moderation, waiting.proposal_id)
    assert refusal.body["decision"]["marks"] == ["manager_unreachable"]
    for kept in (bound, other):
        assert found(moderation, kept.proposal_id)["reverted"] is None
    assert found(moderation, report.report_id)["state"] == "open"
    # nothing is left to do
    rest = revert_all(moderation, author.account_id).json()
    assert (rest["reverted"], rest["refused"], rest["more"]) == ([], [], False)


async def test_more_than_one_request_may_do(moderation: System) -> None:
    author = Author(account_id=an_edit().author.account_id)
    venue = an_edit().venue_id
    edits = [an_edit(author=author, venue_id=venue, author_is_manager=False) for _ in range(101)]
    await opened_all(moderation, *edits)
    first = revert_all(moderation, author.account_id).json()
    assert (len(first["refused"]), first["more"]) == (100, True)
    assert revert_all(moderation, author.account_id, plan=first["plan"]).json()["done"] is True
    rest = revert_all(moderation, author.account_id).json()
    assert (len(rest["refused"]), rest["more"]) == (1, False)
    # a plan is good once
    async with nothing_written(moderation, "moderation"):
        again = revert_all(moderation, author.account_id, plan=first["plan"])
        refused(again, 409, "plan-changed")


async def test_a_moderator_undoes_what_is_entrusted_to_them(moderation: System) -> None:
    author = Author(account_id=an_edit().author.account_id)
    here, there = an_edit(author=author, code_insee="97305"), an_edit(author=author)
    await opened_all(moderation, here, there)
    for one in (here, there):
        decide(moderation, one.proposal_id, "approve", {})
    account = f"mod-{here.proposal_id[:6]}"
    body = {"departements": ["973"], "kinds": []}
    path = f"/moderators/{account}/scope"
    moderation.call("PUT", "moderation", path, as_=ADMIN, json=body)
    mod = token(account, "moderator")
    assert ids(revert_all(moderation, author.account_id, mod).json()["reverted"]) == {
        here.proposal_id
    }
    async with nothing_written(moderation, "moderation"):
        refused(revert(moderation, there.proposal_id, mod), 403, "out-of-scope")


async def test_who_and_what_reverts_nothing(moderation: System) -> None:
    author = an_edit().author.account_id
    async with nothing_written(moderation, "moderation"):
        refused(revert_all(moderation, author, somebody()), 403, "not-allowed")
        refused(revert_all(moderation, author, None), 401, "not-authenticated")
        refused(revert_all(moderation, author, token(author, "moderator")), 403, "own-proposal")
        answer = revert_all(moderation, author, reason="")
        refused(answer, 422, "invalid-input", ("reason", "string_too_short"))
        answer = revert_all(moderation, author, couleur="bleu")
        refused(answer, 422, "invalid-input", ("couleur", "extra_forbidden"))
        answer = revert_all(moderation, "a@b.example.org")
        refused(answer, 422, "invalid-input", ("account_id", "string_pattern_mismatch"))
        refused(revert_all(moderation, author, plan="0" * 32), 409, "plan-changed")
