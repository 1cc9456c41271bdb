"""Deliveries as records on the topic `partners`: the same path as over HTTP."""

import base64
import json
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest

from shared.database import now
from tests.harness import System, eventually
from tests.harness.bus import everything_on, send
from tests.harness.partners import ADMIN, BATCH, STRUCTURED, Platform, event, signed

Record = dict[str, Any]


@pytest.fixture(scope="module")
def platform(announcements: System) -> Platform:
    return Platform(announcements)


def call(**values: Any) -> dict[str, Any]:
    """A skills call, at an address of its own."""
    return {
        "version": 1,
        "kind": "skills_call",
        "titre": "Animer un atelier",
        "texte": "Deux heures par semaine.",
        "lien": f"https://missions.example.org/{uuid4().hex}",
        "help_kind": "volunteering",
        "remote": True,
        "ends_on": (now() + timedelta(days=40)).date().isoformat(),
        **values,
    }


def told(platform: Platform, reference: str, data: Any, **values: Any) -> dict[str, Any]:
    """An event of this platform."""
    return {**event(reference, data), "source": f"/partners/{platform.slug}", **values}


def record(body: bytes | None, headers: dict[str, str], at: datetime | None = None) -> Record:
    """A record, written about a time."""
    named = [(name, value.encode()) for name, value in headers.items()]
    return {
        # of one partition, hence in order
        "key": b"key",
        "value": body,
        "headers": named,
        "timestamp_ms": int((at or now()).timestamp() * 1000),
    }


def structured(platform: Platform, value: Any, form: str = STRUCTURED) -> tuple[str, Record]:
    """An id, and the signed record of an event or of a list of them."""
    body = json.dumps(value).encode()
    headers = {"content-type": form, **signed(platform.secret, body)}
    return headers["webhook-id"], record(body, headers)


def become(platform: Platform, id_: str, status: str) -> Any:
    """The delivery once it has this status."""

    def check() -> Any:
        found = platform.delivery(id_)
        assert (found["status"], found["via"]) == (status, "kafka"), found
        return found

    return eventually(check)


async def reasons(system: System, id_: str, count: int = 1) -> list[str]:
    """Why the records of a delivery's id are dead letters, once there are so many."""
    wanted = base64.b64encode(id_.encode()).decode()
    for _ in range(20):
        found = [
            dict(one.headers)["dead_reason"].decode()
            for one in await everything_on(system, "partners.announcements.dead")
            if wanted in dict(one.headers).get("dead_headers", b"").decode()
        ]
        if len(found) >= count:
            break
    assert len(found) == count, found
    return found


def binary(platform: Platform, **values: str) -> dict[str, str]:
    """The attributes of an event as Kafka headers."""
    attributes = {
        "specversion": "1.0",
        "id": uuid4().hex,
        "source": f"/partners/{platform.slug}",
        "type": "announcement.published",
        **values,
    }
    return {f"ce_{name}": value for name, value in attributes.items()}


async def test_forms(platform: Platform) -> None:
    one, first = structured(platform, told(platform, "k1", call()))
    both, batch = structured(
        platform,
        [told(platform, "k2", call()), told(platform, "k3", {}, type="order.paid")],
        BATCH,
    )
    body = json.dumps(call()).encode()
    # its headers are the texts themselves, and without a content type it is JSON
    headers = {**binary(platform, subject="100%25 é"), **signed(platform.secret, body)}
    await send(platform.system, "partners", first, batch, record(body, headers))
    become(platform, one, "applied")
    assert [it["outcome"] for it in become(platform, both, "applied")["results"]] == [
        "created",
        "ignored",
    ]
    alone = become(platform, headers["webhook-id"], "applied")
    assert alone["results"][0]["reference"] == "100%25 é"
    metrics = platform.system.call("GET", "announcements", "/metrics").text
    assert 'mednum_partner_events_total{outcome="ignored"}' in metrics


