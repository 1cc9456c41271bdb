"""Mediators' profiles and the venues that they are attached to."""

from collections.abc import Iterable, Sequence

from services.directory.domain.mediators import Attachment, Mediator, attachment_id
from shared.database import Document, Index, Transaction

INDEXES = (
    Index("mediators", [("id", 1)], unique=True),
    Index("mediations", [("mediator_id", 1)]),
    Index("mediations", [("venue_id", 1)]),
)


class Mediators:
    """Profiles, one per account."""

    def __init__(self, tx: Transaction) -> None:
        self._mediators = tx["mediators"]

    async def of_account(self, account_id: str) -> Mediator | None:
        """An account's own profile."""
        found = await self._mediators.get(account_id)
        return Mediator.model_validate(found) if found else None

    async def get(self, mediator_id: str) -> Mediator | None:
        """One profile by its public id."""
        found = await self._mediators.find_one({"id": mediator_id})
        return Mediator.model_validate(found) if found else None

    async def get_many(self, mediator_ids: Sequence[str]) -> list[Mediator]:
        """These profiles, by name."""
        found = await self._mediators.find({"id": {"$in": list(mediator_ids)}})
        return sorted(map(Mediator.model_validate, found), key=lambda one: one.nom.casefold())

    async def put(self, mediator: Mediator) -> None:
        """Add or replace an account's profile."""
        await self._mediators.put({"_id": mediator.account_id, **mediator.model_dump()})

    async def erase(self, account_id: str) -> None:
        """Keep nothing of it."""
        await self._mediators.delete({"_id": account_id})


class Mediations:
    """Who is, or asks to be, attached to which venue."""

    def __init__(self, tx: Transaction) -> None:
        self._mediations = tx["mediations"]

    async def get(self, mediator_id: str, venue_id: str) -> Attachment | None:
        """One attachment."""
        found = await self._mediations.get(attachment_id(mediator_id, venue_id))
        return Attachment.model_validate(found) if found else None

    async def of_mediator(self, mediator_id: str) -> list[Attachment]:
        """All of a mediator's, oldest first."""
        return await self._find({"mediator_id": mediator_id})

    async def of_venue(self, venue_id: str) -> list[Attachment]:
        """All of a venue's, oldest first."""
        return await self._find({"venue_id": venue_id})

    async def put(self, attachments: Iterable[Attachment]) -> None:
        """Add or replace attachments."""
        for one in attachments:
            id_ = attachment_id(one.mediator_id, one.venue_id)
            await self._mediations.put({"_id": id_, **one.model_dump()})

    async def erase(self, attachments: Iterable[Attachment]) -> None:
        """Keep nothing of them."""
        for one in attachments:
            await self._mediations.delete({"_id": attachment_id(one.mediator_id, one.venue_id)})

    async def _find(self, query: Document) -> list[Attachment]:
        found = await self._mediations.find(query)
        return sorted(map(Attachment.model_validate, found), key=lambda one: one.asked_at)
