"""Every event of a case is told to those whom it concerns, over a real broker and mail server."""

import datetime as dt
import re
from typing import Any
from uuid import uuid4

import pytest

from shared.database import now
from shared.events import Author, FieldChange
from shared.events.contacts import digest
from shared.events.directory import (
    ClaimDisowned,
    ClaimLapsed,
    ClaimProofRequested,
    ClaimProved,
)
from shared.events.moderation import (
    AppealDismissed,
    AppealLodged,
    ApprovalReverted,
    ClaimApproved,
    ClaimRefused,
    Decision,
    EditRefused,
    Held,
    MessagePosted,
    ReportDismissed,
    ReportUpheld,
    ReviewEscalated,
    ReviewReminded,
)
from shared.links import Links
from tests.harness import System
from tests.harness.bus import tell
from tests.harness.stories import Person
from tests.harness.system import LINK_KEY, MODERATORS, link_of, text_of
from tests.service.notifications_events import (
    DEADLINE,
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

HELD = Held(rule="closing", fields=["horaires"], sentence="Fermer un lieu demande une réponse.")


def titled() -> str:
    """A title that only one mail to the moderators has."""
    return f"Médiathèque {uuid4().hex[:8]}"


async def test_what_silence_does_not_accept_is_asked_of_managers_and_moderators(
    notifications: System,
) -> None:
    ada, (venue, address), title = Person("ada"), new_venue(), titled()
    opened = review(ada, venue, title=title, held=[HELD], for_moderators=True)
    await tell(notifications, contact(ada), public(venue, address), opened)
    for mail in (
        notifications.mail(address),
        notifications.mail(MODERATORS, title),
        notifications.mail(ada.email),
    ):
        assert HELD.sentence in " ".join(text_of(mail).split())
    assert "/decision/" not in notifications.mail(MODERATORS, title).as_string()


async def test_a_claim_is_asked_of_managers_who_can_answer_by_the_link(
    notifications: System,
) -> None:
    ben, (venue, address) = Person("ben"), new_venue()
    claim = review(ben, venue, kind="claim", changes=[], deadline=None, text="J'y travaille.")
    await tell(notifications, contact(ben), public(venue, address), claim)
    mail = notifications.mail(address)
    assert "demande à gérer la fiche" in text_of(mail)
    signed = Links(LINK_KEY).read(link_of(mail, "accepter").split("/decision/")[1].split("?")[0])
    assert (signed.case_id, signed.holder) == (claim.case_id, f"venue:{venue}")
    assert "demande de gestion" in subject(notifications.mail(ben.email))


async def test_a_report_is_for_moderators_alone(notifications: System) -> None:
    cora, (venue, _), title = Person("cora"), new_venue(), titled()
    report = review(cora, venue, kind="report", title=title, changes=[], for_moderators=True)
    await tell(notifications, contact(cora), report)
    assert subject(notifications.mail(MODERATORS, title)).startswith("Signalement à examiner")
    assert set(deliveries(notifications, report.case_id)) == {f"account:{cora.id}", "moderators"}


async def test_an_objection_is_for_managers_to_settle(notifications: System) -> None:
    dora, (venue, address), title = Person("dora"), new_venue(), titled()
    said = waiting(dora, venue, title=title, for_moderators=True)
    contested = ReviewEscalated(
        **said, why="contested", objection="C'est l'horaire d'été.", escalated_at=now()
    )
    await tell(notifications, public(venue, address), contested)
    for mail in (notifications.mail(address), notifications.mail(MODERATORS, title)):
        assert "C'est l'horaire d'été." in text_of(mail)
    assert link_of(notifications.mail(address), "refuser")


async def test_moderators_are_told_and_reminded_where_nobody_can_be_reached(
    notifications: System,
) -> None:
    eli, (venue, _), title = Person("eli"), new_venue(), titled()
    said = waiting(eli, venue, title=title, for_moderators=True)
    lost = ReviewEscalated(**said, why="manager_unreachable", escalated_at=now())
    await tell(notifications, lost)
    assert "n'a pu être remis" in " ".join(
        text_of(
            notifications.mail(
                MODERATORS, f"Responsables non joints : la proposition pour “{title}”"
            )
        ).split()
    )
    assert set(deliveries(notifications, lost.case_id)) == {"moderators"}
    reminded = ReviewReminded(**said | {"public_addresses": 0}, reminded_at=now())
    await tell(notifications, reminded)
    assert notifications.mail(MODERATORS, f"Rappel : la proposition pour “{title}”")


async def test_a_thread_reaches_each_who_takes_part_and_each_message_once(
    notifications: System,
) -> None:
    fay, gus, (venue, address) = Person("fay"), Person("gus"), new_venue()

    def message(text: str, sender: Author, role: Any) -> MessagePosted:
        return MessagePosted(
            case_id=case,
            message_id=uuid4().hex,
            kind="edit",
            venue_id=venue,
            title="Médiathèque",
            sender=sender,
            sender_role=role,
            text=text,
            author=author(fay),
            managers=[gus.id],
            public_addresses=1,
            deadline=DEADLINE,
            posted_at=now(),
        )

    case = uuid4().hex
    asked = message("D'où vient cet horaire ?", Author(account_id=f"venue:{venue}"), "manager")
    answered = message("Je l'ai lu sur la porte.", author(fay), "author")
    known = (contact(fay), contact(gus), public(venue, address))
    await tell(notifications, *known, asked, answered)

    assert "D'où vient cet horaire ?" in text_of(notifications.mail(fay.email))
    assert "Je l'ai lu sur la porte." in text_of(notifications.mail(address))
    texts = [text_of(mail) for mail in notifications.mails_of(gus.email, 2)]
    assert all("/decision/" in text for text in texts)
    assert "/decision/" not in notifications.mail(fay.email).as_string()


async def test_managers_are_told_what_went_online_at_once(notifications: System) -> None:
    hal, (venue, address) = Person("hal"), new_venue()
    change = FieldChange(field="nom", old="MEDIATHEQUE", new="Médiathèque")
    edit = applied(hal, venue, accepted_by="shortcut", applied=[change], reason="Majuscules.")
    await tell(notifications, contact(hal), public(venue, address), edit)
    assert "MEDIATHEQUE" in text_of(notifications.mail(address))
    assert "tout de suite" in text_of(notifications.mail(hal.email))


async def test_what_an_appeal_grants_is_told_beside_what_was_applied_before(
    notifications: System,
) -> None:
    ida, (venue, _) = Person("ida"), new_venue()
    first = applied(ida, venue, refused_fields=["nom"], accepted_by="moderator")
    later = first.model_copy(update={"refused_fields": []})
    granted = later.model_copy(update={"applied_at": first.applied_at + dt.timedelta(days=1)})
    await tell(notifications, contact(ida), first, granted)
    notifications.mails_of(ida.email, 2)


async def test_an_appeal_is_for_moderators(notifications: System) -> None:
    jan, title = Person("jan"), titled()
    facts = {"case_id": uuid4().hex, "revision": 3, "kind": "edit", "author": author(jan)}
    lodged = AppealLodged(**facts, title=title, text="J'ai une photo.", lodged_at=now())
    await tell(notifications, lodged)
    assert "J'ai une photo." in text_of(notifications.mail(MODERATORS, title))


def silence() -> dict[str, Any]:
    return {"decision": Decision(how="silence", at=now(), rule="deadline", held=[HELD])}


OUTCOMES: dict[str, tuple[type[Any], dict[str, Any], str]] = {
    "refused by the clock": (EditRefused, silence(), HELD.sentence),
    "refused, with an appeal": (
        EditRefused,
        {"appeal_until": DEADLINE},
        "Vous n'êtes pas d'accord",
    ),
    "report upheld": (ReportUpheld, {"about": "venue:x"}, "en a tenu compte"),
    "report dismissed": (ReportDismissed, {"about": "venue:x"}, "n'a pas été retenu par"),
    "claim approved": (ClaimApproved, {}, "vous gérez maintenant la fiche"),
    "claim refused": (ClaimRefused, {}, "Le nom est bon."),
    "appeal dismissed": (AppealDismissed, {"kind": "edit"}, "n'a pas changé la décision"),
    "approval reverted": (
        ApprovalReverted,
        {"kind": "edit", "by": "account:mo", "reason": "Rien n'a changé.", "reverted_at": now()},
        "Rien n'a changé.",
    ),
}


@pytest.mark.parametrize("outcome", OUTCOMES)
async def test_the_author_is_told_how_it_ended(notifications: System, outcome: str) -> None:
    kind, values, words = OUTCOMES[outcome]
    person, (venue, _) = Person("kit"), new_venue()
    event = kind(**decided(person) | {"venue_id": venue} | values)
    await tell(notifications, contact(person), event)
    mail = notifications.mail(person.email)
    assert words in " ".join(text_of(mail).split())
    assert set(deliveries(notifications, event.case_id)) == {f"account:{person.id}"}


async def test_one_public_address_is_asked_who_claims_the_sheet(notifications: System) -> None:
    ada, (venue, address), claim = Person("ada"), new_venue(), uuid4().hex
    other = f"mairie@{venue}.example.org"
    said = {"venue_id": venue, "claim_id": claim, "venue_nom": "Médiathèque", "author": author(ada)}
    asked = ClaimProofRequested(
        **said,
        recipient=digest(claim, address),
        number=1,
        text="J'y travaille.\nVoici le mot de passe.",
        managed=False,
        expires_at=DEADLINE,
        requested_at=now(),
    )
    await tell(notifications, contact(ada), public(venue, other, address), asked)
    mail = notifications.mail(address, "Qui gère la fiche")
    found = re.search(r"/responsable/(\S+)", text_of(mail))
    assert found
    link = Links(LINK_KEY).read_claim(found[1])
    assert (link.claim_id, link.holder) == (claim, f"venue:{venue}")
    assert link.expires_at == DEADLINE
    assert "> Voici le mot de passe." in text_of(mail)

    await tell(
        notifications, ClaimProved(**said, proof="mail", public_addresses=2, proved_at=now())
    )
    assert "Ada L. gère maintenant" in text_of(notifications.mail(other))
    assert "Bienvenue" in text_of(notifications.mail(ada.email))
    assert {f"account:{ada.id}", f"venue:{venue}"} == set(deliveries(notifications, claim))


async def test_who_claims_a_sheet_is_told_of_a_no_and_of_no_answer(notifications: System) -> None:
    for event, words in (
        (ClaimDisowned, "vous ne parlez pas au nom de ce lieu"),
        (ClaimLapsed, "personne n'a répondu à temps"),
    ):
        ada, (venue, _) = Person("ada"), new_venue()
        said = {"venue_id": venue, "claim_id": uuid4().hex, "venue_nom": "X", "author": author(ada)}
        told = event.model_validate({**said, "disowned_at": now(), "lapsed_at": now()})
        await tell(notifications, contact(ada), told)
        assert words in " ".join(text_of(notifications.mail(ada.email)).split())
