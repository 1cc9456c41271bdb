"""Every service has the same command line, and says in a line what is wrong with its settings."""

import importlib

import pytest
from typer.testing import CliRunner

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
