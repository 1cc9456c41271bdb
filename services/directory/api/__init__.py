"""The directory over HTTP: request and response models, nothing else."""

from fastapi import APIRouter, Depends

from services.directory.api import (
    duplicates,
    imports,
    merges,
    proposals,
    provenance,
    requests,
    search,
    venues,
)
from services.directory.api.door import door

router = APIRouter(tags=["directory"], dependencies=[Depends(door)])
for part in (search, venues, provenance, proposals, requests, duplicates, merges, imports):
    router.include_router(part.router)
