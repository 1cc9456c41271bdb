"""Files of venues over HTTP: what a file may say, what it may not, and what people said since."""

import csv
import os
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from shared.database import now
from shared.events import Author
from shared.events.moderation import Decision, EditApproved
from tests.harness import Servers, System, eventually
from tests.harness.bus import published, tell
from tests.harness.refusals import in_french, refused
from tests.harness.rows import nothing_written
from tests.harness.servers import ROOT
from tests.harness.stories import Person, applied, history, propose, sheet
from tests.harness.system import token
from tests.harness.venues import SAMPLE, csv_of, row, source_of
from tests.service.conftest import alone

HOURS = "Mo-Sa 10:00-18:00"
NEW_PHONE = "+33465710011"


def upload(
    system: System,
    content: bytes,
    *roles: str,
    content_type: str = "text/csv",
    source: str | None = None,
) -> httpx.Response:
    """Send a file; as an admin unless other roles are given."""
    return system.call(
        "POST",
        "directory",
        f"/imports?source={source_of(content) if source is None else source}",
        as_=token("ada", *(roles or ("admin",))),
        content=content,
        headers={"Content-Type": content_type},
    )


def counts(report: Any) -> tuple[int, int, int, int]:
    """Rows created, updated, unchanged and refused."""
    return report["created"], report["updated"], report["unchanged"], report["refused"]


async def accept(system: System, person: Person, venue: str, **changes: Any) -> None:
    """Let somebody's edit go through, as moderation would say."""
    revision = sheet(system, venue)["revision"]
    proposal = propose(system, person, venue, **changes)
    approved = EditApproved(
        case_id=proposal,
        revision=2,
        author=Author(account_id=person.id),
        title="Un lieu",
        decision=Decision(how="moderator", by="account:moderator", at=now()),
        venue_id=venue,
        fields=list(changes),
    )
    await tell(system, approved)
    applied(system, venue, revision + 1)


@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("nom", "", "required"),
        ("code_postal", "2615", "pattern"),
        ("code_insee", "2B", "pattern"),
        ("telephone", "+33465710099 (accueil)", "pattern"),
        ("latitude", "au nord", "number"),
        ("longitude", "181", "range"),
        ("date_maj", "", "required"),
        ("horaires", "Mo-Sun 09:00-12:00", "opening_hours"),
        ("frais_a_charge", "Cher", "enum"),
        ("presentation_resume", "é" * 281, "max_length"),
        ("horaires", "lundi\x07", "characters"),
        ("id", "", "required"),
    ],
)
def test_a_row_that_breaks_a_rule(directory: System, column: str, value: str, rule: str) -> None:
    good = [row(), row()]
    bad = row(**{"presentation_detail": "Sur\ndeux lignes", column: value})
    report = upload(directory, csv_of(good[0], bad, good[1])).json()

    assert counts(report) == (2, 0, 0, 1)
    [error] = report["errors"]
    message, suggestion = error.pop("message"), error.pop("suggestion")
    assert error == {
        "line": 3, "id": bad["id"], "field": column, "value": value[:200], "rule": rule,
    }  # fmt: skip
    assert message[0].isupper() or message[0] == "«"
    assert message.endswith("." if suggestion is None else f"« {suggestion} » ?")
    for one in good:
        assert sheet(directory, one["id"])["revision"] == 1
    if bad["id"]:
        assert directory.call("GET", "directory", f"/venues/{bad['id']}").status_code == 404


def test_rows_that_are_no_rows(directory: System) -> None:
    good = [row() for _ in range(3)]
    lines = csv_of(*good).splitlines(keepends=True)
    head, *others = lines
    broken = [b"deux,cellules\r\n", csv_of(good[0]).splitlines(keepends=True)[1]]
    file = b"".join([head, others[0], broken[0], others[1], broken[1], b"\r\n", others[2]])
    report = upload(directory, file).json()

    assert counts(report) == (3, 0, 0, 2)
    assert [(error["line"], error["field"], error["rule"]) for error in report["errors"]] == [
        (3, "", "columns"),
        (5, "id", "unique"),
    ]


