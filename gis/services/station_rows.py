"""The rows of an imported station file: checked one by one, without a database."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import geopandas as gpd
import numpy as np
import shapely

from gis.geometry import crs as frames
from gis.services.area_rows import position_reason
from gis.services.columns import column_text, optional_text, other_columns, rows_of
from gis.services.import_findings import Finding, Severity
from gis.store import stations as store

REPEATED: Final = 5
"""So many rows at one position are reported: the trace of a failed geocoding."""


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


@dataclass(slots=True)
class StationRows:
    """The rows of a file in its order; ``lon lat`` are NaN until :meth:`convert` placed them."""

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
    ) -> StationRows:
        """Take the named columns of a file; see :class:`~gis.errors.ColumnMissing`."""
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
        """Positions of the rows without an error."""
        return [i for i, bad in enumerate(self.bad) if not bad]

    def note(
        self, i: int, kind: str, severity: Severity, reason: tuple[str, str], **facts: object
    ) -> None:
        """Note a finding about one row; an error makes the row a bad one."""
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
        """Check codes, names, kinds and capacities."""
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
        """Place the rows in WGS84, once; refuse those whose coordinates cannot be a place."""
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
        """Return a row as it is to be stored, with its numbers as delivered."""
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
