"""Mediators: what they publish themselves, where a venue agrees, and nothing once it is gone."""

from collections.abc import Sequence
from typing import Any

import bson
import pytest

from services.directory.domain.mediators import MOST_VENUES, MediatorNotFound, check_profile
from services.directory.domain.venues import VenueNotFound
from services.directory.store import belongings
from services.directory.use_cases import mediators
from services.directory.use_cases.mediators import Shown
from shared.auth import Account
from shared.errors import InvalidInput, NotAllowed
from shared.events import Event
from shared.events.directory import MediatorAttachmentAsked, VenueMediatorsChanged
from tests.unit.directory_venues import MODERATOR, NOW, a_venue, memory_with
from tests.unit.moderation_memory import Memory

ADA, LOU = Account("ada"), Account("lou-7", name="Louise Martin", email="lou@perso.example.org")
PROFILE: dict[str, Any] = {
    "nom": "Lou",
    "presentation": "J'aide à Die le mardi.",
    "langues": ["français", "occitan"],
    "services": ["Aide aux démarches administratives"],
    "courriel": "lou@lieu.example.org",
    "telephone": "04 65 71 00 99",
    "lien": "https://lou.example.org/",
}


def publish(
    memory: Memory, *venues: str, by: Account = LOU, **said: Any
) -> tuple[Shown, list[Event]]:
    return memory.run(lambda tx: mediators.publish(tx, by, {**PROFILE, **said}, venues), NOW)


def answer(memory: Memory, shown: Shown, *, yes: bool, by: Account = ADA) -> list[Event]:
    _, events = memory.run(
        lambda tx: mediators.answer(tx, by, "v1", shown.mediator.id, shown=yes), NOW
    )
    return events


def names_at(memory: Memory, venue: str = "v1") -> list[str]:
    found, _ = memory.run(lambda tx: mediators.of_venue(tx, venue), NOW)
    return [one.nom for one in found]


def states(shown: Shown) -> dict[str, str]:
    return {one.venue_id: one.state for one in shown.attachments}


def everything(memory: Memory) -> str:
    """All that the database holds but venues, as text."""
    kept = [
        str(bson.decode(row))
        for name, rows in memory.rows.items()
        if name != "venues"
        for row in rows.values()
    ]
    return "\n".join(kept)


def where() -> Memory:
    return memory_with(a_venue("ada"), a_venue("ada", id="v2"), a_venue(id="v3"))


class TestProfile:
    def test_is_put_in_order(self) -> None:
        profile = check_profile({**PROFILE, "nom": " <b>Lou</b>\n", "presentation": ""})
        assert (profile.nom, profile.presentation) == ("Lou", None)
        assert profile.telephone == "+33465710099"

    def test_may_say_little(self) -> None:
        assert check_profile({"nom": "Lou"}).services == []

    @pytest.mark.parametrize(
        ("change", "field", "rule"),
        [
            ({"nom": " "}, "nom", "required"),
            ({"nom": "a" * 101}, "nom", "max_length"),
            ({"nom": "a\x00"}, "nom", "characters"),
            ({"services": ["Réparer des vélos"]}, "services", "enum"),
            ({"langues": "français"}, "langues", "type"),
            ({"courriel": "lou"}, "courriel", "format"),
            ({"telephone": "12"}, "telephone", "pattern"),
            ({"lien": "javascript:alert(1)"}, "lien", "format"),
        ],
    )
    def test_each_rule(self, change: dict[str, Any], field: str, rule: str) -> None:
        with pytest.raises(InvalidInput) as refusal:
            check_profile({**PROFILE, **change})
        assert [(one.field, one.rule) for one in refusal.value.invalid] == [(field, rule)]

    def test_takes_nothing_from_the_account(self) -> None:
        memory = where()
        shown, _ = publish(memory, "v1", courriel=None)
        assert "Louise" not in everything(memory)
        assert "perso" not in everything(memory)
        assert LOU.id not in shown.mediator.id


