"""`python -m services.directory duplicates …`: find them, and see how well that works."""

import asyncio
from pathlib import Path
from typing import Annotated

import rich
import typer
from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table

from services.directory.app import service
from services.directory.domain.duplicates import MATCH
from services.directory.importing.pairs import Evaluation, UnreadablePairs, evaluate
from services.directory.settings import Settings
from services.directory.use_cases.duplicates import Found, find

app = typer.Typer(help="Sheets that tell of the same venue.", no_args_is_help=True)

File = Annotated[Path, typer.Argument(exists=True, dir_okay=False, readable=True)]


@app.command("find")
def find_all() -> None:
    """Compare the sheets of the whole directory; what people decided stays."""
    run = asyncio.run(_find())
    rich.print(
        f"{run.venues} fiches, {run.compared} paires comparées ({run.passed_by} groupes trop "
        f"grands), {run.alike} à relire dont {run.matches} probables : {run.new} nouvelles, "
        f"{run.changed} modifiées, {run.closed} closes"
    )


async def _find() -> Found:
    database = service(Settings()).database()
    words = "{task.description} {task.fields[venues]} fiches, {task.fields[compared]} comparaisons"
    columns = (SpinnerColumn(), TextColumn(words), TimeElapsedColumn())
    try:
        await database.ensure_indexes(service(Settings()).all_indexes)
        with Progress(*columns) as bar:
            task = bar.add_task("doublons :", total=None, venues=0, compared=0)
            return await find(
                database,
                lambda run: bar.update(task, venues=run.venues, compared=run.compared),
            )
    finally:
        database.close()


@app.command("evaluate")
def evaluate_files(
    left: File,
    right: File,
    pairs: File,
    threshold: Annotated[int, typer.Option(min=0, max=100, help="Score of a match.")] = MATCH,
    *,
    errors: Annotated[bool, typer.Option(help="List the pairs that came out wrong.")] = False,
) -> None:
    """Compare sheets with what people said of them: match, distinct, unsure."""
    try:
        evaluation = evaluate(left, right, pairs, threshold)
    except UnreadablePairs as exc:
        rich.print(str(exc))
        raise typer.Exit(1) from None
    _print(evaluation)
    if errors:
        _print_errors(evaluation)


def _print(evaluation: Evaluation) -> None:
    table = Table("étiquette", "trouvé : même lieu", "trouvé : autre lieu")
    for label, words in ((True, "match"), (False, "distinct"), (None, "unsure")):
        found = (evaluation.count(label=label, found=found) for found in (True, False))
        table.add_row(words, *map(str, found))
    rich.print(table)
    rich.print(
        f"seuil {evaluation.threshold} : précision {evaluation.precision:.4f}, "
        f"rappel {evaluation.recall:.4f}, F1 {evaluation.f1:.4f}"
    )
    if evaluation.missing:
        rich.print(f"{evaluation.missing} paires sans fiche, non comptées")


def _print_errors(evaluation: Evaluation) -> None:
    table = Table("gauche", "droite", "étiquette", "score", "raisons")
    for pair in evaluation.pairs:
        found = pair.likeness.score >= evaluation.threshold
        if pair.is_same is not None and pair.is_same is not found:
            label = "match" if pair.is_same else "distinct"
            reasons = ", ".join(pair.likeness.reasons)
            table.add_row(pair.left, pair.right, label, str(pair.likeness.score), reasons)
    rich.print(table)
