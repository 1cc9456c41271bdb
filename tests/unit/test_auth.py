"""Which tokens speak for somebody, and for whom."""

import base64
import hashlib
import hmac
import json
import time
from collections.abc import Callable
from functools import partial
from types import SimpleNamespace
from typing import Any

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from joserfc import jwt
from joserfc.jwk import ECKey, Key, OctKey, OKPKey, RSAKey

from shared.auth import Account, Verifier
from shared.errors import Busy, NotAuthenticated, document
from shared.settings import ServiceSettings

SECRET = "a secret for tests, long enough to sign"
RSA = RSAKey.generate_key(2048, auto_kid=True)
EC = ECKey.generate_key("P-256", auto_kid=True)
ED = OKPKey.generate_key("Ed25519", auto_kid=True)
KEYS: dict[str, Key] = {"RS256": RSA, "PS256": RSA, "ES256": EC, "Ed25519": ED}
PROVIDER = "https://connexion.exemple/keys"


def claims(**changes: Any) -> dict[str, Any]:
    """Good claims, but for these; None leaves one out."""
    given_claims = {"sub": "alice", "exp": int(time.time()) + 600} | changes
    return {name: value for name, value in given_claims.items() if value is not None}


def token(key: Key | None = None, alg: str = "HS256", **changes: Any) -> str:
    key = key or OctKey.import_key(SECRET)
    header = {"alg": alg} | ({"kid": key.kid} if key.kid else {})
    return jwt.encode(header, claims(**changes), key, algorithms=[alg])


