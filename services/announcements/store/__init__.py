"""What announcements keeps, and the only queries."""

from services.announcements.store.announcements import INDEXES, Announcements, Links, Versions

__all__ = ["INDEXES", "Announcements", "Links", "Versions"]
