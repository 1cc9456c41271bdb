"""Looking after partners over HTTP: for admins, and for the partner's own members."""

from datetime import timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Query, Request
from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from services.announcements.domain.calls import Line
from services.announcements.domain.keys import Key, KeyKind
from services.announcements.domain.partners import (
    Delivery,
    Intake,
    Partner,
    PartnerKind,
    Slug,
    Status,
    Via,
)
from services.announcements.domain.territories import Territory
from services.announcements.settings import Settings
from services.announcements.store.partners import Partners
from services.announcements.use_cases import partners as use_cases
from shared.auth import Admin, SignedIn
from shared.service import RequestTx

MOST = 100
EMPTIED = frozenset({"ulule_slug", "territoire"})
"""Rules that null takes away."""

router = APIRouter(prefix="/partners", tags=["partners"])

Address = Annotated[str, Field(pattern=r"^[^@\s<>]+@[^@\s<>]+\.[^@\s<>]+$", max_length=254)]
PerMinute = Annotated[int, Field(strict=True, ge=1, le=1_000_000)]
Members = Annotated[list[Annotated[str, Field(min_length=1, max_length=200)]], Field(max_length=50)]
LONGEST_OVERLAP = timedelta(days=30)
Overlap = Annotated[timedelta, Field(ge=timedelta(0), le=LONGEST_OVERLAP)]


class Registration(BaseModel):
    """A partner to be."""

    model_config = ConfigDict(extra="forbid")

    slug: Slug
    name: Line
    kind: PartnerKind = "events"
    intake: Intake = "submit"
    territoire: Territory | None = None
    """Where its calls count that name no place."""
    per_minute: PerMinute = 600
    members: Members = []
    ulule_slug: Slug | None = None
    email: Address | None = None
    """Where refusals are told; not shown again."""


class Rules(BaseModel):
    """What may be changed."""

    model_config = ConfigDict(extra="forbid")

    name: Line | None = None
    intake: Intake | None = None
    territoire: Territory | None = None
    per_minute: PerMinute | None = None
    members: Members | None = None
    ulule_slug: Slug | None = None
    suspended: bool | None = None
    email: Address | None = None


class NewKey(BaseModel):
    """A rotation: without `public_key`, a secret is made here."""

    model_config = ConfigDict(extra="forbid")

    public_key: Annotated[str, Field(max_length=200)] | None = None
    """`whpk_…`: the partner's own ed25519 key."""
    overlap: Overlap = timedelta(days=1)
    """How long the keys before still count (ISO 8601)."""


class KeyShown(BaseModel):
    """A key, without its secret."""

    model_config = ConfigDict(from_attributes=True)

    id: str
    kind: KeyKind
    created_at: AwareDatetime
    expires_at: AwareDatetime | None


class PartnerShown(BaseModel):
    """A partner, without any secret."""

    model_config = ConfigDict(from_attributes=True)

    slug: str
    name: str
    kind: PartnerKind
    intake: Intake
    territoire: str | None
    per_minute: int
    members: list[str]
    ulule_slug: str | None
    suspended: bool
    created_at: AwareDatetime
    keys: list[KeyShown]


class PartnerMade(PartnerShown):
    """With its secrets, shown this once."""

    secret: str
    hook_secret: str | None = None
    """Of kind `ulule`: pushes go to `/partners/{slug}/hooks/{hook_secret}`."""


class KeyMade(KeyShown):
    """A new key, its secret shown this once."""

    secret: str | None = None


class HookMade(BaseModel):
    """A new secret path, shown this once."""

    hook_secret: str


class DeliveryShown(BaseModel):
    """A delivery and what became of it; never its body."""

    id: str
    received_at: AwareDatetime
    status: Status
    reason: str | None
    via: Via
    results: list[dict[str, Any]]


class DeliveryPage(BaseModel):
    """Part of the list; `next` goes into `after`."""

    items: list[DeliveryShown]
    next: str | None


@router.post("", status_code=201)
async def register(body: Registration, _: Admin, tx: RequestTx) -> PartnerMade:
    """Register a partner; its secret is in this answer and in no other."""
    partner = Partner(**body.model_dump(exclude={"email"}), created_at=tx.now)
    partner, key = await use_cases.register(tx, partner, email=body.email)
    shown = PartnerShown.model_validate(partner).model_dump()
    return PartnerMade(**shown, secret=key.value, hook_secret=partner.hook_secret)


