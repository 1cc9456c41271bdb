"""What becomes of a delivery, with a mail server and rows in memory."""

import hashlib
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from email.message import EmailMessage

import pytest
from aiosmtplib import (
    SMTPDataError,
    SMTPNotSupported,
    SMTPRecipientRefused,
    SMTPRecipientsRefused,
    SMTPSenderRefused,
)

from services.notifications import domain, sender
from services.notifications.domain import Delivery, State
from services.notifications.rendering import Renderer
from services.notifications.sender import Mailer, MailServerAway, Post
from services.notifications.settings import Settings
from services.notifications.store import Outgoing
from shared.database import Document
from shared.events import Author, FieldChange
from shared.events.moderation import ReviewOpened
from shared.links import Links

KEY = "a-key-of-thirty-two-characters-or-more"
START = datetime(2026, 11, 23, 9, tzinfo=UTC)
SETTINGS = Settings(link_key=KEY, moderators=("mo@equipe.example", "ma@equipe.example"))
ALI = "account:ali"


def digest(address: str) -> str:
    return hashlib.sha256(address.encode()).hexdigest()


class Rows(Outgoing):
    """Deliveries and contacts in memory."""

    def __init__(self, contacts: Mapping[str, Document]) -> None:
        self.contacts = dict(contacts)
        self.rows: dict[str, Delivery] = {}

    def _set(self, delivery_id: str, **changes: object) -> None:
        self.rows[delivery_id] = self.rows[delivery_id].model_copy(update=changes)

    async def due(self, moment: datetime, limit: int) -> list[Delivery]:
        due = [row for row in self.rows.values() if row.due_at and row.due_at <= moment]
        return due[:limit]

    async def contact(self, key: str) -> Document | None:
        return self.contacts.get(key)

    async def note_sent(self, delivery_id: str, digest: str) -> None:
        self._set(delivery_id, sent=[*self.rows[delivery_id].sent, digest])

    async def note_rejected(self, delivery_id: str, digest: str, error: str) -> None:
        rejected = [*self.rows[delivery_id].rejected, digest]
        self._set(delivery_id, rejected=rejected, error=error)

    async def finish(
        self, delivery: Delivery, state: State, moment: datetime, error: str | None = None
    ) -> None:
        self._set(
            delivery.id,
            state=state,
            done_at=moment,
            due_at=None,
            attempts=delivery.attempts + 1,
            error=error or self.rows[delivery.id].error,
        )

    async def postpone(
        self, delivery: Delivery, error: str, *, since: datetime, due_at: datetime
    ) -> None:
        self._set(
            delivery.id,
            error=error,
            failing_since=since,
            due_at=due_at,
            attempts=delivery.attempts + 1,
        )


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
        self.rows = Rows(
            {
                "ali": {"addresses": ["ali@example.org"]},
                "nina": {"addresses": ["nina@example.org"]},
                "venue:v1": {"addresses": ["un@lieu.example", "deux@lieu.example"]},
            }
        )
        self.server = Server()
        self.held = True
        self.moment = START
        monkeypatch.setattr(sender, "now", lambda: self.moment)
        monkeypatch.setattr("random.random", lambda: 1.0)
        self.mailer = Mailer(
            SETTINGS,
            renderer=Renderer(Links(KEY), moderation_url="http://m", directory_url="http://d"),
            outgoing=self.rows,
            post=self.server,
            may_go_on=lambda: self.held,
        )

    def add(self, recipient: str, case_id: str = "c1", *, withheld: bool = False) -> str:
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
        [row] = domain.deliveries(event, notices, correlation_id="corr-1", moment=self.moment)
        self.rows.rows[row.id] = row
        return row.id

    async def after(self, wait: timedelta = timedelta(0)) -> None:
        self.moment += wait
        await self.mailer.send_due()

    def row(self, delivery_id: str) -> Delivery:
        return self.rows.rows[delivery_id]


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


def refuses(code: int, address: str) -> SMTPRecipientsRefused:
    return SMTPRecipientsRefused([SMTPRecipientRefused(code, f"no: {address}", address)])


async def test_a_mail_is_sent_once_and_noted_by_its_digest(desk: Desk) -> None:
    one = desk.add(ALI)
    await desk.after()
    await desk.after(timedelta(hours=1))

    assert desk.server.written_to == ["ali@example.org"]
    row = desk.row(one)
    assert (row.state, row.attempts, row.due_at, row.done_at) == ("sent", 1, None, START)
    assert row.sent == [digest("ali@example.org")]
    assert "ali@example.org" not in row.model_dump_json()


