"""Standard Webhooks signatures: HMAC-SHA256 (`v1`) and ed25519 (`v1a`).

Source: the Standard Webhooks specification 1.0.0. What is signed: `id.timestamp.raw body`.
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from services.announcements.domain.keys import Key
from shared.errors import Problem

TOLERANCE = timedelta(minutes=5)
MOST_SIGNATURES = 10
"""Of one delivery; each costs a verification."""

_ID = re.compile(r"[A-Za-z0-9_-]{1,200}", re.ASCII)
_SECONDS = re.compile(r"\d{1,12}", re.ASCII)


class SignatureInvalid(Problem):
    """A signature is missing, malformed, or by no key of this partner."""

    type = "signature-invalid"
    status = 401
    title = "La signature de cet envoi manque ou n'est pas valable."


class TimestampOutsideTolerance(Problem):
    """Signed more than five minutes ago, or in the future."""

    type = "timestamp-outside-tolerance"
    status = 401
    title = "L'heure de cet envoi s'écarte de plus de cinq minutes de la nôtre."


@dataclass(frozen=True)
class Signed:
    """What the headers of a delivery say of its signature."""

    id: str
    timestamp: datetime
    signatures: tuple[tuple[str, bytes], ...]
    """Scheme and raw signature."""


def read(headers: Mapping[str, str]) -> Signed:
    """The signature headers, by their names in lower case; raises `SignatureInvalid`."""
    id_, seconds = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if not _ID.fullmatch(id_) or not _SECONDS.fullmatch(seconds):
        raise SignatureInvalid
    given = headers.get("webhook-signature", "").split(" ")[:MOST_SIGNATURES]
    signatures = tuple(one for one in map(_signature, given) if one)
    try:
        return Signed(id_, datetime.fromtimestamp(int(seconds), UTC), signatures)
    except (ValueError, OverflowError):
        raise SignatureInvalid from None


def check(signed: Signed, body: bytes, keys: Iterable[Key], *, at: datetime) -> None:
    """Return if one of these keys has signed it, about then.

    Raises `TimestampOutsideTolerance` or `SignatureInvalid`.
    """
    if abs(signed.timestamp - at) > TOLERANCE:
        raise TimestampOutsideTolerance
    # every key is tried: how long it takes says nothing
    right = [_is_by(key, signed, body) for key in keys]
    if not any(right):
        raise SignatureInvalid


def _signature(text: str) -> tuple[str, bytes] | None:
    scheme, _, encoded = text.partition(",")
    try:
        return scheme, base64.b64decode(encoded, validate=True)
    except ValueError:
        return None


def _is_by(key: Key, signed: Signed, body: bytes) -> bool:
    given = [raw for scheme, raw in signed.signatures if scheme == key.kind]
    seconds = int(signed.timestamp.timestamp())
    message = f"{signed.id}.{seconds}.".encode() + body
    raw_key = base64.b64decode(key.value.partition("_")[2])
    if key.kind == "v1":
        # over bytes: the specification's own library signs texts only
        expected = hmac.digest(raw_key, message, hashlib.sha256)
        return sum(hmac.compare_digest(expected, one) for one in given) > 0
    public = Ed25519PublicKey.from_public_bytes(raw_key)
    return sum(_verifies(public, one, message) for one in given) > 0


def _verifies(public: Ed25519PublicKey, signature: bytes, message: bytes) -> bool:
    try:
        public.verify(signature, message)
    except InvalidSignature:
        return False
    return True
