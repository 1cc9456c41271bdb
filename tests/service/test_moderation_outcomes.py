"""Many at once, ready-made reasons, and what else may become of a proposal than a decision."""

from typing import Any

from shared.database import now
from shared.events import FieldChange
from shared.events.directory import (
    EditImproved,
    NewsImproved,
)
from tests.harness import System
from tests.harness.bus import tell
from tests.harness.cases import (
    HORAIRES,
    MODERATOR,
    NOM,
    a_news,
    an_announcement,
    an_edit,
    applied,
    becomes,
    decide,
    found,
    opened,
    opened_all,
    opine,
    said,
    somebody,
    timers,
    types,
    week_ends,
)
from tests.harness.refusals import refused
from tests.harness.rows import nothing_written, wait_for_rows
from tests.harness.system import token


def decide_many(moderation: System, as_: str | None = MODERATOR, **body: Any) -> Any:
    """The answer to a bulk decision."""
    return moderation.call("POST", "moderation", "/cases/decisions", as_=as_, json=body)


async def test_many_decided_with_one_reason(moderation: System) -> None:
    edits = [an_edit() for _ in range(3)]
    reached, changed, own = an_edit(public_addresses=1), an_edit(), an_edit()
    await opened_all(moderation, *edits, reached, changed, own)
    opine(moderation, changed.proposal_id, "object", somebody(), "Faux.")
    mod = token(own.author.account_id, "moderator")
    cases = [{"case_id": one.proposal_id, "revision": 1} for one in (*edits, reached, changed, own)]
    cases += [{"case_id": "absent", "revision": 1}, cases[0]]
    answer = decide_many(
        moderation,
        mod,
        verdict="refuse",
        cases=cases,
        motive="off_topic",
        reason="Merci tout de même.",
    )
    assert answer.status_code == 200, answer.text
    items = answer.json()["items"]
    assert [one["case_id"] for one in items] == [one["case_id"] for one in cases[:7]]
    assert [one["state"] for one in items] == ["refused"] * 3 + [None] * 4
    problems = [one["problem"]["type"].rpartition(":")[2] for one in items[3:]]
    assert problems == ["managers-first", "case-changed", "own-proposal", "case-not-found"]
    assert items[4]["problem"]["changed"][0]["act"] == "object"
    for edit in edits:
        [_, event] = await said(moderation, edit.proposal_id)
        assert event.body["decision"]["reason"] == (
            "Ce contenu ne porte pas sur la médiation numérique. Merci tout de même."
        )
    for edit in (reached, changed, own):
        assert found(moderation, edit.proposal_id)["state"] == "open"


async def test_many_by_one_author_all_count(moderation: System) -> None:
    first = an_edit()
    edits = [first, *(an_edit(author=first.author) for _ in range(4))]
    await opened_all(moderation, *edits)
    cases = [{"case_id": one.proposal_id, "revision": 1} for one in edits]
    assert decide_many(moderation, verdict="approve", cases=cases).status_code == 200
    me = token(first.author.account_id, "user")
    assert moderation.get("moderation", "/contributors/me", as_=me)["accepted"] == 5


async def test_bad_bulk_decisions(moderation: System) -> None:
    edit = await opened(moderation)
    one = {"case_id": edit.proposal_id, "revision": 1}
    bad: list[tuple[dict[str, Any], str, str]] = [
        ({"verdict": "refuse", "cases": []}, "cases", "too_short"),
        ({"verdict": "refuse", "cases": [one] * 101}, "cases", "too_long"),
        ({"verdict": "close", "cases": [one]}, "verdict", "literal_error"),
        ({"verdict": "refuse", "cases": [one], "motive": "bof"}, "motive", "literal_error"),
        ({"verdict": "refuse", "cases": [{"case_id": "x"}]}, "cases.0.revision", "missing"),
        ({"verdict": "approve", "cases": [one], "fields": ["nom"]}, "fields", "extra_forbidden"),
    ]
    async with nothing_written(moderation, "moderation"):
        for body, field, rule in bad:
            refused(decide_many(moderation, **body), 422, "invalid-input", (field, rule))
        refused(
            decide_many(moderation, somebody(), verdict="approve", cases=[one]), 403, "not-allowed"
        )
        refused(
            decide_many(moderation, None, verdict="approve", cases=[one]), 401, "not-authenticated"
        )
        [item] = decide_many(moderation, verdict="refuse", cases=[one]).json()["items"]
        assert item["problem"]["type"] == "urn:mednum:problem:invalid-input"


