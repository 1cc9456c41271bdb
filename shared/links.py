"""Signed links: notifications puts them into mails, other services let their holders act.

A link is a JWT (HS256) that names what it is for (a case, a sheet) and whom it was written to; it
is worth nothing for anything else and nothing after its end. Keys rotate: the first signs, all of
them verify.
"""

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from joserfc import jwt
from joserfc.errors import ExpiredTokenError, JoseError
from joserfc.jwk import OctKey

from shared.errors import Problem

SHORTEST_KEY = 32
_DECISION = "mednum:decision"
_SHEET = "mednum:sheet"
_CLAIM = "mednum:claim"


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
    """Lets `holder` (`account:…` or `venue:…`) decide one case until `expires_at`."""

    case_id: str
    holder: str
    expires_at: datetime


@dataclass(frozen=True)
class SheetLink:
    """Lets `holder` (`account:…`) say that a sheet is right, or stop the reminders about it."""

    venue_id: str
    holder: str
    expires_at: datetime

    @property
    def account_id(self) -> str:
        """The account that holds it."""
        return self.holder.removeprefix("account:")


@dataclass(frozen=True)
class ClaimLink:
    """Lets `holder` (`venue:…`) say once whether somebody who claims its sheet speaks for it."""

    claim_id: str
    holder: str
    expires_at: datetime


class Links:
    """Signs and reads links with the keys of the setting `LINK_KEY` (separated by commas)."""

    def __init__(self, keys: str) -> None:
        secrets = [key.strip() for key in keys.split(",") if key.strip()]
        if not secrets or any(len(secret) < SHORTEST_KEY for secret in secrets):
            raise ValueError(f"LINK_KEY must hold keys of {SHORTEST_KEY} characters or more")
        self._keys = [OctKey.import_key(secret) for secret in secrets]

    def sign(self, link: DecisionLink | SheetLink | ClaimLink) -> str:
        """A token for a URL."""
        match link:
            case DecisionLink():
                subject = {"aud": _DECISION, "case": link.case_id}
            case SheetLink():
                subject = {"aud": _SHEET, "venue": link.venue_id}
            case ClaimLink():
                subject = {"aud": _CLAIM, "claim": link.claim_id}
        claims = {**subject, "sub": link.holder, "exp": math.ceil(link.expires_at.timestamp())}
        return jwt.encode({"alg": "HS256"}, claims, self._keys[0])

    def read(self, token: str) -> DecisionLink:
        """What a token allows to decide; raises `LinkExpired` or `LinkForged`."""
        claims = self._read(token, _DECISION, "case")
        return DecisionLink(claims["case"], claims["sub"], _end(claims))

    def read_sheet(self, token: str) -> SheetLink:
        """Which sheet a token is for; raises `LinkExpired` or `LinkForged`."""
        claims = self._read(token, _SHEET, "venue")
        return SheetLink(claims["venue"], claims["sub"], _end(claims))

    def read_claim(self, token: str) -> ClaimLink:
        """Which claim a token is for; raises `LinkExpired` or `LinkForged`."""
        claims = self._read(token, _CLAIM, "claim")
        return ClaimLink(claims["claim"], claims["sub"], _end(claims))

    def _read(self, token: str, purpose: str, subject: str) -> dict[str, Any]:
        essential: dict[str, Any] = {name: {"essential": True} for name in ("sub", "exp", subject)}
        wanted = jwt.JWTClaimsRegistry(aud={"essential": True, "value": purpose}, **essential)
        for key in self._keys:
            try:
                claims: dict[str, Any] = jwt.decode(token, key, algorithms=["HS256"]).claims
                wanted.validate(claims)
            except ExpiredTokenError:
                raise LinkExpired from None
            except (JoseError, ValueError):
                continue
            return claims
        raise LinkForged


def _end(claims: dict[str, Any]) -> datetime:
    return datetime.fromtimestamp(claims["exp"], UTC)
