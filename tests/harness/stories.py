"""Steps that many stories share, told over HTTP and mail only."""

import re
from typing import Any
from uuid import uuid4

import httpx

from tests.harness.system import System, eventually, link_of, request, token
from tests.harness.venues import csv_of, row

MODERATOR = token("moderator", "moderator")
NOBODY = {"courriels": ""}
"""A venue that has no manager to reach: moderators decide."""
BROWSER = {"Accept": "text/html"}


class Person:
    """Somebody with an account and an address."""

    def __init__(self, name: str, *roles: str) -> None:
        self.id = f"{name}-{uuid4().hex[:6]}"
        self.email = f"{self.id}@courriel.example.org"
        self.token = token(self.id, *(roles or ("user",)), email=self.email)


def new_venue(system: System, **values: str) -> tuple[str, str]:
    """Import a venue with one public address, unless told another; its id and that address."""
    address = values.setdefault("courriels", f"accueil-{uuid4().hex[:8]}@lieu.example.org")
    cells = row(**values)
    report = system.import_venues(csv_of(cells))
    assert report["created"] == 1, report
    return cells["id"], address


def propose(system: System, person: Person, venue: str, **changes: Any) -> str:
    """Propose an edit against the present revision; the proposal's id."""
    revision = sheet(system, venue)["revision"]
    body = {"base_revision": revision, "changes": changes, "comment": "Vu sur place."}
    proposal: str = system.post("directory", f"/venues/{venue}/edits", body, as_=person.token)["id"]
    return proposal


def sheet(system: System, venue: str) -> Any:
    """A venue's sheet as anybody sees it."""
    return system.get("directory", f"/venues/{venue}")


def history(system: System, venue: str) -> Any:
    """A sheet's history, newest first."""
    return system.get("directory", f"/venues/{venue}/history")["items"]


def state(system: System, person: Person, proposal: str) -> Any:
    """What the directory says of a proposal to its author."""
    return system.get("directory", f"/proposals/{proposal}", as_=person.token)["state"]


def wait_until_applied(system: System, person: Person, proposal: str) -> None:
    """Wait until the directory has merged a proposal."""
    eventually(lambda: state(system, person, proposal) == "applied")


def manager_link(system: System, address: str, choice: str = "accepter") -> str:
    """The link in the mail that a venue's public address gets; waits for the mail."""
    return link_of(system.mail(address), choice)


def confirm(link: str, choice: str, *fields: str, reason: str = "") -> httpx.Response:
    """Fill in the page behind a link and send its form."""
    found = re.search(r'name="version" value="(\d+)"', request("GET", link, headers=BROWSER).text)
    version = found[1] if found else "1"
    form = {"version": version, "choix": choice, "champs": list(fields), "motif": reason}
    return request("POST", link, data=form, headers=BROWSER)


def accept(link: str, *fields: str) -> None:
    """Accept by the link in a manager's mail; what is busy is tried again, as its page says.

    What a killed process was writing stays locked for up to 60 s.
    """

    def done() -> bool:
        answer = confirm(link, "accepter", *fields)
        assert answer.status_code in (200, 503), f"{answer.status_code}: {answer.text}"
        return answer.status_code == 200

    eventually(done)


def applied(system: System, venue: str, revision: int) -> Any:
    """The sheet once it has reached a revision; waits for it."""
    return eventually(
        lambda: found if (found := sheet(system, venue))["revision"] >= revision else None
    )


def decide(system: System, case: str, verdict: str, as_: str = MODERATOR, **body: Any) -> Any:
    """Approve or refuse a case as it is now, once it is there; the case afterwards."""
    seen = eventually(lambda: system.get("moderation", f"/cases/{case}", as_=as_))
    body = {"revision": seen["revision"], **body}
    return system.post("moderation", f"/cases/{case}/{verdict}", body, as_=as_)
