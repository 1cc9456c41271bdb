"""Where a value comes from, how it was accepted, and how long it outranks what sources say."""

import calendar
import datetime as dt
from typing import Literal

from pydantic import AwareDatetime, BaseModel

from shared.events.moderation import DecidedAs

MONTHS_OUTRANKED = 12
"""How long a manager's word outranks imports after it was last confirmed."""


class Origin(BaseModel):
    """The origin of one value of a sheet."""

    by: str
    """Who wrote it: `account:…`, or `import:…` with the source's name."""
    how: DecidedAs | Literal["import"]
    at: AwareDatetime
    """When it was accepted, or imported."""
    accepted_by: str | None = None
    rule: str | None = None
    """What accepted it when nobody did: `deadline`, or the shortcut's name."""
    proposal_id: str | None = None
    confirmed_at: AwareDatetime | None = None
    """When somebody looked at it again and found it right."""
    confirmed_by: str | None = None

    @property
    def by_people(self) -> bool:
        """Whether people wrote it, and no source."""
        return self.how != "import"

    @property
    def to_recheck(self) -> bool:
        """Whether nobody has ever looked at it: silence accepted it."""
        return self.how == "silence" and self.confirmed_at is None

    @property
    def protected_until(self) -> dt.datetime | None:
        """Until when no import changes it; none if it is not a manager's word."""
        if self.how != "manager":
            return None
        return months_after(self.confirmed_at or self.at, MONTHS_OUTRANKED)

    def confirmed(self, by: str, at: dt.datetime) -> "Origin":
        """The same value, found right again."""
        return self.model_copy(update={"confirmed_at": at, "confirmed_by": by})


def months_after(moment: dt.datetime, months: int) -> dt.datetime:
    """The same day of the month some months later, or the month's last."""
    year, month = divmod(moment.month - 1 + months, 12)
    year, month = moment.year + year, month + 1
    day = min(moment.day, calendar.monthrange(year, month)[1])
    return moment.replace(year=year, month=month, day=day)
