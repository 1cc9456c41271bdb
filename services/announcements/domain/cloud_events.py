"""What partners send: CloudEvents 1.0, structured, batched or binary, checked whole.

Source: https://github.com/cloudevents/spec, v1.0.2 (core, JSON format, HTTP and Kafka bindings).
"""

import re
from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import unquote_to_bytes

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from services.announcements.domain.calls import CALL, Call, Figures, check_dates
from services.announcements.domain.links import check_elsewhere
from shared.errors import MORE_FAULTS, InvalidField, InvalidInput, Problem, explain
from shared.strict_json import read_json

MOST_EVENTS = 100
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
BINARY = "application/json"
_ESCAPED = re.compile(r"\\(.)")
_ATTRIBUTES = ("data", "subject", "datacontenttype")
LARGEST_VERSION = 2**53 - 1
"""What every JSON reader keeps exactly."""

EventType = Literal[
    "announcement.published",
    "announcement.progressed",
    "announcement.closed",
    "announcement.withdrawn",
]
KNOWN: frozenset[str] = frozenset(EventType.__args__)  # type: ignore[attr-defined]


class BatchTooLarge(Problem):
    """More events than one delivery may hold."""

    type = "batch-too-large"
    status = 413
    title = f"Un envoi peut contenir au plus {MOST_EVENTS} événements."


class ContentTypeUnknown(Problem):
    """None of the three forms of a CloudEvent."""

    type = "content-type-unknown"
    status = 415
    title = "Ce type de contenu n'est pas celui d'un CloudEvent en JSON."


_Text = Annotated[str, StringConstraints(min_length=1, max_length=200, pattern=r"^[^\x00-\x1f]+$")]
Version = Annotated[int, Field(strict=True, ge=0, le=LARGEST_VERSION)]


class CloudEvent(BaseModel):
    """The attributes that count; extensions are let pass."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    specversion: Literal["1.0"]
    id: _Text
    source: _Text
    type: _Text
    subject: _Text | None = None
    """The partner's own reference of the resource."""
    datacontenttype: str = BINARY
    data: Any = None


class _Versioned(BaseModel):
    model_config = ConfigDict(extra="forbid")

    version: Version


class _Progress(Figures):
    version: Version


@dataclass(frozen=True)
class Change:
    """What one event says of one resource."""

    type: EventType
    reference: str
    version: int
    call: Call | None = None
    figures: Figures | None = None


@dataclass(frozen=True)
class Ignored:
    """An event of a type that we do not know."""

    reference: str


def is_batch(content_type: str) -> bool:
    """Whether faults are named with the event's number."""
    return form_of(content_type) == BATCH


def form_of(content_type: str) -> str:
    """A content type without its parameters."""
    return content_type.partition(";")[0].strip().lower()


def read(
    content_type: str, attributes: Mapping[str, str], body: bytes, *, encoded: bool
) -> list[CloudEvent]:
    """The events of a delivery; `attributes`: those of the binary form, by their names.

    `encoded`: they are written as HTTP headers are; Kafka's headers are the texts themselves.
    Raises `ContentTypeUnknown`, `BatchTooLarge`, `InvalidInput`.
    """
    form = form_of(content_type)
    if form == STRUCTURED:
        return [_event(read_json(body), "")]
    if form == BATCH:
        values = read_json(body)
        if not isinstance(values, list) or not values:
            raise _invalid("body", "list_type", "Il faut une liste d'événements.")
        if len(values) > MOST_EVENTS:
            raise BatchTooLarge
        return _all_different([_event(one, f"{number}.") for number, one in enumerate(values)])
    if form == BINARY and attributes:
        decoded = {
            name: _decoded(name, value) if encoded else value
            for name, value in attributes.items()
            if name in CloudEvent.model_fields
        }
        return [_event({**decoded, "data": read_json(body)}, "")]
    raise ContentTypeUnknown


