"""Notifications: events come in, mails go out, each once, and nobody's address is shown."""

import datetime as dt
import re
from typing import Any
from uuid import uuid4

import pytest

from shared.database import now
from shared.events import Event, FieldChange
from shared.events.announcements import AnnouncementPublished
from shared.events.contacts import (
    AddressesProposed,
    ContactErased,
)
from shared.events.directory import FieldConflict, NewsPublished
from shared.events.moderation import (
    AnnouncementRefused,
    EditRefused,
    NewsRefused,
    ReviewReminded,
)
from shared.links import DecisionLink, Links
from tests.harness import System, eventually
from tests.harness.bus import message, send, tell
from tests.harness.refusals import bad_authorizations, refused
from tests.harness.rows import rows, wait_for_rows
from tests.harness.stories import Person
from tests.harness.system import LINK_KEY, MODERATORS, link_of, text_of, token
from tests.service.notifications_events import (
    DEADLINE,
    MODERATOR,
    applied,
    author,
    contact,
    decided,
    deliveries,
    new_venue,
    public,
    review,
    subject,
    waiting,
)


async def test_the_mails_of_a_new_proposal(notifications: System) -> None:
    ada, (venue, address) = Person("ada"), new_venue()
    opened = review(ada, venue)
    correlation = f"essai-{uuid4().hex[:8]}"
    sent = message(opened)
    sent["headers"] = [
        *(one for one in sent["headers"] if one[0] != "ce_correlationid"),
        ("ce_correlationid", correlation.encode()),
    ]
    await tell(notifications, contact(ada), public(venue, address))
    await send(notifications, "moderation", sent)

    mail = notifications.mail(address)
    assert subject(mail).startswith("Proposition pour “Médiathèque des Tilleuls”")
    assert mail["To"].addresses[0].addr_spec == address
    assert mail["From"].addresses[0].domain == "mednum.example"
    assert re.fullmatch(r"<[0-9a-f]{32}@mednum\.example>", str(mail["Message-ID"]))
    assert mail["Auto-Submitted"] == "auto-generated"
    assert mail["Content-Language"] == "fr"
    assert mail["X-Correlation-Id"] == correlation
    assert abs(mail["Date"].datetime - now()) < dt.timedelta(minutes=10)
    assert not mail["Cc"]
    assert not mail["Bcc"]

    assert mail.get_content_type() == "multipart/alternative"
    html = mail.get_body(("html",))
    assert html
    for text in (text_of(mail), html.get_content()):
        for words in ("Ada L.", "Mo-Fr 09:00-12:00", "Mo-Sa 10:00-18:00", "Vu sur place."):
            assert words in text, words
    assert "<html" in html.get_content()
    assert max(len(line) for line in text_of(mail).splitlines() if "://" not in line) <= 78
    received = notifications.mail(ada.email)
    assert subject(received).startswith("Bien reçu")
    assert "/decision/" not in received.as_string()
    assert ada.email not in text_of(mail)


async def test_two_public_addresses_get_a_mail_each(notifications: System) -> None:
    ben, (venue, address) = Person("ben"), new_venue()
    addresses = [address, f"direction-{address}"]
    opened = review(ben, venue, public_addresses=2)
    await tell(notifications, public(venue, *addresses), opened)

    for one in addresses:
        mail = notifications.mail(one)
        assert [to.addr_spec for to in mail["To"].addresses] == [one]
        assert not any(other in mail.as_string() for other in addresses if other not in one)
        for choice in ("accepter", "refuser"):
            signed = link_of(mail, choice).split("/decision/")[1].split("?")[0]
            allowed = DecisionLink(
                opened.case_id, f"venue:{venue}", DEADLINE + dt.timedelta(days=7)
            )
            assert Links(LINK_KEY).read(signed) == allowed
    first, second = (notifications.mail(one) for one in addresses)
    assert first["Message-ID"] != second["Message-ID"]
    eventually(lambda: deliveries(notifications, opened.case_id)[f"venue:{venue}"]["sent"] == 2)


