"""Every service has the same command line, and says in a line what is wrong with its settings."""

import importlib
from pathlib import Path

import pytest
from pymongo.errors import ConnectionFailure
from typer.testing import CliRunner

from services.directory import exports_cli, files_cli
from services.directory.app import service
from services.directory.settings import Settings

SERVICES = ("announcements", "directory", "moderation", "notifications")


@pytest.mark.parametrize("service", SERVICES)
def test_dead_letters_can_be_looked_after(service: str) -> None:
    app = importlib.import_module(f"services.{service}.__main__").app
    answer = CliRunner().invoke(app, ["dead", "--help"])
    assert answer.exit_code == 0
    assert all(command in answer.output for command in ("list", "show", "replay"))


def test_wrong_settings_take_a_line(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in (("LINK_KEY", "k" * 32), ("REVIEW_PERIOD", "P8D"), ("JWT_KEY", "j" * 32)):
        monkeypatch.setenv(name, value)
    app = importlib.import_module("services.moderation.__main__").app
    answer = CliRunner().invoke(app, [])
    assert answer.exit_code == 2
    assert "at most P7D" in answer.output
    assert "Traceback" not in answer.output
    assert "kkkk" not in answer.output


def test_a_service_that_could_let_nobody_in_does_not_start(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("JWT_KEY", "JWKS_URL"):
        monkeypatch.delenv(name, raising=False)
    app = importlib.import_module("services.directory.__main__").app
    answer = CliRunner().invoke(app, [])
    assert answer.exit_code == 2
    assert "set JWKS_URL or JWT_KEY" in answer.output


def test_a_directory_without_a_key_for_its_links_serves_nobody_and_still_imports(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("JWT_KEY", "j" * 32)
    monkeypatch.delenv("LINK_KEY", raising=False)
    app = importlib.import_module("services.directory.__main__").app
    answer = CliRunner().invoke(app, [])
    assert (answer.exit_code, "set LINK_KEY" in answer.output) == (2, True)
    # what imports puts the same parts together
    assert service(Settings()).name == "directory"


@pytest.mark.parametrize(
    ("place", "source", "status", "why"),
    [
        ("absent.csv", "essai", 2, "il n'existe pas"),
        (".", "essai", 2, "c'est un dossier"),
        ("lieux.csv", "ada@lieu.example.org", 2, "80 lettres"),
        ("lieux.csv", "", 2, "80 lettres"),
        ("lieux.csv", "essai", 1, "base de données ne répond pas"),
    ],
)
def test_an_import_that_cannot_begin_takes_a_line(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    place: str,
    source: str,
    status: int,
    why: str,
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise ConnectionFailure

    monkeypatch.setattr(files_cli, "_import", away)
    (tmp_path / "lieux.csv").write_text("id")
    app = importlib.import_module("services.directory.__main__").app
    answer = CliRunner().invoke(app, ["import", str(tmp_path / place), "--source", source])
    assert (answer.exit_code, why in answer.output) == (status, True), answer.output
    assert "Errno" not in answer.output


def test_an_export_that_cannot_be_written_takes_a_line(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def away(*_: object, **__: object) -> None:
        raise ConnectionFailure

    monkeypatch.setattr(exports_cli, "_export", away)
    app = importlib.import_module("services.directory.__main__").app
    for path, status, why in (
        (tmp_path / "absent" / "lieux.csv", 2, "n'existe pas"),
        (tmp_path / "lieux.csv", 1, "base de données ne répond pas"),
    ):
        answer = CliRunner().invoke(app, ["export", "-o", str(path)])
        assert (answer.exit_code, why in answer.output) == (status, True), answer.output
        assert list(tmp_path.iterdir()) == []
