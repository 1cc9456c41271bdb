"""The ids that a file has: as many as it likes, in bounded memory."""

import sqlite3
from collections.abc import Collection, Sequence

AT_ONCE = 500
"""Ids of one statement."""


class SeenIds:
    """Ids in a temporary file that SQLite deletes; those of refused rows are known, not taken."""

    def __init__(self) -> None:
        # each batch may be read in another thread, one after the other
        self._ids = sqlite3.connect("", isolation_level=None, check_same_thread=False)
        for rule in ("journal_mode = off", "synchronous = off", "cache_size = -16000"):
            self._ids.execute(f"PRAGMA {rule}")
        self._ids.execute(
            "CREATE TABLE seen (id TEXT PRIMARY KEY, taken INTEGER NOT NULL) WITHOUT ROWID"
        )
        self._ids.execute("BEGIN")

    def add_many(self, ids: Sequence[str]) -> set[int]:
        """Take ids; gives the places in `ids` of those that had been taken before."""
        taken = self._known(ids, taken=True)
        duplicates = set()
        for place, one in enumerate(ids):
            if one in taken:
                duplicates.add(place)
            taken.add(one)
        self._ids.executemany(
            "INSERT INTO seen VALUES (?, 1) ON CONFLICT (id) DO UPDATE SET taken = 1",
            [(one,) for one in ids],
        )
        return duplicates

    def note_many(self, ids: Sequence[str]) -> None:
        """Remember ids of refused rows: their venues are not missing from the file."""
        self._ids.executemany(
            "INSERT INTO seen VALUES (?, 0) ON CONFLICT (id) DO NOTHING", [(one,) for one in ids]
        )

    def contains_many(self, ids: Collection[str]) -> set[str]:
        """Those ids that the file has, on whatever row."""
        return self._known(list(ids), taken=False)

    def close(self) -> None:
        """Delete the temporary file."""
        self._ids.close()

    def _known(self, ids: Sequence[str], *, taken: bool) -> set[str]:
        known: set[str] = set()
        for first in range(0, len(ids), AT_ONCE):
            some = ids[first : first + AT_ONCE]
            places = ",".join("?" * len(some))
            found = self._ids.execute(
                f"SELECT id FROM seen WHERE id IN ({places}) AND taken >= {int(taken)}",  # noqa: S608
                some,
            )
            known.update(id_ for (id_,) in found)
        return known