async def test_the_same_event_twice_is_one_mail(notifications: System) -> None:
    cora, (venue, address) = Person("cora"), new_venue()
    opened = review(cora, venue)
    once = message(opened)
    # the same message again, and the same event under another id
    await tell(notifications, contact(cora), public(venue, address))
    await send(notifications, "moderation", once, once, message(opened))
    # of the same key, hence behind them
    after = EditRefused(**decided(cora) | {"case_id": opened.case_id}, venue_id=venue)
    await tell(notifications, after)

    notifications.mails_of(cora.email, 2)
    notifications.mail(address)
    sent = {"case_id": opened.case_id, "state": "sent", "attempts": 1}
    await wait_for_rows(notifications, "notifications", "deliveries", 3, **sent)
    noted = await rows(notifications, "notifications", "deliveries", case_id=opened.case_id)
    assert {one["template"] for one in noted} == {"proposal_received", "refused", "review_opened"}
    assert len(notifications.mails(address)) == 1


async def test_a_venue_without_addresses(notifications: System) -> None:
    dora, (venue, _) = Person("dora"), new_venue()
    opened = review(dora, venue, public_addresses=0)
    await tell(notifications, contact(dora), opened)
    notifications.mail(dora.email)
    assert list(deliveries(notifications, opened.case_id)) == [f"account:{dora.id}"]


async def test_addresses_that_come_late_are_waited_for(notifications: System) -> None:
    eli, (venue, address) = Person("eli"), new_venue()
    opened = review(eli, venue)
    await tell(notifications, opened)
    eventually(lambda: deliveries(notifications, opened.case_id)[f"venue:{venue}"]["attempts"] > 0)
    waits = deliveries(notifications, opened.case_id)[f"venue:{venue}"]
    assert (waits["state"], waits["error"]) == ("pending", "ContactUnknown")
    await tell(notifications, public(venue, address), contact(eli))
    notifications.mail(address)
    notifications.mail(eli.email)


async def test_managers_are_told_but_not_of_their_own(notifications: System) -> None:
    fay, gus, (venue, _) = Person("fay"), Person("gus"), new_venue()
    opened = review(fay, venue, managers=[fay.id, gus.id], public_addresses=0)
    await tell(notifications, contact(fay), contact(gus), opened)

    mail = notifications.mail(gus.email)
    assert "responsable de la fiche" in text_of(mail)
    signed = link_of(mail, "accepter").split("/decision/")[1].split("?")[0]
    assert Links(LINK_KEY).read(signed).holder == f"account:{gus.id}"
    assert subject(notifications.mail(fay.email)).startswith("Bien reçu")
    assert set(deliveries(notifications, opened.case_id)) == {
        f"account:{fay.id}",
        f"account:{gus.id}",
    }


async def test_a_reminder(notifications: System) -> None:
    hal, (venue, address) = Person("hal"), new_venue()
    reminded = ReviewReminded(**waiting(hal, venue), reminded_at=now())
    await tell(notifications, contact(hal), public(venue, address), reminded)
    mail = notifications.mail(address)
    assert subject(mail).startswith("Rappel")
    assert link_of(mail, "refuser")
    assert set(deliveries(notifications, reminded.case_id)) == {f"venue:{venue}"}


async def test_moderators_read_announcements(notifications: System) -> None:
    ida = Person("ida")
    opened = review(
        ida,
        "",
        venue_id=None,
        kind="announcement",
        title=f"Bénévoles {ida.id}",
        changes=[],
        deadline=None,
        link="https://association.example.org",
        public_addresses=0,
    )
    await tell(notifications, contact(ida), opened)
    mail = notifications.mail(MODERATORS, ida.id)
    assert "https://association.example.org" in text_of(mail)
    assert "/decision/" not in mail.as_string()
    notifications.mail(ida.email)


@pytest.mark.parametrize(
    "kind", ["edit applied", "edit refused", "news", "news refused", "call", "call refused"]
)
async def test_the_author_is_told_how_it_ended(notifications: System, kind: str) -> None:
    person, (venue, _) = Person("jan"), new_venue()
    events: dict[str, tuple[Event, str]] = {
        "edit applied": (applied(person, venue), "est en ligne"),
        "edit refused": (EditRefused(**decided(person), venue_id=venue), "Le nom est bon."),
        "news": (
            NewsPublished(
                venue_id=venue,
                proposal_id=uuid4().hex,
                venue_nom="Médiathèque",
                author=author(person),
                accepted_by="silence",
                titre="Atelier du mardi",
                published_at=now(),
            ),
            "Atelier du mardi",
        ),
        "news refused": (NewsRefused(**decided(person), venue_id=venue), "Le nom est bon."),
        "call": (
            AnnouncementPublished(
                announcement_id=uuid4().hex,
                revision=2,
                kind="funding_call",
                titre="Bénévoles",
                lien="https://association.example.org",
                ends_on=DEADLINE.date(),
                author=author(person),
                published_at=now(),
            ),
            "https://association.example.org",
        ),
        "call refused": (AnnouncementRefused(**decided(person)), "Le nom est bon."),
    }
    event, words = events[kind]
    await tell(notifications, contact(person), event)
    mail = notifications.mail(person.email)
    assert words in f"{subject(mail)}\n{text_of(mail)}"
    assert "/decision/" not in mail.as_string()


