"""Events that people are told of, and each mail that comes of them."""

from datetime import UTC, date, datetime
from typing import Any, Literal

from services.notifications.domain import Refusal, Template, Told
from services.notifications.rendering.mails import Renderer
from shared.events import Author, FieldChange
from shared.events.announcements import (
    AnnouncementEnded,
    AnnouncementPublished,
    AnnouncementUpdated,
    SubscriptionDisabled,
)
from shared.events.base import Evidence
from shared.events.contacts import digest
from shared.events.directory import (
    ClaimDisowned,
    ClaimLapsed,
    ClaimProofRequested,
    ClaimProved,
    EditApplied,
    FieldConflict,
    MediatorAttachmentAsked,
    NewsPublished,
    SheetValue,
    VenueCorrectionAsked,
    VenueReviewAsked,
)
from shared.events.moderation import (
    AnnouncementRefused,
    AppealDismissed,
    AppealLodged,
    ApprovalReverted,
    CaseDecided,
    CaseKind,
    ClaimApproved,
    ClaimRefused,
    Decision,
    EditRefused,
    Held,
    MessagePosted,
    NewsRefused,
    ReportDismissed,
    ReportUpheld,
    ReviewEscalated,
    ReviewOpened,
    ReviewReminded,
)
from shared.links import Links

NOW = datetime(2026, 11, 23, 9, tzinfo=UTC)
DEADLINE = datetime(2026, 11, 30, 13, 5, tzinfo=UTC)
APPEAL_UNTIL = datetime(2026, 12, 23, 9, tzinfo=UTC)
LINKS = Links("a-key-of-thirty-two-characters-or-more")
RENDERER = Renderer(
    LINKS, moderation_url="https://moderation.example", directory_url="https://lieux.example"
)
NINA = Author(account_id="nina", name="Nina Roux")
CHANGES = [
    FieldChange(field="horaires", old="Mo-Fr 09:00-12:00", new="Mo-Sa 10:00-18:00"),
    FieldChange(field="services", old=[], new=["Aider aux démarches", "Réparer"]),
]
HELD = Held(
    rule="closing",
    fields=["horaires"],
    sentence="Annoncer qu'un lieu ne reçoit plus de public demande une réponse.",
)
HELD_WHOLE = Held(rule="refused_link", sentence="Ce lien a déjà été refusé.")
DECISION = Decision(how="manager", by="venue:v1", at=NOW, reason="C'est faux.\nVoyez la façade.")
SILENCE = Decision(how="silence", at=NOW, rule="deadline", held=[HELD])


def waiting(**changes: Any) -> dict[str, Any]:
    """What moderation says of an open case."""
    said: dict[str, Any] = {
        "case_id": "c1",
        "revision": 1,
        "kind": "edit",
        "venue_id": "v1",
        "title": "Médiathèque X",
        "changes": CHANGES,
        "text": "Vu sur place.",
        "author": NINA,
        "public_addresses": 1,
        "deadline": DEADLINE,
    }
    return said | changes


def edit(**changes: Any) -> ReviewOpened:
    return ReviewOpened(**waiting(**changes), opened_at=NOW)


def reminder(**changes: Any) -> ReviewReminded:
    return ReviewReminded(**waiting(**changes), reminded_at=NOW)


def contested(**changes: Any) -> ReviewEscalated:
    said: dict[str, Any] = {
        "why": "contested",
        "objection": "C'est l'horaire d'été.\nVoyez le site.",
    }
    return ReviewEscalated(**waiting(**said | changes), escalated_at=NOW)


def unreachable(**changes: Any) -> ReviewEscalated:
    said: dict[str, Any] = {
        "why": "manager_unreachable",
        "for_moderators": True,
        "managers": ["ali"],
    }
    return ReviewEscalated(**waiting(**said | changes), escalated_at=NOW)


def news(**changes: Any) -> ReviewOpened:
    return edit(**{"kind": "news", "changes": [], "link": "https://atelier.example", **changes})


def announcement(**changes: Any) -> ReviewOpened:
    said: dict[str, Any] = {
        "kind": "announcement",
        "venue_id": None,
        "changes": [],
        "public_addresses": 0,
    }
    return edit(**said | {"deadline": None} | changes)


