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
    revision: int

    @property
    def on(self) -> dt.date:
        """The day, in Paris."""
        return self.at.astimezone(PARIS).date()

    def repeats(self, other: "Check | None") -> bool:
        """Whether it says nothing new: the same people, of the same text, on the same day."""
        return other is not None and (self.on, self.by_role, self.revision) == (
            other.on,
            other.by_role,
            other.revision,
        )


def role_of(account_id: str, managers: list[str], *, moderator: bool) -> Role:
    """As what an account looks at a sheet: its manager first."""
    if account_id in managers:
        return "manager"
    return "moderator" if moderator else "visitor"
