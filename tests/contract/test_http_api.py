"""What all routes of all services have in common, seen from outside."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from shared.service import build
from tools.docs import SERVICES, service

METHODS = {"get", "put", "post", "delete", "patch"}
APPS: dict[str, FastAPI] = {name: build(service(name)) for name in SERVICES}


def operations(name: str) -> Iterator[tuple[str, str, dict[str, Any]]]:
    """Path, method and description of each operation of a service."""
    for path, item in APPS[name].openapi()["paths"].items():
        for method in METHODS & item.keys():
            yield path, method, item[method]


JSON = [
    (name, method, path)
    for name in SERVICES
    for path, method, operation in operations(name)
    # a partner's delivery is read by its own route, which keeps what it refuses
    if list(operation.get("requestBody", {}).get("content", {})) == ["application/json"]
]


def test_three_services_take_json() -> None:
    assert {name for name, *_ in JSON} >= {"directory", "moderation", "announcements"}


@pytest.mark.parametrize(("name", "method", "path"), sorted(JSON))
async def test_each_route_reads_json_strictly(name: str, method: str, path: str) -> None:
    transport = httpx.ASGITransport(APPS[name])
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        for body, rule in (
            (b'{"a": 1, "a": 2}', "duplicate_key"),
            (b'{"a": NaN}', "not_a_number"),
            (b"[" * 100_000, "too_deep"),
        ):
            answer = await client.request(
                method, path, content=body, headers={"content-type": "application/json"}
            )
            assert answer.status_code == 422, answer.text
            assert [one["rule"] for one in answer.json()["invalid_params"]] == [rule]
