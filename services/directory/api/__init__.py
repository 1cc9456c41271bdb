"""The directory over HTTP: request and response models, nothing else."""

from fastapi import APIRouter

from services.directory.api import (
    checks,
    claim_pages,
    claims,
    dumps,
    exports,
    feeds,
    imports,
    mediators,
    notices,
    pages,
    proposals,
    provenance,
    reports,
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
    reports,
    proposals,
    claims,
    claim_pages,
    imports,
    validations,
    feeds,
    exports,
    dumps,
    stops,
    mediators,
    pages,
):
    router.include_router(part.router)
