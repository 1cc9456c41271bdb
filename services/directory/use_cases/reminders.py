"""Reminders to a venue's managers: begun, chosen, silenced, and what happens when one is due."""

from datetime import datetime, timedelta

from services.directory.domain.reminders import IN_A_ROW, Reminders, Rhythm, turn
from services.directory.domain.venues import Venue, VenueNotFound
from services.directory.store.checks import Checks
from services.directory.store.reminders import ReminderClocks
from services.directory.store.reports import Delistings
from services.directory.store.venues import Venues
from shared.auth import Account
from shared.database import Transaction
from shared.errors import NotAllowed
from shared.events.directory import SheetReviewDue, SheetValue, VenueReviewAsked
from shared.links import SheetLink

TOLD = (
    "adresse",
    "code_postal",
    "commune",
    "telephone",
    "horaires",
    "services",
    "frais_a_charge",
    "modalites_acces",
    "site_web",
    "prise_rdv",
    "presentation_resume",
)
"""The columns that a reminder shows: what changes, and what people come for."""


async def begin(tx: Transaction, venue_id: str) -> None:
    """Set a sheet's clock to zero, as somebody manages it from now on."""
    known = await ReminderClocks(tx).get(venue_id)
    await _set(tx, (known or Reminders(venue_id=venue_id, started_at=tx.now)).begun(tx.now))


async def begin_if_none(tx: Transaction, venue_id: str) -> None:
    """The same where nobody has set it yet: its managers are older than reminders are."""
    if await ReminderClocks(tx).get(venue_id) is None:
        await begin(tx, venue_id)


async def get_rhythm(tx: Transaction, account: Account, venue_id: str) -> Reminders:
    """What a venue's managers have chosen; for them alone."""
    await _managed(tx, account, venue_id)
    known = await ReminderClocks(tx).get(venue_id)
    return known or Reminders(venue_id=venue_id, started_at=tx.now)


async def choose_rhythm(
    tx: Transaction,
    account: Account,
    venue_id: str,
    every_months: Rhythm | None,
    *,
    month: timedelta,
) -> Reminders:
    """Say how often to be asked, or never; whoever chooses hears of it again."""
    known = await get_rhythm(tx, account, venue_id)
    silenced = [one for one in known.silenced if one != account.id]
    chosen = known.model_copy(update={"every_months": every_months, "silenced": silenced})
    if contact := account.contact(tx.now):
        tx.publish(contact)
    return await _set(tx, chosen.begun(tx.now, month))


async def silence_by_link(tx: Transaction, link: SheetLink) -> Venue:
    """Note that the holder of a link wants no more reminders; returns the venue."""
    venue = await Venues(tx).staying(link.venue_id)
    if venue is None:
        raise VenueNotFound(venue_id=link.venue_id)
    known = await ReminderClocks(tx).get(venue.id)
    if known and link.account_id not in known.silenced:
        silenced = [*known.silenced, link.account_id]
        await ReminderClocks(tx).put(known.model_copy(update={"silenced": silenced}))
    return venue


async def reached(tx: Transaction, venue_id: str, due_at: datetime, *, month: timedelta) -> None:
    """Ask the managers to read the sheet again, if it is time; then set the next turn."""
    known = await ReminderClocks(tx).get(venue_id)
    venue = await Venues(tx).get(venue_id)
    if venue is None or venue.merged_into:
        return
    # a clock that was set anew has a timer of its own
    if known is None or known.due_at is None or known.due_at > due_at:
        return
    check = await Checks(tx).last(venue_id)
    cared_at = max([venue.updated_at, *([check.at] if check else [])])
    hearing = known.hears(venue.managers)
    can_ask = bool(hearing and await Delistings(tx).listed([venue]))
    after, asks = turn(known, cared_at=cared_at, can_ask=can_ask, now=tx.now, month=month)
    await _set(tx, after)
    if asks:
        tx.publish(_asked(after, venue, hearing, cared_at, tx.now))


def _asked(
    reminders: Reminders, venue: Venue, hearing: list[str], cared_at: datetime, now: datetime
) -> VenueReviewAsked:
    return VenueReviewAsked(
        venue_id=venue.id,
        venue_nom=venue.nom,
        revision=venue.revision,
        managers=hearing,
        values=[SheetValue(column=name, value=venue.fiche.get(name)) for name in TOLD],
        cared_at=cared_at,
        every_months=reminders.every_months or 0,
        number=reminders.unanswered,
        at_most=IN_A_ROW,
        asked_at=now,
    )


async def _set(tx: Transaction, reminders: Reminders) -> Reminders:
    """Keep a clock, and its timer with it."""
    await ReminderClocks(tx).put(reminders)
    timer = SheetReviewDue(venue_id=reminders.venue_id, due_at=reminders.due_at or tx.now)
    if reminders.due_at:
        tx.schedule(timer, at=reminders.due_at, timer_id=timer.timer_id)
    else:
        tx.unschedule(timer.timer_id)
    return reminders


async def _managed(tx: Transaction, account: Account, venue_id: str) -> None:
    venue = await Venues(tx).get(venue_id)
    if venue is None:
        raise VenueNotFound(venue_id=venue_id)
    if account.id not in venue.managers:
        raise NotAllowed("Seules les personnes responsables de la fiche règlent ses rappels.")
