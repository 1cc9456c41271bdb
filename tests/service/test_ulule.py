"""Ulule: what it pushes and what is pulled becomes announcements, whatever fails on the way."""

import datetime as dt
import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from typing import Any

import httpx
import pytest

from services.announcements.use_cases.relayed import announcement_id
from shared.database import now
from shared.events import Author
from shared.events.moderation import AnnouncementValidated, Decision
from tests.harness import Servers, System, eventually
from tests.harness.bus import Seen, published, tell
from tests.harness.refusals import refused
from tests.harness.rows import database, nothing_written, rows
from tests.harness.system import token
from tests.harness.ulule import (
    Failure,
    Slow,
    Ulule,
    huge,
    passing,
    project,
    redirect,
    send,
    status,
    truncated,
    ulule,
)

ADMIN = token("admin", "admin")
NUMBERS = count(1)


@dataclass
class Platform:
    """The service and the API that it asks."""

    system: System
    api: Ulule
    hooks: dict[str, str] = field(default_factory=dict)

    def partner(
        self,
        name: str,
        *,
        pulled: bool = False,
        listed: Sequence[int] = (),
        failures: Sequence[Failure] = (),
    ) -> str:
        """A new partner; its slug. If it is pulled, `listed` are its projects from the beginning,
        and the first requests for its pages fail.
        """
        slug = f"{name}-{next(NUMBERS)}"
        body = {"slug": slug, "name": "Une plateforme", "kind": "ulule"}
        if pulled:
            self.api.partners[slug] = []
            self.api.put(*(project(number) for number in listed), partner=slug)
            self.api.fail(f"/partners/{slug}/projects", *failures)
            body["ulule_slug"] = slug
        made = self.system.post("announcements", "/partners", body, as_=ADMIN)
        self.hooks[slug] = f"/partners/{slug}/hooks/{made['hook_secret']}"
        return slug

    def send(self, slug: str, body: Any) -> httpx.Response:
        """Push something; bytes go as they are."""
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        headers = {"Content-Type": "application/json"}
        return self.system.call(
            "POST", "announcements", self.hooks[slug], content=content, headers=headers
        )

    def push(self, slug: str, number: int, kind: str) -> str:
        """Push an event about a project; the delivery's id."""
        answer = self.send(slug, self.api.push(number, kind))
        assert answer.status_code == 202, answer.text
        return f"{slug}:{answer.json()['delivery']}"

    async def delivery(self, id_: str) -> dict[str, Any]:
        """A stored delivery."""
        [found] = await rows(self.system, "announcements", "deliveries", _id=id_)
        return found


@pytest.fixture(scope="module")
def platform(servers: Servers) -> Iterator[Platform]:
    """The announcements service beside an API on the loopback network."""
    with ulule() as api:
        system = System(
            servers,
            services=("announcements",),
            ULULE_API_URL=api.url,
            ULULE_PULL_PERIOD="PT1S",
            ULULE_MISSING_PAUSE="PT0.1S",
            PRIVATE_NETWORKS='["127.0.0.0/8"]',
        )
        try:
            yield Platform(system.start(), api)
        finally:
            system.stop()


def relayed(slug: str, number: int) -> str:
    """The announcement of a project."""
    return announcement_id(slug, str(number))


def read(platform: Platform, announcement: str) -> dict[str, Any]:
    """An announcement, as moderators see it."""
    shown: dict[str, Any] = platform.system.get(
        "announcements", f"/announcements/{announcement}", as_=token("moderator", "moderator")
    )
    return shown


async def validate(platform: Platform, announcement: str) -> None:
    """Have moderation put it online."""
    event = AnnouncementValidated(
        case_id=announcement,
        revision=2,
        author=Author(account_id="somebody"),
        title="Un projet",
        decision=Decision(how="moderator", by="account:moderator", at=now()),
    )
    await tell(platform.system, event)
    eventually(lambda: read(platform, announcement)["state"] == "online")


async def events(platform: Platform, announcement: str, *kinds: str) -> list[Seen]:
    """What was published about an announcement, which is this and no more."""
    found = await published(platform.system, "announcements", announcement, len(kinds))
    assert [one.type for one in found] == list(kinds)
    return found


async def settled(platform: Platform, delivery: str) -> tuple[str, str | None]:
    """A delivery's final status and reason."""
    async with database(platform.system, "announcements") as there:
        limit = now() + dt.timedelta(seconds=60)
        while True:
            found = await there.plain("deliveries").find_one({"_id": delivery})
            assert found
            if found["status"] != "waiting":
                return found["status"], found["reason"]
            assert now() < limit, found


