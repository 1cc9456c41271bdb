"""Answers that are not sent again to who has them (RFC 9110, section 13)."""

import hashlib
from datetime import UTC, datetime
from email.utils import format_datetime, parsedate_to_datetime

from fastapi import Request, Response


def answer(
    request: Request,
    raw: bytes,
    media_type: str,
    *,
    changed_at: datetime,
    now: datetime,
    max_age: int,
) -> Response:
    """These bytes, or 304 if the client's copy is the same; `max_age` in seconds."""
    # what leaves a feed gives it no new time: a date is trusted for an hour, the ETag always
    hour = now.replace(minute=0, second=0, microsecond=0)
    changed_at = max(changed_at.replace(microsecond=0), hour).astimezone(UTC)
    headers = {
        "ETag": f'"{hashlib.sha256(raw).hexdigest()[:32]}"',
        "Last-Modified": format_datetime(changed_at, usegmt=True),
        "Cache-Control": f"public, max-age={max_age}",
    }
    if is_known(request, headers["ETag"], changed_at):
        return Response(status_code=304, headers=headers)
    return Response(raw, headers=headers, media_type=media_type)


def is_known(request: Request, etag: str, changed_at: datetime) -> bool:
    """Whether the client's copy is this one; `changed_at` in whole seconds."""
    known = request.headers.get("if-none-match")
    if known is not None:
        tags = [tag.strip().removeprefix("W/") for tag in known.split(",")]
        return "*" in tags or etag in tags
    try:
        since = parsedate_to_datetime(request.headers.get("if-modified-since", ""))
    except ValueError:
        return False
    return since.tzinfo is not None and changed_at <= since
