"""The directory over HTTP: request and response models, nothing else."""

from fastapi import APIRouter

from services.directory.api import (
    checks,
    claim_pages,
    claims,
    imports,
    pages,
    proposals,
    provenance,
    requests,
    search,
    stops,
    venues,
)

router = APIRouter(tags=["directory"])
for part in (
    search,
    venues,
    provenance,
    checks,
    proposals,
    requests,
    claims,
    claim_pages,
    stops,
    imports,
    pages,
):
    router.include_router(part.router)
