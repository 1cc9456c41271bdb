"""Files at the doors: what they are told before an import, what one did to each row, sizes."""

import csv
import http.client
import io
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import httpx
import pytest

from tests.harness import System
from tests.harness.refusals import refused
from tests.harness.rows import nothing_written
from tests.harness.servers import ROOT
from tests.harness.stories import sheet
from tests.harness.system import token
from tests.harness.venues import csv_of, row

ADMIN = token("ada", "admin")
TWO_GIB = 2 * 1024**3


def upload(system: System, path: str, content: Any, **headers: str) -> httpx.Response:
    """Send a file as an admin."""
    headers = {"Content-Type": "text/csv", **headers}
    return system.call("POST", "directory", path, as_=ADMIN, content=content, headers=headers)


def table(answer: httpx.Response) -> list[dict[str, str]]:
    """The lines of a report."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["content-type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(answer.text, newline="")))


def outcomes(lines: list[dict[str, str]]) -> list[tuple[str, str, str]]:
    return [(one["line"], one["outcome"], one["field"]) for one in lines]


class TestValidations:
    def check(self, system: System, content: bytes) -> Any:
        # anybody may
        answer = system.call(
            "POST",
            "directory",
            "/validations",
            content=content,
            headers={"Content-Type": "text/csv"},
        )
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def test_what_is_wrong_is_told_and_nothing_kept(self, directory: System) -> None:
        rows = [
            row(pivot="43493312300029"),
            row(pivot="43493312300029", telephone="04 65 71 00 99", horaires="Sun 10:00-12:00"),
            row(pivot="43493312300029", telephone="04 65 71 00 99"),
            row(pivot="43493312300029", presentation_resume="<b>Ouvert</b>"),
        ]
        async with nothing_written(directory, "directory"):
            found = self.check(directory, csv_of(*rows))
        assert (found["valid"], found["exact"], found["version"]) == (False, True, "1.0.2")
        counts = (found["rows"], found["refused"], found["noted"], found["breaking"])
        assert counts == (4, 1, 2, 2)
        findings = [
            (one["line"], one["field"], one["outcome"], one["breaks_schema"], one["suggestion"])
            for one in found["findings"]
        ]
        assert findings == [
            (3, "horaires", "refused", False, "Su 10:00-12:00"),
            (3, "telephone", "noted", True, "+33465710099"),
            (4, "telephone", "noted", True, "+33465710099"),
            (5, "presentation_resume", "noted", False, "Ouvert"),
        ]

    def test_a_valid_file(self, directory: System) -> None:
        found = self.check(directory, csv_of(row(pivot="43493312300029")))
        assert found["valid"] is True
        assert found["findings"] == found["notes"] == []

    def test_a_file_that_is_none(self, directory: System) -> None:
        answer = upload(directory, "/validations", b"<html>")
        assert "page web" in refused(answer, 422, "not-a-csv-file")["detail"]
        answer = upload(directory, "/validations", csv_of(row()), **{"Content-Type": "text/plain"})
        refused(answer, 422, "invalid-input", ("content-type", "media_type"))


@pytest.mark.parametrize("path", ["/imports?source=essai", "/validations"])
class TestSizes:
    def test_two_gib_by_what_is_declared(self, directory: System, path: str) -> None:
        url = urlsplit(directory.processes["directory"].url)
        door = http.client.HTTPConnection(url.hostname or "", url.port, timeout=60)
        door.putrequest("POST", path)
        for name, value in (
            ("Content-Type", "text/csv"),
            ("Content-Length", str(TWO_GIB)),
            ("Authorization", f"Bearer {ADMIN}"),
        ):
            door.putheader(name, value)
        door.endheaders()
        # none of it was sent
        answer = door.getresponse()
        body = answer.read().decode()
        assert (answer.status, answer.headers["Content-Type"]) == (413, "application/problem+json")
        assert "trop volumineuse" in body
        door.close()

    async def test_a_body_that_does_not_end(self, directory: System, path: str) -> None:
        def endless() -> Iterator[bytes]:
            yield csv_of(row())
            for _ in range(80):
                yield b"," * 1024**2

        async with nothing_written(directory, "directory"):
            try:
                answer = upload(directory, path, endless())
            except httpx.WriteError:
                # the door is closed before all of it is sent
                return
        refused(answer, 413, "too-large")


class TestReports:
    async def test_a_dry_run_says_what_would_happen(self, directory: System) -> None:
        known, new = row(), row()
        upload(directory, f"/imports?source={known['id']}", csv_of(known))
        moved = csv_of({**known, "telephone": "+33465710011"}, new, row(commune=""))
        path = f"/imports?source={known['id']}&dry_run=true"
        async with nothing_written(directory, "directory"):
            report = upload(directory, path, moved).json()
        names = ("created", "updated", "unchanged", "refused", "absent")
        assert [report[name] for name in names] == [1, 1, 0, 1, 0]

    def test_every_row_in_a_table(self, directory: System) -> None:
        good, odd = row(pivot="43493312300029"), row(pivot="43493312300029", telephone="0465710099")
        bad = row(commune="", frais_a_charge="=Gratuit")
        file = csv_of(good, odd, bad)
        path = f"/imports?source={good['id']}"
        lines = table(upload(directory, path, file, Accept="text/csv"))
        assert outcomes(lines) == [
            ("2", "created", ""),
            ("3", "created", "telephone"),
            ("4", "refused", "commune"),
            ("4", "refused", "frais_a_charge"),
        ]
        assert lines[1]["suggestion"] == "+33465710099"
        # nothing that a spreadsheet would run
        assert (lines[3]["value"], lines[3]["suggestion"]) == ("'=Gratuit", "Gratuit")
        again = table(upload(directory, path, file, Accept="text/csv"))
        assert [one["outcome"] for one in again] == ["unchanged", "unchanged", "refused", "refused"]

    def test_how_the_file_was_read(self, directory: System) -> None:
        cells = row(nom="Médiathèque de Die")
        text = csv_of(cells).decode().replace(",", ";")
        report = upload(directory, f"/imports?source={cells['id']}", text.encode("cp1252")).json()
        assert (report["created"], len(report["notes"])) == (1, 2)
        assert sheet(directory, cells["id"])["fiche"]["nom"] == "Médiathèque de Die"


class Website(BaseHTTPRequestHandler):
    """Has one file, behind a redirection."""

    content = b""

    def do_GET(self) -> None:
        moved = self.path == "/ancien.csv"
        self.send_response(302 if moved else 200 if self.path == "/lieux.csv" else 404)
        if moved:
            self.send_header("Location", "/lieux.csv")
        self.send_header("Content-Length", "0" if moved else str(len(self.content)))
        self.end_headers()
        if not moved:
            self.wfile.write(self.content)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture(scope="module")
def website() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Website)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()
    server.server_close()


def run(system: System, *arguments: str) -> "subprocess.CompletedProcess[str]":
    """`python -m services.directory …` on the running service's database."""
    return subprocess.run(
        [sys.executable, "-m", "services.directory", *arguments],
        cwd=ROOT,
        env=system.environment,
        capture_output=True,
        text=True,
        check=False,
    )