@router.get("")
async def list_(_: Admin, tx: RequestTx) -> list[PartnerShown]:
    """All partners."""
    return [PartnerShown.model_validate(one) for one in await Partners(tx).all()]


@router.get("/{slug}")
async def get(slug: str, account: SignedIn, tx: RequestTx) -> PartnerShown:
    """One partner."""
    return PartnerShown.model_validate(await use_cases.looked_after(tx, slug, account))


@router.patch("/{slug}")
async def change(slug: str, body: Rules, _: Admin, tx: RequestTx) -> PartnerShown:
    """Change its rules; what is left out stays."""
    values = body.model_dump(exclude_unset=True, exclude={"email"})
    kept = {name: value for name, value in values.items() if value is not None or name in EMPTIED}
    return PartnerShown.model_validate(await use_cases.change(tx, slug, kept, email=body.email))


@router.delete("/{slug}", status_code=204)
async def remove(slug: str, _: Admin, tx: RequestTx) -> None:
    """Forget a suspended partner, its address and what it has sent; its announcements stay."""
    await use_cases.remove(tx, slug)


@router.post("/{slug}/keys", status_code=201)
async def rotate(slug: str, body: NewKey, account: SignedIn, tx: RequestTx) -> KeyMade:
    """Give it a new key; the ones before count until the overlap is over."""
    await use_cases.looked_after(tx, slug, account)
    _, key = await use_cases.rotate(tx, slug, public_key=body.public_key, overlap=body.overlap)
    return _made(key)


@router.delete("/{slug}/keys/{key_id}", status_code=204)
async def revoke(slug: str, key_id: str, account: SignedIn, tx: RequestTx) -> None:
    """Take one key away at once."""
    await use_cases.looked_after(tx, slug, account)
    await use_cases.revoke(tx, slug, key_id)


@router.post("/{slug}/hook", status_code=201)
async def rotate_hook(slug: str, _: Admin, tx: RequestTx) -> HookMade:
    """Give it another secret path; the one before is gone at once."""
    partner = await use_cases.rotate_hook(tx, slug)
    return HookMade(hook_secret=partner.hook_secret or "")


@router.get("/{slug}/deliveries")
async def deliveries(
    slug: str,
    account: SignedIn,
    tx: RequestTx,
    status: Status | None = None,
    after: Annotated[str | None, Query(max_length=300)] = None,
    limit: Annotated[int, Query(ge=1, le=MOST)] = MOST,
) -> DeliveryPage:
    """What it has sent in the last 30 days, newest first."""
    await use_cases.looked_after(tx, slug, account)
    page = await use_cases.deliveries(tx, slug, status=status, after=after, limit=limit)
    return DeliveryPage(items=[_shown(one) for one in page.deliveries], next=page.next)


@router.get("/{slug}/deliveries/{delivery_id}")
async def delivery(slug: str, delivery_id: str, account: SignedIn, tx: RequestTx) -> DeliveryShown:
    """One delivery, by its signed id."""
    await use_cases.looked_after(tx, slug, account)
    return _shown(await use_cases.delivery(tx, slug, delivery_id))


@router.post("/{slug}/deliveries/{delivery_id}/replay", status_code=202)
async def replay(
    slug: str, delivery_id: str, account: SignedIn, tx: RequestTx, request: Request
) -> DeliveryShown:
    """Have a delivery applied once more."""
    await use_cases.looked_after(tx, slug, account)
    settings: Settings = request.app.state.settings
    again = await use_cases.replay(tx, slug, delivery_id, api_url=settings.ulule_api_url)
    return _shown(again)


def _made(key: Key) -> KeyMade:
    shown = KeyShown.model_validate(key).model_dump()
    return KeyMade(**shown, secret=key.value if key.kind == "v1" else None)


def _shown(delivery: Delivery) -> DeliveryShown:
    shown = delivery.model_dump(include=DeliveryShown.model_fields.keys() - {"id"})
    return DeliveryShown(**shown, id=delivery.signed_id)
