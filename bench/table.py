"""What a benchmark says: one row of a Markdown table, as soon as it is known."""

HEAD = "| what | measured | floor | ratio |\n| --- | --- | --- | --- |"


def row(what: str, measured: str, floor: str = "", ratio: float | None = None) -> None:
    """Print one row."""
    cells = (what, measured, floor, "" if ratio is None else f"{ratio:.2f}")
    print(f"| {' | '.join(cells)} |", flush=True)
