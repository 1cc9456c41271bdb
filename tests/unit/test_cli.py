"""What operators read at a terminal is whole, and cannot act on it."""

import pytest

from shared.cli import print_table

LONG = "m" * 64


@pytest.fixture(autouse=True)
def narrow(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("COLUMNS", "40")


def test_nothing_is_cut(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("id", "reason"), [(LONG, "signature-invalid"), ("short", "[red]kept[/red]")])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split() for line in lines] == [
        ["id", "reason"],
        [LONG, "signature-invalid"],
        ["short", "[red]kept[/red]"],
    ]


def test_nothing_moves_the_cursor(capsys: pytest.CaptureFixture[str]) -> None:
    print_table(("id",), [("\x1b[2Jgone\r\u202e",)])
    assert capsys.readouterr().out.split() == ["id", r"\x1b[2Jgone\r\u202e"]
