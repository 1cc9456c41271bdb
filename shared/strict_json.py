"""JSON read strictly: what two readers could understand differently is refused."""

import json
from typing import Any, NoReturn

from shared.errors import InvalidField, InvalidInput


class _Doubled(ValueError):
    """A key is there twice."""


class _NotANumber(ValueError):
    """NaN or an infinity: JSON has none."""


def read_json(body: bytes) -> Any:
    """The value of a body; raises `InvalidInput` with its own rule for each fault."""
    try:
        return json.loads(body.decode(), object_pairs_hook=_once, parse_constant=_no_number)
    except UnicodeDecodeError:
        raise _invalid("not_utf8", "Le texte doit être en UTF-8.") from None
    except _Doubled:
        raise _invalid("duplicate_key", "Un même nom figure deux fois dans un objet.") from None
    except _NotANumber:
        raise _invalid("not_a_number", "NaN et Infinity ne sont pas des nombres JSON.") from None
    except RecursionError:
        raise too_deep() from None
    except ValueError:
        raise _invalid("json_invalid", "Ce n'est pas du JSON.") from None


def too_deep() -> InvalidInput:
    """The refusal of what is nested deeper than we read."""
    return _invalid("too_deep", "Ce JSON est imbriqué trop profondément.")


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Doubled
    return found


def _no_number(_: str) -> NoReturn:
    raise _NotANumber


def _invalid(rule: str, message: str) -> InvalidInput:
    return InvalidInput(invalid=[InvalidField("body", rule, message)])
