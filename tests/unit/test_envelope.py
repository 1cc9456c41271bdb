"""An event's way onto the wire and back: CloudEvents headers, JSON body, tombstones."""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest

from shared.bus.envelope import Envelope, Undecodable, open_envelope, seal
from shared.database import Document
from shared.events import Author, Event
from shared.events.contacts import AccountContactChanged, ContactErased
from shared.events.directory import EditProposed, VenueManagersChanged
from shared.observability import correlated

NOW = dt.datetime(2026, 3, 2, 9, 0, 0, 123_000, tzinfo=dt.UTC)
CHANGED = VenueManagersChanged(venue_id="v1", revision=2, managers=["zoé"])
TRACE = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
GOOD: list[tuple[str, bytes]] = [("ce_id", b"e1"), ("ce_type", b"VenueManagersChanged")]


@dataclass
class Message:
    """A consumed record."""

    value: bytes | None = None
    headers: Sequence[tuple[str, bytes]] = field(default_factory=lambda: GOOD)
    key: bytes | None = b"v1"
    topic: str = "directory"
    partition: int = 0
    offset: int = 7
    timestamp: int = 1_772_442_000_000


def sealed(event: Event) -> Document:
    return seal(event, source="directory", event_id="e1", at=NOW)


def sent(event: Event) -> Message:
    """The record that the relay makes of an outbox row."""
    row = sealed(event)
    return Message(
        value=None if row["value"] is None else row["value"].encode(),
        headers=[(name, value.encode()) for name, value in row["headers"].items()],
        key=row["key"].encode(),
    )


class TestSeal:
    def test_headers_are_cloudevents_1_0(self) -> None:
        with correlated("request-1", {}):
            row = sealed(CHANGED)
        assert row["headers"] == {
            "ce_specversion": "1.0",
            "ce_id": "e1",
            "ce_type": "VenueManagersChanged",
            "ce_source": "/mednum/directory",
            "ce_time": "2026-03-02T09:00:00.123000+00:00",
            "ce_subject": "v1",
            "ce_correlationid": "request-1",
            "content-type": "application/json",
        }

    def test_key_and_body_are_the_events(self) -> None:
        row = sealed(CHANGED)
        assert row["key"] == "v1"
        assert json.loads(row["value"]) == {"venue_id": "v1", "revision": 2, "managers": ["zoé"]}

    def test_a_trace_travels_on(self) -> None:
        # what clients put beside it may be anybody's address, and events are kept for ever
        strange = {"tracestate": "a=b@c.fr", "baggage": "d=e%40f.fr"}
        with correlated(None, {"traceparent": TRACE, **strange}):
            headers = sealed(CHANGED)["headers"]
        assert headers["ce_traceparent"] == TRACE
        assert not {"ce_tracestate", "ce_baggage"} & headers.keys()

    def test_without_one_there_is_no_header(self) -> None:
        headers = sealed(CHANGED)["headers"]
        assert not {"ce_traceparent", "ce_correlationid"} & headers.keys()

    def test_a_tombstone_has_a_key_and_no_body(self) -> None:
        row = sealed(ContactErased(contact="proposal:p1"))
        assert (row["key"], row["value"]) == ("proposal:p1", None)
        assert row["headers"]["ce_type"] == "ContactErased"


class TestRoundTrip:
    @pytest.mark.parametrize(
        "event",
        [
            CHANGED,
            ContactErased(contact="venue:é"),
            AccountContactChanged(account_id="a", email="a@exemple.fr", changed_at=NOW),
        ],
    )
    def test_what_is_sent_is_what_is_read(self, event: Event) -> None:
        envelope = open_envelope(sent(event))
        assert (envelope.id, envelope.type) == ("e1", type(event).__name__)
        assert envelope.event() == event

    def test_the_correlation_id_comes_along(self) -> None:
        with correlated("request-1", {}):
            message = sent(CHANGED)
        assert open_envelope(message).correlation_id == "request-1"
        assert open_envelope(sent(CHANGED)).correlation_id == ""

    def test_fields_of_a_later_version_are_passed_over(self) -> None:
        body = json.loads(sealed(CHANGED)["value"]) | {"since": "2026"}
        envelope = open_envelope(Message(value=json.dumps(body).encode()))
        assert envelope.event() == CHANGED

    def test_a_type_that_nobody_knows_is_not_decoded(self) -> None:
        headers = [("ce_id", b"e1"), ("ce_type", b"MoonRisen")]
        assert open_envelope(Message(value=b"{", headers=headers)).type == "MoonRisen"


