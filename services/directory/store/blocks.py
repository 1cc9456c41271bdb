"""Sheets by the blocks in which they are compared: a throw-away file, so that memory stays small.

The file is SQLite's, in the system's folder for temporary files, and gone once it is closed.
"""

import sqlite3
from collections.abc import Iterable, Iterator
from functools import lru_cache
from hashlib import blake2b
from itertools import groupby
from operator import itemgetter
from tempfile import NamedTemporaryFile

from pydantic import TypeAdapter

from services.directory.domain.traits import Traits

LARGEST = 60
"""Sheets of a block; a larger one says nothing about them."""
REMEMBERED = 20_000
"""Sheets in memory at a time."""

_TRAITS = TypeAdapter(Traits)


class Blocks:
    """What is compared of each sheet, found by block. To be closed, as by `contextlib.closing`."""

    def __init__(self) -> None:
        self._file = NamedTemporaryFile(suffix=".blocks")  # noqa: SIM115
        self._db = sqlite3.connect(self._file.name, isolation_level=None)
        self._db.executescript(
            """
            PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536;
            CREATE TABLE sheet (n INTEGER PRIMARY KEY, traits BLOB);
            CREATE TABLE block (key INTEGER, n INTEGER);
            CREATE TABLE alike (pair TEXT PRIMARY KEY) WITHOUT ROWID;
            """
        )
        self._count = 0
        self.passed_by = 0
        """Blocks that were too large."""
        self._sheet = lru_cache(REMEMBERED)(self._read)

    def close(self) -> None:
        """Remove the file."""
        self._db.close()
        self._file.close()

    def add(self, sheets: Iterable[tuple[Traits, Iterable[str]]]) -> None:
        """Add sheets, each with the keys of its blocks."""
        rows: list[tuple[int, bytes]] = []
        keys: list[tuple[int, int]] = []
        for traits, blocks in sheets:
            rows.append((self._count, _TRAITS.dump_json(traits)))
            keys += [(_hash(block), self._count) for block in blocks]
            self._count += 1
        self._db.execute("BEGIN")
        self._db.executemany("INSERT INTO sheet VALUES (?, ?)", rows)
        self._db.executemany("INSERT INTO block VALUES (?, ?)", keys)
        self._db.execute("COMMIT")

    def pairs(self) -> Iterator[tuple[Traits, Traits]]:
        """Every two sheets that share a block, once."""
        self._db.execute("CREATE INDEX by_key ON block (key, n)")
        self._db.execute("CREATE INDEX by_sheet ON block (n, key)")
        sizes = "SELECT key FROM block GROUP BY key HAVING count(*) "
        [(self.passed_by,)] = self._db.execute(
            f"SELECT count(*) FROM ({sizes} > ?)",  # noqa: S608
            (LARGEST,),
        )
        rows = self._db.execute(
            f"SELECT key, n FROM block WHERE key IN ({sizes} BETWEEN 2 AND ?) ORDER BY key, n",  # noqa: S608
            (LARGEST,),
        )
        met = lru_cache(REMEMBERED)(self._small_blocks)
        for key, group in groupby(rows, key=itemgetter(0)):
            members = [n for _, n in group]
            for place, n in enumerate(members):
                for other in members[place + 1 :]:
                    # two sheets share several blocks: they meet in the first
                    if min(met(n) & met(other)) == key:
                        yield self._sheet(n), self._sheet(other)

    def note(self, pairs: Iterable[str]) -> None:
        """Remember which pairs were alike."""
        self._db.executemany("INSERT OR IGNORE INTO alike VALUES (?)", ((one,) for one in pairs))

    def noted(self, pair: str) -> bool:
        """Whether a pair was alike."""
        found = self._db.execute("SELECT 1 FROM alike WHERE pair = ?", (pair,))
        return found.fetchone() is not None

    def _small_blocks(self, n: int) -> frozenset[int]:
        rows = self._db.execute(
            "SELECT mine.key FROM block mine WHERE mine.n = ? AND "
            "(SELECT count(*) FROM (SELECT 1 FROM block WHERE key = mine.key LIMIT ?)) <= ?",
            (n, LARGEST + 1, LARGEST),
        )
        return frozenset(key for (key,) in rows)

    def _read(self, n: int) -> Traits:
        [(blob,)] = self._db.execute("SELECT traits FROM sheet WHERE n = ?", (n,))
        return _TRAITS.validate_json(blob)


def _hash(key: str) -> int:
    """64 bits of a key: two that fall together only make sheets meet that need not."""
    return int.from_bytes(blake2b(key.encode(), digest_size=8).digest(), "big", signed=True)
