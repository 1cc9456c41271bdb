"""The directory, put together."""

from functools import partial

from services.directory.api import router
from services.directory.handlers import HANDLERS
from services.directory.sender.dumps import make_dumps
from services.directory.settings import Settings
from services.directory.store import INDEXES
from shared.service import Service


def service(settings: Settings) -> Service:
    """The directory's parts."""
    folder = settings.dumps_dir
    return Service(
        name="directory",
        settings=settings,
        router=router,
        handlers=HANDLERS,
        indexes=INDEXES,
        sender=partial(make_dumps, settings, folder) if folder else None,
    )
