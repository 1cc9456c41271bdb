"""A mailer with a mail server, rows and a clock in memory."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage
from typing import cast

import pytest

from services.notifications import domain, sender
from services.notifications.domain import Delivery
from services.notifications.rendering.mails import Renderer
from services.notifications.sender import Mailer, Post
from services.notifications.settings import Settings
from services.notifications.store import Deliveries, Outgoing
from shared.database import Database, Document
from shared.events import Author, FieldChange
from shared.events.moderation import ReviewOpened
from shared.events.notifications import Notice
from shared.links import Links
from tests.unit.notifications_memory import Memory

KEY = "a-key-of-thirty-two-characters-or-more"
START = datetime(2026, 11, 23, 9, tzinfo=UTC)
SETTINGS = Settings(link_key=KEY, moderators=("mo@equipe.example", "ma@equipe.example"))


class Rows(Outgoing):
    """Deliveries and contacts in memory."""

    def __init__(self, memory: Memory, contacts: Mapping[str, Document]) -> None:
        self.memory = memory
        self.contacts = dict(contacts)

    async def _set(self, delivery_id: str, **changes: object) -> None:
        row = self.memory.rows("deliveries")[delivery_id]
        await self.memory["deliveries"].put(row | changes)

    async def due(self, moment: datetime, limit: int) -> list[Delivery]:
        rows = self.memory.rows("deliveries").values()
        due = [row for row in rows if row.get("due_at") and row["due_at"] <= moment]
        return [delivery(row) for row in due][:limit]

    async def contact(self, key: str) -> Document | None:
        return self.contacts.get(key)

    async def note_sent(self, delivery_id: str, name: str) -> None:
        sent = self.memory.rows("deliveries")[delivery_id]["sent"]
        await self._set(delivery_id, sent=[*sent, name])

    async def note_rejected(self, delivery_id: str, name: str, error: str) -> None:
        rejected = self.memory.rows("deliveries")[delivery_id]["rejected"]
        await self._set(delivery_id, rejected=[*rejected, name], error=error)

    async def postpone(
        self, delivery: Delivery, error: str, *, since: datetime, due_at: datetime
    ) -> None:
        await self._set(
            delivery.id,
            error=error,
            failing_since=since,
            due_at=due_at,
            attempts=delivery.attempts + 1,
        )


def delivery(row: Document) -> Delivery:
    return Delivery.model_validate({"due_at": None, **row, "id": row["_id"]})


class Server(Post):
    """A mail server: what it took, and what it answers to whom."""

    def __init__(self) -> None:
        self.taken: list[tuple[str, EmailMessage]] = []
        self.answers: dict[str, Exception] = {}

    async def send(self, message: EmailMessage, address: str) -> None:
        if address in self.answers:
            raise self.answers[address]
        self.taken.append((address, message))

    async def close(self) -> None:
        pass

    @property
    def written_to(self) -> list[str]:
        return [address for address, _ in self.taken]


class Desk:
    """A mailer with its rows, its server and its clock."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.memory = Memory()
        self.rows = Rows(
            self.memory,
            {
                "ali": {"addresses": ["ali@example.org"]},
                "nina": {"addresses": ["nina@example.org"]},
                "venue:v1": {"addresses": ["un@lieu.example", "deux@lieu.example"]},
            },
        )
        self.server = Server()
        self.held = True
        self.moment = START
        monkeypatch.setattr(sender, "now", lambda: self.moment)
        monkeypatch.setattr("random.random", lambda: 1.0)
        self.mailer = Mailer(
            SETTINGS,
            renderer=Renderer(Links(KEY), moderation_url="http://m", directory_url="http://d"),
            database=cast(Database, self.memory),
            outgoing=self.rows,
            post=self.server,
            may_go_on=lambda: self.held,
        )

    async def add(self, recipient: str, case_id: str = "c1", *, withheld: bool = False) -> str:
        event = ReviewOpened(
            case_id=case_id,
            revision=1,
            kind="announcement" if recipient == "moderators" else "edit",
            venue_id="v1",
            title="Médiathèque",
            changes=[FieldChange(field="courriels", withheld=True)] if withheld else [],
            author=Author(account_id="nina"),
            managers=["ali"],
            public_addresses=1,
            opened_at=START,
        )
        notices = [one for one in domain.plan(event) if one.recipient == recipient]
        [row] = domain.deliveries(
            event, notices, correlation_id="corr-1", secret="s", moment=self.moment
        )
        await self.keep(row)
        return row.id

    async def keep(self, row: Delivery) -> None:
        await Deliveries(self.memory).put(row)

    async def after(self, wait: timedelta = timedelta(0)) -> None:
        self.moment += wait
        self.memory.now = self.moment
        await self.mailer.send_due()

    def row(self, delivery_id: str) -> Delivery:
        return delivery(self.memory.rows("deliveries")[delivery_id])

    def notices(self) -> list[tuple[str, str]]:
        """What the others hear: what became of the mails to whom."""
        events = [one for one in self.memory.published.values() if isinstance(one, Notice)]
        return [(type(one).__name__, one.recipient) for one in events]
