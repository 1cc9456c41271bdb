"""The thread of a case."""

from datetime import datetime

from fastapi import APIRouter
from pydantic import BaseModel

from services.moderation.api.shown import Body, SignedActor, Words, check_slug
from services.moderation.domain.motives import MESSAGES
from services.moderation.store import Message
from services.moderation.use_cases import threads
from shared.events.moderation import Role
from shared.service import RequestTx

router = APIRouter()


class MessageIn(Body):
    """A sentence ready to use, free words, or both; `note`: for moderators only."""

    message: str | None = None
    text: Words = ""
    note: bool = False


class MessageOut(BaseModel):
    """A message; moderators sign as the team."""

    id: str
    role: Role
    name: str
    text: str
    note: bool
    at: datetime


class ThreadOut(BaseModel):
    """A thread, oldest first."""

    items: list[MessageOut]


@router.get("/cases/{case_id}/messages")
async def read(tx: RequestTx, actor: SignedActor, case_id: str) -> ThreadOut:
    """What was written about a case, for those who take part in it."""
    return ThreadOut(items=[_out(one) for one in await threads.thread(tx, actor, case_id)])


@router.post("/cases/{case_id}/messages", status_code=201)
async def post(tx: RequestTx, actor: SignedActor, case_id: str, message: MessageIn) -> MessageOut:
    """Write to the others who take part; they get it by mail."""
    check_slug(message.message, MESSAGES, "message")
    kept = await threads.post(
        tx, actor, case_id, canned=message.message, text=message.text, private=message.note
    )
    return _out(kept)


def _out(one: Message) -> MessageOut:
    name = "" if one.role == "moderator" and not one.note else one.sender_name
    return MessageOut(**one.model_dump(exclude={"case_id", "sender", "sender_name"}), name=name)
