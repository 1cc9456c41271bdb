"""The directory over HTTP: request and response models, nothing else."""

from fastapi import APIRouter

from services.directory.api import checks, imports, pages, proposals, requests, search, venues

router = APIRouter(tags=["directory"])
for part in (search, venues, checks, proposals, requests, imports, pages):
    router.include_router(part.router)
