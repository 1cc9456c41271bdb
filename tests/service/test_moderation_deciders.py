"""Who decides: the manager's word binds; moderators where nobody is reached or all is contested."""

import asyncio
import datetime as dt
from collections.abc import Iterator

import pytest

from shared.database import now
from shared.events.directory import EditProposed
from shared.events.notifications import NoticeBounced, NoticeSent
from tests.harness import Servers, System, eventually
from tests.harness.bus import tell
from tests.harness.cases import (
    LONG_AGO,
    MODERATOR,
    PROGRAM,
    an_edit,
    becomes,
    decide,
    fill_in,
    found,
    link,
    managed,
    moderating,
    opened,
    opine,
    said,
    somebody,
    types,
    week_ends,
)
from tests.harness.refusals import refused
from tests.harness.rows import nothing_written, wait_for_rows
from tests.harness.system import token


@pytest.fixture(scope="module")
def strict(servers: Servers) -> Iterator[System]:
    """Moderation where silence counts for nothing if no manager could be told."""
    with moderating(servers, UNREACHABLE_AT_DEADLINE="refuse") as system:
        yield system


def bounced(edit: EditProposed, who: str, at: dt.datetime | None = None) -> NoticeBounced:
    """What notifications says of a mail that came back."""
    return NoticeBounced(
        case_id=edit.proposal_id, recipient=who, template="review_opened", at=at or now()
    )


async def test_a_reachable_managers_case_is_not_for_moderators(moderation: System) -> None:
    edit = await opened(moderation, public_addresses=1)
    case = edit.proposal_id
    assert found(moderation, case)["you_may_decide"] is False
    async with nothing_written(moderation, "moderation"):
        refused(decide(moderation, case, "approve", {}), 403, "managers-first")
        refused(decide(moderation, case, "refuse", {"reason": "Non."}), 403, "managers-first")
    [review] = await said(moderation, case)
    assert review.body["for_moderators"] is False


async def test_an_author_alone_among_the_managers_reaches_nobody(moderation: System) -> None:
    edit = an_edit()
    await managed(moderation, edit.venue_id, 1, edit.author.account_id)
    await tell(moderation, edit)
    assert found(moderation, edit.proposal_id)["you_may_decide"] is True
    # a manager's word binds, on their own proposal too
    me = token(edit.author.account_id, "user")
    assert found(moderation, edit.proposal_id, me)["your_role"] == "manager"
    assert decide(moderation, edit.proposal_id, "approve", {}, me).json()["state"] == "approved"


async def test_a_managers_word_binds(moderation: System) -> None:
    edit = await opened(moderation, public_addresses=1)
    case = edit.proposal_id
    opine(moderation, case, "object", somebody(), "Faux.")
    form = {"choix": "accepter", "champs": ["nom"]}
    assert fill_in(moderation, link(case, f"venue:{edit.venue_id}"), form).status_code == 200
    async with nothing_written(moderation, "moderation"):
        refused(decide(moderation, case, "refuse", {"reason": "Non."}), 409, "already-decided")
        body = {"revision": 3, "reason": "Non."}
        answer = moderation.call(
            "POST", "moderation", f"/cases/{case}/revert", as_=MODERATOR, json=body
        )
        refused(answer, 409, "managers-word-binds")


async def test_a_decision_on_an_old_revision_says_what_changed(moderation: System) -> None:
    edit = await opened(moderation)
    case = edit.proposal_id
    opine(moderation, case, "support", somebody())
    opine(moderation, case, "object", somebody(), "Faux.")
    async with nothing_written(moderation, "moderation"):
        for verdict, body in (("approve", {}), ("refuse", {"reason": "Non."})):
            answer = decide(moderation, case, verdict, body, revision=1)
            problem = refused(answer, 409, "case-changed")
            assert problem["revision"] == 3
            assert [one["act"] for one in problem["changed"]] == ["support", "object"]
            assert all(one["at"] for one in problem["changed"])
        answer = decide(moderation, case, "approve", {}, revision=2)
        assert [one["act"] for one in refused(answer, 409, "case-changed")["changed"]] == ["object"]
        ahead = decide(moderation, case, "approve", {}, revision=9)
        assert refused(ahead, 409, "case-changed")["changed"] == []
    assert decide(moderation, case, "approve", {}, revision=3).status_code == 200


async def test_of_two_who_decide_at_once_one_does(moderation: System) -> None:
    edit = await opened(moderation)
    case = edit.proposal_id
    answers = await asyncio.gather(
        *(
            asyncio.to_thread(
                decide, moderation, case, "refuse", {"reason": "Non."}, token(mod, "moderator"), 1
            )
            for mod in ("mod-1", "mod-2", "mod-3")
        )
    )
    assert sorted(one.status_code for one in answers) == [200, 409, 409]
    for one in answers:
        if one.status_code != 200:
            refused(one, 409, "already-decided")
    assert await types(moderation, case) == ["ReviewOpened", "EditRefused"]


async def test_a_proposal_told_twice_is_one_case(moderation: System) -> None:
    edit = await opened(moderation)
    opine(moderation, edit.proposal_id, "support", somebody())
    await tell(moderation, edit, an_edit(venue_id=edit.venue_id))
    await wait_for_rows(moderation, "moderation", "cases", 2, venue_id=edit.venue_id)
    assert found(moderation, edit.proposal_id)["revision"] == 2
    assert await types(moderation, edit.proposal_id) == ["ReviewOpened"]


