"""Searching the directory over HTTP: it says what its sheets say, soon after they say it."""

import os
import sqlite3
import subprocess
import sys
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest

from services.directory.search.values import FACETS
from shared.database import now
from shared.events import Author
from shared.events.moderation import Decision, EditApproved
from shared.french import PARIS
from tests.harness import System, eventually
from tests.harness.bus import tell
from tests.harness.refusals import refused
from tests.harness.servers import ROOT
from tests.harness.stories import MODERATOR, Person, new_venue, propose, sheet
from tests.harness.system import Process, request
from tests.harness.venues import csv_of, row


def there(directory: System, *rows: dict[str, str]) -> None:
    """Import venues, and wait until all can be found."""
    directory.import_venues(csv_of(*rows))
    known = {one["code_postal"] for one in rows}
    wanted = {one["id"] for one in rows}

    def found() -> bool:
        return wanted <= {id_ for code in known for id_ in ids(directory, f"code_postal={code}")}

    eventually(found)


def search(directory: System, query: str) -> Any:
    return directory.get("directory", f"/venues?{query}")


def ids(directory: System, query: str) -> list[str]:
    page = search(directory, f"{query}&limit=200")
    assert page["next"] is None
    return [one["id"] for one in page["items"]]


def test_a_page_has_sheets_counts_and_the_way_on(directory: System) -> None:
    rows = [
        row(code_postal="48000", code_insee="48095", date_maj=f"2025-01-{10 + number}")
        for number in range(5)
    ]
    there(directory, *rows)
    newest_first = [one["id"] for one in reversed(rows)]

    first = search(directory, "code_postal=48000&limit=2")
    assert first["total"] == 5
    assert [one["id"] for one in first["items"]] == newest_first[:2]
    item = first["items"][0]
    assert item.pop("distance") is None
    assert item.items() <= sheet(directory, item["id"]).items()
    assert {name: {*counts} for name, counts in first["facets"].items()} == {
        name: {*choices} for name, choices in FACETS.items()
    }
    assert first["facets"]["frais_a_charge"] == {
        "Gratuit": 5,
        "Gratuit sous condition": 0,
        "Payant": 0,
    }

    seen, page = [one["id"] for one in first["items"]], first
    while page["next"]:
        page = search(directory, f"code_postal=48000&limit=2&facets=false&cursor={page['next']}")
        assert (page["total"], page.get("facets")) == (5, None)
        seen += [one["id"] for one in page["items"]]
    assert seen == newest_first


def test_words_places_values_and_hours(directory: System) -> None:
    code = "48100"
    library = row(
        code_postal=code,
        code_insee="48092",
        commune="Marvejols",
        nom="Médiathèque de l'Étoile",
        latitude="44.5530",
        longitude="3.2900",
        horaires="Mo-Fr 09:00-12:00",
        services="Accès internet et matériel informatique",
    )
    bus = row(
        code_postal=code,
        code_insee="48092",
        commune="MARVEJOLS",
        nom="Bus numérique",
        latitude="44.5630",
        longitude="3.2900",
        horaires="Sa 09:00-12:00",
        itinerance="Itinérant",
        typologie="ASSO",
    )
    nowhere = row(
        code_postal=code,
        code_insee="48092",
        commune="Marvejols",
        latitude="",
        longitude="",
        horaires="",
    )
    there(directory, library, bus, nowhere)

    def found(query: str) -> list[str]:
        names = {library["id"]: "library", bus["id"]: "bus", nowhere["id"]: "nowhere"}
        return [names[id_] for id_ in ids(directory, f"code_postal={code}&{query}")]

    assert found("q=MEDIATHEQE de l’etoile") == ["library"]
    assert found("q=marvejol numerique") == ["bus"]
    assert found("services=Accès internet et matériel informatique&services=Loisirs et créations "
                 "numériques&itinerance=Fixe") == []  # fmt: skip
    assert set(found("services=Accès internet et matériel informatique")) >= {"library", "bus"}
    assert found("itinerance=Itinérant&typologie=ASSO&frais_a_charge=Gratuit") == ["bus"]
    assert found("near=44.5530,3.29&radius=2000") == ["library", "bus"]
    assert found("near=44.5530,3.29&radius=500") == ["library"]
    assert found("bbox=3.2,44.56,3.3,44.6") == ["bus"]
    assert found("open_at=2026-11-24T10:00") == ["library"]
    assert found("open_at=2026-11-28T11:30:00%2B01:00&departement=48") == ["bus"]
    assert set(found("region=76&commune=48092")) == {"library", "bus", "nowhere"}
    assert found("departement=2A") == []
    assert len(found("q=&itinerance=&commune=&near=&typologie=&order=")) == 3
    distances = search(directory, f"code_postal={code}&near=44.5530,3.29&radius=2000")["items"]
    assert [one["distance"] for one in distances] == [0, 1112]