class TestAttachment:
    def test_shows_once_the_venue_agrees(self) -> None:
        memory = where()
        shown, [asked] = publish(memory, "v1")
        assert isinstance(asked, MediatorAttachmentAsked)
        assert (asked.account_id, asked.managers) == (LOU.id, ["ada"])
        assert "Lou" not in asked.model_dump_json().replace(LOU.id, "")
        assert names_at(memory) == []
        with pytest.raises(MediatorNotFound):
            memory.run(lambda tx: mediators.get_mediator(tx, shown.mediator.id), NOW)
        waiting, _ = memory.run(lambda tx: mediators.waiting_at(tx, ADA, "v1"), NOW)
        assert [one.nom for one in waiting] == ["Lou"]

        [changed] = answer(memory, shown, yes=True)
        assert isinstance(changed, VenueMediatorsChanged)
        assert (changed.venue_id, changed.count) == ("v1", 1)
        assert answer(memory, shown, yes=True) == []
        assert names_at(memory) == ["Lou"]
        page, _ = memory.run(lambda tx: mediators.get_mediator(tx, shown.mediator.id), NOW)
        assert page.confirmed == ["v1"]

    def test_of_a_manager_needs_nobodys_word(self) -> None:
        memory = where()
        shown, [changed] = publish(memory, "v1", by=ADA)
        assert isinstance(changed, VenueMediatorsChanged)
        assert states(shown) == {"v1": "confirmed"}

    def test_of_somebody_who_has_come_to_manage_the_venue(self) -> None:
        memory = where()
        publish(memory, "v3")
        memory.rows["venues"] = memory_with(a_venue(LOU.id, id="v3")).rows["venues"]
        shown, _ = publish(memory, "v3")
        assert states(shown) == {"v3": "confirmed"}

    def test_naming_venues_again_asks_the_new_ones_alone(self) -> None:
        memory = where()
        first, _ = publish(memory, "v1", "v2")
        answer(memory, first, yes=True)
        again, events = publish(memory, "v1", "v3", "v3", nom="Lou M.")
        assert states(again) == {"v1": "confirmed", "v3": "asked"}
        assert [(type(one).__name__, one.key) for one in events] == [
            ("MediatorAttachmentAsked", "v3")
        ]
        assert again.mediator.id == first.mediator.id
        assert names_at(memory) == ["Lou M."]
        gone, [changed] = publish(memory, nom="Lou M.")
        assert isinstance(changed, VenueMediatorsChanged)
        assert (changed.venue_id, changed.count, states(gone)) == ("v1", 0, {})

    def test_who_was_removed_is_not_asked_about_again(self) -> None:
        memory = where()
        shown, _ = publish(memory, "v1")
        answer(memory, shown, yes=True)
        assert [type(one) for one in answer(memory, shown, yes=False)] == [VenueMediatorsChanged]
        assert names_at(memory) == []
        for named in (["v1"], [], ["v1"]):
            again, events = publish(memory, *named)
            assert (states(again), events) == ({"v1": "removed"}, [])
        # only the venue changes its mind
        answer(memory, again, yes=True)
        assert names_at(memory) == ["Lou"]

    def test_is_for_managers_and_moderators_to_answer(self) -> None:
        memory = where()
        shown, _ = publish(memory, "v1")
        for by in (LOU, Account("max")):
            with pytest.raises(NotAllowed):
                answer(memory, shown, yes=True, by=by)
            with pytest.raises(NotAllowed):
                memory.run(lambda tx, by=by: mediators.waiting_at(tx, by, "v1"), NOW)  # type: ignore[misc]
        answer(memory, shown, yes=True, by=MODERATOR)
        assert names_at(memory) == ["Lou"]

    def test_a_moderator_does_not_say_so_of_themselves(self) -> None:
        memory = where()
        shown, _ = publish(memory, "v1", by=MODERATOR)
        with pytest.raises(NotAllowed):
            answer(memory, shown, yes=True, by=MODERATOR)
        answer(memory, shown, yes=True)
        assert names_at(memory) == ["Lou"]

    def test_of_who_has_not_asked(self) -> None:
        memory = where()
        shown, _ = publish(memory, "v2")
        with pytest.raises(MediatorNotFound):
            answer(memory, shown, yes=True)

    @pytest.mark.parametrize(
        ("venues", "refusal"),
        [
            (["absent"], VenueNotFound),
            ([f"v{n}" for n in range(MOST_VENUES + 1)], InvalidInput),
        ],
    )
    def test_to_venues_that_cannot_be(
        self, venues: Sequence[str], refusal: type[Exception]
    ) -> None:
        memory = memory_with(a_venue())
        with pytest.raises(refusal):
            publish(memory, *venues)
        assert everything(memory) == ""


def test_a_venue_named_by_an_id_that_was_merged_is_the_one_that_stays() -> None:
    stays = a_venue("ada").model_copy(update={"merged": ["old"]})
    memory = memory_with(stays, a_venue(id="old", merged_into="v1"))
    shown, _ = publish(memory, "old", "v1")
    assert states(shown) == {"v1": "asked"}


class TestErasing:
    def test_leaves_nothing_in_what_a_merge_has_noted(self) -> None:
        memory = where()
        shown, _ = publish(memory, "v2")
        noted, _ = memory.run(lambda tx: belongings.move(tx, "v2", "v1"), NOW)
        assert noted["mediations"]
        assert shown.mediator.id not in str(noted)
        memory.run(lambda tx: mediators.erase(tx, LOU), NOW)
        memory.run(lambda tx: belongings.move_back(tx, noted, "v2"), NOW)
        assert everything(memory) == ""

    def test_leaves_nothing(self) -> None:
        memory = where()
        shown, _ = publish(memory, "v1", "v2")
        answer(memory, shown, yes=True)
        memory.run(lambda tx: mediators.answer(tx, ADA, "v2", shown.mediator.id, shown=False), NOW)
        _, [changed] = memory.run(lambda tx: mediators.erase(tx, LOU), NOW)
        assert isinstance(changed, VenueMediatorsChanged)
        assert (changed.venue_id, changed.count) == ("v1", 0)
        assert everything(memory) == ""
        for event in memory.published:
            assert not {"Lou", PROFILE["courriel"], shown.mediator.id} & {
                str(value) for value in event.model_dump().values()
            }
        with pytest.raises(MediatorNotFound):
            memory.run(lambda tx: mediators.own_profile(tx, LOU), NOW)
        _, events = memory.run(lambda tx: mediators.erase(tx, LOU), NOW)
        assert events == []

    def test_another_profile_is_another_pseudonym(self) -> None:
        memory = where()
        first, _ = publish(memory)
        memory.run(lambda tx: mediators.erase(tx, LOU), NOW)
        assert publish(memory)[0].mediator.id != first.mediator.id
