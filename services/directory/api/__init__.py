"""The directory over HTTP: request and response models, nothing else."""

from fastapi import APIRouter

from services.directory.api import (
    checks,
    imports,
    notices,
    pages,
    proposals,
    provenance,
    reports,
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
    notices,
    reports,
    proposals,
    requests,
    imports,
    pages,
):
    router.include_router(part.router)
