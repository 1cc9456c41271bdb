"""Writes what docs/ has from the code: `events.md`, OpenAPI of each service, AsyncAPI of all.

`python -m tools.docs` writes, `python -m tools.docs --check` says whether anything is out of date.
"""

import json
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

from fastapi import FastAPI

from shared.events import TYPES, Event
from shared.service import Service, build
from tools import asyncapi

DOCS = Path(__file__).parents[1] / "docs"
SERVICES = ("directory", "moderation", "announcements", "notifications")
VERSION = "0.1.0"
_KEY = "0" * 32


def service(name: str) -> Service:
    """A service as its `app.py` puts it together, with settings that open nothing."""
    settings = import_module(f"services.{name}.settings").Settings(link_key=_KEY, jwt_key=_KEY)
    made: Service = import_module(f"services.{name}.app").service(settings)
    return made


def documents() -> dict[Path, str]:
    """Every generated file and its text."""
    services = [service(name) for name in SERVICES]
    files = {DOCS / "events.md": events(services)}
    for one in services:
        app: FastAPI = build(one)
        files[DOCS / "openapi" / f"{one.name}.json"] = _json(app.openapi())
    files[DOCS / "asyncapi.json"] = _json(asyncapi.document(services, VERSION))
    return files


def _json(document: dict[str, Any]) -> str:
    return json.dumps(document, ensure_ascii=False, indent=1) + "\n"


def events(services: list[Service]) -> str:
    """The events of all streams: what each says, who listens."""
    parts = [
        "# Events\n",
        "Made from the code by `make docs`. On Kafka: [CloudEvents 1.0](https://cloudevents.io), "
        "binary mode, JSON body; topic = stream, message key = the field named.\n",
    ]
    for stream in sorted({event.STREAM for event in TYPES.values()}):
        parts.append(f"## {stream}\n")
        parts += [_event(event, services) for event in TYPES.values() if stream == event.STREAM]
    return "\n".join(parts)


def _event(event: type[Event], services: list[Service]) -> str:
    listeners = [one.name for one in services if event in one.handlers]
    schema: dict[str, Any] = event.model_json_schema()
    required = schema.get("required", [])
    fields = ", ".join(
        f"`{name}`" if name in required else f"`{name}`?" for name in schema["properties"]
    )
    return (
        f"### {event.__name__}\n\n{(event.__doc__ or '').strip()}\n\n"
        f"Fields: {fields}. Read by: {', '.join(listeners) or 'nobody yet'}.\n"
    )


def main() -> int:
    """Write or check; the exit code."""
    stale = {
        path: text
        for path, text in documents().items()
        if not path.exists() or path.read_text() != text
    }
    if "--check" in sys.argv:
        for path in stale:
            sys.stderr.write(f"{path.relative_to(DOCS.parent)} is out of date: make docs\n")
        return bool(stale)
    for path, text in stale.items():
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