async def test_what_is_refused_is_seen_by_its_partner_too(platform: Platform) -> None:
    id_, bad = structured(platform, told(platform, "bad", call(remote=None)))
    await send(platform.system, "partners", bad)
    assert become(platform, id_, "refused")["reason"].startswith("invalid-input, data.")
    assert [one.partition(":")[0] for one in await reasons(platform.system, id_)] == [
        "invalid-input"
    ]


async def test_an_id_counts_once(platform: Platform) -> None:
    body = json.dumps(told(platform, "once", call())).encode()
    headers = {"content-type": STRUCTURED, **signed(platform.secret, body)}
    id_ = headers["webhook-id"]
    other = json.dumps(told(platform, "twice", call())).encode()
    reused = {"content-type": STRUCTURED, **signed(platform.secret, other, id_=id_)}
    same = record(body, headers)
    await send(platform.system, "partners", same, same, record(other, reused))
    become(platform, id_, "applied")
    [reason] = await reasons(platform.system, id_)
    assert reason.startswith("delivery-id-reused")
    become(platform, id_, "applied")


async def test_a_forged_one_is_refused(platform: Platform) -> None:
    body = json.dumps(told(platform, "forged", call())).encode()
    headers = {"content-type": STRUCTURED, **signed("whsec_" + "A" * 44, body)}
    await send(platform.system, "partners", record(body, headers))
    [reason] = await reasons(platform.system, headers["webhook-id"])
    assert reason.startswith("signature-invalid")


@pytest.mark.parametrize("minutes", [-29 * 24 * 60 - 10, 20])
async def test_a_record_of_another_time_is_refused(platform: Platform, minutes: int) -> None:
    # its signature is right for the time that its sender claims
    at = now() + timedelta(minutes=minutes)
    body = json.dumps(told(platform, "old", call())).encode()
    headers = {"content-type": STRUCTURED, **signed(platform.secret, body, at=at)}
    await send(platform.system, "partners", record(body, headers, at))
    [reason] = await reasons(platform.system, headers["webhook-id"])
    assert reason.startswith("timestamp-outside-tolerance")


async def test_what_is_no_delivery_is_a_dead_letter(platform: Platform) -> None:
    nul, with_nul = structured(platform, told(platform, "nul", call()))
    with_nul["headers"].append(("ce_x", b"\0"))
    tombstone = signed(platform.secret, b"")
    source = {"ce_source": f"/partners/{platform.slug}"}
    await send(platform.system, "partners", with_nul, record(None, {**source, **tombstone}))
    assert await reasons(platform.system, nul) == ["a header holds a NUL"]
    [reason] = await reasons(platform.system, tombstone["webhook-id"])
    assert reason.startswith("invalid-input")


async def test_a_suspended_partner_is_refused(announcements: System) -> None:
    platform = Platform(announcements)
    path = f"/partners/{platform.slug}"
    announcements.call("PATCH", "announcements", path, as_=ADMIN, json={"suspended": True})
    id_, one = structured(platform, told(platform, "late", call()))
    await send(announcements, "partners", one)
    [reason] = await reasons(announcements, id_)
    assert reason.startswith("partner-suspended")


async def test_each_has_a_correlation_of_its_own(platform: Platform) -> None:
    first, given = structured(platform, told(platform, "c1", call()))
    given["headers"].append(("ce_correlationid", b"from-the-partner"))
    second, none = structured(platform, told(platform, "c2", call()))
    await send(platform.system, "partners", given, none)
    become(platform, first, "applied")
    become(platform, second, "applied")
    records = await everything_on(platform.system, "announcements")
    found = {
        json.loads(one.value)["delivery_id"]: dict(one.headers)["ce_correlationid"].decode()
        for one in records
        if dict(one.headers)["ce_type"] == b"PartnerDeliveryReceived"
    }
    assert found[f"{platform.slug}:{first}"] == "from-the-partner"
    assert found[f"{platform.slug}:{second}"] not in ("", "from-the-partner")
