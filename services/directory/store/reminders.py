"""The rhythm of each sheet's reminders; kept beside sheets, so that no import touches it."""

from services.directory.domain.reminders import Reminders
from shared.database import Transaction


class ReminderClocks:
    """One clock per venue that has, or had, a manager."""

    def __init__(self, tx: Transaction) -> None:
        self._reminders = tx["reminders"]

    async def get(self, venue_id: str) -> Reminders | None:
        """The clock of a venue, if it ever had one."""
        found = await self._reminders.get(venue_id)
        return Reminders.model_validate(found) if found else None

    async def put(self, reminders: Reminders) -> None:
        """Keep a clock as it is now."""
        await self._reminders.put({"_id": reminders.venue_id, **reminders.model_dump()})
