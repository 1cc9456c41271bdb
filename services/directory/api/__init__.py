"""The directory over HTTP: request and response models, nothing else."""

from fastapi import APIRouter

from services.directory.api import (
    claim_pages,
    claims,
    imports,
    proposals,
    provenance,
    requests,
    search,
    venues,
)

router = APIRouter(tags=["directory"])
for part in (
    search,
    venues,
    provenance,
    proposals,
    requests,
    claims,
    claim_pages,
    imports,
):
    router.include_router(part.router)