def _decoded(name: str, value: str) -> str:
    """An attribute from an HTTP header (HTTP binding, 3.1.3.2)."""
    if len(value) > 1 and value[0] == value[-1] == '"':
        value = _ESCAPED.sub(r"\1", value[1:-1])
    try:
        # other than ASCII is to be percent-encoded
        return unquote_to_bytes(value.encode("ascii")).decode()
    except UnicodeError:
        raise _invalid(
            name, "not_utf8", "Le texte doit être en UTF-8, puis encodé (%XX)."
        ) from None


def _all_different(events: list[CloudEvent]) -> list[CloudEvent]:
    seen: set[tuple[str, str]] = set()
    for number, event in enumerate(events):
        if (event.source, event.id) in seen:
            message = "Cet événement est déjà dans le même envoi (mêmes source et id)."
            raise _invalid(f"{number}.id", "duplicate_event", message)
        seen.add((event.source, event.id))
    return events


def changes(
    events: list[CloudEvent], *, batch: bool, at: datetime, own_hosts: AbstractSet[str]
) -> list[Change | Ignored]:
    """What the events ask for; raises `InvalidInput` that names the first event that is wrong."""
    return [
        _checked(event, f"{number}." if batch else "", at, own_hosts)
        for number, event in enumerate(events)
    ]


def _checked(
    event: CloudEvent, place: str, at: datetime, own_hosts: AbstractSet[str]
) -> Change | Ignored:
    try:
        change = _change(event)
        if isinstance(change, Change) and change.call:
            check_elsewhere(change.call.lien, own_hosts)
            # a rolling call may be told of when some of its dates are over
            check_dates(change.call, at, change.call)
    except InvalidInput as exc:
        raise _placed(exc, place) from None
    return change


def _change(event: CloudEvent) -> Change | Ignored:
    if event.type not in KNOWN:
        return Ignored(event.subject or "")
    if event.subject is None:
        raise _invalid("subject", "missing", "Il faut la référence de la ressource chez vous.")
    content = form_of(event.datacontenttype)
    if content != BINARY and not content.endswith("+json"):
        raise _invalid("datacontenttype", "not_json", "Les données doivent être en JSON.")
    if not isinstance(event.data, dict):
        raise _invalid("data", "dict_type", "Il faut un objet.")
    data = dict(event.data)
    kind: Any = event.type
    try:
        if kind == "announcement.published":
            version = _Versioned(version=data.pop("version", None)).version
            return Change(kind, event.subject, version, call=CALL.validate_python(data))
        if kind == "announcement.progressed":
            read = _Progress.model_validate(data)
            figures = Figures(raised=read.raised, supporters=read.supporters)
            return Change(kind, event.subject, read.version, figures=figures)
        return Change(kind, event.subject, _Versioned.model_validate(data).version)
    except ValidationError as exc:
        wrong = explain(exc.errors())
        raise InvalidInput(invalid=[_within("data.", one) for one in wrong]) from None


def _placed(exc: InvalidInput, place: str) -> InvalidInput:
    """The same faults, named as they are in the delivery."""
    return InvalidInput(
        invalid=[
            _within(
                place if one.field.partition(".")[0] in _ATTRIBUTES else f"{place}data.",
                one,
            )
            for one in exc.invalid
        ]
    )


def _within(prefix: str, fault: InvalidField) -> InvalidField:
    """A fault, named from further outside; how many more there are is at no place."""
    if fault.rule == MORE_FAULTS:
        return fault
    return InvalidField(f"{prefix}{fault.field}", fault.rule, fault.message)


def _event(value: Any, place: str) -> CloudEvent:
    try:
        return CloudEvent.model_validate(value)
    except ValidationError as exc:
        raise InvalidInput(invalid=[_within(place, one) for one in explain(exc.errors())]) from None


def _invalid(field: str, rule: str, message: str) -> InvalidInput:
    return InvalidInput(invalid=[InvalidField(field, rule, message)])
