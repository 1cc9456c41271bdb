"""What all routes of all services have in common, seen from outside."""

import json
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


OPERATIONS = [(name, method, path) for name in SERVICES for path, method, _ in operations(name)]
OURS = [one for one in OPERATIONS if not one[2].startswith("/health/")]


def said(name: str, method: str, path: str) -> dict[str, Any]:
    operation: dict[str, Any] = APPS[name].openapi()["paths"][path][method]
    return operation


@pytest.mark.parametrize("name", SERVICES)
def test_the_frameworks_refusals_are_not_described(name: str) -> None:
    document = APPS[name].openapi()
    assert "ValidationError" not in json.dumps(document)
    assert {"Problem", "InvalidParam"} <= document["components"]["schemas"].keys()
    assert "perhapsBearer" not in json.dumps(document)


@pytest.mark.parametrize(("name", "method", "path"), OURS)
def test_each_refusal_is_a_problem(name: str, method: str, path: str) -> None:
    operation = said(name, method, path)
    refusals = {
        status: answer for status, answer in operation["responses"].items() if status[0] in "45d"
    }
    assert {"503", "default"} <= refusals.keys()
    if "requestBody" in operation:
        assert {"400", "409", "413", "422"} <= refusals.keys()
    if "{" in path:
        assert "404" in refusals
    for status, answer in refusals.items():
        known = APPS[name].openapi()["components"]["responses"]
        said_once = known[answer["$ref"].rpartition("/")[2]] if "$ref" in answer else answer
        problem = said_once["content"]["application/problem+json"]["schema"]
        assert problem == {"$ref": "#/components/schemas/Problem"}, status


@pytest.mark.parametrize(("name", "method", "path"), OURS)
async def test_each_route_says_whether_it_takes_a_token(name: str, method: str, path: str) -> None:
    transport = httpx.ASGITransport(APPS[name])
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        answer = await client.request(method, path, headers={"authorization": "Bearer x"})
    operation = said(name, method, path)
    security = operation.get("security", [])
    # what asks for its transaction first, or for nothing, answers otherwise
    if answer.status_code == 401:
        assert {"bearer": []} in security
    if security:
        assert {"401", "403"} <= operation["responses"].keys()
