"""When a venue's managers are asked to read its sheet again, and when nobody asks them any more.

The clock starts anew when the sheet is changed or found right, and when a manager chooses a rhythm
or becomes one. After three reminders without an answer it runs on in silence: whatever happens to
the sheet is seen at the next turn.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Literal

from pydantic import AwareDatetime, BaseModel

Rhythm = Literal[3, 6, 12]
"""Months without a check or a change."""
DEFAULT: Rhythm = 6
"""Twice before a manager's word fades, a year after it was given."""
IN_A_ROW = 3
"""Reminders that nobody answers; then there are no more until something happens."""
MONTH = timedelta(days=365) / 12


class Reminders(BaseModel):
    """The reminders about one sheet."""

    venue_id: str
    every_months: Rhythm | None = DEFAULT
    """None: never."""
    silenced: list[str] = []
    """Accounts of managers who asked to hear no more of it."""
    started_at: AwareDatetime
    """When a manager last chose, or was added."""
    unanswered: int = 0
    """Reminders in a row that nothing has followed."""
    asked_at: AwareDatetime | None = None
    due_at: AwareDatetime | None = None
    """When it is looked at again whether it is time; None: never."""

    def begun(self, at: datetime, month: timedelta = MONTH) -> "Reminders":
        """With the clock set to zero, as somebody chooses a rhythm or manages the venue anew."""
        due = at + self.every_months * month if self.every_months else None
        return self.model_copy(update={"started_at": at, "unanswered": 0, "due_at": due})

    def hears(self, managers: Sequence[str]) -> list[str]:
        """Those of a venue's managers who want to hear of it."""
        return [one for one in managers if one not in self.silenced]


def turn(
    reminders: Reminders, *, cared_at: datetime, can_ask: bool, now: datetime, month: timedelta
) -> tuple[Reminders, bool]:
    """What a turn of the clock makes of it, and whether the managers are asked now.

    `cared_at` is when the sheet was last changed or found right; `can_ask` is False where nobody
    would hear it, or the venue is no longer listed. However late a turn comes, it asks once.
    """
    if reminders.every_months is None:
        return reminders.model_copy(update={"due_at": None}), False
    pause = reminders.every_months * month
    answered = reminders.asked_at is None or cared_at > reminders.asked_at
    unanswered = 0 if answered else reminders.unanswered
    since = max(filter(None, [reminders.started_at, cared_at, reminders.asked_at]))
    if since + pause > now:
        return _next(reminders, since + pause, unanswered=unanswered), False
    if not can_ask or unanswered >= IN_A_ROW:
        return _next(reminders, now + pause, unanswered=unanswered), False
    asked = reminders.model_copy(update={"asked_at": now})
    return _next(asked, now + pause, unanswered=unanswered + 1), True


def _next(reminders: Reminders, due_at: datetime, *, unanswered: int) -> Reminders:
    return reminders.model_copy(update={"due_at": due_at, "unanswered": unanswered})
