"""Pairs of sheets that moderators look at, and venues that become one, and two again."""

import itertools
import random
from typing import Any
from urllib.parse import urlsplit
from uuid import uuid4

import pytest

from services.directory.domain.venues import day
from services.directory.use_cases.duplicates import Found, find
from shared.database import now
from shared.events import Author
from shared.events.moderation import ApprovalReverted, ClaimApproved, Decision, EditApproved
from tests.harness import System, eventually
from tests.harness.bus import published, tell
from tests.harness.refusals import refused
from tests.harness.rows import database, nothing_written, rows
from tests.harness.stories import Person, applied, history, propose, sheet, state
from tests.harness.system import token
from tests.harness.venues import csv_of, row

MO = token("mo", "moderator")
HOURS = "Mo-Sa 10:00-18:00"
OTHER_HOURS = "Tu 14:00-18:00"
COMMUNES = itertools.count(1)
MOVED = {"adresse": "4 pl. Fontaine", "latitude": "45.1", "longitude": "5.3"}


def place() -> dict[str, str]:
    """A commune that no other test has, with a phone and a door of its own."""
    code = f"33{next(COMMUNES):03d}"
    return {
        "commune": f"Commune {uuid4().hex[:8]}",
        "code_insee": code,
        "code_postal": code,
        "latitude": f"{random.uniform(42, 50):.5f}",
        "longitude": f"{random.uniform(-1, 7):.5f}",
        "telephone": f"+334{random.randrange(10**8):08d}",
    }


def two_sheets(system: System, **second: str) -> tuple[str, str]:
    """One venue that two sheets tell of; their ids."""
    where = place()
    one, other = row(**where), row(**{**where, "nom": "MEDIATHEQUE LES TILLEULS", **second})
    system.import_venues(csv_of(one, other))
    return one["id"], other["id"]


async def run(system: System) -> Found:
    """Compare the whole directory, as the command does."""
    async with database(system, "directory") as there:
        return await find(there)


def pair_of(system: System, venue: str) -> Any:
    """The only pair that a venue is one of, once the index has both."""
    path = f"/venues/{venue}/duplicates"
    [pair] = eventually(lambda: system.post("directory", path, {}, as_=MO)["items"])
    return pair


def shown(system: System, pair: str) -> Any:
    """A pair as moderators see it."""
    return system.get("directory", f"/duplicates/{pair}", as_=MO)


def listed(system: System, state: str = "open", **query: str) -> list[Any]:
    """All pairs of a list, read part by part."""
    items: list[Any] = []
    asked = {"state": state, "limit": "2", **query}
    while True:
        path = "/duplicates?" + "&".join(f"{name}={value}" for name, value in asked.items())
        page = system.get("directory", path, as_=MO)
        items += page["items"]
        if not page["next"]:
            return items
        asked["after"] = page["next"]


def merge(system: System, this: str, other: str, **choices: str) -> Any:
    """Merge a venue into another, as they are now."""
    body = {
        "other": other,
        "revision": sheet(system, this)["revision"],
        "other_revision": sheet(system, other)["revision"],
        "choices": choices,
    }
    return system.post("directory", f"/venues/{this}/merges", body, as_=MO)


def found_in(system: System, commune: str) -> list[str]:
    """The venues that a search of a commune finds."""
    found = system.get("directory", f"/venues?commune={commune}")["items"]
    return sorted(one["id"] for one in found)


def undo(system: System, this: str, done: Any) -> Any:
    """Make two venues again."""
    return system.post("directory", f"/venues/{this}/merges/{done['id']}/undo", {}, as_=MO)


def approved(proposal: str, venue: str, person: Person) -> EditApproved:
    """What moderation says of an edit."""
    return EditApproved(
        case_id=proposal,
        venue_id=venue,
        revision=2,
        title="Médiathèque",
        author=Author(account_id=person.id),
        decision=Decision(how="moderator", by="account:mo", at=now()),
        fields=["horaires"],
        proposal_revision=1,
    )


def said(one: Any) -> dict[str, Any]:
    """A sheet without what counts its revisions."""
    return {name: one[name] for name in ("fiche", "provenance", "sources", "absent_from_source")}


async def test_a_run_finds_pairs_and_leaves_decided_ones_alone(directory: System) -> None:
    first, second = two_sheets(directory)
    assert (await run(directory)).new >= 1
    [pair] = [one for one in listed(directory) if first in (one["left"]["id"], one["right"]["id"])]
    assert {pair["left"]["id"], pair["right"]["id"]} == {first, second}
    assert pair["match"]
    assert "même téléphone" in pair["reasons"]
    body = {"decision": "distinct", "reason": "Deux étages."}
    decided = directory.post("directory", f"/duplicates/{pair['id']}/decision", body, as_=MO)
    assert decided["state"] == "distinct"
    [decision] = decided["decisions"]
    assert (decision["by"], decision["reason"]) == ("account:mo", "Deux étages.")
    await run(directory)
    assert shown(directory, pair["id"]) == decided
    assert pair["id"] in [one["id"] for one in listed(directory, "distinct")]
    assert pair["id"] not in [one["id"] for one in listed(directory)]


