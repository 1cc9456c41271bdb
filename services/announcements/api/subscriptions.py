"""Subscriptions over HTTP: partners and municipalities say what they want to be told, and where."""

from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field, StringConstraints

from services.announcements.api.announcements import OwnHosts
from services.announcements.domain.public_events import PUBLIC_TYPES
from services.announcements.domain.subscriptions import Delivery, DeliveryState, Subscription, Why
from services.announcements.domain.territories import Territory
from services.announcements.settings import Settings
from services.announcements.use_cases import subscriptions as use_cases
from services.announcements.use_cases.subscriptions import Reach
from shared.auth import SignedIn
from shared.service import RequestDatabase, RequestTx

MOST = 100
LONGEST_URL = 2_000

router = APIRouter(prefix="/subscriptions", tags=["subscriptions"])


def _public_type(name: str) -> str:
    if name not in PUBLIC_TYPES:
        raise ValueError(f"On peut s'abonner à : {', '.join(PUBLIC_TYPES)}.")
    return name


Url = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_URL)]
Types = Annotated[
    list[Annotated[str, AfterValidator(_public_type)]],
    Field(min_length=1, max_length=len(PUBLIC_TYPES)),
    AfterValidator(lambda types: list(dict.fromkeys(types))),
]


class NewSubscription(BaseModel):
    """An endpoint to tell, what, and where it must happen (none: everywhere)."""

    model_config = ConfigDict(extra="forbid")

    url: Url
    types: Types
    territoire: Territory | None = None


class SubscriptionChange(BaseModel):
    """What is to be otherwise; what is not given stays."""

    model_config = ConfigDict(extra="forbid")

    url: Url = ""
    types: Types = []
    territoire: Territory | None = None


class Since(BaseModel):
    """From when on everything is to be sent again."""

    model_config = ConfigDict(extra="forbid")

    since: AwareDatetime


class SubscriptionDetail(BaseModel):
    """A subscription as its owner sees it, without its secret."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    url: str
    types: list[str]
    territoire: str | None
    state: Literal["active", "disabled"]
    disabled_why: Why | None
    failing_since: AwareDatetime | None
    held_until: AwareDatetime | None
    old_secret_until: AwareDatetime | None
    created_at: AwareDatetime


class SubscriptionWithSecret(SubscriptionDetail):
    """The same, the only time that its secret is shown."""

    secret: str


class SubscriptionList(BaseModel):
    """All that an account may see."""

    items: list[SubscriptionDetail]


class Recovered(BaseModel):
    """How many deliveries are on their way again."""

    queued: int


class DeliveryDetail(BaseModel):
    """A delivery; `id` is its `webhook-id`."""

    id: str
    type: str
    state: DeliveryState
    attempts: int
    status: int | None
    reason: str | None
    queued_at: AwareDatetime
    attempted_at: AwareDatetime | None
    due_at: AwareDatetime | None


class DeliveryList(BaseModel):
    """Part of the deliveries; `next` goes into the parameter `after` of the next request."""

    items: list[DeliveryDetail]
    next: str | None


async def _reach(request: Request, own_hosts: OwnHosts) -> Reach:
    settings: Settings = request.app.state.settings
    return Reach(settings.private_networks, own_hosts)


RequestReach = Annotated[Reach, Depends(_reach)]


@router.post("", status_code=201)
async def subscribe(
    wanted: NewSubscription,
    account: SignedIn,
    tx: RequestTx,
    reach: RequestReach,
    response: Response,
) -> SubscriptionWithSecret:
    """Ask to be told; the answer holds the secret that signs, once."""
    subscription = await use_cases.subscribe(tx, account, **wanted.model_dump(), reach=reach)
    response.headers["Location"] = f"{router.prefix}/{subscription.id}"
    return SubscriptionWithSecret.model_validate(subscription)


@router.get("")
async def list_all(account: SignedIn, tx: RequestTx) -> SubscriptionList:
    """An account's subscriptions; for an admin, everybody's."""
    return SubscriptionList(
        items=[_detail(one) for one in await use_cases.list_subscriptions(tx, account)]
    )


@router.get("/{subscription_id}")
async def get(subscription_id: str, account: SignedIn, tx: RequestTx) -> SubscriptionDetail:
    """One subscription."""
    return _detail(await use_cases.get(tx, account, subscription_id))


@router.patch("/{subscription_id}")
async def change(
    subscription_id: str,
    wanted: SubscriptionChange,
    account: SignedIn,
    tx: RequestTx,
    reach: RequestReach,
) -> SubscriptionDetail:
    """Change its address, types or territory (null: everywhere)."""
    given = wanted.model_dump(exclude_unset=True)
    return _detail(await use_cases.change(tx, account, subscription_id, reach=reach, **given))


@router.delete("/{subscription_id}", status_code=204)
async def remove(subscription_id: str, account: SignedIn, tx: RequestTx) -> None:
    """Be told no more."""
    await use_cases.remove(tx, account, subscription_id)


@router.post("/{subscription_id}/secret")
async def rotate(subscription_id: str, account: SignedIn, tx: RequestTx) -> SubscriptionWithSecret:
    """A new secret; the one before signs too, for 24 hours."""
    return SubscriptionWithSecret.model_validate(
        await use_cases.rotate(tx, account, subscription_id)
    )


@router.post("/{subscription_id}/enable")
async def enable(
    subscription_id: str, account: SignedIn, database: RequestDatabase
) -> SubscriptionDetail:
    """Send again, what waits first; ends a pause that the endpoint has asked for."""
    return _detail(await use_cases.enable(database, account, subscription_id))


@router.post("/{subscription_id}/recover", status_code=202)
async def recover(
    subscription_id: str, asked: Since, account: SignedIn, database: RequestDatabase
) -> Recovered:
    """Send everything again since a time of the last 30 days, under the same `webhook-id`."""
    queued = await use_cases.recover(database, account, subscription_id, asked.since)
    return Recovered(queued=queued)


@router.post("/{subscription_id}/test", status_code=202)
async def test(subscription_id: str, account: SignedIn, tx: RequestTx) -> DeliveryDetail:
    """Send a `ping`, in a pause too."""
    return _delivery(await use_cases.test(tx, account, subscription_id))


@router.get("/{subscription_id}/deliveries")
async def list_deliveries(
    subscription_id: str,
    account: SignedIn,
    tx: RequestTx,
    status: DeliveryState | None = None,
    after: Annotated[str, Query(max_length=100)] = "",
    limit: Annotated[int, Query(ge=1, le=MOST)] = MOST,
) -> DeliveryList:
    """The last deliveries, newest first."""
    page = await use_cases.list_deliveries(
        tx, account, subscription_id, state=status, after=after, limit=limit
    )
    return DeliveryList(items=[_delivery(one) for one in page.deliveries], next=page.next)


@router.post("/{subscription_id}/deliveries/{event_id}/replay", status_code=202)
async def replay(
    subscription_id: str, event_id: str, account: SignedIn, tx: RequestTx
) -> DeliveryDetail:
    """Send one again, under the same `webhook-id`; in a pause too."""
    return _delivery(await use_cases.replay(tx, account, subscription_id, event_id))


def _detail(subscription: Subscription) -> SubscriptionDetail:
    return SubscriptionDetail.model_validate(subscription)


def _delivery(delivery: Delivery) -> DeliveryDetail:
    return DeliveryDetail(
        **delivery.model_dump(include=DeliveryDetail.model_fields.keys() - {"id"}),
        id=delivery.event,
    )
