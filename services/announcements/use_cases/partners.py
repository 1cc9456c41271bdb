"""Looking after partners: registration, keys, rules, and what they have sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from services.announcements.domain import partner_care
from services.announcements.domain import partners as rules
from services.announcements.domain.keys import Key, new_key
from services.announcements.domain.partner_care import PartnerNotActive, PartnerNotSuspended
from services.announcements.domain.partners import (
    Delivery,
    DeliveryNotReplayable,
    DeliveryUnknown,
    Partner,
    PartnerExists,
    PartnerUnknown,
)
from services.announcements.store.partners import Deliveries, Partners
from services.announcements.use_cases import ulule
from shared.auth import Account
from shared.database import Transaction
from shared.errors import NotAllowed
from shared.events.announcements import PartnerDeliveryReceived
from shared.events.contacts import AccountContactChanged, ContactErased, account_key

REPLAYABLE = frozenset({"accepted", "applied", "failed", "ignored"})
"""`accepted` too: what should have applied it may be a dead letter."""


@dataclass(frozen=True)
class Page:
    """Some deliveries, and behind which one the next part starts (none at the end)."""

    deliveries: list[Delivery]
    next: str | None


async def register(tx: Transaction, partner: Partner, *, email: str | None) -> tuple[Partner, Key]:
    """Add a partner with a first key, to be shown once; raises `PartnerExists`, `InvalidInput`."""
    if await Partners(tx).get(partner.slug):
        raise PartnerExists
    key = new_key(None, tx.now)
    hook = rules.new_hook_secret() if partner.kind == "ulule" else None
    partner = partner.model_copy(update={"keys": [key], "hook_secret": hook})
    await Partners(tx).add(rules.check(partner))
    _tell_address(tx, partner, email)
    return partner, key


async def change(
    tx: Transaction, slug: str, values: Mapping[str, Any], *, email: str | None = None
) -> Partner:
    """Change a partner's rules; raises `PartnerUnknown`, `InvalidInput`."""
    partner = rules.check(rules.changed(await existing(tx, slug), **values))
    await Partners(tx).save(partner)
    _tell_address(tx, partner, email)
    return partner


async def rotate(
    tx: Transaction, slug: str, *, public_key: str | None, overlap: timedelta
) -> tuple[Partner, Key]:
    """Give a partner a new key; those before expire after the overlap. Raises `KeyNotUsable`."""
    partner = await existing(tx, slug)
    key = new_key(public_key, tx.now)
    after = rules.rotate(partner, key, overlap=overlap, at=tx.now)
    await Partners(tx).save(after)
    return after, key


async def rotate_hook(tx: Transaction, slug: str) -> Partner:
    """Give a partner another secret path; the one before is gone at once."""
    partner = await existing(tx, slug)
    after = rules.changed(partner, hook_secret=rules.new_hook_secret())
    await Partners(tx).save(after)
    return after


async def revoke(tx: Transaction, slug: str, key_id: str) -> None:
    """Take one key away at once; raises `NotFound`."""
    await Partners(tx).save(rules.without_key(await existing(tx, slug), key_id))


async def remove(tx: Transaction, slug: str) -> None:
    """Forget a suspended partner: its keys, its address and what it has sent.

    Its announcements stay. Raises `PartnerUnknown` or `PartnerNotSuspended`.
    """
    partner = await existing(tx, slug)
    if not partner.suspended:
        raise PartnerNotSuspended
    await Partners(tx).remove(slug)
    await Deliveries(tx).remove_of(slug)
    tx.publish(ContactErased(contact=account_key(_account(partner))))


async def existing(tx: Transaction, slug: str) -> Partner:
    """A partner; raises `PartnerUnknown`."""
    partner = await Partners(tx).get(slug)
    if partner is None:
        raise PartnerUnknown
    return partner


async def looked_after(tx: Transaction, slug: str, account: Account) -> Partner:
    """A partner that this account may look after; raises `PartnerUnknown` or `NotAllowed`."""
    partner = await existing(tx, slug)
    if not account.may() and account.id not in partner.members:
        raise NotAllowed
    return partner


async def deliveries(
    tx: Transaction, slug: str, *, status: str | None, after: str | None, limit: int
) -> Page:
    """What a partner has sent, newest first, behind a `Page.next`; raises `InvalidInput`."""
    behind = partner_care.place(slug, after) if after else None
    found = await Deliveries(tx).of_partner(slug, status=status, after=behind, limit=limit + 1)
    shown = found[:limit]
    return Page(shown, partner_care.cursor(shown[-1]) if len(found) > limit else None)


async def delivery(tx: Transaction, slug: str, delivery_id: str) -> Delivery:
    """One delivery of a partner, by its `webhook-id`; raises `DeliveryUnknown`."""
    found = await Deliveries(tx).get(rules.delivery_id(slug, delivery_id))
    if found is None:
        raise DeliveryUnknown
    return found


async def replay(tx: Transaction, slug: str, delivery_id: str, *, api_url: str) -> Delivery:
    """Have a delivery applied once more; raises `DeliveryNotReplayable`, `PartnerNotActive`."""
    found = await delivery(tx, slug, delivery_id)
    if (await existing(tx, slug)).suspended:
        raise PartnerNotActive
    if found.status not in REPLAYABLE or not found.body:
        raise DeliveryNotReplayable
    thin = found.via == "ulule"
    again = found.model_copy(
        update={"status": "waiting" if thin else "accepted", "reason": None, "results": []}
    )
    await Deliveries(tx).save(again)
    if thin:
        await ulule.replay(tx, again, api_url=api_url)
    else:
        tx.publish(PartnerDeliveryReceived(partner=slug, delivery_id=again.id))
    return again


def _account(partner: Partner) -> str:
    return f"partner:{partner.slug}"


def _tell_address(tx: Transaction, partner: Partner, email: str | None) -> None:
    # kept nowhere here: addresses travel on their own topic
    if email:
        tx.publish(
            AccountContactChanged(
                account_id=_account(partner),
                email=email,
                name=partner.name,
                changed_at=tx.now,
            )
        )