def report(**changes: Any) -> ReviewOpened:
    said: dict[str, Any] = {
        "kind": "report",
        "changes": [],
        "deadline": None,
        "for_moderators": True,
    }
    return edit(**said | {"text": "Ce lieu a fermé."} | changes)


def claim(**changes: Any) -> ReviewOpened:
    said: dict[str, Any] = {
        "kind": "claim",
        "changes": [],
        "deadline": None,
        "text": "J'y travaille.",
    }
    return edit(**said | changes)


def message(**changes: Any) -> MessagePosted:
    said: dict[str, Any] = {
        "case_id": "c1",
        "message_id": "m1",
        "kind": "edit",
        "venue_id": "v1",
        "title": "Médiathèque X",
        "sender": Author(account_id="ali", name="Ali"),
        "sender_role": "manager",
        "text": "D'où vient cet horaire ?\nMerci !",
        "author": NINA,
        "managers": ["ali", "bea"],
        "public_addresses": 1,
        "for_moderators": True,
        "deadline": DEADLINE,
        "posted_at": NOW,
    }
    return MessagePosted(**said | changes)


def applied(**changes: Any) -> EditApplied:
    fields: dict[str, Any] = {
        "venue_id": "v1",
        "proposal_id": "c1",
        "venue_nom": "Médiathèque X",
        "revision": 2,
        "author": NINA,
        "accepted_by": "silence",
        "applied": CHANGES[:1],
        "unchanged": ["site_web"],
        "conflicts": [FieldConflict(field="telephone", base="1", current="2", proposed="3")],
        "refused_fields": ["nom"],
        "reason": "Le nom est le bon.",
        "public_addresses": 1,
        "applied_at": NOW,
    }
    return EditApplied(**fields | changes)


def shortcut(**changes: Any) -> EditApplied:
    said: dict[str, Any] = {
        "accepted_by": "shortcut",
        "applied": [FieldChange(field="nom", old="MEDIATHEQUE", new="Médiathèque")],
        "unchanged": [],
        "conflicts": [],
        "refused_fields": [],
        "reason": "Seuls changent des majuscules, des espaces ou de la ponctuation.",
    }
    return applied(**said | changes)


def news_published() -> NewsPublished:
    return NewsPublished(
        venue_id="v1",
        proposal_id="n1",
        venue_nom="Médiathèque X",
        author=NINA,
        accepted_by="moderator",
        titre="Atelier",
        published_at=NOW,
    )


def announcement_published() -> AnnouncementPublished:
    return AnnouncementPublished(
        announcement_id="a1",
        revision=1,
        kind="skills_call",
        titre="Bénévoles",
        lien="https://appel.example",
        ends_on=date(2026, 12, 1),
        author=NINA,
        published_at=NOW,
    )


def announcement_updated() -> AnnouncementUpdated:
    shown = announcement_published().model_dump(exclude={"published_at"})
    return AnnouncementUpdated(**shown | {"revision": 4, "updated_at": NOW})


def announcement_too_late() -> AnnouncementEnded:
    return AnnouncementEnded(
        announcement_id="a1",
        revision=2,
        titre="Bénévoles",
        was_online=False,
        author=NINA,
        ended_at=NOW,
    )


def subscription_disabled(why: Literal["gone", "failing"] = "failing") -> SubscriptionDisabled:
    return SubscriptionDisabled(
        subscription_id="s1",
        owner=NINA,
        host="mairie.example",
        why=why,
        failing_since=NOW if why == "failing" else None,
        disabled_at=NOW,
    )


def review_asked(**changes: Any) -> VenueReviewAsked:
    said: dict[str, Any] = {
        "venue_id": "v1",
        "venue_nom": "Médiathèque X",
        "revision": 4,
        "managers": ["ali", "bea"],
        "values": [
            SheetValue(column="horaires", value="Mo-Fr 09:00-12:00"),
            SheetValue(column="services", value=["Aider aux démarches", "Réparer"]),
            SheetValue(column="site_web"),
        ],
        "cared_at": datetime(2026, 5, 1, 9, tzinfo=UTC),
        "every_months": 6,
        "number": 1,
        "at_most": 3,
        "asked_at": NOW,
    }
    return VenueReviewAsked(**said | changes)


def correction_asked() -> VenueCorrectionAsked:
    return VenueCorrectionAsked(
        venue_id="v1",
        report_id="r1",
        venue_nom="Médiathèque X",
        managers=["ali", "bea"],
        text="Le numéro sonne occupé.\nC'est celui de l'ancienne mairie.",
        asked_at=NOW,
    )