async def test_an_accepted_edit_is_found(directory: System) -> None:
    venue, _ = new_venue(directory, code_postal="48200", nom="Mairie")
    eventually(lambda: ids(directory, "code_postal=48200") == [venue])
    person, word = Person("ada"), f"zz{uuid4().hex[:8]}"
    proposal = propose(directory, person, venue, nom=f"Mairie {word}", code_insee="48140")
    approved = EditApproved(
        case_id=proposal,
        venue_id=venue,
        revision=2,
        author=Author(account_id="somebody"),
        title="Mairie",
        decision=Decision(how="manager", by=f"venue:{venue}", at=now()),
        fields=["nom", "code_insee"],
    )
    await tell(directory, approved)
    eventually(lambda: ids(directory, f"q={word}") == [venue])
    assert search(directory, f"q={word}")["items"][0]["revision"] == 2
    assert ids(directory, "commune=48140") == [venue]


def test_a_notice_and_a_check_are_found_by(directory: System) -> None:
    venue, _ = new_venue(directory, code_postal="48600", horaires="24/7", date_maj="2024-01-01")
    other = row(code_postal="48600", date_maj="2025-01-01", horaires="24/7")
    there(directory, other)
    assert ids(directory, "code_postal=48600") == [other["id"], venue]

    directory.post("directory", f"/venues/{venue}/checks", None, as_=MODERATOR)
    eventually(lambda: ids(directory, "code_postal=48600") == [venue, other["id"]])
    today = now().astimezone(PARIS).date()
    notice = {"kind": "closure", "text": "Travaux", "from": str(today), "until": str(today)}
    directory.post("directory", f"/venues/{venue}/notices", notice, as_=MODERATOR)
    noon = f"open_at={today}T12:00"
    eventually(lambda: ids(directory, f"code_postal=48600&{noon}") == [other["id"]])


BAD = [
    ("services=Aide aux demarche", "services", "enum"),
    ("frais_a_charge=Gratuit&frais_a_charge=gratis", "frais_a_charge", "enum"),
    ("bbox=1,2,3", "bbox", "numbers"),
    ("bbox=1,2,3,nan", "bbox", "numbers"),
    ("bbox=5,44,4,45", "bbox", "bounds"),
    ("bbox=4,45,5,44", "bbox", "bounds"),
    ("bbox=-200,44,5,45", "bbox", "bounds"),
    ("near=ici", "near", "numbers"),
    ("near=44.7,inf", "near", "numbers"),
    ("near=44.7,1e2", "near", "numbers"),
    ("near=91,5", "near", "bounds"),
    ("near=44.7,5.4&radius=200001", "radius", "too_wide"),
    ("near=44.7,5.4&radius=NaN", "radius", "number"),
    ("near=44.7,5.4&radius=0", "radius", "number"),
    ("radius=1000", "radius", "without_near"),
    ("order=distance", "order", "without_near"),
    ("order=relevance", "order", "without_words"),
    ("order=nom", "order", "literal_error"),
    ("q=a%00b", "q", "characters"),
    ("q=a%0Ab", "q", "characters"),
    (f"q={'a' * 201}", "q", "string_too_long"),
    ("q=un deux trois quatre cinq six sept huit neuf dix onze douze", "q", "too_many_words"),
    ("open_at=demain", "open_at", "moment"),
    ("open_at=2026-11-24", "open_at", "moment"),
    ("open_at=2026-02-30T10:00", "open_at", "moment"),
    ("departement=20", "departement", "code"),
    ("region=99", "region", "code"),
    ("commune=Die", "commune", "code"),
    ("code_postal=2615", "code_postal", "code"),
    ("code_postal=%00", "code_postal", "code"),
    ("epci=200069193", "epci", "epci_unknown_here"),
    ("service=Payant", "service", "extra_forbidden"),
    ("limit=0", "limit", "greater_than_equal"),
    ("limit=201", "limit", "less_than_equal"),
    ("limit=tout", "limit", "int_parsing"),
    ("cursor=abc", "cursor", "cursor"),
    ("cursor=WzEsMl0", "cursor", "cursor"),
    (f"cursor={'W' * 499}", "cursor", "cursor"),
]