async def test_the_same_directory_twice_changes_no_pair(directory: System) -> None:
    two_sheets(directory)
    await run(directory)
    async with nothing_written(directory, "directory"):
        again = await run(directory)
    assert (again.new, again.changed, again.closed) == (0, 0, 0)
    assert again.alike > 0


async def test_a_run_closes_what_no_longer_looks_alike(directory: System) -> None:
    first, second = two_sheets(directory)
    await run(directory)
    pair = pair_of(directory, first)
    cells = {"nom": "Mairie", "adresse": "1 rue Basse", "telephone": "", "latitude": "48.1"}
    person = Person("ana")
    edit = propose(directory, person, second, horaires=HOURS)
    changed = row(**{**place(), **cells, "id": second, "date_maj": "2026-01-01"})
    directory.call(
        "POST",
        "directory",
        f"/imports?source={first}",
        as_=token("admin", "admin"),
        content=csv_of(row(id=first), changed),
        headers={"Content-Type": "text/csv"},
    )
    assert (await run(directory)).closed >= 1
    assert shown(directory, pair["id"])["state"] == "closed"
    assert state(directory, person, edit) == "waiting"


def test_a_list_is_read_in_parts_and_by_departement(directory: System) -> None:
    pairs = [pair_of(directory, two_sheets(directory)[0])["id"] for _ in range(3)]
    here = [one["id"] for one in listed(directory, departement="33")]
    assert {*pairs} <= {*here}
    assert len({*here}) == len(here)
    scores = [one["score"] for one in listed(directory, departement="33")]
    assert scores == sorted(scores, reverse=True)
    assert not {*pairs} & {one["id"] for one in listed(directory, departement="26")}


def test_a_cursor_of_another_list_is_refused(directory: System) -> None:
    for _ in range(3):
        pair_of(directory, two_sheets(directory)[0])
    page = directory.get("directory", "/duplicates?limit=1&departement=33", as_=MO)
    path = f"/duplicates?departement=26&after={page['next']}"
    refused(
        directory.call("GET", "directory", path, as_=MO), 422, "invalid-input", ("after", "cursor")
    )


def test_duplicates_are_for_moderators(directory: System) -> None:
    first, second = two_sheets(directory)
    pair = pair_of(directory, first)["id"]
    done = {"other": second, "revision": 1, "other_revision": 1}
    asked: list[tuple[str, str, Any]] = [
        ("GET", "/duplicates", None),
        ("GET", f"/duplicates/{pair}", None),
        ("POST", f"/duplicates/{pair}/decision", {"decision": "same"}),
        ("POST", f"/venues/{first}/duplicates", None),
        ("POST", f"/venues/{first}/merges/preview", {"other": second}),
        ("POST", f"/venues/{first}/merges", done),
        ("POST", f"/venues/{first}/merges/x/undo", None),
    ]
    for method, path, body in asked:
        answer = directory.call(method, "directory", path, as_=Person("ana").token, json=body)
        refused(answer, 403, "not-allowed")


async def test_a_preview_proposes_and_writes_nothing(directory: System) -> None:
    first, second = two_sheets(directory, horaires=HOURS, date_maj="2025-05-01", **MOVED)
    async with nothing_written(directory, "directory"):
        body = {"other": second}
        shown = directory.post("directory", f"/venues/{first}/merges/preview", body, as_=MO)
    assert (shown["this"]["id"], shown["other"]["revision"]) == (first, 1)
    [hours] = [one for one in shown["choices"] if one["fields"] == ["horaires"]]
    assert (hours["proposed"], hours["why"]) == ("other", "fresher")
    assert hours["reason"] == "C'est la valeur la plus récente."
    [address] = [one for one in shown["choices"] if "latitude" in one["fields"]]
    assert address["other"]["latitude"] == 45.1