async def test_motives_are_in_french_and_can_be_completed(moderation: System) -> None:
    ready = moderation.get("moderation", "/motives", as_=somebody())
    assert len(ready["motives"]) >= 10
    assert ready["motives"]["already_right"] == "L'information en ligne est déjà juste."
    assert ready["messages"]["source"].endswith("?")
    refused(moderation.call("GET", "moderation", "/motives"), 401, "not-authenticated")
    edit = await opened(moderation)
    decide(moderation, edit.proposal_id, "refuse", {"motive": "already_right"})
    reason = found(moderation, edit.proposal_id)["decision"]["reason"]
    assert reason == "L'information en ligne est déjà juste."


async def test_authors_take_their_proposal_back(moderation: System) -> None:
    edit = await opened(moderation)
    case, me = edit.proposal_id, token(edit.author.account_id, "user")
    path = f"/cases/{case}/withdraw"
    async with nothing_written(moderation, "moderation"):
        for other in (MODERATOR, somebody()):
            answer = moderation.call("POST", "moderation", path, as_=other)
            refused(answer, 403, "not-the-author")
    assert moderation.post("moderation", path, {}, as_=me)["state"] == "withdrawn"
    [_, event] = await said(moderation, case)
    assert (event.type, event.body["revision"]) == ("ProposalWithdrawn", 2)
    assert await timers(moderation, case) == {}
    async with nothing_written(moderation, "moderation"):
        answer = moderation.call("POST", "moderation", path, as_=me)
        assert refused(answer, 409, "already-decided")["state"] == "withdrawn"
        refused(decide(moderation, case, "approve", {}), 409, "already-decided")
        refused(opine(moderation, case, "object", somebody(), "Non."), 409, "already-decided")
    await week_ends(moderation, edit)
    last = await opened(moderation, venue_id=edit.venue_id)
    assert found(moderation, case)["state"] == "withdrawn", last
    call = an_announcement()
    await tell(moderation, call)
    found(moderation, call.announcement_id)
    path = f"/cases/{call.announcement_id}/withdraw"
    answer = moderation.call("POST", "moderation", path, as_=somebody())
    refused(answer, 404, "case-not-found")


async def test_a_corrected_proposal_takes_the_place_of_the_first(moderation: System) -> None:
    first = await opened(moderation)
    second = await opened(
        moderation, venue_id=first.venue_id, author=first.author, replaces=first.proposal_id
    )
    there = found(moderation, first.proposal_id)
    assert (there["state"], there["superseded_by"]) == ("superseded", second.proposal_id)
    assert await timers(moderation, first.proposal_id) == {}
    [_, event] = await said(moderation, first.proposal_id)
    assert (event.type, event.body["by"]) == ("ProposalSuperseded", second.proposal_id)
    refused(decide(moderation, first.proposal_id, "approve", {}), 409, "already-decided")
    # nobody takes the place of what others proposed, or of what is decided
    other = await opened(moderation, venue_id=first.venue_id, replaces=second.proposal_id)
    assert found(moderation, second.proposal_id)["state"] == "open"
    decide(moderation, other.proposal_id, "approve", {})
    await opened(moderation, author=other.author, replaces=other.proposal_id)
    assert found(moderation, other.proposal_id)["state"] == "approved"


