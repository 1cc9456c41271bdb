"""The announcements service, put together."""

from services.announcements.api import router
from services.announcements.handlers import HANDLERS
from services.announcements.settings import Settings
from services.announcements.store import INDEXES
from shared.service import Service


def service(settings: Settings) -> Service:
    """The service's parts."""
    return Service(
        name="announcements",
        settings=settings,
        router=router,
        handlers=HANDLERS,
        indexes=INDEXES,
    )
