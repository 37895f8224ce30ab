"""Files by which a city says how it works: categories, duty, holidays, owners of assets.

Each is taken as a whole or not at all; a row that cannot be taken is named with its line, its
column and what was expected there.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Final

import shapely

from gis.errors import FileRowInvalid
from gis.governance.actors import Actor
from gis.governance.calendar import SHANGHAI
from gis.governance.categories import Category
from gis.governance.duty import ROLES
from gis.governance.office_hours import OfficeHours
from gis.governance.working_days import HolidayNotice
from gis.services import city_time, deliberation_clock
from gis.store import categories, city_files
from gis.store.unit_of_work import Database

Row = Mapping[str, Any]
"""One row of a table: texts by column, None where empty, and ``row``, its line in the file."""

OFF: Final = {"off": False, "放假": False, "休": False, "work": True, "上班": True, "班": True}
LEAST_DAYS_OFF: Final = 7
"""A year's notice with fewer weekdays off is half a file: the year has at least so many."""

_YES: Final = {"yes": True, "true": True, "是": True, "no": False, "false": False, "否": False}


def refuse(row: Row, column: str, zh: str, en: str) -> FileRowInvalid:
    """Return the error that names a cell and what should stand there."""
    return FileRowInvalid(
        line=int(row["row"]),
        column=column,
        value=text(row, column) or "",
        expected_zh=zh,
        expected_en=en,
    )


def text(row: Row, column: str) -> str | None:
    """Return a cell as text without blanks around it, None when empty."""
    value = row.get(column)
    return None if value is None or value != value else str(value).strip() or None  # noqa: PLR0124


def filled(row: Row, column: str) -> str:
    """Return a cell that must not be empty."""
    value = text(row, column)
    if value is None:
        raise refuse(row, column, "非空文字", "filled in")
    return value


def day(row: Row, column: str) -> date | None:
    """Return a cell as a date, None when empty."""
    value = text(row, column)
    if value is None:
        return None
    try:
        return date.fromisoformat(value.replace("/", "-"))
    except ValueError as error:
        raise refuse(row, column, "日期，如 2026-11-23", "a date such as 2026-11-23") from error


def import_categories(
    database: Database, actor: Actor, chosen: Sequence[Category]
) -> dict[str, Any]:
    """Replace the city's categories; those that are no longer named stay, inactive."""
    with database.transaction(actor) as work:
        before = {category.key for category in categories.all_active(work)}
        count = categories.replace_all(work, chosen)
    now = {category.key for category in chosen}
    return {
        "categories": count,
        "added": sorted(now - before),
        "switched_off": sorted(before - now),
    }


# --- holidays -----------------------------------------------------------------------------------


def notices_of(rows: Iterable[Row]) -> dict[int, HolidayNotice]:
    """Return the notices of a table with the columns ``date`` and ``kind`` (off or work).

    Weekdays off are ``off`` (放假), weekend days on which offices work ``work`` (上班).

    Raises
    ------
    gis.errors.FileRowInvalid
        A date twice, a kind that is none, or a year that is only half there.
    """
    off: dict[int, set[date]] = {}
    on: dict[int, set[date]] = {}
    last: dict[int, Row] = {}
    for row in rows:
        when = day(row, "date")
        if when is None:
            raise refuse(row, "date", "日期", "a date")
        kind = OFF.get(filled(row, "kind").lower())
        if kind is None:
            raise refuse(row, "kind", "off(放假)或 work(上班)", "off or work")
        if when in off.get(when.year, ()) or when in on.get(when.year, ()):
            raise refuse(row, "date", "文件中只出现一次的日期", "a date that stands there once")
        if kind and when.weekday() < 5:
            raise refuse(row, "date", "周末(调休上班日)", "a weekend day: others are worked anyway")
        (on if kind else off).setdefault(when.year, set()).add(when)
        last[when.year] = row
    for year, row in last.items():
        weekdays = [when for when in off.get(year, ()) if when.weekday() < 5]
        if len(weekdays) < LEAST_DAYS_OFF:
            raise refuse(
                row,
                "date",
                f"{year} 年完整的放假安排(至少 {LEAST_DAYS_OFF} 个工作日放假)",
                f"part of a whole notice for {year} (at least {LEAST_DAYS_OFF} weekdays off)",
            )
    return {
        year: HolidayNotice(frozenset(off.get(year, ())), frozenset(on.get(year, ())))
        for year in last
    }


