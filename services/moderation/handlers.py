"""What moderation does when something is proposed, when mails come back, when its timers fire."""

from typing import Any

from services.moderation.domain.cases import ReviewCase
from services.moderation.domain.contributors import Fingerprints
from services.moderation.domain.deciders import departement
from services.moderation.domain.policy import Policy
from services.moderation.settings import Settings
from services.moderation.store import ProposedAddresses, VenueManagers
from services.moderation.use_cases import deciding, opening, people, timers
from shared.bus.delivery import Handlers
from shared.database import Transaction
from shared.events.announcements import (
    AnnouncementImproved,
    AnnouncementSubmitted,
    AnnouncementWithdrawn,
)
from shared.events.contacts import (
    AccountContactChanged,
    AddressesProposed,
    ContactErased,
    proposal_key,
)
from shared.events.directory import (
    EditApplied,
    EditImproved,
    EditProposed,
    ManagementClaimed,
    NewsImproved,
    NewsProposed,
    Proposed,
    VenueManagersChanged,
    VenueReported,
    VenuesMerged,
    VenuesUnmerged,
)
from shared.events.moderation import (
    AppealWindowEnded,
    AssignmentExpired,
    ReviewDeadlineReached,
    ReviewReminderReached,
    Told,
)
from shared.events.notifications import NoticeBounced, NoticeSent


def news_text(titre: str, texte: str) -> str:
    """A news item as those who decide read it."""
    return f"{titre}\n\n{texte}"


def announcement_text(texte: str, details: list[str]) -> str:
    """An announcement as those who decide read it: its text, and what else its page shows."""
    return "\n\n".join([texte, *(["\n".join(details)] if details else [])])


REPORTED = {
    "closed": "Motif : le lieu est fermé définitivement.",
    "wrong": "Motif : des informations sont fausses.",
    "duplicate": "Motif : la fiche est le doublon d'une autre.",
    "charter": "Motif : la fiche est contraire à la charte.",
}
"""What moderators read of a report's reason."""


def report_text(event: VenueReported) -> str:
    """A report as those who decide read it: its reason, and what its author says."""
    if event.reason is None:
        return event.text
    reason = REPORTED[event.reason]
    if event.other_venue:
        reason += f" Autre fiche : {event.other_venue}"
    return f"{reason}\n\n{event.text}"


def departement_of(territoire: str | None) -> str | None:
    """Whose moderators see it first: the département of a territory, if it is in one."""
    level, _, code = (territoire or "").partition(":")
    if level == "departement":
        return code
    return departement(code, None) if level == "commune" else None


def of_venue(event: Proposed | ManagementClaimed | VenueReported) -> dict[str, Any]:
    """What the directory says of somebody's wish for a venue, whatever it is."""
    return {
        "venue_id": event.venue_id,
        "title": event.venue_nom,
        "author": event.author,
        "departement": departement(event.code_insee, event.code_postal),
    }


def handlers(settings: Settings) -> Handlers:
    """The whole subscription; the settings say how long a review lasts."""
    policy = settings.policy
    fingerprints = Fingerprints(settings.link_key.get_secret_value())

    async def on_edit_proposed(event: EditProposed, tx: Transaction) -> None:
        case = ReviewCase(
            id=event.proposal_id,
            kind="edit",
            **of_venue(event),
            changes=event.changes,
            text=event.comment,
            latitude=event.latitude,
            longitude=event.longitude,
            public_addresses=event.public_addresses,
            opened_at=event.proposed_at,
        )
        await opening.open_review(
            tx, case, policy, by_manager=event.author_is_manager, replaces=event.replaces
        )

    async def on_news_proposed(event: NewsProposed, tx: Transaction) -> None:
        case = ReviewCase(
            id=event.proposal_id,
            kind="news",
            **of_venue(event),
            text=news_text(event.titre, event.texte),
            link=event.lien,
            public_addresses=event.public_addresses,
            opened_at=event.proposed_at,
        )
        await opening.open_review(
            tx, case, policy, by_manager=event.author_is_manager, replaces=event.replaces
        )

    async def on_announcement_submitted(event: AnnouncementSubmitted, tx: Transaction) -> None:
        case = ReviewCase(
            id=event.submission_id or event.announcement_id,
            kind="announcement",
            about=f"announcement:{event.announcement_id}",
            title=event.titre,
            text=announcement_text(event.texte, event.details),
            link=event.lien,
            author=event.author,
            departement=departement_of(event.territoire),
            opened_at=event.submitted_at,
        )
        await opening.open_review(tx, case, policy, replaces=event.replaces)

    async def on_management_claimed(event: ManagementClaimed, tx: Transaction) -> None:
        case = ReviewCase(
            id=event.claim_id,
            kind="claim",
            **of_venue(event),
            text=event.text,
            public_addresses=event.public_addresses,
            evidence=event.evidence,
            opened_at=event.claimed_at,
        )
        await opening.open_review(tx, case, policy)

    async def on_venue_reported(event: VenueReported, tx: Transaction) -> None:
        case = ReviewCase(
            id=event.report_id,
            kind="report",
            about=f"venue:{event.venue_id}",
            **of_venue(event),
            report_reason=event.reason,
            other_venue=event.other_venue,
            text=report_text(event),
            opened_at=event.reported_at,
        )
        await opening.open_review(tx, case, policy)

    async def on_account_contact_changed(event: AccountContactChanged, tx: Transaction) -> None:
        fingerprint = fingerprints.of(event.email)
        await people.learn_account(
            tx, event.account_id, fingerprint=fingerprint, seen_at=event.changed_at
        )

    return {
        EditProposed: on_edit_proposed,
        NewsProposed: on_news_proposed,
        AnnouncementSubmitted: on_announcement_submitted,
        ManagementClaimed: on_management_claimed,
        VenueReported: on_venue_reported,
        EditImproved: on_edit_improved,
        NewsImproved: on_news_improved,
        AnnouncementImproved: on_announcement_improved,
        AnnouncementWithdrawn: on_announcement_withdrawn,
        EditApplied: on_edit_applied,
        VenueManagersChanged: on_venue_managers_changed,
        VenuesMerged: on_venues_merged,
        VenuesUnmerged: on_venues_unmerged,
        AssignmentExpired: on_assignment_expired,
        AppealWindowEnded: on_appeal_window_ended,
        AccountContactChanged: on_account_contact_changed,
        AddressesProposed: on_addresses_proposed,
        ContactErased: on_contact_erased,
        **until_decided(policy),
    }


