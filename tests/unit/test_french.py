"""What people read: names of fields, values, days and moments, in French and in Paris."""

import datetime as dt

import pytest

from services.directory.domain.fiche import COLUMNS
from shared.events import FieldValue
from shared.french import LABELS, day_in_french, label, moment_in_french, shown


def utc(text: str) -> dt.datetime:
    return dt.datetime.fromisoformat(text).replace(tzinfo=dt.UTC)


class TestLabels:
    def test_every_column_has_one_and_nothing_else_does(self) -> None:
        assert list(LABELS) == list(COLUMNS)

    def test_no_two_are_alike(self) -> None:
        assert len(set(LABELS.values())) == len(LABELS)

    def test_a_field_of_another_version_goes_by_its_name(self) -> None:
        assert label("horaires") == "Horaires d'ouverture"
        assert label("prix") == "prix"


class TestValues:
    @pytest.mark.parametrize(
        ("value", "text"),
        [
            (None, "(vide)"),
            ("", "(vide)"),
            ([], "(vide)"),
            ("Anonymal", "Anonymal"),
            (["Gratuit"], "Gratuit"),
            (["Gratuit", "Payant"], "Gratuit, Payant"),
            (48.8534, "48,8534"),
            (0.0, "0,0"),
            (-1.5, "-1,5"),
        ],
    )
    def test_as_people_read_it(self, value: FieldValue, text: str) -> None:
        assert shown(value) == text

    def test_a_text_keeps_its_dots(self) -> None:
        assert shown("12.5 rue A") == "12.5 rue A"


class TestDays:
    @pytest.mark.parametrize(
        ("moment", "text"),
        [
            ("2026-11-30T10:00", "30 novembre 2026"),
            ("2026-03-01T10:00", "1er mars 2026"),
            ("2026-08-02T10:00", "2 août 2026"),
            # the day begins earlier in Paris
            ("2026-12-31T23:30", "1er janvier 2027"),
            ("2026-07-13T22:00", "14 juillet 2026"),
            ("2026-07-13T21:59", "13 juillet 2026"),
        ],
    )
    def test_in_paris(self, moment: str, text: str) -> None:
        assert day_in_french(utc(moment)) == text

    def test_every_month_and_weekday_has_its_name(self) -> None:
        months = {day_in_french(utc(f"2026-{month:02}-15T12:00")) for month in range(1, 13)}
        days = {moment_in_french(utc(f"2026-03-{day:02}T12:00")).split()[0] for day in range(2, 9)}
        assert len(months) == 12
        assert days == {"lundi", "mardi", "mercredi", "jeudi", "vendredi", "samedi", "dimanche"}


class TestMoments:
    @pytest.mark.parametrize(
        ("moment", "text"),
        [
            ("2026-11-30T13:05", "lundi 30 novembre 2026 à 14 h 05"),
            ("2026-07-14T07:00", "mardi 14 juillet 2026 à 9 h 00"),
            ("2026-02-28T23:00", "dimanche 1er mars 2026 à 0 h 00"),
            # either side of the change to summer time
            ("2026-03-29T00:59", "dimanche 29 mars 2026 à 1 h 59"),
            ("2026-03-29T01:00", "dimanche 29 mars 2026 à 3 h 00"),
        ],
    )
    def test_in_paris(self, moment: str, text: str) -> None:
        assert moment_in_french(utc(moment)) == text

    def test_another_time_zone_is_the_same_moment(self) -> None:
        tokyo = utc("2026-11-30T13:05").astimezone(dt.timezone(dt.timedelta(hours=9)))
        assert moment_in_french(tokyo) == "lundi 30 novembre 2026 à 14 h 05"
