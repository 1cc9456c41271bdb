"""The loop that sends mails: one holder at a time, one SMTP connection for a batch."""

import asyncio
import contextlib
import random
from collections.abc import Callable, Coroutine
from email.message import EmailMessage
from email.utils import parseaddr
from typing import Any

import structlog
from aiosmtplib import (
    SMTP,
    SMTPDataError,
    SMTPException,
    SMTPNotSupported,
    SMTPRecipientsRefused,
    SMTPResponseException,
)
from prometheus_client import Counter, Gauge

from services.notifications import domain, use_cases
from services.notifications.domain import (
    ADDRESSES_AWAITED,
    Delivery,
    Final,
    ProposedAddresses,
    Told,
    mail_name,
)
from services.notifications.rendering.mails import Renderer
from services.notifications.rendering.messages import AddressInvalid, Mail, compose
from services.notifications.settings import Settings
from services.notifications.store import Outgoing
from shared.database import OUTAGES, Database, Lease, Watch, now
from shared.events.contacts import proposal_key, venue_key
from shared.observability import correlated

BATCH = 100
POLL = 0.5
"""Seconds between two looks, and after a failure of the database."""
LAST_MAIL = 5.0
"""Seconds that a mail under way is given when the service stops."""

PERMANENT = 500
"""SMTP replies from here on say that trying again is of no use (RFC 5321, 4.2.1)."""

MAILS = Counter("mednum_mails_total", "Mails by what became of them", ["outcome"])
PENDING = Gauge("mednum_mails_pending", "Deliveries due and not yet done")

log = structlog.get_logger()


class MailServerAway(Exception):
    """No connection, or none that we may use; says nothing about any address."""


class ContactUnknown(Exception):
    """Nobody has said yet where this recipient reads their mail."""


class AddressesNotYetThere(Exception):
    """The addresses that an event withholds are still on their way."""


class Post:
    """An SMTP connection: opened at the first mail, kept for a batch."""

    def __init__(self, settings: Settings) -> None:
        self._client = SMTP(
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_username or None,
            password=settings.smtp_password.get_secret_value() or None,
            use_tls=settings.smtp_security == "tls",
            start_tls=settings.smtp_security == "starttls",
        )
        self._sender = parseaddr(settings.mail_from)[1]
        self._failure: MailServerAway | None = None

    async def send(self, message: EmailMessage, address: str) -> None:
        """Hand over one message; raises what the server says, or `MailServerAway`."""
        await self._connect()
        await self._client.send_message(message, sender=self._sender, recipients=[address])

    async def _connect(self) -> None:
        # a server that is away is asked once a batch, not once a mail
        if self._failure:
            raise self._failure
        if self._client.is_connected:
            return
        try:
            await self._client.connect()
        except (SMTPException, OSError) as exc:
            self._failure = MailServerAway(_kind(exc))
            raise self._failure from None

    async def close(self) -> None:
        """End the batch."""
        self._failure = None
        try:
            if self._client.is_connected:
                with contextlib.suppress(SMTPException, OSError):
                    await self._client.quit()
        finally:
            self._client.close()


