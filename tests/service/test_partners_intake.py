"""Partners push signed deliveries: what is accepted, what is refused, and that it counts once."""

import json
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any
from uuid import uuid4

import httpx
import pytest

from shared.database import now
from tests.harness import System, eventually
from tests.harness.bus import everything_on, published, send
from tests.harness.partners import (
    ADMIN,
    BATCH,
    STRUCTURED,
    Platform,
    event,
    key_pair,
    signed,
    signed_a,
)
from tests.harness.refusals import refused
from tests.harness.rows import rows
from tests.harness.system import token

LAST_DAY = (now() + timedelta(days=40)).date().isoformat()


def call(**values: Any) -> dict[str, Any]:
    """A funding call, at an address of its own."""
    return {
        "version": 1,
        "kind": "funding_call",
        "titre": "Un fablab pour le quartier",
        "texte": "Un atelier ouvert à tous.",
        "lien": f"https://projets.example.org/{uuid4().hex}",
        "ends_on": LAST_DAY,
        "platform": "Exemple",
        "goal": 3200,
        "raised": 1662,
        "currency": "EUR",
        **values,
    }


@pytest.fixture(scope="module")
def platform(announcements: System) -> Platform:
    return Platform(announcements)


def applied(platform: Platform, answer: Any, status: str = "applied") -> Any:
    """The delivery once it is applied."""
    assert answer.status_code == 202, answer.text
    id_ = answer.json()["delivery"]

    def check() -> Any:
        found = platform.delivery(id_)
        assert found["status"] == status, found
        return found

    return eventually(check)


def shown(platform: Platform, answer: Any) -> Any:
    """The announcement that a delivery made, as an admin reads it."""
    [id_] = answer.json()["announcements"]
    return platform.system.get("announcements", f"/announcements/{id_}", as_=ADMIN)


async def test_a_delivery_is_stored_applied_and_goes_to_moderators(platform: Platform) -> None:
    answer = platform.send(event("r1", call(raised=10)))
    delivery = applied(platform, answer)
    assert delivery["results"][0]["outcome"] == "created"
    assert shown(platform, answer)["state"] == "submitted"
    [id_] = answer.json()["announcements"]
    [submitted] = await published(platform.system, "announcements", id_, 1)
    assert submitted.type == "AnnouncementSubmitted"
    assert submitted.body["author"]["account_id"] == f"partner:{platform.slug}"


async def test_the_same_again_gets_the_first_answer_and_other_bytes_a_refusal(
    platform: Platform,
) -> None:
    body = json.dumps(event("again", call())).encode()
    id_ = f"msg_{uuid4().hex}"
    first = platform.send(body, id_=id_)
    applied(platform, first)
    again = platform.send(body, id_=id_)
    assert (again.status_code, again.json()) == (202, first.json())
    refused(platform.send(body + b" ", id_=id_), 422, "delivery-id-reused")
    refused(platform.send(b"{", id_=id_), 422, "delivery-id-reused")
    key = f"{platform.slug}:{id_}"
    assert len(await rows(platform.system, "announcements", "deliveries", _id=key)) == 1


def test_forms(platform: Platform) -> None:
    batch = platform.send([event("b1", call()), event("b2", call())], content_type=BATCH)
    assert [one["outcome"] for one in applied(platform, batch)["results"]] == ["created"] * 2
    body = json.dumps(call()).encode()
    attributes = {
        "ce-specversion": "1.0",
        "ce-id": "1",
        "ce-source": "/x",
        "ce-type": "announcement.published",
        "ce-subject": "un%20projet",
    }
    headers = {**signed(platform.secret, body), **attributes}
    binary = platform.send(body, content_type="application/json; charset=utf-8", headers=headers)
    assert applied(platform, binary)["results"][0]["reference"] == "un projet"
    other = platform.send(body, content_type="application/json", headers={**headers, "ce-id": "2"})
    refused(other, 422, "delivery-id-reused")
    refused(platform.send(body, content_type="text/plain"), 415, "content-type-unknown")


