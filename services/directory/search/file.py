"""The part of the index that is on disk: an SQLite file, written by one thread at a time.

The sheets as they are shown, what they are found by, their words (FTS5), and how far the topic
has been followed: a sheet and the offset of its event are there together, or neither is.
"""

import sqlite3
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import astuple, dataclass
from pathlib import Path
from typing import Any

import numpy as np

from services.directory.search.entries import FIELDS, Entry, Keys, Words
from services.directory.search.memory import Postings, bitmap
from services.directory.search.words import close, forgives, variants
from shared.bus.follow import Place, Position

FORMAT = "3"
"""Another one means: build it again. Raise it when words or keys are made another way."""

_FIELDS = ", ".join(FIELDS)
_SCHEMA = f"""
create table meta (name text primary key, value text not null);
create table entries (
    ordinal integer primary key, id text not null unique, revision integer not null,
    mask blob not null, latitude real, longitude real, day integer not null,
    score integer not null, hours text not null, commune text not null,
    postcode text not null, department text not null, typologies text not null,
    closures text not null, stops text not null
);
create table sheets (ordinal integer primary key, json blob not null);
create virtual table words using fts5 ({_FIELDS}, detail=column, tokenize='ascii');
create virtual table postings using fts5vocab (words, instance);
create virtual table vocabulary using fts5vocab (words, row);
create table variants (variant text, term text, primary key (variant, term)) without rowid;
create table positions (
    topic text, part integer, offset integer not null, event_id text not null,
    primary key (topic, part)
);
insert into meta values ('format', '{FORMAT}');
"""  # noqa: S608 our own names
_KEYS = ", ".join(Keys._fields)
MEMORY_MAP = 2**33
CHUNK = 10_000


@dataclass(frozen=True)
class Change:
    """A sheet as it was found before, and as it is from now on; either may be none."""

    old: tuple[Keys, Words] | None
    new: tuple[Keys, Words] | None


class UnknownFormat(Exception):
    """The file was written by another version."""


def create(path: Path) -> None:
    """Make an empty file."""
    with closing(sqlite3.connect(path)) as db:
        db.execute("pragma journal_mode = wal")
        db.execute("pragma synchronous = off")
        db.executescript(f"begin; {_SCHEMA} commit")


