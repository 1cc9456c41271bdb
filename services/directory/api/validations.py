"""A file's faults, told to anybody before they publish it."""

import asyncio
from dataclasses import asdict
from math import ceil
from time import time
from typing import Literal

from fastapi import APIRouter, Request
from limits import RateLimitItemPerMinute
from limits.storage import MemoryStorage
from limits.strategies import MovingWindowRateLimiter
from pydantic import BaseModel

from services.directory.api.files import sent_file
from services.directory.importing.validator import Finding, validate
from shared.errors import Problem

router = APIRouter()

LARGEST = 16 * 1024 * 1024
"""Bytes: more than the whole national inventory takes."""
PER_MINUTE = RateLimitItemPerMinute(20)
AT_ONCE = 2
"""Files that this process reads at the same time; others wait for their turn."""

_windows = MovingWindowRateLimiter(MemoryStorage())
_turns = asyncio.Semaphore(AT_ONCE)


class TooManyValidations(Problem):
    """More files in a minute than an address may send."""

    type = "too-many-validations"
    status = 429
    title = "Trop de fichiers en une minute : réessayez un peu plus tard."


class ValidationOut(BaseModel):
    """Whether a file is valid, and what an import would make of it."""

    valid: bool
    """By the national Table Schema v1.0.2, its form included."""
    version: Literal["1.0.2", "0.1.1"]
    """The version that its columns are those of."""
    exact: bool
    """Whether its form is the standard's: UTF-8, commas, all columns in their order."""
    rows: int
    refused: int
    noted: int
    breaking: int
    """Rows that break the Table Schema."""
    notes: list[str]
    findings: list[Finding]
    """The first thousand."""
    more_findings: int


@router.post("/validations", max_body_size=LARGEST)
async def validate_file(request: Request) -> ValidationOut:
    """Check a CSV file (the request's body, at most 16 MiB) against the national schema.

    For anybody; nothing of the file is kept.
    """
    _count(request.client.host if request.client else "")
    async with sent_file(request) as file, _turns:
        found = await asyncio.to_thread(validate, file)
    return ValidationOut.model_validate({**asdict(found), "valid": found.valid})


def _count(address: str) -> None:
    """Count one more file of an address; raises `TooManyValidations` with the seconds to wait."""
    if not _windows.hit(PER_MINUTE, address):
        wait = _windows.get_window_stats(PER_MINUTE, address).reset_time - time()
        raise TooManyValidations(headers={"Retry-After": str(max(1, ceil(wait)))})
