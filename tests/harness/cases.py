"""Review cases: how they open, and how people decide them."""

import datetime as dt
import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from uuid import uuid4

import httpx

from shared.database import now
from shared.events import Author, Event, FieldChange
from shared.events.announcements import AnnouncementSubmitted
from shared.events.directory import (
    EditApplied,
    EditProposed,
    FieldConflict,
    ManagementClaimed,
    NewsProposed,
    VenueManagersChanged,
    VenueReported,
)
from shared.events.moderation import ReviewDeadlineReached
from shared.links import DecisionLink, Links
from tests.harness.bus import Seen, message, published, send, tell
from tests.harness.rows import rows
from tests.harness.servers import Servers
from tests.harness.system import LINK_KEY, System, eventually, token

MODERATOR = token("moderator", "moderator")
ADMIN = token("admin", "admin")
HORAIRES = FieldChange(field="horaires", old="Mo-Fr 09:00-12:00", new="Mo-Sa 10:00-18:00")
NOM = FieldChange(field="nom", old="Médiathèque", new="Bibliothèque")
PROGRAM = {"Accept": "application/json"}
BROWSER = {"Accept": "text/html,*/*;q=0.8"}
LONG_AGO = dt.timedelta(days=8)
"""Before a week: what was proposed then is due at once."""


@contextmanager
def moderating(servers: Servers, **settings: Any) -> Iterator[System]:
    """Moderation alone on its topics, with settings of its own."""
    system = System(servers, services=("moderation",), **settings)
    try:
        yield system.start()
    finally:
        system.stop()


def somebody(name: str = "lea", *roles: str, email: str | None = None) -> str:
    """The token of an account old enough to say what it thinks, one of its own each time."""
    created = int((now() - dt.timedelta(days=30)).timestamp())
    account = f"{name}-{uuid4().hex[:8]}"
    return token(account, *(roles or ("user",)), email=email, created_at=created)


def _proposed(**values: Any) -> dict[str, Any]:
    said: dict[str, Any] = {
        "venue_id": f"lieu-{uuid4().hex[:8]}",
        "proposal_id": uuid4().hex,
        "venue_nom": "Médiathèque",
        "author": Author(account_id=f"auteur-{uuid4().hex[:8]}", name="Ada"),
        "author_is_manager": False,
        # nobody to reach: moderators decide
        "public_addresses": 0,
        "code_insee": "26113",
        "proposed_at": now(),
    }
    return said | values


def an_edit(**values: Any) -> EditProposed:
    """What the directory says of a new edit; moderators decide it unless values say otherwise."""
    said = {"base_revision": 1, "changes": [HORAIRES, NOM], "comment": "Vu sur place."}
    return EditProposed(**said | _proposed(**values))


def a_news(**values: Any) -> NewsProposed:
    """What the directory says of a news item."""
    said = {
        "titre": "Atelier",
        "texte": "Apprendre à scanner.",
        "lien": "https://lieu.example.org/atelier",
    }
    return NewsProposed(**said | _proposed(**values))


def an_announcement(**values: Any) -> AnnouncementSubmitted:
    """What the announcements say of a new one."""
    said: dict[str, Any] = {
        "announcement_id": uuid4().hex,
        "revision": 1,
        "kind": "skills_call",
        "titre": "Bénévoles",
        "texte": "Deux heures par semaine.",
        "lien": "https://association.example.org/appel",
        "ends_on": dt.date(2028, 1, 31),
        "author": Author(account_id=f"auteur-{uuid4().hex[:8]}"),
        "submitted_at": now(),
    }
    return AnnouncementSubmitted(**said | values)


def a_claim(**values: Any) -> ManagementClaimed:
    """What the directory says when somebody asks to manage a venue."""
    said: dict[str, Any] = {
        "venue_id": f"lieu-{uuid4().hex[:8]}",
        "claim_id": uuid4().hex,
        "venue_nom": "Médiathèque",
        "author": Author(account_id=f"auteur-{uuid4().hex[:8]}", name="Ada"),
        "text": "J'y travaille.",
        "public_addresses": 0,
        "code_insee": "26113",
        "claimed_at": now(),
    }
    return ManagementClaimed(**said | values)


def a_report(**values: Any) -> VenueReported:
    """What the directory says when somebody reports a sheet."""
    said: dict[str, Any] = {
        "venue_id": f"lieu-{uuid4().hex[:8]}",
        "report_id": uuid4().hex,
        "venue_nom": "Médiathèque",
        "author": Author(account_id=f"auteur-{uuid4().hex[:8]}", name="Ada"),
        "text": "Ce lieu n'existe plus.",
        "code_insee": "26113",
        "reported_at": now(),
    }
    return VenueReported(**said | values)


def applied(edit: EditProposed, *, conflicts: list[str], unchanged: list[str]) -> EditApplied:
    """What the directory says of an approved edit that changed nothing."""
    return EditApplied(
        venue_id=edit.venue_id,
        proposal_id=edit.proposal_id,
        venue_nom=edit.venue_nom,
        revision=2,
        author=edit.author,
        accepted_by="moderator",
        applied=[],
        unchanged=unchanged,
        conflicts=[FieldConflict(field=name) for name in conflicts],
        public_addresses=0,
        applied_at=now(),
    )


