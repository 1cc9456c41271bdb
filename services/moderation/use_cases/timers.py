"""What happens when time has passed, and what notifications says became of its mails."""

from datetime import datetime

from services.moderation.domain.appeals import close
from services.moderation.domain.cases import ReviewCase, changed, close_at_deadline, fail
from services.moderation.domain.deciders import (
    held_at_deadline,
    moderators_decide,
    unreachable,
)
from services.moderation.domain.policy import Policy
from services.moderation.store import Assignments, Cases, Notices, VenueManagers
from services.moderation.use_cases.access import get_case
from services.moderation.use_cases.opening import weighed
from services.moderation.use_cases.outcomes import settle, waiting
from services.moderation.use_cases.record import note
from shared.database import Transaction
from shared.events.moderation import Held, ReviewEscalated, ReviewReminded, Told


async def remind(tx: Transaction, case_id: str, number: int, policy: Policy) -> None:
    """Tell those who can decide that the deadline comes near, if it is still open."""
    case = await get_case(tx, case_id)
    if case.state != "open" or case.about_to_close(tx.now):
        return
    managers = await VenueManagers(tx).of(case.venue_id)
    for_moderators = moderators_decide(case, managers)
    asked = await waiting(tx, case, _held(case, policy), for_moderators=for_moderators)
    tx.publish(ReviewReminded(**asked, reminded_at=tx.now))
    await note(tx, case, "remind", by=f"timer:reminder-{number}")


async def deadline_reached(
    tx: Transaction, case_id: str, deadline: datetime, policy: Policy
) -> None:
    """Let silence decide what nobody has answered."""
    # a link may have been refused elsewhere since it was opened
    case = await weighed(tx, await get_case(tx, case_id))
    decided = close_at_deadline(
        case,
        deadline,
        told=await Notices(tx).of(case_id),
        held=_held(case, policy),
    )
    if decided and decided.decision:
        await settle(tx, decided, decided.decision, policy, by="timer:deadline")


async def assignment_expired(tx: Transaction, case_id: str, expires_at: datetime) -> None:
    """Give a case back that its moderator did not decide in time."""
    held = (await Assignments(tx).of([case_id])).get(case_id)
    if held and held.expires_at <= expires_at:
        await Assignments(tx).remove(case_id)
        await note(tx, await get_case(tx, case_id), "release", by="timer:assignment")


async def appeal_window_ended(tx: Transaction, case_id: str) -> None:
    """A decision stands for good."""
    after = close(await get_case(tx, case_id))
    if after:
        await Cases(tx).save(after)
        await note(tx, after, "close_appeals", by="timer:appeal-window")


async def applied(tx: Transaction, case_id: str, *, nothing: bool) -> None:
    """The directory has merged an edit: it fails if all of it met other changes."""
    case = await Cases(tx).get(case_id)
    if case is None or not nothing or case.state not in ("approved", "partly_approved"):
        return
    granted = case.appeal.fields if case.appeal else []
    if granted and len(granted) < len(case.approved_fields):
        # that was the appeal's part: the rest has met the sheet before
        return
    after = fail(case)
    await Cases(tx).save(after)
    await note(tx, after, "conflict", by="service:directory")


async def told(tx: Transaction, case_id: str, one: Told, policy: Policy) -> None:
    """Note what became of a mail; if all to the managers came back, moderators decide at once."""
    case = await Cases(tx).get(case_id)
    if case is None:
        return
    await Notices(tx).add(case_id, one)
    if case.state != "open" or "manager_unreachable" in case.marks:
        return
    if unreachable(case, await Notices(tx).of(case_id)):
        await _give_to_moderators(tx, case, policy)


def _held(case: ReviewCase, policy: Policy) -> list[Held]:
    return held_at_deadline(case, unreachable_refuses=policy.unreachable_refuses)


async def _give_to_moderators(tx: Transaction, case: ReviewCase, policy: Policy) -> None:
    after = changed(case, marks=[*case.marks, "manager_unreachable"])
    await Cases(tx).save(after)
    asked = await waiting(tx, after, _held(after, policy), for_moderators=True)
    tx.publish(ReviewEscalated(**asked, why="manager_unreachable", escalated_at=tx.now))
    await note(tx, after, "mark", by="service:notifications", rule="manager_unreachable")