class TestRefusals:
    @pytest.mark.parametrize(
        ("headers", "reason"),
        [
            ([], "the header ce_id is missing"),
            ([("ce_type", b"VenueManagersChanged")], "the header ce_id is missing"),
            ([("ce_id", b""), ("ce_type", b"A")], "the header ce_id is missing"),
            ([("ce_id", b"e1")], "the header ce_type is missing"),
            ([*GOOD, ("x", b"\xff\xfe")], "a header is not UTF-8"),
            ([("ce_id", b"\xff"), ("ce_type", b"A")], "a header is not UTF-8"),
            # Kafka allows a header without a value
            ([("ce_id", None), ("ce_type", b"A")], "the header ce_id is missing"),
        ],
    )
    def test_bad_headers(self, headers: list[tuple[str, bytes]], reason: str) -> None:
        with pytest.raises(Undecodable) as refused:
            open_envelope(Message(value=b"{}", headers=headers))
        assert str(refused.value) == reason

    def test_a_header_of_a_stranger_without_a_value_does_no_harm(self) -> None:
        headers: list[tuple[str, Any]] = [*GOOD, ("x-partner", None)]
        assert open_envelope(Message(value=b"{}", headers=headers)).id == "e1"

    @pytest.mark.parametrize(
        "body",
        [None, b"", b"{", b"[]", b"null", b"\xff\xfe", b'"texte"', b'{"venue_id": "\\ud800"}'],
    )
    def test_bad_bodies(self, body: bytes | None) -> None:
        with pytest.raises(Undecodable, match=r"^VenueManagersChanged is not valid: "):
            open_envelope(Message(value=body)).event()

    def test_the_fields_that_are_wrong_are_named(self) -> None:
        body = b'{"venue_id": 5, "managers": ["a", 3]}'
        with pytest.raises(Undecodable) as refused:
            open_envelope(Message(value=body)).event()
        assert str(refused.value) == (
            "VenueManagersChanged is not valid: venue_id: string_type; revision: missing; "
            "managers.1: string_type"
        )

    def test_a_tombstones_key_is_text(self) -> None:
        headers = [("ce_id", b"e1"), ("ce_type", b"ContactErased")]
        with pytest.raises(Undecodable, match="the key is not UTF-8"):
            open_envelope(Message(headers=headers, key=b"\xff")).event()


ADDRESS = "jean@exemple.fr"
PROPOSED: dict[str, Any] = EditProposed(
    venue_id="v",
    proposal_id="p",
    venue_nom="Anonymal",
    author=Author(account_id="alice"),
    author_is_manager=False,
    public_addresses=1,
    proposed_at=NOW,
    base_revision=1,
    changes=[],
).model_dump(mode="json")


class TestPersonalData:
    """A reason is kept, listed and logged: it never repeats what a body holds."""

    @pytest.mark.parametrize(
        ("kind", "body"),
        [
            ("AccountContactChanged", {"account_id": "a", "email": ADDRESS, "changed_at": ADDRESS}),
            ("AccountContactChanged", {"account_id": [ADDRESS], "email": {ADDRESS: ADDRESS}}),
            ("AccountContactChanged", ADDRESS),
            ("VenueAddressesChanged", {"venue_id": "v", "revision": ADDRESS, "addresses": ADDRESS}),
            ("VenueAddressesChanged", {"addresses": [ADDRESS, {ADDRESS: 1}]}),
            (
                "EditProposed",
                PROPOSED | {"changes": [{"field": {ADDRESS: 1}, "old": {ADDRESS: 1}}]},
            ),
            ("EditProposed", PROPOSED | {"changes": {ADDRESS: 1}, "author": ADDRESS}),
            ("EditApplied", {"accepted_by": ADDRESS, "applied": [{"new": {ADDRESS: ADDRESS}}]}),
        ],
    )
    def test_no_value_in_the_reason(self, kind: str, body: object) -> None:
        headers = [("ce_id", b"e1"), ("ce_type", kind.encode())]
        envelope: Envelope = open_envelope(Message(json.dumps(body).encode(), headers))
        with pytest.raises(Undecodable) as refused:
            envelope.event()
        assert str(refused.value).startswith(f"{kind} is not valid: ")
        assert "jean" not in str(refused.value)
        # the cause would be logged with it
        assert refused.value.__suppress_context__

    def test_nor_of_a_body_that_breaks_off(self) -> None:
        body = f'{{"account_id": "a", "email": "{ADDRESS}'.encode()
        headers = [("ce_id", b"e1"), ("ce_type", b"AccountContactChanged")]
        with pytest.raises(Undecodable) as refused:
            open_envelope(Message(body, headers)).event()
        assert str(refused.value) == "AccountContactChanged is not valid: body: json_invalid"
