"""`python -m services.announcements partners …`: what an admin does at a terminal."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from typing import Annotated, TypeVar

import typer
from pydantic import ValidationError

from services.announcements.api.partners import LONGEST_OVERLAP, MOST, Registration, Rules
from services.announcements.app import service
from services.announcements.domain.keys import Key
from services.announcements.domain.partners import Partner
from services.announcements.settings import Settings
from services.announcements.store.partners import Partners
from services.announcements.use_cases import partners as use_cases
from shared.cli import print_table
from shared.database import Transaction
from shared.errors import Problem

T = TypeVar("T")
SHOWN = 20
MOST_HOURS = LONGEST_OVERLAP.total_seconds() / 3_600

commands = typer.Typer(help="Partner platforms: keys, rules, deliveries.", no_args_is_help=True)

Place = Annotated[str | None, typer.Option(help="Where calls count that name no place.")]
Member = Annotated[list[str] | None, typer.Option(help="An account that looks after it.")]


@commands.command()
def add(
    slug: str,
    name: Annotated[str, typer.Option(help="As people read it.")],
    kind: Annotated[str, typer.Option(help="events, or ulule.")] = "events",
    intake: Annotated[str, typer.Option(help="submit, or hold as drafts.")] = "submit",
    per_minute: int = 600,
    member: Member = None,
    territoire: Place = None,
    ulule_slug: Annotated[str | None, typer.Option(help="Its name at Ulule.")] = None,
    email: Annotated[str | None, typer.Option(help="Where refusals are told.")] = None,
) -> None:
    """Register a partner, and print its secret, this once."""
    values = {
        "slug": slug,
        "name": name,
        "kind": kind,
        "intake": intake,
        "per_minute": per_minute,
        "members": member or [],
        "territoire": territoire,
        "ulule_slug": ulule_slug,
        "email": email,
    }
    body = _read(lambda: Registration.model_validate(values))

    async def work(tx: Transaction) -> tuple[Partner, Key]:
        partner = Partner(**body.model_dump(exclude={"email"}), created_at=tx.now)
        return await use_cases.register(tx, partner, email=body.email)

    partner, key = _run(work)
    typer.echo(f"secret  {key.value}")
    if partner.hook_secret:
        typer.echo(f"path    /partners/{slug}/hooks/{partner.hook_secret}")


@commands.command("list")
def list_() -> None:
    """All partners."""
    print_table(
        ("slug", "name", "kind", "intake", "a minute", "keys", "state"),
        (
            (
                one.slug,
                one.name,
                one.kind,
                one.intake,
                one.per_minute,
                len(one.keys),
                "suspended" if one.suspended else "active",
            )
            for one in _run(lambda tx: Partners(tx).all())
        ),
    )


@commands.command()
def show(slug: str) -> None:
    """One partner and its keys, without any secret."""
    partner = _run(lambda tx: use_cases.existing(tx, slug))
    typer.echo(f"{partner.name}: {partner.kind}, {partner.intake}, {partner.per_minute}")
    print_table(
        ("key", "kind", "since", "until"),
        (
            (
                key.id,
                key.kind,
                key.created_at.isoformat(timespec="seconds"),
                key.expires_at.isoformat(timespec="seconds") if key.expires_at else "",
            )
            for key in partner.keys
        ),
    )


@commands.command()
def rotate(
    slug: str,
    public_key: Annotated[str | None, typer.Option(help="whpk_…, its own.")] = None,
    overlap_hours: Annotated[
        float, typer.Option(min=0, max=MOST_HOURS, help="Old keys still count.")
    ] = 24,
) -> None:
    """Give it a new key, and print the secret, this once."""
    overlap = timedelta(hours=overlap_hours)
    _, key = _run(lambda tx: use_cases.rotate(tx, slug, public_key=public_key, overlap=overlap))
    typer.echo(f"key     {key.id}")
    if key.kind == "v1":
        typer.echo(f"secret  {key.value}")


@commands.command("rotate-hook")
def rotate_hook(slug: str) -> None:
    """Give it another secret path, and print it, this once; the one before is gone."""
    partner = _run(lambda tx: use_cases.rotate_hook(tx, slug))
    typer.echo(f"path    /partners/{slug}/hooks/{partner.hook_secret}")


@commands.command()
def remove(slug: str) -> None:
    """Forget a suspended partner, its address and what it has sent; its announcements stay."""
    _run(lambda tx: use_cases.remove(tx, slug))


@commands.command()
def revoke(slug: str, key: str) -> None:
    """Take one key away at once."""
    _run(lambda tx: use_cases.revoke(tx, slug, key))


@commands.command("set")
def set_(
    slug: str,
    name: str | None = None,
    intake: str | None = None,
    per_minute: int | None = None,
    member: Member = None,
    suspended: bool | None = None,
    territoire: Place = None,
    ulule_slug: Annotated[str | None, typer.Option(help="Its name at Ulule.")] = None,
    email: str | None = None,
) -> None:
    """Change its rules; what is left out stays."""
    given = {
        "name": name,
        "intake": intake,
        "per_minute": per_minute,
        "members": member,
        "suspended": suspended,
        "territoire": territoire,
        "ulule_slug": ulule_slug,
        "email": email,
    }
    given = {field: value for field, value in given.items() if value is not None}
    rules = _read(lambda: Rules.model_validate(given))
    values = rules.model_dump(exclude_unset=True, exclude={"email"})
    _run(lambda tx: use_cases.change(tx, slug, values, email=rules.email))


@commands.command()
def deliveries(
    slug: str,
    status: str | None = None,
    last: Annotated[int, typer.Option(min=1, max=MOST)] = SHOWN,
) -> None:
    """What it has sent, newest first, and what became of it."""
    page = _run(lambda tx: use_cases.deliveries(tx, slug, status=status, after=None, limit=last))
    print_table(
        ("received", "by", "status", "id", "reason"),
        (
            (
                one.received_at.isoformat(timespec="seconds"),
                one.via,
                one.status,
                one.signed_id,
                one.reason or "",
            )
            for one in page.deliveries
        ),
    )


@commands.command("delivery")
def delivery_(slug: str, delivery: str) -> None:
    """One delivery, and what became of each of its events."""
    one = _run(lambda tx: use_cases.delivery(tx, slug, delivery))
    reason = f", {one.reason}" if one.reason else ""
    typer.echo(f"{one.signed_id}: {one.status}, by {one.via}{reason}")
    print_table(
        ("reference", "type", "outcome", "reason"),
        (
            tuple(result.get(name) or "" for name in ("reference", "type", "outcome", "reason"))
            for result in one.results
        ),
    )


@commands.command()
def replay(slug: str, delivery: str) -> None:
    """Have a delivery applied once more."""
    api_url = Settings().ulule_api_url
    _run(lambda tx: use_cases.replay(tx, slug, delivery, api_url=api_url))


def _run(work: Callable[[Transaction], Awaitable[T]]) -> T:
    """Do one thing in the service's database; a refusal is one line."""

    async def once() -> T:
        database = service(Settings()).database()
        try:
            return await database.run(work)
        finally:
            database.close()

    try:
        return asyncio.run(once())
    except Problem as problem:
        typer.echo(problem.detail or problem.title, err=True)
        raise typer.Exit(1) from None


def _read(make: Callable[[], T]) -> T:
    """What was typed, checked; a mistake is one line a field."""
    try:
        return make()
    except ValidationError as exc:
        for error in exc.errors(include_url=False, include_input=False):
            typer.echo(f"{'.'.join(map(str, error['loc']))}: {error['msg']}", err=True)
        raise typer.Exit(2) from None