async def test_every_address_of_a_recipient_gets_its_own(desk: Desk) -> None:
    desk.add("venue:v1")
    desk.add("moderators", "a1")
    await desk.after()
    assert desk.server.written_to == [
        "un@lieu.example",
        "deux@lieu.example",
        "mo@equipe.example",
        "ma@equipe.example",
    ]
    assert all(message["To"] == address for address, message in desk.server.taken)
    assert len({message["Message-ID"] for _, message in desk.server.taken}) == 4


async def test_an_address_that_has_its_mail_gets_no_other(desk: Desk) -> None:
    one = desk.add("venue:v1")
    await desk.rows.note_sent(one, digest("un@lieu.example"))
    await desk.after()
    assert desk.server.written_to == ["deux@lieu.example"]
    assert desk.row(one).state == "sent"


async def test_a_server_that_is_away_is_tried_again_later_and_later(desk: Desk) -> None:
    one = desk.add(ALI)
    desk.server.answers["ali@example.org"] = MailServerAway("SMTPConnectError")
    pauses = []
    for _ in range(4):
        await desk.after((desk.row(one).due_at or desk.moment) - desk.moment)
        pauses.append(((desk.row(one).due_at or START) - desk.moment).total_seconds())
    assert pauses == [1, 2, 4, 8]
    assert desk.row(one).error == "MailServerAway SMTPConnectError"
    assert desk.row(one).state == "pending"

    desk.server.answers.clear()
    await desk.after(timedelta(seconds=8))
    assert (desk.row(one).state, desk.row(one).attempts) == ("sent", 5)


async def test_it_gives_up_after_five_days_of_failure(desk: Desk) -> None:
    one = desk.add(ALI)
    desk.server.answers["ali@example.org"] = refuses(451, "ali@example.org")
    # however long nobody sent anything: five days count from the first attempt
    await desk.after(timedelta(days=9))
    assert desk.row(one).state == "pending"
    await desk.after(timedelta(days=4, hours=23))
    assert desk.row(one).state == "pending"
    await desk.after(timedelta(hours=1))
    assert (desk.row(one).state, desk.row(one).due_at) == ("failed", None)
    assert desk.row(one).error == "SMTPRecipientsRefused 451"


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (refuses(550, "un@lieu.example"), "SMTPRecipientsRefused 550"),
        (SMTPDataError(554, "spam un@lieu.example"), "SMTPDataError 554"),
        (SMTPNotSupported("SMTPUTF8"), "SMTPNotSupported"),
    ],
)
async def test_a_refused_address_does_not_keep_the_others_from_theirs(
    desk: Desk, answer: Exception, error: str
) -> None:
    one = desk.add("venue:v1")
    desk.server.answers["un@lieu.example"] = answer
    await desk.after()
    await desk.after(timedelta(days=1))

    assert desk.server.written_to == ["deux@lieu.example"]
    row = desk.row(one)
    assert (row.state, row.error, row.attempts) == ("sent", error, 1)
    assert row.rejected == [digest("un@lieu.example")]


async def test_a_recipient_without_any_good_address_is_rejected_at_once(desk: Desk) -> None:
    desk.rows.contacts["ali"] = {"addresses": ["pas une adresse"]}
    one = desk.add(ALI)
    await desk.after()
    assert (desk.row(one).state, desk.row(one).error) == ("rejected", "AddressInvalid")
    assert desk.server.taken == []


async def test_a_passing_refusal_of_one_address_is_tried_again_for_that_one(desk: Desk) -> None:
    one = desk.add("venue:v1")
    desk.server.answers["un@lieu.example"] = refuses(450, "un@lieu.example")
    await desk.after()
    assert desk.row(one).state == "pending"
    desk.server.answers.clear()
    await desk.after(timedelta(seconds=1))
    assert desk.server.written_to == ["deux@lieu.example", "un@lieu.example"]
    assert desk.row(one).state == "sent"


