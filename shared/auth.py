"""Who is asking: JSON Web Tokens, verified against a JWKS address or one local key.

Claims read: `sub`, `exp` (both required), `name`, `email`, `email_verified`, `roles`, `created_at`
(seconds since 1970), `siret` (the organisation that the issuer has verified, as ProConnect says
it), and `iss` and `aud` where settings ask for them. A venue's managers are a relation kept by the
directory, not a role.
"""

import re
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Annotated, Any, Literal

import httpx
import structlog
from fastapi import Depends, Request
from fastapi.security import HTTPBearer
from joserfc import jwt
from joserfc.errors import JoseError
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey

from shared.errors import Busy, NotAllowed, NotAuthenticated
from shared.events import Author
from shared.events.contacts import AccountContactChanged
from shared.settings import ServiceSettings

AccountRole = Literal["user", "moderator", "admin", "partner"]

SHORTEST_SECRET = 32
SKEW = 30
"""Seconds by which clocks may differ."""
ACCOUNT_ID = r"[A-Za-z0-9._|~-]{1,200}"
"""What an account's id may be: it goes into events and keys, so never an address."""
LONGEST_NAME = 200
_ASYMMETRIC = ["RS256", "PS256", "ES256", "EdDSA", "Ed25519"]
_JWKS_AGE = 600.0
_JWKS_PAUSE = 10.0

BEARER = HTTPBearer(scheme_name="bearer", bearerFormat="JWT", auto_error=False)
"""Says in OpenAPI that a route takes a token; whether it is good is the verifier's to say."""
PERHAPS_BEARER = HTTPBearer(scheme_name="perhapsBearer", auto_error=False)
"""Says that a route takes a token or none."""

log = structlog.get_logger()


@dataclass(frozen=True)
class Account:
    """A signed-in person or partner."""

    id: str
    name: str = ""
    email: str | None = None
    roles: frozenset[str] = field(default_factory=frozenset)
    created_at: datetime | None = None
    """When the account was made, if the issuer says so."""
    siret: str | None = None
    """Of the person's organisation, 14 digits: the issuer's word, which nobody chooses for us."""

    @property
    def author(self) -> Author:
        """How events name this account: an address given as a name stays out of them."""
        return Author(account_id=self.id, name="" if "@" in self.name else self.name)

    def contact(self, at: datetime) -> AccountContactChanged | None:
        """Its address, for those who write to people; none if no verified one is known."""
        if not self.email:
            return None
        return AccountContactChanged(
            account_id=self.id, email=self.email, name=self.author.name, changed_at=at
        )

    def may(self, *roles: AccountRole) -> bool:
        """Whether it has one of these roles; an admin has them all."""
        return bool(self.roles & {*roles, "admin"})


class Verifier:
    """Checks tokens; knows the keys of one issuer."""

    def __init__(self, settings: ServiceSettings) -> None:
        self._settings = settings
        self._local = _local_keys(key) if (key := settings.jwt_key.get_secret_value()) else None
        self._fetched: KeySet | None = None
        self._asked_at = float("-inf")
        expected = {"iss": settings.jwt_issuer, "aud": settings.jwt_audience}
        wanted: dict[str, Any] = {
            name: {"essential": True, "value": value} for name, value in expected.items() if value
        }
        self._claims = jwt.JWTClaimsRegistry(
            leeway=SKEW, sub={"essential": True}, exp={"essential": True}, **wanted
        )

    async def account(self, token: str) -> Account:
        """The account a token speaks for; raises `NotAuthenticated`."""
        try:
            claims = (await self._decode(token)).claims
            self._claims.validate(claims)
        except (JoseError, ValueError) as exc:
            # the error's name says expired or forged, never what the token holds
            raise _refused(type(exc).__name__) from None
        return _account(claims)

    async def _decode(self, token: str) -> jwt.Token:
        if self._local:
            keys, algorithms = self._local
            return jwt.decode(token, keys, algorithms=algorithms)
        try:
            return jwt.decode(token, await self._keys(_JWKS_AGE), algorithms=_ASYMMETRIC)
        except (JoseError, ValueError):
            # perhaps signed by a key newer than ours: look again, but not at every bad token
            return jwt.decode(token, await self._keys(_JWKS_PAUSE), algorithms=_ASYMMETRIC)

    async def _keys(self, oldest: float) -> KeySet:
        if not self._settings.jwks_url:
            raise Busy("Aucune clé de connexion n'est configurée.")
        age = time.monotonic() - self._asked_at
        # an outage must not make every request wait for it
        if age > oldest or (self._fetched is None and age > _JWKS_PAUSE):
            self._asked_at = time.monotonic()
            try:
                async with httpx.AsyncClient(timeout=5) as client:
                    answer = await client.get(self._settings.jwks_url)
                    self._fetched = KeySet.import_key_set(answer.raise_for_status().json())
            except (httpx.HTTPError, JoseError, ValueError) as exc:
                log.warning("keys of the identity provider not read", error=type(exc).__name__)
        if self._fetched is None:
            raise Busy(headers={"Retry-After": "5"})
        return self._fetched