def test_order_is_the_resources_own(platform: Platform) -> None:
    kept = call(version=5, titre="Le plus récent")
    applied(platform, platform.send(event("order", kept)))
    late = platform.send(event("order", {**kept, "version": 4, "titre": "Ancien"}))
    assert applied(platform, late)["results"][0]["outcome"] == "stale"
    assert shown(platform, late)["titre"] == "Le plus récent"

    ended = event("unseen", {"version": 9}, "announcement.withdrawn")
    assert applied(platform, platform.send(ended))["results"][0]["outcome"] == "unknown"
    before = platform.send(event("unseen", call(version=8)))
    assert applied(platform, before)["results"][0]["outcome"] == "stale"


def test_figures_move_and_ends_are_taken_over(platform: Platform) -> None:
    applied(platform, platform.send(event("moves", call(raised=1))))
    figures = {"version": 2, "raised": 3000, "supporters": 12}
    moved = platform.send(event("moves", figures, "announcement.progressed"))
    assert applied(platform, moved)["results"][0]["outcome"] == "progressed"
    assert shown(platform, moved)["raised"] == 3000
    gone = platform.send(event("moves", {"version": 3}, "announcement.withdrawn"))
    assert applied(platform, gone)["results"][0]["outcome"] == "ended"
    assert shown(platform, gone)["state"] == "withdrawn"


def test_an_unknown_type_is_accepted_and_ignored(platform: Platform) -> None:
    answer = platform.send(event("x", {}, "order.paid"))
    assert (answer.status_code, answer.json()["ignored"]) == (202, 1)
    applied(platform, answer, "ignored")


def test_a_link_announced_before_fails_alone(platform: Platform) -> None:
    link = f"https://projets.example.org/{uuid4().hex}"
    applied(platform, platform.send(event("first", call(lien=link))))
    batch = [event("second", call(lien=f"{link}/?utm_source=x")), event("third", call())]
    delivery = applied(platform, platform.send(batch, content_type=BATCH), "failed")
    outcomes = [(one["outcome"], one["reason"]) for one in delivery["results"]]
    assert outcomes == [("refused", "announcement-duplicate"), ("created", None)]


class TestWhoMayPush:
    def test_unknown_partner(self, announcements: System) -> None:
        answer = announcements.call("POST", "announcements", "/partners/nobody/events", content=b"")
        refused(answer, 404, "partner-unknown")

    def test_signature(self, platform: Platform) -> None:
        body = json.dumps(event("sig", call())).encode()
        right = signed(platform.secret, body)
        wrong: list[dict[str, str]] = [
            {},
            {**right, "webhook-signature": ""},
            {**right, "webhook-signature": "v1,AAAA v2,x , v1"},
            {**right, "webhook-signature": "v1a," + right["webhook-signature"][3:]},
            {**right, "webhook-id": "another"},
            {**right, "webhook-id": "with.dot"},
            {**right, "webhook-timestamp": "soon"},
            {**right, "webhook-timestamp": "1e9"},
            signed("whsec_" + "A" * 44, body),
        ]
        for headers in wrong:
            refused(platform.send(body, headers=headers), 401, "signature-invalid")
        refused(platform.send(b"\xff", headers=right), 401, "signature-invalid")
        several = {**right, "webhook-signature": f"v1,AAAA {right['webhook-signature']}"}
        assert platform.send(body, headers=several).status_code == 202

    @pytest.mark.parametrize("minutes", [-6, 6])
    def test_old_or_early(self, platform: Platform, minutes: int) -> None:
        body = event("old", call())
        answer = platform.send(body, at=now() + timedelta(minutes=minutes))
        refused(answer, 401, "timestamp-outside-tolerance")

    def test_keys_rotate_and_are_revoked(self, announcements: System) -> None:
        platform = Platform(announcements)
        path = f"/partners/{platform.slug}"
        made = announcements.post("announcements", f"{path}/keys", {}, as_=ADMIN)
        body = json.dumps(event("rot", call())).encode()
        assert platform.send(body).status_code == 202
        assert platform.send(body, headers=signed(made["secret"], body)).status_code == 202
        [old] = [
            key["id"]
            for key in announcements.get("announcements", path, as_=ADMIN)["keys"]
            if key["id"] != made["id"]
        ]
        gone = announcements.call("DELETE", "announcements", f"{path}/keys/{old}", as_=ADMIN)
        assert gone.status_code == 204
        refused(platform.send(body), 401, "signature-invalid")
        private, public = key_pair()
        announcements.post("announcements", f"{path}/keys", {"public_key": public}, as_=ADMIN)
        assert platform.send(body, headers=signed_a(private, body)).status_code == 202
        stranger, _ = key_pair()
        refused(platform.send(body, headers=signed_a(stranger, body)), 401, "signature-invalid")
        assert platform.send(b"\xff", headers=signed_a(private, b"\xff")).status_code == 422
        bad = announcements.call(
            "POST", "announcements", f"{path}/keys", as_=ADMIN, json={"public_key": "whpk_AA=="}
        )
        refused(bad, 422, "key-not-usable")

    def test_too_many(self, announcements: System) -> None:
        platform = Platform(announcements, per_minute=2)
        for _ in range(2):
            assert platform.send(event("many", call())).status_code == 202
        answer = platform.send(event("many", call()))
        refused(answer, 429, "too-many-deliveries")
        assert int(answer.headers["retry-after"]) > 0


