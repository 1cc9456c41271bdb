"""Partner platforms: their keys and rules, and what is kept of each of their deliveries."""

import secrets
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Annotated, Any, Literal

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.announcements.domain.keys import SECRET_BYTES, Key, KeyNotUsable
from shared.errors import InvalidField, InvalidInput, NotAllowed, NotFound, Problem

PartnerKind = Literal["events", "ulule"]
Intake = Literal["submit", "hold"]
Status = Literal["accepted", "waiting", "applied", "failed", "refused", "ignored"]
Via = Literal["http", "kafka", "ulule", "pull"]

SLUG = r"[a-z0-9](?:[a-z0-9-]{0,38}[a-z0-9])"
MOST_KEYS = 5

Slug = Annotated[str, Field(pattern=f"^{SLUG}$")]


class WrongDoor(NotAllowed):
    """Ulule's partners push to their secret path, and their projects are asked for."""

    type = "wrong-door"
    title = "Ce partenaire n'envoie pas d'événements : il a une adresse à lui pour ses notes."


class PartnerUnknown(NotFound):
    """No partner has this name."""

    type = "partner-unknown"
    title = "Ce partenaire n'existe pas."


class PartnerExists(Problem):
    """Another partner has this name."""

    type = "partner-exists"
    status = 409
    title = "Un partenaire porte déjà ce nom."


class PartnerSuspended(NotAllowed):
    """An admin has suspended it; said only to who signs rightly."""

    type = "partner-suspended"
    title = "Ce partenaire est suspendu : ses envois ne sont pas pris pour l'instant."


class DeliveryUnknown(NotFound):
    """This partner has sent no delivery with this id."""

    type = "delivery-unknown"
    title = "Cet envoi n'existe pas."


class DeliveryNotReplayable(Problem):
    """What was refused at the door was not kept; what waits for Ulule is asked for anyway."""

    type = "delivery-not-replayable"
    status = 409
    title = "Cet envoi ne peut pas être rejoué : il a été refusé à son arrivée, ou attend encore."


class Partner(BaseModel):
    """A platform that pushes its calls."""

    model_config = ConfigDict(frozen=True)

    slug: str
    name: str
    kind: PartnerKind = "events"
    intake: Intake = "submit"
    """Whether what is new goes to the moderators at once, or waits as a draft."""
    territoire: str | None = None
    """Where its calls count that name no place."""
    per_minute: int = 600
    members: list[str] = []
    """Accounts that may look after its deliveries and keys."""
    keys: list[Key] = []
    hook_secret: str | None = None
    """Of kind `ulule`: the secret part of the path that it pushes to."""
    ulule_slug: str | None = None
    """Its name at Ulule, whose online projects are looked at."""
    suspended: bool = False
    created_at: AwareDatetime
    revision: int = 1

    def valid_keys(self, at: datetime) -> list[Key]:
        """The keys that count now."""
        return [key for key in self.keys if key.is_valid(at)]


class Delivery(BaseModel):
    """One delivery as it came, and what became of it."""

    model_config = ConfigDict(frozen=True)

    id: str
    """`delivery_id(partner, signed_id)`."""
    partner: str
    received_at: AwareDatetime
    status: Status
    reason: str | None = None
    results: list[dict[str, Any]] = []
    """Per event: `reference`, `type`, `outcome`, `reason`."""
    body: bytes = b""
    content_type: str = ""
    attributes: dict[str, str] = {}
    """CloudEvents attributes that came as headers."""
    fingerprint: str = ""
    answer: dict[str, Any] = {}
    via: Via

    @property
    def signed_id(self) -> str:
        """As its sender names it."""
        return self.id.removeprefix(delivery_id(self.partner, ""))


def delivery_id(slug: str, signed_id: str) -> str:
    """The id of a partner's delivery here."""
    return f"{slug}:{signed_id}"


def new_hook_secret() -> str:
    """A fresh secret part of a path."""
    return secrets.token_urlsafe(SECRET_BYTES)


def check(partner: Partner) -> Partner:
    """The same partner; raises `InvalidInput` if its parts do not go together."""
    if partner.ulule_slug and partner.kind != "ulule":
        # what it pushes itself may have a project's number: a round would take it for one
        message = "Seul un partenaire de type « ulule » a un nom chez Ulule."
        invalid = [InvalidField("ulule_slug", "foreign_field", message)]
        raise InvalidInput(message, invalid=invalid)
    return partner


def rotate(partner: Partner, key: Key, *, overlap: timedelta, at: datetime) -> Partner:
    """The partner with a new key; those before count until the overlap is over."""
    ends = at + overlap
    before = [
        one if one.expires_at and one.expires_at < ends else _until(one, ends)
        for one in partner.keys
        if one.is_valid(at)
    ]
    if len(before) >= MOST_KEYS:
        raise KeyNotUsable("Trop de clés sont encore valables : retirez-en une d'abord.")
    return changed(partner, keys=[*before, key])


def without_key(partner: Partner, key_id: str) -> Partner:
    """The partner without one of its keys; raises `NotFound`."""
    kept = [one for one in partner.keys if one.id != key_id]
    if len(kept) == len(partner.keys):
        raise NotFound
    return changed(partner, keys=kept)


def changed(partner: Partner, **values: object) -> Partner:
    """The next revision of a partner."""
    return partner.model_copy(update={**values, "revision": partner.revision + 1})


def status_of(results: Iterable[dict[str, Any]]) -> Status:
    """What became of a whole delivery."""
    outcomes = [one["outcome"] for one in results]
    if "refused" in outcomes:
        return "failed"
    return "ignored" if outcomes and set(outcomes) == {"ignored"} else "applied"


def _until(key: Key, ends: datetime) -> Key:
    return key.model_copy(update={"expires_at": ends})
