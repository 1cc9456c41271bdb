"""Accounts as moderation knows them: managers, contributors, moderators' scopes."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from services.moderation.domain.contributors import Contributor
from services.moderation.domain.deciders import Scope
from shared.database import Document, Index, Transaction

INDEXES = (
    Index("venue_managers", [("managers", 1)]),
    Index("venue_managers", [("merged_into", 1)], sparse=True),
)


class VenueManagers:
    """Which accounts manage which venue, as the directory last said.

    A venue that was merged is managed by those who manage the one that stays.
    """

    def __init__(self, tx: Transaction) -> None:
        self._managers = tx["venue_managers"]

    async def of(self, venue_id: str | None) -> list[str]:
        """The accounts that manage a venue."""
        return (await self.of_each([venue_id]))[venue_id] if venue_id else []

    async def of_each(self, venue_ids: Iterable[str]) -> dict[str, list[str]]:
        """The accounts that manage each of these venues."""
        stays = {one: one for one in venue_ids}
        known: dict[str, Document] = {}
        while asked := [one for one in {*stays.values()} if one not in known]:
            found = await self._managers.find({"_id": {"$in": asked}})
            known |= {one: {} for one in asked} | {one["_id"]: one for one in found}
            stays = {one: known[into].get("merged_into", into) for one, into in stays.items()}
        return {one: list(known[into].get("managers", [])) for one, into in stays.items()}

    async def venues_of(self, account_id: str) -> list[str]:
        """The venues that an account manages, also those that are one with them."""
        found = await self._managers.find({"managers": account_id})
        return await self._with_merged([one["_id"] for one in found if "merged_into" not in one])

    async def ids_of(self, venue_id: str) -> list[str]:
        """All ids of the venue that an id stands for."""
        seen = {venue_id}
        while known := await self._managers.get(venue_id):
            venue_id = known.get("merged_into", venue_id)
            if venue_id in seen:
                break
            seen.add(venue_id)
        return await self._with_merged([venue_id])

    async def _with_merged(self, venue_ids: list[str]) -> list[str]:
        ids = dict.fromkeys(venue_ids)
        below = venue_ids
        while below:
            found = await self._managers.find({"merged_into": {"$in": below}})
            below = [one["_id"] for one in found if one["_id"] not in ids]
            ids |= dict.fromkeys(below)
        return list(ids)

    async def put(self, venue_id: str, revision: int, managers: list[str]) -> None:
        """Keep the newest word; an older one changes nothing."""
        known = await self._managers.get(venue_id) or {"_id": venue_id}
        if known.get("revision", -1) < revision:
            await self._managers.put(known | {"revision": revision, "managers": managers})

    async def merge(self, venue_id: str, into: str, at: datetime) -> None:
        """Note that a venue is one with another now."""
        known = await self._managers.get(venue_id) or {"_id": venue_id}
        if "merged_at" not in known or known["merged_at"] < at:
            await self._managers.put(known | {"merged_into": into, "merged_at": at})

    async def unmerge(self, venue_id: str, into: str) -> None:
        """Note that it is one of its own again."""
        known = await self._managers.get(venue_id)
        if known and known.get("merged_into") == into:
            del known["merged_into"]
            await self._managers.put(known)


class Contributors:
    """What accounts have earned."""

    def __init__(self, tx: Transaction) -> None:
        self._contributors = tx["contributors"]

    async def get(self, account_id: str) -> Contributor:
        """One account's record; an empty one if nothing is known."""
        return (await self.of([account_id]))[account_id]

    async def of(self, account_ids: Iterable[str]) -> dict[str, Contributor]:
        """The records of these accounts."""
        ids = list(dict.fromkeys(account_ids))
        found = await self._contributors.find({"_id": {"$in": ids}})
        known = {one["_id"]: Contributor.model_validate({**one, "id": one["_id"]}) for one in found}
        return {one: known.get(one) or Contributor(id=one) for one in ids}

    async def put(self, one: Contributor) -> None:
        """Keep it."""
        await self._contributors.put({"_id": one.id, **one.model_dump(exclude={"id"})})


class Scopes:
    """What is entrusted to each moderator."""

    def __init__(self, tx: Transaction) -> None:
        self._scopes = tx["scopes"]

    async def of(self, account_id: str) -> Scope:
        """A moderator's; everything unless an admin has said otherwise."""
        found = await self._scopes.get(account_id)
        return Scope.model_validate(found) if found else Scope()

    async def put(self, account_id: str, scope: Scope) -> None:
        """Keep it."""
        await self._scopes.put({"_id": account_id, **scope.model_dump()})


class RefusedDomains:
    """Hosts that refused proposals linked to, and which proposals those were."""

    def __init__(self, tx: Transaction) -> None:
        self._domains = tx["refused_domains"]

    async def known(self, hosts: Iterable[str]) -> frozenset[str]:
        """Those of these hosts that were seen in refused proposals."""
        found = await self._domains.find({"_id": {"$in": list(hosts)}}, fields=["_id"])
        return frozenset(one["_id"] for one in found)

    async def all(self) -> list[tuple[str, list[str]]]:
        """Every host, and the proposals it was seen in."""
        return sorted((one["_id"], one["cases"]) for one in await self._domains.find({}))

    async def forget(self, host: str) -> None:
        """Let links to a host pass again."""
        await self._domains.delete({"_id": host})

    async def add(self, hosts: Iterable[str], case_id: str) -> None:
        """Note that a refused proposal links there."""
        for host in sorted(hosts):
            cases = {*await self._cases(host), case_id}
            await self._domains.put({"_id": host, "cases": sorted(cases)})

    async def remove(self, hosts: Iterable[str], case_id: str) -> None:
        """It was accepted after all."""
        for host in sorted(hosts):
            cases = {*await self._cases(host)} - {case_id}
            if cases:
                await self._domains.put({"_id": host, "cases": sorted(cases)})
            else:
                await self._domains.delete({"_id": host})

    async def _cases(self, host: str) -> list[str]:
        found = await self._domains.get(host)
        return list(found["cases"]) if found else []


class ProposedAddresses:
    """The addresses that open proposals would change; gone once they are closed."""

    def __init__(self, tx: Transaction) -> None:
        self._addresses = tx["proposed_addresses"]

    async def of(self, proposal_ids: Sequence[str]) -> dict[str, tuple[list[str], list[str]]]:
        """Old and new addresses by proposal, of those that have come and are still there."""
        found = await self._addresses.find({"_id": {"$in": list(proposal_ids)}})
        return {one["_id"]: (one["old"], one["new"]) for one in found}

    async def put(self, proposal_id: str, old: list[str], new: list[str]) -> None:
        """Keep them."""
        await self._addresses.put({"_id": proposal_id, "old": old, "new": new})

    async def erase(self, proposal_id: str) -> None:
        """Forget them."""
        await self._addresses.delete({"_id": proposal_id})