class TestCommandLine:
    def test_import_from_the_web_with_a_report(
        self, directory: System, website: str, tmp_path: Path
    ) -> None:
        good, bad = row(), row(horaires="undefined")
        Website.content = csv_of(good, bad)
        report = tmp_path / "rapport.csv"
        options = ("--source", good["id"], "--report", str(report))
        tried = run(directory, "import", f"{website}/ancien.csv", *options, "--dry-run")
        assert tried.returncode == 0, tried.stderr
        assert "rien n'est écrit : 1 créés" in tried.stdout
        url = f"/venues/{good['id']}"
        assert directory.call("GET", "directory", url).status_code == 404

        done = run(directory, "import", f"{website}/ancien.csv", *options)
        assert done.returncode == 0, done.stderr
        assert "1 créés" in done.stdout
        assert "Laissez plutôt vide." in done.stdout
        lines = list(csv.DictReader(report.open(encoding="utf-8", newline="")))
        assert [(one["id"], one["outcome"]) for one in lines if one["outcome"] == "refused"] == [
            (bad["id"], "refused")
        ]
        assert sheet(directory, good["id"])["revision"] == 1

    @pytest.mark.parametrize("command", [("import", "--source", "essai"), ("validate",)])
    def test_a_file_that_is_none_ends_in_a_line(
        self, directory: System, website: str, tmp_path: Path, command: tuple[str, ...]
    ) -> None:
        page = tmp_path / "page.csv"
        page.write_text("<!doctype html>")
        for place, why in (
            (str(page), "page web"),
            (str(tmp_path / "absent.csv"), "ne s'ouvre pas"),
            (f"{website}/absent.csv", "répond 404"),
            ("http://127.0.0.1:1/lieux.csv", "ne se joint pas"),
        ):
            ended = run(directory, *command, place)
            assert ended.returncode == 2, ended.stdout
            assert why in ended.stderr
            assert "Traceback" not in ended.stderr

    def test_validate(self, directory: System, tmp_path: Path) -> None:
        file, report = tmp_path / "lieux.csv", tmp_path / "rapport.csv"
        file.write_bytes(csv_of(row(pivot="43493312300029")))
        fine = run(directory, "validate", str(file))
        assert (fine.returncode, "est valide selon" in fine.stdout) == (0, True)
        file.write_bytes(csv_of(row(commune="", nom="\x1b[31mRouge")))
        broken = run(directory, "validate", str(file), "--report", str(report))
        assert (broken.returncode, "n'est pas valide selon" in broken.stdout) == (1, True)
        assert "\x1b[31m" not in broken.stdout
        lines = list(csv.DictReader(report.open(encoding="utf-8", newline="")))
        said = [(one["line"], one["field"], one["breaks_schema"]) for one in lines]
        assert said == [("2", "nom", "False"), ("2", "commune", "True")]
