"""The announcements service, put together."""

import asyncio

from services.announcements.api import router
from services.announcements.api.intake import Limiter
from services.announcements.api.together import Together
from services.announcements.handlers import handlers
from services.announcements.handlers.partners import foreign
from services.announcements.sender.ulule import fetch_ulule
from services.announcements.sender.webhooks import send_webhooks
from services.announcements.settings import Settings
from services.announcements.store import INDEXES
from services.announcements.store.partners import INDEXES_PARTNERS
from services.announcements.store.subscriptions import INDEXES_SUBSCRIPTIONS
from services.announcements.store.ulule import INDEXES_ULULE
from shared.database import Database
from shared.service import Service


def service(settings: Settings) -> Service:
    """The service's parts."""
    hosts = settings.portal_hosts

    async def sender(database: Database) -> None:
        async with asyncio.TaskGroup() as loops:
            loops.create_task(fetch_ulule(settings, database))
            loops.create_task(send_webhooks(settings, database))

    return Service(
        name="announcements",
        settings=settings,
        router=router,
        handlers=handlers(hosts),
        foreign=foreign(hosts),
        indexes=(*INDEXES, *INDEXES_PARTNERS, *INDEXES_ULULE, *INDEXES_SUBSCRIPTIONS),
        sender=sender,
        state={"limiter": Limiter(), "together": Together()},
    )