async def test_a_merged_venue_leads_to_the_one_that_stays(directory: System) -> None:
    first, second = two_sheets(directory, horaires=HOURS, date_maj="2025-05-01")
    done = merge(directory, first, second, nom="this")
    assert sheet(directory, first)["fiche"]["horaires"] == HOURS
    assert sheet(directory, first)["fiche"]["nom"] == "Médiathèque des Tilleuls"
    for path in ("", "/history?x=%C3%A9", "/news", "/fields"):
        answer = directory.call("GET", "directory", f"/venues/{second}{path}")
        assert answer.status_code == 308
        assert answer.headers["location"] == f"/venues/{first}{path}"
        assert answer.headers["cache-control"] == "no-store"
    edit = {"base_revision": 1, "changes": {"horaires": OTHER_HOURS}}
    answer = directory.call("POST", "directory", f"/venues/{second}/edits", as_=MO, json=edit)
    assert refused(answer, 409, "merged-venue")["venue_id"] == first
    code = sheet(directory, first)["fiche"]["code_insee"]
    eventually(lambda: found_in(directory, code) == [first])
    [entry, *_] = history(directory, first)
    assert (entry["accepted"]["how"], entry["accepted"]["other"]) == ("merge", second)
    old = directory.get("directory", f"/venues/{first}/merges/{done['id']}/history")["items"]
    assert [one["accepted"]["how"] for one in old] == ["merge", "import"]
    [seen] = [
        one.body
        for one in await published(directory, "directory", first, 2)
        if one.type == "VenuesMerged"
    ]
    assert (seen["merged_id"], seen["revision"], seen["merged_revision"]) == (second, 2, 2)
    undo(directory, first, done)
    eventually(lambda: found_in(directory, code) == sorted([first, second]))


def test_chains_are_followed_to_their_end(directory: System) -> None:
    first, second = two_sheets(directory)
    third, fourth = two_sheets(directory)
    merge(directory, first, second)
    merge(directory, third, first)
    merge(directory, fourth, third)
    answer = directory.call("GET", "directory", f"/venues/{second}")
    assert urlsplit(answer.headers["location"]).path == f"/venues/{fourth}"


def test_merges_that_make_no_sense_are_refused(directory: System) -> None:
    first, second = two_sheets(directory)
    third, _ = two_sheets(directory)

    def asked(this: str, other: str, revision: int = 1) -> Any:
        body = {"other": other, "revision": revision, "other_revision": 1}
        return directory.call("POST", "directory", f"/venues/{this}/merges", as_=MO, json=body)

    refused(asked(first, first), 409, "merged-with-itself")
    refused(asked(first, "personne"), 404, "venue-not-found")
    changed = refused(asked(first, second, 7), 409, "venue-changed")
    assert (changed["current_revision"], changed["other_revision"]) == (1, 1)
    done = merge(directory, first, second)
    refused(asked(third, second), 409, "already-merged")
    refused(asked(second, first), 409, "merged-venue")
    undo(directory, first, done)
    answer = directory.call(
        "POST", "directory", f"/venues/{first}/merges/{done['id']}/undo", as_=MO
    )
    refused(answer, 409, "already-unmerged")
    answer = directory.call(
        "POST", "directory", f"/venues/{third}/merges/{done['id']}/undo", as_=MO
    )
    refused(answer, 404, "merge-not-found")


def test_an_import_of_the_old_id_moves_the_sheet_that_stays(directory: System) -> None:
    where = place()
    one, other = row(**where), row(**where)
    directory.import_venues(csv_of(one, other))
    before = sheet(directory, other["id"])
    done = merge(directory, one["id"], other["id"])
    later = {**other, "horaires": OTHER_HOURS, "date_maj": "2025-06-01"}
    report = directory.import_venues(csv_of(one, later))
    assert (report["created"], report["updated"], report["absent"]) == (0, 1, 0)
    stays = sheet(directory, one["id"])
    assert stays["fiche"]["horaires"] == OTHER_HOURS
    assert {source["id"] for source in stays["sources"]} == {one["id"], other["id"]}
    undo(directory, one["id"], done)
    assert said(sheet(directory, other["id"])) == said(before)
    assert [source["id"] for source in sheet(directory, one["id"])["sources"]] == [one["id"]]
    # the source's change was for the other sheet: its next file brings it there
    assert directory.import_venues(csv_of(one, later))["updated"] >= 1
    assert sheet(directory, other["id"])["fiche"]["horaires"] == OTHER_HOURS


async def test_merged_and_undone_both_are_as_before(directory: System) -> None:
    first, second = two_sheets(directory, horaires=HOURS, date_maj="2025-05-01", **MOVED)
    path = f"/venues/{second}/managers/zoe"
    assert directory.call("PUT", "directory", path, as_=MO).is_success
    before = [said(sheet(directory, one)) for one in (first, second)]
    done = merge(directory, first, second)
    undone = undo(directory, first, done)
    assert undone["undone_by"] == "account:mo"
    assert [said(sheet(directory, one)) for one in (first, second)] == before
    assert [one["accepted"]["how"] for one in history(directory, second)] == [
        "unmerge",
        "merge",
        "import",
    ]
    managers = [
        seen.body["managers"]
        for seen in await published(directory, "directory", first, 5)
        if seen.type == "VenueManagersChanged"
    ]
    assert managers == [["zoe"], []]
    pair = pair_of(directory, first)
    assert (pair["state"], [one["verdict"] for one in pair["decisions"]]) == ("open", ["same"])


