"""What an announcement is, and what may become of it."""

import datetime as dt
import re
from typing import Annotated, Literal
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import (
    AfterValidator,
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    StringConstraints,
)

from shared.errors import InvalidField, InvalidInput, Problem
from shared.events import Author
from shared.events.announcements import AnnouncementKind
from shared.events.moderation import Decision

State = Literal["submitted", "online", "refused", "withdrawn", "ended"]

PARIS = ZoneInfo("Europe/Paris")
LONGEST_LINK = 2_000
LONGEST_YEARS = 2

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")
_DAY = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_HOST = re.compile(r"[\w-]+(\.[\w-]+)*\.?")


class AnnouncementNotFound(Problem):
    """No announcement has this id, or it is not for this person to see."""

    type = "announcement-not-found"
    status = 404
    title = "Cette annonce n'existe pas."


def web_address(text: str) -> str:
    """An http or https link, scheme and host in lower case; raises `ValueError`."""
    # browsers read these characters as none or as a slash, hence another host than we do
    if "\\" in text or any(one.isspace() or not one.isprintable() for one in text):
        raise ValueError("Ce lien contient des espaces ou des caractères interdits.")
    try:
        parts = urlsplit(text)
        _ = parts.port
    except ValueError:
        raise ValueError("Ce lien n'est pas une adresse web valable.") from None
    if parts.scheme not in ("http", "https"):
        raise ValueError("Le lien doit commencer par http:// ou https://.")
    if "@" in parts.netloc:
        raise ValueError("Le lien ne doit contenir ni identifiant ni mot de passe.")
    if not _HOST.fullmatch(parts.hostname or ""):
        raise ValueError("Il manque dans ce lien un nom de site valable (https://…).")
    return parts._replace(netloc=parts.netloc.lower()).geturl()


def _printable(text: str) -> str:
    if _CONTROL.search(text):
        raise ValueError("Ce texte contient des caractères interdits.")
    return text


def _one_line(text: str) -> str:
    return " ".join(_printable(text).split())


def _written_day(value: object) -> object:
    # pydantic would also take seconds since 1970
    if isinstance(value, dt.date) or (isinstance(value, str) and _DAY.fullmatch(value)):
        return value
    raise ValueError("Il faut une date (AAAA-MM-JJ).")


class Call(BaseModel):
    """What somebody asks to relay; it is already published at `lien`."""

    model_config = ConfigDict(frozen=True)

    kind: AnnouncementKind
    titre: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=140),
        AfterValidator(_one_line),
    ]
    texte: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=5_000),
        AfterValidator(_printable),
    ]
    lien: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_LINK),
        AfterValidator(web_address),
    ]
    ends_on: Annotated[dt.date, BeforeValidator(_written_day)]
    """Its last day online, in Europe/Paris."""
    territoire: (
        Annotated[
            str,
            StringConstraints(strip_whitespace=True, min_length=1, max_length=120),
            AfterValidator(_one_line),
        ]
        | None
    ) = None


class Announcement(Call):
    """A call, from its submission to its end."""

    id: str
    revision: int = 1
    author: Author
    state: State = "submitted"
    submitted_at: AwareDatetime
    decision: Decision | None = None
    published_at: AwareDatetime | None = None
    ended_at: AwareDatetime | None = None

    @property
    def ends_at(self) -> dt.datetime:
        """The end of its last day: midnight in Europe/Paris."""
        return dt.datetime.combine(self.ends_on + dt.timedelta(days=1), dt.time(), PARIS)

    @property
    def author_name(self) -> str:
        """The public name of whoever submitted it."""
        return self.author.name

    @property
    def refusal_reason(self) -> str | None:
        """Why it was refused."""
        return self.decision.reason if self.decision and self.state == "refused" else None

    @property
    def is_public(self) -> bool:
        """Whether everybody may read it."""
        return self.state in ("online", "ended")


def today(at: dt.datetime) -> dt.date:
    """The day it is in Europe/Paris."""
    return at.astimezone(PARIS).date()


def check_end(ends_on: dt.date, at: dt.datetime) -> None:
    """Raise `InvalidInput` if a call submitted at this time may not end that day."""
    first = today(at)
    if ends_on < first:
        raise _invalid_end("past", "La date de fin est déjà passée.")
    # compared by parts: two years after a 29 February there is no such day
    years_before = (ends_on.year - LONGEST_YEARS, ends_on.month, ends_on.day)
    if years_before > (first.year, first.month, first.day):
        raise _invalid_end("too_far", "La date de fin doit être dans les deux ans.")


def _invalid_end(rule: str, message: str) -> InvalidInput:
    return InvalidInput(invalid=[InvalidField("ends_on", rule, message)])


def publish(announcement: Announcement, decision: Decision, at: dt.datetime) -> Announcement:
    """Put it online, or end it at once if its end has passed; the same one if it was decided.

    An appeal may overturn a refusal.
    """
    overturns = decision.on_appeal and announcement.state == "refused"
    if announcement.state != "submitted" and not overturns:
        return announcement
    if at >= announcement.ends_at:
        return _next(announcement, state="ended", decision=decision, ended_at=at)
    return _next(announcement, state="online", decision=decision, published_at=at)


def refuse(announcement: Announcement, decision: Decision) -> Announcement:
    """Refuse it; the same one if it was decided."""
    if announcement.state != "submitted":
        return announcement
    return _next(announcement, state="refused", decision=decision)


def withdraw(announcement: Announcement) -> Announcement:
    """Note that its author no longer wants it; the same one if it was decided."""
    if announcement.state != "submitted":
        return announcement
    return _next(announcement, state="withdrawn")


def revert(announcement: Announcement, at: dt.datetime) -> Announcement:
    """Take it offline before its end; the same one if it is not online."""
    if announcement.state != "online":
        return announcement
    return _next(announcement, state="ended", ended_at=at)


def end(announcement: Announcement, ends_on: dt.date, at: dt.datetime) -> Announcement:
    """Take it offline; the same one if it is not online, or ends on another day by now."""
    if announcement.state != "online" or announcement.ends_on != ends_on:
        return announcement
    return _next(announcement, state="ended", ended_at=at)


def _next(announcement: Announcement, **changes: object) -> Announcement:
    return announcement.model_copy(update={**changes, "revision": announcement.revision + 1})