@pytest.mark.parametrize(
    "row_",
    [csv_of(row(nom="x" * 200_000)), csv_of(row())[:-2].rsplit(b",", 1)[0] + b',"sans fin'],
    ids=["a cell without measure", "a quote without end"],
)
def test_a_row_that_is_not_csv(directory: System, row_: bytes) -> None:
    good = row()
    file = csv_of(good) + row_.split(b"\r\n", 1)[1]
    report = upload(directory, file).json()

    assert counts(report) == (1, 0, 0, 1)
    [error] = report["errors"]
    assert (error["line"], error["rule"]) == (3, "csv")
    # it is read by the people who made the file
    assert in_french(error["message"]), error


@pytest.mark.parametrize(
    ("content", "content_type", "detail"),
    [
        (b"", "text/csv", "Colonnes absentes"),
        (b'{"nom": "x"}', "text/csv", "JSON"),
        (b"id,nom\nx,y\n", "text/csv", "Colonnes absentes"),
        (b"PK\x03\x04" + bytes(100), "text/csv", "enregistrez la feuille en CSV"),
        (b"\x89PNG\r\n\x1a\n\0", "text/csv", "UTF-8"),
        (csv_of(row()).decode().encode("utf-16-le"), "text/csv", "UTF-8"),
        (csv_of(row()).decode().encode("mac-roman"), "text/csv", "UTF-8"),
        (b'"' + b"x" * 200_000 + b'"\n', "text/csv", "première ligne"),
    ],
)
async def test_a_file_that_is_none(
    directory: System, content: bytes, content_type: str, detail: str
) -> None:
    async with nothing_written(directory, "directory"):
        answer = upload(directory, content, content_type=content_type)
    said = refused(answer, 422, "not-a-csv-file")["detail"]
    assert detail in said
    assert in_french(said)


async def test_a_file_that_breaks_off_in_another_encoding(directory: System) -> None:
    file = csv_of(*(row() for _ in range(600))) + "à Die".encode("mac-roman")
    async with nothing_written(directory, "directory"):
        answer = upload(directory, file)
    refused(answer, 422, "not-a-csv-file")


@pytest.mark.parametrize(
    "content_type", ["application/json", "text/plain", "multipart/form-data", ""]
)
async def test_a_file_by_another_name(directory: System, content_type: str) -> None:
    async with nothing_written(directory, "directory"):
        answer = upload(directory, csv_of(row()), content_type=content_type)
    refused(answer, 422, "invalid-input", ("content-type", "media_type"))


@pytest.mark.parametrize("source", ["", "a/b", "x" * 81, "a%0Ab", "ada@lieu.example.org"])
async def test_a_source_without_a_usable_name(directory: System, source: str) -> None:
    async with nothing_written(directory, "directory"):
        answer = upload(directory, csv_of(row()), source=source)
    refused(answer, 422, "invalid-input", ("source", "string_pattern_mismatch"))


@pytest.mark.parametrize("role", ["user", "moderator", "partner", "Admin"])
async def test_imports_are_for_admins(directory: System, role: str) -> None:
    async with nothing_written(directory, "directory"):
        refused(upload(directory, csv_of(row()), role), 403, "not-allowed")


@pytest.mark.parametrize("before", [b"", b"\xef\xbb\xbf"], ids=["plain", "BOM"])
@pytest.mark.parametrize("ends", [b"\n", b"\r\n"])
def test_files_as_people_save_them(directory: System, before: bytes, ends: bytes) -> None:
    cells = row(nom="L'« Étape », à Die", courriels="A@Lieu.example.org|b@lieu.example.org")
    file = before + csv_of(cells).replace(b"\r\n", ends)
    assert counts(upload(directory, file).json()) == (1, 0, 0, 0)

    fiche = sheet(directory, cells["id"])["fiche"]
    assert fiche["nom"] == "L'« Étape », à Die"
    assert fiche["services"] == SAMPLE["services"].split("|")
    assert (fiche["latitude"], fiche["longitude"]) == (44.7534, 5.3706)
    assert fiche["courriels"] == ["A@Lieu.example.org", "b@lieu.example.org"]


