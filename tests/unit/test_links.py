"""Signed links: good for one case, one holder, one purpose, and until their end."""

import datetime as dt
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as some
from joserfc import jwt
from joserfc.jwk import OctKey

from shared.auth import Verifier
from shared.errors import NotAuthenticated
from shared.links import ClaimLink, DecisionLink, LinkExpired, LinkForged, Links, SheetLink
from shared.settings import ServiceSettings

OLD, NEW = "o" * 32, "n" * 40
PURPOSE = "mednum:decision"
FUTURE = dt.datetime(2100, 1, 1, 12, tzinfo=dt.UTC)
LINK = DecisionLink("case-1", "account:max", FUTURE)


def signed(claims: dict[str, Any], key: str = NEW, alg: str = "HS256") -> str:
    return jwt.encode({"alg": alg}, claims, OctKey.import_key(key), algorithms=[alg])


def claims(**changes: Any) -> dict[str, Any]:
    """What a link says, but for these; None leaves one out."""
    said = {
        "aud": PURPOSE,
        "sub": LINK.holder,
        "case": LINK.case_id,
        "exp": int(FUTURE.timestamp()),
    } | changes
    return {name: value for name, value in said.items() if value is not None}


class TestRoundTrip:
    @given(
        case_id=some.text(some.characters(codec="utf-8"), min_size=1),
        holder=some.text(some.characters(codec="utf-8"), min_size=1),
        seconds=some.integers(0, 10**9),
    )
    @settings(deadline=None, max_examples=40)
    def test_a_link_says_what_it_was_made_of(self, case_id: str, holder: str, seconds: int) -> None:
        link = DecisionLink(case_id, holder, FUTURE + dt.timedelta(seconds=seconds))
        assert Links(NEW).read(Links(NEW).sign(link)) == link

    def test_it_fits_a_url(self) -> None:
        assert not set(Links(NEW).sign(LINK)) - set(
            "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_."
        )

    def test_a_link_made_by_hand_is_what_the_tests_below_start_from(self) -> None:
        assert Links(NEW).read(signed(claims())) == LINK


class TestExpiry:
    def test_a_link_has_an_end(self) -> None:
        past = dt.datetime.now(dt.UTC) - dt.timedelta(seconds=1)
        with pytest.raises(LinkExpired):
            Links(NEW).read(Links(NEW).sign(DecisionLink("case-1", "account:max", past)))

    def test_and_is_good_until_then(self, monkeypatch: pytest.MonkeyPatch) -> None:
        end = FUTURE + dt.timedelta(milliseconds=500)
        token = Links(NEW).sign(DecisionLink("case-1", "account:max", end))
        monkeypatch.setattr("time.time", lambda: end.timestamp() - 0.001)
        assert Links(NEW).read(token).case_id == "case-1"
        monkeypatch.setattr("time.time", lambda: end.timestamp() + 2)
        with pytest.raises(LinkExpired):
            Links(NEW).read(token)

    def test_a_forged_one_does_not_even_expire(self) -> None:
        with pytest.raises(LinkForged):
            Links(NEW).read(signed(claims(exp=1), key=OLD))


class TestForgery:
    @pytest.mark.parametrize("text", ["", ".", "..", "a.b.c", "é", "x" * 5_000])
    def test_no_link_at_all(self, text: str) -> None:
        with pytest.raises(LinkForged):
            Links(NEW).read(text)

    @given(some.text())
    @settings(deadline=None, max_examples=40)
    def test_any_text_is_refused(self, text: str) -> None:
        with pytest.raises(LinkForged):
            Links(NEW).read(text)

    @pytest.mark.parametrize("part", [0, 1, 2])
    def test_one_letter_changed(self, part: int) -> None:
        parts = Links(NEW).sign(LINK).split(".")
        parts[part] = parts[part][:5] + ("A" if parts[part][5] != "A" else "B") + parts[part][6:]
        with pytest.raises(LinkForged):
            Links(NEW).read(".".join(parts))

    @pytest.mark.parametrize("alg", ["HS384", "HS512"])
    def test_another_algorithm(self, alg: str) -> None:
        with pytest.raises(LinkForged):
            Links(NEW + NEW).read(signed(claims(), alg=alg, key=NEW + NEW))

    def test_no_algorithm(self) -> None:
        body = Links(NEW).sign(LINK).split(".")[1]
        with pytest.raises(LinkForged):
            Links(NEW).read(f"eyJhbGciOiJub25lIn0.{body}.")

    def test_a_refusal_repeats_nothing_of_the_token(self) -> None:
        token = Links(OLD).sign(LINK)
        with pytest.raises(LinkForged) as refused:
            Links(NEW).read(token)
        assert refused.value.__suppress_context__ or refused.value.__context__ is None
        assert not [part for part in token.split(".") if part in str(refused.value)]


