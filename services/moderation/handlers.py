"""What moderation does when something is proposed, and when its timers fire."""

from services.moderation import use_cases
from services.moderation.domain import ReviewCase
from services.moderation.settings import Settings
from services.moderation.store import ProposedAddresses, VenueManagers
from shared.bus.delivery import Handlers
from shared.database import Transaction
from shared.events.announcements import AnnouncementSubmitted
from shared.events.contacts import AddressesProposed, ContactErased, proposal_key
from shared.events.directory import EditProposed, NewsProposed, VenueManagersChanged
from shared.events.moderation import ReviewDeadlineReached, ReviewReminderReached


def handlers(settings: Settings) -> Handlers:
    """The whole subscription; the settings say how long a review lasts."""

    async def on_edit_proposed(event: EditProposed, tx: Transaction) -> None:
        case = ReviewCase(
            id=event.proposal_id,
            kind="edit",
            venue_id=event.venue_id,
            title=event.venue_nom,
            changes=event.changes,
            text=event.comment,
            author=event.author,
            public_addresses=event.public_addresses,
            opened_at=event.proposed_at,
        )
        await _open(case, tx, by_manager=event.author_is_manager)

    async def on_news_proposed(event: NewsProposed, tx: Transaction) -> None:
        case = ReviewCase(
            id=event.proposal_id,
            kind="news",
            venue_id=event.venue_id,
            title=event.venue_nom,
            text=f"{event.titre}\n\n{event.texte}",
            link=event.lien,
            author=event.author,
            public_addresses=event.public_addresses,
            opened_at=event.proposed_at,
        )
        await _open(case, tx, by_manager=event.author_is_manager)

    async def on_announcement_submitted(event: AnnouncementSubmitted, tx: Transaction) -> None:
        case = ReviewCase(
            id=event.announcement_id,
            kind="announcement",
            title=event.titre,
            text=event.texte,
            link=event.lien,
            author=event.author,
            opened_at=event.submitted_at,
        )
        # silence never publishes an announcement: a moderator must say yes
        await use_cases.open_review(tx, case, period=None, reminder=None)

    async def _open(case: ReviewCase, tx: Transaction, *, by_manager: bool) -> None:
        await use_cases.open_review(
            tx,
            case,
            period=settings.review_period,
            reminder=settings.reminder,
            by_manager=by_manager,
        )

    return {
        EditProposed: on_edit_proposed,
        NewsProposed: on_news_proposed,
        AnnouncementSubmitted: on_announcement_submitted,
        ReviewReminderReached: on_review_reminder_reached,
        ReviewDeadlineReached: on_review_deadline_reached,
        VenueManagersChanged: on_venue_managers_changed,
        AddressesProposed: on_addresses_proposed,
        ContactErased: on_contact_erased,
    }


async def on_review_reminder_reached(event: ReviewReminderReached, tx: Transaction) -> None:
    """Remind those who have not answered."""
    await use_cases.remind(tx, event.case_id)


async def on_review_deadline_reached(event: ReviewDeadlineReached, tx: Transaction) -> None:
    """Nobody objected in time."""
    await use_cases.deadline_reached(tx, event.case_id, event.deadline)


async def on_venue_managers_changed(event: VenueManagersChanged, tx: Transaction) -> None:
    """Know who may decide."""
    await VenueManagers(tx).put(event.venue_id, event.revision, event.managers)


async def on_addresses_proposed(event: AddressesProposed, tx: Transaction) -> None:
    """Know the addresses that those who decide must see."""
    await ProposedAddresses(tx).put(event.proposal_id, event.old, event.new)


async def on_contact_erased(event: ContactErased, tx: Transaction) -> None:
    """Forget them with the proposal."""
    prefix = proposal_key("")
    if event.contact.startswith(prefix):
        await ProposedAddresses(tx).erase(event.contact.removeprefix(prefix))
