"""The directory's settings, beside what every service has."""

from pathlib import Path

from shared.settings import ServiceSettings


class Settings(ServiceSettings):
    """Read from the environment."""

    search_index: str = ""
    """The folder of this process's search index; without one it is built at each start."""
    mednum_data: str = ""
    """A folder of open data: its `geo/communes.csv` says which EPCI each commune is in."""

    @property
    def search_folder(self) -> Path | None:
        """Where the search index is kept."""
        return Path(self.search_index) if self.search_index else None

    @property
    def communes_file(self) -> Path | None:
        """The communes of France, if they are there."""
        return Path(self.mednum_data) / "geo" / "communes.csv" if self.mednum_data else None
