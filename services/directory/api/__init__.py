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
    imports,
    pages,
):
    router.include_router(part.router)
