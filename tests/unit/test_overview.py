"""The directory by territory: no sheet is lost, none counted twice, whatever it says."""

import datetime as dt
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from services.directory.domain import territory_names
from services.directory.domain.completeness import completeness, fresh_since, fresh_until
from services.directory.domain.overview import (
    AGES,
    BANDS,
    PUBLICS,
    SERVICES,
    UNKNOWN,
    Counts,
    age_of,
    band_of,
    overview,
    total,
)
from services.directory.domain.territories import DEPARTMENTS, department_of
from services.directory.search.entries import entry_of
from services.directory.search.memory import Memory
from services.directory.search.overview import counted
from services.directory.store.sheets import Sheet
from shared.events import FieldValue
from shared.territories import REGION_OF, REGIONS

Fiche = dict[str, FieldValue]
NOW = dt.datetime(2026, 8, 31, 22, 30, tzinfo=dt.UTC)
"""The first of September in Paris."""

CODES = st.sampled_from(
    ["26113", "2A004", "2B033", "97411", "97611", "97502", "97701", "98818", "00000", "75056", ""]
)
FICHES: st.SearchStrategy[Fiche] = st.fixed_dictionaries(
    {"nom": st.just("Ici")},
    optional={
        "code_insee": CODES,
        "code_postal": st.sampled_from(["26150", "20000", "20200", "97400", "98800", "99999"]),
        "services": st.lists(st.sampled_from(SERVICES), unique=True),
        "publics_specifiquement_adresses": st.lists(st.sampled_from(PUBLICS), unique=True),
        "date_maj": st.dates(dt.date(2023, 1, 1), dt.date(2027, 1, 1)).map(str)
        | st.sampled_from(["1970-01-01", "2026-03-01", "2026-03-02", "2025-09-01", "2024-09-01"]),
        "telephone": st.just("+33465710099"),
        "horaires": st.just("Mo-Fr 09:00-12:00"),
        "site_web": st.just(["https://lieu.example.org"]),
        "presentation_detail": st.text("ab ", max_size=60),
        "adresse": st.just("4 place"),
        "latitude": st.just(44.7),
        "longitude": st.just(5.3),
    },
)


def naive(fiches: Sequence[Fiche]) -> dict[str, Counts]:
    """The same, sheet by sheet."""
    found: dict[str, Counts] = {}
    for fiche in fiches:
        counts = found.setdefault(department_of(fiche) or UNKNOWN, Counts())
        counts.venues += 1
        for name, by in (
            ("services", counts.by_service),
            ("publics_specifiquement_adresses", counts.by_public),
        ):
            values = fiche.get(name)
            for value in values if isinstance(values, list) else []:
                by[value] += 1
        counts.services = sum(counts.by_service.values())
        given_ = str(fiche.get("date_maj", "1970-01-01"))
        day = None if given_ == "1970-01-01" else dt.date.fromisoformat(given_)
        counts.by_age[age_of(day, NOW)] += 1
        counts.by_completeness[band_of(completeness(fiche, None, NOW).score)] += 1
    return found


def indexed(fiches: Sequence[Fiche], *, changed: bool = False) -> dict[str, Counts]:
    """What the index counts, once it is loaded or has followed each change."""
    entries = [
        entry_of(Sheet(str(number), number, 1, fiche, {})) for number, fiche in enumerate(fiches)
    ]
    memory = Memory()
    if not changed:
        memory = Memory.loaded([[entry.keys] for entry in entries], len(entries))
    for before, entry in zip([entries[-1:], *([one] for one in entries)], entries, strict=False):
        if changed:
            other = before[0]
            keys = other.keys._replace(ordinal=entry.keys.ordinal)
            memory.replace(None, (keys, other.words))
            memory.replace((keys, other.words), (entry.keys, entry.words))
    return counted(memory, NOW)


@given(st.lists(FICHES, max_size=30), st.booleans())
@settings(deadline=None, max_examples=150)
def test_the_index_counts_as_one_would_by_hand(fiches: list[Fiche], changed: bool) -> None:
    found = {code: one for code, one in indexed(fiches, changed=changed).items() if one.venues}
    assert found == naive(fiches)


@given(st.lists(FICHES, max_size=30))
@settings(deadline=None)
def test_all_departments_together_are_the_whole(fiches: list[Fiche]) -> None:
    made = overview(naive(fiches))
    assert made.total.venues == len(fiches)
    departments = [one.counts for one in made.departments]
    assert total([*departments, made.unknown]) == made.total
    overseas = [one.counts for one in made.departments if one.region is None]
    regions = [one.counts for one in made.regions]
    assert total([*regions, *overseas, made.unknown]) == made.total
    for counts in (made.total, made.unknown, *departments):
        assert sum(counts.by_age.values()) == counts.venues
        assert sum(counts.by_completeness.values()) == counts.venues


def test_every_territory_has_its_name() -> None:
    assert set(territory_names.REGIONS) == set(REGIONS)
    assert set(territory_names.DEPARTMENTS) == DEPARTMENTS
    made = overview({})
    assert [one.code for one in made.departments] == sorted(DEPARTMENTS)
    assert len(made.regions) == 18
    found = made.find("departement", "2A")
    assert found is not None
    assert (found.nom, found.region) == ("Corse-du-Sud", "94")
    assert made.find("departement", "975") is not None
    assert REGION_OF.get("975") is None
    assert made.find("region", "2A") is None


@pytest.mark.parametrize(
    ("day", "age"),
    [
        (None, "unknown"),
        (dt.date(2026, 9, 2), "unknown"),
        (dt.date(2026, 9, 1), "under_6_months"),
        (dt.date(2026, 3, 2), "under_6_months"),
        (dt.date(2026, 3, 1), "under_1_year"),
        (dt.date(2025, 9, 2), "under_1_year"),
        (dt.date(2025, 9, 1), "under_2_years"),
        (dt.date(2024, 9, 2), "under_2_years"),
        (dt.date(2024, 9, 1), "over_2_years"),
        (dt.date(1999, 1, 1), "over_2_years"),
    ],
)
def test_ages(day: dt.date | None, age: str) -> None:
    assert age_of(day, NOW) == age
    assert age in AGES


def test_each_score_has_one_band() -> None:
    assert [band_of(score) for score in range(11)] == (
        ["0-3"] * 4 + ["4-6"] * 3 + ["7-8"] * 2 + ["9-10"] * 2
    )
    assert sum(len(band) for band in BANDS.values()) == 11


@given(st.dates(dt.date(2020, 1, 1), dt.date(2032, 12, 31)), st.integers(360, 370))
def test_fresh_is_the_same_from_both_ends(today: dt.date, ago: int) -> None:
    day = today - dt.timedelta(days=ago)
    until = fresh_until({"date_maj": day.isoformat()}, None)
    assert until is not None
    assert (today <= until) == (day >= fresh_since(today))
