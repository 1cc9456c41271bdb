"""Everything that can happen to a subscription; called by HTTP, events and the sender alike."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from urllib.parse import urlsplit
from uuid import uuid4

from services.announcements.domain import public_events
from services.announcements.domain import subscriptions as domain
from services.announcements.domain.addresses import Network, check_endpoint
from services.announcements.domain.keys import new_secret
from services.announcements.domain.public_events import PublicEvent
from services.announcements.domain.subscriptions import (
    MOST_SUBSCRIPTIONS,
    RECOVERABLE,
    Attempt,
    Delivery,
    DeliveryNotFound,
    DeliveryState,
    Subscription,
    SubscriptionNotActive,
    SubscriptionNotFound,
    TooManySubscriptions,
)
from services.announcements.store.subscriptions import (
    Deliveries,
    Outgoing,
    PublicEvents,
    Subscriptions,
    start_of,
)
from shared.auth import Account
from shared.database import Database, Transaction, now
from shared.errors import InvalidField, InvalidInput, NotAllowed
from shared.events.announcements import SubscriptionDisabled

RECOVERED_AT_ONCE = 200
"""Events looked at in one transaction."""


@dataclass(frozen=True)
class Reach:
    """Where endpoints may be: what settings say."""

    private_networks: tuple[Network, ...]
    own_hosts: frozenset[str]

    def check(self, url: str) -> None:
        """Raise `InvalidInput` for an address that we may not be asked to call."""
        check_endpoint(url, private_networks=self.private_networks, own_hosts=self.own_hosts)


@dataclass(frozen=True)
class DeliveryPage:
    """Part of an endpoint's deliveries, and where the next part starts (none at the end)."""

    deliveries: list[Delivery]
    next: str | None


async def subscribe(
    tx: Transaction,
    account: Account,
    *,
    url: str,
    types: list[str],
    territoire: str | None,
    reach: Reach,
) -> Subscription:
    """Add an endpoint; raises `InvalidInput` or `TooManySubscriptions`."""
    _let_in(account)
    reach.check(url)
    if len(await Subscriptions(tx).of_owner(account.id)) >= MOST_SUBSCRIPTIONS:
        raise TooManySubscriptions(most=MOST_SUBSCRIPTIONS)
    subscription = Subscription(
        id=uuid4().hex,
        owner=account.author,
        url=url,
        types=types,
        territoire=territoire,
        secret=new_secret(),
        created_at=tx.now,
    )
    await Subscriptions(tx).add(subscription)
    if contact := account.contact(tx.now):
        tx.publish(contact)
    return subscription


async def list_subscriptions(tx: Transaction, account: Account) -> list[Subscription]:
    """An account's own; an admin's are everybody's."""
    _let_in(account)
    subscriptions = Subscriptions(tx)
    if account.may("admin"):
        return await subscriptions.all()
    return await subscriptions.of_owner(account.id)


async def get(tx: Transaction, account: Account, subscription_id: str) -> Subscription:
    """One that is this account's, or any for an admin; raises `SubscriptionNotFound`."""
    _let_in(account)
    subscription = await Subscriptions(tx).get(subscription_id)
    if subscription is None:
        raise SubscriptionNotFound
    if subscription.owner.account_id != account.id and not account.may("admin"):
        raise SubscriptionNotFound
    return subscription


async def change(
    tx: Transaction,
    account: Account,
    subscription_id: str,
    *,
    reach: Reach,
    **values: object,
) -> Subscription:
    """Change its address, its types or its territory."""
    before = await get(tx, account, subscription_id)
    if isinstance(url := values.get("url"), str):
        reach.check(url)
        if url != before.url:
            values |= {"failing_since": None, "held_until": None}
    after = before.next(**values)
    await Subscriptions(tx).save(after)
    return after


async def remove(tx: Transaction, account: Account, subscription_id: str) -> None:
    """Forget an endpoint and all that was to go there."""
    subscription = await get(tx, account, subscription_id)
    await Subscriptions(tx).remove(subscription.id)
    await Deliveries(tx).remove_of(subscription.id)


async def rotate(tx: Transaction, account: Account, subscription_id: str) -> Subscription:
    """Give it a new secret; those before sign too, a day each. Raises `TooManySecrets`."""
    after = (await get(tx, account, subscription_id)).rotated(tx.now)
    await Subscriptions(tx).save(after)
    return after


async def enable(database: Database, account: Account, subscription_id: str) -> Subscription:
    """Have deliveries sent again, those that wait now; ends a pause too.

    In two steps: asked again after a failure, it does the same.
    """
    subscription = await database.run(lambda tx: _enable(tx, account, subscription_id))
    await Outgoing(database).wake(subscription.id, now())
    return subscription


async def _enable(tx: Transaction, account: Account, subscription_id: str) -> Subscription:
    before = await get(tx, account, subscription_id)
    if before.state == "active" and before.held_until is None:
        return before
    after = before.next(state="active", disabled_why=None, failing_since=None, held_until=None)
    await Subscriptions(tx).save(after)
    return after


