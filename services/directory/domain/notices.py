"""Temporary notices of a venue: what is different for a while, from one day to another.

A notice disappears by itself: the day decides, and no timer.
"""

import datetime as dt
from collections.abc import Iterable
from typing import Annotated, Literal

from pydantic import (
    AwareDatetime,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    StringConstraints,
)

from services.directory.domain.fiche import readable
from shared.errors import InvalidField, InvalidInput, Problem
from shared.french import PARIS

NoticeKind = Literal["closure", "hours", "moved", "other"]
LONGEST_TEXT = 500
AT_MOST = 10
"""Current or to come, of one venue: more would hide what matters."""
LONGEST = dt.timedelta(days=366)
"""What lasts longer belongs on the sheet."""


class NoticeNotFound(Problem):
    """The venue has no such notice."""

    type = "notice-not-found"
    status = 404
    title = "Cette information temporaire n'existe pas."


class TooManyNotices(Problem):
    """The venue has as many as can be read."""

    type = "too-many-notices"
    status = 409
    title = "Ce lieu a déjà dix informations temporaires : supprimez-en une d'abord."


class NoticeWords(BaseModel):
    """What a notice says, and on which days: the first and the last included."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    kind: NoticeKind
    text: Annotated[
        str,
        StringConstraints(strip_whitespace=True, min_length=1, max_length=LONGEST_TEXT),
        BeforeValidator(readable),
    ]
    starts_on: Annotated[dt.date, Field(alias="from")]
    until: dt.date


class Notice(NoticeWords):
    """A notice of a venue."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)

    id: str
    venue_id: str
    updated_at: AwareDatetime

    def is_shown(self, today: dt.date) -> bool:
        """Whether it is current, or still to come."""
        return today <= self.until


def today(now: dt.datetime) -> dt.date:
    """The day in Paris."""
    return now.astimezone(PARIS).date()


def check_days(said: NoticeWords, today: dt.date) -> None:
    """Raise `InvalidInput` unless somebody can read it on its days, a year from now at most."""
    wrong: list[InvalidField] = []
    if said.until < said.starts_on:
        message = "La date de fin est avant la date de début."
        wrong.append(InvalidField("until", "before_from", message))
    elif said.until < today:
        wrong.append(InvalidField("until", "past", "Cette date est déjà passée."))
    elif said.until - min(said.starts_on, today) > LONGEST or said.until - today > LONGEST:
        message = "Une information temporaire dure un an au plus : au-delà, corrigez la fiche."
        wrong.append(InvalidField("until", "too_long", message))
    if wrong:
        raise InvalidInput(invalid=wrong)


def shown(notices: Iterable[Notice], today: dt.date) -> list[Notice]:
    """Those that are current or to come, the earliest first."""
    found = [one for one in notices if one.is_shown(today)]
    return sorted(found, key=lambda one: (one.starts_on, one.until, one.id))
