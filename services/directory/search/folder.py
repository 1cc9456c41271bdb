"""Where a process keeps its index: a folder with the present file, and one that is being built."""

import fcntl
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from tempfile import TemporaryDirectory


class InUse(Exception):
    """Another process has this folder, or builds in it."""


class Folder:
    """A folder, of its own or made for as long as the process lives."""

    def __init__(self, path: Path | None) -> None:
        # none given: the index is built again at each start
        self._made = TemporaryDirectory(prefix="mednum-search-") if path is None else None
        self.path = path or Path(self._made.name if self._made else "")
        self.path.mkdir(parents=True, exist_ok=True)

    def current(self) -> Path | None:
        """The file to answer from, if one was ever built."""
        try:
            found = self.path / (self.path / "current").read_text().strip()
        except FileNotFoundError:
            return None
        return found if found.is_file() else None

    def fresh(self) -> Path:
        """A name for a file to build."""
        return self.path / f"index-{time.time_ns():020}.sqlite"

    def publish(self, file: Path) -> None:
        """Have everybody answer from this file."""
        beside = self.path / "current.new"
        beside.write_text(file.name)
        beside.replace(self.path / "current")

    def tidy(self) -> None:
        """Remove what was left by builds that never ended, and files that were replaced."""
        # not while somebody builds
        with suppress(InUse), self.locked("build"):
            current = self.current()
            for file in self.path.glob("index-*"):
                if current is None or not file.name.startswith(current.name):
                    file.unlink(missing_ok=True)

    @contextmanager
    def locked(self, name: str) -> Iterator[None]:
        """Alone with this lock for the block; raises `InUse`."""
        with (self.path / f"{name}.lock").open("w") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InUse(f"{self.path} is in use by another process") from None
            yield