BAD: dict[str, tuple[Any, str, str]] = {
    "no subject": ({**event("x", call()), "subject": None}, "subject", "missing"),
    "old spec": ({**event("x", call()), "specversion": "0.3"}, "specversion", "literal_error"),
    "no version": (event("x", {"kind": "funding_call"}), "data.version", "int_type"),
    "float version": (event("x", call(version=1.5)), "data.version", "int_type"),
    "negative goal": (event("x", call(goal=-5)), "data.goal", "greater_than"),
    "past": (event("x", call(ends_on="2020-01-01")), "data.ends_on", "past"),
    "script": (event("x", call(lien="javascript:alert(1)")), "data.lien", "value_error"),
    "portal": (event("x", call(lien="http://127.0.0.1/a")), "data.lien", "own_portal"),
    "unknown field": (event("x", call(montant=1)), "data.montant", "extra_forbidden"),
    "no data": ({**event("x", call()), "data": "x"}, "data", "dict_type"),
    "NaN": (b'{"specversion": "1.0", "data": NaN}', "body", "not_a_number"),
    "twice": (b'{"id": "1", "id": "2"}', "body", "duplicate_key"),
    "deep": (b"[" * 100_000, "body", "too_deep"),
    "no JSON": (b"{", "body", "json_invalid"),
}


@pytest.mark.parametrize("name", BAD)
async def test_bad_content_is_refused_and_seen(platform: Platform, name: str) -> None:
    body, field, rule = BAD[name]
    id_ = f"msg_{uuid4().hex}"
    answer = platform.send(body, id_=id_)
    problem = refused(answer, 422, "invalid-input")
    assert (field, rule) in [(one["field"], one["rule"]) for one in problem["invalid_params"]]
    seen = platform.system.get(
        "announcements", f"/partners/{platform.slug}/deliveries?status=refused", as_=ADMIN
    )["items"]
    [mine] = [one for one in seen if one["id"] == id_]
    assert mine["reason"].startswith("invalid-input")
    stored = await rows(
        platform.system, "announcements", "deliveries", _id=f"{platform.slug}:{id_}"
    )
    assert stored == []


def test_a_batch_is_refused_whole_and_says_which(platform: Platform) -> None:
    bad = [event("ok", call()), event("bad", call(goal=0))]
    problem = refused(platform.send(bad, content_type=BATCH), 422, "invalid-input")
    assert problem["invalid_params"][0]["field"] == "1.data.goal"
    many = [event("many", {}, "x") for _ in range(101)]
    refused(platform.send(many, content_type=BATCH), 413, "batch-too-large")
    refused(platform.send([], content_type=BATCH), 422, "invalid-input")
    alone = refused(platform.send([bad[1]], content_type=BATCH), 422, "invalid-input")
    assert alone["invalid_params"][0]["field"] == "0.data.goal"
    refused(platform.send(b" " * (2 * 1024 * 1024)), 413, "too-large")


