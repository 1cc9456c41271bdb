"""The notifications service, put together."""

from services.notifications.api import router
from services.notifications.handlers import HANDLERS
from services.notifications.rendering.mails import Renderer
from services.notifications.sender import send_mails
from services.notifications.settings import Settings
from services.notifications.store import INDEXES
from shared.database import Database
from shared.links import Links
from shared.service import Service


def service(settings: Settings) -> Service:
    """The service's parts."""
    renderer = Renderer(
        Links(settings.link_key.get_secret_value()),
        moderation_url=settings.moderation_url,
        directory_url=settings.directory_url,
    )

    async def sender(database: Database) -> None:
        await send_mails(settings, renderer, database)

    return Service(
        name="notifications",
        settings=settings,
        router=router,
        handlers=HANDLERS,
        indexes=INDEXES,
        sender=sender,
    )