async def test_the_same_file_twice_changes_nothing(directory: System) -> None:
    cells = [row(courriels=f"accueil{n}@lieu.example.org") for n in range(3)]
    assert counts(upload(directory, csv_of(*cells)).json()) == (3, 0, 0, 0)
    first = cells[0]["id"]
    before = sheet(directory, first)

    async with nothing_written(directory, "directory"):
        report = upload(directory, csv_of(*reversed(cells)), source=first).json()
    assert counts(report) == (0, 0, 3, 0)
    assert sheet(directory, first) == before

    # a change is told behind whatever the second import had told
    moved = {**cells[0], "courriels": "nouveau@lieu.example.org"}
    assert counts(upload(directory, csv_of(moved)).json()) == (0, 1, 0, 0)
    events = await published(directory, "contacts", f"venue:{first}", 2)
    assert [(one.body["revision"], one.body["addresses"]) for one in events] == [
        (1, ["accueil0@lieu.example.org"]),
        (2, ["nouveau@lieu.example.org"]),
    ]
    # a sheet's creation and the same sheet again say nothing of a change
    dated = {**moved, "date_maj": "2026-01-02"}
    assert counts(upload(directory, csv_of(dated)).json()) == (0, 1, 0, 0)
    assert counts(upload(directory, csv_of({**dated, "nom": "Ici"})).json()) == (0, 1, 0, 0)
    updates = await published(directory, "directory", first, 2)
    assert [(one.type, one.body["revision"], one.body["fields"]) for one in updates] == [
        ("VenueUpdated", 2, ["courriels"]),
        ("VenueUpdated", 4, ["nom"]),
    ]


async def test_what_people_said_stays(directory: System) -> None:
    cells, person = row(), Person("edith")
    venue = cells["id"]
    upload(directory, csv_of(cells))
    await accept(directory, person, venue, horaires=HOURS)

    # the source moves on with an older word: the value that people changed stays, others follow
    moved = {
        **cells,
        "horaires": "Tu 09:00-10:00",
        "telephone": NEW_PHONE,
        "date_maj": "2025-06-01",
    }
    assert counts(upload(directory, csv_of(moved)).json()) == (0, 1, 0, 0)
    found = sheet(directory, venue)
    assert (found["fiche"]["horaires"], found["fiche"]["telephone"]) == (HOURS, NEW_PHONE)
    assert found["revision"] == 3

    newest, edit, first = history(directory, venue)
    assert (newest["by"], newest["accepted"]["how"]) == (f"import:{venue}", "import")
    assert [change["field"] for change in newest["changes"]] == ["telephone"]
    assert (edit["by"], edit["accepted"]["how"]) == (f"account:{person.id}", "moderator")
    assert first["revision"] == 1

    # a fresher word of the source is followed again
    fresher = (now() + timedelta(days=1)).date().isoformat()
    upload(directory, csv_of({**moved, "horaires": "Fr 09:00-10:00", "date_maj": fresher}))
    assert sheet(directory, venue)["fiche"]["horaires"] == "Fr 09:00-10:00"


def test_a_value_that_the_source_takes_away_stays(directory: System) -> None:
    cells = row()
    upload(directory, csv_of(cells))
    report = upload(directory, csv_of({**cells, "telephone": ""})).json()
    assert (counts(report), report["kept"]) == ((0, 0, 1, 0), 1)
    assert sheet(directory, cells["id"])["fiche"]["telephone"] == SAMPLE["telephone"]


async def test_a_venue_that_leaves_its_source_is_marked(directory: System) -> None:
    left, stays = row(), row()
    source = f"essai {left['id']}"
    assert upload(directory, csv_of(left, stays), source=source).json()["absent"] == 0
    # a row that is refused has not left
    broken = csv_of({**stays, "pivot": "?"})
    report = upload(directory, broken, source=source).json()
    assert (counts(report), report["absent"]) == ((0, 0, 0, 1), 1)
    gone = sheet(directory, left["id"])
    assert (gone["absent_from_source"], gone["revision"]) == (True, 2)
    assert sheet(directory, stays["id"])["absent_from_source"] is False
    newest, _ = history(directory, left["id"])
    assert (newest["note"], newest["by"]) == ("absent_from_source", f"import:{source}")

    async with nothing_written(directory, "directory"):
        assert upload(directory, broken, source=source).json()["absent"] == 0

    assert counts(upload(directory, csv_of(left, stays), source=source).json()) == (0, 1, 1, 0)
    back = sheet(directory, left["id"])
    assert (back["absent_from_source"], back["revision"]) == (False, 3)
    assert history(directory, left["id"])[0]["note"] == "back_in_source"


