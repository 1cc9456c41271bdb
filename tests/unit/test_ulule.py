"""What Ulule pushes and answers, read: both shapes, and whatever may be wrong with them."""

import datetime as dt
from typing import Any

import pytest
from pydantic import ValidationError

from services.announcements.domain.ulule import (
    CONCERNING,
    KNOWN,
    Project,
    ProjectUnreadable,
    ProjectUnusable,
    ResourceNotAllowed,
    WebhookEvent,
    project_id,
)
from services.announcements.domain.ulule_fetches import (
    FIRST_PAUSE,
    LONGEST_PAUSE,
    Page,
    cursor,
    pause,
)
from tests.harness.ulule import flat, project

API = "https://api.ulule.com/v1"


def event(**values: Any) -> WebhookEvent:
    """A push."""
    return WebhookEvent.model_validate(
        {
            "created": "2026-01-05T10:20:30.405060",
            "object": "event",
            "resource": {"type": "project", "uri": f"{API}/projects/7"},
            "type": "project.published",
        }
        | values
    )


def test_all_documented_types_are_known() -> None:
    assert len(KNOWN) == 38
    assert CONCERNING < KNOWN
    assert not event(type="comment.created").concerns_us
    assert not event(type="project.exploded").concerns_us
    assert event().concerns_us
    assert (event().label, event(type="project.exploded").label) == ("project.published", "unknown")


def test_a_push_is_known_again_by_what_it_says() -> None:
    other = {"type": "project", "uri": f"{API}/projects/8"}
    ids = {
        event().id,
        event(type="project.updated").id,
        event(created="2026-01-05T10:20:30").id,
        event(resource=other).id,
    }
    assert len(ids) == 4
    assert event().id == event(further="field").id
    assert len(event().id) == 64


@pytest.mark.parametrize(
    "values",
    [
        {"created": 1},
        {"created": ""},
        {"object": "project"},
        {"resource": f"{API}/projects/7"},
        {"resource": {"type": "project"}},
        {"resource": {"type": "project", "uri": "x" * 501}},
        {"type": None},
    ],
)
def test_a_malformed_push_is_refused(values: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        event(**values)


def test_the_project_of_a_push() -> None:
    assert project_id(f"{API}/projects/53423", API) == 53423
    assert project_id(f"{API}/projects/53423", f"{API}/") == 53423
    assert project_id("http://127.0.0.1:81/v1/projects/1", "http://127.0.0.1:81/v1") == 1


@pytest.mark.parametrize(
    "uri",
    [
        "https://api.ulule.com.example.org/v1/projects/1",
        "https://example.org/v1/projects/1",
        "https://api.ulule.com@example.org/v1/projects/1",
        "https://somebody@api.ulule.com/v1/projects/1",
        "https://api.ulule.com:8443/v1/projects/1",
        "https://api.ulule.com:no/v1/projects/1",
        "http://api.ulule.com/v1/projects/1",
        "file:///v1/projects/1",
        f"{API}/projects/1/",
        f"{API}/projects/1\n",
        f"{API}/projects/-1",
        f"{API}/projects/١",
        f"{API}/projects/../users/1",
        f"{API}/projects/1?x=http://127.0.0.1",
        f"{API}/projects/1#there",
        f"{API}/users/1",
        f"{API}/projects/{'1' * 16}",
        "/v1/projects/1",
        "https://[::1/v1/projects/1",
    ],
)
def test_nothing_else_is_ever_asked_for(uri: str) -> None:
    with pytest.raises(ResourceNotAllowed):
        project_id(uri, API)


@pytest.mark.parametrize("kind", ["project", "presale"])
def test_both_shapes_say_the_same(kind: str) -> None:
    modern = project(7, type=kind, nb_products_sold=12)
    assert Project.read(modern).call() == Project.read(flat(modern)).call()
    call = Project.read(flat(modern)).call()
    assert call.titre == "Ordinateurs pour tous 7"
    assert call.texte == (
        "Réparer et donner\n\nUn atelier de réemploi numéro 7.\n\nLieu : Saint-Étienne"
    )
    assert call.lien == "https://fr.ulule.com/projet-7/"
    assert (call.platform, call.goal, call.supporters) == ("Ulule", 5000, 31)
    counted = {"project": (False, 1250, "EUR"), "presale": (True, 12, None)}
    assert (call.presale, call.raised, call.currency) == counted[kind]


@pytest.mark.parametrize(
    ("name", "lang", "titre"),
    [
        ({"en": "In English", "fr": "En français"}, "en", "En français"),
        ({"de": "Auf Deutsch", "en": "In English"}, "en", "In English"),
        ({"fr": "", "en": "In English", "de": "Auf Deutsch"}, "de", "Auf Deutsch"),
        ({"it": "In italiano"}, None, "In italiano"),
        ({"fr": "  <b>Deux</b>\n lignes\u200b "}, "fr", "Deux lignes"),
        ({"fr": "x" * 300}, "fr", "x" * 139 + "…"),
    ],
)
def test_the_language_of_a_title(name: dict[str, str], lang: str | None, titre: str) -> None:
    assert Project.read(project(1, name=name, lang=lang)).call().titre == titre


def test_a_link_has_no_query() -> None:
    tracked = project(1, absolute_url="https://www.ulule.com/a/?utm_source=x#top")
    assert Project.read(tracked).call().lien == "https://www.ulule.com/a/"


@pytest.mark.parametrize(
    ("end", "day"),
    [
        ("2026-04-15T21:59:00Z", dt.date(2026, 4, 15)),
        ("2026-04-15T22:30:00Z", dt.date(2026, 4, 16)),
        ("2026-04-15T22:00:00Z", dt.date(2026, 4, 15)),
        ("2026-04-15T21:59:00-04:00", dt.date(2026, 4, 16)),
    ],
)
def test_the_last_day_is_of_paris(end: str, day: dt.date) -> None:
    assert Project.read(project(1, date_end=end)).call().ends_on == day


@pytest.mark.parametrize(
    ("fields", "fate"),
    [
        ({}, "running"),
        ({"status": None, "is_online": None}, "running"),
        ({"finished": True, "goal_raised": True}, "funded"),
        ({"finished": True, "amount_raised": 5000, "goal_raised": None}, "funded"),
        ({"finished": True, "type": "presale", "goal": 10, "nb_products_sold": 10}, "funded"),
        ({"finished": True, "type": "presale", "goal": 10, "nb_products_sold": 9}, "unfunded"),
        ({"finished": True, "is_online": False}, "unfunded"),
        ({"finished": True, "goal": None, "goal_raised": None}, "unfunded"),
        ({"is_cancelled": True, "finished": True}, "withdrawn"),
        ({"is_online": False}, "withdrawn"),
        ({"status": "waiting"}, "withdrawn"),
        ({"status": "pending-final-validation"}, "withdrawn"),
        # what is gone needs no date nor goal
        ({"status": "refused", "date_end": None, "goal": None, "name": {}}, "withdrawn"),
    ],
)
def test_what_has_become_of_it(fields: dict[str, Any], fate: str) -> None:
    assert Project.read(project(1, **fields)).fate == fate


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"date_end": None}, "date_end missing"),
        ({"date_end": "9999-12-31T23:59:59Z"}, "date_end invalid"),
        ({"goal": None}, "goal missing"),
        ({"goal": 0}, "goal missing"),
        ({"name": {}}, "name missing"),
        ({"name": {"fr": "<script>x</script>"}}, "name missing"),
        ({"absolute_url": None}, "absolute_url not on the platform"),
        ({"absolute_url": "javascript:alert(1)"}, "absolute_url not on the platform"),
        ({"absolute_url": "https://ulule.com.example.org/"}, "absolute_url not on the platform"),
        ({"absolute_url": "https://notulule.com/"}, "absolute_url not on the platform"),
        (
            {"absolute_url": "https://www.ulule.com@example.org/"},
            "absolute_url not on the platform",
        ),
        ({"absolute_url": "https://[::1"}, "absolute_url invalid"),
    ],
)
def test_a_project_without_what_an_announcement_needs(fields: dict[str, Any], reason: str) -> None:
    with pytest.raises(ProjectUnusable) as refusal:
        Project.read(project(1, **fields)).call()
    assert str(refusal.value) == reason


