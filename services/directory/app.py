"""The directory, put together."""

from functools import partial

from services.directory.api import router
from services.directory.api.search import search_venues
from services.directory.handlers import HANDLERS, reminding
from services.directory.search.communes import Communes
from services.directory.search.follower import Follower
from services.directory.sender.dumps import make_dumps
from services.directory.settings import Settings
from services.directory.store import INDEXES
from services.directory.use_cases.territories import Overviews
from shared.links import Links
from shared.service import Service


def service(settings: Settings) -> Service:
    """The directory's parts."""
    keys = settings.link_key.get_secret_value()
    dumps = settings.dumps_dir
    search = Follower(settings, settings.search_folder)
    return Service(
        name="directory",
        settings=settings,
        router=router,
        handlers={**HANDLERS, **reminding(settings.reminder_month)},
        indexes=INDEXES,
        sender=partial(make_dumps, settings, dumps) if dumps else None,
        companions={"search": search},
        shortcuts={"/venues": search_venues},
        state={
            "links": Links(keys) if keys else None,
            "reminder_month": settings.reminder_month,
            "search": search,
            "overviews": Overviews(),
            "communes": Communes(settings.communes_file),
        },
        lacks="" if keys else "set LINK_KEY: it signs the links in mails",
    )
