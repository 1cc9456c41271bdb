"""Announcements over HTTP and by events, with a database in memory and events recorded."""

import datetime as dt
from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from services.announcements.app import service
from services.announcements.domain.partners import Partner
from services.announcements.domain.problems import AnnouncementNotFound
from services.announcements.handlers.decisions import HANDLERS_DECISIONS
from services.announcements.settings import Settings
from services.announcements.store import Announcements, Links
from services.announcements.store.partners import Partners
from services.announcements.use_cases import relayed
from shared.events import Author, Event
from shared.events.announcements import (
    AnnouncementEnded,
    AnnouncementEndReached,
    AnnouncementPublished,
    AnnouncementSubmitted,
    AnnouncementWaveOpened,
)
from shared.events.contacts import AccountContactChanged
from shared.service import build
from tests.unit.announcements_memory import (
    FUNDING,
    LAST_DAY,
    MODERATOR,
    NOW,
    ON_APPEAL,
    SECRET,
    SKILLS,
    WAVES,
    Memory,
    funding,
    refused,
    reverted,
    signed_in,
    validated,
)


@pytest.fixture
def memory() -> Memory:
    return Memory()


@pytest.fixture
async def http(memory: Memory) -> AsyncIterator[httpx.AsyncClient]:
    app = build(
        service(Settings(jwt_key=SECRET, roles=frozenset({"api"}), own_hosts=("portail.fr",)))
    )
    app.state.database = memory
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        yield client


async def submit(http: httpx.AsyncClient, **changes: Any) -> str:
    body = (FUNDING if changes.get("kind") == "funding_call" else SKILLS) | changes
    answer = await http.post("/announcements", json=body, headers=signed_in())
    assert answer.status_code == 201, answer.text
    return str(answer.json()["id"])


async def titles(http: httpx.AsyncClient, **params: str | int) -> list[str]:
    answer = await http.get("/announcements", params=params)
    return [one["titre"] for one in answer.json()["items"]]


async def deliver(event: Event, memory: Memory) -> None:
    await HANDLERS_DECISIONS[type(event)](event, memory)


