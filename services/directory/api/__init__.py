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
    requests,
    search,
    stops,
    validations,
    venues,
)
from services.directory.api.door import door

router = APIRouter(tags=["directory"], dependencies=[Depends(door)])
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
    duplicates,
    merges,
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
