"""`make demo`: the life of an edit, played against the running system by its people's means.

HTTP and mail decide everything; the events that go by are only looked at.
"""

import asyncio
import json
import mailbox
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any

import httpx
from pydantic import TypeAdapter
from rich.console import Console
from rich.markup import escape

from services import supervisor
from shared.bus.watch import watch
from shared.settings import ServiceSettings

OWN_PERIOD = "PT20S"
LONGEST_PERIOD = timedelta(minutes=2)
"""Nobody waits longer for silence in a demonstration."""
PATIENCE = 120.0

console = Console(highlight=False)


class Stuck(Exception):
    """Something that should happen did not."""


def demo(folder: Path) -> None:
    """Play on the system that runs in `folder`, or on one of its own if that one is too slow."""
    facts = _facts(folder)
    if facts and _period(facts) <= LONGEST_PERIOD:
        asyncio.run(Demo(folder, facts).play())
        return
    why = "asks for a longer review" if facts else "is not running"
    console.print(
        f"The system in {folder} {why}: starting one beside it with a review of {OWN_PERIOD}."
    )
    own = folder / "demo"
    with _system(own) as started:
        asyncio.run(Demo(own, started).play())


def _facts(folder: Path) -> dict[str, Any] | None:
    with suppress(OSError, ValueError):
        facts: dict[str, Any] = json.loads((folder / "run.json").read_text())
        return facts
    return None


def _period(facts: dict[str, Any]) -> timedelta:
    return TypeAdapter(timedelta).validate_python(facts["review_period"])


@contextmanager
def _system(folder: Path) -> Iterator[dict[str, Any]]:
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / "up.log").open("wb") as log:
        process = subprocess.Popen(  # noqa: S603
            [sys.executable, "-m", "services", "up", "--folder", str(folder)],
            env={**os.environ, "REVIEW_PERIOD": OWN_PERIOD},
            stdout=log,
            stderr=log,
        )
    try:
        limit = time.monotonic() + PATIENCE
        while not (facts := _facts(folder)):
            if process.poll() is not None or time.monotonic() > limit:
                raise Stuck(f"it did not start, see {folder / 'up.log'}")
            time.sleep(0.2)
        yield facts
    finally:
        process.send_signal(signal.SIGINT)
        process.wait()


class Person:
    """Somebody with an account."""

    def __init__(self, name: str, key: str) -> None:
        self.name = name
        self.email = f"{name.lower()}@contributeurs.example.org"
        token = supervisor.token(key, name, email=self.email)
        self.headers = {"Authorization": f"Bearer {token}"}


