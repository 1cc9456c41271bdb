"""A dump of open data: written beside, then renamed into its place, whole or not at all."""

import asyncio
import datetime as dt
import fcntl
import hashlib
import json
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from pathlib import Path
from typing import IO, Any

import structlog

from services.directory.domain.dumps import (
    DESCRIPTOR,
    FILES,
    SUMS,
    File,
    Written,
    descriptor,
    moment_of,
    name_of,
    out_of_date,
)
from services.directory.domain.venues import Venue
from services.directory.exporting.formats import Writer, form
from services.directory.exporting.streams import Pages

log = structlog.get_logger()

MEDIA_TYPES = {
    **{file.path: form(file.form).media_type for file in FILES},
    DESCRIPTOR: "application/json",
    SUMS: "text/plain; charset=utf-8",
}
"""Of every file of a dump, by its path."""
_UNFINISHED = ".unfinished-"
_LOCK = ".lock"


class Abandoned(Exception):
    """Another process makes a dump now, there or instead of this one."""


class _SheetFile:
    """One file of a dump while it is written, and what is to be known of it."""

    def __init__(self, folder: Path, file: File) -> None:
        self._file = file
        self._form = form(file.form, extended=file.extended)
        self._writer = Writer(self._form)
        self._hash = hashlib.sha256()
        self._bytes = 0
        self._to = (folder / file.path).open("wb")
        self._write(self._writer.begin())

    def add(self, venues: Sequence[Venue]) -> None:
        """Write the next sheets."""
        self._write(self._writer.add(venues))

    def finish(self) -> Written:
        """Write the end."""
        self._write(self._writer.end())
        _to_disk(self._to)
        self._to.close()
        return Written(self._file, self._form.media_type, self._bytes, self._hash.hexdigest())

    def close(self) -> None:
        """Let go of the file, finished or not."""
        self._to.close()

    def _write(self, part: bytes) -> None:
        self._to.write(part)
        self._hash.update(part)
        self._bytes += len(part)


def names(folder: Path) -> list[str]:
    """The dumps that are there, oldest first."""
    if not folder.is_dir():
        return []
    return sorted(one.name for one in folder.iterdir() if moment_of(one.name))


async def make_dump(
    pages: Pages,
    folder: Path,
    *,
    made_at: dt.datetime,
    kept: int,
    may_go_on: Callable[[], bool] = lambda: True,
) -> Path:
    """Write one dump of all sheets and remove old ones; where it is. Raises `Abandoned`.

    `may_go_on` is asked before each page. Whoever is killed leaves what was there before, and
    an unfinished folder that the next one removes.
    """
    made = folder / name_of(made_at)
    unfinished = folder / f"{_UNFINISHED}{made.name}"
    with _alone_in(folder):
        await asyncio.to_thread(_begin, folder, unfinished)
        try:
            await _write(pages, unfinished, made_at, may_go_on)
            await asyncio.to_thread(_publish, unfinished, made, kept)
        finally:
            await asyncio.to_thread(shutil.rmtree, unfinished, ignore_errors=True)
    return made


@contextmanager
def _alone_in(folder: Path) -> Iterator[None]:
    """Let nobody else write there, until the block ends or the process dies."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / _LOCK).open("w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise Abandoned from None
        yield


def _begin(folder: Path, unfinished: Path) -> None:
    for left in folder.glob(f"{_UNFINISHED}*"):
        log.info("unfinished dump removed", dump=left.name)
        shutil.rmtree(left, ignore_errors=True)
    unfinished.mkdir()


async def _write(
    pages: Pages, folder: Path, made_at: dt.datetime, may_go_on: Callable[[], bool]
) -> None:
    files = [_SheetFile(folder, file) for file in FILES]
    sheets = 0
    try:
        async with aclosing(pages):
            async for page in pages:
                if not may_go_on():
                    raise Abandoned
                await asyncio.to_thread(_add, files, page)
                sheets += len(page)
        await asyncio.to_thread(_finish, files, folder, made_at, sheets)
    finally:
        for file in files:
            file.close()


def _add(files: Sequence[_SheetFile], page: Sequence[Venue]) -> None:
    for file in files:
        file.add(page)


def _finish(files: Sequence[_SheetFile], folder: Path, made_at: dt.datetime, sheets: int) -> None:
    written = [file.finish() for file in files]
    said = json.dumps(
        descriptor(written, made_at=made_at, sheets=sheets), ensure_ascii=False, indent=2
    )
    _put(folder / DESCRIPTOR, said + "\n")
    sums = {one.file.path: one.sha256 for one in written}
    sums[DESCRIPTOR] = hashlib.sha256((folder / DESCRIPTOR).read_bytes()).hexdigest()
    # two spaces, as `sha256sum -c` reads them
    _put(folder / SUMS, "".join(f"{digest}  {path}\n" for path, digest in sums.items()))


def _put(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8", newline="\n") as file:
        file.write(text)
        _to_disk(file)


def _publish(unfinished: Path, made: Path, kept: int) -> None:
    """Let everybody see it, all at once; then remove what is out of date."""
    unfinished.rename(made)
    for name in out_of_date(names(made.parent), kept):
        shutil.rmtree(made.parent / name, ignore_errors=True)


def _to_disk(file: IO[Any]) -> None:
    """Before its folder gets its name: a power cut must not leave half a file under it."""
    file.flush()
    os.fsync(file.fileno())