class TestSubmit:
    async def test_it_is_kept_and_moderation_is_told(
        self, http: httpx.AsyncClient, memory: Memory
    ) -> None:
        answer = await http.post("/announcements", json=SKILLS, headers=signed_in())
        body = answer.json()
        assert answer.headers["location"] == f"/announcements/{body['id']}"
        assert (body["state"], body["lien"]) == ("submitted", "https://exemple.fr/appel")
        assert (body["author_name"], body["days_left"]) == ("Alice", 8)
        assert memory.published == [
            AnnouncementSubmitted(
                revision=1,
                announcement_id=body["id"],
                kind="skills_call",
                titre="Formatrice recherchée",
                texte="Deux journées d'ateliers.",
                lien="https://exemple.fr/appel",
                details=[
                    "Type : emploi",
                    "Lieu : Valence",
                    "Territoire : département 26",
                    "Dernier jour : 10/03/2026",
                ],
                territoire="departement:26",
                ends_on=LAST_DAY,
                author=Author(account_id="alice", name="Alice"),
                submitted_at=NOW,
            )
        ]

    async def test_an_address_travels_on_contacts_only(
        self, http: httpx.AsyncClient, memory: Memory
    ) -> None:
        headers = signed_in(name="alice@exemple.fr", email="alice@exemple.fr")
        answer = await http.post("/announcements", json=SKILLS, headers=headers)
        contact, submitted = memory.published
        assert "@" not in answer.text
        assert "@" not in submitted.model_dump_json()
        assert contact == AccountContactChanged(
            account_id="alice", email="alice@exemple.fr", changed_at=NOW
        )

    @pytest.mark.parametrize(
        ("changes", "field", "message"),
        [
            ({"lien": "javascript:alert(1)"}, "lien", "Le lien doit commencer par http"),
            ({"lien": "http://www.portail.fr/x"}, "lien", "Ce lien mène au portail lui-même"),
            ({"ends_on": "2026-03-01"}, "ends_on", "La date de fin est déjà passée."),
            ({"ends_on": "2028-03-03"}, "ends_on", "La date de fin doit être dans les deux ans."),
            ({"kind": "job"}, "kind", "Cette valeur n'est pas dans la liste."),
            ({"state": "online"}, "state", "Ce champ n'existe pas."),
            ({"territoire": "Drôme"}, "territoire", "Il faut un territoire"),
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
        answer = await http.post("/announcements", json=SKILLS | changes, headers=signed_in())
        assert answer.status_code == 422
        (wrong,) = answer.json()["invalid_params"]
        assert wrong["field"] == field
        assert wrong["message"].startswith(message)
        assert memory.published == []

    def test_the_portals_hosts_are_settings(self) -> None:
        settings = Settings(
            public_url="https://portail.fr/annonces",
            own_hosts=("WWW.Autre.fr.", "http://médiation.fr:8001/", "127.0.0.1:8001", ""),
        )
        assert settings.portal_hosts == {
            "portail.fr", "autre.fr", "xn--mdiation-b1a.fr", "127.0.0.1"
        }  # fmt: skip


class TestRead:
    @pytest.mark.parametrize("decide", [None, refused])
    async def test_what_is_not_online_is_for_its_author_and_moderators(
        self, http: httpx.AsyncClient, memory: Memory, decide: Any
    ) -> None:
        announcement = await submit(http)
        if decide:
            await deliver(decide(announcement), memory)
        address = f"/announcements/{announcement}"
        for headers in (signed_in(), MODERATOR, signed_in("ada", roles=["admin"])):
            answer = await http.get(address, headers=headers)
            assert answer.json()["refusal_reason"] == ("Hors sujet." if decide else None)
        for headers in ({}, signed_in("bob"), signed_in("pat", roles=["partner"])):
            answer = await http.get(address, headers=headers)
            assert answer.json()["type"] == "urn:mednum:problem:announcement-not-found"
        assert await titles(http) == []

    async def test_a_partners_draft_is_for_moderators_to_send(
        self, http: httpx.AsyncClient, memory: Memory
    ) -> None:
        source = relayed.Source(slug="ulule", name="Ulule", reference="7", version=1)
        made = await relayed.take_over(memory, source, funding(), own_hosts=frozenset(), hold=True)
        own = await http.post("/announcements?draft=true", json=SKILLS, headers=signed_in())
        assert own.json()["state"] == "draft"
        drafts = await http.get("/announcements?state=draft", headers=MODERATOR)
        assert [one["id"] for one in drafts.json()["items"]] == [made.announcement_id]
        address = f"/announcements/{made.announcement_id}"
        assert (await http.get(address, headers=signed_in())).status_code == 404
        better = FUNDING | {"titre": "Mieux"}
        changed = await http.put(address, json=better, headers=MODERATOR)
        assert (changed.json()["titre"], changed.json()["partner"]) == ("Mieux", "Ulule")
        again = relayed.Source(slug="ulule", name="Ulule", reference="7", version=2)
        await relayed.take_over(memory, again, funding(), own_hosts=frozenset(), hold=True)
        assert (await http.get(address, headers=MODERATOR)).json()["titre"] == "Mieux"
        sent = await http.post(f"{address}/submit", headers=MODERATOR)
        assert sent.json()["state"] == "submitted"
        (event,) = memory.take()
        assert event.model_dump()["author"]["account_id"] == "partner:ulule"

    async def test_a_partners_members_look_after_its_announcements(
        self, http: httpx.AsyncClient, memory: Memory
    ) -> None:
        partner = Partner(slug="ulule", name="Ulule", members=["lea"], created_at=NOW)
        await Partners(memory).add(partner)
        source = relayed.Source(slug="ulule", name="Ulule", reference="7", version=1)
        made = await relayed.take_over(memory, source, funding(), own_hosts=frozenset(), hold=True)
        address, lea = f"/announcements/{made.announcement_id}", signed_in("lea")
        sent = await http.post(f"{address}/submit", headers=lea)
        assert sent.json()["state"] == "submitted"
        assert (await http.post(f"{address}/withdraw", headers=signed_in())).status_code == 404
        assert (await http.post(f"{address}/withdraw", headers=MODERATOR)).status_code == 403
        gone = await http.post(f"{address}/withdraw", headers=lea)
        assert gone.json()["state"] == "withdrawn"

    async def test_what_was_never_sent_stays_its_authors(self, http: httpx.AsyncClient) -> None:
        own = await http.post("/announcements?draft=true", json=SKILLS, headers=signed_in())
        address = f"/announcements/{own.json()['id']}"
        await http.post(f"{address}/withdraw", headers=signed_in())
        assert (await http.get(address, headers=MODERATOR)).status_code == 404
        gone = await http.get("/announcements?state=withdrawn", headers=MODERATOR)
        assert gone.json()["items"] == []
        assert (await http.get(address, headers=signed_in())).json()["state"] == "withdrawn"

    async def test_what_was_accepted_by_older_rules_can_still_be_read(
        self, http: httpx.AsyncClient, memory: Memory
    ) -> None:
        announcement = await submit(http)
        await deliver(validated(announcement), memory)
        found = await memory["announcements"].get(announcement)
        assert found
        found["call"] |= {"lien": "http://localhost/x", "titre": "\u202eTitre"}
        found["texts"][0]["call"] |= {"lien": "http://localhost/x"}
        await memory["announcements"].put(found)
        assert await titles(http) == ["\u202eTitre"]
        answer = await http.get(f"/announcements/{announcement}", headers=MODERATOR)
        assert answer.json()["texts"][0]["call"]["lien"] == "http://localhost/x"

    async def test_the_list_has_the_soonest_date_first_in_pages(
        self, http: httpx.AsyncClient, memory: Memory
    ) -> None:
        for titre, dates in (
            ("C", {"ends_on": "2026-05-01"}),
            ("A", {"ends_on": None, "waves": WAVES}),
            ("B", {"ends_on": "2026-04-01", "kind": "funding_call"}),
        ):
            link = f"https://exemple.fr/{titre}"
            announcement = await submit(http, titre=titre, lien=link, **dates)
            await deliver(validated(announcement), memory)
        assert await titles(http) == ["A", "B", "C"]
        assert await titles(http, kind="funding_call") == ["B"]
        assert await titles(http, closing_within=3) == ["A"]
        first = (await http.get("/announcements", params={"limit": 2})).json()
        assert [one["titre"] for one in first["items"]] == ["A", "B"]
        assert not {"texte", "contacts"} & first["items"][0].keys()
        rest = (await http.get("/announcements", params={"after": first["next"]})).json()
        assert ([one["titre"] for one in rest["items"]], rest["next"]) == (["C"], None)

    async def test_a_venues_page_has_what_concerns_it(
        self, http: httpx.AsyncClient, memory: Memory
    ) -> None:
        for titre, more in (("A", {"venue_id": "v1"}), ("B", {"venue_id": "v2"}), ("C", {})):
            link = f"https://exemple.fr/{titre}"
            await deliver(validated(await submit(http, titre=titre, lien=link, **more)), memory)
        assert await titles(http, venue_id="v1") == ["A"]
        assert await titles(http, venue_id="v1", q="formation") == []
        assert await titles(http, venue_id="v1", territoire="departement:26") == ["A"]
        assert await titles(http, venue_id="v3") == []

    async def test_whom_to_ask_is_nobodys_business_once_it_is_over(
        self, http: httpx.AsyncClient, memory: Memory
    ) -> None:
        contacts = [{"nom": "Ana", "courriel": "ana@exemple.fr"}]
        announcement = await submit(http, contacts=contacts)
        await deliver(validated(announcement), memory)

        async def names(headers: dict[str, str]) -> list[str]:
            answer = await http.get(f"/announcements/{announcement}", headers=headers)
            return [one["nom"] for one in answer.json()["contacts"]]

        assert await names({}) == ["Ana"]
        # first by its dates, then by its state
        memory.now = dt.datetime(2026, 3, 11, tzinfo=dt.UTC)
        assert await names({}) == await names(signed_in("bob")) == []
        reached = AnnouncementEndReached(announcement_id=announcement, ends_on=LAST_DAY)
        await deliver(reached, memory)
        assert await names({}) == await names(signed_in("bob")) == []
        assert await names(signed_in()) == await names(MODERATOR) == ["Ana"]

    async def test_a_late_timer_does_not_keep_it_in_the_list(
        self, http: httpx.AsyncClient, memory: Memory
    ) -> None:
        await deliver(validated(await submit(http)), memory)
        memory.now = dt.datetime(2026, 3, 10, 22, 59, tzinfo=dt.UTC)
        assert await titles(http) == [SKILLS["titre"]]
        memory.now = dt.datetime(2026, 3, 10, 23, 0, tzinfo=dt.UTC)
        assert await titles(http) == []

    async def test_a_late_timer_hides_no_call_that_has_another_date(
        self, http: httpx.AsyncClient, memory: Memory
    ) -> None:
        rolling = {"ends_on": None, "waves": WAVES}
        ids = []
        for titre, dates in (("A", rolling), ("B", {"ends_on": "2026-04-01"}), ("C", rolling)):
            link = f"https://exemple.fr/{titre}"
            ids.append(await submit(http, titre=titre, lien=link, **dates))
            await deliver(validated(ids[-1]), memory)
        # the first date is over, and nobody has said so
        memory.now = dt.datetime(2026, 3, 6, tzinfo=dt.UTC)
        shown = (await http.get(f"/announcements/{ids[0]}")).json()
        assert (shown["next_date"], shown["days_left"]) == ("2026-06-05", 91)
        assert sorted(await titles(http)) == ["A", "B", "C"]
        assert await titles(http, closing_within=30) == ["B"]
        assert sorted(await titles(http, territoire="france", closing_within=91)) == ["A", "B", "C"]
        seen: list[str] = []
        after: str | None = ""
        while after is not None:
            page = (await http.get("/announcements", params={"limit": 1, "after": after})).json()
            seen += [one["titre"] for one in page["items"]]
            after = page["next"]
        assert sorted(seen) == ["A", "B", "C"]
        # after the last one nothing is left of it
        memory.now = dt.datetime(2026, 9, 6, tzinfo=dt.UTC)
        shown = (await http.get(f"/announcements/{ids[0]}")).json()
        assert (shown["next_date"], shown["days_left"]) == (None, None)
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
                territoire="departement:26",
                ends_on=LAST_DAY,
                author=Author(account_id="alice", name="Alice"),
                published_at=NOW,
            )
        ]
        timer = AnnouncementEndReached(announcement_id=announcement, ends_on=LAST_DAY)
        at = dt.datetime(2026, 3, 10, 23, tzinfo=dt.UTC)
        assert memory.timers == {timer.timer_id: (timer, at)}

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
        assert memory.names() == ["AnnouncementPublished"]
        memory.now = dt.datetime(2026, 4, 1, tzinfo=dt.UTC)
        for _ in range(2):
            await deliver(timer, memory)
        await deliver(validated(announcement), memory)
        (ended,) = memory.take()
        assert isinstance(ended, AnnouncementEnded)
        assert (ended.revision, ended.why, ended.was_online) == (3, "expired", True)

    async def test_validated_after_its_end_it_never_goes_online(
        self, http: httpx.AsyncClient, memory: Memory
    ) -> None:
        announcement = await submit(http)
        memory.take()
        memory.now = dt.datetime(2026, 3, 10, 23, tzinfo=dt.UTC)
        for _ in range(2):
            await deliver(validated(announcement), memory)
        (ended,) = memory.take()
        assert isinstance(ended, AnnouncementEnded)
        assert (ended.why, ended.was_online) == ("expired", False)
        assert memory.timers == {}
        assert await Links(memory).holder("https://exemple.fr/appel") is None

    async def test_a_text_put_back_is_news_for_those_who_follow(
        self, http: httpx.AsyncClient, memory: Memory
    ) -> None:
        announcement = await submit(http)
        await deliver(validated(announcement), memory)
        answer = await http.put(
            f"/announcements/{announcement}", json=SKILLS | {"titre": "B"}, headers=signed_in()
        )
        second = answer.json()["pending"]["case_id"]
        times = []
        for event in (validated(second), reverted(second)):
            memory.now += dt.timedelta(hours=1)
            await deliver(event, memory)
            feed = (await http.get("/announcements.json")).json()
            times.append((feed["items"][0]["title"], feed["items"][0]["date_modified"]))
        assert [title for title, _ in times] == ["B", SKILLS["titre"]]
        assert times[0][1] < times[1][1]

    async def test_missed_dates_are_announced_once_at_most(
        self, http: httpx.AsyncClient, memory: Memory
    ) -> None:
        announcement = await submit(http, ends_on=None, waves=WAVES)
        await deliver(validated(announcement), memory)
        first = AnnouncementEndReached(
            announcement_id=announcement, ends_on=dt.date.fromisoformat(WAVES[0])
        )
        memory.take()
        memory.now = dt.datetime(2026, 8, 1, tzinfo=dt.UTC)
        for _ in range(2):
            await deliver(first, memory)
        (opened,) = memory.take()
        assert isinstance(opened, AnnouncementWaveOpened)
        assert (opened.date, opened.remaining) == (dt.date(2026, 9, 5), 0)
        ((timer, at),) = memory.timers.values()
        assert at == dt.datetime(2026, 9, 5, 22, tzinfo=dt.UTC)
        await deliver(timer, memory)
        (ended,) = memory.take()
        assert ended.model_dump()["why"] == "closed"

    async def test_an_appeal_is_granted_although_another_has_the_link(
        self, http: httpx.AsyncClient, memory: Memory
    ) -> None:
        first = await submit(http)
        await deliver(refused(first), memory)
        second = await submit(http)
        await deliver(validated(second), memory)
        memory.take()
        await deliver(validated(first, decision=ON_APPEAL), memory)
        assert memory.names() == ["AnnouncementPublished"]
        assert len(await titles(http)) == 2
        await http.post(f"/announcements/{first}/close", headers=signed_in())
        assert await Links(memory).holder("https://exemple.fr/appel") == second

    async def test_undone_it_is_for_nobody(self, http: httpx.AsyncClient, memory: Memory) -> None:
        announcement = await submit(http)
        await deliver(validated(announcement), memory)
        memory.take()
        for _ in range(2):
            await deliver(reverted(announcement), memory)
        (ended,) = memory.take()
        assert ended.model_dump()["why"] == "reverted"
        assert memory.timers == {}
        assert (await http.get(f"/announcements/{announcement}")).status_code == 404

    async def test_an_unknown_announcement_is_a_refusal(self, memory: Memory) -> None:
        timer = AnnouncementEndReached(announcement_id="none", ends_on=LAST_DAY)
        for event in (validated("none"), refused("none"), timer, reverted("none")):
            with pytest.raises(AnnouncementNotFound):
                await deliver(event, memory)