def decided(event: type[CaseDecided], **changes: Any) -> Any:
    """What moderation says of a decision; each event takes of it what it knows."""
    said: dict[str, Any] = {
        "case_id": "c1",
        "revision": 2,
        "kind": "edit",
        "author": NINA,
        "title": "Médiathèque X",
        "decision": DECISION,
        "venue_id": "v1",
        "about": "venue:v1",
    }
    return event.model_validate(said | changes)


def refused(event: type[Refusal], **changes: Any) -> Refusal:
    refusal: Refusal = decided(event, **changes)
    return refusal


def by_moderator(**changes: Any) -> dict[str, Any]:
    """A refusal that may be appealed against."""
    decision = Decision(how="moderator", by="account:mo", at=NOW, reason="Source manquante.")
    return {"decision": decision, "appeal_until": APPEAL_UNTIL} | changes


def reverted(kind: CaseKind = "edit") -> ApprovalReverted:
    return ApprovalReverted(
        case_id="c1",
        revision=3,
        kind=kind,
        venue_id="v1",
        title="Médiathèque X",
        author=NINA,
        by="account:mo",
        reason="Le lieu a appelé : rien n'a changé.",
        reverted_at=NOW,
    )


def appealed(kind: CaseKind = "edit") -> AppealLodged:
    return AppealLodged(
        case_id="c1",
        revision=3,
        kind=kind,
        venue_id="v1",
        title="Médiathèque X",
        author=NINA,
        text="J'ai une photo de la façade.",
        lodged_at=NOW,
    )


CLAIM = {"venue_id": "v1", "claim_id": "c1", "venue_nom": "Médiathèque X", "author": NINA}


def proof_requested(address: str = "accueil@lieu.example", **changes: Any) -> ClaimProofRequested:
    said: dict[str, Any] = {
        **CLAIM,
        "recipient": digest("c1", address),
        "number": 1,
        "text": "J'y travaille.",
        "managed": False,
        "expires_at": DEADLINE,
        "requested_at": NOW,
    }
    return ClaimProofRequested(**said | changes)


def claim_proved(proof: Literal["mail", "siret"] = "mail", addresses: int = 1) -> ClaimProved:
    return ClaimProved.model_validate(
        {**CLAIM, "proof": proof, "public_addresses": addresses, "proved_at": NOW}
    )


def mediator_asked(*managers: str) -> MediatorAttachmentAsked:
    return MediatorAttachmentAsked(
        venue_id="v1",
        venue_nom="Médiathèque X",
        account_id="nina",
        managers=list(managers),
        asked_at=NOW,
    )


def evidence(proof: Literal["mail", "siret"] | None) -> Evidence:
    return Evidence(
        charter="2026-1", charter_accepted_at=NOW, proof=proof, proved_at=NOW if proof else None
    )


