"""Categories, duty, holidays and owners by a city's own files; who answers by them."""

from __future__ import annotations

import csv
import io
from datetime import date, datetime
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
import shapely
import sqlalchemy as sa

from gis.errors import CalendarMissing, CategoryRowInvalid, FileRowInvalid
from gis.governance.actors import SYSTEM
from gis.governance.calendar import SHANGHAI, due_at
from gis.governance.categories import Limit, read_csv
from gis.governance.clocks import Ruler, begin
from gis.governance.office_hours import DEFAULT_OFFICE_HOURS
from gis.services import city_files, city_time
from gis.services.lookup import Boundaries
from gis.services.responsibility import responsible
from gis.store import categories
from gis.store.unit_of_work import Database
from layers.files.delimited import read_table
from tests.factories import COMMUNITY, SmallCity, add_upper_levels, small_city

NOW = datetime(2026, 11, 23, 10, 0, tzinfo=SHANGHAI)


@pytest.fixture
def city(database: Database) -> SmallCity:
    made = small_city(database)
    with database.transaction(SYSTEM) as work:
        add_upper_levels(work)
    return made


def table(tmp_path: Path, text: str) -> list[dict[str, Any]]:
    path = tmp_path / "rows.csv"
    path.write_text(text, encoding="utf-8")
    return [dict(row) for row in read_table(path).to_dict("records")]


def answers(
    database: Database,
    code: str,
    category: str | None,
    place: tuple[float, float] | None = None,
    at: datetime = NOW,
) -> tuple[str | None, str]:
    with database.reading(SYSTEM) as work:
        chosen = responsible(
            work,
            Boundaries(database).snapshot(work),
            code,
            None if category is None else categories.by_key(work, category),
            at,
            place=place,
        )
        member = getattr(chosen, "member", None)
        return (None if member is None else member.person_name), chosen.reason.code


def test_a_citys_categories_replace_the_default_ones(
    database: Database, city: SmallCity, tmp_path: Path
) -> None:
    default = resources.files("gis.governance").joinpath("categories.csv").read_text("utf-8")
    rows = list(csv.DictReader(io.StringIO(default)))
    kept = rows[:2]
    kept[0] |= (
        {"limit_handle": "3 work_days", "limit_follow_up": "2 work_days"}
        if ("limit_follow_up" in kept[0])
        else {"limit_handle": "3 work_days"}
    )
    path = tmp_path / "categories.csv"
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, fieldnames=list(kept[0]))
        writer.writeheader()
        writer.writerows(kept)
    told = city_files.import_categories(database, SYSTEM, read_csv(path))
    assert told["categories"] == 2
    assert len(told["switched_off"]) == len(rows) - 2
    with database.reading(SYSTEM) as work:
        assert [c.key for c in categories.all_active(work)] == [row["key"] for row in kept]
        assert categories.by_key(work, kept[0]["key"]).deadlines["handle"].amount == 3
    path.write_text(path.read_text("utf-8").replace("3 work_days", "3 fortnights"), "utf-8")
    with pytest.raises(CategoryRowInvalid) as refused:
        read_csv(path)
    assert (refused.value.facts["line"], refused.value.facts["column"]) == (2, "limit_handle")


COLUMNS = (
    "person_code,person_name,phone,unit_code,unit_name,role,area,deputy,valid_from,"
    "absent_from,absent_to\n"
)
DUTY = (
    COLUMNS
    + """N1,新网格员,13800000000,U9,北门社区,网格员,{grid},否,2026-01-01,2026-11-20,2026-11-25
N2,新副网格员,,U9,,grid_worker,{grid},是,2026-01-01,,
"""
)


