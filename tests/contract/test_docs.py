"""docs/ says what the code says."""

from tools.docs import documents


def test_generated_documents_are_up_to_date() -> None:
    stale = [path.name for path, text in documents().items() if path.read_text() != text]
    assert stale == [], "run `make docs`"
