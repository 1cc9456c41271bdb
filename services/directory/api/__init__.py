"""The directory over HTTP: request and response models, nothing else."""

from fastapi import APIRouter, Depends

from services.directory.api import (
    checks,
    claim_pages,
    claims,
    dumps,
    duplicates,
    exports,
    feeds,
    imports,
    mediators,
    merges,
    notices,
    pages,
    proposals,
    provenance,
    reports,
    search,
    stops,
    territories,
    validations,
    venues,
)
from services.directory.api.door import door

router = APIRouter(tags=["directory"])
for part in (search, imports, validations, exports, dumps, territories, pages):
    router.include_router(part.router)
for part in (
    venues,
    provenance,
    checks,
    notices,
    reports,
    proposals,
    claims,
    claim_pages,
    stops,
    mediators,
    duplicates,
    merges,
    feeds,
):
    router.include_router(part.router, dependencies=[Depends(door)])