def import_calendar(
    database: Database, actor: Actor, rows: Sequence[Row], *, source: str
) -> dict[str, Any]:
    """Take the notices of one or more years; orders that lacked a limit for want of them get it."""
    notices = notices_of(rows)
    with database.transaction(actor) as work:
        given = city_time.put_notices(work, notices, source)
        given += deliberation_clock.give_limits(work, city_time.ruler_of(work))
    return {
        "years": {
            str(year): {
                "days_off": len(notice.days_off),
                "makeup_workdays": len(notice.makeup_workdays),
            }
            for year, notice in sorted(notices.items())
        },
        "limits_given": given,
    }


# --- office hours -------------------------------------------------------------------------------


def import_hours(
    database: Database, actor: Actor, rows: Sequence[Row], *, source: str
) -> dict[str, Any]:
    """Take the city's office hours: from which day on, and the windows of a working day.

    The file is the whole of it: what was known before is gone. Limits that run keep their end.

    Raises
    ------
    gis.errors.FileRowInvalid
        A day twice, windows out of order, or no row at all.
    """
    hours: dict[date, OfficeHours] = {}
    for row in rows:
        since = day(row, "from")
        if since is None or since in hours:
            raise refuse(row, "from", "只出现一次的日期", "a date that stands there once")
        try:
            hours[since] = OfficeHours.parse(filled(row, "hours"))
        except ValueError as error:
            raise refuse(
                row,
                "hours",
                "依次排列的时段，如 08:30-12:00;14:00-17:30",
                "windows in order, such as 08:30-12:00;14:00-17:30",
            ) from error
    if not hours:
        raise refuse({"row": 1}, "from", "至少一行", "at least one row")
    with database.transaction(actor) as work:
        city_time.put_hours(work, hours, source)
    return {"hours": {day.isoformat(): str(windows) for day, windows in sorted(hours.items())}}


# --- duty ---------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class DutyRow:
    """One row of a duty file, checked."""

    person: str
    name: str
    phone: str | None
    unit: str
    unit_name: str | None
    role: str
    area: str
    deputy: bool
    begins: datetime | None
    ends: datetime | None
    away_from: datetime | None
    away_to: datetime | None
    away_reason: str | None


def duty_row(row: Row) -> DutyRow:
    """Return a row of a duty file.

    Raises
    ------
    gis.errors.FileRowInvalid
    """
    role = filled(row, "role")
    titles = {about.title_zh: key for key, about in ROLES.items()}
    role = titles.get(role, role)
    if role not in ROLES:
        raise refuse(row, "role", "、".join(titles), f"one of {', '.join(ROLES)}")
    deputy = _YES.get((text(row, "deputy") or "no").lower())
    if deputy is None:
        raise refuse(row, "deputy", "是或否", "yes or no")
    begins, ends = _from(day(row, "valid_from")), _to(day(row, "valid_to"))
    if begins is not None and ends is not None and begins >= ends:
        raise refuse(row, "valid_to", "不早于 valid_from 的日期", "not before valid_from")
    away_from, away_to = _from(day(row, "absent_from")), _to(day(row, "absent_to"))
    if (away_from is None) != (away_to is None) or (
        away_from is not None and away_to is not None and away_from >= away_to
    ):
        raise refuse(row, "absent_to", "与 absent_from 成对的日期", "a date that pairs absent_from")
    return DutyRow(
        person=filled(row, "person_code"),
        name=filled(row, "person_name"),
        phone=text(row, "phone"),
        unit=filled(row, "unit_code"),
        unit_name=text(row, "unit_name"),
        role=role,
        area=filled(row, "area"),
        deputy=deputy,
        begins=begins,
        ends=ends,
        away_from=away_from,
        away_to=away_to,
        away_reason=text(row, "absent_reason"),
    )


def _from(when: date | None) -> datetime | None:
    return None if when is None else datetime(when.year, when.month, when.day, tzinfo=SHANGHAI)


def _to(when: date | None) -> datetime | None:
    """Return the end of a last day that still counts."""
    start = _from(when)
    return None if start is None else start + timedelta(days=1)


