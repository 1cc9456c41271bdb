"""Events stay readable: for each type a JSON Schema and a sample are kept for ever.

`python -m tests.contract.test_events --write` adds the files of new types; what is there is never
written again. A change that these tests refuse wants a new class beside the old one.
"""

import copy
import json
import re
import sys
from pathlib import Path
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from shared.events import TOPICS, TYPES, Event
from shared.events.contacts import STREAM as CONTACTS
from shared.events.contacts import ContactErased

Schema = dict[str, Any]

HERE = Path(__file__).parent
SCHEMAS, SAMPLES = HERE / "schemas", HERE / "samples"
# not those that a unit test may have made up
EVENTS = {name: one for name, one in TYPES.items() if one.__module__.startswith("shared.events.")}

WORDS = {"title", "description"}
"""Keywords that explain a schema and ask for nothing."""
ADDRESS = re.compile(r"mail|courriel|adresse|address|phone|telephone", re.IGNORECASE)


def kept(name: str) -> Schema:
    schema: Schema = json.loads((SCHEMAS / f"{name}.json").read_text("utf-8"))
    return schema


def resolved(schema: Schema, root: Schema) -> Schema:
    """A schema, or what it refers to in its file."""
    while "$ref" in schema:
        schema = root["$defs"][schema["$ref"].removeprefix("#/$defs/")]
    return schema


def differences(old: Schema, new: Schema, roots: tuple[Schema, Schema], at: str = "") -> list[str]:
    """What is no longer as it was kept, but for optional fields that were added."""
    old, new = resolved(old, roots[0]), resolved(new, roots[1])
    found = _keywords(old, new, at) + _required(old, new, at)
    for name, field in old.get("properties", {}).items():
        now = new.get("properties", {}).get(name)
        place = f"{at}.{name}"
        found += [f"{place} is gone"] if now is None else differences(field, now, roots, place)
    for name in ("items", "additionalProperties"):
        if isinstance(old.get(name), dict) and isinstance(new.get(name), dict):
            found += differences(old[name], new[name], roots, f"{at}[]")
    one, other = old.get("anyOf", []), new.get("anyOf", [])
    if len(one) != len(other):
        return [*found, f"{at or 'event'}: other types"]
    for before, after in zip(one, other, strict=True):
        found += differences(before, after, roots, at)
    return found


def _keywords(old: Schema, new: Schema, at: str) -> list[str]:
    below = {"properties", "required", "items", "additionalProperties", "anyOf", "$defs"}
    names = (old.keys() | new.keys()) - WORDS - below
    return [
        f"{at or 'event'}: {name}" for name in sorted(names) if old.get(name) != new.get(name)
    ] + [
        f"{at or 'event'}: {name}"
        for name in ("items", "additionalProperties")
        if type(old.get(name)) is not type(new.get(name))
    ]


def _required(old: Schema, new: Schema, at: str) -> list[str]:
    before, after = set(old.get("required", [])), set(new.get("required", []))
    return [f"{at}.{name} is no longer required" for name in sorted(before - after)] + [
        f"{at}.{name} is required" for name in sorted(after - before)
    ]


def survives(sample: Any, now: Any) -> bool:
    """Whether everything in a sample is still there."""
    if isinstance(sample, dict):
        return isinstance(now, dict) and all(
            name in now and survives(value, now[name]) for name, value in sample.items()
        )
    if isinstance(sample, list):
        return (
            isinstance(now, list)
            and len(sample) == len(now)
            and all(survives(*pair) for pair in zip(sample, now, strict=True))
        )
    return bool(sample == now)


def fields(schema: Schema) -> dict[str, Schema]:
    """All fields of an event by their place, those of its parts too."""
    found: dict[str, Schema] = {}
    parts = {"": schema, **schema.get("$defs", {})}
    for part, one in parts.items():
        for name, field in one.get("properties", {}).items():
            found[f"{part}.{name}".lstrip(".")] = field
    return found