async def test_published_updated_and_unpublished(platform: Platform) -> None:
    slug, number = platform.partner("cycle"), next(NUMBERS)
    platform.api.put(project(number))
    delivery = platform.push(slug, number, "project.published")
    assert await settled(platform, delivery) == ("applied", None)
    announcement = relayed(slug, number)
    assert read(platform, announcement)["state"] == "submitted"
    # asked of the API that settings name, in one version, all languages
    assert (f"/v1/projects/{number}?lang=all", "2020-11-10") in platform.api.asked
    [submitted] = await events(platform, announcement, "AnnouncementSubmitted")
    assert submitted.body["titre"] == f"Ordinateurs pour tous {number}"
    assert submitted.body["lien"] == f"https://fr.ulule.com/projet-{number}/"
    assert submitted.body["author"] == {"account_id": f"partner:{slug}", "name": "Une plateforme"}
    await validate(platform, announcement)

    platform.api.put(project(number, amount_raised=2000, supporters_count=40))
    await settled(platform, platform.push(slug, number, "project.updated"))
    platform.api.put(project(number, status="waiting", is_online=False))
    await settled(platform, platform.push(slug, number, "project.unpublished"))
    *_, progressed, ended = await events(
        platform, announcement, "AnnouncementSubmitted", "AnnouncementPublished",
        "AnnouncementProgressed", "AnnouncementEnded",
    )  # fmt: skip
    assert (progressed.body["raised"], progressed.body["supporters"]) == (2000, 40)
    assert (ended.body["why"], ended.body["was_online"]) == ("withdrawn", True)


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("funded", {"finished": True, "goal_raised": True}),
        ("unfunded", {"finished": True, "goal_raised": False}),
    ],
)
async def test_a_campaign_that_is_over(
    platform: Platform, kind: str, fields: dict[str, Any]
) -> None:
    slug, number = platform.partner("fin"), next(NUMBERS)
    platform.api.put(project(number))
    await settled(platform, platform.push(slug, number, "project.published"))
    announcement = relayed(slug, number)
    await validate(platform, announcement)
    platform.api.put(project(number, **fields))
    delivery = platform.push(slug, number, f"project.{kind}")
    assert await settled(platform, delivery) == ("applied", kind)
    *_, ended = await events(
        platform, announcement,
        "AnnouncementSubmitted", "AnnouncementPublished", "AnnouncementEnded",
    )  # fmt: skip
    assert ended.body["why"] == kind


async def test_the_old_shape_is_read_too(platform: Platform) -> None:
    slug, number = platform.partner("ancien"), next(NUMBERS)
    platform.api.put(project(number, type="presale", nb_products_sold=8, goal=50))
    platform.api.ignores_versions = True
    try:
        await settled(platform, platform.push(slug, number, "project.published"))
    finally:
        platform.api.ignores_versions = False
    [submitted] = await events(platform, relayed(slug, number), "AnnouncementSubmitted")
    assert "Objectif : 50 commandes" in submitted.body["details"]


async def test_a_push_is_taken_once(platform: Platform) -> None:
    slug, number = platform.partner("fois"), next(NUMBERS)
    platform.api.put(project(number))
    body = platform.api.push(number, "project.published")
    first = platform.send(slug, body)
    await settled(platform, f"{slug}:{first.json()['delivery']}")
    async with nothing_written(platform.system, "announcements"):
        again = platform.send(slug, json.dumps(body, indent=2).encode())
    assert (again.status_code, again.json()) == (202, first.json())


async def test_what_vanished_before_the_fetch(platform: Platform) -> None:
    slug, number = platform.partner("vide"), next(NUMBERS)
    delivery = platform.push(slug, number, "project.published")
    assert await settled(platform, delivery) == ("ignored", "vanished")

    platform.api.put(project(number))
    await settled(platform, platform.push(slug, number, "project.published"))
    del platform.api.projects[number]
    delivery = platform.push(slug, number, "project.updated")
    assert await settled(platform, delivery) == ("applied", "vanished")
    assert read(platform, relayed(slug, number))["state"] == "withdrawn"