async def test_managers_hear_of_conflicts_only(notifications: System) -> None:
    kit, (venue, address) = Person("kit"), new_venue()
    conflict = FieldConflict(field="nom", base="Un", current="Deux", proposed="Trois")
    smooth, bumpy = applied(kit, venue), applied(kit, venue, conflicts=[conflict])
    await tell(notifications, contact(kit), public(venue, address), smooth, bumpy)
    mail = notifications.mail(address)
    for words in ("Deux", "Trois"):
        assert words in text_of(mail)
    assert set(deliveries(notifications, smooth.proposal_id)) == {f"account:{kit.id}"}
    notifications.mails_of(kit.email, 2)


async def test_addresses_are_shown_to_those_who_decide(notifications: System) -> None:
    lou, (venue, address) = Person("lou"), new_venue()
    withheld = FieldChange(field="courriels", withheld=True)
    opened = review(lou, venue, changes=[withheld])
    proposed = AddressesProposed(
        proposal_id=opened.case_id, old=[address], new=[f"nouveau-{address}"]
    )
    await tell(notifications, contact(lou), public(venue, address), opened, proposed)
    mail = notifications.mail(address)
    assert f"nouveau-{address}" in text_of(mail)
    assert notifications.mails(f"nouveau-{address}") == []


async def test_an_erased_contact_gets_nothing(notifications: System) -> None:
    max_, (venue, _) = Person("max"), new_venue()
    refusal = EditRefused(**decided(max_), venue_id=venue)
    await tell(notifications, contact(max_))
    await wait_for_rows(notifications, "notifications", "contacts", 1, _id=max_.id)
    await tell(notifications, ContactErased(contact=max_.id))
    await wait_for_rows(notifications, "notifications", "contacts", 0, _id=max_.id)
    await tell(notifications, refusal)

    def tried() -> Any:
        delivery = deliveries(notifications, refusal.case_id)[f"account:{max_.id}"]
        return delivery if delivery["attempts"] else None

    assert eventually(tried)["error"] == "ContactUnknown"
    assert notifications.mails(max_.email) == []


async def test_deliveries_are_for_moderators_and_show_no_address(notifications: System) -> None:
    nia, (venue, address) = Person("nia"), new_venue()
    opened = review(nia, venue)
    await tell(notifications, contact(nia), public(venue, address), opened)
    notifications.mail(address)
    notifications.mail(nia.email)
    path = f"/deliveries?case_id={opened.case_id}"
    eventually(
        lambda: all(
            one["state"] == "sent" for one in deliveries(notifications, opened.case_id).values()
        )
    )

    answer = notifications.call("GET", "notifications", path, as_=MODERATOR)
    assert "@" not in answer.text
    found = deliveries(notifications, opened.case_id)
    assert {one["template"] for one in found.values()} == {"review_opened", "proposal_received"}
    assert all(
        (one["sent"], one["attempts"], one["due_at"]) == (1, 1, None) for one in found.values()
    )
    for role in ("user", "partner"):
        answer = notifications.call("GET", "notifications", path, as_=token("ada", role))
        refused(answer, 403, "not-allowed")
    assert deliveries(notifications, "absent") == {}


@pytest.mark.parametrize("why", bad_authorizations())
def test_nobody_gets_in_by_a_bad_token(notifications: System, why: str) -> None:
    authorization = bad_authorizations()[why]
    headers = {"Authorization": authorization} if authorization else {}
    answer = notifications.call("GET", "notifications", "/deliveries?case_id=x", headers=headers)
    assert answer.status_code == 401
    assert answer.json()["type"] == "urn:mednum:problem:not-authenticated"


@pytest.mark.parametrize(
    ("query", "rule"),
    [
        ("", "missing"),
        ("case_id=", "string_too_short"),
        (f"case_id={'x' * 201}", "string_too_long"),
    ],
)
def test_a_case_must_be_named(notifications: System, query: str, rule: str) -> None:
    answer = notifications.call("GET", "notifications", f"/deliveries?{query}", as_=MODERATOR)
    refused(answer, 422, "invalid-input", ("case_id", rule))
