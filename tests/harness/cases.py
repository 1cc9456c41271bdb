"""Review cases: how they open, and how people decide them."""

import datetime as dt
import json
from typing import Any
from uuid import uuid4

import httpx

from shared.database import now
from shared.events import Author, Event, FieldChange
from shared.events.announcements import AnnouncementSubmitted
from shared.events.directory import EditProposed, VenueManagersChanged
from shared.links import DecisionLink, Links
from tests.harness.bus import Seen, published, tell
from tests.harness.system import LINK_KEY, System, eventually, token

MODERATOR = token("moderator", "moderator")
HORAIRES = FieldChange(field="horaires", old="Mo-Fr 09:00-12:00", new="Mo-Sa 10:00-18:00")
NOM = FieldChange(field="nom", old="Médiathèque", new="Bibliothèque")
PROGRAM = {"Accept": "application/json"}
BROWSER = {"Accept": "text/html,*/*;q=0.8"}


def an_edit(**values: Any) -> EditProposed:
    """What the directory says of a new edit."""
    said: dict[str, Any] = {
        "venue_id": f"lieu-{uuid4().hex[:8]}",
        "proposal_id": uuid4().hex,
        "venue_nom": "Médiathèque",
        "author": Author(account_id=f"auteur-{uuid4().hex[:8]}", name="Ada"),
        "author_is_manager": False,
        "public_addresses": 1,
        "proposed_at": now(),
        "base_revision": 1,
        "changes": [HORAIRES, NOM],
        "comment": "Vu sur place.",
    }
    return EditProposed(**said | values)


def an_announcement() -> AnnouncementSubmitted:
    """What the announcements say of a new one."""
    return AnnouncementSubmitted(
        announcement_id=uuid4().hex,
        revision=1,
        kind="skills_call",
        titre="Bénévoles",
        texte="Deux heures par semaine.",
        lien="https://association.example.org/appel",
        ends_on=dt.date(2028, 1, 31),
        author=Author(account_id=f"auteur-{uuid4().hex[:8]}"),
        submitted_at=now(),
    )


def found(moderation: System, case: str, reader: str = MODERATOR) -> Any:
    """A case, once it is there for this reader."""
    return eventually(lambda: moderation.get("moderation", f"/cases/{case}", as_=reader))


async def opened(moderation: System, *before: Event, **values: Any) -> EditProposed:
    """An edit whose case is open; some events come before it."""
    edit = an_edit(**values)
    await tell(moderation, *before, edit)
    found(moderation, edit.proposal_id)
    return edit


async def managed(moderation: System, venue: str, revision: int, *managers: str) -> None:
    """Let moderation know who manages a venue, and wait until it does."""
    changed = VenueManagersChanged(venue_id=venue, revision=revision, managers=list(managers))
    # of the same key: what is opened behind it shows that it has come
    await opened(moderation, changed, venue_id=venue)


def decide(
    moderation: System, case: str, verdict: str, body: Any, as_: str | None = MODERATOR
) -> httpx.Response:
    """Approve or refuse over HTTP."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    headers = {"Content-Type": "application/json"}
    path = f"/cases/{case}/{verdict}"
    return moderation.call("POST", "moderation", path, as_=as_, content=content, headers=headers)


def link(case: str, holder: str, *, ends_in: dt.timedelta = dt.timedelta(days=1)) -> str:
    """A link as notifications would sign it; its path."""
    signed = Links(LINK_KEY).sign(DecisionLink(case, holder, now() + ends_in))
    return f"/decision/{signed}"


def fill_in(
    moderation: System, path: str, form: dict[str, Any], headers: dict[str, str] = BROWSER
) -> httpx.Response:
    """Send the form of a page."""
    return moderation.call("POST", "moderation", path, data=form, headers=headers)


async def decision(moderation: System, case: str) -> Seen:
    """The event that says how a case ended, the second one of its key."""
    opened, decided = await published(moderation, "moderation", case, 2)
    assert (opened.type, opened.body["revision"]) == ("ReviewOpened", 1)
    assert (decided.body["case_id"], decided.body["revision"]) == (case, 2)
    return decided
