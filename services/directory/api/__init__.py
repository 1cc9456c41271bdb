"""The directory over HTTP: request and response models, nothing else."""

from fastapi import APIRouter

from services.directory.api import imports, proposals, provenance, requests, search, venues

router = APIRouter(tags=["directory"])
for part in (search, venues, provenance, proposals, requests, imports):
    router.include_router(part.router)
