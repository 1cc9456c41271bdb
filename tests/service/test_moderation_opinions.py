"""People who do not decide support, object or pass by; an objection brings a case to a person."""

from typing import Any

import pytest

from shared.database import now
from shared.events.contacts import AccountContactChanged
from shared.events.directory import EditImproved, EditProposed
from tests.harness import System
from tests.harness.bus import tell
from tests.harness.cases import (
    HORAIRES,
    LONG_AGO,
    MODERATOR,
    NOM,
    a_claim,
    a_news,
    a_report,
    an_announcement,
    becomes,
    decide,
    found,
    managed,
    opened,
    opened_all,
    opine,
    said,
    somebody,
    types,
    week_ends,
)
from tests.harness.refusals import refused
from tests.harness.rows import nothing_written, wait_for_rows
from tests.harness.system import token


@pytest.fixture
async def edit(moderation: System) -> EditProposed:
    """An open case of a venue that can be reached."""
    return await opened(moderation, public_addresses=1)


async def test_opinions_count_and_replace_each_other(
    moderation: System, edit: EditProposed
) -> None:
    case, lea, bo = edit.proposal_id, somebody("lea"), somebody("bo")
    assert opine(moderation, case, "support", lea).status_code == 200
    assert opine(moderation, case, "abstain", bo).json()["your_opinion"] == "abstain"
    there = opine(moderation, case, "support", bo, "J'y étais hier.", fields=["horaires"]).json()
    assert there["opinions"] == {"support": 2, "object": 0, "abstain": 0}
    assert (there["your_opinion"], there["contested"], there["revision"]) == ("support", False, 4)
    # who said what is for moderators
    inside = found(moderation, case)["said"]
    assert [one["choice"] for one in inside] == ["support", "support"]
    assert (inside[1]["reason"], inside[1]["fields"]) == ("J'y étais hier.", ["horaires"])
    assert inside[1]["account_id"].startswith("bo-")
    author = found(moderation, case, token(edit.author.account_id, "user"))["said"]
    assert [one["account_id"] for one in author] == [None, None]
    assert await types(moderation, case) == ["ReviewOpened"]


async def test_an_objection_goes_to_the_manager_at_once(
    moderation: System, edit: EditProposed
) -> None:
    case, bo = edit.proposal_id, somebody("bo")
    opine(moderation, case, "support", bo)
    there = opine(moderation, case, "object", bo, "Fermé le samedi.", fields=["horaires"]).json()
    assert (there["contested"], there["deadline"]) == (True, found(moderation, case)["deadline"])
    _, escalated = await said(moderation, case)
    assert (escalated.type, escalated.body["revision"]) == ("ReviewEscalated", 3)
    assert (escalated.body["why"], escalated.body["objection"]) == ("contested", "Fermé le samedi.")
    # the manager can be reached: the mail is theirs, moderators may decide all the same
    assert escalated.body["for_moderators"] is False
    assert escalated.body["public_addresses"] == 1
    assert "bo-" not in str(escalated.body)
    opine(moderation, case, "object", somebody(), "Moi non plus.")
    # each is heard once
    opine(moderation, case, "support", bo)
    opine(moderation, case, "object", bo, "Fermé le samedi.")
    heard = ["ReviewOpened", "ReviewEscalated", "ReviewEscalated"]
    assert await types(moderation, case) == heard

    assert decide(moderation, case, "refuse", {"reason": "Fermé."}).status_code == 200
    assert found(moderation, case)["decision"]["how"] == "moderator"


async def test_an_objection_goes_to_moderators_where_nobody_is_reached(moderation: System) -> None:
    edit = await opened(moderation)
    opine(moderation, edit.proposal_id, "object", somebody(), "Faux.")
    [_, escalated] = await said(moderation, edit.proposal_id)
    assert (escalated.body["why"], escalated.body["for_moderators"]) == ("contested", True)
    assert escalated.body["managers"] == []


async def test_an_objection_taken_back_gives_silence_its_word_again(
    moderation: System, edit: EditProposed
) -> None:
    case, bo = edit.proposal_id, somebody("bo")
    opine(moderation, case, "object", bo, "Faux.")
    assert opine(moderation, case, "abstain", bo).json()["contested"] is False
    refused(decide(moderation, case, "approve", {}), 403, "managers-first")
    await week_ends(moderation, edit)
    becomes(moderation, case, state="approved")


OBJECTIONS: dict[str, tuple[dict[str, Any], str, list[str], list[str]]] = {
    "to a field": ({"fields": ["nom"]}, "partly_approved", ["horaires"], ["nom"]),
    "to all fields": ({"fields": ["nom", "horaires"]}, "refused", [], ["horaires", "nom"]),
    "to the whole": ({}, "refused", [], ["horaires", "nom"]),
}