class IndexFile:
    """One SQLite file, with a connection to read by and one to write by."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._reading = self._open()
        self._writing = self._open()
        self._learned: set[str] = set()
        """Words whose variants this process has written."""

    def _open(self) -> sqlite3.Connection:
        # several threads, one after the other
        db = sqlite3.connect(self.path, check_same_thread=False, isolation_level=None, timeout=30)
        try:
            db.execute(f"pragma mmap_size = {MEMORY_MAP}")
            # what a crash of the machine takes away is followed again
            db.execute("pragma synchronous = normal")
            found = db.execute("select value from meta where name = 'format'").fetchone()
        except sqlite3.DatabaseError as exc:
            db.close()
            raise UnknownFormat(str(exc)) from exc
        if found != (FORMAT,):
            db.close()
            raise UnknownFormat(str(found))
        return db

    def close(self) -> None:
        """Close both connections."""
        self._reading.close()
        self._writing.close()

    # reading

    def count(self) -> int:
        """How many sheets there are."""
        (found,) = self._reading.execute("select count(*) from entries").fetchone()
        return int(found)

    def last(self) -> int:
        """The greatest ordinal, -1 if there is none."""
        (found,) = self._reading.execute("select max(ordinal) from entries").fetchone()
        return -1 if found is None else int(found)

    def keys(self) -> Iterator[list[Keys]]:
        """What every sheet is found by, some thousands at a time."""
        db = self._open()
        try:
            rows = db.execute(f"select {_KEYS} from entries order by ordinal")  # noqa: S608
            while some := rows.fetchmany(CHUNK):
                yield [Keys._make(row) for row in some]
        finally:
            db.close()

    def ids(self, ordinals: Sequence[int]) -> dict[int, str]:
        """The ids of these sheets, by ordinal; one that has just gone is missing."""
        return self._by_ordinal("id from entries", ordinals)

    def sheets(self, ordinals: Sequence[int]) -> dict[int, bytes]:
        """These sheets as they are shown, by ordinal; one that has just gone is missing."""
        return self._by_ordinal("json from sheets", ordinals)

    def _by_ordinal(self, what: str, ordinals: Sequence[int]) -> dict[int, Any]:
        marks = ",".join("?" * len(ordinals))
        return dict(
            self._reading.execute(
                f"select ordinal, {what} where ordinal in ({marks})",
                ordinals,
            ).fetchall()
        )

    def postings(self, term: str) -> Postings:
        """The sheets that a word is in."""
        # as one text a field: a row for each sheet would take three times as long
        found = dict(
            self._reading.execute(
                "select col, group_concat(doc) from postings where term = ? group by col", (term,)
            ).fetchall()
        )
        return Postings(
            [bitmap(np.fromstring(found.get(name, ""), np.uint32, sep=",")) for name in FIELDS]
        )

    def frequent(self, least: int) -> list[str]:
        """The words that at least so many sheets have."""
        db = self._open()
        try:
            found = db.execute("select term from vocabulary where doc >= ?", (least,)).fetchall()
        finally:
            db.close()
        return [term for (term,) in found]

    def known(self, term: str) -> list[str]:
        """The words of any sheet that somebody who writes this may have meant, itself first."""
        if not forgives(term):
            return [term]
        asked = tuple(variants(term))
        marks = ",".join("?" * len(asked))
        found = self._reading.execute(
            f"select distinct term from variants where variant in ({marks})",  # noqa: S608
            asked,
        ).fetchall()
        return [term, *(other for (other,) in found if other != term and close(term, other))]

    def positions(self) -> dict[Place, Position]:
        """How far each partition was followed."""
        rows = self._reading.execute("select topic, part, offset, event_id from positions")
        return {(topic, part): Position(offset, id_) for topic, part, offset, id_ in rows}

    def revisions(self, ids: Sequence[str]) -> dict[str, int]:
        """The revisions of these sheets, those that are there."""
        marks = ",".join("?" * len(ids))
        return dict(
            self._reading.execute(
                f"select id, revision from entries where id in ({marks})",  # noqa: S608
                ids,
            ).fetchall()
        )

    # writing

    def write(
        self,
        entries: Iterable[Entry] = (),
        gone: Iterable[str] = (),
        positions: dict[Place, Position] | None = None,
    ) -> list[Change]:
        """Put sheets in, take others out, note how far that follows the topic; all or nothing.

        A sheet that is there at a newer revision, or just so, is left as it is.
        """
        db = self._writing
        db.execute("begin immediate")
        try:
            changes = [change for entry in entries for change in self._put(entry)]
            changes += [Change(old, None) for id_ in gone if (old := self._take_out(id_))]
            rows = [(*place, *astuple(at)) for place, at in (positions or {}).items()]
            db.executemany("insert or replace into positions values (?, ?, ?, ?)", rows)
        except BaseException:
            db.execute("rollback")
            self._learned.clear()
            raise
        db.execute("commit")
        return changes

    def forget_positions(self) -> None:
        """Follow the topic from its start, next time."""
        self._writing.execute("delete from positions")

    def missing(self, first: int, count: int, there: Iterable[str]) -> list[str]:
        """The ids of sheets at these places of the list that are not among those given."""
        rows = self._writing.execute(
            "select id from entries where ordinal >= ? and ordinal < ?", (first, first + count)
        )
        kept = set(there)
        return [id_ for (id_,) in rows if id_ not in kept]

    def tidy(self) -> None:
        """Merge the word index into one: it is read faster."""
        self._writing.execute("insert into words (words) values ('optimize')")
        self._writing.execute("analyze")

    def _put(self, entry: Entry) -> Iterator[Change]:
        db = self._writing
        keys = entry.keys
        known = db.execute(
            f"select revision, json, {_KEYS} "  # noqa: S608
            "from entries join sheets using (ordinal) where id = ?",
            (entry.id,),
        ).fetchone()
        if known and (known[0] > entry.revision or known == (entry.revision, entry.json, *keys)):
            return
        # the place of another: this was the index of another directory
        for (other,) in db.execute(
            "select id from entries where ordinal = ? and id != ?", (keys.ordinal, entry.id)
        ).fetchall():
            yield Change(self._take_out(other), None)
        old = self._take_out(entry.id) if known else None
        db.execute(
            f"insert into entries (id, revision, {_KEYS}) values (?, ?{', ?' * len(Keys._fields)})",  # noqa: S608
            (entry.id, entry.revision, *keys),
        )
        db.execute("insert into sheets values (?, ?)", (keys.ordinal, entry.json))
        db.execute(
            f"insert into words (rowid, {_FIELDS}) values (?{', ?' * len(FIELDS)})",  # noqa: S608
            (keys.ordinal, *(" ".join(sorted(terms)) for terms in entry.words)),
        )
        self._learn(frozenset().union(*entry.words))
        yield Change(old, (keys, entry.words))

    def _learn(self, terms: Iterable[str]) -> None:
        """Know new words by what people may write instead."""
        db = self._writing
        for term in terms:
            if term not in self._learned:
                db.executemany(
                    "insert or ignore into variants values (?, ?)",
                    [(variant, term) for variant in variants(term)],
                )
                self._learned.add(term)

    def _take_out(self, id_: str) -> tuple[Keys, Words] | None:
        db = self._writing
        row = db.execute(
            f"select {_KEYS} from entries where id = ?",  # noqa: S608
            (id_,),
        ).fetchone()
        if row is None:
            return None
        ordinal = row[0]
        words = db.execute(
            f"select {_FIELDS} from words where rowid = ?",  # noqa: S608
            (ordinal,),
        ).fetchone()
        db.execute("delete from words where rowid = ?", (ordinal,))
        db.execute("delete from sheets where ordinal = ?", (ordinal,))
        db.execute("delete from entries where ordinal = ?", (ordinal,))
        return Keys._make(row), tuple(frozenset(text.split()) for text in words)
