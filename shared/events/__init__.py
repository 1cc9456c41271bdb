"""The events that the services share: one module per publishing service, plus `contacts`.

Importing this package registers every type in `TYPES`, by the name that travels as `ce_type`.
"""

from shared.events import announcements, contacts, directory, moderation, notifications
from shared.events.base import TYPES, Author, Event, FieldChange, FieldValue, Timer

TOPICS = tuple(
    module.STREAM for module in (directory, moderation, announcements, notifications, contacts)
)

__all__ = ["TOPICS", "TYPES", "Author", "Event", "FieldChange", "FieldValue", "Timer"]