@pytest.mark.parametrize("which", OBJECTIONS)
async def test_at_the_limit_what_is_objected_to_is_left_out(
    moderation: System, edit: EditProposed, which: str
) -> None:
    about, state, approved, left_out = OBJECTIONS[which]
    case = edit.proposal_id
    assert opine(moderation, case, "object", somebody(), "Faux.", **about).status_code == 200
    await week_ends(moderation, edit)
    there = becomes(moderation, case, state=state)
    assert (there["approved_fields"], there["refused_fields"]) == (approved, left_out)
    [held] = there["decision"]["held"]
    assert (held["rule"], held["fields"]) == ("objection", about.get("fields", []))
    assert "objection" in held["sentence"]
    assert there["decision"]["reason"] is None
    outcome = (await said(moderation, case))[-1]
    assert outcome.type == ("EditRefused" if state == "refused" else "EditApproved")
    assert outcome.body["decision"]["held"] == [held]
    # what nobody answered costs its author nothing
    me = token(edit.author.account_id, "user")
    record = moderation.get("moderation", "/contributors/me", as_=me)
    assert (record["accepted"], record["refused"]) == (int(state != "refused"), 0)


async def test_a_contested_news_item_is_not_published(moderation: System) -> None:
    news = a_news()
    await opened_all(moderation, news)
    answer = opine(moderation, news.proposal_id, "object", somebody(), "Annulé.", fields=["titre"])
    refused(answer, 422, "invalid-input", ("fields", "unknown_field"))
    assert opine(moderation, news.proposal_id, "object", somebody(), "Annulé.").is_success
    await week_ends(moderation, news)
    becomes(moderation, news.proposal_id, state="refused")
    assert (await types(moderation, news.proposal_id))[-1] == "NewsRefused"


async def test_nobody_judges_their_own_proposal(moderation: System) -> None:
    edit = await opened(moderation)
    case, author = edit.proposal_id, edit.author.account_id
    own = token(author, "user", created_at=int((now() - LONG_AGO * 4).timestamp()))
    async with nothing_written(moderation, "moderation"):
        for choice in ("support", "object", "abstain"):
            refused(opine(moderation, case, choice, own, "Oui."), 403, "own-proposal")


async def test_nor_from_another_account_with_the_same_address(moderation: System) -> None:
    edit = await opened(moderation)
    case, author, second = edit.proposal_id, edit.author.account_id, f"{edit.author.account_id}-2"
    address = f"{author}@courriel.example.org"
    contact = AccountContactChanged(account_id=author, email=address, changed_at=now() - LONG_AGO)
    await tell(moderation, contact)
    await wait_for_rows(moderation, "moderation", "contributors", 1, _id=author)
    other = "  " + address.upper().replace("@", "+forum@")
    old = int((now() - LONG_AGO * 4).timestamp())
    by_token = token(second, "user", "moderator", email=other.strip(), created_at=old)
    async with nothing_written(moderation, "moderation"):
        refused(opine(moderation, case, "support", by_token), 403, "own-proposal")
        refused(decide(moderation, case, "approve", {}, by_token), 403, "own-proposal")
    assert found(moderation, case, by_token)["you_may_decide"] is False

    # the same person by an event, with a token that tells no address
    without = token(second, "user", created_at=old)
    same = AccountContactChanged(account_id=second, email=address, changed_at=now() - LONG_AGO)
    await tell(moderation, same)
    await wait_for_rows(moderation, "moderation", "contributors", 1, _id=second)
    async with nothing_written(moderation, "moderation"):
        refused(opine(moderation, case, "object", without, "Non."), 403, "own-proposal")
    assert opine(moderation, case, "support", somebody(email="x@courriel.example.org")).is_success


async def test_no_address_is_kept(moderation: System) -> None:
    account, address = f"ada-{now().timestamp():.0f}", "Ada@courriel.example.org"
    await tell(
        moderation, AccountContactChanged(account_id=account, email=address, changed_at=now())
    )
    await wait_for_rows(moderation, "moderation", "contributors", 1, _id=account)
    log = moderation.processes["moderation"].log
    assert address.lower() not in log.lower()