async def recover(
    database: Database, account: Account, subscription_id: str, since: datetime
) -> int:
    """Queue again all that it wanted since then; how many. Enables it if it was disabled.

    In several transactions: asked again after a failure, it does the same.
    """
    if not now() - RECOVERABLE <= since <= now():
        message = "Il faut une date des trente derniers jours."
        raise InvalidInput(invalid=[InvalidField("since", "too_far", message)])
    subscription = await enable(database, account, subscription_id)
    place: str | None = None
    queued = 0
    while True:
        place, count = await database.run(
            partial(_recover, subscription=subscription, since=since, place=place)
        )
        queued += count
        if place is None:
            return queued


async def _recover(
    tx: Transaction, *, subscription: Subscription, since: datetime, place: str | None
) -> tuple[str | None, int]:
    found = await PublicEvents(tx).since(place or start_of(since), RECOVERED_AT_ONCE)
    wanted = [event for _, event in found if subscription.wants(event)]
    await _queue(tx, subscription, wanted)
    return (found[-1][0] if len(found) == RECOVERED_AT_ONCE else None), len(wanted)


async def _queue(
    tx: Transaction,
    subscription: Subscription,
    events: Sequence[PublicEvent],
    *,
    asked: bool = False,
) -> list[Delivery]:
    """Have events sent to an endpoint, those that were sent before too."""
    deliveries = [
        domain.delivery_of(subscription.id, event, tx.now, asked=asked) for event in events
    ]
    known = await Deliveries(tx).get_many([one.id for one in deliveries])
    again = [one.queued_again(tx.now, asked=asked) for one in known.values()]
    await Deliveries(tx).add(*(one for one in deliveries if one.id not in known))
    await Deliveries(tx).save(*again)
    return deliveries


async def test(tx: Transaction, account: Account, subscription_id: str) -> Delivery:
    """Send a `ping`; raises `SubscriptionNotActive`."""
    subscription = await _active(tx, account, subscription_id)
    event = public_events.ping(subscription.id, tx.now)
    if not await PublicEvents(tx).has(event.id):
        await PublicEvents(tx).add(event, tx.now)
    [delivery] = await _queue(tx, subscription, [event], asked=True)
    return delivery


async def list_deliveries(
    tx: Transaction,
    account: Account,
    subscription_id: str,
    *,
    state: DeliveryState | None,
    after: str,
    limit: int,
) -> DeliveryPage:
    """An endpoint's deliveries, newest first."""
    subscription = await get(tx, account, subscription_id)
    found = await Deliveries(tx).of(subscription.id, state=state, after=after, limit=limit + 1)
    following = found[limit - 1][0] if len(found) > limit else None
    return DeliveryPage([delivery for _, delivery in found[:limit]], following)


async def replay(
    tx: Transaction, account: Account, subscription_id: str, event_id: str
) -> Delivery:
    """Send one again; raises `DeliveryNotFound` or `SubscriptionNotActive`."""
    subscription = await _active(tx, account, subscription_id)
    delivery = await Deliveries(tx).get(f"{subscription.id}:{event_id}")
    if delivery is None or not await PublicEvents(tx).has(event_id):
        raise DeliveryNotFound
    again = delivery.queued_again(tx.now, asked=True)
    await Deliveries(tx).save(again)
    return again


async def announce(tx: Transaction, event: PublicEvent) -> None:
    """Have every subscriber that wants it told of an event, once."""
    if await PublicEvents(tx).has(event.id):
        return
    await PublicEvents(tx).add(event, tx.now)
    wanting = [one for one in await Subscriptions(tx).active(event.type) if one.wants(event)]
    await Deliveries(tx).add(*(domain.delivery_of(one.id, event, tx.now) for one in wanting))


async def settle(
    tx: Transaction, delivery: Delivery, attempt: Attempt, chance: float
) -> tuple[Subscription, Delivery] | None:
    """Note what came of an attempt; none if the delivery was removed or queued again meanwhile."""
    subscription = await Subscriptions(tx).get(delivery.subscription)
    stored = await Deliveries(tx).get(delivery.id)
    if subscription is None or stored is None or stored.revision != delivery.revision:
        return None
    after, done = domain.settle(subscription, stored, attempt, chance)
    await Deliveries(tx).save(done)
    if after is not subscription:
        await Subscriptions(tx).save(after)
    if after.state != subscription.state and after.disabled_why:
        tx.publish(
            SubscriptionDisabled(
                subscription_id=after.id,
                owner=after.owner,
                host=urlsplit(after.url).hostname or "",
                why=after.disabled_why,
                failing_since=after.failing_since,
                disabled_at=tx.now,
            )
        )
    return after, done


async def _active(tx: Transaction, account: Account, subscription_id: str) -> Subscription:
    subscription = await get(tx, account, subscription_id)
    if subscription.state != "active":
        raise SubscriptionNotActive
    return subscription


def _let_in(account: Account) -> None:
    if not account.may("partner"):
        raise NotAllowed
