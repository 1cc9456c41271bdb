"""The directory over HTTP: request and response models, nothing else."""

from fastapi import APIRouter

from services.directory.api import (
    checks,
    claim_pages,
    claims,
    imports,
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
    imports,
    validations,
    pages,
):
    router.include_router(part.router)