@pytest.mark.parametrize("name", EVENTS)
class TestEveryEvent:
    def test_is_as_it_was_kept_but_for_optional_fields(self, name: str) -> None:
        old, new = kept(name), EVENTS[name].model_json_schema()
        assert differences(old, new, (old, new)) == []

    def test_reads_its_sample_and_loses_none_of_it(self, name: str) -> None:
        text = (SAMPLES / f"{name}.json").read_text("utf-8")
        event = EVENTS[name].model_validate_json(text)
        assert survives(json.loads(text), json.loads(event.model_dump_json()))

    def test_has_a_sample_that_fits_its_schema_and_leaves_no_field_out(self, name: str) -> None:
        sample = json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))
        Draft202012Validator(kept(name)).validate(sample)
        assert sample.keys() == kept(name)["properties"].keys()

    def test_has_a_key_and_a_topic(self, name: str) -> None:
        event = EVENTS[name].model_validate_json((SAMPLES / f"{name}.json").read_text("utf-8"))
        assert event.key
        assert event.STREAM in TOPICS

    def test_reads_what_a_later_version_adds(self, name: str) -> None:
        sample = json.loads((SAMPLES / f"{name}.json").read_text("utf-8"))
        later = json.dumps(sample | {"added_later": {"a": 1}})
        assert "added_later" not in EVENTS[name].model_validate_json(later).model_dump()

    def test_names_no_address_outside_of_contacts(self, name: str) -> None:
        if EVENTS[name].STREAM == CONTACTS:
            return
        schema = EVENTS[name].model_json_schema()
        # how many there are may be said
        addresses = [
            place
            for place, field in fields(schema).items()
            if ADDRESS.search(place) and field.get("type") != "integer"
        ]
        assert addresses == []


def test_nothing_kept_is_without_its_event() -> None:
    for folder in (SCHEMAS, SAMPLES):
        assert sorted(path.stem for path in folder.glob("*.json")) == sorted(EVENTS)


def test_contacts_are_the_only_road_for_addresses() -> None:
    on_contacts = [one for one in EVENTS.values() if one.STREAM == CONTACTS]
    carrying = [
        one
        for one in on_contacts
        if any(ADDRESS.search(name) for name in one.model_json_schema()["properties"])
    ]
    assert ContactErased not in carrying
    assert len(on_contacts) == 4


BEFORE: Schema = {
    "$defs": {
        "Part": {"properties": {"name": {"type": "string"}}, "required": ["name"], "type": "object"}
    },
    "properties": {
        "title": {"type": "string", "title": "Title"},
        "kind": {"enum": ["a", "b"], "type": "string"},
        "part": {"$ref": "#/$defs/Part"},
        "parts": {"items": {"$ref": "#/$defs/Part"}, "type": "array"},
        "value": {"anyOf": [{"type": "string"}, {"type": "null"}], "default": None},
    },
    "required": ["title", "part"],
    "type": "object",
}


