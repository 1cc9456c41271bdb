"""docs/asyncapi.json is a valid AsyncAPI document, and says what the services do."""

import json
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft7Validator, Draft202012Validator

from services.announcements.domain.cloud_events import KNOWN
from services.announcements.domain.public_events import PUBLIC_TYPES, of_announcement
from shared.database import now
from shared.events import TYPES
from shared.events.announcements import AnnouncementEvent
from shared.service import Service
from tools.asyncapi import PARTNER_DATA, WEBHOOK_DATA
from tools.docs import DOCS, SERVICES, service

HERE = Path(__file__).parent
SCHEMA = json.loads(HERE.joinpath("asyncapi-3.0.json").read_text("utf-8"))
DOCUMENT: dict[str, Any] = json.loads(DOCS.joinpath("asyncapi.json").read_text("utf-8"))


def at(pointer: str) -> Any:
    found: Any = DOCUMENT
    for part in pointer.removeprefix("#/").split("/"):
        found = found[part.replace("~1", "/")]
    return found


def references(node: Any) -> list[str]:
    if isinstance(node, list):
        return [one for each in node for one in references(each)]
    if not isinstance(node, dict):
        return []
    own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
    return own + [one for each in node.values() for one in references(each)]


def test_the_document_is_valid_asyncapi() -> None:
    errors = Draft7Validator(SCHEMA).iter_errors(DOCUMENT)
    assert [f"{error.json_path}: {error.message[:200]}" for error in errors] == []


def test_the_schema_sees_a_mistake() -> None:
    broken = DOCUMENT | {"operations": {"one": {"action": "publish"}}}
    assert not Draft7Validator(SCHEMA).is_valid(broken)


def test_every_reference_leads_somewhere() -> None:
    found = references(DOCUMENT)
    assert len(found) > len(TYPES)
    for one in found:
        assert at(one) is not None, one


def test_every_event_is_on_its_channel() -> None:
    ours = {name: one for name, one in TYPES.items() if one.__module__.startswith("shared.events.")}
    for name, event in ours.items():
        assert name in DOCUMENT["channels"][event.STREAM]["messages"]


def test_every_handler_is_an_operation() -> None:
    for name in SERVICES:
        one: Service = service(name)
        for event in one.handlers:
            operation = DOCUMENT["operations"][f"{name}.reads.{event.STREAM}"]
            message = f"#/channels/{event.STREAM}/messages/{event.__name__}"
            assert {"$ref": message} in operation["messages"]
        assert one.foreign.keys() <= DOCUMENT["channels"].keys()


@pytest.mark.parametrize("path", sorted(HERE.joinpath("samples").glob("*.json")), ids=str)
def test_the_samples_are_valid_payloads(path: Path) -> None:
    message = DOCUMENT["components"]["messages"][path.stem]
    if message["payload"] == {"type": "null"}:
        return
    whole = {"components": DOCUMENT["components"], **message["payload"]}
    sample = json.loads(path.read_text("utf-8"))
    assert [error.message for error in Draft202012Validator(whole).iter_errors(sample)] == []


@pytest.mark.parametrize("name", sorted(PUBLIC_TYPES))
def test_the_webhooks_are_those_that_are_sent(name: str) -> None:
    payload = DOCUMENT["components"]["messages"][f"Webhook.{name}"]["payload"]
    whole = {"components": DOCUMENT["components"], **payload}
    event_type = PUBLIC_TYPES[name]
    if not issubclass(event_type, AnnouncementEvent):
        return
    sample = HERE.joinpath("samples", f"{event_type.__name__}.json").read_text("utf-8")
    event = event_type.model_validate_json(sample)
    sent = json.loads(of_announcement(event, now(), 3).body("https://portail.example.org"))
    assert [error.message for error in Draft202012Validator(whole).iter_errors(sent)] == []
    assert set(sent["data"]) <= set(WEBHOOK_DATA[name])


def test_the_events_of_partners_are_those_that_are_known() -> None:
    assert PARTNER_DATA.keys() == KNOWN
    assert DOCUMENT["channels"]["partners"]["messages"].keys() == KNOWN
    page = DOCS.joinpath("partners.md").read_text("utf-8")
    assert [name for name in sorted(KNOWN) if f"| `{name}` |" not in page] == []
