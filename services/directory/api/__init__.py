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
    notices,
    pages,
    proposals,
    provenance,
    reports,
    search,
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
    pages,
):
    router.include_router(part.router)
