"""Who last said that a sheet is right, and when; and on what the manager's reminders run."""

import datetime as dt
from typing import Literal

from pydantic import AwareDatetime, BaseModel

from shared.errors import Problem
from shared.french import PARIS

Role = Literal["manager", "moderator", "visitor"]
"""As what somebody looks at a sheet; never who it is."""


class SheetChanged(Problem):
    """It says something else than what was read."""

    type = "sheet-changed"
    status = 409
    title = "Cette fiche a changé depuis que vous l'avez ouverte : relisez-la d'abord."


class Check(BaseModel):
    """Somebody has read a sheet at a revision, and found it right."""

    venue_id: str
    at: AwareDatetime
    by_role: Role
    read: int
    """The revision that was read."""
    revision: int
    """The sheet's since then: a manager's check is a revision of its own."""

    @property
    def on(self) -> dt.date:
        """The day, in Paris."""
        return self.at.astimezone(PARIS).date()

    def covers(self, read: int, *, current: int) -> bool:
        """Whether a revision says what the current one does: it was only confirmed since."""
        return self.revision == current and self.read <= read <= self.revision

    def repeats(self, role: Role, now: dt.datetime) -> bool:
        """Whether the same people would say it again on the same day."""
        return self.by_role == role and self.on == now.astimezone(PARIS).date()


def role_of(account_id: str, managers: list[str], *, moderator: bool) -> Role:
    """As what an account looks at a sheet: its manager first."""
    if account_id in managers:
        return "manager"
    return "moderator" if moderator else "visitor"
