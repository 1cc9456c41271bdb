"""What partners send: CloudEvents 1.0, structured, batched or binary, checked whole.

Source: https://github.com/cloudevents/spec, v1.0.2 (core, JSON format, HTTP and Kafka bindings).
"""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated, Any, Literal
from urllib.parse import unquote

from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from services.announcements.domain.calls import CALL, Call, Figures, check_dates
from services.announcements.domain.links import check_elsewhere
from services.announcements.domain.strict_json import read_json
from shared.errors import InvalidField, InvalidInput, Problem, explain

MOST_EVENTS = 100
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"
BINARY = "application/json"
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
    return _form(content_type) == BATCH


def _form(content_type: str) -> str:
    return content_type.partition(";")[0].strip().lower()


def read(content_type: str, attributes: Mapping[str, str], body: bytes) -> list[CloudEvent]:
    """The events of a delivery; `attributes`: those of the binary form, by their names.

    Raises `ContentTypeUnknown`, `BatchTooLarge`, `InvalidInput`.
    """
    form = _form(content_type)
    if form == STRUCTURED:
        return [_event(read_json(body), "")]
    if form == BATCH:
        values = read_json(body)
        if not isinstance(values, list) or not values:
            raise _invalid("body", "list_type", "Il faut une liste d'événements.")
        if len(values) > MOST_EVENTS:
            raise BatchTooLarge
        return [_event(value, f"{number}.") for number, value in enumerate(values)]
    if form == BINARY and attributes:
        decoded = {name: unquote(value) for name, value in attributes.items()}
        return [_event({**decoded, "data": read_json(body)}, "")]
    raise ContentTypeUnknown


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
        raise InvalidInput(
            invalid=[InvalidField(f"data.{one.field}", one.rule, one.message) for one in wrong]
        ) from None


def _placed(exc: InvalidInput, place: str) -> InvalidInput:
    """The same faults, named as they are in the delivery."""

    def name(field: str) -> str:
        inside = field if field.partition(".")[0] in ("data", "subject") else f"data.{field}"
        return f"{place}{inside}"

    return InvalidInput(
        invalid=[InvalidField(name(one.field), one.rule, one.message) for one in exc.invalid]
    )


def _event(value: Any, place: str) -> CloudEvent:
    try:
        return CloudEvent.model_validate(value)
    except ValidationError as exc:
        raise InvalidInput(
            invalid=[
                InvalidField(f"{place}{one.field}", one.rule, one.message)
                for one in explain(exc.errors())
            ]
        ) from None


def _invalid(field: str, rule: str, message: str) -> InvalidInput:
    return InvalidInput(invalid=[InvalidField(field, rule, message)])