async def test_a_dry_run_says_what_would_happen(directory: System) -> None:
    known, new = row(), row()
    source = f"essai {known['id']}"
    upload(directory, csv_of(known), source=source)
    changed = {**known, "nom": "Autre"}
    async with nothing_written(directory, "directory"):
        answer = upload(directory, csv_of(changed, new), source=f"{source}&dry_run=true")
    assert counts(answer.json()) == (1, 1, 0, 0)
    assert sheet(directory, known["id"])["fiche"]["nom"] == known["nom"]


def test_each_value_says_where_it_comes_from(directory: System) -> None:
    cells = row()
    upload(directory, csv_of(cells))
    first = sheet(directory, cells["id"])["provenance"]
    assert first.keys() == {name for name, value in cells.items() if value} - {"id", "date_maj"}
    assert first["nom"]["by"] == f"import:{cells['id']}"
    assert first["nom"]["how"] == "import"
    upload(directory, csv_of({**cells, "nom": "Autre"}))
    later = sheet(directory, cells["id"])["provenance"]
    assert later["nom"]["at"] > first["nom"]["at"]
    assert later["adresse"] == first["adresse"]


@pytest.fixture(scope="module")
def real() -> Path:
    """The folder of real venues, which is not part of the project."""
    folder = Path(os.environ.get("MEDNUM_DATA", ROOT.parent / "shared" / "data")) / "venues"
    if not folder.is_dir():
        pytest.skip(f"no real venues: {folder} is not there (set MEDNUM_DATA)")
    return folder


def read(file: Path) -> Iterator[dict[str, str]]:
    """The rows of a file, read without any of our code."""
    with file.open(encoding="utf-8-sig", newline="") as text:
        yield from csv.DictReader(text)


def test_real_rows_that_break_the_schema(directory: System, real: Path) -> None:
    file = real / "lieux-rejetes.csv"
    expected = [set(one["_erreurs"].split("|")) for one in read(file)]
    report = upload(directory, file.read_bytes(), source="tests").json()

    assert counts(report) == (0, 0, 0, len(expected)) == (0, 0, 0, 24)
    fields: dict[int, set[str]] = {}
    for error in report["errors"]:
        fields.setdefault(error["line"], set()).add(error["field"])
    assert [fields[line] for line in sorted(fields)] == expected


@pytest.fixture(scope="module")
def country(servers: Servers) -> Iterator[System]:
    """A directory apart: the others compare all that theirs holds, which must stay little."""
    with alone(servers, "directory") as system:
        yield system


def test_all_real_venues(country: System, real: Path) -> None:
    file = real / "lieux.csv"
    ids = [one["id"] for one in read(file)]

    assert counts(upload(country, file.read_bytes(), source="tests").json()) == (8705, 0, 0, 0)
    found: list[str] = []
    eventually(lambda: country.get("directory", "/venues?limit=1")["total"] == len(ids))
    cursor: str | None = ""
    while cursor is not None:
        page = country.get("directory", f"/venues?limit=200&facets=false&cursor={cursor}")
        found += [one["id"] for one in page["items"]]
        cursor = page["next"]
    assert sorted(found) == sorted(ids)
    [first] = history(country, ids[-1])
    assert (first["revision"], first["by"]) == (1, "import:tests")

    assert counts(upload(country, file.read_bytes(), source="tests").json()) == (0, 0, 8705, 0)


def test_what_nobody_knows_is_null_wherever_it_is_read(directory: System) -> None:
    cells = row(date_maj="1970-01-01", pivot="00000000000000")
    upload(directory, csv_of(cells))
    venue = cells["id"]
    assert (sheet(directory, venue)["fiche"]["date_maj"]) is None
    guides = directory.call("GET", "directory", f"/venues/{venue}/fields").json()["fields"]
    values = {guide["field"]: guide["value"] for guide in guides}
    assert (values["date_maj"], values["pivot"]) == (None, None)
    [first] = history(directory, venue)
    assert {"date_maj", "pivot"}.isdisjoint(change["field"] for change in first["changes"])

    upload(directory, csv_of({**cells, "date_maj": "2026-01-02"}))
    newest, _ = history(directory, venue)
    assert newest["changes"] == [{"field": "date_maj", "old": None, "new": "2026-01-02"}]
