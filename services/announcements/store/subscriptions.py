"""Queries of subscriptions, of what subscribers are told, and of the deliveries to them."""

from datetime import datetime, timedelta

from services.announcements.domain.public_events import PublicEvent
from services.announcements.domain.subscriptions import (
    MOST_SUBSCRIPTIONS,
    RECOVERABLE,
    Delivery,
    DeliveryState,
    Subscription,
)
from shared.database import Database, Document, Index, Transaction

NEWS_PLACES_KEPT = timedelta(days=365)
"""How long a proposed news item may wait for its decision."""
DELIVERIES_KEPT = RECOVERABLE + timedelta(days=5)
"""From when one was queued: its attempts take four days."""

INDEXES_SUBSCRIPTIONS = (
    Index("subscriptions", [("owner.account_id", 1)]),
    Index("subscriptions", [("types", 1)]),
    Index("public_events", [("place", 1)]),
    Index("public_events", [("kept_from", 1)], expire_after=RECOVERABLE),
    Index("news_places", [("kept_from", 1)], expire_after=NEWS_PLACES_KEPT),
    Index("webhooks", [("due_at", 1)], sparse=True),
    Index("webhooks", [("subscription", 1), ("place", -1)]),
    Index("webhooks", [("queued_at", 1)], expire_after=DELIVERIES_KEPT),
)


class Subscriptions:
    """Endpoints in every state."""

    def __init__(self, tx: Transaction) -> None:
        self._subscriptions = tx["subscriptions"]

    async def get(self, subscription_id: str) -> Subscription | None:
        """One subscription."""
        found = await self._subscriptions.get(subscription_id)
        return _subscription(found) if found else None

    async def of_owner(self, account_id: str) -> list[Subscription]:
        """An account's, oldest first."""
        found = await self._subscriptions.find(
            {"owner.account_id": account_id}, limit=MOST_SUBSCRIPTIONS
        )
        return sorted(map(_subscription, found), key=lambda one: one.created_at)

    async def all(self) -> list[Subscription]:
        """Everybody's, oldest first."""
        found = await self._subscriptions.find({})
        return sorted(map(_subscription, found), key=lambda one: one.created_at)

    async def active(self, type_: str) -> list[Subscription]:
        """Those that are to be told of this type."""
        found = await self._subscriptions.find({"types": type_})
        return [one for one in map(_subscription, found) if one.state == "active"]

    async def add(self, subscription: Subscription) -> None:
        """Add a subscription."""
        await self._subscriptions.insert(_document(subscription))

    async def save(self, subscription: Subscription) -> None:
        """Replace a subscription whose revision was raised by one."""
        await self._subscriptions.save(_document(subscription))

    async def remove(self, subscription_id: str) -> None:
        """Forget a subscription."""
        await self._subscriptions.delete({"_id": subscription_id})


class PublicEvents:
    """What subscribers are told, for as long as they may ask for it again."""

    def __init__(self, tx: Transaction) -> None:
        self._events = tx["public_events"]

    async def has(self, event_id: str) -> bool:
        """Whether it is there."""
        return await self._events.get(event_id) is not None

    async def add(self, event: PublicEvent, at: datetime) -> None:
        """Keep an event that happened, or came here, at this time."""
        await self._events.insert(
            {
                **event.model_dump(exclude={"id"}),
                "_id": event.id,
                "kept_from": at,
                "place": _place(at, event.id),
            }
        )

    async def since(self, place: str, limit: int) -> list[tuple[str, PublicEvent]]:
        """At most `limit` behind a place, each with its own, oldest first."""
        found = await self._events.find({"place": {"$gt": place}}, sort=[("place", 1)], limit=limit)
        return [(one["place"], _event(one)) for one in found]


class NewsPlaces:
    """Where the venues of proposed news items are: that of a published one does not say."""

    def __init__(self, tx: Transaction) -> None:
        self._places = tx["news_places"]

    async def put(self, news_id: str, territoire: str, at: datetime) -> None:
        """Keep where a news item's venue is."""
        await self._places.put({"_id": news_id, "territoire": territoire, "kept_from": at})

    async def get(self, news_id: str) -> str | None:
        """Where a news item's venue is, if that is known."""
        found = await self._places.get(news_id)
        return str(found["territoire"]) if found else None


