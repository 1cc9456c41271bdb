"""Cases, decisions and actors for the tests of moderation's rules."""

import datetime as dt
from collections.abc import Callable
from typing import Any

import pytest

from services.moderation.domain.cases import (
    KINDS,
    Opinion,
    ReviewCase,
    approve,
    close_at_deadline,
    refuse,
    supersede,
    withdraw,
)
from services.moderation.domain.deciders import Actor
from shared.errors import InvalidInput
from shared.events import Author, FieldChange, FieldValue
from shared.events.moderation import CaseKind, Decision, Held, Told

OPENED = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
WEEK = dt.timedelta(days=7)
DEADLINE = OPENED + WEEK
INSTANT = dt.timedelta(milliseconds=1)
FIELDS = ["nom", "horaires", "telephone"]
EVERY_KIND: tuple[CaseKind, ...] = ("edit", "news", "announcement", "report", "claim")


def case(kind: CaseKind = "edit", **fields: Any) -> ReviewCase:
    """An open case about alice's proposal for a venue with one public address."""
    given: dict[str, Any] = {
        "id": "c",
        "kind": kind,
        "venue_id": None if kind == "announcement" else "v",
        "title": "Anonymal",
        "changes": [FieldChange(field=name) for name in FIELDS] if kind == "edit" else [],
        "author": Author(account_id="alice"),
        "public_addresses": 1,
        "opened_at": OPENED,
        "deadline": DEADLINE if KINDS[kind].silence else None,
    }
    return ReviewCase(**given | fields)


def edit(*changes: FieldChange, **fields: Any) -> ReviewCase:
    """An open case about these changes."""
    return case(changes=list(changes), **fields)


def change(field: str, old: FieldValue = None, new: FieldValue = None) -> FieldChange:
    return FieldChange(field=field, old=old, new=new)


def decision(at: dt.datetime = OPENED, reason: str | None = None, **fields: Any) -> Decision:
    return Decision(**{"how": "manager", "by": "account:max", "at": at, "reason": reason} | fields)


def by_moderator(name: str = "zoe", reason: str | None = "Non.", **fields: Any) -> Decision:
    return decision(reason=reason, how="moderator", by=f"account:{name}", **fields)


def opinion(choice: str = "object", **fields: Any) -> Opinion:
    given = {"account_id": "bob", "choice": choice, "reason": "C'est faux.", "at": OPENED}
    return Opinion.model_validate(given | fields)


def held(*fields: str, rule: str = "siret") -> Held:
    return Held(rule=rule, fields=list(fields), sentence="Ceci demande une réponse.")


def actor(name: str, **fields: Any) -> Actor:
    return Actor(id=name, **fields)


def rule_of(refused: pytest.ExceptionInfo[InvalidInput]) -> tuple[str, str]:
    """The field and the rule of the only thing wrong."""
    (one,) = refused.value.invalid
    return one.field, one.rule


POSITION = [change("latitude", 48.0, 48.001), change("longitude", 2.0, 2.001), change("nom")]


def silence(
    one: ReviewCase, *left_out: Held, at: dt.datetime = DEADLINE, told: list[Told] | None = None
) -> ReviewCase | None:
    return close_at_deadline(one, at, told=told or [], held=list(left_out))


def closed(one: ReviewCase, *left_out: Held) -> ReviewCase:
    after = silence(one, *left_out)
    assert after is not None
    return after


def approved(one: ReviewCase, at: dt.datetime = OPENED) -> ReviewCase:
    return approve(one, decision(at))


def partly(one: ReviewCase, at: dt.datetime = OPENED) -> ReviewCase:
    return approve(one, decision(at), ["nom"])


def refused_(one: ReviewCase, at: dt.datetime = OPENED) -> ReviewCase:
    return refuse(one, decision(at, reason="Non."))


def superseded(one: ReviewCase) -> ReviewCase:
    return supersede(one, "c2")


ENDS: list[Callable[[ReviewCase], ReviewCase]] = [
    approved,
    partly,
    refused_,
    withdraw,
    superseded,
    closed,
]
