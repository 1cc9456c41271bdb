"""Mails from events: subject, text and HTML. No I/O but the templates, no clock."""

from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TypeAlias
from urllib.parse import quote

from jinja2 import Environment, FileSystemLoader, StrictUndefined, select_autoescape

from services.notifications.domain import Told, about
from services.notifications.rendering.messages import Mail
from services.notifications.rendering.texts import first_upper, one_line, wrapped
from services.notifications.rendering.words import words
from shared.events.directory import ClaimProofRequested, VenueReviewAsked
from shared.events.moderation import (
    MessagePosted,
    ReviewEscalated,
    ReviewOpened,
    ReviewReminded,
)
from shared.french import PARIS, day_in_french, moment_in_french
from shared.links import ClaimLink, DecisionLink, Links, SheetLink

TEMPLATES = Path(__file__).parents[1] / "templates"

Decidable: TypeAlias = ReviewOpened | ReviewReminded | ReviewEscalated | MessagePosted
"""Events whose mails to managers lead to the page where one decides."""

LINK_KEPT = timedelta(days=7)
"""A decision counts until the clock has run, and the page tells afterwards what became of it."""
LINK_OF_NO_DEADLINE = timedelta(days=30)
"""What only a person can decide waits for an answer: its links must last meanwhile."""


LINK_OF_A_SHEET = timedelta(days=400)
"""Until after the next reminder, a year later at most: one that stops them must still do so."""


class Renderer:
    """Makes mails from events; knows where the links in them lead."""

    def __init__(self, links: Links, *, moderation_url: str, directory_url: str) -> None:
        self._links = links
        self._moderation_url = moderation_url
        self._directory_url = directory_url
        self._templates = Environment(
            loader=FileSystemLoader(TEMPLATES),
            autoescape=select_autoescape(enabled_extensions=("html.j2",)),
            finalize=one_line,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        self._templates.filters |= {
            "day": _day,
            "whole_day": _whole_day,
            "day_of_year": day_in_french,
            "moment": moment_in_french,
            "first_upper": first_upper,
        }

    def render(self, template: str, event: Told, recipient: str) -> Mail:
        """The mail that tells a recipient (`account:…`, `venue:…`, `moderators`) of an event."""
        said = words(event, recipient)
        addresses = self._addresses(event, recipient, decides=said["reader"] == "manager")
        said |= addresses
        # the text template names the subject, for both
        text = self._templates.get_template(f"{template}.txt.j2").make_module(said)
        subject = one_line(str(text.subject))  # type: ignore[attr-defined]
        html = self._templates.get_template(f"{template}.html.j2")
        return Mail(
            subject,
            wrapped(str(text)),
            html.render(said, subject=subject),
            unsubscribe=addresses.get("stop_url", ""),
        )

    def _addresses(self, event: Told, recipient: str, *, decides: bool) -> dict[str, str]:
        """Where the links lead; the page where one decides is for managers."""
        addresses = {"case_url": f"{self._moderation_url}/cases/{quote(about(event), safe='')}"}
        if venue_id := getattr(event, "venue_id", None):
            addresses["venue_url"] = f"{self._directory_url}/venues/{quote(venue_id, safe='')}"
        if isinstance(event, ClaimProofRequested):
            token = self._links.sign(ClaimLink(event.claim_id, recipient, event.expires_at))
            addresses["page_url"] = f"{self._directory_url}/responsable/{token}"
        if decides and isinstance(event, Decidable):
            token = self._links.sign(DecisionLink(event.case_id, recipient, link_ends(event)))
            addresses["page_url"] = f"{self._moderation_url}/decision/{token}"
        if isinstance(event, VenueReviewAsked):
            ends = event.asked_at + LINK_OF_A_SHEET
            token = self._links.sign(SheetLink(event.venue_id, recipient, ends))
            addresses["check_url"] = f"{self._directory_url}/checks/{token}"
            addresses["stop_url"] = f"{self._directory_url}/reminders/{token}"
        return addresses


def link_ends(event: Decidable) -> datetime:
    """Until when a link in a mail about this event opens its page."""
    said_at = _said_at(event)
    if event.deadline is None:
        return said_at + LINK_OF_NO_DEADLINE
    # a thread goes on after the decision
    return max(event.deadline, said_at) + LINK_KEPT


def _said_at(event: Decidable) -> datetime:
    match event:
        case ReviewOpened():
            return event.opened_at
        case ReviewReminded():
            return event.reminded_at
        case ReviewEscalated():
            return event.escalated_at
        case MessagePosted():
            return event.posted_at


def _day(moment: datetime) -> str:
    """`30 novembre`: in a subject the year goes without saying."""
    return day_in_french(moment).rpartition(" ")[0]


def _whole_day(day: date) -> str:
    return day_in_french(datetime.combine(day, time(12), PARIS))
