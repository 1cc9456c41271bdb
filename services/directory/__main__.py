"""`python -m services.directory`: serve; `… import FILE --source NAME`; `… dead list`."""

import asyncio
import os
from pathlib import Path
from typing import Annotated

import rich
import typer
from rich.progress import Progress

from services.directory.app import service
from services.directory.importing.importer import Report, import_csv
from services.directory.settings import Settings
from shared.cli import command_line

app = command_line(lambda: service(Settings()))


@app.command("import")
def import_file(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)],
    source: Annotated[str, typer.Option(help="Where the file comes from.")],
) -> None:
    """Import a CSV file of the national schema."""
    report = asyncio.run(_import(file, source))
    for error in report.errors:
        rich.print(
            f"ligne {error.line} · {error.field} · « {error.value} » · "
            f"{error.rule} : {error.message}"
        )
    rich.print(
        f"{report.created} créés, {report.updated} modifiés, "
        f"{report.unchanged} inchangés, {report.refused} refusés"
    )


async def _import(file: Path, source: str) -> Report:
    database = service(Settings()).database()
    try:
        await database.ensure_indexes(service(Settings()).all_indexes)
        with Progress() as bar, file.open("rb") as raw:
            task = bar.add_task(file.name, total=os.fstat(raw.fileno()).st_size)
            return await import_csv(
                database, raw, source, lambda _: bar.update(task, completed=raw.tell())
            )
    finally:
        database.close()


if __name__ == "__main__":
    app()
