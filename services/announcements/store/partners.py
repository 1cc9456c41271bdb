"""Queries of partners and of what they have sent."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from services.announcements.domain.partners import Delivery, Partner
from shared.database import Database, Document, Index, Transaction

KEPT = timedelta(days=30)
"""How long a delivery can be looked at, replayed, and is known when it comes again."""

MOST_AT_ONCE = 64
"""Deliveries that one transaction stores, hence of one moment."""

INDEXES_PARTNERS = (
    Index("deliveries", [("partner", 1), ("received_at", -1), ("_id", -1)]),
    Index("deliveries", [("received_at", 1)], expire_after=KEPT),
)


class Partners:
    """Partners, inside a transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._partners = tx["partners"]

    async def get(self, slug: str) -> Partner | None:
        """One partner."""
        found = await self._partners.get(slug)
        return _partner(found) if found else None

    async def all(self) -> list[Partner]:
        """All of them, by name."""
        return [_partner(one) for one in await self._partners.find({}, sort=[("_id", 1)])]

    async def add(self, partner: Partner) -> None:
        """Add a partner."""
        await self._partners.insert(_document(partner))

    async def save(self, partner: Partner) -> None:
        """Replace a partner whose revision was raised by one."""
        await self._partners.save(_document(partner))

    async def remove(self, slug: str) -> None:
        """Forget a partner and its keys."""
        await self._partners.delete({"_id": slug})


async def known_partner(database: Database, slug: str) -> Partner | None:
    """One partner, read outside of a transaction: each delivery asks."""
    found = await database.plain("partners").find_one({"_id": slug})
    return _partner(found) if found else None


class Deliveries:
    """What partners have sent, inside a transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._deliveries = tx["deliveries"]

    async def get(self, delivery_id: str) -> Delivery | None:
        """One delivery."""
        found = await self._deliveries.get(delivery_id)
        return _delivery(found) if found else None

    async def get_many(self, delivery_ids: Sequence[str]) -> list[Delivery]:
        """Those of them that are known."""
        if len(delivery_ids) == 1:
            found = await self.get(delivery_ids[0])
            return [found] if found else []
        rows = await self._deliveries.find({"_id": {"$in": list(delivery_ids)}})
        return [_delivery(one) for one in rows]

    async def add(self, *deliveries: Delivery) -> None:
        """Add new ones; whoever adds the same at the same time conflicts."""
        await self._deliveries.insert(*map(_delivered, deliveries))

    async def save(self, delivery: Delivery) -> None:
        """Keep it as it is now."""
        await self._deliveries.put(_delivered(delivery))

    async def of_partner(
        self, slug: str, *, status: str | None, after: tuple[datetime, str] | None, limit: int
    ) -> list[Delivery]:
        """At most so many, newest first, behind a place: a time and an id."""
        query: dict[str, Any] = {"partner": slug}
        if status:
            query["status"] = status
        order = [("received_at", -1), ("_id", -1)]
        found: list[Document] = []
        if after:
            at, id_ = after
            # any number may be of one moment
            same = await self._deliveries.find({**query, "received_at": at}, sort=order)
            found = [one for one in same if one["_id"] < id_][:limit]
            query["received_at"] = {"$lt": at}
        if len(found) < limit:
            found += await self._deliveries.find(query, sort=order, limit=limit - len(found))
        return [_delivery(one) for one in found]

    async def remove_of(self, slug: str) -> None:
        """Forget all that a partner has sent."""
        await self._deliveries.delete({"partner": slug})


def _partner(document: Document) -> Partner:
    return Partner.model_validate({**document, "slug": document["_id"]})


def _document(partner: Partner) -> Document:
    fields = partner.model_dump()
    return {"_id": fields.pop("slug"), **fields}


def _delivery(document: Document) -> Delivery:
    return Delivery.model_validate({**document, "id": document["_id"]})


def _delivered(delivery: Delivery) -> Document:
    fields = delivery.model_dump()
    return {"_id": fields.pop("id"), **fields}