class Mailer:
    """Sends what is due; `may_go_on` is asked before each delivery."""

    def __init__(
        self,
        settings: Settings,
        *,
        renderer: Renderer,
        database: Database,
        outgoing: Outgoing,
        post: Post,
        may_go_on: Callable[[], bool],
    ) -> None:
        self._settings = settings
        self._renderer = renderer
        self._database = database
        self._outgoing = outgoing
        self._post = post
        self._may_go_on = may_go_on

    async def send_due(self) -> int:
        """Try one batch of what is due; returns how many were due."""
        moment = now()
        batch = await self._outgoing.due(moment, BATCH)
        PENDING.set(len(batch) if len(batch) < BATCH else await self._outgoing.count_due(moment))
        try:
            for delivery in batch:
                if not self._may_go_on():
                    break
                with correlated(delivery.correlation_id, {}):
                    await self._deliver(delivery)
        finally:
            await self._post.close()
        return len(batch)

    async def _deliver(self, delivery: Delivery) -> None:
        """One attempt; a failure is noted and never keeps the next delivery waiting."""
        try:
            addresses = await self._addresses(delivery)
            event = await self._revealed(delivery)
            mail = self._renderer.render(delivery.template, event, delivery.recipient)
            await self._send_to_all(delivery, mail, addresses)
        except OUTAGES:
            raise
        except Exception as exc:
            await self._postpone(delivery, exc)

    async def _addresses(self, delivery: Delivery) -> list[str]:
        """The addresses of a recipient now; raises `ContactUnknown`."""
        if delivery.recipient == domain.MODERATORS:
            addresses = list(self._settings.moderators)
        else:
            contact = await self._outgoing.contact(delivery.recipient.removeprefix("account:"))
            addresses = contact["addresses"] if contact else []
        if not (asked := domain.addressed(delivery.event, addresses)):
            raise ContactUnknown
        return asked

    async def _revealed(self, delivery: Delivery) -> Told:
        """The event with the addresses it withholds, if they come in time."""
        event = delivery.event
        if not domain.withholds(event):
            return event
        proposed = await self._outgoing.contact(proposal_key(delivery.case_id))
        if proposed is None:
            if now() < delivery.created_at + ADDRESSES_AWAITED:
                raise AddressesNotYetThere
            return event
        venue_id = domain.managed_venue(event)
        venue = await self._outgoing.contact(venue_key(venue_id)) if venue_id else None
        return domain.reveal(
            event,
            ProposedAddresses(proposed["old"], proposed["new"]),
            venue["addresses"] if venue else [],
        )

    async def _send_to_all(self, delivery: Delivery, mail: Mail, addresses: list[str]) -> None:
        """Every address that has no mail yet gets its own; raises the last passing failure."""
        failure: Exception | None = None
        for address in addresses:
            if mail_name(delivery, address) in (*delivery.sent, *delivery.rejected):
                continue
            try:
                await _to_its_end(self._send(delivery, mail, address))
            except OUTAGES:
                raise
            except Exception as exc:
                failure = exc
        if failure:
            raise failure
        await self._finish(delivery, "rejected")

    async def _send(self, delivery: Delivery, mail: Mail, address: str) -> None:
        """Send one mail and note what became of it; raises what may pass."""
        name = mail_name(delivery, address)
        try:
            message = compose(
                mail, delivery, sender=self._settings.mail_from, address=address, moment=now()
            )
            await self._post.send(message, address)
        except Exception as exc:
            if not _is_final(exc):
                raise
            await self._outgoing.note_rejected(delivery.id, name, _kind(exc))
            self._tell(delivery, "rejected", _kind(exc))
            return
        await self._outgoing.note_sent(delivery.id, name)
        self._tell(delivery, "sent")

    async def _postpone(self, delivery: Delivery, exc: Exception) -> None:
        """Set the next attempt, or give up."""
        moment = now()
        since = delivery.failing_since or moment
        state = domain.after_failure(
            moment - since, contact_unknown=isinstance(exc, ContactUnknown)
        )
        if state != "pending":
            await self._finish(delivery, state, _kind(exc))
            self._tell(delivery, state, _kind(exc))
            return
        due_at = moment + domain.pause(delivery.attempts + 1, random.random())
        if isinstance(exc, AddressesNotYetThere):
            due_at = min(due_at, delivery.created_at + ADDRESSES_AWAITED)
        await self._outgoing.postpone(delivery, _kind(exc), since=since, due_at=due_at)
        self._tell(delivery, "postponed", _kind(exc))

    async def _finish(self, delivery: Delivery, state: Final, error: str | None = None) -> None:
        """Note that there is nothing more to try, and `state` unless some address has its mail."""
        # a repeated transaction finds the delivery done, and says nothing twice
        await self._database.run(lambda tx: use_cases.finish(tx, delivery.id, state, error))

    def _tell(self, delivery: Delivery, outcome: str, error: str | None = None) -> None:
        MAILS.labels(outcome).inc()
        log.info(
            f"mail {outcome}",
            template=delivery.template,
            case_id=delivery.case_id,
            recipient=delivery.recipient,
            attempt=delivery.attempts + 1,
            error=error,
        )


def _is_final(exc: Exception) -> bool:
    """Whether the server will never take this mail for this address."""
    match exc:
        case SMTPRecipientsRefused():
            return all(refused.code >= PERMANENT for refused in exc.recipients)
        case SMTPDataError():
            return exc.code >= PERMANENT
        # an address in letters that the server cannot take
        case SMTPNotSupported() | AddressInvalid():
            return True
    return False


def _kind(exc: Exception) -> str:
    """A failure without its text, which may hold an address."""
    name = type(exc).__name__
    match exc:
        case SMTPRecipientsRefused():
            return f"{name} {exc.recipients[0].code}"
        case SMTPResponseException():
            return f"{name} {exc.code}"
        case MailServerAway():
            return f"{name} {exc}"
    return name


async def _to_its_end(work: Coroutine[Any, Any, Any]) -> Any:
    """Have work done even if we are stopped meanwhile: a mail that is sent must be noted."""
    task = asyncio.create_task(work)
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        await asyncio.wait({task}, timeout=LAST_MAIL)
        raise


async def send_mails(settings: Settings, renderer: Renderer, database: Database) -> None:
    """Send what is due until cancelled; waits while the database is away."""
    watch = Watch(Lease(database, "sender"))
    mailer = Mailer(
        settings,
        renderer=renderer,
        database=database,
        outgoing=Outgoing(database),
        post=Post(settings),
        may_go_on=lambda: watch.held,
    )
    watching = asyncio.create_task(watch.run())
    try:
        while True:
            full = False
            try:
                full = watch.held and await mailer.send_due() >= BATCH
            except Exception as exc:
                log.warning("sender waits", error=type(exc).__name__)
            if not full:
                await asyncio.sleep(POLL)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)
