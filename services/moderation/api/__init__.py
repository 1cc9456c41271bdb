"""Moderation over HTTP: JSON for people with an account, pages for links in mails."""

from fastapi import APIRouter

from services.moderation.api import appeals, cases, numbers, pages, people, queue, threads

router = APIRouter(tags=["moderation"])
# before the addresses that hold an id
for part in (queue, cases, threads, appeals, people, numbers, pages):
    router.include_router(part.router)
