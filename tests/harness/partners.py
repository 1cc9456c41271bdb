"""What a partner's platform does: sign CloudEvents, and push them."""

import base64
import json
from datetime import datetime
from typing import Any
from uuid import uuid4

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from standardwebhooks import Webhook

from shared.database import now
from tests.harness.system import System, token

ADMIN = token("admin", "admin")
STRUCTURED = "application/cloudevents+json"
BATCH = "application/cloudevents-batch+json"


def signed(
    secret: str, body: bytes, *, id_: str | None = None, at: datetime | None = None
) -> dict[str, str]:
    """The headers of a delivery signed with a shared secret."""
    id_, at = id_ or f"msg_{uuid4().hex}", at or now()
    return {
        "webhook-id": id_,
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": Webhook(secret).sign(id_, at, body.decode()),
    }


def key_pair() -> tuple[Ed25519PrivateKey, str]:
    """A private key, and its public one as `whpk_…`."""
    private = Ed25519PrivateKey.generate()
    raw = private.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
    return private, "whpk_" + base64.b64encode(raw).decode()


def signed_a(private: Ed25519PrivateKey, body: bytes) -> dict[str, str]:
    """The headers of a delivery signed with a private key."""
    id_, seconds = f"msg_{uuid4().hex}", str(int(now().timestamp()))
    raw = private.sign(f"{id_}.{seconds}.".encode() + body)
    signature = "v1a," + base64.b64encode(raw).decode()
    return {"webhook-id": id_, "webhook-timestamp": seconds, "webhook-signature": signature}


def event(
    reference: str, data: dict[str, Any], type_: str = "announcement.published"
) -> dict[str, Any]:
    """A CloudEvent about one resource."""
    return {
        "specversion": "1.0",
        "id": uuid4().hex,
        "source": "/partners/somebody",
        "type": type_,
        "subject": reference,
        "data": data,
    }


class Platform:
    """A registered partner, and its pushes."""

    def __init__(self, system: System, **rules: Any) -> None:
        self.system = system
        self.slug = f"p{uuid4().hex[:10]}"
        body = {"slug": self.slug, "name": "Une plateforme", **rules}
        made = system.post("announcements", "/partners", body, as_=ADMIN)
        self.secret: str = made["secret"]

    def send(
        self,
        body: Any,
        *,
        content_type: str = STRUCTURED,
        headers: dict[str, str] | None = None,
        **how: Any,
    ) -> httpx.Response:
        """Push something: bytes go as they are; signed unless headers are given."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = headers if headers is not None else signed(self.secret, content, **how)
        return self.system.call(
            "POST",
            "announcements",
            f"/partners/{self.slug}/events",
            content=content,
            headers={"Content-Type": content_type, **headers},
        )

    def delivery(self, id_: str) -> Any:
        """What became of a delivery."""
        path = f"/partners/{self.slug}/deliveries/{id_}"
        return self.system.get("announcements", path, as_=ADMIN)