def _local_keys(text: str) -> tuple[Any, list[str]]:
    """A key and the only algorithms it may verify: a public key must never serve as a secret."""
    if "-----BEGIN" in text:
        for kind, algorithms in (
            (RSAKey, ["RS256", "PS256"]),
            (ECKey, ["ES256"]),
            (OKPKey, ["EdDSA", "Ed25519"]),
        ):
            try:
                return kind.import_key(text), algorithms
            except (JoseError, ValueError, TypeError):
                continue
        raise ValueError("JWT_KEY is no RSA, EC or Ed25519 public key in PEM")
    if len(text) < SHORTEST_SECRET:
        raise ValueError(f"JWT_KEY must have {SHORTEST_SECRET} characters or more")
    return OctKey.import_key(text), ["HS256"]


def _account(claims: dict[str, Any]) -> Account:
    roles = claims.get("roles", [])
    email = claims.get("email")
    sub = claims["sub"]
    if not isinstance(sub, str) or not re.fullmatch(ACCOUNT_ID, sub) or not isinstance(roles, list):
        raise _refused("InvalidClaim")
    name = "".join(sign for sign in str(claims.get("name", "")) if sign.isprintable())
    usable = isinstance(email, str) and claims.get("email_verified", True) is True
    return Account(
        id=sub,
        name=name[:LONGEST_NAME],
        email=email if usable else None,
        roles=frozenset(role for role in roles if isinstance(role, str)),
        created_at=_moment(claims.get("created_at")),
        siret=_siret(claims.get("siret")),
    )


def _siret(said: object) -> str | None:
    digits = "".join(said.split()) if isinstance(said, str) else ""
    return digits if re.fullmatch(r"\d{14}", digits, re.ASCII) else None


def _moment(seconds: object) -> datetime | None:
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _refused(why: str) -> NotAuthenticated:
    titles = {"ExpiredTokenError": "Votre connexion a expiré, reconnectez-vous."}
    return NotAuthenticated(
        titles.get(why, "Le jeton de connexion n'est pas valable."),
        headers={"WWW-Authenticate": 'Bearer error="invalid_token"'},
    )


async def _bearer(
    request: Request, _: Annotated[object, Depends(PERHAPS_BEARER)]
) -> Account | None:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if not scheme:
        return None
    if scheme.lower() != "bearer" or not token.strip():
        raise NotAuthenticated(headers={"WWW-Authenticate": "Bearer"})
    verifier: Verifier = request.app.state.verifier
    return await verifier.account(token.strip())


Visitor = Annotated[Account | None, Depends(_bearer)]
"""A route's parameter: the account, or none without a token; a bad token is a 401."""


async def _signed_in(account: Visitor, _: Annotated[object, Depends(BEARER)]) -> Account:
    if account is None:
        raise NotAuthenticated(headers={"WWW-Authenticate": "Bearer"})
    return account


SignedIn = Annotated[Account, Depends(_signed_in)]
"""A route's parameter: the account, or a 401."""


class _Requires:
    """A dependency that lets only some roles in."""

    def __init__(self, *roles: AccountRole) -> None:
        self._roles = roles

    async def __call__(self, account: SignedIn) -> Account:
        if not account.may(*self._roles):
            raise NotAllowed()
        return account


Moderator = Annotated[Account, Depends(_Requires("moderator"))]
"""A route's parameter: a moderator's account, or a 401 or 403."""

Admin = Annotated[Account, Depends(_Requires("admin"))]
"""A route's parameter: an admin's account, or a 401 or 403."""
