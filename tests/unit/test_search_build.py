"""An index is built again beside whatever is there."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any, cast

import pytest

from services.directory.search.build import rebuild
from services.directory.search.file import IndexFile, create
from services.directory.search.folder import Folder
from shared.bus.follow import Position
from shared.database import Database

AT = {("directory", 0): Position(7, "e7")}


class NoSheets:
    """A directory without any venue."""

    async def run(self, _work: object) -> int:
        return 0


def published(folder: Folder) -> Path:
    """An index that has followed the topic for a while."""
    path = folder.fresh()
    create(path)
    with closing(IndexFile(path)) as file:
        file.write(positions=AT)
    folder.publish(path)
    return path


def positions_after(folder: Folder) -> dict[Any, Position]:
    assert asyncio.run(rebuild(folder, cast("Database", NoSheets()))) == 0
    current = folder.current()
    assert current
    with closing(IndexFile(current)) as file:
        return file.positions()


def test_it_goes_on_where_the_present_one_is(tmp_path: Path) -> None:
    folder = Folder(tmp_path)
    published(folder)
    assert positions_after(folder) == AT


def another_version(path: Path) -> None:
    with closing(sqlite3.connect(path)) as db, db:
        db.execute("update meta set value = 'another' where name = 'format'")


def damaged(path: Path) -> None:
    path.write_bytes(b"not a database" * 1000)


@pytest.mark.parametrize("spoil", [another_version, damaged])
def test_it_begins_anew_after_one_that_cannot_be_read(tmp_path: Path, spoil: Any) -> None:
    folder = Folder(tmp_path)
    spoil(published(folder))
    assert positions_after(folder) == {}
