"""What becomes of a delivery, with a mail server and rows in memory."""

from datetime import timedelta
from email.message import EmailMessage

import pytest
from aiosmtplib import (
    SMTPDataError,
    SMTPNotSupported,
    SMTPRecipientRefused,
    SMTPRecipientsRefused,
    SMTPSenderRefused,
)

from services.notifications import use_cases
from services.notifications.domain import Delivery, mail_name
from services.notifications.sender import MailServerAway
from tests.unit.notifications_desk import START, Desk

ALI = "account:ali"


@pytest.fixture
def desk(monkeypatch: pytest.MonkeyPatch) -> Desk:
    return Desk(monkeypatch)


def refuses(code: int, address: str) -> SMTPRecipientsRefused:
    return SMTPRecipientsRefused([SMTPRecipientRefused(code, f"no: {address}", address)])


async def test_a_mail_is_sent_once_and_noted_by_its_digest(desk: Desk) -> None:
    one = await desk.add(ALI)
    await desk.after()
    await desk.after(timedelta(hours=1))

    assert desk.server.written_to == ["ali@example.org"]
    row = desk.row(one)
    assert (row.state, row.attempts, row.due_at, row.done_at) == ("sent", 1, None, START)
    assert row.sent == [mail_name(row, "ali@example.org")]
    [(_, message)] = desk.server.taken
    assert str(message["Message-ID"]).startswith(f"<{row.sent[0]}@")
    assert "ali@example.org" not in row.model_dump_json()


async def test_every_address_of_a_recipient_gets_its_own(desk: Desk) -> None:
    await desk.add("venue:v1")
    await desk.add("moderators", "a1")
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
    one = await desk.add("venue:v1")
    await desk.rows.note_sent(one, mail_name(desk.row(one), "un@lieu.example"))
    await desk.after()
    assert desk.server.written_to == ["deux@lieu.example"]
    assert desk.row(one).state == "sent"


async def test_a_server_that_is_away_is_tried_again_later_and_later(desk: Desk) -> None:
    one = await desk.add(ALI)
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
    one = await desk.add(ALI)
    desk.server.answers["ali@example.org"] = refuses(451, "ali@example.org")
    # however long nobody sent anything: five days count from the first attempt
    await desk.after(timedelta(days=9))
    assert desk.row(one).state == "pending"
    await desk.after(timedelta(days=4, hours=23))
    assert desk.row(one).state == "pending"
    await desk.after(timedelta(hours=1))
    assert (desk.row(one).state, desk.row(one).due_at) == ("failed", None)
    assert desk.row(one).error == "SMTPRecipientsRefused 451"
    assert desk.notices() == [("NoticeBounced", ALI)]


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
    one = await desk.add("venue:v1")
    desk.server.answers["un@lieu.example"] = answer
    await desk.after()
    await desk.after(timedelta(days=1))

    assert desk.server.written_to == ["deux@lieu.example"]
    row = desk.row(one)
    assert (row.state, row.error, row.attempts) == ("sent", error, 1)
    assert row.rejected == [mail_name(row, "un@lieu.example")]
    assert desk.notices() == [("NoticeSent", "venue:v1")]


async def test_a_recipient_without_any_good_address_is_rejected_at_once(desk: Desk) -> None:
    desk.rows.contacts["ali"] = {"addresses": ["pas une adresse"]}
    one = await desk.add(ALI)
    await desk.after()
    assert (desk.row(one).state, desk.row(one).error) == ("rejected", "AddressInvalid")
    assert desk.server.taken == []
    assert desk.notices() == [("NoticeBounced", ALI)]


async def test_a_passing_refusal_of_one_address_is_tried_again_for_that_one(desk: Desk) -> None:
    one = await desk.add("venue:v1")
    desk.server.answers["un@lieu.example"] = refuses(450, "un@lieu.example")
    await desk.after()
    assert desk.row(one).state == "pending"
    desk.server.answers.clear()
    await desk.after(timedelta(seconds=1))
    assert desk.server.written_to == ["deux@lieu.example", "un@lieu.example"]
    assert desk.row(one).state == "sent"


async def test_each_address_has_its_own_fate(desk: Desk) -> None:
    one = await desk.add("venue:v1")
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
    one = await desk.add("venue:v1")
    desk.server.answers["deux@lieu.example"] = refuses(450, "deux@lieu.example")
    await desk.after()
    desk.server.answers["deux@lieu.example"] = refuses(550, "deux@lieu.example")
    await desk.after(timedelta(seconds=1))
    assert (desk.row(one).state, len(desk.row(one).rejected)) == ("sent", 1)