def import_duty(
    database: Database,
    actor: Actor,
    rows: Sequence[Row],
    *,
    replace: bool = False,
) -> dict[str, Any]:
    """Take persons, units, duties and absences; the same person, role and area is one duty.

    Parameters
    ----------
    replace
        Duties of the areas named in the file that are not in it end now.

    Raises
    ------
    gis.errors.FileRowInvalid
        A bad row, an area that does not stand today, or a unit without a name that is not known.
    """
    checked = [(row, duty_row(row)) for row in rows]
    with database.transaction(actor) as work:
        areas = city_files.standing(work, sorted({one.area for _, one in checked}))
        units = city_files.unit_codes(work)
        seen: dict[tuple[str, str, str], int] = {}
        for row, one in checked:
            if one.area not in areas or not actor.covers(one.area):
                raise refuse(row, "area", "现行边界中的区域编码", "an area that stands today")
            if one.unit not in units and one.unit_name is None:
                raise refuse(row, "unit_name", "新单位的名称", "the name of a new unit")
            units.add(one.unit)
            key = (one.person, one.role, one.area)
            if key in seen:
                raise refuse(
                    row,
                    "person_code",
                    f"未与第 {seen[key]} 行重复的值守",
                    f"a duty other than that of line {seen[key]}",
                )
            seen[key] = int(row["row"])
        now = city_files.clock(work)
        counts = {"persons": 0, "duties": 0, "absences": 0, "ended": 0}
        people = set()
        for _, one in checked:
            city_files.put_unit(work, one.unit, one.unit_name)
            person_id = city_files.put_person(work, one.person, one.name, one.phone, one.unit)
            people.add(person_id)
            city_files.put_duty(
                work,
                person_id,
                one.role,
                one.area,
                begins=one.begins,
                ends=one.ends,
                deputy=one.deputy,
            )
            counts["duties"] += 1
            if one.away_from is not None and one.away_to is not None:
                counts["absences"] += city_files.put_absence(
                    work, person_id, one.away_from, one.away_to, one.away_reason
                )
        counts["persons"] = len(people)
        if replace:
            counts["ended"] = city_files.end_others(work, sorted(seen), now)
    return counts


# --- owners -------------------------------------------------------------------------------------


def import_owners(
    database: Database,
    actor: Actor,
    rows: Sequence[Row],
    geometries: Sequence[shapely.Geometry],
) -> dict[str, Any]:
    """Take road sections, lamps, covers with their owner: ``code name kind owner_unit categories``.

    Geometries in EPSG:4326. ``categories`` (separated by ``;``) are those for which the owner
    answers before the area; ``reach_m`` how far from it a case still is about it (15 m).

    Raises
    ------
    gis.errors.FileRowInvalid
    """
    with database.transaction(actor) as work:
        units = city_files.unit_codes(work)
        known = {category.key for category in categories.all_active(work)}
        seen: set[str] = set()
        for row, geometry in zip(rows, geometries, strict=True):
            code = filled(row, "code")
            if code in seen:
                raise refuse(row, "code", "只出现一次的编号", "a code that stands there once")
            seen.add(code)
            owner = filled(row, "owner_unit")
            if owner not in units:
                raise refuse(row, "owner_unit", "已登记的单位编号", "the code of a known unit")
            wanted = [part.strip() for part in (text(row, "categories") or "").split(";")]
            wanted = [part for part in wanted if part]
            if not wanted or not set(wanted) <= known:
                raise refuse(row, "categories", "已启用的类别", "categories that are in use")
            if shapely.is_empty(geometry) or not shapely.is_valid(geometry):
                raise refuse(row, "geometry", "有效的几何", "a valid geometry")
            city_files.put_asset(
                work,
                code=code,
                name=text(row, "name") or code,
                kind=text(row, "kind") or "asset",
                owner_unit=owner,
                categories=wanted,
                reach_m=_reach(row),
                wkb=shapely.to_wkb(shapely.set_srid(geometry, 4326), hex=True, include_srid=True),
            )
    return {"assets": len(seen)}


def _reach(row: Row) -> float:
    value = text(row, "reach_m")
    try:
        metres = 15.0 if value is None else float(value)
    except ValueError:
        metres = 0.0
    if not 0 < metres <= 1000:
        raise refuse(row, "reach_m", "0 到 1000 米", "metres, more than 0 and at most 1,000")
    return metres