class TestImprove:
    async def test_its_author_corrects_instead(self, http: httpx.AsyncClient) -> None:
        answer = await http.post("/announcements", json=SKILLS, headers=MODERATOR)
        address = f"/announcements/{answer.json()['id']}/improvements"
        own = await http.post(address, json=SKILLS | {"titre": "Mieux"}, headers=MODERATOR)
        assert own.json()["type"] == "urn:mednum:problem:correct-own-text"
        other = signed_in("max", roles=["moderator"])
        same = await http.post(address, json=SKILLS, headers=other)
        assert same.json()["invalid_params"][0]["rule"] == "unchanged"
        better = await http.post(address, json=SKILLS | {"titre": "Mieux"}, headers=other)
        assert better.status_code == 201

    async def test_a_better_link_is_its_own_too(
        self, http: httpx.AsyncClient, memory: Memory
    ) -> None:
        announcement = await submit(http)
        better = SKILLS | {"lien": "https://exemple.fr/mieux"}
        address = f"/announcements/{announcement}/improvements"
        assert (await http.post(address, json=better, headers=MODERATOR)).status_code == 201
        taken = await http.post("/announcements", json=better, headers=signed_in("bob"))
        assert taken.json()["type"] == "urn:mednum:problem:announcement-duplicate"
        await deliver(validated(announcement, revision=2), memory)
        stored = await Announcements(memory).get(announcement)
        assert stored
        assert stored.links == ["https://exemple.fr/mieux"]
