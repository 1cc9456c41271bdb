"""The daily dump: due once a day, whole or not there, with what is needed to check it."""

import asyncio
import datetime as dt
import hashlib
import json
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest
from frictionless import Package
from hypothesis import given
from hypothesis import strategies as st

from services.directory.domain import dumps
from services.directory.domain.venues import Venue
from services.directory.exporting.dump import MEDIA_TYPES, Abandoned, make_dump, names
from services.directory.exporting.streams import Pages
from tests.unit.test_exports import AT, FICHE, venue

ROOT = Path(__file__).resolve().parents[2]
AT_THREE = dt.time(3)
MOMENTS = st.datetimes(
    dt.datetime(2026, 1, 1),  # noqa: DTZ001
    dt.datetime(2027, 12, 31),  # noqa: DTZ001
    timezones=st.just(dt.UTC),
)


def utc(*parts: int) -> dt.datetime:
    return dt.datetime(*parts, tzinfo=dt.UTC)  # type: ignore[misc, arg-type]


class TestWhen:
    @pytest.mark.parametrize(
        ("now", "due"),
        [
            # winter: 3 h in Paris is 2 h UTC
            (utc(2026, 1, 15, 1, 59), utc(2026, 1, 14, 2)),
            (utc(2026, 1, 15, 2), utc(2026, 1, 15, 2)),
            (utc(2026, 7, 15, 0, 59), utc(2026, 7, 14, 1)),
            (utc(2026, 7, 15, 22, 30), utc(2026, 7, 15, 1)),
            # the night that has 3 h twice over, in summer's and in winter's time
            (utc(2026, 10, 25, 1, 59), utc(2026, 10, 24, 1)),
            (utc(2026, 10, 25, 2), utc(2026, 10, 25, 2)),
        ],
    )
    def test_it_is_due_at_its_hour_in_paris(self, now: dt.datetime, due: dt.datetime) -> None:
        assert dumps.last_due(now, AT_THREE) == due

    @given(MOMENTS, st.times())
    def test_it_was_due_within_the_last_day(self, now: dt.datetime, at: dt.time) -> None:
        due = dumps.last_due(now, at)
        assert due <= now
        assert now - due <= dt.timedelta(hours=25)

    def test_it_is_due_until_it_is_made(self) -> None:
        now = utc(2026, 1, 15, 8)
        assert dumps.is_due([], now, AT_THREE)
        assert dumps.is_due([dumps.name_of(utc(2026, 1, 15, 1, 59))], now, AT_THREE)
        made = [dumps.name_of(utc(2026, 1, 14, 2)), dumps.name_of(utc(2026, 1, 15, 2, 0, 1))]
        assert not dumps.is_due(made, now, AT_THREE)

    @given(MOMENTS, st.times())
    def test_what_is_made_now_is_not_due_again(self, now: dt.datetime, at: dt.time) -> None:
        now = now.replace(microsecond=0)
        assert not dumps.is_due([dumps.name_of(now)], now, at)


class TestNames:
    @given(MOMENTS, MOMENTS)
    def test_names_sort_as_moments(self, one: dt.datetime, other: dt.datetime) -> None:
        one, other = (moment.replace(microsecond=0) for moment in (one, other))
        assert (dumps.name_of(one) < dumps.name_of(other)) == (one < other)
        assert dumps.moment_of(dumps.name_of(one)) == one

    @pytest.mark.parametrize("name", ["", "latest", "..", "2026-13-01T000000Z", "2026-01-01"])
    def test_others_are_no_dumps(self, name: str) -> None:
        assert dumps.moment_of(name) is None

    def test_the_newest_of_each_of_the_newest_days_is_kept(self) -> None:
        days = [dumps.name_of(utc(2026, 1, day, 2)) for day in range(1, 5)]
        again = dumps.name_of(utc(2026, 1, 4, 9))
        # a Paris day: this one is the 4th there
        evening = dumps.name_of(utc(2026, 1, 3, 23, 30))
        everything = [*days, again, evening, "autre"]
        assert sorted(dumps.out_of_date(everything, 2)) == [*days[:2], evening, days[3]]
        assert dumps.out_of_date([days[0]], 1) == []


def sheets(count: int) -> list[Venue]:
    return [venue(FICHE | {"id": f"lieu-{number}"}) for number in range(count)]


async def pages(*given_: Sequence[Venue]) -> Pages:
    for page in given_:
        yield page


async def made_in(folder: Path, *given_: Sequence[Venue], at: dt.datetime = AT) -> Path:
    return await make_dump(pages(*given_), folder, made_at=at, kept=2)


def entries(folder: Path) -> list[str]:
    return [one.name for one in folder.iterdir() if one.name != ".lock"]


def check_sums(folder: Path) -> subprocess.CompletedProcess[str]:
    command = ["sha256sum", "--check", "--strict", "SHA256SUMS"]
    return subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)


