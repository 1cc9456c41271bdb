"""Cases, and what belongs to one: who works on it, who was told, what was written about it."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from pydantic import AwareDatetime, BaseModel

from services.moderation.domain.cases import ReviewCase
from shared.database import Document, Index, Transaction
from shared.events.moderation import Role, Told

INDEXES = (
    Index("cases", [("state", 1), ("place", 1)]),
    Index("cases", [("venue_id", 1)], sparse=True),
    Index("cases", [("author.account_id", 1)]),
    Index("notices", [("case_id", 1)]),
    Index("messages", [("case_id", 1)]),
)


def place(case: ReviewCase) -> str:
    """Where a case stands in the queue: the oldest first, each in its own place."""
    return place_in_time(case.opened_at, case.id)


def _document(case: ReviewCase) -> Document:
    fields = case.model_dump()
    found = {
        "contested": case.contested,
        "rules": [one.rule for one in case.held],
        "appealed": bool(case.appeal and not case.appeal.decision and not case.reverted),
    }
    return {"_id": fields.pop("id"), "place": place(case), **fields, **found}


def _case(document: Document) -> ReviewCase:
    return ReviewCase.model_validate({**document, "id": document["_id"]})


class Cases:
    """Cases, open and closed; none is ever removed."""

    def __init__(self, tx: Transaction) -> None:
        self._cases = tx["cases"]

    async def get(self, case_id: str) -> ReviewCase | None:
        """One case."""
        found = await self._cases.get(case_id)
        return _case(found) if found else None

    async def add(self, case: ReviewCase) -> None:
        """Add a new case."""
        await self._cases.insert(_document(case))

    async def save(self, case: ReviewCase) -> None:
        """Replace a case whose revision was raised by one."""
        await self._cases.save(_document(case))

    async def find(self, query: Document, *, after: str = "", limit: int = 0) -> list[ReviewCase]:
        """Cases behind a place of the queue, oldest first."""
        behind = {**query, "place": {"$gt": after}} if after else query
        found = await self._cases.find(behind, sort=[("place", 1)], limit=limit)
        return [_case(one) for one in found]

    async def of_author(self, account_id: str) -> list[ReviewCase]:
        """All cases of an author, oldest first."""
        return await self.find({"author.account_id": account_id})

    async def facts(self, query: Document, fields: Sequence[str]) -> list[Document]:
        """Some fields of all cases that match."""
        return await self._cases.find(query, fields=fields)


class Assignment(BaseModel):
    """A moderator works on a case."""

    case_id: str
    holder: str
    expires_at: AwareDatetime


class Assignments:
    """Who works on which case, until when."""

    def __init__(self, tx: Transaction) -> None:
        self._assignments = tx["assignments"]

    async def of(self, case_ids: Iterable[str]) -> dict[str, Assignment]:
        """By case."""
        found = await self._assignments.find({"_id": {"$in": list(case_ids)}})
        return {
            one["_id"]: Assignment.model_validate({**one, "case_id": one["_id"]}) for one in found
        }

    async def put(self, one: Assignment) -> None:
        """Keep it."""
        await self._assignments.put({"_id": one.case_id, **one.model_dump(exclude={"case_id"})})

    async def remove(self, case_id: str) -> None:
        """Forget it."""
        await self._assignments.delete({"_id": case_id})


class Notices:
    """What became of the mails about a case, as notifications says."""

    def __init__(self, tx: Transaction) -> None:
        self._notices = tx["notices"]

    async def add(self, case_id: str, one: Told) -> None:
        """Note one."""
        id_ = f"{case_id}|{one.what}|{one.who}|{one.outcome}|{one.at.isoformat()}"
        await self._notices.put({"_id": id_, "case_id": case_id, **one.model_dump()})

    async def of(self, case_id: str) -> list[Told]:
        """All of a case, oldest first."""
        found = await self._notices.find({"case_id": case_id})
        return sorted((Told.model_validate(one) for one in found), key=lambda one: one.at)


class Message(BaseModel):
    """Something written in a case's thread; a note is for moderators only."""

    id: str
    case_id: str
    sender: str
    sender_name: str
    role: Role
    text: str
    note: bool
    at: AwareDatetime


class Messages:
    """The threads of cases."""

    def __init__(self, tx: Transaction) -> None:
        self._messages = tx["messages"]

    async def add(self, one: Message) -> None:
        """Keep it."""
        await self._messages.insert({"_id": one.id, **one.model_dump(exclude={"id"})})

    async def of(self, case_id: str) -> list[Message]:
        """A thread, oldest first."""
        found = await self._messages.find({"case_id": case_id})
        messages = [Message.model_validate({**one, "id": one["_id"]}) for one in found]
        return sorted(messages, key=lambda one: (one.at, one.id))


class Log:
    """What happened, who did it, by which rule; only ever added to."""

    INDEXES = (Index("log", [("place", 1)]), Index("log", [("case_id", 1)]))

    def __init__(self, tx: Transaction) -> None:
        self._log = tx["log"]

    async def add(self, place: str, entry: dict[str, Any]) -> None:
        """Append an entry at its place in time."""
        await self._log.insert({"_id": place, "place": place, **entry})

    async def of(self, case_id: str) -> list[Document]:
        """A case's entries, oldest first."""
        return sorted(await self._log.find({"case_id": case_id}), key=lambda one: one["place"])

    async def between(
        self,
        since: datetime,
        until: datetime,
        *,
        after: str = "",
        limit: int = 0,
        fields: Sequence[str] | None = None,
    ) -> list[Document]:
        """Entries of a time, or some of their fields, oldest first, behind a place."""
        first = max(after, place_in_time(since, ""))
        span = {"place": {"$gt": first, "$lt": place_in_time(until, "")}}
        return await self._log.find(span, sort=[("place", 1)], limit=limit, fields=fields)


def place_in_time(at: datetime, name: str) -> str:
    """A key that sorts by time."""
    return f"{at.timestamp():017.3f}-{name}"