SAMPLES: list[tuple[Template, Told, str]] = [
    ("sheet_review", review_asked(), "account:ali"),
    ("sheet_wrong", correction_asked(), "account:ali"),
    ("sheet_review", review_asked(number=3, every_months=12), "account:ali"),
    ("review_opened", edit(), "account:ali"),
    ("review_opened", edit(), "venue:v1"),
    ("review_opened", edit(author=Author(account_id="nina")), "venue:v1"),
    ("review_opened", edit(held=[HELD]), "venue:v1"),
    ("review_opened", edit(held=[HELD_WHOLE]), "venue:v1"),
    ("review_opened", news(), "account:ali"),
    ("review_opened", claim(managers=["ali"]), "account:ali"),
    ("review_reminder", reminder(), "account:ali"),
    ("review_reminder", reminder(held=[HELD]), "account:ali"),
    ("review_reminder", reminder(kind="news", changes=[]), "account:ali"),
    ("review_contested", contested(), "account:ali"),
    ("review_contested", contested(held=[HELD]), "venue:v1"),
    ("moderators_waiting", edit(public_addresses=0), "moderators"),
    ("moderators_waiting", edit(for_moderators=True, held=[HELD]), "moderators"),
    ("moderators_waiting", news(for_moderators=True, held=[HELD_WHOLE]), "moderators"),
    ("moderators_waiting", announcement(), "moderators"),
    ("moderators_waiting", report(), "moderators"),
    ("moderators_waiting", claim(public_addresses=0), "moderators"),
    ("moderators_reminder", reminder(for_moderators=True, held=[HELD]), "moderators"),
    ("moderators_reminder", reminder(public_addresses=0), "moderators"),
    ("moderators_escalated", contested(public_addresses=0), "moderators"),
    ("moderators_escalated", contested(public_addresses=0, held=[HELD]), "moderators"),
    ("moderators_escalated", unreachable(), "moderators"),
    ("proposal_received", edit(), "account:nina"),
    ("proposal_received", edit(public_addresses=0), "account:nina"),
    ("proposal_received", edit(held=[HELD], for_moderators=True), "account:nina"),
    ("proposal_received", news(held=[HELD_WHOLE], for_moderators=True), "account:nina"),
    ("proposal_received", news(), "account:nina"),
    ("proposal_received", announcement(), "account:nina"),
    ("proposal_received", report(), "account:nina"),
    ("proposal_received", claim(), "account:nina"),
    ("proposal_received", claim(public_addresses=0), "account:nina"),
    ("message_posted", message(), "account:nina"),
    ("message_posted", message(sender_role="author", sender=NINA), "venue:v1"),
    ("message_posted", message(sender_role="moderator", kind="report"), "account:nina"),
    ("message_posted", message(sender=Author(account_id="venue:v1")), "moderators"),
    ("edit_applied", applied(), "account:nina"),
    ("edit_applied", applied(reason=None, held=[HELD]), "account:nina"),
    ("edit_applied", applied(applied=[], conflicts=[], refused_fields=[]), "account:nina"),
    ("edit_applied", shortcut(), "account:nina"),
    ("edit_conflict", applied(), "venue:v1"),
    ("edit_shortcut", shortcut(), "venue:v1"),
    ("refused", refused(EditRefused), "account:nina"),
    ("refused", refused(EditRefused, decision=SILENCE), "account:nina"),
    ("refused", refused(EditRefused, **by_moderator()), "account:nina"),
    ("refused", refused(NewsRefused), "account:nina"),
    ("refused", refused(AnnouncementRefused, **by_moderator()), "account:nina"),
    ("refused", refused(ReportDismissed, **by_moderator()), "account:nina"),
    ("refused", refused(ClaimRefused), "account:nina"),
    ("published", news_published(), "account:nina"),
    ("published", announcement_published(), "account:nina"),
    ("published", announcement_updated(), "account:nina"),
    ("announcement_too_late", announcement_too_late(), "account:nina"),
    ("webhook_disabled", subscription_disabled(), "account:nina"),
    ("webhook_disabled", subscription_disabled("gone"), "account:nina"),
    ("reverted", reverted(), "account:nina"),
    ("reverted", reverted("news"), "account:nina"),
    ("reverted", reverted("announcement"), "account:nina"),
    ("report_upheld", decided(ReportUpheld), "account:nina"),
    ("review_opened", claim(managers=["ali"], evidence=evidence("mail")), "account:ali"),
    ("moderators_waiting", claim(evidence=evidence("siret")), "moderators"),
    ("moderators_waiting", claim(evidence=evidence(None)), "moderators"),
    ("claim_proof", proof_requested(), "venue:v1"),
    ("claim_proof", proof_requested(managed=True), "venue:v1"),
    ("claim_proved", claim_proved(), "account:nina"),
    ("claim_proved", claim_proved("siret"), "account:nina"),
    ("manager_named", claim_proved(), "venue:v1"),
    ("manager_named", claim_proved("siret"), "venue:v1"),
    ("claim_disowned", ClaimDisowned.model_validate({**CLAIM, "disowned_at": NOW}), "account:nina"),
    ("claim_lapsed", ClaimLapsed.model_validate({**CLAIM, "lapsed_at": NOW}), "account:nina"),
    ("mediator_asked", mediator_asked("ali"), "account:ali"),
    ("mediator_asked", mediator_asked(), "moderators"),
    ("claim_approved", decided(ClaimApproved), "account:nina"),
    ("appeal_lodged", appealed(), "moderators"),
    ("appeal_dismissed", decided(AppealDismissed), "account:nina"),
    ("appeal_dismissed", decided(AppealDismissed, kind="claim"), "account:nina"),
]
"""Each template at least once: template, event, recipient."""
