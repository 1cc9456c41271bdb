"""Reminders, the deadline and the moment before it runs, and what else ends by itself."""

import datetime as dt
from collections.abc import Iterator
from typing import Any

import pytest

from shared.database import now
from shared.events import FieldChange
from shared.events.moderation import ReviewDeadlineReached, ReviewReminderReached
from tests.harness import Servers, System, eventually
from tests.harness.bus import published, tell
from tests.harness.cases import (
    BROWSER,
    LONG_AGO,
    MODERATOR,
    NOM,
    an_edit,
    decide,
    fill_in,
    found,
    link,
    moderating,
    opened,
    opine,
    post,
    said,
    somebody,
    timers,
    types,
    week_ends,
)
from tests.harness.refusals import refused
from tests.harness.rows import nothing_written, wait_for_rows
from tests.harness.system import token


@pytest.fixture(scope="module")
def stopped(servers: Servers) -> Iterator[System]:
    """Moderation without its relay: timers are due and do not run."""
    with moderating(servers, ROLES="api,consumer") as system:
        yield system


@pytest.fixture(scope="module")
def brief(servers: Servers) -> Iterator[System]:
    """Moderation where nobody keeps a case for long, nor thinks an appeal over."""
    with moderating(servers, ASSIGNMENT_PERIOD="PT2S", APPEAL_WINDOW="PT2S") as system:
        yield system


def logged(system: System, case: str, act: str) -> list[Any]:
    """Those entries of a case's log, once there are any."""

    def check() -> list[Any]:
        entries = system.get("moderation", f"/cases/{case}/log", as_=MODERATOR)["items"]
        return [one for one in entries if one["act"] == act]

    return eventually(check)


async def test_those_who_decide_are_reminded(moderation: System) -> None:
    edit = await opened(
        moderation, public_addresses=1, proposed_at=now() - dt.timedelta(days=3, hours=1)
    )
    # the timer, due before, goes over the bus like any event
    on_the_bus = await published(moderation, "moderation", edit.proposal_id, 3)
    assert {one.type for one in on_the_bus} == {
        "ReviewOpened",
        "ReviewReminderReached",
        "ReviewReminded",
    }
    [entry] = logged(moderation, edit.proposal_id, "remind")
    assert entry["by"] == "timer:reminder-1"
    [_, event] = await said(moderation, edit.proposal_id)
    assert (event.type, event.body["revision"]) == ("ReviewReminded", 1)
    assert (event.body["for_moderators"], event.body["held"]) == (False, [])
    due = await timers(moderation, edit.proposal_id)
    assert {name: at - edit.proposed_at for name, at in due.items()} == {
        f"review-deadline:{edit.proposal_id}": dt.timedelta(days=7),
        f"review-reminder:{edit.proposal_id}:2": dt.timedelta(days=6),
    }


async def test_a_reminder_tells_that_silence_will_not_do(moderation: System) -> None:
    siret = FieldChange(field="pivot", old="1", new="2")
    edit = await opened(moderation, public_addresses=1, changes=[NOM, siret])
    case = edit.proposal_id
    opine(moderation, case, "object", somebody(), "Faux.", fields=["nom"])
    at = edit.proposed_at + dt.timedelta(days=3)
    await tell(moderation, ReviewReminderReached(case_id=case, reminder_at=at, number=1))
    logged(moderation, case, "remind")
    [*_, event] = await said(moderation, case)
    assert event.body["for_moderators"] is True
    assert [(one["rule"], one["fields"]) for one in event.body["held"]] == [
        ("siret", ["pivot"]),
        ("objection", ["nom"]),
    ]


async def test_nobody_is_reminded_of_what_is_decided(moderation: System) -> None:
    edit = await opened(moderation)
    case = edit.proposal_id
    decide(moderation, case, "approve", {})
    at = edit.proposed_at + dt.timedelta(days=3)
    await tell(moderation, ReviewReminderReached(case_id=case, reminder_at=at, number=1))
    await week_ends(moderation, edit)
    await opened(moderation, venue_id=edit.venue_id)
    eventually(moderation.processes["moderation"].ready)
    assert await types(moderation, case) == ["ReviewOpened", "EditApproved"]
    assert found(moderation, case)["decision"]["how"] == "moderator"


async def test_an_earlier_deadline_means_nothing(moderation: System) -> None:
    edit = await opened(moderation)
    early = edit.proposed_at + dt.timedelta(days=6)
    timer = ReviewDeadlineReached(case_id=edit.proposal_id, deadline=early)
    reminder = ReviewReminderReached(case_id=edit.proposal_id, reminder_at=early, number=2)
    # the reminder is behind it: what it leaves shows that the other was read
    await tell(moderation, timer, reminder)
    logged(moderation, edit.proposal_id, "remind")
    assert found(moderation, edit.proposal_id)["state"] == "open"


