"""Importing service stations 服务站: checked against the areas, written by code."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import geopandas as gpd
import numpy as np
import shapely
import sqlalchemy as sa

from gis.geometry import crs as frames
from gis.geometry.cell_index import CellIndex
from gis.governance.actors import Actor
from gis.governance.areas import LEVELS
from gis.services.area_rows import position_reason
from gis.services.columns import column_text, optional_text, other_columns, rows_of
from gis.services.import_findings import Finding, Severity
from gis.services.import_report import ImportReport
from gis.store import areas as area_store
from gis.store import stations as store
from gis.store.unit_of_work import Database, UnitOfWork

REPEATED: Final = 5
"""So many rows at one position are reported: the trace of a failed geocoding."""

_CANDIDATE_CRS: Final = ("WGS84", "GCJ-02", "BD-09")
_CLEARLY_BETTER: Final = 0.1  # share of stations; real data: right datum 96 %, wrong one 47 %
_SAME_DEG: Final = 1e-9
_DEFAULTS: Final = ("name", "kind", "address", "area_code", "opening_hours", "capacity")


@dataclass(frozen=True, slots=True)
class StationColumns:
    """Which columns of the file hold what; None where it does not have it."""

    code: str
    name: str | None = None
    kind: str | None = None
    address: str | None = None
    area: str | None = None
    capacity: str | None = None
    opening_hours: str | None = None

    def used(self) -> tuple[str | None, ...]:
        """Return the columns that need not be kept as attributes."""
        return (
            self.code,
            self.name,
            self.kind,
            self.address,
            self.area,
            self.capacity,
            self.opening_hours,
        )


def import_stations(
    database: Database,
    actor: Actor,
    frame: gpd.GeoDataFrame,
    columns: StationColumns,
    *,
    default_kind: str | None = None,
    crs: str = "WGS84",
    skip_bad: bool = False,
    source: Mapping[str, Any] | None = None,
) -> ImportReport:
    """Check a layer of stations and write it by code: new ones added, known ones overwritten.

    Parameters
    ----------
    frame
        Points in the frame ``crs`` with a column ``row``; converted to WGS84 once, the numbers as
        delivered are kept in ``raw``. Columns without a role become attributes.
    default_kind
        Kind of rows that name none (``service``, ``job_service``, ``governance_center``, ...).
    skip_bad
        Write the good rows; the report lists the others in ``rejected_rows``.
    source
        What came in: ``file``, ``sha256``.

    Returns
    -------
    ImportReport
        ``outcome`` refused (nothing written), written, or unchanged. Stations in no published area
        are reported with the nearest one and its distance; stations that another coordinate system
        would put into the areas far more often, with that system. Stations that the file does not
        mention stay.

    Raises
    ------
    gis.errors.ColumnMissing, gis.errors.CrsUnknown
        Nothing was written.
    """
    said = dict(source or {})
    crs = frames.normalise(crs)
    said |= {"crs": crs, "code_column": columns.code}
    found = _Rows.gather(frame, columns, str(said.get("file", "-")), default_kind)
    found.check_columns()
    found.convert(crs)
    report = ImportReport("stations", said, findings=found.findings)
    if not found.codes:
        found.findings.append(
            Finding("file-empty", "error", "文件中没有任何站点", "the file holds no station")
        )
    report.rejected_rows = [found.rows[i] for i, bad in enumerate(found.bad) if bad]
    report.counts = {"rows": len(found.rows), "rejected": len(report.rejected_rows)}
    if report.errors and not (skip_bad and found.good):
        return report
    with database.transaction(actor) as work:
        _compare_with_areas(work, found, report, crs)
        _write(work, found, report)
    return report


@dataclass(slots=True)
class _Rows:
    rows: list[int]
    codes: list[str]
    names: list[str | None]
    kinds: list[str | None]
    addresses: list[str | None]
    areas: list[str | None]
    hours: list[str | None]
    capacity_texts: list[str | None]
    capacities: list[int | None]
    attributes: list[dict[str, Any]]
    points: Any
    raw_x: Any
    raw_y: Any
    lon: Any
    lat: Any
    crs: str
    findings: list[Finding]
    bad: list[bool]

    @classmethod
    def gather(
        cls, frame: gpd.GeoDataFrame, columns: StationColumns, file: str, default_kind: str | None
    ) -> _Rows:
        codes = [value or "" for value in column_text(frame, columns.code, file)]
        kinds = [kind or default_kind for kind in optional_text(frame, columns.kind, file)]
        points = np.array(frame.geometry.array, dtype=object)
        x, y = shapely.get_x(points), shapely.get_y(points)
        return cls(
            rows=rows_of(frame),
            codes=codes,
            names=column_text(frame, columns.name or columns.code, file),
            kinds=kinds,
            addresses=optional_text(frame, columns.address, file),
            areas=optional_text(frame, columns.area, file),
            hours=optional_text(frame, columns.opening_hours, file),
            capacity_texts=optional_text(frame, columns.capacity, file),
            capacities=[None] * len(codes),
            attributes=other_columns(frame, columns.used()),
            points=points,
            raw_x=x,
            raw_y=y,
            lon=np.full(len(codes), np.nan),
            lat=np.full(len(codes), np.nan),
            crs="",
            findings=[],
            bad=[False] * len(codes),
        )

    @property
    def good(self) -> list[int]:
        return [i for i, bad in enumerate(self.bad) if not bad]

    def note(
        self, i: int, kind: str, severity: Severity, reason: tuple[str, str], **facts: object
    ) -> None:
        if severity == "error":
            self.bad[i] = True
        there = bool(np.isfinite(self.lon[i]))
        self.findings.append(
            Finding(
                kind,
                severity,
                *reason,
                row=self.rows[i],
                code=self.codes[i] or None,
                lon=float(self.lon[i]) if there else None,
                lat=float(self.lat[i]) if there else None,
                facts=facts,
            )
        )

    def check_columns(self) -> None:
        places: dict[str, list[int]] = defaultdict(list)
        for i, code in enumerate(self.codes):
            if not code:
                self.note(i, "code-missing", "error", ("编码为空", "the code is empty"))
            else:
                places[code].append(i)
            if self.names[i] is None:
                self.note(i, "name-missing", "error", ("名称为空", "the name is empty"))
            if self.kinds[i] is None:
                self.note(i, "kind-missing", "error", ("类别为空", "the kind is empty"))
            self._check_capacity(i)
        for code, same in places.items():
            if len(same) > 1:
                told = ", ".join(str(self.rows[i]) for i in same)
                for i in same:
                    reason = f"编码 {code} 出现在第 {told} 行", f"code {code} stands in rows {told}"
                    self.note(i, "code-duplicate", "error", reason)

    def _check_capacity(self, i: int) -> None:
        text = self.capacity_texts[i]
        if text is None:
            return
        if text.isascii() and text.isdecimal() and int(text) < 2**31:
            self.capacities[i] = int(text)
        else:
            reason = f"容量 {text} 不是非负整数", f"the capacity {text} is no whole number"
            self.note(i, "number-invalid", "error", reason)

    def convert(self, crs: str) -> None:
        self.crs = crs
        usable = frames.usable(self.raw_x, self.raw_y, crs)
        self.lon[usable], self.lat[usable] = frames.to_wgs84(
            self.raw_x[usable], self.raw_y[usable], crs
        )
        for i in np.flatnonzero(~usable):
            shape = self.points[i]
            if shape is None or shape.is_empty:
                reason = "没有坐标", "there are no coordinates"
                self.note(int(i), "geometry-missing", "error", reason)
            elif shape.geom_type != "Point":
                reason = f"几何类型为 {shape.geom_type}", f"the geometry is a {shape.geom_type}"
                self.note(int(i), "not-a-point", "error", reason)
            else:
                reason = position_reason(self.raw_x[i], self.raw_y[i], crs)
                self.note(int(i), "position-invalid", "error", reason)
        self._warn_of_repeats()

    def _warn_of_repeats(self) -> None:
        positions = Counter((float(self.lon[i]), float(self.lat[i])) for i in self.good)
        for i in self.good:
            count = positions.pop((float(self.lon[i]), float(self.lat[i])), 0)
            if count >= REPEATED:
                reason = f"{count} 行在同一坐标", f"{count} rows at this one position"
                self.note(i, "place-repeated", "warning", reason, rows=count)

    def station(self, i: int, source: Mapping[str, Any]) -> store.StationRow:
        raw = {
            "x": float(self.raw_x[i]),
            "y": float(self.raw_y[i]),
            "crs": self.crs,
            "row": self.rows[i],
            "file": source.get("file"),
            "sha256": source.get("sha256"),
        }
        return store.StationRow(
            code=self.codes[i],
            name=self.names[i] or "",
            kind=self.kinds[i] or "",
            lon=float(self.lon[i]),
            lat=float(self.lat[i]),
            address=self.addresses[i],
            area_code=self.areas[i],
            opening_hours=self.hours[i],
            capacity=self.capacities[i],
            attributes=self.attributes[i],
            raw=raw,
        )


def _compare_with_areas(work: UnitOfWork, found: _Rows, report: ImportReport, crs: str) -> None:
    """Note stations in no area, in another than labelled, and a probably wrong frame."""
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
            zh = f"不在任何区域内,最近的是 {code},相距 {distance_m:.1f} 米"
            en = f"in no area; the nearest is {code}, {distance_m:.1f} m away"
            found.note(i, "outside-areas", "warning", (zh, en), nearest=code, distance_m=distance_m)
        elif labelled in known and labelled not in {
            index.keys[p] for p in index.covering(lon, lat)
        }:
            code = index.keys[position]
            zh, en = f"填报 {labelled},实在 {code}", f"labelled {labelled}, but lies in {code}"
            found.note(i, "area-differs", "warning", (zh, en), labelled=labelled, lies_in=code)
    _suspect_crs(found, index, report, crs)


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


def _suspect_crs(found: _Rows, index: CellIndex, report: ImportReport, crs: str) -> None:
    """Warn when the same numbers, read in another frame, fall into the areas far more often."""
    x, y = found.raw_x[found.good], found.raw_y[found.good]
    shares: dict[str, float] = {}
    for candidate in {crs, *(_CANDIDATE_CRS if crs in _CANDIDATE_CRS else ())}:
        lon, lat = frames.to_wgs84(x, y, candidate)
        shares[candidate] = float((index.locate(lon, lat) >= 0).mean()) if len(x) else 0.0
    best = max(sorted(shares), key=shares.__getitem__)
    if shares[best] > shares[crs] + _CLEARLY_BETTER:
        zh = f"按 {crs} 有 {shares[crs]:.0%} 落入区域,按 {best} 则有 {shares[best]:.0%}"
        en = f"as {crs} {shares[crs]:.0%} lie in an area, as {best} {shares[best]:.0%} would"
        report.findings.insert(0, Finding("crs-suspect", "warning", zh, en, facts=shares))


def _write(work: UnitOfWork, found: _Rows, report: ImportReport) -> None:
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
