"""Which communes an EPCI (communauté de communes, métropole…) is made of."""

import csv
from functools import cached_property
from pathlib import Path


class Communes:
    """The communes of France, where the optional data folder has them."""

    def __init__(self, file: Path | None) -> None:
        self._file = file if file and file.is_file() else None

    @property
    def known(self) -> bool:
        """Whether there is a file at all."""
        return self._file is not None

    def of_epci(self, code: str) -> tuple[str, ...]:
        """The codes of its communes; none if there is no such EPCI."""
        return self._by_epci.get(code, ())

    @cached_property
    def _by_epci(self) -> dict[str, tuple[str, ...]]:
        found: dict[str, list[str]] = {}
        if self._file:
            with self._file.open(encoding="utf-8", newline="") as text:
                for row in csv.DictReader(text):
                    if row.get("code_epci"):
                        found.setdefault(row["code_epci"], []).append(row["code_insee"])
        return {code: tuple(communes) for code, communes in found.items()}