@pytest.mark.parametrize("kept", ["this", "other"])
async def test_an_edit_that_waits_lands_on_the_sheet_that_stays(
    directory: System, kept: str
) -> None:
    first, second = two_sheets(directory, horaires=HOURS)
    person = Person("ana")
    edit = propose(directory, person, second, horaires=OTHER_HOURS)
    done = merge(directory, first, second, horaires=kept)
    await tell(directory, approved(edit, second, person))
    assert applied(directory, first, 3)["fiche"]["horaires"] == OTHER_HOURS
    assert state(directory, person, edit) == "applied"
    undo(directory, first, done)
    assert sheet(directory, first)["fiche"]["horaires"] == OTHER_HOURS
    assert sheet(directory, second)["fiche"]["horaires"] == HOURS
    undo_it = ApprovalReverted(
        **approved(edit, second, person).model_dump(include={"case_id", "title", "author"}),
        venue_id=second,
        revision=3,
        kind="edit",
        by="account:mo",
        reason="Faux.",
        reverted_at=now(),
    )
    await tell(directory, undo_it)
    eventually(lambda: state(directory, person, edit) == "reverted")
    hours = HOURS if kept == "other" else "Mo-Fr 09:00-12:00"
    assert sheet(directory, first)["fiche"]["horaires"] == hours
    assert sheet(directory, second)["fiche"]["horaires"] == HOURS


async def test_an_edit_applied_before_a_merge_can_be_undone_after_it(directory: System) -> None:
    first, second = two_sheets(directory)
    person = Person("ana")
    edit = propose(directory, person, second, horaires=OTHER_HOURS)
    await tell(directory, approved(edit, second, person))
    applied(directory, second, 2)
    merge(directory, first, second, horaires="other")
    undo_it = ApprovalReverted(
        **approved(edit, second, person).model_dump(include={"case_id", "title", "author"}),
        venue_id=second,
        revision=3,
        kind="edit",
        by="account:mo",
        reason="Faux.",
        reverted_at=now(),
    )
    await tell(directory, undo_it)
    assert applied(directory, first, 3)["fiche"]["horaires"] == "Mo-Fr 09:00-12:00"


async def test_a_claim_of_a_merged_venue_makes_a_manager_of_the_one_that_stays(
    directory: System,
) -> None:
    first, second = two_sheets(directory)
    merge(directory, first, second)
    claim = ClaimApproved(
        case_id=uuid4().hex,
        venue_id=second,
        revision=2,
        title="Médiathèque",
        author=Author(account_id="zoe"),
        decision=Decision(how="moderator", by="account:mo", at=now()),
    )
    await tell(directory, claim)
    managers = [
        seen.body["managers"]
        for seen in await published(directory, "directory", first, 2)
        if seen.type == "VenueManagersChanged"
    ]
    assert managers == [["zoe"]]


async def test_open_pairs_of_a_merged_venue_are_closed(directory: System) -> None:
    where = place()
    cells = [row(**where) for _ in range(3)]
    directory.import_venues(csv_of(*cells))
    first, second, third = (one["id"] for one in cells)
    path = f"/venues/{second}/duplicates"
    eventually(lambda: len(directory.post("directory", path, {}, as_=MO)["items"]) == 2)
    done = merge(directory, first, second)
    found = await rows(directory, "directory", "duplicates", venues=second)
    assert {one["state"] for one in found} == {"same", "closed"}
    assert third in [venue for one in found for venue in one["venues"]]
    undo(directory, first, done)
    found = await rows(directory, "directory", "duplicates", venues=second)
    assert {one["state"] for one in found} == {"open"}


def test_notices_and_news_go_with_a_merged_venue_and_come_back(directory: System) -> None:
    first, second = two_sheets(directory)
    today = day(now())
    body = {"kind": "closure", "text": "Fermé.", "from": today, "until": today}
    directory.post("directory", f"/venues/{second}/notices", body, as_=MO)
    done = merge(directory, first, second)
    [notice] = sheet(directory, first)["notices"]
    changed = directory.call(
        "PUT",
        "directory",
        f"/venues/{first}/notices/{notice['id']}",
        as_=MO,
        json=body | {"text": "Fermé demain."},
    )
    assert changed.is_success, changed.text
    undo(directory, first, done)
    assert sheet(directory, first)["notices"] == []
    assert [one["text"] for one in sheet(directory, second)["notices"]] == ["Fermé demain."]
