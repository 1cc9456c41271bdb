"""Deliveries over HTTP, for those who must know whether people were told."""

from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import AwareDatetime, BaseModel

from services.notifications import use_cases
from services.notifications.domain import Delivery, State
from shared.auth import Moderator
from shared.service import RequestTx

router = APIRouter(tags=["deliveries"])


class DeliveryProgress(BaseModel):
    """How far one mail is; its recipient is a reference, never an address."""

    template: str
    recipient: str
    """`account:…`, `venue:…` or `moderators`."""
    state: State
    attempts: int
    """Attempts made, with or without success."""
    error: str | None
    """The last failure, by its kind."""
    sent: int
    """How many addresses of the recipient have it."""
    rejected: int
    """How many addresses of the recipient were refused, or sent their mail back."""
    created_at: AwareDatetime
    due_at: AwareDatetime | None
    """The next attempt."""
    done_at: AwareDatetime | None


class DeliveryList(BaseModel):
    """The mails about one case."""

    items: list[DeliveryProgress]


@router.get("/deliveries")
async def deliveries(
    tx: RequestTx, _: Moderator, case_id: Annotated[str, Query(min_length=1, max_length=200)]
) -> DeliveryList:
    """The mails about a proposal or an announcement, oldest first; for moderators."""
    found = await use_cases.deliveries_of(tx, case_id)
    return DeliveryList(items=[_progress(one) for one in found])


def _progress(delivery: Delivery) -> DeliveryProgress:
    return DeliveryProgress(
        template=delivery.template,
        recipient=delivery.recipient,
        state=delivery.state,
        attempts=delivery.attempts,
        error=delivery.error,
        sent=len(delivery.sent),
        rejected=len(delivery.rejected),
        created_at=delivery.created_at,
        due_at=delivery.due_at,
        done_at=delivery.done_at,
    )
