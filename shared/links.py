"""Signed links: notifications puts them into mails, other services let their holders answer.

A link is a JWT (HS256) that names a case (or a claim), whom it was written to and what it is for;
it is worth nothing for any other, and nothing after its end. Keys rotate: the first signs, all of
them verify.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Literal, get_args

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import OctKey

from shared.errors import Problem

SHORTEST_KEY = 32
Purpose = Literal["mednum:decision", "mednum:claim"]
"""What a link is for: to decide a case, or to say that somebody speaks for a venue."""


class LinkExpired(Problem):
    """The link was good, but the time to decide is over."""

    type = "link-expired"
    status = 410
    title = "Ce lien n'est plus valable : le délai pour répondre est passé."


class LinkForged(Problem):
    """Not a link of ours, or changed on its way."""

    type = "link-forged"
    status = 400
    title = "Ce lien n'est pas valable. Recopiez-le en entier depuis le courriel."


@dataclass(frozen=True)
class DecisionLink:
    """Lets `holder` (`account:…` or `venue:…`) answer about one case until `expires_at`."""

    case_id: str
    holder: str
    expires_at: datetime


class Links:
    """Signs and reads links with the keys of the setting `LINK_KEY` (separated by commas)."""

    def __init__(self, keys: str) -> None:
        secrets = [key.strip() for key in keys.split(",") if key.strip()]
        if not secrets or any(len(secret) < SHORTEST_KEY for secret in secrets):
            raise ValueError(f"LINK_KEY must hold keys of {SHORTEST_KEY} characters or more")
        self._keys = [OctKey.import_key(secret) for secret in secrets]

    def sign(self, link: DecisionLink, purpose: Purpose = "mednum:decision") -> str:
        """A token for a URL."""
        claims = {
            "aud": purpose,
            "sub": link.holder,
            "case": link.case_id,
            "exp": math.ceil(link.expires_at.timestamp()),
        }
        return jwt.encode({"alg": "HS256"}, claims, self._keys[0])

    def read(self, token: str, purpose: Purpose = "mednum:decision") -> DecisionLink:
        """What a token allows; raises `LinkExpired` or `LinkForged`."""
        wanted = _WANTED[purpose]
        for key in self._keys:
            try:
                claims = jwt.decode(token, key, algorithms=["HS256"]).claims
                wanted.validate(claims)
            except ExpiredTokenError:
                raise LinkExpired from None
            except (JoseError, ValueError):
                continue
            return DecisionLink(
                case_id=claims["case"],
                holder=claims["sub"],
                expires_at=datetime.fromtimestamp(claims["exp"], UTC),
            )
        raise LinkForged


def _claims_of(purpose: Purpose) -> jwt.JWTClaimsRegistry:
    return jwt.JWTClaimsRegistry(
        aud={"essential": True, "value": purpose},
        sub={"essential": True},
        case={"essential": True},
        exp={"essential": True},
    )


_WANTED = {purpose: _claims_of(purpose) for purpose in get_args(Purpose)}
