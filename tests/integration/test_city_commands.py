"""How a city works, typed in a shell: taken whole, or refused with the line and nothing written."""

from __future__ import annotations

import json
from collections.abc import Callable
from contextlib import nullcontext
from importlib import resources
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import Result
from typer.testing import CliRunner

from api.cli import app as commands
from api.cli import import_city
from gis.governance.actors import SYSTEM
from gis.store.unit_of_work import Database
from tests.factories import SmallCity, add_upper_levels, small_city

Run = Callable[..., Result]
TABLES = (
    "categories", "category_deadlines", "persons", "units", "duties", "absences",
    "holiday_notices", "office_hours", "owned_assets",
)  # fmt: skip
CATEGORIES = resources.files("gis.governance").joinpath("categories.csv").read_text("utf-8")
DAYS = [f"2031-{month}-{day:02}" for month, day in (("01", 1), ("01", 28), ("01", 29), ("01", 30))]
DAYS += [f"2031-10-{day:02}" for day in (1, 2, 3, 6, 7)]
CALENDAR = "date,kind\n" + "".join(f"{day},off\n" for day in DAYS) + "2031-10-11,work\n"
HOURS = "from,hours\n2026-05-01,08:00-12:00;15:00-18:00\n2026-10-01,08:30-12:00;14:00-17:30\n"
DUTY = (
    "person_code,person_name,unit_code,unit_name,role,area,absent_from,absent_to\n"
    "N1,新网格员,U9,北门社区,网格员,{grid},2026-11-20,2026-11-25\n"
    "N2,新网格长,U9,,grid_lead,{grid},,\n"
)
OWNERS = (
    "code,name,kind,owner_unit,categories,reach_m,lon,lat\n"
    "L1,路灯1,lamp,U3,component-street-lamp,20,118.31,32.21\n"
    "L2,路灯2,lamp,U3,component-street-lamp,20,118.32,32.22\n"
)


@pytest.fixture
def city(database: Database) -> SmallCity:
    made = small_city(database)
    with database.transaction(SYSTEM) as work:
        add_upper_levels(work)
    return made


@pytest.fixture
def run(database: Database, city: SmallCity, monkeypatch: pytest.MonkeyPatch) -> Run:
    """`run("duty", file, ...)` -> the result of `gridward import ...`."""
    monkeypatch.setattr(import_city, "open_database", lambda: nullcontext(database))

    def typed(*words: object) -> Result:
        return CliRunner().invoke(commands("imports"), ["import", *map(str, words)])

    return typed


def kept(database: Database) -> dict[str, str]:
    """Return a checksum of every table that such a file may write."""
    with database.reading(SYSTEM) as work:
        return {
            table: work.scalar(
                sa.text(f"select coalesce(md5(string_agg(t::text, '|' order by t::text)), '-') "
                        f"from {table} t")
            )
            for table in TABLES
        }  # fmt: skip


def lamp() -> str:
    keys = [line.split(",")[0] for line in CATEGORIES.splitlines()]
    return next(key for key in keys if "lamp" in key)


@pytest.mark.parametrize(
    ("what", "text", "told", "changed"),
    [
        ("categories", CATEGORIES.replace(",4 work_hours,", ",3 work_hours,"),
         {"categories": 79, "added": [], "switched_off": []}, {"category_deadlines"}),
        ("duty", DUTY, {"persons": 2, "duties": 2, "absences": 1, "ended": 0},
         {"persons", "units", "duties", "absences"}),
        ("calendar", CALENDAR,
         {"years": {"2031": {"days_off": 9, "makeup_workdays": 1}}, "limits_given": 0},
         {"holiday_notices"}),
        ("office-hours", HOURS,
         {"hours": {"2026-05-01": "08:00-12:00;15:00-18:00",
                    "2026-10-01": "08:30-12:00;14:00-17:30"}}, {"office_hours"}),
        ("owners", OWNERS, {"assets": 2}, {"owned_assets"}),
    ],
    ids=lambda value: value if isinstance(value, str) and len(value) < 20 else "",
)  # fmt: skip
def test_a_good_file_is_taken_whole(  # noqa: PLR0917 - one case each
    run: Run, database: Database, city: SmallCity, tmp_path: Path,
    what: str, text: str, told: object, changed: set[str],
) -> None:  # fmt: skip
    path = tmp_path / "file.csv"
    text = text.replace("component-street-lamp", lamp()).replace("{grid}", city.grids[3])
    path.write_text(text, encoding="utf-8")
    before = kept(database)
    more = ("--lon", "lon", "--lat", "lat") if what == "owners" else ()
    result = run(what, path, *more, "--json")
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout) == told
    after = kept(database)
    differ = {table for table in TABLES if before[table] != after[table]}
    assert changed <= differ <= changed | {"categories"}
    again = run(what, path, *more)
    assert again.exit_code == 0, again.output
    assert again.stdout.strip()


@pytest.mark.parametrize(
    ("what", "text", "old", "new", "line", "column"),
    [
        ("categories", CATEGORIES, ",100,yes,", ",100,perhaps,", 6, "auto_dispatch"),
        ("categories", CATEGORIES, ",4 work_hours,", ",4 fortnights,", 2, "limit_secure"),
        ("duty", DUTY, "grid_lead", "king", 3, "role"),
        ("duty", DUTY, "2026-11-25", "2026-11-19", 2, "absent_to"),
        ("duty", DUTY, "grid_lead,{grid}", "grid_lead,999", 3, "area"),
        ("calendar", CALENDAR, "2031-10-11,work", "2031-10-10,work", 11, "date"),
        ("calendar", CALENDAR, "2031-01-01,off\n", "2031-01-01,perhaps\n", 2, "kind"),
        ("office-hours", HOURS, "14:00-17:30", "11:00-17:30", 3, "hours"),
        ("owners", OWNERS, "路灯2,lamp,U3", "路灯2,lamp,U404", 3, "owner_unit"),
        ("owners", OWNERS, ",20,118.32", ",-20,118.32", 3, "reach_m"),
    ],
    ids=lambda value: str(value) if isinstance(value, str) and len(value) < 20 else "",
)  # fmt: skip
def test_a_bad_row_is_refused_with_its_line_and_nothing_is_half_written(  # noqa: PLR0917
    run: Run, database: Database, city: SmallCity, tmp_path: Path,
    what: str, text: str, old: str, new: str, line: int, column: str,
) -> None:  # fmt: skip
    assert old in text
    path = tmp_path / "file.csv"
    text = text.replace(old, new, 1)
    text = text.replace("component-street-lamp", lamp()).replace("{grid}", city.grids[3])
    path.write_text(text, encoding="utf-8")
    before = kept(database)
    more = ("--lon", "lon", "--lat", "lat") if what == "owners" else ()
    result = run(what, path, *more)
    assert result.exit_code == 1
    assert not isinstance(result.exception, TypeError | KeyError | AttributeError)
    said = result.output + str(result.exception)
    assert f"{line}" in said
    assert column in said
    assert kept(database) == before


def test_a_file_that_is_not_there_or_lacks_a_column_says_so(run: Run, tmp_path: Path) -> None:
    for what in ("categories", "duty", "calendar", "office-hours", "owners"):
        assert run(what, tmp_path / "nothing.csv").exit_code == 1
    path = tmp_path / "short.csv"
    path.write_text("date\n2031-01-01\n", encoding="utf-8")
    for what, column in (("calendar", "kind"), ("office-hours", "from"), ("duty", "person_code")):
        result = run(what, path)
        assert result.exit_code == 1
        assert column in result.output + str(result.exception)
