"""Files of the directory over HTTP and from the command line: all sheets, whole, and back again."""

import csv
import datetime as dt
import fcntl
import hashlib
import io
import json
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from services.directory.domain import dumps
from services.directory.domain.fiche import COLUMNS
from services.directory.domain.venues import day
from shared.database import now
from shared.events import Author
from shared.events.moderation import Decision, EditApproved
from tests.harness import Servers, System, eventually
from tests.harness.bus import tell
from tests.harness.refusals import refused
from tests.harness.rows import nothing_written
from tests.harness.servers import ROOT
from tests.harness.stories import Person, applied, new_venue, propose, sheet
from tests.harness.system import token
from tests.harness.venues import csv_of, row
from tests.service.conftest import alone

MANY = 600
"""More than a page of the export."""
HOSTILE = {
    "nom": '=HYPERLINK("https://mal.example.org";"ici")',
    "commune": "Die;=1+1",
    "adresse": "+1+cmd|' /C calc'!A0",
    "structure_parente": "@SUM(A1:A9)",
    "autres_formations_labels": "-2+3|'tit label",
    "presentation_resume": "L'Œil\n=1+1 « 😀 »",
    "longitude": "-5.3706",
}
NAMES = ("Cannelle", "Vanille", "Gingembre")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the dumps are."""
    return tmp_path_factory.mktemp("dumps") / "new"


@pytest.fixture(scope="module")
def exporting(servers: Servers, folder: Path) -> Iterator[System]:
    """A directory of its own, so that the whole of it is known."""
    with alone(servers, "directory", DUMPS_DIR=str(folder)) as system:
        rows = [row(**HOSTILE, id="hostile"), row(id="nulle part", latitude="", longitude="")]
        upload(system, csv_of(*rows, *(row() for _ in range(MANY))))
        yield system


def upload(system: System, content: bytes) -> Any:
    """Import a file, always under the same source; the report."""
    answer = system.call(
        "POST",
        "directory",
        "/imports?source=tests",
        as_=token("admin", "admin"),
        content=content,
        headers={"Content-Type": "text/csv"},
    )
    assert answer.is_success, answer.text
    return answer.json()


def export(system: System, query: str) -> httpx.Response:
    answer = system.call("GET", "directory", f"/exports/venues.{query}")
    assert answer.status_code == 200, answer.text
    return answer


def sheets(system: System) -> dict[str, Any]:
    """All sheets, as pages of a search have them."""
    found: dict[str, Any] = {}
    cursor = ""
    while cursor is not None:
        page = system.get("directory", f"/venues?limit=200&facets=false&cursor={cursor}")
        found |= {one["id"]: one["fiche"] for one in page["items"]}
        cursor = page["next"]
    return found


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text, newline=""), strict=True))


def test_each_form_has_every_sheet_once(exporting: System) -> None:
    eventually(lambda: len(sheets(exporting)) == MANY + 2)
    known = sheets(exporting)
    lines = export(exporting, "ndjson").text.split("\n")[:-1]
    places = json.loads(export(exporting, "geojson").content)
    assert places["type"] == "FeatureCollection"
    forms = [
        [json.loads(line) for line in lines],
        json.loads(export(exporting, "json").content),
        [one["properties"] for one in places["features"]],
    ]
    for found in forms:
        assert len(found) == len(known)
        assert {one["id"]: one for one in found} == known
    geometry = {one["id"]: one["geometry"] for one in places["features"]}
    assert geometry["nulle part"] is None
    assert geometry["hostile"] == {"type": "Point", "coordinates": [-5.3706, 44.7534]}


def test_a_file_says_what_it_is(exporting: System) -> None:
    for name, media_type in (
        ("csv", "text/csv; charset=utf-8"),
        ("ndjson", "application/x-ndjson"),
        ("json", "application/json"),
        ("geojson", "application/geo+json"),
    ):
        headers = export(exporting, name).headers
        assert headers["content-type"] == media_type
        dated = f'attachment; filename="lieux-{day(now())}.{name}"'
        assert headers["content-disposition"] == dated
        # sent as it is written
        assert headers["transfer-encoding"] == "chunked"
        head = exporting.call("HEAD", "directory", f"/exports/venues.{name}")
        assert (head.status_code, head.content) == (200, b"")
        assert head.headers["content-disposition"] == dated
        assert "content-length" not in head.headers
    unknown = exporting.call("GET", "directory", "/exports/venues.xlsx")
    refused(unknown, 422, "invalid-input", ("name", "literal_error"))


async def test_what_was_exported_changes_nothing_when_imported(exporting: System) -> None:
    text = export(exporting, "csv").text
    rows = table(text)
    assert list(rows[0]) == list(COLUMNS)
    (hostile,) = [one for one in rows if one["id"] == "hostile"]
    for name in HOSTILE.keys() - {"longitude", "commune", "presentation_resume"}:
        assert hostile[name] == f"'{HOSTILE[name]}"
    assert hostile["commune"] == "Die;'=1+1"
    assert (hostile["longitude"], hostile["telephone"]) == ("-5.3706", "+33465710099")

    extended = export(exporting, "csv?extended=true").text
    for file in (text, extended):
        async with nothing_written(exporting, "directory"):
            report = upload(exporting, file.encode())
        assert (report["unchanged"], report["refused"]) == (MANY + 2, 0)
        assert (report["created"], report["updated"]) == (0, 0)


async def approve(system: System, how: Any, venue: str, proposal: str, author: Person) -> None:
    decision = Decision(how=how, by=None, at=now(), rule="deadline" if how == "silence" else None)
    said = {
        "case_id": proposal,
        "revision": 2,
        "author": Author(account_id=author.id),
        "title": "Un lieu",
        "decision": decision,
        "venue_id": venue,
    }
    await tell(system, EditApproved(**said, fields=["horaires"]))


async def test_the_extended_form_says_what_silence_accepted(exporting: System) -> None:
    venue, _ = new_venue(exporting)
    person = Person("ada")
    proposal = propose(exporting, person, venue, horaires="Mo-Sa 10:00-18:00")
    await approve(exporting, "silence", venue, proposal, person)
    applied(exporting, venue, 2)

    found = [json.loads(line) for line in export(exporting, "ndjson?extended=true").iter_lines()]
    (said,) = [one for one in found if one["id"] == venue]
    assert {name: said[name] for name in COLUMNS} == sheet(exporting, venue)["fiche"]
    assert said["revision"] == 2
    origin = said["provenance"]["horaires"]
    assert (origin["how"], origin["by"]) == ("silence", f"account:{person.id}")
    assert said["provenance"]["nom"]["by"] == f"import:{venue}"
    (line,) = [
        one for one in table(export(exporting, "csv?extended=true").text) if one["id"] == venue
    ]
    assert line["provenance.horaires.how"] == "silence"
    assert line["provenance.horaires.at"] == origin["at"]


def test_a_search_is_exported_in_its_order(exporting: System) -> None:
    there = [row(code_insee="97411", code_postal="97400", nom=f"Case {nom}") for nom in NAMES]
    dates = ("2024-01-01", "2026-01-01", "2025-01-01")
    for one, date_maj in zip(there, dates, strict=True):
        one["date_maj"] = date_maj
    exporting.import_venues(csv_of(*there))
    wanted = [there[place]["id"] for place in (1, 2, 0)]

    def found() -> list[str]:
        return [one["id"] for one in table(export(exporting, "csv?departement=974").text)]

    eventually(lambda: sorted(found()) == sorted(wanted))
    assert found() == wanted
    near = export(exporting, "ndjson?q=vanille+case&region=04&order=relevance").iter_lines()
    assert [json.loads(line)["nom"] for line in near] == ["Case Vanille"]
    assert table(export(exporting, "csv?q=introuvable").text) == []
    for query, field in (("departement=20", "departement"), ("radius=5", "radius")):
        answer = exporting.call("GET", "directory", f"/exports/venues.csv?{query}")
        assert answer.status_code == 422
        assert [one["field"] for one in answer.json()["invalid_params"]] == [field]
    refused(
        exporting.call("GET", "directory", "/exports/venues.csv?limit=3"),
        422,
        "invalid-input",
        ("limit", "extra_forbidden"),
    )


def test_territories_add_up(exporting: System) -> None:
    here = {"code_insee": "", "code_postal": "99999"}
    ours = [row(code_insee="2A004", code_postal="20000", date_maj=day(now())), row(**here)]
    exporting.import_venues(csv_of(*ours))

    def made() -> Any:
        assert {one["id"] for one in ours} <= sheets(exporting).keys()
        return exporting.get("directory", "/territories")

    found = eventually(made)
    parts = [found["unknown"], *(one["counts"] for one in found["departments"])]
    assert len(parts) == 109
    for name in ("venues", "services"):
        assert sum(one[name] for one in parts) == found["total"][name]
    assert found["total"]["venues"] == len(sheets(exporting))
    assert found["unknown"]["venues"] == 1
    services = sum(len(one["services"] or []) for one in sheets(exporting).values())
    assert found["total"]["services"] == services
    for name in ("by_age", "by_completeness"):
        assert sum(found["total"][name].values()) == found["total"]["venues"]

    corsica = exporting.get("directory", "/territories/region/94")
    assert corsica["territory"]["nom"] == "Corse"
    assert [one["code"] for one in corsica["departments"]] == ["2A", "2B"]
    there = exporting.get("directory", "/territories/departement/2a")["territory"]
    assert there["counts"] == corsica["departments"][0]["counts"]
    assert there["counts"]["by_age"]["under_6_months"] == there["counts"]["venues"] == 1
    for path, status in (("region/20", 404), ("departement/20", 404), ("pays/1", 422)):
        answer = exporting.call("GET", "directory", f"/territories/{path}")
        assert answer.status_code == status
    first = exporting.call("GET", "directory", "/territories")
    known = {"If-None-Match": first.headers["etag"]}
    again = exporting.call("GET", "directory", "/territories", headers=known)
    assert again.status_code == 304


def run(system: System, *command: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "services.directory", *command],
        cwd=ROOT,
        env=system.environment,
        capture_output=True,
        text=True,
        check=False,
    )


def test_the_command_writes_the_same_file(exporting: System, tmp_path: Path) -> None:
    expected = export(exporting, "csv").text
    made = run(exporting, "export")
    assert made.returncode == 0, made.stderr
    assert table(made.stdout) == table(expected)
    path = tmp_path / "lieux.geojson"
    made = run(exporting, "export", "--format", "geojson", "--extended", "-o", str(path))
    assert (made.returncode, made.stdout) == (0, ""), made.stderr
    features = json.loads(path.read_text("utf-8"))["features"]
    assert len(features) == len(table(expected))
    assert "provenance" in features[0]["properties"]
    assert [one.name for one in tmp_path.iterdir()] == [path.name]


class TestDumps:
    def test_one_is_made_by_itself_and_served(self, exporting: System) -> None:
        (made,) = eventually(lambda: exporting.get("directory", "/dumps/")["items"])
        assert dt.datetime.fromisoformat(made["made_at"]) <= now()
        package = made["package"]
        assert package["licenses"][0]["name"] == "etalab-2.0"
        for resource in package["resources"]:
            for name in (made["name"], "latest"):
                path = f"/dumps/{name}/{resource['path']}"
                answer = exporting.call("GET", "directory", path)
                assert hashlib.sha256(answer.content).hexdigest() in resource["hash"]
                assert len(answer.content) == resource["bytes"]
                assert answer.headers["content-type"].startswith(resource["mediatype"])
                assert answer.headers["content-location"].startswith(f"/dumps/{made['name']}/")
        sums = exporting.call("GET", "directory", "/dumps/latest/SHA256SUMS").text
        assert sums.count("\n") == 5

    def test_what_somebody_has_is_not_sent_again(self, exporting: System) -> None:
        eventually(lambda: exporting.get("directory", "/dumps/")["items"])
        path = "/dumps/latest/lieux.csv"
        first = exporting.call("GET", "directory", path)
        for known in (
            {"If-None-Match": first.headers["etag"]},
            {"If-Modified-Since": first.headers["last-modified"]},
        ):
            again = exporting.call("GET", "directory", path, headers=known)
            assert (again.status_code, again.content) == (304, b"")
        part = exporting.call("GET", "directory", path, headers={"Range": "bytes=0-1"})
        assert (part.status_code, part.text) == (206, "id")
        head = exporting.call("HEAD", "directory", path)
        assert (head.content, head.headers["etag"]) == (b"", first.headers["etag"])
        assert head.headers["content-length"] == str(len(first.content))

    @pytest.mark.parametrize(
        "path",
        ["latest/autre.csv", "2026-01-01T000000Z/lieux.csv", "../lieux.csv", "latest/..%2Fx"],
    )
    def test_there_are_no_others(self, exporting: System, path: str) -> None:
        answer = exporting.call("GET", "directory", f"/dumps/{path}")
        assert answer.status_code == 404
        if path.count("/") == 1 and "." in path and "%" not in path and ".." not in path:
            refused(answer, 404, "dump-not-found")

    def test_every_replica_serves_those_of_the_folder(self, exporting: System) -> None:
        eventually(lambda: exporting.get("directory", "/dumps/")["items"])
        replica = exporting.replica("directory", ROLES="api")
        replica.start()
        try:
            eventually(replica.ready)
            answers = [
                httpx.get(f"{url}/dumps/latest/datapackage.json")
                for url in (replica.url, exporting.processes["directory"].url)
            ]
            assert answers[0].content == answers[1].content
            assert answers[0].headers["etag"] == answers[1].headers["etag"]
        finally:
            replica.stop()

    def test_what_was_missed_is_made_at_the_start(self, exporting: System, folder: Path) -> None:
        (made,) = eventually(lambda: exporting.get("directory", "/dumps/")["items"])
        process = exporting.processes["directory"]
        process.kill()
        old = dumps.name_of(now() - dt.timedelta(days=3))
        (folder / made["name"]).rename(folder / old)
        (folder / ".unfinished-of-a-killed-process").mkdir()
        process.start()
        eventually(process.ready)

        def newer() -> list[str]:
            items = exporting.get("directory", "/dumps/")["items"]
            return [one["name"] for one in items if one["name"] > made["name"]]

        assert len(eventually(newer)) == 1
        assert {one.name for one in folder.iterdir()} == {old, *newer(), ".lock"}

    def test_the_command_makes_one_now(self, exporting: System, folder: Path) -> None:
        before = eventually(lambda: exporting.get("directory", "/dumps/")["items"])
        made = run(exporting, "dump", str(folder))
        assert made.returncode == 0, made.stderr
        items = exporting.get("directory", "/dumps/")["items"]
        assert items[0]["name"] == Path(made.stdout.strip()).name
        assert items[0]["name"] > before[0]["name"]
        with (folder / ".lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            at_once = run(exporting, "dump", str(folder))
        assert at_once.returncode == 1
        assert "un autre processus" in at_once.stderr
        assert exporting.get("directory", "/dumps/")["items"] == items
