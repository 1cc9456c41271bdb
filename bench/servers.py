"""The embedded servers that benchmarks run on."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from shared import embedded
from shared.settings import ServiceSettings


@contextmanager
def database() -> Iterator[str]:
    """An embedded database's URL."""
    with tempfile.TemporaryDirectory() as folder:
        server = embedded.database(Path(folder), embedded.free_port())
        with embedded.running(server, Path(folder, "log")):
            yield server.settings["MONGO_URL"]


@contextmanager
def bus() -> Iterator[ServiceSettings]:
    """Settings of a service that has an embedded database and an embedded broker."""
    with tempfile.TemporaryDirectory() as folder, database() as url:
        server = embedded.broker(embedded.free_port())
        with embedded.running(server, Path(folder, "log")):
            yield ServiceSettings(
                mongo_url=url,
                kafka_url=server.settings["KAFKA_URL"],
                kafka_idempotence=False,
                database_prefix="bench_",
            )