class Deliveries:
    """Events on their way to endpoints."""

    def __init__(self, tx: Transaction) -> None:
        self._deliveries = tx["webhooks"]

    async def get(self, delivery_id: str) -> Delivery | None:
        """One delivery."""
        found = await self._deliveries.get(delivery_id)
        return _delivery(found) if found else None

    async def get_many(self, delivery_ids: list[str]) -> dict[str, Delivery]:
        """Those that are there, by id."""
        found = await self._deliveries.find({"_id": {"$in": delivery_ids}})
        return {one["_id"]: _delivery(one) for one in found}

    async def of(
        self, subscription_id: str, *, state: DeliveryState | None, after: str, limit: int
    ) -> list[tuple[str, Delivery]]:
        """An endpoint's behind a place, each with its own, newest first."""
        query: Document = {"subscription": subscription_id}
        if after:
            query["place"] = {"$lt": after}
        if state:
            query["state"] = state
        found = await self._deliveries.find(query, sort=[("place", -1)], limit=limit)
        return [(one["place"], _delivery(one)) for one in found]

    async def add(self, *deliveries: Delivery) -> None:
        """Add deliveries."""
        await self._deliveries.insert(*map(_row, deliveries))

    async def save(self, *deliveries: Delivery) -> None:
        """Replace deliveries whose revision was raised by one."""
        await self._deliveries.save(*map(_row, deliveries))

    async def remove_of(self, subscription_id: str) -> None:
        """Forget an endpoint's."""
        await self._deliveries.delete({"subscription": subscription_id})


class Outgoing:
    """What the sender asks, outside of transactions."""

    def __init__(self, database: Database) -> None:
        self._deliveries = database.plain("webhooks")
        self._subscriptions = database.plain("subscriptions")
        self._events = database.plain("public_events")

    async def due(self, at: datetime, *, since: datetime | None) -> list[Document]:
        """What is due at a time, and was not before `since`: `_id` and endpoint, oldest first.

        A range on one index; to read a row costs more on the embedded database than to ask.
        """
        query = {"due_at": {"$lte": at} | ({"$gt": since} if since else {})}
        fields = {"subscription": 1, "asked": 1}
        return await self._deliveries.find(query, fields).sort("due_at", 1).to_list(None)

    async def delivery(self, delivery_id: str, at: datetime) -> Delivery | None:
        """One delivery, if it is still due."""
        found = await self._deliveries.find_one({"_id": delivery_id})
        delivery = _delivery(found) if found else None
        return delivery if delivery and delivery.due_at and delivery.due_at <= at else None

    async def subscription(self, subscription_id: str) -> Subscription | None:
        """One subscription."""
        found = await self._subscriptions.find_one({"_id": subscription_id})
        return _subscription(found) if found else None

    async def event(self, event_id: str) -> PublicEvent | None:
        """One event, if it is still kept."""
        found = await self._events.find_one({"_id": event_id})
        return _event(found) if found else None

    async def park(self, subscription_id: str) -> None:
        """Have the deliveries of a disabled endpoint wait until it is enabled."""
        await self._deliveries.update_many(
            {"subscription": subscription_id, "state": "pending"}, {"$unset": {"due_at": ""}}
        )

    async def wake(self, subscription_id: str, at: datetime) -> None:
        """Have the deliveries that wait for their endpoint due now."""
        await self._deliveries.update_many(
            {"subscription": subscription_id, "state": "pending"}, {"$set": {"due_at": at}}
        )

    async def forget(self, subscription_id: str) -> None:
        """Remove the deliveries to an endpoint that is no more."""
        await self._deliveries.delete_many({"subscription": subscription_id})


def start_of(at: datetime) -> str:
    """The place before everything kept from this time on."""
    return _place(at, "")


def _place(at: datetime, id_: str) -> str:
    return f"{at.isoformat(timespec='milliseconds')}:{id_}"


def _document(subscription: Subscription) -> Document:
    return {**subscription.model_dump(exclude={"id"}), "_id": subscription.id}


def _subscription(document: Document) -> Subscription:
    return Subscription.model_validate({**document, "id": document["_id"]})


def _event(document: Document) -> PublicEvent:
    return PublicEvent.model_validate({**document, "id": document["_id"]})


def _row(delivery: Delivery) -> Document:
    row = delivery.model_dump(exclude={"id"})
    if row["due_at"] is None:
        # a sparse index holds what is due and nothing else
        del row["due_at"]
    return {**row, "_id": delivery.id, "place": _place(delivery.queued_at, delivery.event)}


def _delivery(row: Document) -> Delivery:
    return Delivery.model_validate({"due_at": None, **row, "id": row["_id"]})