async def test_when_every_notice_bounced_moderators_decide(moderation: System) -> None:
    edit = an_edit(public_addresses=1)
    await managed(moderation, edit.venue_id, 1, "ada-b", "bo-b")
    await tell(moderation, edit)
    case = edit.proposal_id
    found(moderation, case)
    await tell(moderation, bounced(edit, f"venue:{edit.venue_id}"), bounced(edit, "account:ada-b"))
    await wait_for_rows(moderation, "moderation", "notices", 2, case_id=case)
    refused(decide(moderation, case, "approve", {}), 403, "managers-first")
    await tell(moderation, bounced(edit, "account:bo-b"))
    there = becomes(moderation, case, marks=["manager_unreachable"])
    assert there["you_may_decide"] is True
    [_, escalated] = await said(moderation, case)
    assert (escalated.type, escalated.body["why"]) == ("ReviewEscalated", "manager_unreachable")
    assert (escalated.body["for_moderators"], escalated.body["objection"]) == (True, None)

    # once more of the same changes nothing
    await tell(moderation, bounced(edit, "account:bo-b"))
    await wait_for_rows(moderation, "moderation", "notices", 4, case_id=case)
    assert await types(moderation, case) == ["ReviewOpened", "ReviewEscalated"]
    decided = decide(moderation, case, "refuse", {"reason": "Pas vérifié."}).json()
    assert decided["decision"]["marks"] == ["manager_unreachable"]
    [*_, refusal] = await said(moderation, case)
    assert refusal.body["decision"]["marks"] == ["manager_unreachable"]


async def test_one_notice_that_arrives_is_enough(moderation: System) -> None:
    edit = an_edit(public_addresses=1)
    await managed(moderation, edit.venue_id, 1, "ada-c")
    await tell(moderation, edit)
    case = edit.proposal_id
    found(moderation, case)
    sent = NoticeSent(case_id=case, recipient="account:ada-c", template="review_opened", at=now())
    await tell(moderation, bounced(edit, f"venue:{edit.venue_id}"), sent)
    await wait_for_rows(moderation, "moderation", "notices", 2, case_id=case)
    assert found(moderation, case)["marks"] == []
    refused(decide(moderation, case, "approve", {}), 403, "managers-first")


async def test_by_default_the_week_holds_for_the_unreachable_too(moderation: System) -> None:
    edit = await opened(moderation, public_addresses=1)
    told = bounced(edit, f"venue:{edit.venue_id}")
    await tell(moderation, told)
    becomes(moderation, edit.proposal_id, marks=["manager_unreachable"])
    await week_ends(moderation, edit)
    decision = becomes(moderation, edit.proposal_id, state="approved")["decision"]
    assert (decision["how"], decision["rule"]) == ("silence", "deadline")
    assert decision["marks"] == ["manager_unreachable"]
    # an automatic decision explains itself
    [notice] = decision["told"]
    assert (notice["who"], notice["what"]) == (f"venue:{edit.venue_id}", "review_opened")
    assert (notice["outcome"], dt.datetime.fromisoformat(notice["at"])) == ("bounced", told.at)
    [*_, approved] = await said(moderation, edit.proposal_id)
    assert approved.body["decision"]["told"] == [notice]


async def test_a_setting_lets_silence_refuse_the_unreachable(strict: System) -> None:
    edit = await opened(strict, public_addresses=1)
    await tell(strict, bounced(edit, f"venue:{edit.venue_id}"))
    becomes(strict, edit.proposal_id, marks=["manager_unreachable"])
    [_, escalated] = await said(strict, edit.proposal_id)
    assert [one["rule"] for one in escalated.body["held"]] == ["manager_unreachable"]
    await week_ends(strict, edit)
    there = becomes(strict, edit.proposal_id, state="refused")
    assert [one["rule"] for one in there["decision"]["held"]] == ["manager_unreachable"]
    assert "pas pu être joints" in there["decision"]["held"][0]["sentence"]
    assert (await types(strict, edit.proposal_id))[-1] == "EditRefused"


async def test_the_setting_is_about_the_unreachable_only(strict: System) -> None:
    nobody = an_edit(proposed_at=now() - LONG_AGO)
    reached = an_edit(public_addresses=1, proposed_at=now() - LONG_AGO)
    await tell(strict, nobody, reached)
    becomes(strict, reached.proposal_id, state="approved")
    # a venue without any manager: nobody was to be told
    becomes(strict, nobody.proposal_id, state="approved")


async def test_notices_of_no_case_or_of_a_decided_one_change_nothing(moderation: System) -> None:
    edit = await opened(moderation, public_addresses=1)
    path = link(edit.proposal_id, f"venue:{edit.venue_id}")
    fill_in(moderation, path, {"choix": "accepter", "champs": ["nom", "horaires"]}, PROGRAM)
    before = found(moderation, edit.proposal_id)
    other = an_edit()
    await tell(moderation, bounced(other, "account:x"), bounced(edit, f"venue:{edit.venue_id}"))
    await wait_for_rows(moderation, "moderation", "notices", 1, case_id=edit.proposal_id)
    assert found(moderation, edit.proposal_id) == before
    eventually(moderation.processes["moderation"].ready)