class Demo:
    """The story, and what is seen of it."""

    def __init__(self, folder: Path, facts: dict[str, Any]) -> None:
        self._facts = facts
        self._key = supervisor.development_keys(folder)["JWT_KEY"]
        self._directory = facts["urls"]["directory"]
        self._http = httpx.AsyncClient(timeout=30, trust_env=False)
        self._since = datetime.now(UTC)
        self._mails: list[EmailMessage] = []
        self._seen: set[str] = set()

    async def play(self) -> None:
        """Play every act; ends with what each sheet says."""
        box = mailbox.Maildir(self._facts["mail_folder"])
        self._seen = set(box.keys())
        watchers = [
            asyncio.create_task(self._watch_events()),
            asyncio.create_task(self._watch_mails(box)),
        ]
        try:
            first, second, third, fourth, fifth = await self._venues(5)
            await self._accepted(first)
            await self._refused(second)
            await self._partly_accepted(third)
            await self._in_conflict(first)
            await self._by_silence(fourth)
            await self._contested(fifth)
        finally:
            await self._http.aclose()
            for watcher in watchers:
                watcher.cancel()
            for failure in await asyncio.gather(*watchers, return_exceptions=True):
                if isinstance(failure, Exception):
                    raise failure
        console.print("\n[bold green]The whole story went through.[/]")

    async def _accepted(self, venue: dict[str, Any]) -> None:
        self._act("Alice corrects opening hours; the manager accepts from the mail")
        alice = Person("Alice", self._key)
        await self._propose(alice, venue["id"], horaires=self._hours(venue)[0])
        mail = await self._mail_to(_address(venue))
        link = _link(mail)
        await self._http.get(link)
        self._say("a mail scanner opens the link: nothing is decided by that")
        await self._confirm(link, "accepter", "horaires")
        await self._mail_to(alice.email, "en ligne")
        await self._sheet_says(venue["id"], "horaires")

    async def _refused(self, venue: dict[str, Any]) -> None:
        self._act("Bruno proposes another name; the manager refuses, and says why")
        bruno = Person("Bruno", self._key)
        await self._propose(bruno, venue["id"], nom="Maison du clic")
        mail = await self._mail_to(_address(venue))
        await self._confirm(_link(mail), "refuser", reason="Ce nom n'est pas celui de la façade.")
        await self._mail_to(bruno.email, "façade")
        await self._sheet_says(venue["id"], "nom")

    async def _partly_accepted(self, venue: dict[str, Any]) -> None:
        self._act("Chloé proposes two changes; the manager accepts one of them")
        chloe = Person("Chloe", self._key)
        await self._propose(
            chloe,
            venue["id"],
            presentation_resume=_other(
                venue,
                "presentation_resume",
                "Aide numérique sur rendez-vous, tous les matins.",
                "Aide numérique avec ou sans rendez-vous, tous les matins.",
            )[0],
            telephone="+33199007788",
        )
        mail = await self._mail_to(_address(venue))
        await self._confirm(_link(mail), "accepter", "presentation_resume")
        await self._mail_to(chloe.email, "en ligne")
        await self._sheet_says(venue["id"], "presentation_resume", "telephone")

    async def _in_conflict(self, venue: dict[str, Any]) -> None:
        self._act("David and Emma both change the hours; the second one meets a conflict")
        people = [Person(name, self._key) for name in ("David", "Emma")]
        links = []
        venue = await self._get(f"/venues/{venue['id']}")
        for person, hours in zip(people, self._hours(venue), strict=False):
            await self._propose(person, venue["id"], horaires=hours)
            links.append(_link(await self._mail_to(_address(venue), hours)))
        for person, link in zip(people, links, strict=True):
            await self._confirm(link, "accepter", "horaires")
            await self._mail_to(person.email, "avant" if person is people[0] else "entre-temps")
        await self._sheet_says(venue["id"], "horaires")

    async def _by_silence(self, venue: dict[str, Any]) -> None:
        self._act(f"Fanny corrects hours; nobody answers for {self._facts['review_period']}")
        fanny = Person("Fanny", self._key)
        await self._propose(fanny, venue["id"], horaires=self._hours(venue)[0])
        await self._mail_to(fanny.email, "en ligne")
        await self._sheet_says(venue["id"], "horaires")
        history = await self._get(f"/venues/{venue['id']}/history")
        newest = history["items"][0]
        self._say(
            f"history: revision {newest['revision']}, accepted by {newest['accepted']['how']}"
        )

    async def _contested(self, venue: dict[str, Any]) -> None:
        self._act("Hugo changes two things; Ines objects to one, and nobody settles it in time")
        hugo, ines = Person("Hugo", self._key), Person("Ines", self._key)
        hours = self._hours(venue)[0]
        case = await self._propose(hugo, venue["id"], horaires=hours, telephone="+33199007799")
        opinion = {"choice": "object", "fields": ["telephone"], "reason": "Ce numéro sonne occupé."}
        url = f"{self._facts['urls']['moderation']}/cases/{case}/opinion"
        await self._mail_to(_address(venue), hours)
        answer = await self._http.put(url, json=opinion, headers=ines.headers)
        if not answer.is_success:
            raise Stuck(answer.text)
        self._say("Ines objects to the telephone: the manager is asked to settle it")
        await self._mail_to(_address(venue), "sonne occupé")
        await self._mail_to(hugo.email, "objection")
        await self._sheet_says(venue["id"], "horaires", "telephone")

    def _hours(self, venue: dict[str, Any]) -> list[str]:
        return _other(
            venue, "horaires", "Mo-Fr 09:00-17:30", "Mo-Fr 10:00-18:00", "Tu-Sa 10:00-18:00"
        )

    async def _venues(self, count: int) -> list[dict[str, Any]]:
        page = await self._get("/venues?limit=200")
        reachable = [
            venue for venue in page["items"] if len(venue["fiche"]["courriels"] or []) == 1
        ]
        if len(reachable) < count:
            raise Stuck("not enough venues with one public address")
        return reachable[:count]

    async def _propose(self, person: Person, venue_id: str, **changes: str) -> str:
        venue = await self._get(f"/venues/{venue_id}")
        body = {"base_revision": venue["revision"], "changes": changes, "comment": "Vu sur place."}
        url = f"{self._directory}/venues/{venue_id}/edits"
        answer = await self._http.post(url, json=body, headers=person.headers)
        if not answer.is_success:
            raise Stuck(answer.text)
        self._say(f"{person.name} proposes for « {venue['fiche']['nom']} »: {changes}")
        proposal: str = answer.json()["id"]
        return proposal

    async def _confirm(self, link: str, choice: str, *fields: str, reason: str = "") -> None:
        page = await self._http.get(link)
        version = _version(page.text)
        form = {"version": version, "choix": choice, "champs": list(fields), "motif": reason}
        answer = await self._http.post(link, data=form)
        if not answer.is_success:
            raise Stuck(answer.text)
        self._say(f"the manager confirms: {choice} {', '.join(fields) or reason}")

    async def _sheet_says(self, venue_id: str, *fields: str) -> None:
        venue = await self._get(f"/venues/{venue_id}")
        values = ", ".join(f"{field} = {venue['fiche'][field]!r}" for field in fields)
        self._say(f"the sheet, revision {venue['revision']}, says: {values}")

    async def _get(self, path: str) -> Any:
        return (await self._http.get(f"{self._directory}{path}")).raise_for_status().json()

    async def _mail_to(self, address: str, words: str = "") -> EmailMessage:
        """The next mail to an address with these words in it; waits for it."""

        async def found() -> EmailMessage | None:
            for mail in self._mails:
                if address in str(mail["To"]) and words in _text(mail):
                    self._mails.remove(mail)
                    return mail
            return None

        return await _until(found, f"no mail to {address}")

    async def _watch_events(self) -> None:
        settings = ServiceSettings(kafka_url=self._facts["kafka_url"])
        async for event in watch(settings, self._since):
            topic, key = event.record.topic, (event.record.key or b"").decode()
            self._show("cyan", "event", f"{event.type} on {topic}, key {key}")

    async def _watch_mails(self, box: mailbox.Maildir) -> None:
        while True:
            for key in sorted(set(box.keys()) - self._seen):
                self._seen.add(key)
                mail = message_from_bytes(box.get_bytes(key), policy=default)
                self._mails.append(mail)
                self._show("yellow", "mail ", f"to {mail['To']}: {mail['Subject']}")
            await asyncio.sleep(0.2)

    def _act(self, title: str) -> None:
        console.print(f"\n[bold]{escape(title)}[/]")

    def _say(self, text: str) -> None:
        self._show("green", "step ", text)

    def _show(self, colour: str, what: str, text: str) -> None:
        console.print(f"  [{colour}]{what}[/]  {escape(text)}", soft_wrap=True)


async def _until(check: Callable[[], Awaitable[EmailMessage | None]], why: str) -> EmailMessage:
    limit = time.monotonic() + PATIENCE
    while (result := await check()) is None:
        if time.monotonic() > limit:
            raise Stuck(why)
        await asyncio.sleep(0.2)
    return result


def _other(venue: dict[str, Any], field: str, *values: str) -> list[str]:
    """Those of these values that a sheet does not have yet: a second demo tells something new."""
    return [value for value in values if value != venue["fiche"][field]]


def _address(venue: dict[str, Any]) -> str:
    address: str = venue["fiche"]["courriels"][0]
    return address


def _version(page: str) -> str:
    found = re.search(r'name="version" value="(\d+)"', page)
    if not found:
        raise Stuck("the page behind the link asks for nothing")
    return found[1]


def _text(mail: EmailMessage) -> str:
    part = mail.get_body(("plain",))
    return str(part.get_content()) if part else ""


def _link(mail: EmailMessage) -> str:
    found = re.search(r"http://\S+/decision/\S+choix=accepter", _text(mail))
    if not found:
        raise Stuck(f"no link in the mail « {mail['Subject']} »")
    return found[0]