@pytest.mark.parametrize("currency", [None, "euros"])
def test_money_needs_its_currency(currency: str | None) -> None:
    with pytest.raises(ProjectUnusable) as refusal:
        Project.read(project(1, currency=currency)).call()
    assert str(refusal.value).endswith("invalid")


@pytest.mark.parametrize(
    "value",
    [
        None,
        [],
        {},
        {"id": 1},
        project(1, id="one"),
        project(1, id=0),
        project(1, type=3),
        project(1, type="loan"),
        project(1, goal=-1),
        project(1, goal=10**30),
        project(1, amount_raised="many"),
        project(1, finished="yes"),
        project(1, date_end="2026-04-15T21:59:00"),
        project(1, date_end=1776290340),
        project(1, date_end="soon"),
        project(1, name=["x"]),
        project(1, name={"fr": {"text": "x"}}),
        project(1, location="Lyon"),
    ],
)
def test_half_a_project_is_none(value: object) -> None:
    with pytest.raises(ProjectUnreadable):
        Project.read(value)


def test_a_long_description_is_shortened() -> None:
    told = project(1, description={"fr": "<p>" + "mot " * 5_000})
    texte = Project.read(told).call().texte
    assert len(texte) <= 5_000
    assert texte.endswith("…\n\nLieu : Saint-Étienne")


def test_a_page() -> None:
    page = Page.read({"projects": [1], "meta": {"limit": 20, "next": "?limit=20&since=1514912554"}})
    assert (page.projects, page.next) == ([1], "since=1514912554")
    assert Page.read({"projects": [], "meta": {"next": None}}).next is None
    wrong: tuple[object, ...] = (
        None,
        [],
        {},
        {"projects": {}},
        {"projects": [], "meta": {"next": 3}},
    )
    for value in wrong:
        with pytest.raises(ProjectUnreadable):
            Page.read(value)


def test_only_the_query_of_a_next_page_counts() -> None:
    assert cursor("https://example.org/elsewhere?since=3&status=all&limit=99") == "since=3"
    assert cursor("?since=3&limit=20") == cursor("?limit=20&since=3")
    for wrong in ("?", "?limit=20", "nothing", "?since=" + "1" * 400):
        with pytest.raises(ProjectUnreadable):
            cursor(wrong)


def test_pauses_grow_and_stay_apart() -> None:
    assert pause(1, 0) == FIRST_PAUSE / 2
    assert pause(1, 1) == FIRST_PAUSE
    assert pause(3, 1) == 4 * FIRST_PAUSE
    assert pause(13, 1) == pause(10_000, 1) == LONGEST_PAUSE