class TestFiles:
    async def test_it_says_what_it_holds(self, tmp_path: Path) -> None:
        made = await made_in(tmp_path / "new", sheets(3), [], sheets(1))
        assert {path.name for path in made.iterdir()} == set(MEDIA_TYPES)
        package = json.loads((made / "datapackage.json").read_text("utf-8"))
        assert list(Package.metadata_validate(package)) == []
        assert package["$schema"] == "https://datapackage.org/profiles/2.0/datapackage.json"
        assert package["name"] == "lieux-mediation-numerique"
        assert [one["name"] for one in package["licenses"]] == ["etalab-2.0"]
        assert package["created"] == "2026-03-02T09:30:00+00:00"
        assert len(package["resources"]) == 4
        for resource in package["resources"]:
            raw = (made / resource["path"]).read_bytes()
            assert resource["bytes"] == len(raw)
            assert resource["hash"] == f"sha256:{hashlib.sha256(raw).hexdigest()}"
            assert (resource["encoding"], resource["count"]) == ("utf-8", 4)
        mediatypes = {one["path"]: one["mediatype"] for one in package["resources"]}
        assert mediatypes == {
            "lieux.csv": "text/csv",
            "lieux.ndjson": "application/x-ndjson",
            "lieux.geojson": "application/geo+json",
            "lieux-etendus.ndjson": "application/x-ndjson",
        }
        (table,) = [one for one in package["resources"] if "schema" in one]
        assert (table["path"], table["schema"]) == ("lieux.csv", dumps.SCHEMA)
        assert len((made / "lieux.ndjson").read_text("utf-8").split("\n")) == 5
        assert '"provenance"' in (made / "lieux-etendus.ndjson").read_text("utf-8")

    @pytest.mark.skipif(not shutil.which("sha256sum"), reason="no sha256sum")
    async def test_its_sums_are_checked_by_the_usual_tool(self, tmp_path: Path) -> None:
        made = await made_in(tmp_path, sheets(2))
        checked = check_sums(made)
        assert checked.returncode == 0, checked.stderr
        assert len(checked.stdout.splitlines()) == 5
        (made / "lieux.csv").write_text("id\n")
        assert check_sums(made).returncode == 1

    async def test_an_empty_directory_has_a_dump(self, tmp_path: Path) -> None:
        made = await made_in(tmp_path)
        assert json.loads((made / "lieux.geojson").read_text("utf-8"))["features"] == []
        assert (made / "lieux.ndjson").read_bytes() == b""

    async def test_old_ones_go_and_what_is_not_ours_stays(self, tmp_path: Path) -> None:
        (tmp_path / "lisez-moi").mkdir()
        made = [await made_in(tmp_path, at=AT + dt.timedelta(days=day)) for day in range(3)]
        assert names(tmp_path) == [one.name for one in made[1:]]
        assert (tmp_path / "lisez-moi").is_dir()

    async def test_what_fails_leaves_the_one_before_whole(self, tmp_path: Path) -> None:
        before = await made_in(tmp_path, sheets(1))

        async def broken() -> Pages:
            yield sheets(1)
            raise ConnectionError

        for given_, may_go_on in ((broken(), True), (pages(sheets(1)), False)):
            with pytest.raises((ConnectionError, Abandoned)):
                await make_dump(
                    given_,
                    tmp_path,
                    made_at=AT + dt.timedelta(days=1),
                    kept=2,
                    may_go_on=lambda goes=may_go_on: goes,  # type: ignore[misc]
                )
            assert entries(tmp_path) == [before.name]

    async def test_two_do_not_write_there_at_once(self, tmp_path: Path) -> None:
        async def meanwhile() -> Pages:
            yield sheets(1)
            with pytest.raises(Abandoned):
                await made_in(tmp_path, sheets(2), at=AT + dt.timedelta(days=1))

        made = await make_dump(meanwhile(), tmp_path, made_at=AT, kept=2)
        assert entries(tmp_path) == [made.name]

    async def test_whoever_is_killed_leaves_the_one_before_whole(self, tmp_path: Path) -> None:
        before = await made_in(tmp_path, sheets(1))
        script = (
            "import asyncio, sys, time, datetime as dt\n"
            "from pathlib import Path\n"
            "from tests.unit.test_dumps import make_dump, sheets\n"
            "async def pages():\n"
            "    yield sheets(500)\n"
            "    print('writing', flush=True)\n"
            "    time.sleep(600)\n"
            "asyncio.run(make_dump(pages(), Path(sys.argv[1]), made_at=dt.datetime.now(dt.UTC),"
            " kept=2))"
        )
        killed = await asyncio.create_subprocess_exec(
            sys.executable, "-c", script, str(tmp_path), cwd=ROOT, stdout=asyncio.subprocess.PIPE
        )
        assert killed.stdout
        assert await killed.stdout.readline() == b"writing\n"
        killed.kill()
        await killed.wait()
        assert names(tmp_path) == [before.name]
        assert len(entries(tmp_path)) == 2
        after = await made_in(tmp_path, sheets(2), at=AT + dt.timedelta(days=1))
        assert sorted(entries(tmp_path)) == [before.name, after.name]

    async def test_nobody_sees_it_before_it_is_whole(self, tmp_path: Path) -> None:
        before = await made_in(tmp_path, sheets(1))
        seen = []

        async def watched() -> Pages:
            for page in (sheets(1), sheets(2)):
                seen.append(names(tmp_path))
                yield page

        after = await make_dump(watched(), tmp_path, made_at=AT + dt.timedelta(days=1), kept=2)
        assert seen == [[before.name]] * 2
        assert names(tmp_path) == [before.name, after.name]
