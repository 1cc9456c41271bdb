"""Shortcuts, online at once and reversible; and how trust is earned, lost and explained."""

import pytest

from shared.events import Author, FieldChange, FieldValue
from shared.events.directory import EditProposed
from tests.harness import System
from tests.harness.bus import tell
from tests.harness.cases import (
    HORAIRES,
    MODERATOR,
    an_edit,
    decide,
    found,
    managed,
    opened,
    opened_all,
    said,
    timers,
)
from tests.harness.refusals import refused
from tests.harness.rows import nothing_written
from tests.harness.system import token

EMPTY = FieldChange(field="telephone", old=None, new="+33465710099")


def record(moderation: System, account: str) -> dict[str, object]:
    """What somebody's record says to them."""
    found: dict[str, object] = moderation.get(
        "moderation", "/contributors/me", as_=token(account, "user")
    )
    return found


async def propose_and_decide(moderation: System, author: Author, *accepted: bool) -> None:
    """Have an author's edits decided by a moderator, in this order."""
    edits = [an_edit(author=author, changes=[HORAIRES]) for _ in accepted]
    await opened_all(moderation, *edits)
    for edit, yes in zip(edits, accepted, strict=True):
        verdict, body = ("approve", {}) if yes else ("refuse", {"motive": "not_verified"})
        assert decide(moderation, edit.proposal_id, verdict, body).status_code == 200


@pytest.fixture
async def trusted(moderation: System) -> Author:
    """Somebody with ten accepted proposals."""
    author = Author(account_id=an_edit().author.account_id, name="Ada")
    await propose_and_decide(moderation, author, *[True] * 10)
    return author


TYPOGRAPHY: dict[str, tuple[str, FieldValue, FieldValue]] = {
    "case": ("nom", "MEDIATHEQUE de Die", "Mediatheque de Die"),
    "punctuation": ("adresse", "4, place de la Fontaine", "4 place de la Fontaine"),
    "spaces": ("presentation_resume", "Ouvert  à tous .", "Ouvert à tous."),
}


@pytest.mark.parametrize("what", TYPOGRAPHY)
async def test_typography_is_online_at_once(moderation: System, what: str) -> None:
    field, old, new = TYPOGRAPHY[what]
    change = FieldChange(field=field, old=old, new=new)
    edit = await opened(moderation, public_addresses=1, changes=[change])
    there = found(moderation, edit.proposal_id)
    assert there["state"] == "approved"
    decision = there["decision"]
    assert (decision["how"], decision["by"], decision["rule"]) == ("shortcut", None, "typography")
    assert "ponctuation" in decision["reason"]
    [approved] = await said(moderation, edit.proposal_id)
    assert (approved.type, approved.body["decision"]["how"]) == ("EditApproved", "shortcut")
    assert await timers(moderation, edit.proposal_id) == {}
    # it earns nothing
    assert record(moderation, edit.author.account_id)["accepted"] == 0


NO_TYPOGRAPHY: dict[str, tuple[str, FieldValue, FieldValue]] = {
    "accents": ("nom", "Mediathèque", "Médiathèque"),
    "numbers": ("adresse", "4-6 rue Haute", "46 rue Haute"),
    "hours": ("horaires", "Mo-Fr 09:00-12:00", "Mo,Fr 09:00-12:00"),
    "a list": ("typologies", ["ASSO"], ["asso"]),
    "from nothing": ("nom", "", "."),
}


@pytest.mark.parametrize("what", NO_TYPOGRAPHY)
async def test_what_is_no_typography_waits(moderation: System, what: str) -> None:
    field, old, new = NO_TYPOGRAPHY[what]
    edit = await opened(moderation, changes=[FieldChange(field=field, old=old, new=new)])
    assert found(moderation, edit.proposal_id)["state"] == "open"


async def test_one_real_change_makes_all_of_it_wait(moderation: System) -> None:
    dot = FieldChange(field="nom", old="Médiathèque.", new="Médiathèque")
    edit = await opened(moderation, changes=[dot, HORAIRES])
    assert found(moderation, edit.proposal_id)["state"] == "open"


