"""Queries of what is to be asked of Ulule's API."""

from datetime import datetime

from services.announcements.domain.ulule_fetches import Fetch, Round
from shared.database import Database, Document, Index, Transaction

INDEXES_ULULE = (Index("ulule_fetches", [("due_at", 1)]),)

_API = "api"


class Fetches:
    """Projects to ask for, inside a transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._fetches = tx["ulule_fetches"]

    async def get(self, fetch_id: str) -> Fetch | None:
        """One of them, unless it is done."""
        found = await self._fetches.get(fetch_id)
        return Fetch.model_validate(found) if found else None

    async def put(self, fetch: Fetch) -> None:
        """Keep it as it is now."""
        await self._fetches.put(_document(fetch.id, fetch))

    async def drop(self, fetch: Fetch) -> None:
        """Ask no more."""
        await self._fetches.delete({"_id": fetch.id})


class Rounds:
    """How far the round of each partner has come, inside a transaction."""

    def __init__(self, tx: Transaction) -> None:
        self._rounds = tx["ulule_rounds"]

    async def get(self, partner: str) -> Round | None:
        """A partner's, if one has ever begun."""
        found = await self._rounds.get(partner)
        return Round.model_validate(found) if found else None

    async def put(self, round_: Round) -> None:
        """Keep it as it is now."""
        await self._rounds.put(_document(round_.partner, round_))


class Due:
    """What the loop looks at, outside of transactions: one that is killed locks for a minute."""

    def __init__(self, database: Database) -> None:
        self._fetches = database.plain("ulule_fetches")
        self._pauses = database.plain("ulule_pauses")

    async def fetches(self, moment: datetime, limit: int) -> list[Fetch]:
        """At most so many that are due, longest due first."""
        found = self._fetches.find({"due_at": {"$lte": moment}}).sort("due_at", 1).limit(limit)
        return [Fetch.model_validate(row) for row in await found.to_list(None)]

    async def paused(self, moment: datetime) -> bool:
        """Whether the API has asked to be left alone until later."""
        found = await self._pauses.find_one({"_id": _API})
        return bool(found and found["until"] > moment)

    async def pause(self, until: datetime) -> None:
        """Leave the API alone until then."""
        await self._pauses.replace_one({"_id": _API}, {"until": until}, upsert=True)


def _document(id_: str, model: Fetch | Round) -> Document:
    return {"_id": id_, **model.model_dump()}
