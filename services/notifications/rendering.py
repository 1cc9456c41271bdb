"""Mails in French, from an event: subject, text and HTML. No I/O but the templates, no clock."""

import hashlib
import re
import textwrap
import unicodedata
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import parseaddr
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from services.notifications.domain import MODERATORS, Delivery, Template, Told, about
from shared.events import FieldChange, FieldValue
from shared.events.announcements import AnnouncementPublished
from shared.events.directory import EditApplied, FieldConflict, NewsPublished
from shared.events.moderation import (
    AnnouncementRefused,
    CaseKind,
    EditRefused,
    NewsRefused,
    ReviewWaiting,
)
from shared.french import PARIS, day_in_french, label, moment_in_french, shown
from shared.links import DecisionLink, Links

TO_DECIDE: tuple[Template, ...] = ("review_opened", "review_reminder")

KINDS: dict[type[Told], CaseKind] = {
    EditApplied: "edit",
    EditRefused: "edit",
    NewsPublished: "news",
    NewsRefused: "news",
    AnnouncementPublished: "announcement",
    AnnouncementRefused: "announcement",
}
NOT_SHOWN = "(adresses non affichées)"
WIDTH = 72
LONGEST_TITLE = 80

_BIDI = re.compile("[\u202a-\u202e\u2066-\u2069]")


class AddressInvalid(Exception):
    """No mail can be addressed like this."""


@dataclass(frozen=True)
class Mail:
    """What a person reads."""

    subject: str
    text: str
    html: str


@dataclass(frozen=True)
class Row:
    """A field of a sheet with two values to compare."""

    label: str
    before: str
    after: str


def _day(moment: datetime) -> str:
    """`30 novembre`: in a subject the year goes without saying."""
    return day_in_french(moment).rpartition(" ")[0]


def _whole_day(day: date) -> str:
    return day_in_french(datetime.combine(day, time(12), PARIS))


def _value(value: FieldValue, withheld: bool) -> str:
    return NOT_SHOWN if withheld else shown(value)


def one_line(given: Any) -> Any:
    """Text without line breaks or signs that hide or turn it: nothing forges a part of a mail."""
    # a Markup is ours, and whole
    if type(given) is not str:
        return given
    spaced = "".join(
        " " if unicodedata.category(sign) in ("Cc", "Zl", "Zp") else sign for sign in given
    )
    return " ".join(_BIDI.sub("", spaced).split())


def wrapped(text: str) -> str:
    """Lines of at most 72 signs (addresses stay whole), and no more than one blank line."""
    lines = [piece for line in text.splitlines() for piece in _wrapped_line(line) or [""]]
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip() + "\n"


def _wrapped_line(line: str) -> list[str]:
    indent = line[: len(line) - len(line.lstrip(" "))]
    further = "> " if line.startswith("> ") else indent
    if indent or line.startswith("- "):
        further += "  "
    pieces = textwrap.wrap(
        # a line never begins with a colon or a question mark
        re.sub(r" (?=[:;!?])", "\xa0", line),
        WIDTH,
        subsequent_indent=further,
        break_long_words=False,
        break_on_hyphens=False,
    )
    return [piece.replace("\xa0", " ") for piece in pieces]


class Renderer:
    """Makes mails from events; knows where the links in them lead."""

    def __init__(self, links: Links, *, moderation_url: str, directory_url: str) -> None:
        self._links = links
        self._moderation_url = moderation_url
        self._directory_url = directory_url
        self._templates = Environment(
            loader=FileSystemLoader(Path(__file__).parent / "templates"),
            autoescape=select_autoescape(enabled_extensions=("html.j2",)),
            finalize=one_line,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {
            "day": _day,
            "whole_day": _whole_day,
            "moment": moment_in_french,
            "first_upper": _first_upper,
        }

    def render(self, template: str, event: Told, recipient: str) -> Mail:
        """The mail that tells a recipient (`account:…`, `venue:…`, `moderators`) of an event."""
        words = _words(event) | self._addresses(template, event, recipient)
        words["why"] = _why(template, recipient, words)
        # the text template names the subject, for both
        text = self._templates.get_template(f"{template}.txt.j2").make_module(words)
        subject = one_line(str(text.subject))  # type: ignore[attr-defined]
        html = self._templates.get_template(f"{template}.html.j2")
        return Mail(subject, wrapped(str(text)), html.render(words, subject=subject))

    def _addresses(self, template: str, event: Told, recipient: str) -> dict[str, str | None]:
        """Where the links lead; those that decide are for managers, until the deadline."""
        venue_id = getattr(event, "venue_id", None)
        venue_url = f"{self._directory_url}/venues/{quote(venue_id, safe='')}" if venue_id else None
        accept = refuse = None
        if template in TO_DECIDE and isinstance(event, ReviewWaiting) and event.deadline:
            token = self._links.sign(DecisionLink(event.case_id, recipient, event.deadline))
            page = f"{self._moderation_url}/decision/{token}"
            accept, refuse = f"{page}?choix=accepter", f"{page}?choix=refuser"
        return {
            "venue_url": venue_url,
            "case_url": f"{self._moderation_url}/cases/{about(event)}",
            "accept_url": accept,
            "refuse_url": refuse,
        }


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]


