"""Queries of notifications: contacts and deliveries."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from tenacity import AsyncRetrying, retry_if_exception_type, wait_exponential

from services.notifications.domain import Delivery
from shared.database import OUTAGES, Database, Document, Index, Transaction
from shared.events.contacts import venue_key

INDEXES = (
    Index("deliveries", [("due_at", 1)], sparse=True),
    Index("deliveries", [("case_id", 1)]),
    # by Message-ID, for what comes back
    Index("deliveries", [("sent", 1)], sparse=True),
)


class Contacts:
    """Addresses by the key of their event."""

    def __init__(self, tx: Transaction) -> None:
        self._contacts = tx["contacts"]

    async def keep(self, key: str, version: datetime | int, **fields: Any) -> None:
        """Keep what is known now, unless something newer is."""
        known = await self._contacts.get(key)
        if known is None or known["version"] <= version:
            await self._contacts.put({"_id": key, "version": version, **fields})

    async def erase(self, key: str) -> None:
        """Forget a contact."""
        await self._contacts.delete({"_id": key})


class MergedVenues:
    """Contacts of venues that are one with another: their mails go to the one that stays."""

    def __init__(self, tx: Transaction) -> None:
        self._merged = tx["merged_venues"]

    async def put(self, key: str, into: str, at: datetime) -> None:
        """Keep the newest word; an older one changes nothing."""
        known = await self._merged.get(key)
        if known is None or known["at"] < at:
            await self._merged.put({"_id": key, "into": into, "at": at})

    async def remove(self, key: str, into: str) -> None:
        """Each has its own mails again."""
        await self._merged.delete({"_id": key, "into": into})


class Deliveries:
    """Deliveries, inside a transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._deliveries = tx["deliveries"]

    async def add(self, deliveries: Sequence[Delivery]) -> None:
        """Add those that are not there yet."""
        ids = [delivery.id for delivery in deliveries]
        known = await self._deliveries.find({"_id": {"$in": ids}}, fields=["_id"])
        there = {row["_id"] for row in known}
        await self._deliveries.insert(
            *(_document(one) for one in deliveries if one.id not in there)
        )

    async def get(self, delivery_id: str) -> Delivery:
        """One delivery, which is there."""
        row = await self._deliveries.get(delivery_id)
        assert row  # noqa: S101 - nothing removes deliveries
        return _delivery(row)

    async def with_mail(self, name: str) -> Delivery | None:
        """The delivery that a server has taken a mail of, by what its Message-ID begins with."""
        row = await self._deliveries.find_one({"sent": name})
        return _delivery(row) if row else None

    async def put(self, delivery: Delivery) -> None:
        """Keep a delivery as it is now."""
        await self._deliveries.put(_document(delivery))

    async def of_case(self, case_id: str) -> list[Delivery]:
        """All deliveries about a proposal or an announcement, oldest first."""
        rows = await self._deliveries.find({"case_id": case_id})
        return sorted(map(_delivery, rows), key=lambda one: (one.created_at, one.id))


class Outgoing:
    """What the sender reads and notes while it tries, one document at a time.

    Outside of transactions: one that is killed would keep its delivery locked for a minute.
    """

    def __init__(self, database: Database) -> None:
        self._deliveries = database.plain("deliveries")
        self._contacts = database.plain("contacts")
        self._merged = database.plain("merged_venues")

    async def due(self, moment: datetime, limit: int) -> list[Delivery]:
        """At most `limit` deliveries that are due, longest due first."""
        found = self._deliveries.find({"due_at": {"$lte": moment}}).sort("due_at", 1).limit(limit)
        return [_delivery(row) for row in await found.to_list(None)]

    async def count_due(self, moment: datetime) -> int:
        """How many are due."""
        return await self._deliveries.count_documents({"due_at": {"$lte": moment}})

    async def contact(self, key: str) -> Document | None:
        """A contact, if it is known; of a venue that was merged, the one that stays."""
        seen: set[str] = set()
        while key.startswith(venue_key("")) and key not in seen:
            seen.add(key)
            merged = await self._merged.find_one({"_id": key})
            key = merged["into"] if merged else key
        return await self._contacts.find_one({"_id": key})

    async def note_sent(self, delivery_id: str, name: str) -> None:
        """Note that a server has taken this mail; waits for the database."""
        # what was sent is sent: better wait than send it again
        patience = AsyncRetrying(
            retry=retry_if_exception_type(OUTAGES), wait=wait_exponential(max=30)
        )
        change = {"$addToSet": {"sent": name}}
        await patience(self._deliveries.update_one, {"_id": delivery_id}, change)

    async def note_rejected(self, delivery_id: str, name: str, error: str) -> None:
        """Note that the mail server refuses this mail."""
        change = {"$addToSet": {"rejected": name}, "$set": {"error": error}}
        await self._deliveries.update_one({"_id": delivery_id}, change)

    async def postpone(
        self, delivery: Delivery, error: str, *, since: datetime, due_at: datetime
    ) -> None:
        """Note a failed attempt, and when the next one is due."""
        noted = {"error": error, "failing_since": since, "due_at": due_at}
        change = {"$set": {**noted, "attempts": delivery.attempts + 1}}
        await self._deliveries.update_one({"_id": delivery.id}, change)


def _document(delivery: Delivery) -> Document:
    fields = delivery.model_dump(exclude_none=True)
    return {"_id": fields.pop("id"), **fields}


def _delivery(document: Document) -> Delivery:
    return Delivery.model_validate({"due_at": None, **document, "id": document["_id"]})
