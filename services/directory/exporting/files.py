"""A file of the directory on this machine."""

import asyncio
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from services.directory.exporting.formats import Form
from services.directory.exporting.streams import Pages, written


async def write(
    form: Form, pages: Pages, file: IO[bytes], progress: Callable[[int], None] = lambda _: None
) -> int:
    """Write all pages to a file; `progress` gets the sheets so far. Returns how many there were."""
    sheets = 0

    async def counted() -> Pages:
        nonlocal sheets
        async for page in pages:
            sheets += len(page)
            yield page
            progress(sheets)

    async for part in written(form, counted()):
        await asyncio.to_thread(file.write, part)
    return sheets


@contextmanager
def whole(path: Path) -> Iterator[IO[bytes]]:
    """A file that is there at its path once the block ends well, and not before."""
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        with beside.open("wb") as file:
            yield file
        beside.replace(path)
    finally:
        beside.unlink(missing_ok=True)