async def test_a_recipient_with_one_mail_was_told_when_the_other_is_given_up(desk: Desk) -> None:
    one = await desk.add("venue:v1")
    desk.server.answers["deux@lieu.example"] = refuses(450, "deux@lieu.example")
    await desk.after()
    await desk.after(timedelta(days=5))
    assert (desk.row(one).state, desk.row(one).error) == ("sent", "SMTPRecipientsRefused 450")
    assert desk.notices() == [("NoticeSent", "venue:v1")]


async def test_a_mail_that_came_back_during_the_last_attempts_was_not_told(desk: Desk) -> None:
    one = await desk.add("venue:v1")
    desk.server.answers["deux@lieu.example"] = refuses(450, "deux@lieu.example")
    await desk.after()
    [name] = desk.row(one).sent
    await use_cases.note_bounce(desk.memory, name)
    desk.server.answers["deux@lieu.example"] = refuses(550, "deux@lieu.example")
    await desk.after(timedelta(seconds=1))
    assert (desk.row(one).state, len(desk.row(one).rejected)) == ("rejected", 2)
    assert desk.notices() == [("NoticeBounced", "venue:v1")]


async def test_a_mail_noted_before_a_kill_is_not_sent_again_but_published(desk: Desk) -> None:
    one = await desk.add(ALI)
    await desk.rows.note_sent(one, mail_name(desk.row(one), "ali@example.org"))
    await desk.after()
    assert desk.server.taken == []
    assert desk.notices() == [("NoticeSent", ALI)]


async def test_a_server_that_refuses_us_does_not_speak_of_the_recipient(desk: Desk) -> None:
    one = await desk.add(ALI)
    desk.server.answers["ali@example.org"] = SMTPSenderRefused(530, "log in", "us@example.org")
    await desk.after()
    assert (desk.row(one).state, desk.row(one).error) == ("pending", "SMTPSenderRefused 530")


async def test_an_unknown_contact_is_awaited_for_a_day(desk: Desk) -> None:
    del desk.rows.contacts["ali"]
    one = await desk.add(ALI)
    await desk.after()
    assert (desk.row(one).state, desk.row(one).error) == ("pending", "ContactUnknown")
    await desk.after(timedelta(hours=23))
    assert desk.row(one).state == "pending"
    await desk.after(timedelta(hours=1))
    assert (desk.row(one).state, desk.row(one).due_at) == ("unreachable", None)
    assert desk.notices() == [("NoticeBounced", ALI)]


async def test_a_contact_that_comes_in_time_gets_its_mail(desk: Desk) -> None:
    contact = desk.rows.contacts.pop("ali")
    one = await desk.add(ALI)
    await desk.after()
    desk.rows.contacts["ali"] = contact
    await desk.after(timedelta(seconds=1))
    assert desk.row(one).state == "sent"


def text(message: EmailMessage) -> str:
    body = message.get_body(("plain",))
    assert body
    return str(body.get_content())


async def test_withheld_addresses_are_awaited_then_shown(desk: Desk) -> None:
    one = await desk.add(ALI, withheld=True)
    await desk.after()
    assert (desk.row(one).state, desk.row(one).error) == ("pending", "AddressesNotYetThere")
    desk.rows.contacts["proposal:c1"] = {"old": ["vieux@x.example"], "new": ["neuf@x.example"]}
    await desk.after(timedelta(seconds=1))
    [(_, message)] = desk.server.taken
    assert "vieux@x.example" in text(message)
    assert "neuf@x.example" in text(message)
    assert "neuf@x.example" not in desk.row(one).model_dump_json()


async def test_without_its_withheld_addresses_a_mail_goes_after_a_minute(desk: Desk) -> None:
    one = await desk.add(ALI, withheld=True)
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
    bad = await desk.add(ALI)
    # as the store reads it
    await desk.keep(Delivery.model_validate(desk.row(bad).model_dump() | {field: value}))
    good = await desk.add(ALI, "c2")
    await desk.after()
    assert (desk.row(bad).state, desk.row(bad).error) == ("pending", error)
    assert desk.row(good).state == "sent"


async def test_without_the_lease_nothing_is_sent(desk: Desk) -> None:
    one = await desk.add(ALI)
    desk.held = False
    await desk.after()
    assert desk.server.taken == []
    assert desk.row(one).attempts == 0


async def test_mails_run_under_their_events_correlation_id(desk: Desk) -> None:
    await desk.add(ALI)
    await desk.after()
    [(_, message)] = desk.server.taken
    assert message["X-Correlation-Id"] == "corr-1"
