"""What the directory does when moderation has decided."""

from services.directory import use_cases
from shared.bus.delivery import Handlers
from shared.database import Transaction
from shared.events.moderation import EditApproved, EditRefused, NewsApproved, NewsRefused


async def on_edit_approved(event: EditApproved, tx: Transaction) -> None:
    """Merge what was accepted into the sheet."""
    await use_cases.apply_edit(
        tx,
        event.case_id,
        fields=event.fields,
        refused_fields=event.refused_fields,
        decision=event.decision,
    )


async def on_edit_refused(event: EditRefused, tx: Transaction) -> None:
    """Close the proposal."""
    await use_cases.refuse_edit(tx, event.case_id, event.decision)


async def on_news_approved(event: NewsApproved, tx: Transaction) -> None:
    """Put the news online."""
    await use_cases.publish_news(tx, event.case_id, event.decision)


async def on_news_refused(event: NewsRefused, tx: Transaction) -> None:
    """Close the news item."""
    await use_cases.refuse_news(tx, event.case_id, event.decision)


HANDLERS: Handlers = {
    EditApproved: on_edit_approved,
    EditRefused: on_edit_refused,
    NewsApproved: on_news_approved,
    NewsRefused: on_news_refused,
}
