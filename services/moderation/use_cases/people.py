"""Accounts: since when they are known, what they have earned, what is entrusted to them."""

from datetime import datetime

from services.moderation.domain.contributors import Contributor
from services.moderation.domain.deciders import Actor, Scope
from services.moderation.store import Contributors, RefusedDomains, Scopes
from shared.database import Transaction


async def learn_account(
    tx: Transaction, account_id: str, *, fingerprint: str, seen_at: datetime
) -> None:
    """An account has told its address."""
    before = await Contributors(tx).get(account_id)
    since = min(before.since, seen_at) if before.since else seen_at
    after = before.model_copy(update={"since": since, "fingerprint": fingerprint})
    if after != before:
        await Contributors(tx).put(after)


async def forget_account(tx: Transaction, account_id: str) -> None:
    """An account's address is gone; what it has earned stays with its id."""
    before = await Contributors(tx).get(account_id)
    if before.fingerprint:
        await Contributors(tx).put(before.model_copy(update={"fingerprint": None}))


async def known(tx: Transaction, actor: Actor) -> Contributor:
    """Somebody's record, with what their token says of its age."""
    contributor = await Contributors(tx).get(actor.id)
    ages = [one for one in (contributor.since, actor.since) if one]
    return contributor.model_copy(update={"since": min(ages, default=None)})


async def refused_hosts(tx: Transaction) -> list[tuple[str, list[str]]]:
    """The hosts that links are looked at for, and the refused proposals they were seen in."""
    return await RefusedDomains(tx).all()


async def clear_host(tx: Transaction, host: str) -> None:
    """Let links to a host pass again: it was refused for something else."""
    await RefusedDomains(tx).forget(host)


async def scope_of(tx: Transaction, account_id: str) -> Scope:
    """What is entrusted to a moderator."""
    return await Scopes(tx).of(account_id)


async def entrust(tx: Transaction, account_id: str, scope: Scope) -> Scope:
    """Say which territory and kinds are a moderator's."""
    await Scopes(tx).put(account_id, scope)
    return scope
