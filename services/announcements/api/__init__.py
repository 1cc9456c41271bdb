"""The announcements over HTTP."""

from fastapi import APIRouter

from services.announcements.api import (
    announcements,
    feeds,
    hooks,
    intake,
    partners,
    subscriptions,
)

router = APIRouter()
for part in (feeds, announcements, intake, hooks, partners, subscriptions):
    router.include_router(part.router)

__all__ = ["router"]
