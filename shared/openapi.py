"""What a service's OpenAPI says beside its routes: tokens, and refusals as they really are."""

from collections.abc import Iterator
from typing import Any

from fastapi import FastAPI

from shared.auth import BEARER, PERHAPS_BEARER
from shared.errors import InvalidInput
from shared.http import BY_STATUS

_METHODS = ("get", "put", "post", "delete", "patch")
_OWN_STATUS = "/health/"
"""These answer for the process, to whoever looks after it."""

_SCHEMAS: dict[str, Any] = {
    "Problem": {
        "title": "Problem",
        "description": "A refusal (RFC 9457); some types say more, in members of their own.",
        "type": "object",
        "required": ["type", "title", "status"],
        "properties": {
            "type": {"type": "string", "description": "Stable, `urn:mednum:problem:…`"},
            "title": {"type": "string", "description": "In French, for people"},
            "status": {"type": "integer"},
            "detail": {"type": "string", "description": "In French, about this very case"},
            "invalid_params": {
                "type": "array",
                "items": {"$ref": "#/components/schemas/InvalidParam"},
            },
        },
        "additionalProperties": True,
    },
    "InvalidParam": {
        "title": "InvalidParam",
        "description": "One thing that is wrong with what was sent.",
        "type": "object",
        "required": ["field", "rule", "message"],
        "properties": {
            "field": {"type": "string", "description": "Where, such as `contacts.0.site`"},
            "rule": {"type": "string", "description": "The rule that it breaks; stable"},
            "message": {"type": "string", "description": "The rule in French"},
            "suggestion": {"type": "string", "description": "What was probably meant"},
        },
    },
}
_PROBLEM = {"application/problem+json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
_PAGE = {"text/html": {"schema": {"type": "string"}}}
_TITLES = {
    **{str(status): problem.title for status, problem in BY_STATUS.items()},
    "409": "L'état de la ressource ne permet pas cela.",
    "422": InvalidInput.title,
    "": "Un autre refus.",
}
_RESPONSES = {
    f"{kind}{status}": {"description": title, "content": content}
    # a browser gets the second kind
    for kind, content in (("Problem", _PROBLEM), ("Page", _PROBLEM | _PAGE))
    for status, title in sorted(_TITLES.items())
}


class DescribedApp(FastAPI):
    """An application whose OpenAPI says how it refuses."""

    def openapi(self) -> dict[str, Any]:
        """The document, made once."""
        if not self.openapi_schema:
            _describe(super().openapi())
        return super().openapi()


def _describe(document: dict[str, Any]) -> None:
    components = document.setdefault("components", {})
    schemas = components.setdefault("schemas", {})
    for name in ("HTTPValidationError", "ValidationError"):
        schemas.pop(name, None)
    components["schemas"] = dict(sorted({**schemas, **_SCHEMAS}.items()))
    operations = [one for one in _operations(document) if not one[0].startswith(_OWN_STATUS)]
    for path, method, operation in operations:
        _describe_one(path, method, operation)
    used = str(document["paths"])
    components["responses"] = {name: one for name, one in _RESPONSES.items() if f"/{name}'" in used}
    components.get("securitySchemes", {}).pop(PERHAPS_BEARER.scheme_name, None)
    if any(_takes_token(one) for _, _, one in _operations(document)):
        scheme = BEARER.model.model_dump(mode="json", by_alias=True, exclude_none=True)
        components["securitySchemes"] = {BEARER.scheme_name: scheme}


def _operations(document: dict[str, Any]) -> Iterator[tuple[str, str, dict[str, Any]]]:
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                yield path, method, item[method]


def _takes_token(operation: dict[str, Any]) -> bool:
    return bool(operation.get("security"))


def _describe_one(path: str, method: str, operation: dict[str, Any]) -> None:
    named = {name for one in operation.get("security", []) for name in one}
    if named:
        must = BEARER.scheme_name in named
        operation["security"] = [*([] if must else [{}]), {BEARER.scheme_name: []}]
    responses = operation["responses"]
    # the framework's own description of a 422 is not what we answer
    if "HTTPValidationError" in str(responses.get("422")):
        responses["422"] = None
    kind = "Page" if "text/html" in responses.get("200", {}).get("content", {}) else "Problem"
    body, resource = "requestBody" in operation, "{" in path
    refusals = {
        400: body,
        401: bool(named),
        403: bool(named),
        404: resource,
        409: method != "get" and (body or resource),
        413: body,
        422: "422" in responses,
        503: True,
    }
    for status, possible in refusals.items():
        if possible and not responses.get(str(status)):
            responses[str(status)] = {"$ref": f"#/components/responses/{kind}{status}"}
    responses.setdefault("default", {"$ref": f"#/components/responses/{kind}"})
    operation["responses"] = dict(sorted(responses.items()))
