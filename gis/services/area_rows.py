"""The rows of an imported area file: checked one by one and as a tiling, without a database."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import geopandas as gpd
import numpy as np
import shapely

from gis.errors import PositionInvalid
from gis.geometry import crs as frames
from gis.geometry.findings import codes_words, size_words
from gis.geometry.partition import PartitionReport, check
from gis.geometry.validity import POLYGONS, area_change_m2, defects, mended, oriented
from gis.governance.areas import (
    COMMUNITY_KINDS,
    GRID_KINDS,
    LOCAL,
    code_faults,
    community_kind,
    parent_of,
)
from gis.services.columns import column_text, optional_text, other_columns, rows_of
from gis.services.import_findings import Finding, Severity

if TYPE_CHECKING:
    from gis.geometry.frames import Geometries

UNMENDABLE: Final = ("geometry-missing", "not-a-polygon")


@dataclass(slots=True)
class AreaRows:
    """The rows of a file in its order, what was found in them, and which of them are bad.

    ``shapes`` are in WGS84 lon/lat once :func:`convert` has run; None where a row has none.
    """

    level: str
    code_system: str
    rows: list[int]
    codes: list[str]
    names: list[str | None]
    parents: list[str | None]
    kinds: list[str | None]
    attributes: list[dict[str, Any]]
    shapes: Geometries
    findings: list[Finding]
    bad: list[bool]

    def __len__(self) -> int:
        """Return the number of rows, bad ones too."""
        return len(self.rows)

    @property
    def good(self) -> list[int]:
        """Positions of the rows without an error."""
        return [i for i, bad in enumerate(self.bad) if not bad]

    def refuse(self, i: int, kind: str, reason: tuple[str, str], **more: Any) -> None:  # noqa: ANN401 - a finding's fields
        """Note an error of one row."""
        self.bad[i] = True
        self._note(i, kind, "error", reason, more)

    def warn(self, i: int, kind: str, reason: tuple[str, str], **more: Any) -> None:  # noqa: ANN401 - a finding's fields
        """Note a warning about one row."""
        self._note(i, kind, "warning", reason, more)

    def _note(
        self,
        i: int,
        kind: str,
        severity: Severity,
        reason: tuple[str, str],
        more: dict[str, Any],
    ) -> None:
        self.findings.append(
            Finding(kind, severity, *reason, row=self.rows[i], code=self.codes[i] or None, **more)
        )


def gather(
    frame: gpd.GeoDataFrame,
    file: str,
    *,
    level: str,
    code: str,
    name: str,
    parent: str | None,
    kind: str | None,
    code_system: str,
) -> AreaRows:
    """Take the named columns of a file; see :class:`~gis.errors.ColumnMissing`."""
    codes = [value or "" for value in column_text(frame, code, file)]
    return AreaRows(
        level=level,
        code_system=code_system,
        rows=rows_of(frame),
        codes=codes,
        names=column_text(frame, name, file),
        parents=optional_text(frame, parent, file),
        kinds=optional_text(frame, kind, file),
        attributes=other_columns(frame, (code, name, parent, kind)),
        shapes=np.array(frame.geometry.array, dtype=object),
        findings=[],
        bad=[False] * len(codes),
    )


def check_columns(rows: AreaRows) -> None:
    """Check codes, names, parents and kinds; fill the parents and kinds that codes imply."""
    by_code: dict[str, list[int]] = defaultdict(list)
    for i, code in enumerate(rows.codes):
        faults = code_faults(code, rows.level, parent=rows.parents[i], code_system=rows.code_system)
        for fault in faults:
            rows.refuse(i, fault.key, (fault.reason_zh, fault.reason_en))
        if not faults:
            by_code[code].append(i)
            if rows.parents[i] is None and rows.code_system != LOCAL:
                rows.parents[i] = parent_of(code)
        if rows.names[i] is None:
            rows.refuse(i, "name-missing", ("名称为空", "the name is empty"))
        _check_kind(rows, i)
    for code, places in by_code.items():
        if len(places) > 1:
            told = ", ".join(str(rows.rows[i]) for i in places)
            for i in places:
                reason = f"编码 {code} 出现在第 {told} 行", f"code {code} stands in rows {told}"
                rows.refuse(i, "code-duplicate", reason)


def _check_kind(rows: AreaRows, i: int) -> None:
    kind = rows.kinds[i]
    known = {"grid": GRID_KINDS, "community": COMMUNITY_KINDS}.get(rows.level, {})
    if kind is None:
        if rows.level == "grid":
            rows.kinds[i] = "general"
        elif rows.level == "community" and rows.code_system != LOCAL:
            rows.kinds[i] = community_kind(rows.codes[i])
        return
    by_title = {title: key for key, titles in known.items() for title in titles}
    chosen = kind if kind in known else by_title.get(kind)
    if chosen is None and known:
        listed = ", ".join(known)
        reason = f"类别 {kind} 不认识；可用：{listed}", f"the kind {kind} is not one of {listed}"
        rows.refuse(i, "kind-unknown", reason)
    rows.kinds[i] = chosen or kind


def convert(rows: AreaRows, crs: str) -> None:
    """Turn the shapes into WGS84, once; rows with an impossible coordinate are refused."""
    shapes = rows.shapes
    coordinates, owner = shapely.get_coordinates(shapes, return_index=True)
    fine = frames.usable(coordinates[:, 0], coordinates[:, 1], crs)
    broken, first = np.unique(owner[~fine], return_index=True)
    for i, where in zip(broken, np.flatnonzero(~fine)[first], strict=True):
        x, y = coordinates[where]
        reason = position_reason(x, y, crs)
        rows.refuse(int(i), "position-invalid", reason)
        shapes[i] = None

    def move(pairs: Any) -> Any:  # noqa: ANN401 - shapely hands over and takes an array
        return np.column_stack(frames.to_wgs84(pairs[:, 0], pairs[:, 1], crs))

    rows.shapes = np.asarray(shapely.transform(shapes, move), dtype=object)


def position_reason(x: float, y: float, crs: str) -> tuple[str, str]:
    """Return why a pair of coordinates is not a place, in both languages."""
    try:
        frames.point_to_wgs84(float(x), float(y), crs)
    except PositionInvalid as refused:
        return refused.detail("zh"), refused.detail("en")
    message = "the position is valid"
    raise ValueError(message)


def check_shapes(rows: AreaRows, *, mend: bool) -> None:
    """Refuse invalid shapes with reason and place, or mend them and say what that changed.

    Good shapes come out as multipolygons with counter-clockwise shells.
    """
    # Rows that convert() refused have lost their shape; they are told about already.
    refused = {i for i, bad in enumerate(rows.bad) if bad and rows.shapes[i] is None}
    found = [defect for defect in defects(rows.shapes) if defect.position not in refused]
    for defect in found:
        i = defect.position
        lon, lat = defect.places[0] if defect.places else (None, None)
        reason = (defect.reason_zh, defect.reason_en)
        facts: dict[str, Any] = {"places": [list(place) for place in defect.places]}
        shape = rows.shapes[i]
        repaired = mended(rows.shapes[i : i + 1]) if mend else None
        if repaired is None or defect.key in UNMENDABLE or repaired[0].is_empty:
            rows.refuse(i, defect.key, reason, lon=lon, lat=lat, facts=facts, geometry=shape)
            continue
        changed_m2 = float(area_change_m2(rows.shapes[i : i + 1], repaired)[0])
        facts |= {"area_m2": changed_m2, "defect": defect.key}
        told = (
            f"{defect.reason_zh}；已修补，面积变化 {changed_m2:.2f} 平方米",
            f"{defect.reason_en}; mended, the area changes by {changed_m2:.2f} m2",
        )
        rows.warn(i, "mended", told, lon=lon, lat=lat, facts=facts, geometry=repaired[0])
        rows.shapes[i] = repaired[0]
    good = rows.good
    flat = oriented(np.asarray(shapely.force_2d(rows.shapes[good]), dtype=object))
    for i, shape in zip(good, flat, strict=True):
        single = shape.geom_type == "Polygon"
        rows.shapes[i] = shapely.MultiPolygon([shape]) if single else shape


def check_tiling(rows: AreaRows, *, strict: bool) -> PartitionReport:
    """Note the gaps, overlaps and thin areas of the file; errors when ``strict``.

    Refused rows take part with their mended shape: what is missing is told once, not as a gap too.
    """
    kinds = shapely.get_type_id(rows.shapes)
    there = np.flatnonzero(np.isin(kinds, POLYGONS) & ~shapely.is_empty(rows.shapes))
    table = gpd.GeoDataFrame(
        {"code": [rows.codes[i] for i in there]},
        geometry=gpd.GeoSeries([rows.shapes[i] for i in there], dtype="geometry"),
        crs=4326,
    )
    report = check(table)
    thin_areas = report.slivers[report.slivers["kind"] == "area"]
    for kind, found in (
        ("gap", report.gaps),
        ("overlap", report.overlaps),
        ("sliver", thin_areas),
    ):
        for one in found.to_dict("records"):
            area_m2, width_m = float(one["area_m2"]), float(one["width_m"])
            size_zh, size_en = size_words(area_m2, width_m)
            listed_zh, listed_en = codes_words(one["areas"])
            rows.findings.append(
                Finding(
                    kind,
                    "error" if strict else "warning",
                    f"{listed_zh}：{size_zh}",
                    f"{listed_en}: {size_en}",
                    lon=float(one["lon"]),
                    lat=float(one["lat"]),
                    facts={
                        "area_m2": area_m2,
                        "width_m": width_m,
                        "areas": list(one["areas"]),
                    },
                    geometry=one["geometry"],
                )
            )
    return report
