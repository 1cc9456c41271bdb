"""What comes in by the door: signatures, CloudEvents, and what makes two deliveries the same."""

import base64
import hashlib
import hmac
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from standardwebhooks import Webhook

from services.announcements.domain import cloud_events, signatures
from services.announcements.domain.cloud_events import BATCH, BINARY, STRUCTURED
from services.announcements.domain.keys import Key, KeyNotUsable, new_key, new_secret
from services.announcements.handlers.partners import incoming_of
from services.announcements.use_cases.intake import Incoming
from shared.bus.delivery import Permanent
from shared.errors import InvalidInput
from tests.harness.partners import key_pair, signed_a

NOW = datetime(2026, 3, 2, 9, tzinfo=UTC)
EVENT = {
    "specversion": "1.0",
    "id": "1",
    "source": "/x",
    "type": "announcement.closed",
    "subject": "s",
    "data": {"version": 1},
}
ATTRIBUTES = {name: str(value) for name, value in EVENT.items() if name != "data"}


def key() -> Key:
    return new_key(None, NOW)


def headers(one: Key, body: bytes, at: datetime = NOW) -> dict[str, str]:
    raw = base64.b64decode(one.value.removeprefix("whsec_"))
    message = f"m.{int(at.timestamp())}.".encode() + body
    signature = base64.b64encode(hmac.new(raw, message, hashlib.sha256).digest()).decode()
    return {
        "webhook-id": "m",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": f"v1,{signature}",
    }


def check(given: dict[str, str], body: bytes, *keys: Key, at: datetime = NOW) -> None:
    signatures.check(signatures.read(given), body, keys, at=at)


class TestSignatures:
    def test_what_the_specifications_library_signs(self) -> None:
        one = key()
        given = headers(one, b"{}")
        given["webhook-signature"] = Webhook(one.value).sign("m", NOW, "{}")
        check(given, b"{}", key(), one)

    def test_bytes_that_are_no_text(self) -> None:
        one = key()
        check(headers(one, b"\xff\0"), b"\xff\0", one)
        with pytest.raises(signatures.SignatureInvalid):
            check(headers(one, b"\xff\0"), b"\xff", one)

    @pytest.mark.parametrize("minutes", [-6, 6])
    def test_tolerance(self, minutes: int) -> None:
        one = key()
        with pytest.raises(signatures.TimestampOutsideTolerance):
            check(headers(one, b"{}"), b"{}", one, at=NOW + timedelta(minutes=minutes))

    def test_ed25519_and_no_key(self) -> None:
        private, public = key_pair()
        given = signed_a(private, b"x")
        at = signatures.read(given).timestamp
        check(given, b"x", key(), new_key(public, NOW), at=at)
        with pytest.raises(signatures.SignatureInvalid):
            check(given, b"x", at=at)

    @pytest.mark.parametrize("id_", ["", "a.b", "é", "a" * 201, "a b"])
    def test_ids(self, id_: str) -> None:
        with pytest.raises(signatures.SignatureInvalid):
            signatures.read({**headers(key(), b""), "webhook-id": id_})

    @pytest.mark.parametrize(
        "raw",
        [
            bytes(32),
            bytes(31) + b"\x80",
            b"\x01" + bytes(31),
            b"\xec" + b"\xff" * 30 + b"\x7f",
            b"\xed" + b"\xff" * 31,
            bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"),
            bytes.fromhex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"),
        ],
        ids=bytes.hex,
    )
    def test_points_of_small_order_are_no_keys(self, raw: bytes) -> None:
        with pytest.raises(KeyNotUsable):
            new_key("whpk_" + base64.b64encode(raw).decode(), NOW)

    def test_a_secret_is_as_long_as_it_says(self) -> None:
        assert len(base64.b64decode(new_secret().removeprefix("whsec_"))) == 32


def faults(work: Any) -> list[tuple[str, str]]:
    with pytest.raises(InvalidInput) as refused:
        work()
    return [(one.field, one.rule) for one in refused.value.invalid]


def binary(*, encoded: bool, **attributes: str) -> cloud_events.CloudEvent:
    given = {**ATTRIBUTES, **attributes}
    [one] = cloud_events.read(BINARY, given, b"{}", encoded=encoded)
    return one


