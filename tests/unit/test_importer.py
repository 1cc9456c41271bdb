"""What an import says of a file."""

from services.directory.importing.importer import CUT, MOST_ERRORS, Report
from services.directory.importing.reader import Refused
from shared.errors import InvalidField


def test_a_report_stays_of_a_readable_size() -> None:
    report = Report()
    for place in range(MOST_ERRORS + 5):
        wrong = InvalidField("id", "pattern", "Non.")
        report.refuse(Refused(place, "", {"id": "x" * 500}, [wrong]))
    assert report.refused == report.rows == MOST_ERRORS + 5
    assert len(report.errors) == MOST_ERRORS
    assert {len(error.value) for error in report.errors} == {CUT}
