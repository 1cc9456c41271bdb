"""Who is told of what happens: endpoints, deliveries to them, and when one is tried again."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Literal

from pydantic import AwareDatetime, BaseModel
from standardwebhooks import Webhook

from services.announcements.domain.keys import new_secret
from services.announcements.domain.public_events import PublicEvent
from services.announcements.domain.territories import containing
from shared.errors import Problem
from shared.events import Author

MOST_SUBSCRIPTIONS = 20
"""Of one owner."""
ROTATION = timedelta(hours=24)
"""How long an old secret still signs beside the new one."""
MOST_OLD_SECRETS = 5
"""That sign at the same time: each makes the header of a delivery longer."""
RECOVERABLE = timedelta(days=30)
LONGEST_HOLD = timedelta(hours=24)
"""That an endpoint may ask for."""
USUAL_HOLD = timedelta(minutes=5)
"""The longest of one that says no time: its other deliveries need not wait as long as this one."""
SCHEDULE = tuple(
    timedelta(seconds=seconds)
    for seconds in (0, 5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
)
"""The wait before each attempt (Standard Webhooks, "Deliverability and reliability")."""
JITTER = 0.1

GONE = 410
THROTTLED = frozenset({429, 502, 503, 504})
"""The endpoint asks us to slow down: all its deliveries wait."""

DeliveryState = Literal["pending", "delivered", "failed"]
Why = Literal["gone", "failing"]


class SubscriptionNotFound(Problem):
    """No subscription has this id, or it is another account's."""

    type = "subscription-not-found"
    status = 404
    title = "Cet abonnement n'existe pas."


class DeliveryNotFound(Problem):
    """This subscription has no such delivery, or it is no longer kept."""

    type = "delivery-not-found"
    status = 404
    title = "Cet envoi n'existe pas, ou n'est plus conservé."


class TooManySubscriptions(Problem):
    """The account has as many as one may have."""

    type = "too-many-subscriptions"
    status = 409
    title = "Vous avez atteint le nombre maximal d'abonnements."


class SubscriptionNotActive(Problem):
    """The endpoint is disabled: its owner must enable it first."""

    type = "subscription-disabled"
    status = 409
    title = "Cet abonnement est désactivé : réactivez-le d'abord."


class TooManySecrets(Problem):
    """As many old secrets sign still as may; each was promised its time."""

    type = "too-many-secrets"
    status = 409
    title = "Trop d'anciens secrets signent encore : attendez que l'un d'eux s'éteigne."


class OldSecret(BaseModel):
    """A secret that was replaced, and still signs for a while."""

    secret: str
    until: AwareDatetime


class Subscription(BaseModel):
    """An endpoint, what it wants to hear, and how it does."""

    id: str
    revision: int = 1
    owner: Author
    url: str
    types: list[str]
    territoire: str | None = None
    """Only what happens there; none means everywhere."""
    secret: str
    old_secrets: list[OldSecret] = []
    state: Literal["active", "disabled"] = "active"
    disabled_why: Why | None = None
    failing_since: AwareDatetime | None = None
    """The first failure after the last success."""
    held_until: AwareDatetime | None = None
    """Nothing is sent before: the endpoint asked for a pause."""
    created_at: AwareDatetime

    def wants(self, event: PublicEvent) -> bool:
        """Whether it asked to be told of this."""
        if event.type not in self.types:
            return False
        if self.territoire is None:
            return True
        return event.territoire is not None and self.territoire in containing(event.territoire)

    def next(self, **changes: object) -> "Subscription":
        """It with these changes, one revision on."""
        return self.model_copy(update={**changes, "revision": self.revision + 1})

    def is_held(self, at: datetime) -> bool:
        """Whether its endpoint has asked for a pause that is not over."""
        return self.held_until is not None and at < self.held_until

    @property
    def old_secret_until(self) -> datetime | None:
        """When the last of its old secrets ends."""
        return max((one.until for one in self.old_secrets), default=None)

    def rotated(self, at: datetime) -> "Subscription":
        """It with a new secret; those before sign too, for a while. Raises `TooManySecrets`."""
        old = [one for one in self.old_secrets if at < one.until]
        if len(old) >= MOST_OLD_SECRETS:
            raise TooManySecrets(until=min(one.until for one in old).isoformat())
        old.append(OldSecret(secret=self.secret, until=at + ROTATION))
        return self.next(secret=new_secret(), old_secrets=old)

    def signatures(self, message_id: str, at: datetime, body: str) -> str:
        """The header `webhook-signature`: one by each secret that is good at this time."""
        good = [self.secret, *(one.secret for one in self.old_secrets if at < one.until)]
        # the library takes the hour as it is written for UTC's, whatever zone is given
        moment = at.astimezone(UTC)
        return " ".join(Webhook(secret).sign(message_id, moment, body) for secret in good)


