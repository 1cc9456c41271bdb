"""The directory, put together."""

from services.directory.api import router
from services.directory.handlers import HANDLERS
from services.directory.settings import Settings
from services.directory.store import INDEXES
from shared.links import Links
from shared.service import Service


def service(settings: Settings) -> Service:
    """The directory's parts."""
    return Service(
        name="directory",
        settings=settings,
        router=router,
        handlers=HANDLERS,
        indexes=INDEXES,
        state={"links": Links(settings.link_key.get_secret_value())},
    )
