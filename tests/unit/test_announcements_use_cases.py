"""Announcements over HTTP and by events, with a database in memory and events recorded."""

import datetime as dt
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from joserfc import jwt
from joserfc.jwk import OctKey

from services.announcements.app import service
from services.announcements.domain import AnnouncementNotFound
from services.announcements.handlers import HANDLERS
from services.announcements.settings import Settings
from shared.database import Collection, Transaction
from shared.events import Author, Event
from shared.events.announcements import (
    AnnouncementEnded,
    AnnouncementEndReached,
    AnnouncementPublished,
    AnnouncementSubmitted,
)
from shared.events.contacts import AccountContactChanged
from shared.events.moderation import AnnouncementRefused, AnnouncementValidated, Decision
from shared.service import build
from tests.unit.memory import MemoryCollection, Rows

SECRET = "a secret for tests, long enough to sign"
NOW = dt.datetime(2026, 3, 2, 9, tzinfo=dt.UTC)
LAST_DAY = dt.date(2026, 3, 10)
CALL = {
    "kind": "skills_call",
    "titre": "Formatrice recherchée",
    "texte": "Deux journées d'ateliers.",
    "lien": "https://Exemple.fr/appel",
    "ends_on": "2026-03-10",
    "territoire": "Drôme",
}


class Memory(Transaction):
    """A database and its only transaction: it records events and timers, and has its own clock."""

    def __init__(self) -> None:
        self.now = NOW
        self.published: list[Event] = []
        self.timers: list[tuple[Event, dt.datetime]] = []
        self._rows: Rows = {}

    def __getitem__(self, collection: str) -> Collection:
        assert collection == "announcements"
        return MemoryCollection(self._rows)

    def publish(self, event: Event, *, event_id: str | None = None) -> None:
        assert event_id is None
        self.published.append(event)

    def schedule(self, event: Event, *, at: dt.datetime, timer_id: str) -> None:
        assert timer_id
        self.timers.append((event, at))

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator["Memory"]:
        yield self

    def take(self) -> list[Event]:
        """What was published since the last look."""
        taken, self.published = self.published, []
        return taken


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
async def http(memory: Memory) -> AsyncIterator[httpx.AsyncClient]:
    app = build(service(Settings(jwt_key=SECRET, roles=frozenset({"api"}))))
    app.state.database = memory
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


def signed_in(account: str = "alice", **claims: Any) -> dict[str, str]:
    claims = {"sub": account, "exp": int(time.time()) + 60, "name": account.title()} | claims
    token = jwt.encode({"alg": "HS256"}, claims, OctKey.import_key(SECRET))
    return {"Authorization": f"Bearer {token}"}


async def submit(http: httpx.AsyncClient, **changes: Any) -> str:
    answer = await http.post("/announcements", json=CALL | changes, headers=signed_in())
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def titles(http: httpx.AsyncClient, **params: str | int) -> list[str]:
    answer = await http.get("/announcements", params=params)
    return [one["titre"] for one in answer.json()["items"]]


async def deliver(event: Event, memory: Memory) -> None:
    await HANDLERS[type(event)](event, memory)


def validated(announcement_id: str) -> AnnouncementValidated:
    return AnnouncementValidated(
        revision=2,
        case_id=announcement_id,
        author=Author(account_id="alice"),
        title=CALL["titre"],
        decision=Decision(how="moderator", by="account:m", at=NOW),
    )


def refused(announcement_id: str) -> AnnouncementRefused:
    return AnnouncementRefused(
        revision=2,
        case_id=announcement_id,
        author=Author(account_id="alice"),
        title=CALL["titre"],
        decision=Decision(how="moderator", by="account:m", at=NOW, reason="Hors sujet."),
    )


