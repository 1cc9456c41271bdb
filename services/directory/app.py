"""The directory, put together."""

from services.directory.api import router
from services.directory.api.search import search_venues
from services.directory.handlers import HANDLERS
from services.directory.search.communes import Communes
from services.directory.search.follower import Follower
from services.directory.settings import Settings
from services.directory.store import INDEXES
from shared.service import Service


def service(settings: Settings) -> Service:
    """The directory's parts."""
    search = Follower(settings, settings.search_folder)
    return Service(
        name="directory",
        settings=settings,
        router=router,
        handlers=HANDLERS,
        indexes=INDEXES,
        companions={"search": search},
        shortcuts={"/venues": search_venues},
        state={"search": search, "communes": Communes(settings.communes_file)},
    )
