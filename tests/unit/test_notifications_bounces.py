"""What counts as a bounce, on messages of our own and on real ones."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner

import services.notifications.__main__ as command
from services.notifications.bounces import undelivered

ROOT = Path(__file__).resolve().parents[2]
DATA = Path(os.environ.get("MEDNUM_DATA", ROOT.parent / "shared" / "data"))
NAME = "0123456789abcdef0123456789abcdef"
FAILED = "Final-Recipient: rfc822; lieu@asso.example\nAction: failed\nStatus: 5.1.1\n"
WHOLE = f"""Content-Type: message/rfc822

From: mednum <ne-pas-repondre@mednum.example>
To: lieu@asso.example
Subject: Proposition
Message-ID: <{NAME}@mednum.example>

Bonjour,
"""
HEADERS = f"""Content-Type: text/rfc822-headers

To: lieu@asso.example
Message-ID:
 <{NAME}@mednum.example>
"""


def notification(*recipients: str, original: str = WHOLE, kind: str = "report") -> bytes:
    """A delivery status notification about these recipients."""
    fields = "\n".join(recipients)
    return f"""From: MAILER-DAEMON@relais.example
To: ne-pas-repondre@mednum.example
Subject: Undelivered Mail Returned to Sender
Auto-Submitted: auto-replied
Message-ID: <bounce@relais.example>
MIME-Version: 1.0
Content-Type: multipart/{kind}; report-type=delivery-status; boundary="=="

--==
Content-Type: text/plain

<lieu@asso.example>: user unknown
--==
Content-Type: message/delivery-status

Reporting-MTA: dns; relais.example
Arrival-Date: Mon, 23 Nov 2026 09:00:00 +0000

{fields}
--==
{original}
--==--
""".encode()


@pytest.mark.parametrize("original", [WHOLE, HEADERS])
def test_a_mail_given_up_is_named_by_its_message_id(original: str) -> None:
    assert undelivered(notification(FAILED, original=original)) == [NAME]


@pytest.mark.parametrize(
    ("fields", "given_up"),
    [
        ("Action: failed\nStatus: 5.1.1\n", True),
        ("Action: Failed (user unknown)\nStatus: 5.1.1\n", True),
        # given up after days of trying: nobody has read it either
        ("Action: failed\nStatus: 4.4.1\n", True),
        ("Status: 5.2.1\n", True),
        ("Status: 4.2.2\n", False),
        ("Action: delayed\nStatus: 4.4.1\n", False),
        ("Action: relayed\nStatus: 2.1.9\n", False),
        ("Action: delivered\nStatus: 2.1.5\n", False),
        ("Action: expanded\nStatus: 2.1.10\n", False),
    ],
)
def test_the_action_decides_then_the_status(fields: str, given_up: bool) -> None:
    recipient = f"Final-Recipient: rfc822; lieu@asso.example\n{fields}"
    assert undelivered(notification(recipient)) == ([NAME] if given_up else [])


def test_an_address_that_is_several_people_has_bounced_when_all_have() -> None:
    delivered = FAILED.replace("failed", "delivered").replace("5.1.1", "2.1.5")
    assert undelivered(notification(FAILED, FAILED)) == [NAME]
    assert undelivered(notification(FAILED, delivered)) == []


def test_a_report_without_the_mail_it_is_about_names_none() -> None:
    unnamed = HEADERS.partition("Message-ID")[0]
    assert undelivered(notification(FAILED, original=unnamed)) == []
    assert undelivered(notification(FAILED, original="Content-Type: text/plain\n\nBonjour")) == []


ANSWER = f"""From: lieu@asso.example
To: ne-pas-repondre@mednum.example
Subject: Absent jusqu'au 3
In-Reply-To: <{NAME}@mednum.example>
Auto-Submitted: auto-replied

Je suis en vacances. Action: failed
""".encode()


def test_what_is_no_notification_names_none() -> None:
    forwarded = b"\n".join(
        (
            b"From: lieu@asso.example",
            b"Subject: Fwd: Undelivered Mail",
            b'Content-Type: multipart/mixed; boundary="##"\n',
            b"--##\nContent-Type: message/rfc822\n",
            notification(FAILED),
            b"--##--",
        )
    )
    for raw in (ANSWER, forwarded, b"", b"\xff\x00\n\n\x80", b"Content-Type: multipart/report\n\n"):
        assert undelivered(raw) == []


@pytest.fixture
def quiet(monkeypatch: pytest.MonkeyPatch) -> None:
    """The command would set up the logging of the whole test run."""
    monkeypatch.setattr(command, "configure_logging", lambda *_, **__: None)


@pytest.mark.usefixtures("quiet")
def test_the_command_takes_what_it_does_not_know(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LINK_KEY", "k" * 32)
    answer = CliRunner().invoke(command.app, ["bounce"], input=ANSWER)
    assert answer.exit_code == 0


@pytest.mark.usefixtures("quiet")
def test_the_command_has_the_mail_kept_while_settings_are_wrong(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("LINK_KEY", raising=False)
    answer = CliRunner().invoke(command.app, ["bounce"], input=notification(FAILED))
    assert answer.exit_code == command.TRY_AGAIN
    assert "asso.example" not in answer.output


MANIFEST = DATA / "email" / "bounces_manifest.json"
real = pytest.mark.skipif(not MANIFEST.is_file(), reason="MEDNUM_DATA holds no email/bounces")

OF_ITS_OWN = {"lhost-exim-05"}
"""A format of its own, older than RFC 3464."""
NO_BOUNCES = ("arf", "is-not-bounce", "rfc3834", "rfc3464-07", "rfc3464-09")
"""Complaints, answers and delays."""


def real_messages() -> dict[str, tuple[bytes, bool]]:
    """By name: the message, and whether it is labelled as a hard bounce."""
    files = json.loads(MANIFEST.read_text("utf-8"))["files"]
    return {
        (path := DATA / one["file"]).stem: (
            path.read_bytes(),
            any(label["hard_bounce"] for label in one["expected"]),
        )
        for one in files
    }


@real
def test_real_hard_bounces_are_recognised() -> None:
    hard = {name: raw for name, (raw, is_hard) in real_messages().items() if is_hard}
    assert {name for name, raw in hard.items() if not undelivered(raw)} == OF_ITS_OWN


@real
def test_real_complaints_answers_and_delays_are_not() -> None:
    others = {
        name: raw for name, (raw, _) in real_messages().items() if name.startswith(NO_BOUNCES)
    }
    assert len(others) == 11
    assert [name for name, raw in others.items() if undelivered(raw)] == []
