"""``gridward import categories|duty|calendar|office-hours|owners``: how a city works, by files."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import geopandas as gpd
import numpy as np
import shapely
import typer

from api.cli.session import language, open_database, put
from gis.errors import ColumnMissing, FileMissing
from gis.geometry.crs import to_wgs84
from gis.governance.actors import SYSTEM
from gis.governance.categories import read_csv
from gis.services import city_files
from layers import files
from layers.files.delimited import read_table

File = Annotated[Path, typer.Argument(help="文件 / the file", exists=False)]
AsJson = Annotated[bool, typer.Option("--json", help="以 JSON 输出 / print as JSON")]


def _rows(path: Path, needed: tuple[str, ...]) -> list[dict[str, Any]]:
    table = read_table(path)
    _require(path, list(map(str, table.columns)), needed)
    return [{str(k): v for k, v in row.items()} for row in table.to_dict("records")]


def _require(path: Path, names: list[str], needed: tuple[str, ...]) -> None:
    for column in needed:
        if column not in names:
            raise ColumnMissing(path=str(path), column=column, columns=", ".join(names))


def _told(answer: dict[str, Any], *, as_json: bool, zh: str, en: str) -> None:
    if as_json:
        put(answer)
    else:
        typer.echo(zh if language() == "zh" else en)


def categories(file: File, as_json: AsJson = False) -> None:
    """以文件替换全部事件类别与时限 / Replace the categories and their limits by a file.

    不再出现的类别停用，历史案件保留 / Categories that it leaves out are switched off.
    """
    if not file.is_file():
        raise FileMissing(path=str(file))
    chosen = read_csv(file)
    with open_database() as database:
        answer = city_files.import_categories(database, SYSTEM, chosen)
    _told(
        answer,
        as_json=as_json,
        zh=f"已启用 {answer['categories']} 个类别，停用 {len(answer['switched_off'])} 个。",
        en=f"{answer['categories']} categories in use, {len(answer['switched_off'])} switched off.",
    )


def duty(
    file: File,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="文件涉及区域中未列出的值守即日终止 / end the others there"),
    ] = False,
    as_json: AsJson = False,
) -> None:
    """导入人员、单位、值守与请假 / Import persons, units, duties and absences.

    列 / columns: person_code person_name phone unit_code unit_name role area deputy valid_from
    valid_to absent_from absent_to absent_reason.
    """
    needed = ("person_code", "person_name", "unit_code", "role", "area")
    rows = _rows(file, needed)
    with open_database() as database:
        answer = city_files.import_duty(database, SYSTEM, rows, replace=replace)
    _told(
        answer,
        as_json=as_json,
        zh=(
            f"已导入 {answer['persons']} 人、{answer['duties']} 条值守、"
            f"{answer['absences']} 条请假，终止 {answer['ended']} 条。"
        ),
        en=(
            f"{answer['persons']} persons, {answer['duties']} duties, "
            f"{answer['absences']} absences; {answer['ended']} duties ended."
        ),
    )


def calendar(file: File, as_json: AsJson = False) -> None:
    """导入国务院节假日安排（列 date、kind）/ Import a year's holidays: columns date and kind.

    kind: off(放假)、work(调休上班)/ off, or work for a weekend day that is worked.
    """
    rows = _rows(file, ("date", "kind"))
    with open_database() as database:
        answer = city_files.import_calendar(database, SYSTEM, rows, source=file.name)
    years = "、".join(answer["years"])
    _told(
        answer,
        as_json=as_json,
        zh=f"已导入 {years} 年的节假日安排，{answer['limits_given']} 个无时限的计时已补上时限。",
        en=f"Holidays of {years} imported; {answer['limits_given']} clocks got their limit.",
    )


def office_hours(file: File, as_json: AsJson = False) -> None:
    """导入办公时间（列 from、hours），如夏季作息 / Import office hours: columns from and hours.

    hours: 08:30-12:00;14:00-17:30，自 from 当日起 / as from the day named. 文件即全部。
    """
    rows = _rows(file, ("from", "hours"))
    with open_database() as database:
        answer = city_files.import_hours(database, SYSTEM, rows, source=file.name)
    hours = answer["hours"].items()
    _told(
        answer,
        as_json=as_json,
        zh="办公时间：" + "、".join(f"自 {day} 起 {windows}" for day, windows in hours),
        en="Office hours: " + ", ".join(f"from {day} on {windows}" for day, windows in hours),
    )


def owners(
    file: File,
    crs: Annotated[str | None, typer.Option(help="坐标系 / coordinate system")] = None,
    lon: Annotated[str | None, typer.Option(help="经度列 / column of longitudes")] = None,
    lat: Annotated[str | None, typer.Option(help="纬度列 / column of latitudes")] = None,
    layer: Annotated[str | None, typer.Option(help="图层 / layer")] = None,
    as_json: AsJson = False,
) -> None:
    """导入道路、路灯等设施的权属单位 / Import who owns road sections, lamps, covers.

    列 / columns: code name kind owner_unit categories(;) reach_m.
    """
    frame = files.read(file, layer=layer, lon=lon, lat=lat)
    _require(file, list(map(str, frame.columns)), ("code", "owner_unit", "categories"))
    chosen, _source = files.source_of(frame, file, crs)
    rows = [
        {str(k): v for k, v in row.items() if k != "geometry"} for row in frame.to_dict("records")
    ]
    for number, row in enumerate(rows, start=1):
        row.setdefault("row", number)
    with open_database() as database:
        answer = city_files.import_owners(database, SYSTEM, rows, _in_wgs84(frame, chosen))
    _told(
        answer,
        as_json=as_json,
        zh=f"已导入 {answer['assets']} 处设施的权属。",
        en=f"Owners of {answer['assets']} assets imported.",
    )


def _in_wgs84(frame: gpd.GeoDataFrame, crs: str) -> list[shapely.Geometry]:
    def move(pairs: Any) -> Any:  # noqa: ANN401 - arrays of coordinates
        return np.column_stack(to_wgs84(pairs[:, 0], pairs[:, 1], crs))

    return [shapely.transform(shapely.force_2d(shape), move) for shape in frame.geometry]


def register(app: typer.Typer) -> None:
    """Add the commands to the group ``import``."""
    app.command("categories")(categories)
    app.command("duty")(duty)
    app.command("calendar")(calendar)
    app.command("office-hours")(office_hours)
    app.command("owners")(owners)
