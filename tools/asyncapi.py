"""The AsyncAPI document of the bus, of what partners send us and of the webhooks we send."""

from typing import Any

from pydantic import BaseModel

from services.announcements.domain.calls import Figures, FundingCall, SkillsCall
from services.announcements.domain.cloud_events import KNOWN, MOST_EVENTS
from services.announcements.domain.public_events import PING, PUBLIC_TYPES
from shared.events import TYPES, Event
from shared.events.contacts import ContactErased
from shared.service import Service

Json = dict[str, Any]

PARTNERS = "partners"
_SCHEMAS = "#/components/schemas/"
_TEXT = {"type": "string"}
_TIME = {"type": "string", "format": "date-time"}

_OF_CALL = ("announcement_id", "revision", "titre", "lien", "territoire")
WEBHOOK_DATA = {
    "AnnouncementPublished": (*_OF_CALL, "kind", "ends_on", "next_date", "url"),
    "AnnouncementUpdated": (*_OF_CALL, "kind", "ends_on", "next_date", "url"),
    "AnnouncementWaveOpened": (*_OF_CALL, "date", "remaining", "url"),
    "AnnouncementEnded": ("announcement_id", "revision", "titre", "territoire", "why", "url"),
    "VenueUpdated": ("venue_id", "revision", "fields"),
    "VenueNewsPublished": ("venue_id", "news_id"),
    "VenueNewsWithdrawn": ("venue_id", "news_id"),
    PING: (),
}
"""What each webhook says; a test compares this with what is sent."""

_VERSIONED: Json = {
    "type": "object",
    "required": ["version"],
    "properties": {"version": {"type": "integer", "minimum": 0}},
}
PARTNER_DATA = {
    "announcement.published": (SkillsCall, FundingCall),
    "announcement.progressed": (Figures,),
    "announcement.closed": (),
    "announcement.withdrawn": (),
}
"""What each event of a partner says, beside its version."""

CLOUD_EVENT_HEADERS: Json = {
    "type": "object",
    "description": "CloudEvents 1.0, Kafka protocol binding, binary content mode.",
    "required": ["ce_specversion", "ce_id", "ce_type", "ce_source"],
    "properties": {
        "ce_specversion": {"const": "1.0"},
        "ce_id": _TEXT | {"description": "A repeated id is a repeated event."},
        "ce_type": _TEXT,
        "ce_source": _TEXT | {"format": "uri-reference"},
        "ce_time": _TIME,
        "ce_subject": _TEXT,
        "ce_correlationid": _TEXT | {"description": "From the first request to the last mail."},
        "ce_traceparent": _TEXT,
        "content-type": _TEXT,
    },
}
WEBHOOK_HEADERS: Json = {
    "type": "object",
    "description": "Standard Webhooks: the signature is over `id.timestamp.body`.",
    "required": ["webhook-id", "webhook-timestamp", "webhook-signature"],
    "properties": {
        "webhook-id": _TEXT | {"description": "The same at each attempt."},
        "webhook-timestamp": _TEXT | {"description": "Seconds since 1970."},
        "webhook-signature": _TEXT | {"description": "`v1,` or `v1a,` and base64; by spaces."},
    },
}


def document(services: list[Service], version: str) -> Json:
    """The whole document."""
    components = _Components()
    channels = {stream: _stream(stream, components) for stream in _streams()}
    channels |= {
        PARTNERS: _from_partners(components),
        "deliveries": _deliveries(components),
        "webhooks": _webhooks(components),
    }
    operations: Json = {}
    for one in services:
        operations |= _operations(one)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "mednum",
            "version": version,
            "description": "Made from the code by `make docs`. Topic = the publishing service's "
            "stream; a prefix of this installation (`TOPIC_PREFIX`) may stand before it.",
        },
        "defaultContentType": "application/json",
        "servers": {
            "bus": {"host": "localhost:9092", "protocol": "kafka"},
            "announcements": {"host": "localhost:8003", "protocol": "http"},
        },
        "channels": channels,
        "operations": operations | _with_others(),
        "components": {"messages": components.messages, "schemas": components.schemas},
    }


class _Components:
    """Messages and schemas, each written once."""

    def __init__(self) -> None:
        self.messages: Json = {}
        self.schemas: Json = {
            "CloudEventHeaders": CLOUD_EVENT_HEADERS,
            "WebhookHeaders": WEBHOOK_HEADERS,
        }

    def schema(self, name: str, kind: type[BaseModel]) -> Json:
        """A reference to the schema of a type; what it is made of is kept beside it."""
        made = kind.model_json_schema(ref_template=f"{_SCHEMAS}{{model}}")
        self.schemas |= made.pop("$defs", {})
        self.schemas[name] = made
        return {"$ref": f"{_SCHEMAS}{name}"}

    def message(self, name: str, **parts: Any) -> Json:
        """A reference to a message."""
        self.messages[name] = {"name": name, **parts}
        return {"$ref": f"#/components/messages/{name}"}


def _streams() -> list[str]:
    return sorted({event.STREAM for event in TYPES.values()})


def _stream(stream: str, components: _Components) -> Json:
    events = [event for event in TYPES.values() if stream == event.STREAM]
    return {
        "address": stream,
        "servers": [{"$ref": "#/servers/bus"}],
        "messages": {event.__name__: _event(event, components) for event in events},
    }


