"""The directory over HTTP: request and response models, nothing else."""

from fastapi import APIRouter

from services.directory.api import (
    checks,
    claim_pages,
    claims,
    imports,
    mediators,
    notices,
    pages,
    proposals,
    provenance,
    requests,
    search,
    stops,
    validations,
    venues,
)

router = APIRouter(tags=["directory"])
for part in (
    search,
    venues,
    provenance,
    checks,
    notices,
    proposals,
    requests,
    claims,
    claim_pages,
    stops,
    mediators,
    imports,
    validations,
    pages,
):
    router.include_router(part.router)