class TestCare:
    def test_who_may_look(self, announcements: System) -> None:
        member, stranger = token("member", "partner"), token("stranger", "partner")
        platform = Platform(announcements, members=["member"])
        path = f"/partners/{platform.slug}"
        shown = announcements.get("announcements", path, as_=member)
        assert "secret" not in json.dumps(shown)
        for method, where in (("GET", path), ("GET", f"{path}/deliveries"), ("GET", "/partners")):
            answer = announcements.call(method, "announcements", where, as_=stranger)
            refused(answer, 403, "not-allowed")
        body = {"slug": platform.slug, "name": "Encore"}
        again = announcements.call("POST", "announcements", "/partners", as_=ADMIN, json=body)
        refused(again, 409, "partner-exists")
        missing = announcements.call("GET", "announcements", "/partners/nobody", as_=ADMIN)
        refused(missing, 404, "partner-unknown")

    def test_drafts_replay_and_suspension(self, announcements: System) -> None:
        platform = Platform(announcements, intake="hold")
        path = f"/partners/{platform.slug}"
        link = f"https://projets.example.org/{uuid4().hex}"
        answer = platform.send(event("held", call(lien=link)))
        applied(platform, answer)
        assert shown(platform, answer)["state"] == "draft"

        rules = {"intake": "submit"}
        announcements.call("PATCH", "announcements", path, as_=ADMIN, json=rules)
        first = platform.send(event("one", call(lien=link)))
        applied(platform, first)
        second = platform.send(event("two", call(lien=link)))
        failed = applied(platform, second, "failed")
        gone = platform.send(event("one", {"version": 2}, "announcement.withdrawn"))
        applied(platform, gone)
        replay = f"{path}/deliveries/{failed['id']}/replay"
        announcements.post("announcements", replay, {}, as_=ADMIN)
        assert applied(platform, second)["results"][0]["outcome"] == "created"

        announcements.call("PATCH", "announcements", path, as_=ADMIN, json={"suspended": True})
        refused(platform.send(event("late", call())), 401, "signature-invalid")
        announcements.post("announcements", f"{path}/keys", {}, as_=ADMIN)
        announcements.call("PATCH", "announcements", path, as_=ADMIN, json={"suspended": False})
        assert platform.send(event("late", call())).status_code == 202


async def test_over_kafka_it_is_the_same(platform: Platform) -> None:
    body = json.dumps({**event("kafka", call()), "source": f"/partners/{platform.slug}"}).encode()

    def record(headers: dict[str, str]) -> dict[str, Any]:
        named = {"content-type": STRUCTURED, **headers}
        return {"value": body, "headers": [(name, one.encode()) for name, one in named.items()]}

    headers = signed(platform.secret, body)
    forged = record(signed("whsec_" + "A" * 44, body))
    await send(platform.system, "partners", forged, record(headers), record(headers))

    def check() -> Any:
        found = platform.delivery(headers["webhook-id"])
        assert (found["status"], found["via"]) == ("applied", "kafka")
        return found

    eventually(check)
    dead = await everything_on(platform.system, "partners.announcements.dead")
    reasons = [dict(one.headers)["dead_reason"].decode() for one in dead]
    assert [reason.partition(":")[0] for reason in reasons] == ["signature-invalid"]


async def test_many_at_once_count_once_each_with_its_own_correlation(
    announcements: System,
) -> None:
    platform = Platform(announcements)
    bodies = [json.dumps(event(f"at-once-{n}", call())).encode() for n in range(12)]
    pushes = [(body, signed(platform.secret, body)) for body in bodies]

    def push(number: int) -> httpx.Response:
        body, headers = pushes[number % len(pushes)]
        correlated = {**headers, "X-Correlation-Id": f"push-{number % len(pushes)}"}
        return platform.send(body, headers=correlated)

    with ThreadPoolExecutor(12) as threads:
        answers = list(threads.map(push, range(3 * len(pushes))))
    assert {one.status_code for one in answers} == {202}
    for number, (_, headers) in enumerate(pushes):
        mine = answers[number :: len(pushes)]
        assert [one.json() for one in mine] == [mine[0].json()] * 3
        id_ = f"{platform.slug}:{headers['webhook-id']}"
        assert len(await rows(platform.system, "announcements", "deliveries", _id=id_)) == 1
    events = await published(platform.system, "announcements", platform.slug, len(pushes))
    correlations = {
        one.body["delivery_id"].partition(":")[2]: one.headers["ce_correlationid"]
        for one in events
        if one.type == "PartnerDeliveryReceived"
    }
    for number, (_, headers) in enumerate(pushes):
        assert correlations[headers["webhook-id"]] == f"push-{number}"
    seen: list[str] = []
    after = ""
    while True:
        path = f"/partners/{platform.slug}/deliveries?limit=5{after}"
        page = platform.system.get("announcements", path, as_=ADMIN)
        seen += [one["id"] for one in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert sorted(seen) == sorted(headers["webhook-id"] for _, headers in pushes)