class TestPurpose:
    @pytest.mark.parametrize("audience", [None, "mednum", "", "mednum:unsubscribe"])
    def test_a_token_for_something_else_is_no_link(self, audience: str | None) -> None:
        with pytest.raises(LinkForged):
            Links(NEW).read(signed(claims(aud=audience)))

    def test_a_login_token_is_no_link(self) -> None:
        with pytest.raises(LinkForged):
            Links(NEW).read(signed({"sub": "max", "exp": claims()["exp"], "roles": ["admin"]}))

    @pytest.mark.parametrize("missing", ["sub", "exp", "case"])
    def test_what_a_link_says_is_all_there(self, missing: str) -> None:
        with pytest.raises(LinkForged):
            Links(NEW).read(signed(claims(**{missing: None})))

    def test_a_link_about_a_sheet_decides_nothing_and_the_other_way_round(self) -> None:
        about_a_sheet = SheetLink("case-1", "account:max", FUTURE)
        assert Links(NEW).read_sheet(Links(NEW).sign(about_a_sheet)) == about_a_sheet
        with pytest.raises(LinkForged):
            Links(NEW).read(Links(NEW).sign(about_a_sheet))
        with pytest.raises(LinkForged):
            Links(NEW).read_sheet(Links(NEW).sign(LINK))

    async def test_a_link_is_no_login(self) -> None:
        verifier = Verifier(ServiceSettings(jwt_key=NEW, jwt_audience="mednum"))
        with pytest.raises(NotAuthenticated):
            await verifier.account(Links(NEW).sign(LINK))


class TestKeys:
    def test_rotate(self) -> None:
        before, after = Links(OLD), Links(f"{NEW}, {OLD}")
        assert after.read(before.sign(LINK)) == LINK
        assert Links(NEW).read(after.sign(LINK)) == LINK
        with pytest.raises(LinkForged):
            before.read(after.sign(LINK))

    def test_an_old_links_end_is_still_told(self) -> None:
        past = dt.datetime(2020, 1, 1, tzinfo=dt.UTC)
        token = Links(OLD).sign(DecisionLink("case-1", "account:max", past))
        with pytest.raises(LinkExpired):
            Links(f"{NEW},{OLD}").read(token)

    def test_a_key_that_is_gone(self) -> None:
        with pytest.raises(LinkForged):
            Links(NEW).read(Links(OLD).sign(LINK))

    @pytest.mark.parametrize("keys", ["", " , ", "k" * 31, f"{NEW},short"])
    def test_are_long_enough(self, keys: str) -> None:
        with pytest.raises(ValueError, match="32 characters"):
            Links(keys)


def test_a_link_about_a_claim_is_good_for_nothing_else() -> None:
    links = Links(NEW)
    claim = ClaimLink("claim-1", "venue:v1", FUTURE)
    assert links.read_claim(links.sign(claim)) == claim
    for read, other in (
        (links.read, claim),
        (links.read_sheet, claim),
        (links.read_claim, LINK),
        (links.read_claim, SheetLink("v1", "account:max", FUTURE)),
    ):
        with pytest.raises(LinkForged):
            read(links.sign(other))