@pytest.mark.parametrize(
    "failure",
    [
        status(500),
        status(429, Retry_After="1"),
        status(503, Retry_After="Mon, 05 Jan 2026 10:00:00 GMT"),
        status(403),
        truncated,
        huge,
        redirect("http://127.0.0.1:1/elsewhere"),
        Slow(),
    ],
    ids=["500", "429", "503", "403", "truncated", "huge", "redirect", "slow"],
)
async def test_a_failure_is_tried_again(platform: Platform, failure: Failure) -> None:
    slug, number = platform.partner("panne"), next(NUMBERS)
    platform.api.put(project(number))
    platform.api.fail(f"/projects/{number}", failure)
    delivery = platform.push(slug, number, "project.published")
    assert await settled(platform, delivery) == ("applied", None)
    assert platform.api.requests(f"/projects/{number}") == 2


async def test_one_answer_serves_all_who_wait(platform: Platform) -> None:
    slug, number = platform.partner("ensemble"), next(NUMBERS)
    platform.api.put(project(number))
    platform.api.fail(f"/projects/{number}", status(500))
    deliveries = [
        platform.push(slug, number, f"project.{act}") for act in ("published", "updated", "updated")
    ]
    assert {await settled(platform, one) for one in deliveries} == {("applied", None)}
    [announcement] = await rows(
        platform.system, "announcements", "announcements", _id=relayed(slug, number)
    )
    assert announcement["state"] == "submitted"
    assert not await rows(platform.system, "announcements", "ulule_fetches", partner=slug)


async def test_after_a_day_a_fetch_is_given_up(platform: Platform) -> None:
    slug, number = platform.partner("abandon"), next(NUMBERS)
    platform.api.fail(f"/projects/{number}", *[status(500)] * 50)
    delivery = platform.push(slug, number, "project.published")
    eventually(lambda: platform.api.requests(f"/projects/{number}"))
    since = now() - dt.timedelta(hours=25)
    async with database(platform.system, "announcements") as there:
        await there.plain("ulule_fetches").update_one(
            {"_id": f"{slug}:{number}"}, {"$set": {"failing_since": since}}
        )
    assert await settled(platform, delivery) == ("failed", "http 500")


async def test_killed_in_the_middle_of_a_fetch(platform: Platform) -> None:
    slug, number = platform.partner("mort"), next(NUMBERS)
    platform.api.put(project(number))
    slow = Slow()
    platform.api.fail(f"/projects/{number}", slow)
    delivery = platform.push(slug, number, "project.published")
    assert slow.reached.wait(60)
    platform.system.restart()
    slow.let_go.set()
    assert await settled(platform, delivery) == ("applied", None)
    assert read(platform, relayed(slug, number))["state"] == "submitted"


@pytest.mark.parametrize(
    ("fields", "outcome"),
    [
        ({"date_end": None}, ("failed", "date_end missing")),
        ({"goal": None}, ("failed", "goal missing")),
        ({"date_end": "2020-04-15T21:59:00Z"}, ("failed", "invalid-input, ends_on: past")),
    ],
)
async def test_a_project_that_makes_no_announcement(
    platform: Platform, fields: dict[str, Any], outcome: tuple[str, str]
) -> None:
    slug, number = platform.partner("incomplet"), next(NUMBERS)
    platform.api.put(project(number, **fields))
    delivery = platform.push(slug, number, "project.published")
    assert await settled(platform, delivery) == outcome
    assert not await rows(
        platform.system, "announcements", "announcements", _id=relayed(slug, number)
    )


async def test_types_that_do_not_concern_us(platform: Platform) -> None:
    slug = platform.partner("ailleurs")
    for kind in ("comment.created", "project.exploded"):
        answer = platform.send(slug, platform.api.push(1, kind))
        assert (answer.status_code, answer.json()["ignored"]) == (202, 1)
        found = await platform.delivery(f"{slug}:{answer.json()['delivery']}")
        assert (found["status"], found["reason"]) == ("ignored", "type")
    assert not await rows(platform.system, "announcements", "ulule_fetches", partner=slug)
    measures = platform.system.call("GET", "announcements", "/metrics").text
    assert 'mednum_ulule_pushes_total{type="unknown"}' in measures
    assert "project.exploded" not in measures


async def test_pushes_that_are_refused(platform: Platform) -> None:
    slug = platform.partner("refus")
    good = platform.api.push(1, "project.published")
    elsewhere = {
        **good,
        "resource": {"type": "project", "uri": "http://169.254.169.254/v1/projects/1"},
    }
    user = {**good, "resource": {"type": "user", "uri": good["resource"]["uri"]}}
    async with nothing_written(platform.system, "announcements"):
        for body in (elsewhere, user):
            refused(platform.send(slug, body), 422, "resource-not-allowed")
        refused(platform.send(slug, {**good, "created": 1}), 422, "invalid-input")
        for raw in (b"{", b"[]", b'{"created": NaN}', b"\xff", b'{"type": "a", "type": "b"}'):
            refused(platform.send(slug, raw), 422, "invalid-input")
        refused(platform.send(slug, b" " * (1024 * 1024 + 1)), 413, "too-large")
        hook = platform.hooks[slug]
        for path in (f"{hook}x", hook[:-1], hook.replace(slug, "personne")):
            answer = platform.system.call("POST", "announcements", path, json=good)
            refused(answer, 404, "not-found")
    measures = platform.system.call("GET", "announcements", "/metrics").text
    assert 'mednum_ulule_pushes_total{type="refused"} 8.0' in measures