def found(moderation: System, case: str, reader: str = MODERATOR) -> Any:
    """A case, once it is there for this reader."""
    return eventually(lambda: moderation.get("moderation", f"/cases/{case}", as_=reader))


def becomes(moderation: System, case: str, **expected: Any) -> Any:
    """A case, once what it says of itself is as expected; waits for it."""

    def check() -> Any:
        there = moderation.get("moderation", f"/cases/{case}", as_=MODERATOR)
        assert {name: there[name] for name in expected} == expected
        return there

    return eventually(check)


async def opened(moderation: System, *before: Event, **values: Any) -> EditProposed:
    """An edit whose case is open; some events come before it."""
    edit = an_edit(**values)
    await tell(moderation, *before, edit)
    found(moderation, edit.proposal_id)
    return edit


async def opened_all(moderation: System, *proposals: EditProposed | NewsProposed) -> None:
    """Have many cases opened, and wait until all are there."""
    await send(moderation, "directory", *(message(one) for one in proposals))
    for one in proposals:
        found(moderation, one.proposal_id)


async def managed(moderation: System, venue: str, revision: int, *managers: str) -> None:
    """Let moderation know who manages a venue, and wait until it does."""
    changed = VenueManagersChanged(venue_id=venue, revision=revision, managers=list(managers))
    # of the same key: what is opened behind it shows that it has come
    await opened(moderation, changed, venue_id=venue)


async def week_ends(moderation: System, edit: EditProposed | NewsProposed) -> None:
    """Have the deadline's timer run now: it is an event like any other."""
    deadline = edit.proposed_at + dt.timedelta(days=7)
    await tell(moderation, ReviewDeadlineReached(case_id=edit.proposal_id, deadline=deadline))


def revision_of(moderation: System, case: str) -> int:
    """The present revision of a case; 1 if there is no such case."""
    answer = moderation.call("GET", "moderation", f"/cases/{case}", as_=MODERATOR)
    return int(answer.json()["revision"]) if answer.is_success else 1


def decide(
    moderation: System,
    case: str,
    verdict: str,
    body: Any,
    as_: str | None = MODERATOR,
    revision: int | None = None,
) -> httpx.Response:
    """Approve or refuse over HTTP, at the case's present revision unless one is given."""
    if isinstance(body, dict) and "revision" not in body:
        body = {"revision": revision or revision_of(moderation, case), **body}
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    path = f"/cases/{case}/{verdict}"
    return moderation.call("POST", "moderation", path, as_=as_, content=content, headers=headers)


def opine(
    moderation: System, case: str, choice: str, as_: str | None, reason: str = "", **body: Any
) -> httpx.Response:
    """Support, object or abstain over HTTP."""
    body = {"choice": choice, "reason": reason, **body}
    return moderation.call("PUT", "moderation", f"/cases/{case}/opinion", as_=as_, json=body)


def post(moderation: System, case: str, as_: str | None, **message: Any) -> httpx.Response:
    """Write in a case's thread over HTTP."""
    path = f"/cases/{case}/messages"
    return moderation.call("POST", "moderation", path, as_=as_, json=message)


def link(case: str, holder: str, *, ends_in: dt.timedelta = dt.timedelta(days=1)) -> str:
    """A link as notifications would sign it; its path."""
    signed = Links(LINK_KEY).sign(DecisionLink(case, holder, now() + ends_in))
    return f"/decision/{signed}"


def fill_in(
    moderation: System, path: str, form: dict[str, Any], headers: dict[str, str] = BROWSER
) -> httpx.Response:
    """Send the form of a page with what it hides, unless the form says otherwise."""
    hidden = {"version": 1}
    if "version" not in form:
        shown = moderation.call("GET", "moderation", path, headers=BROWSER).text
        if version := re.search(r'name="version" value="(\d+)"', shown):
            hidden["version"] = int(version[1])
    return moderation.call("POST", "moderation", path, data={**hidden, **form}, headers=headers)


async def decision(moderation: System, case: str) -> Seen:
    """The event that says how a case ended, the second one of its key."""
    opened, decided = await published(moderation, "moderation", case, 2)
    assert (opened.type, opened.body["revision"]) == ("ReviewOpened", 1)
    assert (decided.body["case_id"], decided.body["revision"]) == (case, 2)
    return decided


async def said(moderation: System, case: str) -> list[Seen]:
    """What moderation has published about a case, its timers left out, oldest first."""
    kept = await rows(moderation, "moderation", "outbox", key=case, timer=None)
    kept.sort(key=lambda row: (row.get("due_at") or row["was_due_at"], row["seq"]))
    return [Seen(case, row["headers"], json.loads(row["value"])) for row in kept]


async def types(moderation: System, case: str) -> list[str]:
    """The types of what was published about a case."""
    return [one.type for one in await said(moderation, case)]


async def timers(moderation: System, case: str) -> dict[str, dt.datetime]:
    """When each of a case's timers is due."""
    kept = await rows(moderation, "moderation", "outbox", key=case, timer=True)
    return {row["_id"]: row["due_at"] for row in kept if "due_at" in row}
