"""What is written about a case: to everybody who takes part, or between moderators."""

from uuid import uuid4

from services.moderation.domain.cases import ReviewCase
from services.moderation.domain.deciders import Actor, moderators_decide
from services.moderation.domain.motives import MESSAGES, completed
from services.moderation.domain.problems import WaitForAnswer
from services.moderation.store import Message, Messages, VenueManagers
from services.moderation.use_cases.access import case_by_link, take_part
from services.moderation.use_cases.outcomes import facts
from services.moderation.use_cases.record import note
from shared.database import Transaction
from shared.errors import InvalidField, InvalidInput, NotAllowed
from shared.events import Author
from shared.events.moderation import MessagePosted, Role
from shared.links import DecisionLink

IN_A_ROW = 3
"""Messages that somebody may write before another answers: each one is a mail."""


async def post(
    tx: Transaction, actor: Actor, case_id: str, *, canned: str | None, text: str, private: bool
) -> Message:
    """Write in a thread as who one is in it; a private note is for moderators only."""
    view = await take_part(tx, actor, case_id)
    if private and not view.moderates:
        raise NotAllowed
    role: Role = "moderator" if private or view.role == "reader" else view.role
    sender = Author(account_id=actor.id, name=actor.name)
    return await _keep(tx, view.case, sender, role, completed(MESSAGES, canned, text), private)


async def post_by_link(tx: Transaction, link: DecisionLink, text: str) -> Message:
    """Write as a venue's manager, by the link in their mail."""
    case = await case_by_link(tx, link)
    sender = Author(account_id=link.holder.removeprefix("account:"))
    return await _keep(tx, case, sender, "manager", text.strip(), False)


async def thread(tx: Transaction, actor: Actor, case_id: str) -> list[Message]:
    """What somebody may read of a thread, oldest first."""
    view = await take_part(tx, actor, case_id)
    found = await Messages(tx).of(case_id)
    return [one for one in found if view.moderates or not one.note]


async def thread_by_link(tx: Transaction, link: DecisionLink) -> list[Message]:
    """What a manager may read by the link in their mail."""
    case = await case_by_link(tx, link)
    return [one for one in await Messages(tx).of(case.id) if not one.note]


async def _keep(
    tx: Transaction, case: ReviewCase, sender: Author, role: Role, text: str | None, private: bool
) -> Message:
    if not text:
        raise InvalidInput(invalid=[InvalidField("text", "missing", "Écrivez un message.")])
    message = Message(
        id=uuid4().hex,
        case_id=case.id,
        sender=sender.account_id,
        sender_name=sender.name,
        role=role,
        text=text,
        note=private,
        at=tx.now,
    )
    known = await Messages(tx).of(case.id)
    last = [one for one in known if not one.note][-IN_A_ROW:]
    if role != "moderator" and [one.sender for one in last] == [sender.account_id] * IN_A_ROW:
        raise WaitForAnswer
    await Messages(tx).add(message)
    if not private:
        managers = await VenueManagers(tx).of(case.venue_id)
        moderated = any(one.role == "moderator" for one in known)
        tx.publish(
            MessagePosted(
                message_id=message.id,
                **facts(case),
                sender=sender,
                sender_role=role,
                text=text,
                managers=managers,
                public_addresses=case.public_addresses,
                for_moderators=moderated or moderators_decide(case, managers),
                deadline=case.deadline,
                posted_at=tx.now,
            )
        )
    by = sender.account_id if ":" in sender.account_id else f"account:{sender.account_id}"
    await note(tx, case, "note" if private else "message", by=by)
    return message