def forged(header: dict[str, Any], secret: str = "", **changes: Any) -> str:
    """A token made by hand, signed with HMAC whatever its header says."""
    parts = [json.dumps(part).encode() for part in (header, claims(**changes))]
    signed = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in parts)
    signature = hmac.new(secret.encode(), signed, hashlib.sha256).digest() if secret else b""
    return (signed + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


def verifier(**changes: Any) -> Verifier:
    return Verifier(ServiceSettings(**{"jwt_key": SECRET} | changes))


def pem(key: RSAKey | ECKey | OKPKey) -> str:
    return key.as_pem(private=False).decode()


async def refused(one: Verifier, given_token: str) -> NotAuthenticated:
    with pytest.raises(NotAuthenticated) as refusal:
        await one.account(given_token)
    return refusal.value


class TestLocalSecret:
    async def test_a_good_token_speaks_for_its_subject(self) -> None:
        account = await verifier().account(
            token(name="Alice", email="alice@exemple.fr", roles=["user", "moderator", 3])
        )
        assert account == Account(
            "alice", "Alice", "alice@exemple.fr", frozenset({"user", "moderator"})
        )

    async def test_nothing_but_a_subject_is_enough(self) -> None:
        assert await verifier().account(token()) == Account("alice")

    async def test_an_expired_one_says_so(self) -> None:
        problem = await refused(verifier(), token(exp=int(time.time()) - 60))
        assert problem.detail == "Votre connexion a expiré, reconnectez-vous."

    async def test_clocks_may_differ_a_little(self) -> None:
        assert await verifier().account(token(exp=int(time.time()) - 15))

    @pytest.mark.parametrize(
        "changes",
        [
            {"exp": None},
            {"sub": None},
            {"sub": ""},
            {"sub": 5},
            {"sub": "venue:lieu-1"},
            {"sub": "alice@exemple.fr"},
            {"sub": "a\nb"},
            {"sub": "a" * 201},
            {"exp": "demain"},
            {"nbf": int(time.time()) + 86_400},
            {"roles": "admin"},
            {"roles": {"admin": True}},
        ],
    )
    async def test_claims_that_are_missing_or_wrong(self, changes: dict[str, Any]) -> None:
        problem = await refused(verifier(), token(**changes))
        assert problem.detail == "Le jeton de connexion n'est pas valable."
        assert problem.headers == {"WWW-Authenticate": 'Bearer error="invalid_token"'}

    async def test_another_secret(self) -> None:
        await refused(verifier(), token(OctKey.import_key(SECRET + "!")))

    async def test_one_letter_of_it_changed(self) -> None:
        head, body, signature = token().split(".")
        other = "A" if body[10] != "A" else "B"
        await refused(verifier(), ".".join([head, body[:10] + other + body[11:], signature]))

    @pytest.mark.parametrize("alg", ["none", "None", "NONE", "HS384", "RS256", "", None, ["HS256"]])
    @pytest.mark.parametrize("secret", ["", SECRET])
    async def test_another_algorithm_or_none(self, alg: Any, secret: str) -> None:
        await refused(verifier(), forged({"alg": alg}, secret))

    async def test_a_refusal_repeats_nothing_of_the_token(self) -> None:
        bad = token(OctKey.import_key(SECRET + "!"), email="alice@exemple.fr", sub="alice-4711")
        problem = await refused(verifier(), bad)
        shown = json.dumps(document(problem)) + str(problem) + repr(problem.__context__)
        assert not [part for part in (*bad.split("."), "alice") if part in shown]

    @given(some.text() | some.lists(some.text("eyJhbGciOi0_-=9"), max_size=4).map(".".join))
    @settings(max_examples=60, deadline=None)
    async def test_no_text_does_anything_but_be_refused(self, text: str) -> None:
        await refused(verifier(), text)

    def test_a_short_secret_is_no_secret(self) -> None:
        with pytest.raises(ValueError, match="32 characters"):
            verifier(jwt_key="x" * 31)


class TestIssuerAndAudience:
    async def test_are_asked_for_when_settings_name_them(self) -> None:
        one = verifier(jwt_issuer="https://connexion.exemple", jwt_audience="mednum")
        good: dict[str, Any] = {"iss": "https://connexion.exemple", "aud": "mednum"}
        assert await one.account(token(**good))
        assert await one.account(token(**good | {"aud": ["autre", "mednum"]}))
        for wrong in ("https://ailleurs.exemple", None):
            await refused(one, token(**good | {"iss": wrong}))
        for nobody in ("autre", ["autre"], None):
            await refused(one, token(**good | {"aud": nobody}))

    async def test_say_nothing_otherwise(self) -> None:
        assert await verifier().account(token(iss="https://ailleurs.exemple", aud="autre"))


class TestPublicKeys:
    @pytest.mark.parametrize("alg", KEYS)
    async def test_each_kind_verifies_its_own(self, alg: str) -> None:
        key = KEYS[alg]
        assert isinstance(key, RSAKey | ECKey | OKPKey)
        one = verifier(jwt_key=pem(key))
        assert await one.account(token(key, alg)) == Account("alice")
        for other, stranger in KEYS.items():
            if stranger is not key:
                await refused(one, token(stranger, other))

    async def test_ed25519_by_its_older_name(self) -> None:
        with pytest.warns(match="EdDSA is deprecated"):
            assert await verifier(jwt_key=pem(ED)).account(token(ED, "EdDSA"))

    @pytest.mark.parametrize("key", [RSA, EC, ED])
    @pytest.mark.parametrize("alg", ["HS256", "none", "RS256", "ES256"])
    async def test_a_public_key_never_serves_as_a_secret(
        self, key: RSAKey | ECKey | OKPKey, alg: str
    ) -> None:
        text = pem(key)
        one = verifier(jwt_key=text)
        for secret in (text, text.strip(), text + "\n", ""):
            await refused(one, forged({"alg": alg}, secret))

    @pytest.mark.parametrize("text", ["-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----"])
    def test_what_is_no_key(self, text: str) -> None:
        with pytest.raises(ValueError, match="no RSA, EC or Ed25519 public key"):
            verifier(jwt_key=text)


class Provider:
    """An identity provider's page of keys, and a clock."""

    def __init__(self) -> None:
        self.keys: list[Key] = [RSA]
        self.calls = 0
        self.failing = False
        self.now = 1_000.0

    def answer(self, request: httpx.Request) -> httpx.Response:
        assert str(request.url) == PROVIDER
        self.calls += 1
        if self.failing:
            raise httpx.ConnectError("no route to host")
        return httpx.Response(200, json={"keys": [key.as_dict(private=False) for key in self.keys]})


@pytest.fixture
def provider(monkeypatch: pytest.MonkeyPatch) -> Provider:
    one = Provider()
    client: Callable[..., httpx.AsyncClient] = partial(
        httpx.AsyncClient, transport=httpx.MockTransport(one.answer)
    )
    monkeypatch.setattr("shared.auth.httpx.AsyncClient", client)
    monkeypatch.setattr("shared.auth.time", SimpleNamespace(monotonic=lambda: one.now))
    return one


def remote() -> Verifier:
    return verifier(jwt_key="", jwks_url=PROVIDER)


class TestProvider:
    async def test_keys_are_fetched_once(self, provider: Provider) -> None:
        one = remote()
        for _ in range(3):
            assert await one.account(token(RSA, "RS256"))
        assert provider.calls == 1

    async def test_a_new_key_is_found_by_itself(self, provider: Provider) -> None:
        one = remote()
        assert await one.account(token(RSA, "RS256"))
        provider.keys = [EC, ED]
        provider.now += 60
        assert await one.account(token(EC, "ES256"))
        assert await one.account(token(ED, "Ed25519"))
        assert provider.calls == 2

    async def test_an_old_key_is_forgotten(self, provider: Provider) -> None:
        one = remote()
        assert await one.account(token(RSA, "RS256"))
        provider.keys = [EC]
        provider.now += 601
        await refused(one, token(RSA, "RS256"))

    async def test_bad_tokens_do_not_make_us_ask_again_and_again(self, provider: Provider) -> None:
        one = remote()
        stranger = RSAKey.generate_key(2048, auto_kid=True)
        assert await one.account(token(RSA, "RS256"))
        for _ in range(5):
            provider.now += 1
            await refused(one, token(stranger, "RS256"))
        assert provider.calls == 1

    @pytest.mark.usefixtures("provider")
    @pytest.mark.parametrize("alg", ["HS256", "none"])
    async def test_a_published_key_never_serves_as_a_secret(self, alg: str) -> None:
        await refused(remote(), forged({"alg": alg, "kid": RSA.kid}, pem(RSA)))

    async def test_known_keys_outlive_an_outage(self, provider: Provider) -> None:
        one = remote()
        assert await one.account(token(RSA, "RS256"))
        provider.failing = True
        provider.now += 601
        assert await one.account(token(RSA, "RS256"))

    async def test_nor_does_an_outage_make_every_request_wait(self, provider: Provider) -> None:
        one = remote()
        assert await one.account(token(RSA, "RS256"))
        provider.failing = True
        provider.now += 601
        for _ in range(5):
            await one.account(token(RSA, "RS256"))
        assert provider.calls == 2

    async def test_without_any_key_nobody_is_refused_for_ever(self, provider: Provider) -> None:
        provider.failing = True
        one = remote()
        with pytest.raises(Busy) as refusal:
            await one.account(token(RSA, "RS256"))
        assert refusal.value.headers == {"Retry-After": "5"}
        provider.failing = False
        provider.now += 11
        assert await one.account(token(RSA, "RS256"))

    async def test_no_key_at_all_is_said(self) -> None:
        with pytest.raises(Busy, match="Aucune clé"):
            await verifier(jwt_key="").account(token())


class TestAccounts:
    @pytest.mark.parametrize("name", ["alice@exemple.fr", "Alice <alice@exemple.fr>"])
    async def test_an_address_is_never_an_authors_name(self, name: str) -> None:
        author = (await verifier().account(token(name=name))).author
        assert (author.account_id, author.name) == ("alice", "")

    async def test_another_name_is(self) -> None:
        assert (await verifier().account(token(name="Alice"))).author.name == "Alice"

    @pytest.mark.parametrize("verified", [False, "false", "true", 0, 1])
    async def test_an_unverified_address_is_nobodys(self, verified: object) -> None:
        bearer = token(email="alice@exemple.fr", email_verified=verified)
        assert (await verifier().account(bearer)).email is None

    @pytest.mark.parametrize("verified", [True, None])
    async def test_a_verified_one_or_one_without_a_word_is_theirs(
        self, verified: bool | None
    ) -> None:
        bearer = token(email="alice@exemple.fr", email_verified=verified)
        assert (await verifier().account(bearer)).email == "alice@exemple.fr"

    async def test_an_address_is_a_text(self) -> None:
        assert (await verifier().account(token(email=["alice@exemple.fr"]))).email is None

    def test_an_admin_may_do_everything(self) -> None:
        assert Account("a", roles=frozenset({"admin"})).may("moderator")
        assert Account("a", roles=frozenset({"moderator"})).may("moderator", "partner")
        assert not Account("a", roles=frozenset({"user"})).may("moderator", "partner")
        assert not Account("a").may("user")
