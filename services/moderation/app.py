"""Moderation, put together."""

from services.moderation.api import router
from services.moderation.domain.contributors import Fingerprints
from services.moderation.handlers import handlers
from services.moderation.settings import Settings
from services.moderation.store import INDEXES
from services.moderation.use_cases.numbers import Reports
from shared.links import Links
from shared.service import Service


def service(settings: Settings) -> Service:
    """Moderation's parts."""
    keys = settings.link_key.get_secret_value()
    return Service(
        name="moderation",
        settings=settings,
        router=router,
        handlers=handlers(settings),
        indexes=INDEXES,
        state={
            "links": Links(keys),
            "fingerprints": Fingerprints(keys),
            "policy": settings.policy,
            "reports": Reports(),
        },
    )
