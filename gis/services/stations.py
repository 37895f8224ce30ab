"""Importing service stations 服务站: checked against the areas, written by code."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import geopandas as gpd
import shapely
import sqlalchemy as sa

from gis.geometry import crs as frames
from gis.geometry.cell_index import CellIndex
from gis.governance.actors import Actor
from gis.governance.areas import LEVELS
from gis.services import crs_check
from gis.services.import_findings import Finding
from gis.services.import_report import ImportReport
from gis.services.station_rows import StationColumns, StationRows
from gis.store import areas as area_store
from gis.store import stations as store
from gis.store.unit_of_work import Database, UnitOfWork

_SAME_DEG: Final = 1e-9
_DEFAULTS: Final = ("name", "kind", "address", "area_code", "opening_hours", "capacity")


def import_stations(
    database: Database,
    actor: Actor,
    frame: gpd.GeoDataFrame,
    columns: StationColumns,
    *,
    default_kind: str | None = None,
    crs: str = "WGS84",
    skip_bad: bool = False,
    force_crs: bool = False,
    source: Mapping[str, Any] | None = None,
) -> ImportReport:
    """Check a layer of stations and write it by code: new ones added, known ones overwritten.

    Parameters
    ----------
    frame
        Points in the frame ``crs`` with a column ``row``; converted to WGS84 once, the numbers as
        delivered are kept in ``raw``. Columns without a role become attributes.
    default_kind
        Kind of rows that name none (``service_station``, ``job_service``, ...).
    skip_bad
        Write the good rows; the report lists the others in ``rejected_rows``.
    force_crs
        Write although the published areas say that ``crs`` is clearly wrong.
    source
        What came in: ``file``, ``sha256``.

    Returns
    -------
    ImportReport
        ``outcome`` refused (nothing written), written, or unchanged. Stations in no published area
        are reported with the nearest one and its distance. Where the areas say that another
        coordinate system is clearly the right one, the file is refused with the rates of each.
        Stations that the file does not mention stay.

    Raises
    ------
    gis.errors.ColumnMissing, gis.errors.CrsUnknown
        Nothing was written.
    """
    said = dict(source or {})
    crs = frames.normalise(crs)
    said |= {"crs": crs, "code_column": columns.code}
    found = StationRows.gather(frame, columns, str(said.get("file", "-")), default_kind)
    found.check_columns()
    found.convert(crs)
    report = ImportReport("stations", said, findings=found.findings)
    if not found.codes:
        found.findings.append(
            Finding("file-empty", "error", "文件中没有任何站点", "the file holds no station")
        )
    report.rejected_rows = [found.rows[i] for i, bad in enumerate(found.bad) if bad]
    report.counts = {"rows": len(found.rows), "rejected": len(report.rejected_rows)}
    with database.transaction(actor) as work:
        crs_check.note(report, crs_check.of_stations(work, found, crs), force=force_crs)
        # what is wrong with the file as a whole cannot be skipped row by row
        whole = any(finding.row is None for finding in report.errors)
        if report.errors and (whole or not (skip_bad and found.good)):
            return report
        _compare_with_areas(work, found, report)
        _write(work, found, report)
    return report


def _compare_with_areas(work: UnitOfWork, found: StationRows, report: ImportReport) -> None:
    """Note stations in no area, and in another than labelled."""
    index, level = _finest_areas(work)
    if index is None:
        return
    good = found.good
    inside = index.locate(found.lon[good], found.lat[good])
    report.level = level
    report.counts |= {"inside": int((inside >= 0).sum()), "checked": len(good)}
    known = set(index.keys)
    for i, position in zip(good, inside, strict=True):
        lon, lat, labelled = float(found.lon[i]), float(found.lat[i]), found.areas[i]
        if position < 0:
            nearest = index.nearest(lon, lat)
            if nearest is None:
                continue
            code = index.keys[nearest.position]
            distance_m = round(nearest.distance_m, 2)
            zh = f"不在任何区域内，最近的是 {code}，相距 {distance_m:.1f} 米"
            en = f"in no area; the nearest is {code}, {distance_m:.1f} m away"
            found.note(i, "outside-areas", "warning", (zh, en), nearest=code, distance_m=distance_m)
        elif labelled in known and labelled not in {
            index.keys[p] for p in index.covering(lon, lat)
        }:
            code = index.keys[position]
            zh, en = f"填报 {labelled},实在 {code}", f"labelled {labelled}, but lies in {code}"
            found.note(i, "area-differs", "warning", (zh, en), labelled=labelled, lies_in=code)


def _finest_areas(work: UnitOfWork) -> tuple[CellIndex | None, str | None]:
    revision = area_store.published_revision(work)
    if revision is None:
        return None, None
    rows = area_store.of_revision(work, revision)
    for level in reversed(LEVELS):
        chosen = [row for row in rows if row["level"] == level]
        if chosen:
            shapes = shapely.from_wkb([bytes(row["wkb"]) for row in chosen])
            return CellIndex.build(list(shapes), [row["code"] for row in chosen]), level
    return None, None


def _write(work: UnitOfWork, found: StationRows, report: ImportReport) -> None:
    store.lock(work)
    rows = [found.station(i, report.source) for i in found.good]
    there = store.by_code(work, [row.code for row in rows])
    new = [row for row in rows if row.code not in there]
    changed = [row for row in rows if row.code in there and _differs(row, there[row.code])]
    store.put(work, new + changed)
    report.counts |= {
        "new": len(new),
        "changed": len(changed),
        "unchanged": len(rows) - len(new) - len(changed),
    }
    report.outcome = "written" if new or changed else "unchanged"


def _differs(row: store.StationRow, stored: sa.RowMapping) -> bool:
    if abs(row.lon - stored["lon"]) > _SAME_DEG or abs(row.lat - stored["lat"]) > _SAME_DEG:
        return True
    if row.attributes != stored["attributes"]:
        return True
    return any(getattr(row, name) != stored[name] for name in _DEFAULTS)