async def test_each_address_has_its_own_fate(desk: Desk) -> None:
    one = desk.add("venue:v1")
    desk.server.answers = {
        "un@lieu.example": refuses(550, "un@lieu.example"),
        "deux@lieu.example": refuses(450, "deux@lieu.example"),
    }
    await desk.after()
    assert (desk.row(one).state, desk.row(one).sent) == ("pending", [])
    # were it asked again, the server would take it now
    desk.server.answers.clear()
    await desk.after(timedelta(seconds=1))
    assert desk.server.written_to == ["deux@lieu.example"]
    assert desk.row(one).state == "sent"


async def test_a_mail_that_some_have_is_sent_whatever_becomes_of_the_last(desk: Desk) -> None:
    one = desk.add("venue:v1")
    desk.server.answers["deux@lieu.example"] = refuses(450, "deux@lieu.example")
    await desk.after()
    desk.server.answers["deux@lieu.example"] = refuses(550, "deux@lieu.example")
    await desk.after(timedelta(seconds=1))
    assert (desk.row(one).state, len(desk.row(one).rejected)) == ("sent", 1)


async def test_a_server_that_refuses_us_does_not_speak_of_the_recipient(desk: Desk) -> None:
    one = desk.add(ALI)
    desk.server.answers["ali@example.org"] = SMTPSenderRefused(530, "log in", "us@example.org")
    await desk.after()
    assert (desk.row(one).state, desk.row(one).error) == ("pending", "SMTPSenderRefused 530")


async def test_an_unknown_contact_is_awaited_for_a_day(desk: Desk) -> None:
    del desk.rows.contacts["ali"]
    one = desk.add(ALI)
    await desk.after()
    assert (desk.row(one).state, desk.row(one).error) == ("pending", "ContactUnknown")
    await desk.after(timedelta(hours=23))
    assert desk.row(one).state == "pending"
    await desk.after(timedelta(hours=1))
    assert (desk.row(one).state, desk.row(one).due_at) == ("unreachable", None)


async def test_a_contact_that_comes_in_time_gets_its_mail(desk: Desk) -> None:
    contact = desk.rows.contacts.pop("ali")
    one = desk.add(ALI)
    await desk.after()
    desk.rows.contacts["ali"] = contact
    await desk.after(timedelta(seconds=1))
    assert desk.row(one).state == "sent"


def text(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body
    return str(body.get_content())


async def test_withheld_addresses_are_awaited_then_shown(desk: Desk) -> None:
    one = desk.add(ALI, withheld=True)
    await desk.after()
    assert (desk.row(one).state, desk.row(one).error) == ("pending", "AddressesNotYetThere")
    desk.rows.contacts["proposal:c1"] = {"old": ["vieux@x.example"], "new": ["neuf@x.example"]}
    await desk.after(timedelta(seconds=1))
    [(_, message)] = desk.server.taken
    assert "vieux@x.example" in text(message)
    assert "neuf@x.example" in text(message)
    assert "neuf@x.example" not in desk.row(one).model_dump_json()


async def test_without_its_withheld_addresses_a_mail_goes_after_a_minute(desk: Desk) -> None:
    one = desk.add(ALI, withheld=True)
    while desk.row(one).state == "pending":
        await desk.after((desk.row(one).due_at or desk.moment) - desk.moment)
    assert desk.moment == START + timedelta(seconds=60)
    [(_, message)] = desk.server.taken
    assert "(adresses non affichées)" in text(message)


@pytest.mark.parametrize(
    ("field", "value", "error"),
    [
        ("event_json", "{}", "ValidationError"),
        ("event_type", "FromTheFuture", "KeyError"),
        ("template", "from_the_future", "TemplateNotFound"),
    ],
)
async def test_a_row_that_cannot_be_rendered_does_not_block_the_next(
    desk: Desk, field: str, value: str, error: str
) -> None:
    bad = desk.add(ALI)
    # as the store reads it
    row = Delivery.model_validate(desk.row(bad).model_dump() | {field: value})
    desk.rows.rows[bad] = row
    good = desk.add(ALI, "c2")
    await desk.after()
    assert (desk.row(bad).state, desk.row(bad).error) == ("pending", error)
    assert desk.row(good).state == "sent"


async def test_without_the_lease_nothing_is_sent(desk: Desk) -> None:
    one = desk.add(ALI)
    desk.held = False
    await desk.after()
    assert desk.server.taken == []
    assert desk.row(one).attempts == 0


async def test_mails_run_under_their_events_correlation_id(desk: Desk) -> None:
    desk.add(ALI)
    await desk.after()
    [(_, message)] = desk.server.taken
    assert message["X-Correlation-Id"] == "corr-1"