def until_decided(policy: Policy) -> Handlers:
    """What time does to a case, and what becomes of the mails about it."""

    async def on_review_deadline_reached(event: ReviewDeadlineReached, tx: Transaction) -> None:
        await timers.deadline_reached(tx, event.case_id, event.deadline, policy)

    async def on_review_reminder_reached(event: ReviewReminderReached, tx: Transaction) -> None:
        await timers.remind(tx, event.case_id, event.number, policy)

    async def on_notice_sent(event: NoticeSent, tx: Transaction) -> None:
        one = Told(who=event.recipient, what=event.template, at=event.at, outcome="sent")
        await timers.told(tx, event.case_id, one, policy)

    async def on_notice_bounced(event: NoticeBounced, tx: Transaction) -> None:
        one = Told(who=event.recipient, what=event.template, at=event.at, outcome="bounced")
        await timers.told(tx, event.case_id, one, policy)

    return {
        ReviewReminderReached: on_review_reminder_reached,
        ReviewDeadlineReached: on_review_deadline_reached,
        NoticeSent: on_notice_sent,
        NoticeBounced: on_notice_bounced,
    }


async def on_edit_improved(event: EditImproved, tx: Transaction) -> None:
    """Decide on the better text from now on."""
    await opening.improve(
        tx, event.proposal_id, event.proposal_revision, by=event.improved_by, changes=event.changes
    )


async def on_news_improved(event: NewsImproved, tx: Transaction) -> None:
    """Decide on the better text from now on."""
    await opening.improve(
        tx,
        event.proposal_id,
        event.proposal_revision,
        by=event.improved_by,
        text=news_text(event.titre, event.texte),
        link=event.lien,
    )


async def on_announcement_improved(event: AnnouncementImproved, tx: Transaction) -> None:
    """Decide on the better text from now on."""
    await opening.improve(
        tx,
        event.submission_id,
        event.proposal_revision,
        by=event.improved_by,
        title=event.titre,
        text=announcement_text(event.texte, event.details),
        link=event.lien,
        departement=departement_of(event.territoire),
    )


async def on_announcement_withdrawn(event: AnnouncementWithdrawn, tx: Transaction) -> None:
    """Nothing is left to decide."""
    await deciding.withdrawn_elsewhere(tx, event.submission_id)


async def on_edit_applied(event: EditApplied, tx: Transaction) -> None:
    """Know whether all of it met other changes."""
    nothing = bool(event.conflicts) and not event.applied and not event.unchanged
    await timers.applied(tx, event.proposal_id, nothing=nothing)


async def on_assignment_expired(event: AssignmentExpired, tx: Transaction) -> None:
    """Give the case back to all moderators."""
    await timers.assignment_expired(tx, event.case_id, event.expires_at)


async def on_appeal_window_ended(event: AppealWindowEnded, tx: Transaction) -> None:
    """The decision stands."""
    await timers.appeal_window_ended(tx, event.case_id)


async def on_venue_managers_changed(event: VenueManagersChanged, tx: Transaction) -> None:
    """Know who may decide."""
    await VenueManagers(tx).put(event.venue_id, event.revision, event.managers)


async def on_venues_merged(event: VenuesMerged, tx: Transaction) -> None:
    """Those who manage the venue that stays decide what was proposed for the other."""
    await VenueManagers(tx).merge(event.merged_id, event.venue_id, event.merged_at)


async def on_venues_unmerged(event: VenuesUnmerged, tx: Transaction) -> None:
    """Each venue has its own managers again."""
    await VenueManagers(tx).unmerge(event.merged_id, event.venue_id)


async def on_addresses_proposed(event: AddressesProposed, tx: Transaction) -> None:
    """Know the addresses that those who decide must see."""
    await ProposedAddresses(tx).put(event.proposal_id, event.old, event.new)


async def on_contact_erased(event: ContactErased, tx: Transaction) -> None:
    """Forget them with the proposal, or an account's fingerprint with its address."""
    prefix = proposal_key("")
    if event.contact.startswith(prefix):
        await ProposedAddresses(tx).erase(event.contact.removeprefix(prefix))
    elif ":" not in event.contact:
        await people.forget_account(tx, event.contact)