class Delivery(BaseModel):
    """One event for one endpoint."""

    id: str
    revision: int = 1
    subscription: str
    event: str
    """The `webhook-id`, the same for every attempt and every subscriber."""
    type: str
    state: DeliveryState = "pending"
    due_at: AwareDatetime | None
    """None if it is done, or waits for its endpoint to be enabled."""
    queued_at: AwareDatetime
    asked: bool = False
    """Its owner waits for it: it goes before others, and in a pause too."""
    attempts: int = 0
    failing_since: AwareDatetime | None = None
    attempted_at: AwareDatetime | None = None
    status: int | None = None
    """Of the last answer."""
    reason: str | None = None
    """Of the last failure."""

    def queued_again(self, at: datetime, *, asked: bool = False) -> "Delivery":
        """It as if it were new."""
        return Delivery(
            id=self.id,
            revision=self.revision + 1,
            subscription=self.subscription,
            event=self.event,
            type=self.type,
            due_at=at,
            queued_at=at,
            asked=asked,
        )


class Attempt(BaseModel):
    """What came of one request."""

    at: AwareDatetime
    status: int | None = None
    """None without an answer."""
    reason: str | None = None
    """None means that it was taken."""
    retry_after: timedelta | None = None
    made: bool = True
    """False: there is nothing to send any more, the endpoint was not asked."""


def delivery_of(
    subscription_id: str, event: PublicEvent, at: datetime, *, asked: bool = False
) -> Delivery:
    """A delivery that is due now."""
    return Delivery(
        id=f"{subscription_id}:{event.id}",
        subscription=subscription_id,
        event=event.id,
        type=event.type,
        due_at=at,
        queued_at=at,
        asked=asked,
    )


def settle(
    subscription: Subscription, delivery: Delivery, attempt: Attempt, chance: float
) -> tuple[Subscription, Delivery]:
    """Both after an attempt, the same subscription if nothing changes for it.

    `chance` is between 0 and 1, for the jitter.
    """
    settled = {"revision": delivery.revision + 1, "reason": attempt.reason, "asked": False}
    if not attempt.made:
        failed = {**settled, "state": "failed", "due_at": None}
        return subscription, delivery.model_copy(update=failed)
    done = delivery.model_copy(
        update={
            **settled,
            "attempts": delivery.attempts + 1,
            "attempted_at": attempt.at,
            "status": attempt.status,
        }
    )
    if attempt.reason is None:
        done = done.model_copy(update={"state": "delivered", "due_at": None})
        if subscription.failing_since or subscription.held_until:
            subscription = subscription.next(failing_since=None, held_until=None)
        return subscription, done
    since = delivery.failing_since or attempt.at
    wait = pause(done.attempts, chance)
    if wait is None:
        done = done.model_copy(update={"state": "failed", "due_at": None, "failing_since": since})
    else:
        due_at = attempt.at + max(wait, attempt.retry_after or wait)
        done = done.model_copy(update={"due_at": due_at, "failing_since": since})
    return _after_failure(subscription, done, attempt, wait), done


def _after_failure(
    subscription: Subscription, delivery: Delivery, attempt: Attempt, wait: timedelta | None
) -> Subscription:
    if subscription.state == "disabled":
        return subscription
    changes: dict[str, object] = {}
    failing_since = subscription.failing_since or attempt.at
    if not subscription.failing_since:
        changes["failing_since"] = failing_since
    first = delivery.failing_since or attempt.at
    if attempt.status == GONE:
        changes |= {"state": "disabled", "disabled_why": "gone"}
    elif delivery.state == "failed" and failing_since <= first:
        changes |= {"state": "disabled", "disabled_why": "failing"}
    elif attempt.status in THROTTLED:
        usual = min(wait or USUAL_HOLD, USUAL_HOLD)
        hold = usual if attempt.retry_after is None else attempt.retry_after
        changes["held_until"] = attempt.at + hold
    return subscription.next(**changes) if changes else subscription


def pause(attempts: int, chance: float) -> timedelta | None:
    """The wait after so many attempts, ± 10 %; none after the last. `chance` is in 0 to 1."""
    if attempts >= len(SCHEDULE):
        return None
    return SCHEDULE[attempts] * (1 - JITTER + 2 * JITTER * chance)


def retry_after(value: str | None, at: datetime) -> timedelta | None:
    """The wait that a header `Retry-After` asks for, of a day at most; none if it says nothing."""
    text = (value or "").strip()
    if text.isascii() and text.isdigit():
        # not made a number before it is known to be short
        asked = timedelta(seconds=int(text)) if len(text) < 8 else LONGEST_HOLD  # noqa: PLR2004
    else:
        try:
            moment = parsedate_to_datetime(text)
        except (ValueError, OverflowError):
            return None
        asked = moment.replace(tzinfo=moment.tzinfo or UTC) - at
    return max(timedelta(), min(asked, LONGEST_HOLD))
