"""Importing buildings, people, openings and seekers: checked as a whole, written by code."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import shapely

from gis.geometry import crs as frames
from gis.geometry.cell_index import CellIndex
from gis.services.city_fields import Subject
from gis.services.city_rows import CityRows
from gis.services.columns import column_text
from gis.services.import_findings import Finding
from gis.services.import_report import ImportReport
from gis.store import areas as area_store
from gis.store import city_writing as store

if TYPE_CHECKING:
    import geopandas as gpd

    from gis.governance.actors import Actor
    from gis.store.unit_of_work import Database, UnitOfWork

Row = dict[str, Any]
SERIES: Final = "imported"


def import_city(
    database: Database,
    actor: Actor,
    subject: Subject,
    frame: gpd.GeoDataFrame,
    *,
    columns: Mapping[str, str] | None = None,
    crs: str = "WGS84",
    skip_bad: bool = False,
    series: str = SERIES,
    tags: Mapping[str, str] | None = None,
    source: Mapping[str, Any] | None = None,
) -> ImportReport:
    """Check a file and write it by code: new ones added, known ones overwritten.

    Parameters
    ----------
    subject
        ``buildings`` (points or footprints), ``people`` (areas or cells with counts; without a
        geometry ``code`` is that of an area), ``openings`` (points), ``seekers`` (points, or the
        building they live in).
    columns
        Field -> column, where the file names it otherwise (:mod:`gis.services.city_fields`).
    skip_bad
        Write the good rows; the report lists the others.
    series
        Of people: the name of this count; every count of the city is kept by its name.
    tags
        Of buildings: tag -> column with its number of people.

    Returns
    -------
    ImportReport
        ``outcome`` refused (nothing written) or written. What the file does not mention stays.

    Raises
    ------
    gis.errors.ColumnMissing, gis.errors.CrsUnknown
        Nothing was written.
    """
    said = dict(source or {}) | {"crs": frames.normalise(crs)}
    rows = CityRows.gather(subject, frame, columns or {}, str(said.get("file", "-")))
    rows.place(said["crs"], needed=subject in {"buildings", "openings"})
    tagged = _tagged(rows, frame, tags or {}, str(said.get("file", "-")))
    report = ImportReport(subject, said, findings=rows.findings)
    if not rows.rows:
        rows.findings.append(Finding("file-empty", "error", "文件没有数据行", "there are no rows"))
    with database.transaction(actor) as work:
        made = _MAKERS[subject](work, rows, series, tagged)
        report.rejected_rows = [rows.rows[i] for i, bad in enumerate(rows.bad) if bad]
        report.counts = {"rows": len(rows.rows), "rejected": len(report.rejected_rows)}
        whole = any(finding.row is None for finding in report.errors)
        if report.errors and (whole or not (skip_bad and rows.good)):
            return report
        store.lock(work)
        new = store.put(work, subject, [made[i] for i in rows.good])
        report.counts |= {"new": new, "known": len(rows.good) - new}
        report.outcome = "written"
    return report


def _tagged(
    rows: CityRows, frame: gpd.GeoDataFrame, tags: Mapping[str, str], file: str
) -> list[dict[str, int]]:
    """Return the people of each tag in each row."""
    found: list[dict[str, int]] = [{} for _ in rows.rows]
    for tag, column in tags.items():
        for i, text in enumerate(column_text(frame, column, file)):
            if text is None or text == "0":
                continue
            if text.isascii() and text.isdecimal() and int(text) < 2**31:
                found[i][tag] = int(text)
            else:
                reason = f"{column} 的值 {text} 无效", f"the value {text} of {column} is invalid"
                rows.note(i, "number-invalid", "error", reason)
    return found


def _buildings(
    work: UnitOfWork, rows: CityRows, _series: str, tagged: Sequence[dict[str, int]]
) -> dict[int, Row]:
    index = _grids(work)
    made: dict[int, Row] = {}
    for i in rows.good:
        shape = rows.shapes[i]
        ground = None if shape.geom_type == "Point" else _largest(shape)
        if ground is not None and shape.geom_type == "MultiPolygon" and len(shape.geoms) > 1:
            words = "多部分图形只取最大的一块", "of several parts only the largest is kept"
            rows.note(i, "parts-dropped", "warning", words, parts=len(shape.geoms))
        point = shape if ground is None else shapely.point_on_surface(ground)
        values = {name: rows.values[name][i] for name in rows.values}
        people = values["residents"]
        ages = sum(values[name] for name in ("age_0_14", "age_15_59", "age_60_plus"))
        if ages not in {0, people}:
            words = (
                f"年龄段合计 {ages} 与人口 {people} 不符",
                f"ages sum to {ages}, people {people}",
            )
            rows.note(i, "people-differ", "warning", words)
        grid = None
        if index is not None:
            at = index.locate_one(float(point.x), float(point.y))
            grid = None if at < 0 else index.keys[at]
        if index is not None and grid is None:
            rows.note(i, "outside-areas", "warning", ("不在任何网格内", "in no grid"))
        made[i] = {
            **values,
            "geometry": _ewkt(point),
            "footprint": None if ground is None else _ewkt(ground),
            "tags": tagged[i],
            "grid_code": grid,
        }
    return made


def _people(
    work: UnitOfWork, rows: CityRows, series: str, _tagged: Sequence[dict[str, int]]
) -> dict[int, Row]:
    revision = area_store.published_revision(work)
    areas = set()
    if revision is not None:
        areas = {row["code"] for row in area_store.of_revision(work, revision)}
    made: dict[int, Row] = {}
    for i in rows.good:
        shape = rows.shapes[i]
        code = rows.values["code"][i]
        if shape is None and code not in areas:
            words = f"没有编码为 {code} 的区域，也没有图形", f"no area {code}, and no geometry"
            rows.note(i, "area-unknown", "error", words)
            continue
        ground = None
        if shape is not None:
            parts = shapely.get_parts(shape)
            ground = _ewkt(shapely.MultiPolygon(list(parts)))
        made[i] = {
            **{name: rows.values[name][i] for name in rows.values},
            "series": series,
            "geometry": ground,
        }
    return made


def _openings(
    _work: UnitOfWork, rows: CityRows, _series: str, _tagged: Sequence[dict[str, int]]
) -> dict[int, Row]:
    made: dict[int, Row] = {}
    for i in rows.good:
        values = {name: rows.values[name][i] for name in rows.values}
        begin, end = values.pop("valid_from"), values.pop("valid_to")
        low, high = values["wage_min"], values["wage_max"]
        if end is not None and end < begin:
            words = f"截止 {end} 早于开始 {begin}", f"ends {end}, before it begins {begin}"
            rows.note(i, "value-invalid", "error", words)
            continue
        if low is not None and high is not None and low > high:
            words = f"工资下限 {low} 高于上限 {high}", f"wage_min {low} is above wage_max {high}"
            rows.note(i, "value-invalid", "error", words)
            continue
        valid = store.period(begin, end)
        made[i] = {**values, "valid": valid, "geometry": _ewkt(rows.shapes[i])}
    return made


def _seekers(
    work: UnitOfWork, rows: CityRows, _series: str, _tagged: Sequence[dict[str, int]]
) -> dict[int, Row]:
    homes = store.building_ids(work, [code for code in rows.values["building"] if code])
    made: dict[int, Row] = {}
    for i in rows.good:
        values = {name: rows.values[name][i] for name in rows.values}
        building = values.pop("building")
        home = homes.get(building or "")
        if building and home is None:
            words = f"没有编码为 {building} 的楼栋", f"there is no building {building}"
            rows.note(i, "building-unknown", "error", words)
            continue
        if rows.shapes[i] is None and home is None:
            words = "既没有坐标也没有楼栋编码", "neither a place nor a building"
            rows.note(i, "geometry-missing", "error", words)
            continue
        point = rows.shapes[i] if rows.shapes[i] is not None else shapely.Point(*(home or ())[1:])
        made[i] = {
            **values,
            "building_id": None if home is None else home[0],
            "geometry": _ewkt(point),
        }
    return made


_Maker = Callable[["UnitOfWork", CityRows, str, Sequence[dict[str, int]]], dict[int, Row]]
_MAKERS: Final[dict[str, _Maker]] = {
    "buildings": _buildings,
    "people": _people,
    "openings": _openings,
    "seekers": _seekers,
}


def _grids(work: UnitOfWork) -> CellIndex | None:
    """Return the general grids in force, None without any."""
    revision = area_store.published_revision(work)
    if revision is None:
        return None
    rows = [
        row
        for row in area_store.of_revision(work, revision)
        if row["level"] == "grid" and row["kind"] in {None, "general"}
    ]
    if not rows:
        return None
    shapes = shapely.from_wkb([bytes(row["wkb"]) for row in rows])
    return CellIndex.build(list(shapes), [row["code"] for row in rows])


def _largest(shape: Any) -> Any:  # noqa: ANN401 - shapely's own types
    parts = shapely.get_parts(shape)
    return parts[int(np.argmax(shapely.area(parts)))]


def _ewkt(shape: Any) -> str:  # noqa: ANN401
    return f"SRID=4326;{shapely.to_wkt(shape, rounding_precision=-1)}"
