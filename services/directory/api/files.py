"""Files that people send: to a temporary file, as they come."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from tempfile import TemporaryFile
from typing import IO

from fastapi import Request

from shared.errors import InvalidField, InvalidInput

CSV = "text/csv"


@asynccontextmanager
async def sent_file(request: Request) -> AsyncIterator[IO[bytes]]:
    """The body of a request as a file; raises `InvalidInput` if it is not sent as CSV.

    The route's limit ends a body that is too large, by its declared length before it is read.
    """
    media_type, *_rest = request.headers.get("content-type", "").partition(";")
    if media_type.strip().lower() != CSV:
        message = "Le fichier doit être envoyé comme text/csv."
        raise InvalidInput(invalid=[InvalidField("content-type", "media_type", message)])
    with TemporaryFile() as file:
        async for chunk in request.stream():
            file.write(chunk)
        file.seek(0)
        yield file


def wants_csv(request: Request) -> bool:
    """Whether the client asks for a table rather than JSON."""
    return request.headers.get("accept", "").partition(",")[0].partition(";")[0].strip() == CSV