class TestCloudEvents:
    @pytest.mark.parametrize(
        ("written", "read"),
        [
            ("un%20projet", "un projet"),
            ("%C3%A9", "é"),
            ('"un \\"projet\\" \\\\"', 'un "projet" \\'),
            ('"%22"', '"'),
            ("100%", "100%"),
        ],
    )
    def test_http_headers_are_encoded(self, written: str, read: str) -> None:
        assert binary(encoded=True, subject=written).subject == read
        assert binary(encoded=False, subject=written).subject == written

    @pytest.mark.parametrize("written", ["%ff", "é"])
    def test_http_headers_are_strict(self, written: str) -> None:
        assert faults(lambda: binary(encoded=True, subject=written)) == [("subject", "not_utf8")]
        # no attribute of ours
        assert binary(encoded=True, other=written)

    def test_control_characters_are_refused(self) -> None:
        given = {**ATTRIBUTES, "subject": "a%00"}
        with pytest.raises(InvalidInput):
            cloud_events.read(BINARY, given, b"{}", encoded=True)

    def test_the_same_event_twice_in_a_batch(self) -> None:
        body = json.dumps([EVENT, {**EVENT, "source": "/y"}, EVENT]).encode()
        found = faults(lambda: cloud_events.read(BATCH, {}, body, encoded=True))
        assert found == [("2.id", "duplicate_event")]

    @pytest.mark.parametrize("content", ["text/plain", "application/xml"])
    def test_data_is_json(self, content: str) -> None:
        body = json.dumps({**EVENT, "datacontenttype": content}).encode()
        events = cloud_events.read(STRUCTURED, {}, body, encoded=True)
        found = faults(
            lambda: cloud_events.changes(events, batch=False, at=NOW, own_hosts=frozenset())
        )
        assert found == [("datacontenttype", "not_json")]

    def test_faults_are_counted_not_repeated(self) -> None:
        data = {"version": 1, **{f"f{n}" * 200: n for n in range(50)}}
        body = json.dumps({**EVENT, "data": data}).encode()
        events = cloud_events.read(STRUCTURED, {}, body, encoded=True)
        found = faults(
            lambda: cloud_events.changes(events, batch=False, at=NOW, own_hosts=frozenset())
        )
        assert len(found) == 21
        assert found[-1] == ("body", "more_faults")
        assert max(len(name) for name, _ in found) == len("data.") + 100


def incoming(content_type: str, body: bytes = b"{}", **attributes: str) -> Incoming:
    named = {f"ce-{name}": value for name, value in attributes.items()}
    return Incoming({"content-type": content_type, **named}, body, "http", NOW)


class TestFingerprint:
    def test_how_a_type_is_written_does_not_count(self) -> None:
        one = incoming(STRUCTURED)
        for form in (f"{STRUCTURED}; charset=utf-8", STRUCTURED.upper()):
            assert incoming(form).fingerprint == one.fingerprint
        assert incoming(BATCH).fingerprint != one.fingerprint
        assert incoming(STRUCTURED, b"{} ").fingerprint != one.fingerprint

    def test_attributes_count_in_the_binary_form_only(self) -> None:
        assert incoming(STRUCTURED, id="1").fingerprint == incoming(STRUCTURED).fingerprint
        assert incoming(BINARY, id="1").fingerprint != incoming(BINARY, id="2").fingerprint
        again = incoming(BINARY, id="1", traceparent="00-x")
        assert again.fingerprint == incoming(BINARY, id="1").fingerprint


@dataclass
class Message:
    """A consumed record."""

    value: bytes | None = b"{}"
    headers: list[tuple[str, bytes | None]] = field(default_factory=list)
    timestamp: int = 1_772_442_000_000
    key: bytes | None = None
    topic: str = "partners"
    partition: int = 0
    offset: int = 0


class TestRecords:
    def test_without_a_type_it_is_binary_json(self) -> None:
        found = incoming_of(Message(headers=[("ce_ID", b"1"), ("Webhook-Id", None)]))
        assert (found.form, found.attributes, found.signed_about) == (BINARY, {"id": "1"}, NOW)
        assert found.headers["webhook-id"] == ""
        assert incoming_of(Message(value=None)).body == b""

    @pytest.mark.parametrize("timestamp", [10**16, -(10**16), 2**63 - 1])
    def test_a_time_that_is_none(self, timestamp: int) -> None:
        with pytest.raises(Permanent):
            incoming_of(Message(timestamp=timestamp))

    @pytest.mark.parametrize("header", [("ce_id", b"\xff"), ("ce_id", b"\0"), ("ce_\0", b"x")])
    def test_headers_that_are_no_text(self, header: tuple[str, bytes]) -> None:
        with pytest.raises(Permanent):
            incoming_of(Message(headers=[header]))