def test_a_duty_file_brings_people_deputies_and_absences(
    database: Database, city: SmallCity, tmp_path: Path
) -> None:
    grid = city.grids[3]
    assert answers(database, grid, None) == ("社区干部甲", "on-duty")
    rows = table(tmp_path, DUTY.format(grid=grid))
    told = city_files.import_duty(database, SYSTEM, rows)
    assert told == {"persons": 2, "duties": 2, "absences": 1, "ended": 0}
    assert answers(database, grid, None) == ("新副网格员", "next-in-line")
    assert (
        answers(database, grid, None, at=datetime(2026, 11, 26, tzinfo=SHANGHAI))[0] == "新网格员"
    )
    before = datetime(2025, 12, 31, tzinfo=SHANGHAI)
    assert answers(database, grid, None, at=before)[0] == "社区干部甲", "by the team valid then"
    assert city_files.import_duty(database, SYSTEM, rows)["absences"] == 0, "twice is once"
    only = [row for row in rows if row["person_code"] == "N2"]
    assert city_files.import_duty(database, SYSTEM, only, replace=True)["ended"] == 1


@pytest.mark.parametrize(
    ("old", "new", "column", "line"),
    [
        ("grid_worker", "king", "role", 3),
        ("2026-01-01,2026-11-20", "2026-13-01,2026-11-20", "valid_from", 2),
        ("2026-11-25", "", "absent_to", 2),
        ("N2,新副网格员", ",新副网格员", "person_code", 3),
        ("北门社区", "", "unit_name", 2),
        ("是", "maybe", "deputy", 3),
        ("{grid},是", "999999,是", "area", 3),
    ],
)
def test_a_bad_duty_row_is_named_and_nothing_is_written(  # noqa: PLR0917 - one case each
    database: Database, city: SmallCity, tmp_path: Path, old: str, new: str, column: str, line: int
) -> None:
    text = DUTY.replace(old, new).format(grid=city.grids[3])
    with pytest.raises(FileRowInvalid) as refused:
        city_files.import_duty(database, SYSTEM, table(tmp_path, text))
    assert (refused.value.facts["column"], refused.value.facts["line"]) == (column, line)
    with database.reading(SYSTEM) as work:
        assert work.scalar(sa.text("select count(*) from persons where code like 'N%'")) == 0


def test_next_years_holidays_are_data(database: Database, city: SmallCity, tmp_path: Path) -> None:
    days = [f"2027-01-0{n}" for n in (1,)] + [f"2027-02-0{n}" for n in range(5, 10)]
    days += [f"2027-10-0{n}" for n in range(1, 8)]
    text = "date,kind\n" + "".join(f"{day},off\n" for day in days) + "2027-10-10,上班\n"
    rows = table(tmp_path, text)
    december = datetime(2026, 12, 31, 15, 0, tzinfo=SHANGHAI)
    with pytest.raises(CalendarMissing):
        due_at(december, 2, "work_days")
    city_files.import_calendar(database, SYSTEM, rows, source="2027.csv")
    with database.reading(SYSTEM) as work:
        ruler = city_time.ruler_of(work)
    due = due_at(december, 2, "work_days", calendar=ruler.calendar)
    assert due == datetime(2027, 1, 5, 17, 30, tzinfo=SHANGHAI)
    for bad, line in ((rows[:3], 4), ([*rows, rows[0]], 2)):
        with pytest.raises(FileRowInvalid) as refused:
            city_files.import_calendar(database, SYSTEM, bad, source="x")
        assert refused.value.facts["line"] == line