async def test_a_better_edit_is_decided_instead(moderation: System) -> None:
    edit = await opened(moderation)
    case = edit.proposal_id
    better = FieldChange(field="horaires", old=HORAIRES.old, new="Mo-Sa 10:00-17:00")

    def improved(revision: int, *changes: FieldChange) -> EditImproved:
        return EditImproved(
            venue_id=edit.venue_id,
            proposal_id=case,
            proposal_revision=revision,
            improved_by="account:ada",
            improved_at=now(),
            changes=list(changes),
        )

    await tell(moderation, improved(3, better), improved(2, NOM))
    await opened(moderation, venue_id=edit.venue_id)
    there = becomes(moderation, case, proposal_revision=3)
    assert (there["revision"], [one["new"] for one in there["changes"]]) == (2, [better.new])
    opine(moderation, case, "object", somebody(), "Faux.")
    answer = decide(moderation, case, "approve", {}, revision=1)
    changed = refused(answer, 409, "case-changed")["changed"]
    assert [one["act"] for one in changed] == ["improve", "object"]
    decide(moderation, case, "approve", {})
    [*_, event] = await said(moderation, case)
    assert (event.body["fields"], event.body["proposal_revision"]) == (["horaires"], 3)
    await tell(moderation, improved(4, NOM))
    await opened(moderation, venue_id=edit.venue_id)
    assert found(moderation, case)["proposal_revision"] == 3


async def test_a_better_news_item_is_decided_instead(moderation: System) -> None:
    news = a_news()
    improved = NewsImproved(
        venue_id=news.venue_id,
        proposal_id=news.proposal_id,
        proposal_revision=2,
        improved_by="account:ada",
        improved_at=now(),
        titre="Atelier numérique",
        texte="Apprendre à scanner.",
    )
    await tell(moderation, news, improved)
    there = becomes(moderation, news.proposal_id, proposal_revision=2)
    assert (there["text"], there["link"]) == ("Atelier numérique\n\nApprendre à scanner.", None)
    decide(moderation, news.proposal_id, "approve", {})
    [*_, event] = await said(moderation, news.proposal_id)
    assert (event.type, event.body["proposal_revision"]) == ("NewsApproved", 2)


async def test_an_edit_of_which_nothing_could_be_applied_has_failed(moderation: System) -> None:
    lost, partly = await opened(moderation), await opened(moderation)
    for edit in (lost, partly):
        decide(moderation, edit.proposal_id, "approve", {})
    await tell(
        moderation,
        applied(partly, conflicts=["nom"], unchanged=["horaires"]),
        applied(lost, conflicts=["nom", "horaires"], unchanged=[]),
    )
    there = becomes(moderation, lost.proposal_id, state="failed")
    assert there["decision"]["how"] == "moderator"
    await wait_for_rows(
        moderation, "moderation", "log", 1, case_id=lost.proposal_id, act="conflict"
    )
    assert found(moderation, partly.proposal_id)["state"] == "approved"
    assert await types(moderation, lost.proposal_id) == ["ReviewOpened", "EditApproved"]
    body = {"revision": there["revision"], "reason": "Faux."}
    path = f"/cases/{lost.proposal_id}/revert"
    answer = moderation.call("POST", "moderation", path, as_=MODERATOR, json=body)
    refused(answer, 409, "nothing-to-revert")


async def test_half_of_a_position_is_not_accepted(moderation: System) -> None:
    moved = [
        FieldChange(field="latitude", old=44.7, new=44.71),
        FieldChange(field="longitude", old=5.3, new=5.31),
    ]
    edit = await opened(moderation, changes=[NOM, *moved])
    async with nothing_written(moderation, "moderation"):
        answer = decide(moderation, edit.proposal_id, "approve", {"fields": ["nom", "latitude"]})
        refused(answer, 422, "invalid-input", ("fields", "together"))
    fields = ["latitude", "longitude"]
    there = decide(moderation, edit.proposal_id, "approve", {"fields": fields}).json()
    assert there["approved_fields"] == fields