async def test_a_shortcut_can_be_undone_by_moderators_and_managers(moderation: System) -> None:
    dot = FieldChange(field="nom", old="Médiathèque.", new="Médiathèque")
    first = await opened(moderation, changes=[dot])
    body = {"revision": 2, "reason": "Le point est voulu."}
    path = f"/cases/{first.proposal_id}/revert"
    there = moderation.post("moderation", path, body, as_=MODERATOR)
    assert there["reverted"]["reason"] == "Le point est voulu."
    second = await opened(moderation, changes=[dot])
    await managed(moderation, second.venue_id, 1, "ada-s")
    path = f"/cases/{second.proposal_id}/revert"
    there = moderation.post("moderation", path, body, as_=token("ada-s", "user"))
    assert there["reverted"]
    [*_, event] = await said(moderation, second.proposal_id)
    assert (event.type, event.body["by"]) == ("ApprovalReverted", "account:ada-s")


async def test_only_the_trusted_fill_empty_fields_at_once(
    moderation: System, trusted: Author
) -> None:
    anybody = await opened(moderation, changes=[EMPTY])
    assert found(moderation, anybody.proposal_id)["state"] == "open"

    mine = record(moderation, trusted.account_id)
    assert (mine["trusted"], mine["accepted"], mine["refused"]) == (True, 10, 0)
    assert "tout de suite" in str(mine["why"])
    dot = FieldChange(field="nom", old="Médiathèque.", new="Médiathèque")
    at_once = await opened(moderation, author=trusted, changes=[EMPTY, dot], public_addresses=1)
    decision = found(moderation, at_once.proposal_id)["decision"]
    assert (decision["how"], decision["rule"]) == ("shortcut", "empty_field")

    mail = FieldChange(field="courriels", withheld=True)
    siret = FieldChange(field="pivot", old=None, new="99912345600017")
    for changes in ([EMPTY, HORAIRES], [EMPTY, mail], [siret]):
        waits = await opened(moderation, author=trusted, changes=changes)
        assert found(moderation, waits.proposal_id)["state"] == "open", changes


async def test_trust_is_lost_by_refusals_and_says_why(moderation: System, trusted: Author) -> None:
    await propose_and_decide(moderation, trusted, False)
    assert record(moderation, trusted.account_id)["trusted"] is True
    await propose_and_decide(moderation, trusted, False)
    mine = record(moderation, trusted.account_id)
    assert (mine["trusted"], mine["refused"]) == (False, 2)
    assert str(mine["why"]).startswith("2 de vos 10 dernières propositions n'ont pas été retenues.")
    waits = await opened(moderation, author=trusted, changes=[EMPTY])
    assert found(moderation, waits.proposal_id)["state"] == "open"
    decide(moderation, waits.proposal_id, "approve", {})
    # what is undone afterwards was no gain
    path = f"/cases/{waits.proposal_id}/revert"
    moderation.post("moderation", path, {"revision": 2, "reason": "Faux."}, as_=MODERATOR)
    assert record(moderation, trusted.account_id)["refused"] == 3


async def test_trust_is_not_earned_by_ones_own_word(moderation: System) -> None:
    author = Author(account_id=an_edit().author.account_id)
    await tell(moderation, *(an_edit(author=author, author_is_manager=True) for _ in range(3)))
    last: EditProposed = await opened(moderation, author=author, changes=[HORAIRES])
    assert record(moderation, author.account_id)["accepted"] == 0
    await managed(moderation, last.venue_id, 1, author.account_id)
    me = token(author.account_id, "user")
    assert decide(moderation, last.proposal_id, "approve", {}, me).status_code == 200
    mine = record(moderation, author.account_id)
    assert (mine["accepted"], mine["since"], mine["new"]) == (0, None, True)
    assert str(mine["why"]).startswith("Encore 10 propositions")


async def test_a_record_is_its_owners(moderation: System) -> None:
    async with nothing_written(moderation, "moderation"):
        refused(moderation.call("GET", "moderation", "/contributors/me"), 401, "not-authenticated")
        nobody = record(moderation, "nobody-knows")
    assert (nobody["accepted"], nobody["refused"], nobody["trusted"]) == (0, 0, False)