def _words(event: Told) -> dict[str, Any]:
    """What every template may use, whatever the event."""
    kind = event.kind if isinstance(event, ReviewWaiting) else KINDS[type(event)]
    title = one_line(_title(event))
    if len(title) > LONGEST_TITLE:
        title = title[: LONGEST_TITLE - 1].rstrip() + "…"
    return {
        "event": event,
        "kind": kind,
        "title": title,
        "author": event.author.name.strip() or "Une personne inscrite sur mednum",
        "thing": {"edit": "modification", "news": "actualité", "announcement": "annonce"}[kind],
        "yours": {
            "edit": f"votre proposition pour “{title}”",
            "news": f"votre actualité pour “{title}”",
            "announcement": f"votre annonce “{title}”",
        }[kind],
        "deadline": event.deadline if isinstance(event, ReviewWaiting) else None,
        "lines": _lines(event.text) if isinstance(event, ReviewWaiting) else [],
        "changes": _changes(event.changes) if isinstance(event, ReviewWaiting) else [],
        **(_outcome(event) if isinstance(event, EditApplied) else {}),
    }


def _title(event: Told) -> str:
    match event:
        case EditApplied() | NewsPublished():
            return event.venue_nom
        case AnnouncementPublished():
            return event.titre
        case _:
            return event.title


def _outcome(event: EditApplied) -> dict[str, Any]:
    return {
        "applied": _changes(event.applied),
        "unchanged": [label(field) for field in event.unchanged],
        "refused": [label(field) for field in event.refused_fields],
        "reason": _lines(event.reason or ""),
        "conflicts": _conflicts(event.conflicts),
    }


def _changes(changes: Iterable[FieldChange]) -> list[Row]:
    return [
        Row(
            label(one.field),
            _value(one.old, one.withheld),
            _value(one.new, one.withheld),
        )
        for one in changes
    ]


def _conflicts(conflicts: Iterable[FieldConflict]) -> list[Row]:
    return [
        Row(
            label(one.field),
            _value(one.current, one.withheld),
            _value(one.proposed, one.withheld),
        )
        for one in conflicts
    ]


def _lines(text: str) -> Sequence[str]:
    """Somebody's words, line by line; each is printed as one."""
    return text.strip().splitlines()


def _why(template: str, recipient: str, words: dict[str, Any]) -> str:
    """Why this person gets this mail."""
    title = words["title"]
    if recipient == MODERATORS:
        return "cette adresse reçoit les annonces à relire de mednum"
    if recipient.startswith("venue:"):
        return f"cette adresse figure sur la fiche publique de “{title}”"
    if template in TO_DECIDE or template == "edit_conflict":
        return f"vous êtes responsable de la fiche de “{title}” sur mednum"
    return f"vous avez proposé une {words['thing']} sur mednum"


def compose(
    mail: Mail, delivery: Delivery, *, sender: str, address: str, moment: datetime
) -> EmailMessage:
    """The message for one address, its id the same each time; raises `AddressInvalid`."""
    message = EmailMessage(policy=SMTP)
    message["Date"] = moment
    message["From"] = sender
    try:
        message["To"] = Address(addr_spec=address)
    except (MessageError, ValueError, IndexError):
        raise AddressInvalid from None
    message["Subject"] = mail.subject
    name = hashlib.sha256(f"{delivery.id}{address}".encode()).hexdigest()[:32]
    message["Message-ID"] = f"<{name}@{parseaddr(sender)[1].rpartition('@')[2]}>"
    message["Auto-Submitted"] = "auto-generated"
    message["X-Correlation-Id"] = delivery.correlation_id
    message.set_content(mail.text, cte="quoted-printable")
    message.add_alternative(mail.html, subtype="html", cte="quoted-printable")
    # last: headers on content move into the first part
    message["Content-Language"] = "fr"
    return message