def _event(event: type[Event], components: _Components) -> Json:
    name = event.__name__
    # a tombstone has no body: its key says whom it is about
    body = {"type": "null"} if event is ContactErased else components.schema(name, event)
    return components.message(
        name,
        summary=(event.__doc__ or "").strip(),
        contentType="application/json",
        headers=_headers("CloudEventHeaders", ce_type={"const": name}),
        payload=body,
        correlationId={"location": "$message.header#/ce_correlationid"},
        bindings={"kafka": {"key": _TEXT | {"description": (event.key.__doc__ or "").strip()}}},
    )


def _headers(*of: str, **properties: Json) -> Json:
    wholes = [{"$ref": _SCHEMAS + name} for name in of]
    return {"type": "object", "allOf": wholes, "properties": properties}


def _operations(service: Service) -> Json:
    made: Json = {}
    tags = [{"name": service.name}]
    if service.name in _streams():
        made[f"{service.name}.publishes"] = {
            "action": "send",
            "channel": {"$ref": f"#/channels/{service.name}"},
            "summary": f"What {service.name} publishes.",
            "tags": tags,
        }
    for stream in sorted({event.STREAM for event in service.handlers}):
        heard = [event.__name__ for event in service.handlers if stream == event.STREAM]
        made[f"{service.name}.reads.{stream}"] = {
            "action": "receive",
            "channel": {"$ref": f"#/channels/{stream}"},
            "summary": f"What {service.name} does something about.",
            "messages": [{"$ref": f"#/channels/{stream}/messages/{name}"} for name in heard],
            "tags": tags,
        }
    return made


def _from_partners(components: _Components) -> Json:
    return {
        "address": PARTNERS,
        "servers": [{"$ref": "#/servers/bus"}],
        "description": "What partners inside the network write; see partners.md.",
        "messages": {
            name: components.message(
                name,
                contentType="application/json",
                headers=_headers("CloudEventHeaders", "WebhookHeaders", ce_type={"const": name}),
                payload=_partner_data(name, components),
            )
            for name in sorted(KNOWN)
        },
    }


def _deliveries(components: _Components) -> Json:
    events = [_cloud_event({"const": name}, _partner_data(name, components)) for name in KNOWN]
    components.schemas["PartnerCloudEvent"] = {
        "anyOf": sorted(events, key=lambda event: str(event["properties"]["type"]["const"]))
    }
    event = {"$ref": f"{_SCHEMAS}PartnerCloudEvent"}
    return {
        "address": "/partners/{slug}/events",
        "servers": [{"$ref": "#/servers/announcements"}],
        "parameters": {"slug": {"description": "The partner."}},
        "description": "What partners send over HTTP, one event or a batch; see partners.md.",
        "messages": {
            "PartnerDelivery": components.message(
                "PartnerDelivery",
                summary="A signed request.",
                contentType="application/cloudevents+json",
                headers={"$ref": f"{_SCHEMAS}WebhookHeaders"},
                payload={
                    "anyOf": [event, {"type": "array", "items": event, "maxItems": MOST_EVENTS}]
                },
            )
        },
    }


def _partner_data(name: str, components: _Components) -> Json:
    """The schema of what a partner's event says; its rules that no schema can say are ours."""
    wholes = [_versioned(components, kind) for kind in PARTNER_DATA[name]]
    return {"anyOf": wholes} if wholes else _VERSIONED


def _versioned(components: _Components, kind: type[BaseModel]) -> Json:
    name = f"Partner{kind.__name__}"
    reference = components.schema(name, kind)
    made = components.schemas[name]
    made["required"] = ["version", *made.get("required", [])]
    made["properties"] = {**_VERSIONED["properties"], **made["properties"]}
    return reference


def _webhooks(components: _Components) -> Json:
    return {
        "address": None,
        "description": "What we send to subscribers, each at the address that it gave.",
        "messages": {
            f"Webhook.{name}": components.message(
                f"Webhook.{name}",
                contentType="application/cloudevents+json",
                headers={"$ref": f"{_SCHEMAS}WebhookHeaders"},
                payload=_cloud_event({"const": name}, webhook_data(name)),
            )
            for name in [*PUBLIC_TYPES, PING]
        },
    }


def webhook_data(name: str) -> Json:
    """The schema of what a webhook of this type says."""
    fields = {"url": _TEXT | {"format": "uri"}, "news_id": _TEXT}
    if event := PUBLIC_TYPES.get(name):
        made = event.model_json_schema(ref_template=f"{_SCHEMAS}{{model}}")
        fields |= made["properties"]
    return {"type": "object", "properties": {one: fields[one] for one in WEBHOOK_DATA[name]}}


def _cloud_event(kind: Json, data: Json) -> Json:
    return {
        "type": "object",
        "description": "CloudEvents 1.0, structured mode.",
        "required": ["specversion", "id", "source", "type", "data"],
        "properties": {
            "specversion": {"const": "1.0"},
            "id": _TEXT,
            "source": _TEXT | {"format": "uri-reference"},
            "type": kind,
            "subject": _TEXT,
            "time": _TIME,
            "datacontenttype": {"const": "application/json"},
            "data": data,
        },
    }


def _with_others() -> Json:
    tags = [{"name": "announcements"}]
    return {
        f"announcements.{name}": {
            "action": action,
            "channel": {"$ref": f"#/channels/{channel}"},
            "summary": summary,
            "tags": tags,
        }
        for name, action, channel, summary in (
            ("reads.partners", "receive", PARTNERS, "What a partner announces, over Kafka."),
            ("takes.deliveries", "receive", "deliveries", "What a partner announces, over HTTP."),
            ("sends.webhooks", "send", "webhooks", "What a subscriber asked to be told."),
        )
    }