async def test_a_name_at_ulule_is_for_its_own_partners(platform: Platform) -> None:
    body = {"slug": "autre-genre", "name": "Autre", "kind": "events", "ulule_slug": "autre"}
    path = "/partners"
    wrong = platform.system.call("POST", "announcements", path, as_=ADMIN, json=body)
    refused(wrong, 422, "invalid-input")
    assert wrong.json()["invalid_params"][0]["field"] == "ulule_slug"
    platform.system.post("announcements", path, body | {"ulule_slug": None}, as_=ADMIN)
    changed = platform.system.call(
        "PATCH", "announcements", f"{path}/autre-genre", as_=ADMIN, json={"ulule_slug": "autre"}
    )
    refused(changed, 422, "invalid-input")


async def test_a_round_finds_what_no_push_has_told(platform: Platform) -> None:
    slug = platform.partner("tour", pulled=True)
    numbers = [next(NUMBERS) for _ in range(45)]
    platform.api.fail(f"/partners/{slug}/projects", status(500), truncated)
    platform.api.put(*(project(number) for number in numbers), partner=slug)
    for number in numbers:
        eventually(partial(read, platform, relayed(slug, number)))
    lost = numbers[0]
    platform.api.put(project(lost, status="waiting", is_online=False))
    eventually(lambda: read(platform, relayed(slug, lost))["state"] == "withdrawn")


async def test_a_round_without_news_writes_no_announcement(platform: Platform) -> None:
    slug, number = platform.partner("calme", pulled=True), next(NUMBERS)
    platform.api.put(project(number), partner=slug)
    eventually(lambda: read(platform, relayed(slug, number))["state"])
    path = f"/partners/{slug}/projects"
    before, asked = read(platform, relayed(slug, number)), platform.api.requests(path)
    fetched = platform.api.requests(f"/projects/{number}")
    eventually(lambda: platform.api.requests(path) > asked + 2)
    assert read(platform, relayed(slug, number)) == before
    assert platform.api.requests(f"/projects/{number}") == fetched


def pages(platform: Platform, slug: str) -> list[str]:
    """Which pages of its list were asked for."""
    path = f"/v1/partners/{slug}/projects"
    return [
        "later" if "since" in target else "first"
        for target, _ in platform.api.asked
        if target.startswith(f"{path}?")
    ]


async def test_too_many_questions_in_the_middle_of_a_round(platform: Platform) -> None:
    numbers = [next(NUMBERS) for _ in range(25)]
    slug = platform.partner("assez", pulled=True, listed=numbers, failures=[passing, status(429)])
    for number in numbers:
        eventually(partial(read, platform, relayed(slug, number)))
    assert pages(platform, slug)[:3] == ["first", "later", "later"]


async def test_killed_in_the_middle_of_a_round(platform: Platform) -> None:
    numbers, slow = [next(NUMBERS) for _ in range(25)], Slow()
    slug = platform.partner("repris", pulled=True, listed=numbers, failures=[passing, slow])
    assert slow.reached.wait(60)
    platform.system.restart()
    slow.let_go.set()
    for number in numbers:
        eventually(partial(read, platform, relayed(slug, number)))
    assert pages(platform, slug)[:3] == ["first", "later", "later"]


async def test_partners_are_pulled_each_for_itself(platform: Platform) -> None:
    odd = {"projects": [], "meta": {"next": "?" + "a=1&" * 30}}
    failures = [lambda request: send(request, 200, odd)] * 50
    failing = platform.partner("a-panne", pulled=True, failures=failures)
    eventually(lambda: pages(platform, failing))
    number = next(NUMBERS)
    slug = platform.partner("b-marche", pulled=True, listed=[number])
    eventually(partial(read, platform, relayed(slug, number)))
    [round_] = await rows(platform.system, "announcements", "ulule_rounds", _id=failing)
    assert round_["error"] == "not a cursor"
    platform.api.succeed(f"/partners/{failing}/projects")
