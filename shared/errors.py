"""Refusals: RFC 9457 problem documents, with a stable `type` and a French `title`.

A `Problem` raised in a use case is an answer over HTTP and a dead letter on the bus.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

TYPE_PREFIX = "urn:mednum:problem:"


@dataclass(frozen=True)
class InvalidField:
    """One thing wrong with an input: where, which rule it breaks, and the rule in French."""

    field: str
    rule: str
    message: str
    suggestion: str | None = None
    """What was probably meant, of a list by the item at fault; empty for nothing at all."""


class Problem(Exception):
    """A refusal that says what is wrong; subclasses fix its type, status and title."""

    type: ClassVar[str] = "internal-error"
    status: ClassVar[int] = 500
    title: ClassVar[str] = "Une erreur inattendue est survenue."

    def __init__(
        self,
        detail: str | None = None,
        *,
        invalid: Sequence[InvalidField] = (),
        headers: Mapping[str, str] | None = None,
        **extra: Any,
    ) -> None:
        super().__init__(detail or self.title)
        self.detail = detail
        self.invalid = tuple(invalid)
        self.headers = dict(headers or {})
        self.extra = extra


class InvalidInput(Problem):
    """Some fields break a rule; `invalid` names them."""

    type = "invalid-input"
    status = 422
    title = "Certaines informations ne sont pas valables."


class NotAuthenticated(Problem):
    """No token, or one that is expired or forged."""

    type = "not-authenticated"
    status = 401
    title = "Il faut se connecter pour faire cela."


class NotAllowed(Problem):
    """The account is known but has no right to this."""

    type = "not-allowed"
    status = 403
    title = "Vous n'avez pas le droit de faire cela."


class NotFound(Problem):
    """There is no such thing."""

    type = "not-found"
    status = 404
    title = "Cette page n'existe pas."


class MethodNotAllowed(Problem):
    """The address exists, the method does not."""

    type = "method-not-allowed"
    status = 405
    title = "Cette action n'existe pas à cette adresse."


class BadRequest(Problem):
    """The request cannot be read."""

    type = "bad-request"
    status = 400
    title = "La demande n'a pas pu être lue."


class TooLarge(Problem):
    """The body is over the limit."""

    type = "too-large"
    status = 413
    title = "La demande est trop volumineuse."


class Busy(Problem):
    """Nothing was written; the same request may pass in a moment."""

    type = "busy"
    status = 503
    title = "Le service est momentanément indisponible, réessayez dans un instant."


MOST_FAULTS = 20
MORE_FAULTS = "more_faults"
LONGEST_NAME = 100

MOMENT = "Il faut une date et une heure avec leur fuseau (AAAA-MM-JJThh:mm:ssZ)."

RULES = {
    "missing": "Cette information est obligatoire.",
    "extra_forbidden": "Ce champ n'existe pas.",
    "string_type": "Il faut un texte.",
    "int_type": "Il faut un nombre entier.",
    "int_parsing": "Il faut un nombre entier.",
    "float_type": "Il faut un nombre.",
    "float_parsing": "Il faut un nombre.",
    "bool_parsing": "Il faut vrai ou faux.",
    "list_type": "Il faut une liste.",
    "dict_type": "Il faut un objet.",
    "model_attributes_type": "Il faut un objet.",
    "json_invalid": "Ce n'est pas du JSON.",
    "bool_type": "Il faut vrai ou faux.",
    "timezone_aware": MOMENT,
    "datetime_parsing": MOMENT,
    "datetime_from_date_parsing": MOMENT,
    "date_type": "Il faut une date (AAAA-MM-JJ).",
    "date_from_datetime_inexact": "Il faut une date sans heure (AAAA-MM-JJ).",
    "string_unicode": "Ce texte contient des caractères interdits.",
    "string_pattern_mismatch": "Ce texte n'a pas la forme attendue.",
    "greater_than": "Cette valeur est trop petite.",
    "less_than": "Cette valeur est trop grande.",
    "int_from_float": "Il faut un nombre entier.",
    "finite_number": "Il faut un nombre.",
    "string_too_short": "Ce texte est trop court.",
    "string_too_long": "Ce texte est trop long.",
    "too_short": "Il en faut davantage.",
    "too_long": "Il y en a trop.",
    "literal_error": "Cette valeur n'est pas dans la liste.",
    "greater_than_equal": "Cette valeur est trop petite.",
    "less_than_equal": "Cette valeur est trop grande.",
    "date_from_datetime_parsing": "Il faut une date (AAAA-MM-JJ).",
    "date_parsing": "Il faut une date (AAAA-MM-JJ).",
    "url_parsing": "Il faut une adresse web complète (https://…).",
    "url_scheme": "L'adresse doit commencer par http:// ou https://.",
}


def document(problem: Problem) -> dict[str, Any]:
    """The problem as a JSON object (RFC 9457), fields that are wrong under `invalid_params`."""
    body: dict[str, Any] = {
        "type": TYPE_PREFIX + problem.type,
        "title": problem.title,
        "status": problem.status,
    }
    if problem.detail:
        body["detail"] = problem.detail
    if problem.invalid:
        body["invalid_params"] = [
            # half a character cannot be sent back
            {
                name: text.encode(errors="replace").decode()
                for name, text in asdict(field).items()
                if text is not None
            }
            for field in problem.invalid
        ]
    return body | problem.extra


def explain(errors: Sequence[Any]) -> list[InvalidField]:
    """Pydantic's errors (`errors()` of an exception) as fields, rules and French sentences.

    The first `MOST_FAULTS`, and one more that counts the rest: the answer stays a small one.
    """
    named = [
        InvalidField(
            field=_place(error),
            rule=error["type"],
            message=RULES.get(error["type"]) or error["msg"].removeprefix("Value error, "),
        )
        for error in errors[:MOST_FAULTS]
    ]
    if more := len(errors) - len(named):
        named.append(InvalidField("body", MORE_FAULTS, f"Il y a {more} autres erreurs."))
    return named


def _place(error: Any) -> str:
    # where JSON breaks off is a position, not a field
    parts = [] if error["type"] == "json_invalid" else list(error["loc"])
    if parts and parts[0] in ("body", "query", "path"):
        parts = parts[1:]
    # names of fields are their sender's, and as long
    return ".".join(str(part)[:LONGEST_NAME] for part in parts) or "body"
