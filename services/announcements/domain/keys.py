"""What is signed with: shared secrets and public keys, as Standard Webhooks writes them."""

import base64
import secrets
from datetime import datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict

from shared.errors import Problem

KeyKind = Literal["v1", "v1a"]

SECRET_BYTES = 32
PUBLIC_KEY_BYTES = 32

_FIELD = 2**255 - 19
_OF_ORDER_8 = int.from_bytes(
    bytes.fromhex("26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05"), "little"
)
_WEAK = {0, 1, _OF_ORDER_8, _FIELD - _OF_ORDER_8, _FIELD - 1, _FIELD, _FIELD + 1}
"""The y of all points of small order, in every encoding: a signature by them proves nothing."""


class KeyNotUsable(Problem):
    """A key in a form that we do not know, or one key too many."""

    type = "key-not-usable"
    status = 422
    title = "Cette clé n'est pas utilisable."


class Key(BaseModel):
    """What a partner signs with: a shared secret (`v1`), or its public key (`v1a`)."""

    model_config = ConfigDict(frozen=True)

    id: str
    kind: KeyKind
    value: str
    """`whsec_…` or `whpk_…`, base64."""
    created_at: AwareDatetime
    expires_at: AwareDatetime | None = None

    def is_valid(self, at: datetime) -> bool:
        """Whether it still counts."""
        return self.expires_at is None or at < self.expires_at


def new_secret() -> str:
    """A fresh shared secret."""
    return "whsec_" + base64.b64encode(secrets.token_bytes(SECRET_BYTES)).decode()


def new_key(public_key: str | None, at: datetime) -> Key:
    """A key made here, or the partner's own public key; raises `KeyNotUsable`."""
    id_ = secrets.token_hex(4)
    if public_key is None:
        return Key(id=id_, kind="v1", value=new_secret(), created_at=at)
    try:
        raw = base64.b64decode(public_key.removeprefix("whpk_"), validate=True)
    except ValueError:
        raw = b""
    if not public_key.startswith("whpk_") or len(raw) != PUBLIC_KEY_BYTES:
        raise KeyNotUsable("Il faut une clé publique ed25519 : whpk_ suivi de 32 octets en base64.")
    # its last bit is the sign of x
    if int.from_bytes(raw, "little") % 2**255 in _WEAK:
        raise KeyNotUsable("Cette clé publique est faible : n'importe qui peut signer avec elle.")
    return Key(id=id_, kind="v1a", value=public_key, created_at=at)