async def test_between_the_deadline_and_its_timer_a_decision_counts(stopped: System) -> None:
    edit = await opened(stopped, proposed_at=now() - LONG_AGO)
    case = edit.proposal_id
    there = found(stopped, case)
    assert (there["state"], there["about_to_close"]) == ("open", True)
    path = link(case, f"venue:{edit.venue_id}")
    page = stopped.call("GET", "moderation", path, headers=BROWSER).text
    assert "va être close d'un instant à l'autre" in page
    async with nothing_written(stopped, "moderation"):
        for choice in ("support", "object", "abstain"):
            refused(opine(stopped, case, choice, somebody(), "Faux."), 409, "about-to-close")
    assert decide(stopped, case, "refuse", {"reason": "Faux."}).status_code == 200
    # the timer comes too late, and changes nothing
    await week_ends(stopped, edit)
    other = await opened(stopped, venue_id=edit.venue_id)
    there = found(stopped, case)
    assert (there["state"], there["about_to_close"]) == ("refused", False)
    assert there["decision"]["how"] == "moderator"
    assert found(stopped, other.proposal_id)["about_to_close"] is False


async def test_a_manager_may_decide_then_too(stopped: System) -> None:
    edit = await opened(stopped, public_addresses=1, proposed_at=now() - LONG_AGO)
    form = {"choix": "accepter", "champs": ["nom"]}
    path = link(edit.proposal_id, f"venue:{edit.venue_id}")
    assert fill_in(stopped, path, form).status_code == 200
    there = found(stopped, edit.proposal_id)
    assert (there["state"], there["decision"]["how"]) == ("partly_approved", "manager")


async def test_an_author_may_withdraw_or_write_then_too(stopped: System) -> None:
    edit = await opened(stopped, proposed_at=now() - LONG_AGO)
    me = token(edit.author.account_id, "user")
    assert post(stopped, edit.proposal_id, me, text="Je me suis trompée.").status_code == 201
    path = f"/cases/{edit.proposal_id}/withdraw"
    assert stopped.post("moderation", path, {}, as_=me)["state"] == "withdrawn"


async def test_a_late_timer_decides_as_at_the_deadline(stopped: System) -> None:
    edit = await opened(stopped, proposed_at=now() - LONG_AGO)
    await week_ends(stopped, edit)
    await wait_for_rows(stopped, "moderation", "log", 1, case_id=edit.proposal_id, act="decide")
    decision = found(stopped, edit.proposal_id)["decision"]
    assert dt.datetime.fromisoformat(decision["at"]) == edit.proposed_at + dt.timedelta(days=7)
    [entry] = logged(stopped, edit.proposal_id, "decide")
    assert (entry["by"], entry["rule"], entry["seconds"]) == ("timer:deadline", "deadline", 604800)


async def test_a_claimed_case_is_given_back(brief: System) -> None:
    edit = await opened(brief)
    case, bo, ada = edit.proposal_id, token("bo-mod", "moderator"), token("ada-mod", "moderator")
    path = f"/cases/{case}/assignment"
    assert brief.call("PUT", "moderation", path, as_=bo).status_code == 200
    assert [one["by"] for one in logged(brief, case, "release")] == ["timer:assignment"]
    assert found(brief, case)["assignment"] is None
    assert brief.call("PUT", "moderation", path, as_=ada).status_code == 200


async def test_an_appeal_that_comes_too_late(brief: System) -> None:
    edit = await opened(brief)
    case, me = edit.proposal_id, token(edit.author.account_id, "user")
    there = decide(brief, case, "refuse", {"reason": "Faux."}).json()
    assert there["appeal_until"] is not None
    assert [one["by"] for one in logged(brief, case, "close_appeals")] == ["timer:appeal-window"]
    path = f"/cases/{case}/appeal"
    async with nothing_written(brief, "moderation"):
        answer = brief.call("POST", "moderation", path, as_=me, json={"text": "Si."})
        refused(answer, 409, "no-appeal")
    statement = brief.get("moderation", f"/cases/{case}/statement", as_=me)
    assert statement["appeal_until"] is None
    assert not any("réexamine" in one for one in statement["redress"])


async def test_a_lodged_appeal_has_no_end(brief: System) -> None:
    edit = an_edit()
    await tell(brief, edit)
    case, me = edit.proposal_id, token(edit.author.account_id, "user")
    found(brief, case)
    decide(brief, case, "refuse", {"reason": "Faux."})
    brief.post("moderation", f"/cases/{case}/appeal", {"text": "Si."}, as_=me)
    assert f"appeal-window:{case}" not in await timers(brief, case)
