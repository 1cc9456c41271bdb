"""What a partner's platform says of its resources becomes announcements, by their versions."""

from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from typing import Literal
from uuid import NAMESPACE_URL, uuid5

from services.announcements.domain import announcements as rules
from services.announcements.domain.announcements import Act, Announcement
from services.announcements.domain.calls import (
    Call,
    Figures,
    check_dates,
    counting,
    figures_of,
    same_text,
    today,
)
from services.announcements.domain.links import check_elsewhere
from services.announcements.domain.origins import Counted, Origin, Seen
from services.announcements.domain.partners import Partner
from services.announcements.store import Announcements, Versions
from services.announcements.use_cases.announcements import check_kind, rework, send
from services.announcements.use_cases.record import keep
from shared.database import Transaction
from shared.events import Author
from shared.events.announcements import EndReason

Outcome = Literal["created", "updated", "progressed", "unchanged", "stale", "ended", "unknown"]


@dataclass(frozen=True)
class Source:
    """One version of a partner's resource."""

    slug: str
    name: str
    reference: str
    version: int
    territoire: str | None = None
    """Where calls count that name no place."""

    @classmethod
    def of(cls, partner: Partner, reference: str, version: int) -> "Source":
        """A version of a resource of this partner."""
        return cls(
            slug=partner.slug,
            name=partner.name,
            reference=reference,
            version=version,
            territoire=partner.territoire,
        )

    @property
    def author(self) -> Author:
        """How events and pages name the partner."""
        return Author(account_id=f"partner:{self.slug}", name=self.name)

    def origin(self, *, said: Call | None, counted: Counted | None) -> Origin:
        """What is kept of it once its text or its end is known."""
        return Origin(
            partner=self.slug,
            reference=self.reference,
            version=self.version,
            said=said,
            counted=counted,
        )


@dataclass(frozen=True)
class Result:
    """Which announcement it is about, and what became of it."""

    announcement_id: str
    outcome: Outcome


def announcement_id(slug: str, reference: str) -> str:
    """The announcement of a partner's resource, always the same."""
    return uuid5(NAMESPACE_URL, f"mednum:partner:{slug}:{reference}").hex


async def take_over(
    tx: Transaction, source: Source, call: Call, *, own_hosts: AbstractSet[str], hold: bool
) -> Result:
    """Relay a resource as it is now; `hold` keeps a new one as a draft.

    Raises `InvalidInput` or `AnnouncementDuplicate`, before anything is written.
    """
    id_ = announcement_id(source.slug, source.reference)
    before, seen = await seen_of(tx, id_)
    if source.version <= seen.version:
        same = isinstance(seen, Origin) and (seen.version, seen.said) == (source.version, call)
        return Result(id_, "unchanged" if same else "stale")
    if before:
        check_kind(call, before)
    check_elsewhere(call.lien, own_hosts)
    check_dates(call, tx.now, call)
    counted = _newer(seen.counted, source.version, figures_of(call))
    origin = source.origin(said=call, counted=counted)
    if counted:
        call = counting(call, counted.figures)
    if call.territoire is None:
        call = call.model_copy(update={"territoire": source.territoire})
    if before is None:
        await _create(tx, source, origin, call, hold=hold)
        return Result(id_, "created")
    at_source = before.model_copy(update={"origin": origin, "author": source.author})
    return Result(id_, await _update(tx, before, at_source, call, hold=hold))


async def progress(
    tx: Transaction, source: Source, *, raised: int, supporters: int | None
) -> Result:
    """Show how far a resource has come; of one never seen, its figures wait for it."""
    id_ = announcement_id(source.slug, source.reference)
    before, seen = await seen_of(tx, id_)
    figures = Figures(raised=raised, supporters=supporters)
    counted = _newer(seen.counted, source.version, figures)
    if counted is seen.counted:
        return Result(id_, "stale")
    if before is None:
        await Versions(tx).put(id_, seen.model_copy(update={"counted": counted}), tx.now)
        return Result(id_, "unknown")
    origin = seen.model_copy(update={"counted": counted})
    after = rules.with_figures(before.model_copy(update={"origin": origin}), figures)
    await keep(tx, rules.changed(after), before)
    return Result(id_, "progressed" if after.call != before.call else "unchanged")


async def end(tx: Transaction, source: Source, why: EndReason) -> Result:
    """End what a platform no longer shows; of one never seen, only its version is kept."""
    id_ = announcement_id(source.slug, source.reference)
    before, seen = await seen_of(tx, id_)
    if source.version <= seen.version:
        return Result(id_, "stale")
    if before is None:
        now_seen = seen.model_copy(update={"version": source.version})
        await Versions(tx).put(id_, now_seen, tx.now)
        return Result(id_, "unknown")
    origin = source.origin(said=None, counted=seen.counted)
    at_source = before.model_copy(update={"origin": origin})
    counted = before.state == "expired" and before.is_public and why in ("funded", "unfunded")
    if before.state in rules.OVER and not counted:
        await keep(tx, rules.changed(at_source), before)
        return Result(id_, "unchanged")
    # what never was online has nothing to close
    act: Act = "close" if before.state == "online" and why != "withdrawn" else "withdraw"
    act = "count" if counted else act
    await keep(tx, rules.end(at_source, act, why, tx.now), before)
    return Result(id_, "ended")


async def seen_of(tx: Transaction, id_: str) -> tuple[Announcement | None, Seen]:
    """A resource's announcement if there is one, and what was seen of it."""
    before = await Announcements(tx).get(id_)
    if before and before.origin:
        return before, before.origin
    return None, await Versions(tx).of(id_)


def _newer(known: Counted | None, version: int, figures: Figures | None) -> Counted | None:
    """The newer of what was counted and these figures."""
    if figures is None or (known and version <= known.version):
        return known
    return Counted(version=version, figures=figures)


async def _create(
    tx: Transaction, source: Source, origin: Origin, call: Call, *, hold: bool
) -> None:
    announcement = Announcement(
        id=announcement_id(source.slug, source.reference),
        author=source.author,
        origin=origin,
        call=call,
        until=call.open_until(today(tx.now)),
        created_at=tx.now,
    )
    if hold:
        await keep(tx, announcement, None)
    else:
        await send(tx, announcement, call, before=None)


async def _update(
    tx: Transaction, before: Announcement, at_source: Announcement, call: Call, *, hold: bool
) -> Outcome:
    drafted = before.state == "draft"
    if _says_the_same(before, at_source) and (hold or not drafted):
        # whoever improved, refused or took it away here had a reason
        after = await keep(tx, rules.changed(rules.with_figures(at_source, call)), before)
        return "unchanged" if after.call == before.call else "progressed"
    kept_back = drafted or before.state in rules.OVER
    if kept_back and hold:
        await keep(tx, rules.redraft(at_source, call, tx.now), before)
    elif kept_back:
        await send(tx, at_source, call, before=before)
    else:
        after = await rework(tx, before, at_source, call)
        if after.texts == before.texts:
            return "unchanged" if after.call == before.call else "progressed"
    return "updated"


def _says_the_same(before: Announcement, at_source: Announcement) -> bool:
    """Whether its platform sends the text that it sent last, and has not ended it since."""
    said, says = (one.origin.said if one.origin else None for one in (before, at_source))
    return said is not None and says is not None and same_text(said, says)
