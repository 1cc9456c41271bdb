"""What subscribers are told of: each event becomes rows that the sender sends."""

from services.announcements.domain import public_events
from services.announcements.store.subscriptions import NewsPlaces
from services.announcements.use_cases import subscriptions
from shared.bus.delivery import Handlers
from shared.database import Transaction
from shared.events.announcements import (
    AnnouncementEnded,
    AnnouncementPublished,
    AnnouncementUpdated,
    AnnouncementWaveOpened,
)
from shared.events.directory import NewsProposed, NewsPublished, NewsUnpublished, VenueUpdated


async def on_announcement_published(event: AnnouncementPublished, tx: Transaction) -> None:
    """Tell that it is online."""
    told = public_events.of_announcement(event, event.published_at, event.revision)
    await subscriptions.announce(tx, told)


async def on_announcement_updated(event: AnnouncementUpdated, tx: Transaction) -> None:
    """Tell its new text."""
    told = public_events.of_announcement(event, event.updated_at, event.revision)
    await subscriptions.announce(tx, told)


async def on_announcement_wave_opened(event: AnnouncementWaveOpened, tx: Transaction) -> None:
    """Tell its next date."""
    told = public_events.of_announcement(event, event.opened_at, event.revision)
    await subscriptions.announce(tx, told)


async def on_announcement_ended(event: AnnouncementEnded, tx: Transaction) -> None:
    """Tell that it has left, unless nobody had ever seen it."""
    if event.was_online:
        told = public_events.of_announcement(event, event.ended_at, event.revision)
        await subscriptions.announce(tx, told)


async def on_venue_updated(event: VenueUpdated, tx: Transaction) -> None:
    """Tell which columns of a sheet have changed."""
    await subscriptions.announce(tx, public_events.of_venue(event))


async def on_news_proposed(event: NewsProposed, tx: Transaction) -> None:
    """Keep where its venue is, for when it is published."""
    place = public_events.place_of(event.code_insee, event.code_postal)
    if place:
        await NewsPlaces(tx).put(event.proposal_id, place, tx.now)


async def on_news_published(event: NewsPublished, tx: Transaction) -> None:
    """Tell that a venue has news."""
    place = await NewsPlaces(tx).get(event.proposal_id)
    await subscriptions.announce(tx, public_events.of_news(event, place))


async def on_news_unpublished(event: NewsUnpublished, tx: Transaction) -> None:
    """Tell that a venue's news item is online no more."""
    place = await NewsPlaces(tx).get(event.proposal_id)
    await subscriptions.announce(tx, public_events.of_withdrawn_news(event, place))


HANDLERS_OUTGOING: Handlers = {
    AnnouncementPublished: on_announcement_published,
    AnnouncementUpdated: on_announcement_updated,
    AnnouncementWaveOpened: on_announcement_wave_opened,
    AnnouncementEnded: on_announcement_ended,
    VenueUpdated: on_venue_updated,
    NewsProposed: on_news_proposed,
    NewsPublished: on_news_published,
    NewsUnpublished: on_news_unpublished,
}