def test_office_hours_are_data_and_change_with_the_season(
    database: Database, city: SmallCity, tmp_path: Path
) -> None:
    def ruler() -> Ruler:
        with database.reading(SYSTEM) as work:
            return city_time.ruler_of(work)

    text = "from,hours\n2026-05-01,08:00-12:00;15:00-18:00\n2026-10-01,8:30-12:00，14:00-17:30\n"
    rows = table(tmp_path, text)
    spring = datetime(2026, 4, 30, 17, 0, tzinfo=SHANGHAI)
    assert ruler().office == DEFAULT_OFFICE_HOURS
    told = city_files.import_hours(database, SYSTEM, rows, source="hours.csv")
    assert told["hours"]["2026-10-01"] == "08:30-12:00;14:00-17:30"
    due = due_at(spring, 1, "work_days", office=ruler().office)
    assert (due.hour, due.minute) == (18, 0), "the first working day after has summer hours"
    limit = begin("accept", Limit(1.5, "work_hours"), spring, ruler())
    assert limit.due_at is not None
    assert (limit.due_at.hour, limit.due_at.minute) == (9, 0)
    ready = city_time.check(database, datetime(2026, 12, 1, tzinfo=SHANGHAI))
    assert ready == {"missing_years": [2027], "office_hours": "08:30-12:00;14:00-17:30"}
    bad = [
        (text.replace("12:00;15:00", "12:00;11:00"), "hours", 2),
        (text.replace("2026-10-01", "2026-05-01"), "from", 3),
        (text.replace("2026-10-01", "tomorrow"), "from", 3),
        ("from,hours\n", "from", 1),
    ]
    for broken, column, line in bad:
        with pytest.raises(FileRowInvalid) as refused:
            city_files.import_hours(database, SYSTEM, table(tmp_path, broken), source="x")
        assert (refused.value.facts["column"], refused.value.facts["line"]) == (column, line)
    assert str(ruler().office.on(spring.date())) == "08:30-12:00;14:00-17:30"
    city_files.import_hours(database, SYSTEM, rows[:1], source="hours.csv")
    assert ruler().office.changes_after(date(2026, 5, 1)) is None, "the file is the whole of it"


def test_an_owner_answers_for_its_categories_before_the_area(
    database: Database, city: SmallCity
) -> None:
    lon, lat = city.inside(1)
    rows = [
        {"row": 2, "code": "L1", "name": "路灯 12 号", "kind": "lamp", "owner_unit": "U3",
         "categories": "component-street-lamp", "reach_m": "20"},
        {"row": 3, "code": "R1", "name": "国道段", "kind": "road", "owner_unit": "U3",
         "categories": "event-dirty-road", "reach_m": None},
    ]  # fmt: skip
    with database.reading(SYSTEM) as work:
        keys = [category.key for category in categories.all_active(work)]
    lamp = next(key for key in keys if "lamp" in key)
    rows[0]["categories"] = lamp
    shapes = [
        shapely.Point(lon, lat),
        shapely.LineString([(lon - 0.002, lat + 0.001), (lon + 0.002, lat + 0.001)]),
    ]
    assert city_files.import_owners(database, SYSTEM, rows, shapes) == {"assets": 2}
    at = (lon + 0.0001, lat)  # 9 m from the lamp
    assert answers(database, city.grids[0], lamp, at) == ("城管队员丙", "owner-answers")
    far = (lon + 0.001, lat)
    assert answers(database, city.grids[0], lamp, far)[0] == "网格员1"
    on_road = (lon, lat + 0.00105)
    assert answers(database, city.grids[0], "event-dirty-road", on_road)[0] == "城管队员丙"
    assert answers(database, city.grids[0], "event-exposed-rubbish", on_road)[0] == "网格员1"
    with database.transaction(SYSTEM) as work:
        work.execute(
            sa.text(
                "insert into absences (person_id, during) select id, "
                "tstzrange('2026-11-01', '2026-12-01') from persons where code = 'B1'"
            )
        )
    assert answers(database, city.grids[0], lamp, at)[0] == "网格员1", "the territory acts first"
    for change, column in (
        ({"owner_unit": "nobody"}, "owner_unit"),
        ({"categories": ""}, "categories"),
        ({"reach_m": "-1"}, "reach_m"),
        ({"code": "R1"}, "code"),
    ):
        bad = [rows[0] | change, rows[1]]
        with pytest.raises(FileRowInvalid) as refused:
            city_files.import_owners(database, SYSTEM, bad, shapes)
        assert refused.value.facts["column"] == column


def test_nobody_at_all_is_said_with_a_reason(database: Database, city: SmallCity) -> None:
    with database.transaction(SYSTEM) as work:
        work.execute(sa.text("delete from duties where area_code = :c"), c=COMMUNITY)
    assert answers(database, city.grids[3], None) == (None, "no-team")
