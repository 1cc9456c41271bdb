"""Many parameters of an address at once.

The framework reads each with a care that makes thirty of them cost several times a search (1.2 ms);
here they are split once and checked by one model, and described as the framework would.
"""

from typing import Any, TypeVar
from urllib.parse import parse_qsl

from fastapi import Request
from pydantic import BaseModel, ValidationError

from shared.errors import BadRequest, InvalidInput, explain

MOST = 500
"""Parameters of one address."""

REFUSED: dict[int | str, dict[str, Any]] = {
    422: {"$ref": "#/components/responses/Problem422"},
}

Model = TypeVar("Model", bound=BaseModel)


def read(request: Request, model: type[Model]) -> Model:
    """The parameters of a request's address; raises `InvalidInput`, `BadRequest`.

    Of one that is no list, the last counts.
    """
    query = request.scope["query_string"].decode(errors="replace")
    given: dict[str, Any] = {}
    try:
        for name, value in parse_qsl(query, keep_blank_values=True, max_num_fields=MOST):
            field = model.model_fields.get(name)
            if field and field.default == ():
                given.setdefault(name, []).append(value)
            else:
                given[name] = value
    except ValueError:
        raise BadRequest(f"Il faut au plus {MOST} paramètres.") from None
    try:
        return model.model_validate(given)
    except ValidationError as exc:
        raise InvalidInput(invalid=explain(exc.errors())) from None


def described(model: type[BaseModel], answer: type[BaseModel]) -> dict[str, Any]:
    """What OpenAPI says of a route that reads its parameters here, for its decorator."""
    return {
        "openapi_extra": {"parameters": parameters_of(model)},
        "responses": {200: {"model": answer}, **REFUSED},
    }


def parameters_of(model: type[BaseModel]) -> list[dict[str, Any]]:
    """The parameters as OpenAPI describes them."""
    schema = model.model_json_schema()
    parameters = []
    for name, field in schema["properties"].items():
        rules = {key: value for key, value in field.items() if key not in ("title", "description")}
        one = {"name": name, "in": "query", "required": False, "schema": rules}
        parameters.append(one | {key: field[key] for key in ("description",) if key in field})
    return parameters