@pytest.mark.parametrize(("query", "field", "rule"), BAD)
def test_what_cannot_be_asked(directory: System, query: str, field: str, rule: str) -> None:
    answer = directory.call("GET", "directory", f"/venues?{query}")
    refused(answer, 422, "invalid-input", (field, rule))


def test_an_unknown_value_gets_a_suggestion(directory: System) -> None:
    answer = directory.call("GET", "directory", "/venues?services=Aide aux demarche")
    [wrong] = answer.json()["invalid_params"]
    assert "Vouliez-vous dire « Aide aux démarches administratives » ?" in wrong["message"]


def test_a_cursor_is_of_its_query_alone(directory: System) -> None:
    there(directory, *(row(code_postal="48300") for _ in range(2)))
    cursor = search(directory, "code_postal=48300&limit=1")["next"]
    for other in ("", "code_postal=48301", "code_postal=48300&q=lieu"):
        answer = directory.call("GET", "directory", f"/venues?{other}&limit=1&cursor={cursor}")
        refused(answer, 422, "invalid-input", ("cursor", "cursor_of_another_query"))


def listed(replica: Process, query: str) -> list[str]:
    answer = request("GET", f"{replica.url}/venues?limit=200&{query}")
    assert answer.is_success, answer.text
    return [one["id"] for one in answer.json()["items"]]


def shows(process: Process, count: int) -> bool:
    """Whether a process finds so many venues of the test's postcode."""
    return len(listed(process, "code_postal=48400")) == count


def test_a_replica_keeps_its_own_index_and_catches_up(directory: System, tmp_path: Path) -> None:
    first = row(code_postal="48400")
    there(directory, first)
    index = {"ROLES": "api", "SEARCH_INDEX": str(tmp_path)}
    replica = directory.replica("directory", **index)
    try:
        replica.start()
        eventually(replica.ready)
        assert listed(replica, "code_postal=48400") == [first["id"]]
        # once it shows the second of these, it has noted how far it was with the first
        for count in (2, 3):
            there(directory, row(code_postal="48400"))
            eventually(partial(shows, replica, count))
        replica.kill()
        second = row(code_postal="48400")
        there(directory, second)
        replica.start()
        eventually(partial(shows, replica, 4))
        assert "index opened" in replica.log
        assert "all sheets are compared" not in replica.log

        # an index of another version is built again
        replica.kill()
        with closing(sqlite3.connect(tmp_path / (tmp_path / "current").read_text())) as file, file:
            file.execute("update meta set value = 'other'")
        replica.start()
        eventually(partial(shows, replica, 4))
        assert "index of another version" in replica.log

        # the topic it had followed is gone: what it has is compared with the sheets
        replica.kill()
        third = row(code_postal="48400")
        there(directory, third)
        replica.start(TOPIC_PREFIX=f"{uuid4().hex[:8]}.", ROLES="api,consumer")
        eventually(partial(shows, replica, 5))
        assert "all sheets are compared" in replica.log
    finally:
        replica.stop()


def test_an_index_is_rebuilt_while_a_process_answers_from_it(
    directory: System, tmp_path: Path
) -> None:
    venue = row(code_postal="48500")
    there(directory, venue)
    settings = {"ROLES": "api", "SEARCH_INDEX": str(tmp_path)}
    replica = directory.replica("directory", **settings)
    try:
        replica.start()
        eventually(replica.ready)
        before = (tmp_path / "current").read_text()
        command = [sys.executable, "-m", "services.directory", "index", "rebuild"]
        environment = {**os.environ, **directory.environment, **settings}
        done = subprocess.run(
            command, env=environment, cwd=ROOT, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        assert (tmp_path / "current").read_text() != before
        eventually(lambda: before not in {path.name for path in tmp_path.iterdir()})
        assert listed(replica, "code_postal=48500") == [venue["id"]]
        another = row(code_postal="48500")
        there(directory, another)
        eventually(lambda: len(listed(replica, "code_postal=48500")) == 2)
    finally:
        replica.stop()


def test_without_a_folder_there_is_nothing_to_rebuild(directory: System) -> None:
    command = [sys.executable, "-m", "services.directory", "index", "rebuild"]
    done = subprocess.run(
        command, env=directory.environment, cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 2
    assert "SEARCH_INDEX" in done.stderr