class TestSubmit:
    async def test_it_is_kept_and_moderation_is_told(
        self, http: httpx.AsyncClient, memory: Memory
    ) -> None:
        answer = await http.post("/announcements", json=CALL, headers=signed_in())
        assert answer.status_code == 201
        body = answer.json()
        assert answer.headers["location"] == f"/announcements/{body['id']}"
        assert body["state"] == "submitted"
        assert body["lien"] == "https://exemple.fr/appel"
        assert body["author_name"] == "Alice"
        assert memory.published == [
            AnnouncementSubmitted(
                revision=1,
                announcement_id=body["id"],
                kind="skills_call",
                titre="Formatrice recherchée",
                texte="Deux journées d'ateliers.",
                lien="https://exemple.fr/appel",
                ends_on=LAST_DAY,
                author=Author(account_id="alice", name="Alice"),
                submitted_at=NOW,
            )
        ]

    async def test_an_address_travels_on_contacts_only(
        self, http: httpx.AsyncClient, memory: Memory
    ) -> None:
        headers = signed_in(name="alice@exemple.fr", email="alice@exemple.fr")
        answer = await http.post("/announcements", json=CALL, headers=headers)
        submitted, contact = memory.published
        assert "@" not in answer.text
        assert "@" not in submitted.model_dump_json()
        assert contact == AccountContactChanged(
            account_id="alice", email="alice@exemple.fr", changed_at=NOW
        )

    async def test_one_must_be_signed_in(self, http: httpx.AsyncClient, memory: Memory) -> None:
        answer = await http.post("/announcements", json=CALL)
        assert answer.status_code == 401
        assert memory.published == []

    @pytest.mark.parametrize(
        ("changes", "field", "message"),
        [
            ({"lien": "javascript:alert(1)"}, "lien", "Le lien doit commencer par http"),
            ({"lien": ""}, "lien", "Ce texte est trop court."),
            ({"ends_on": "2026-03-01"}, "ends_on", "La date de fin est déjà passée."),
            ({"ends_on": "2028-03-03"}, "ends_on", "La date de fin doit être dans les deux ans."),
            ({"ends_on": "10/03/2026"}, "ends_on", "Il faut une date"),
            ({"kind": "job"}, "kind", "Cette valeur n'est pas dans la liste."),
            ({"titre": " "}, "titre", "Ce texte est trop court."),
            ({"state": "online"}, "state", "Ce champ n'existe pas."),
        ],
    )
    async def test_refusals_name_the_field_in_french(
        self,
        http: httpx.AsyncClient,
        memory: Memory,
        changes: dict[str, str],
        field: str,
        message: str,
    ) -> None:
        answer = await http.post("/announcements", json=CALL | changes, headers=signed_in())
        assert answer.status_code == 422
        assert answer.json()["type"] == "urn:mednum:problem:invalid-input"
        (wrong,) = answer.json()["invalid_params"]
        assert wrong["field"] == field
        assert wrong["message"].startswith(message)
        assert memory.published == []

    async def test_a_call_without_its_link_is_refused(self, http: httpx.AsyncClient) -> None:
        call = {name: value for name, value in CALL.items() if name != "lien"}
        answer = await http.post("/announcements", json=call, headers=signed_in())
        (wrong,) = answer.json()["invalid_params"]
        assert (wrong["field"], wrong["rule"]) == ("lien", "missing")