async def test_new_accounts_propose_and_pass_by_only(
    moderation: System, edit: EditProposed
) -> None:
    case = edit.proposal_id
    yesterday = int((now() - LONG_AGO / 8).timestamp())
    for new in (token("new", "user"), token("new-2", "user", created_at=yesterday)):
        async with nothing_written(moderation, "moderation"):
            body = refused(opine(moderation, case, "support", new), 403, "account-too-new")
            assert "14 jours" in body["detail"]
            refused(opine(moderation, case, "object", new, "Faux."), 403, "account-too-new")
        assert opine(moderation, case, "abstain", new).status_code == 200
    # its own word on its age cannot be later than what is known
    known = f"known-{case[:8]}"
    contact = AccountContactChanged(
        account_id=known, email=f"{known}@courriel.example.org", changed_at=now() - LONG_AGO * 2
    )
    await tell(moderation, contact)
    await wait_for_rows(moderation, "moderation", "contributors", 1, _id=known)
    assert opine(moderation, case, "support", token(known, "user")).status_code == 200
    assert found(moderation, case)["by_new_account"] is True


async def test_ten_accepted_proposals_end_being_new(moderation: System, edit: EditProposed) -> None:
    edits = [edit.model_copy(update={"proposal_id": f"{edit.proposal_id}-{n}"}) for n in range(10)]
    edits = [one.model_copy(update={"public_addresses": 0}) for one in edits]
    await opened_all(moderation, *edits)
    subject = await opened(moderation)
    me = token(edit.author.account_id, "user")
    for one in edits:
        refused(opine(moderation, subject.proposal_id, "support", me), 403, "account-too-new")
        assert decide(moderation, one.proposal_id, "approve", {}).status_code == 200
    record = moderation.get("moderation", "/contributors/me", as_=me)
    assert (record["since"], record["accepted"], record["new"]) == (None, 10, False)
    assert opine(moderation, subject.proposal_id, "support", me).status_code == 200


async def test_bad_opinions(moderation: System, edit: EditProposed) -> None:
    bo = somebody()
    bodies: list[tuple[dict[str, Any], str, str]] = [
        ({"choice": "object"}, "reason", "missing"),
        ({"choice": "object", "reason": " \n"}, "reason", "missing"),
        ({"choice": "object", "reason": "é" * 2001}, "reason", "string_too_long"),
        ({"choice": "like"}, "choice", "literal_error"),
        ({"reason": "Oui."}, "choice", "missing"),
        ({"choice": "support", "fields": ["couleur"]}, "fields", "unknown_field"),
        ({"choice": "support", "fields": []}, "fields", "too_short"),
        ({"choice": "support", "revision": 1}, "revision", "extra_forbidden"),
    ]
    path = f"/cases/{edit.proposal_id}/opinion"
    async with nothing_written(moderation, "moderation"):
        for body, field, rule in bodies:
            answer = moderation.call("PUT", "moderation", path, as_=bo, json=body)
            refused(answer, 422, "invalid-input", (field, rule))
        refused(opine(moderation, "absent", "support", bo), 404, "case-not-found")
        answer = moderation.call("PUT", "moderation", path, json={"choice": "support"})
        refused(answer, 401, "not-authenticated")


async def test_opinions_are_on_open_edits_and_news_only(
    moderation: System, edit: EditProposed
) -> None:
    await managed(moderation, edit.venue_id, 1, "ada-o")
    ada = token("ada-o", "user")
    assert decide(moderation, edit.proposal_id, "approve", {}, ada).is_success
    announcement, claim, report = an_announcement(), a_claim(), a_report()
    await tell(moderation, announcement, claim, report)
    hidden = (announcement.announcement_id, claim.claim_id, report.report_id)
    for case in hidden:
        found(moderation, case)
    async with nothing_written(moderation, "moderation"):
        late = opine(moderation, edit.proposal_id, "object", somebody(), "Faux.")
        assert refused(late, 409, "already-decided")["how"] == "manager"
        for case in hidden:
            for reader in (somebody(), MODERATOR):
                refused(opine(moderation, case, "support", reader), 404, "case-not-found")


async def test_an_objection_falls_with_the_field_it_is_about(
    moderation: System, edit: EditProposed
) -> None:
    case = edit.proposal_id
    opine(moderation, case, "object", somebody(), "Faux.", fields=["nom"])
    opine(moderation, case, "support", somebody(), fields=["horaires"])
    assert NOM.field not in [HORAIRES.field]
    improved = EditImproved(
        venue_id=edit.venue_id,
        proposal_id=case,
        proposal_revision=2,
        improved_by="account:ada",
        improved_at=now(),
        changes=[HORAIRES],
    )
    await tell(moderation, improved)
    there = becomes(moderation, case, proposal_revision=2)
    assert (there["contested"], there["opinions"]["support"]) == (False, 1)
