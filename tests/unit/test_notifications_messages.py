"""The message for one address, and the lines of its text."""

import re
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default

import pytest

from services.notifications import domain
from services.notifications.domain import Delivery
from services.notifications.rendering.messages import AddressInvalid, Mail, compose
from services.notifications.rendering.texts import wrapped
from shared.events import Author, FieldChange
from tests.unit.notifications_page import Page
from tests.unit.notifications_samples import NOW, RENDERER, edit, review_asked

HOSTILE = '<img src=x onerror="alert(1)">\r\nBcc: victime@example.org\u202e'


def test_values_cannot_become_headers_or_html() -> None:
    hostile = edit(
        title=HOSTILE,
        text=HOSTILE,
        author=Author(account_id="x", name=HOSTILE),
        changes=[FieldChange(field="nom", old=HOSTILE, new=[HOSTILE, HOSTILE])],
    )
    mail = RENDERER.render("review_opened", hostile, "venue:v1")
    message = as_received(mail)
    assert message["Bcc"] is None
    assert not any(line.startswith("Bcc") for line in mail.text.splitlines())
    assert not {"img", "script"} & {tag for tag, _ in Page(mail.html).elements}
    assert "\u202e" not in mail.subject + mail.text + mail.html


def test_long_lines_are_wrapped_under_their_beginning() -> None:
    assert wrapped(f"Nom\n  avant : {'mot ' * 20}\n> {'mot ' * 20}\n\n\n\nfin : {'x' * 80}\n") == (
        "Nom\n"
        "  avant : mot mot mot mot mot mot mot mot mot mot mot mot mot mot mot\n"
        "    mot mot mot mot mot\n"
        "> mot mot mot mot mot mot mot mot mot mot mot mot mot mot mot mot mot\n"
        "> mot mot mot\n"
        "\n"
        "fin :\n"
        f"{'x' * 80}\n"
    )


def delivery(recipient: str = "account:ali") -> Delivery:
    event = edit(managers=["ali"])
    notices = [one for one in domain.plan(event) if one.recipient == recipient]
    [one] = domain.deliveries(event, notices, correlation_id="corr-1", secret="s", moment=NOW)
    return one


def composed(mail: Mail, address: str) -> EmailMessage:
    sender = "mednum <ne-pas-repondre@mednum.example>"
    return compose(mail, delivery(), sender=sender, address=address, moment=NOW)


def as_received(mail: Mail, address: str = "ali@example.org") -> EmailMessage:
    message = message_from_bytes(composed(mail, address).as_bytes(), policy=default)
    assert isinstance(message, EmailMessage)
    return message


def test_a_message_has_its_headers_and_both_bodies() -> None:
    mail = RENDERER.render("review_opened", edit(), "account:ali")
    message = as_received(mail)
    assert message["Date"].datetime == NOW
    assert message["From"] == "mednum <ne-pas-repondre@mednum.example>"
    assert message["To"] == "ali@example.org"
    assert message["Subject"] == mail.subject
    assert message["Auto-Submitted"] == "auto-generated"
    assert message["X-Correlation-Id"] == "corr-1"
    assert message["Content-Language"] == "fr"
    assert message.get_content_type() == "multipart/alternative"
    text, html = message.get_body(("plain",)), message.get_body(("html",))
    assert text
    assert html
    assert text.get_content().splitlines() == mail.text.splitlines()
    assert html.get_content().splitlines() == mail.html.splitlines()


def test_one_click_ends_reminders_and_no_other_mail() -> None:
    mail = RENDERER.render("sheet_review", review_asked(), "account:ali")
    raw = composed(mail, "ali@example.org").as_bytes()
    # whole on one line: mail programs take no encoded address (RFC 8058, 3.1)
    assert f"List-Unsubscribe: <{mail.unsubscribe}>\r\n".encode() in raw
    assert b"List-Unsubscribe-Post: List-Unsubscribe=One-Click\r\n" in raw
    other = as_received(RENDERER.render("review_opened", edit(), "account:ali"))
    assert other["List-Unsubscribe"] is None


def test_the_message_id_is_the_same_each_time_and_each_address_has_its_own() -> None:
    mail = RENDERER.render("review_opened", edit(), "account:ali")
    first, again = composed(mail, "ali@example.org"), composed(mail, "ali@example.org")
    other = composed(mail, "ali2@example.org")
    assert first["Message-ID"] == again["Message-ID"] != other["Message-ID"]
    assert re.fullmatch(r"<[0-9a-f]{32}@mednum\.example>", first["Message-ID"])


@pytest.mark.parametrize(
    "address", ["", "ali", "ali@", "ali@x\r\nBcc: b@example.org", "a b@example.org", "a@b, c@d"]
)
def test_what_is_no_address_is_not_written_to(address: str) -> None:
    mail = Mail("Sujet", "texte\n", "<p>texte</p>")
    with pytest.raises(AddressInvalid):
        composed(mail, address)