class TestRead:
    @pytest.mark.parametrize("decide", [None, refused])
    async def test_what_is_not_online_is_for_its_author_and_moderators(
        self, http: httpx.AsyncClient, memory: Memory, decide: Any
    ) -> None:
        address = f"/announcements/{await submit(http)}"
        if decide:
            await deliver(decide(address.rpartition("/")[2]), memory)
        for headers in (
            signed_in(),
            signed_in("mo", roles=["moderator"]),
            signed_in("ada", roles=["admin"]),
        ):
            answer = await http.get(address, headers=headers)
            assert answer.status_code == 200
            assert answer.json()["refusal_reason"] == ("Hors sujet." if decide else None)
        for headers in ({}, signed_in("bob"), signed_in("pat", roles=["partner"])):
            answer = await http.get(address, headers=headers)
            assert answer.status_code == 404
            assert answer.json()["type"] == "urn:mednum:problem:announcement-not-found"
        assert await titles(http) == []

    async def test_what_is_online_or_ended_is_for_everybody(
        self, http: httpx.AsyncClient, memory: Memory
    ) -> None:
        announcement = await submit(http)
        await deliver(validated(announcement), memory)
        answer = await http.get(f"/announcements/{announcement}")
        assert answer.json()["state"] == "online"
        assert answer.json()["published_at"] == "2026-03-02T09:00:00Z"
        timer = AnnouncementEndReached(announcement_id=announcement, ends_on=LAST_DAY)
        await deliver(timer, memory)
        answer = await http.get(f"/announcements/{announcement}")
        assert answer.json()["state"] == "ended"
        assert await titles(http) == []

    async def test_the_list_has_the_soonest_end_first_in_pages(
        self, http: httpx.AsyncClient, memory: Memory
    ) -> None:
        for titre, day, kind in (
            ("C", "2026-05-01", "skills_call"),
            ("A", "2026-03-09", "skills_call"),
            ("B", "2026-04-01", "funding_call"),
        ):
            announcement = await submit(http, titre=titre, ends_on=day, kind=kind)
            await deliver(validated(announcement), memory)
        assert await titles(http) == ["A", "B", "C"]
        assert await titles(http, kind="funding_call") == ["B"]
        first = (await http.get("/announcements", params={"limit": 2})).json()
        assert [one["titre"] for one in first["items"]] == ["A", "B"]
        assert "texte" not in first["items"][0]
        rest = (await http.get("/announcements", params={"after": first["next"]})).json()
        assert [one["titre"] for one in rest["items"]] == ["C"]
        assert rest["next"] is None

    async def test_a_late_timer_does_not_keep_it_in_the_list(
        self, http: httpx.AsyncClient, memory: Memory
    ) -> None:
        await deliver(validated(await submit(http)), memory)
        memory.now = dt.datetime(2026, 3, 10, 22, 59, tzinfo=dt.UTC)
        assert await titles(http) == [CALL["titre"]]
        memory.now = dt.datetime(2026, 3, 10, 23, 0, tzinfo=dt.UTC)
        assert await titles(http) == []


class TestEvents:
    async def test_validated_it_is_published_with_its_end_set(
        self, http: httpx.AsyncClient, memory: Memory
    ) -> None:
        announcement = await submit(http)
        memory.take()
        await deliver(validated(announcement), memory)
        assert memory.take() == [
            AnnouncementPublished(
                announcement_id=announcement,
                revision=2,
                kind="skills_call",
                titre="Formatrice recherchée",
                lien="https://exemple.fr/appel",
                ends_on=LAST_DAY,
                author=Author(account_id="alice", name="Alice"),
                published_at=NOW,
            )
        ]
        timer = AnnouncementEndReached(announcement_id=announcement, ends_on=LAST_DAY)
        assert memory.timers == [(timer, dt.datetime(2026, 3, 10, 23, tzinfo=dt.UTC))]

    async def test_each_event_has_its_effect_once(
        self, http: httpx.AsyncClient, memory: Memory
    ) -> None:
        announcement = await submit(http)
        timer = AnnouncementEndReached(announcement_id=announcement, ends_on=LAST_DAY)
        await deliver(timer, memory)
        memory.take()
        for _ in range(2):
            await deliver(validated(announcement), memory)
        await deliver(refused(announcement), memory)
        assert [type(event) for event in memory.take()] == [AnnouncementPublished]
        memory.now = dt.datetime(2026, 4, 1, tzinfo=dt.UTC)
        for _ in range(2):
            await deliver(timer, memory)
        await deliver(validated(announcement), memory)
        assert memory.take() == [
            AnnouncementEnded(
                announcement_id=announcement,
                revision=3,
                titre="Formatrice recherchée",
                ended_at=memory.now,
            )
        ]
        assert len(memory.timers) == 1

    async def test_validated_after_its_end_it_never_goes_online(
        self, http: httpx.AsyncClient, memory: Memory
    ) -> None:
        announcement = await submit(http)
        memory.take()
        memory.now = dt.datetime(2026, 3, 10, 23, tzinfo=dt.UTC)
        await deliver(validated(announcement), memory)
        assert [type(event) for event in memory.take()] == [AnnouncementEnded]
        assert memory.timers == []

    async def test_an_unknown_announcement_is_a_refusal(self, memory: Memory) -> None:
        timer = AnnouncementEndReached(announcement_id="none", ends_on=LAST_DAY)
        for event in (validated("none"), refused("none"), timer):
            with pytest.raises(AnnouncementNotFound):
                await deliver(event, memory)
