"""The log, written beside every change of a case."""

from typing import Any
from uuid import uuid4

from services.moderation.domain.cases import ReviewCase
from services.moderation.domain.problems import CaseChanged
from services.moderation.store import Log, place_in_time
from shared.database import Transaction

HARMLESS = frozenset({"support", "abstain"})
OBJECTION_DROPPED = "objection_dropped"


async def note(
    tx: Transaction, case: ReviewCase, act: str, *, by: str, rule: str | None = None, **facts: Any
) -> None:
    """Append to the log what was done to a case: by `account:…`, `venue:…`, `timer:…`, `rule:…`."""
    entry = {
        "at": tx.now,
        "case_id": case.id,
        "kind": case.kind,
        "venue_id": case.venue_id,
        "act": act,
        "by": by,
        "rule": rule,
        "state": case.state,
        "revision": case.revision,
        **facts,
    }
    await Log(tx).add(place_in_time(tx.now, f"{case.revision:06}-{uuid4().hex}"), entry)


async def check_revision(tx: Transaction, case: ReviewCase, seen: int) -> None:
    """Raise `CaseChanged`, with what came since, if somebody looked at an older revision."""
    if seen == case.revision:
        return
    entries = [one for one in await Log(tx).of(case.id) if one["revision"] > seen]
    # who only agrees or passes by must not keep others from deciding
    if entries and all(one["act"] in HARMLESS and one["rule"] is None for one in entries):
        return
    raise CaseChanged(
        revision=case.revision,
        changed=[
            {"act": one["act"], "at": one["at"].isoformat(), "rule": one["rule"]} for one in entries
        ],
    )