class TestComparison:
    """The comparison itself: what it lets pass, and what it stops."""

    def changed(self, *path: str | int, to: Any) -> Schema:
        after = copy.deepcopy(BEFORE)
        place: Any = after
        for step in path[:-1]:
            place = place[step]
        place[path[-1]] = to
        return after

    @pytest.mark.parametrize(
        ("path", "to"),
        [
            (("description",), "In other words."),
            (("properties", "title", "title"), "Other"),
            (("properties", "more"), {"type": "integer", "default": 0}),
            (("$defs", "Part", "properties", "more"), {"type": "string", "default": ""}),
            (("$defs", "Other"), {"type": "object"}),
        ],
    )
    def test_passes(self, path: tuple[str | int, ...], to: Any) -> None:
        after = self.changed(*path, to=to)
        assert differences(BEFORE, after, (BEFORE, after)) == []

    @pytest.mark.parametrize(
        ("path", "to", "found"),
        [
            (("required",), ["title", "part", "kind"], ".kind is required"),
            (("required",), ["title"], ".part is no longer required"),
            (("properties",), {}, ".title is gone"),
            (("properties", "title"), {"type": "integer"}, ".title: type"),
            (("properties", "kind", "enum"), ["a", "b", "c"], ".kind: enum"),
            (("properties", "value", "default"), "a", ".value: default"),
            (("properties", "value", "anyOf"), [{"type": "string"}], ".value: other types"),
            (("properties", "value", "anyOf", 0), {"type": "number"}, ".value: type"),
            (("properties", "parts", "items"), {"type": "string"}, ".parts[]: type"),
            (("properties", "part"), {"type": "string"}, ".part: type"),
            (("$defs", "Part", "required"), [], ".part.name is no longer required"),
            (("$defs", "Part", "properties"), {}, ".parts[].name is gone"),
        ],
    )
    def test_stops(self, path: tuple[str | int, ...], to: Any, found: str) -> None:
        after = self.changed(*path, to=to)
        assert found in differences(BEFORE, after, (BEFORE, after))

    @pytest.mark.parametrize(
        ("sample", "now", "there"),
        [
            ({"a": [1]}, {"a": [1], "b": 2}, True),
            ({"a": [{"b": 1}]}, {"a": [{"b": 1, "c": 2}]}, True),
            ({"a": 1}, {}, False),
            ({"a": [1, 2]}, {"a": [1]}, False),
            ({"a": [{"b": 1}]}, {"a": [{}]}, False),
            ({"a": None}, {"a": 1}, False),
        ],
    )
    def test_of_samples(self, sample: Any, now: Any, there: bool) -> None:
        assert survives(sample, now) is there


EXAMPLES = {
    "venue_id": "structure-1",
    "proposal_id": "3f1d6c1e0a4b4e0f9d2a7c5b8e6f1a20",
    "case_id": "3f1d6c1e0a4b4e0f9d2a7c5b8e6f1a20",
    "announcement_id": "8c2e4b6d1f3a4c5e9b7d0a2f4e6c8b10",
    "account_id": "alice",
    "email": "alice@exemple.fr",
    "by": "account:max",
    "contact": "proposal:3f1d6c1e0a4b4e0f9d2a7c5b8e6f1a20",
    "lien": "https://exemple.fr/page",
    "link": "https://exemple.fr/page",
    "field": "horaires",
}
FORMATS = {"date-time": "2026-03-02T09:00:00.123000Z", "date": "2026-03-31"}
# none of them is a default
PLAIN = {"integer": 3, "number": 1.5, "boolean": True}


def example(name: str, schema: Schema, root: Schema) -> Any:
    """A value for a field; every field of an object is filled."""
    schema = resolved(schema, root)
    if "anyOf" in schema:
        return example(name, schema["anyOf"][0], root)
    if "const" in schema or "enum" in schema:
        return schema.get("const") or schema["enum"][0]
    if schema["type"] == "object":
        inside = schema["properties"].items()
        return {field: example(field, one, root) for field, one in inside}
    if schema["type"] == "array":
        return [example(name, schema["items"], root)]
    if schema["type"] == "string":
        return FORMATS.get(schema.get("format", "")) or EXAMPLES.get(name, f"« {name} » de l'été")
    return PLAIN[schema["type"]]


def write_new() -> list[Path]:
    """Write the files of types that have none; returns those written."""
    written: list[Path] = []
    for name, event in EVENTS.items():
        schema = event.model_json_schema()
        contents = {SCHEMAS: schema, SAMPLES: _sample(event, schema)}
        for folder, content in contents.items():
            path = folder / f"{name}.json"
            if not path.exists():
                folder.mkdir(exist_ok=True)
                path.write_text(json.dumps(content, indent=2, ensure_ascii=False) + "\n", "utf-8")
                written.append(path)
    return written


def _sample(event: type[Event], schema: Schema) -> Any:
    sample = example("", schema, schema)
    return event.model_validate_json(json.dumps(sample)).model_dump(mode="json")


if __name__ == "__main__":
    if sys.argv[1:] != ["--write"]:
        sys.exit(__doc__)
    for path in write_new():
        sys.stdout.write(f"{path}\n")
