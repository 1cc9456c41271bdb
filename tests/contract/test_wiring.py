"""The wiring is whole: imports, what services publish and listen to, and what READMEs say of it."""

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from shared.events import TYPES
from shared.events.base import Timer
from shared.events.contacts import STREAM as CONTACTS
from shared.service import Service
from shared.settings import ServiceSettings

ROOT = Path(__file__).resolve().parents[2]
EVENTS = {name: one for name, one in TYPES.items() if one.__module__.startswith("shared.events.")}

# The folders decide, so that a new service cannot be forgotten.
SERVICES = sorted(path.parent.name for path in (ROOT / "services").glob("*/app.py"))

every_service = pytest.mark.parametrize("name", SERVICES)


def test_four_services_are_on_the_bus() -> None:
    assert set(SERVICES) >= {"announcements", "directory", "moderation", "notifications"}


def test_imports_keep_to_the_layers() -> None:
    command = [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"]
    checked = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert checked.returncode == 0, checked.stdout + checked.stderr


@cache
def service(name: str) -> Service:
    """A service's parts, put together; nothing is started."""
    settings: type[ServiceSettings] = importlib.import_module(f"services.{name}.settings").Settings
    needed = [key for key, one in settings.model_fields.items() if one.is_required()]
    given: dict[str, Any] = dict.fromkeys(needed, "x" * 40)
    parts: Service = importlib.import_module(f"services.{name}.app").service(settings(**given))
    return parts


def of_stream(stream: str) -> set[str]:
    """The events of a stream."""
    return {name for name, event in EVENTS.items() if stream == event.STREAM}


def listened(name: str) -> set[str]:
    """The events that a service has a handler for."""
    return {event.__name__ for event in service(name).handlers}


def calls(tree: ast.AST) -> set[str]:
    """What is called, or listed in a tuple to be, as it is written: `EditProposed`."""
    nodes = list(ast.walk(tree))
    called = {ast.unparse(node.func) for node in nodes if isinstance(node, ast.Call)}
    tables = [one for node in nodes if isinstance(node, ast.Tuple) for one in node.elts]
    return called | {node.id for node in tables if isinstance(node, ast.Name)}


def made(called: set[str]) -> set[str]:
    """The events among what is called."""
    return {name.rsplit(".", 1)[-1] for name in called} & EVENTS.keys()


def trees(folder: Path, pattern: str) -> Iterator[ast.AST]:
    for path in folder.glob(pattern):
        yield ast.parse(path.read_text("utf-8"))


@cache
def makers() -> dict[str, set[str]]:
    """The methods of `shared` that make events, such as `account.contact`, with the events."""
    return {
        f"{kind.name.lower()}.{method.name}": made(calls(method))
        for tree in trees(ROOT / "shared", "*.py")
        for kind in ast.walk(tree)
        if isinstance(kind, ast.ClassDef)
        for method in kind.body
        if isinstance(method, ast.FunctionDef) and made(calls(method))
    }


@cache
def published(name: str) -> frozenset[str]:
    """The events that a service's source makes."""
    called = {one for tree in trees(ROOT / "services" / name, "**/*.py") for one in calls(tree)}
    others = [events for maker, events in makers().items() if maker in called]
    return frozenset(made(called).union(*others))


def listed(name: str, section: str) -> list[str]:
    """The events that the bullets of a README's section start with."""
    text = (ROOT / "services" / name / "README.md").read_text("utf-8")
    (body,) = re.findall(rf"^## {section}\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    bullets = re.findall(r"^- (.*)", body, re.MULTILINE)
    assert not [one for one in bullets if not re.match(r"`\w+`", one)]
    return [one.split("`")[1] for one in bullets]


@every_service
class TestEveryService:
    def test_publishes_what_its_readme_says(self, name: str) -> None:
        assert sorted(listed(name, "Publishes")) == sorted(published(name))

    def test_listens_to_what_its_readme_says(self, name: str) -> None:
        assert sorted(listed(name, "Listens to")) == sorted(listened(name))

    def test_publishes_its_own_events_and_contacts_alone(self, name: str) -> None:
        assert {EVENTS[one].STREAM for one in published(name)} <= {name, CONTACTS}

    def test_publishes_every_event_of_its_stream(self, name: str) -> None:
        assert of_stream(name) <= published(name)

    def test_listens_to_events_that_somebody_publishes(self, name: str) -> None:
        somebody = {one for other in SERVICES for one in published(other)}
        assert listened(name) <= somebody

    def test_handles_its_own_timers(self, name: str) -> None:
        timers = {one for one in published(name) if issubclass(EVENTS[one], Timer)}
        assert timers <= listened(name)

    def test_names_each_handler_after_its_event(self, name: str) -> None:
        for event, handler in service(name).handlers.items():
            snake = re.sub(r"(?<!^)(?=[A-Z])", "_", event.__name__).lower()
            assert getattr(handler, "__name__", "") == f"on_{snake}"


def test_somebody_listens_to_every_timer_and_nobody_else_does() -> None:
    for name in SERVICES:
        strangers = {one for one in listened(name) if issubclass(EVENTS[one], Timer)}
        assert {EVENTS[one].STREAM for one in strangers} <= {name}


def test_every_contact_is_published() -> None:
    assert of_stream(CONTACTS) <= {one for name in SERVICES for one in published(name)}


def test_a_maker_of_events_is_seen_through() -> None:
    assert makers()["account.contact"] == {"AccountContactChanged"}
    assert "AccountContactChanged" in published("directory")
    assert "AccountContactChanged" not in published("notifications")
