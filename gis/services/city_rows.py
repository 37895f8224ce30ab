"""The rows of an imported file of the city: read by its fields, checked one by one."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt
import shapely

from gis.errors import ColumnMissing
from gis.geometry import crs as frames
from gis.services.area_rows import position_reason
from gis.services.city_fields import (
    FIELDS,
    SHAPES,
    Field,
    Subject,
    fits_oneway,
    fits_yes,
)
from gis.services.columns import column_text, named, rows_of
from gis.services.import_findings import Finding, Severity

if TYPE_CHECKING:
    import geopandas as gpd

GeometryArray = npt.NDArray[np.object_]
LARGEST = 2**31 - 1


@dataclass(slots=True)
class CityRows:
    """The rows of a file in its order; ``shapes`` in WGS84, None where there is none."""

    subject: Subject
    rows: list[int]
    values: dict[str, list[Any]]
    shapes: GeometryArray
    findings: list[Finding]
    bad: list[bool]

    @classmethod
    def gather(
        cls,
        subject: Subject,
        frame: gpd.GeoDataFrame,
        columns: Mapping[str, str],
        file: str,
    ) -> CityRows:
        """Take the columns of a file.

        Raises
        ------
        gis.errors.ColumnMissing
            A required field has no column, or a named column is not there.
        """
        texts: dict[str, list[str | None]] = {}
        for field in FIELDS[subject]:
            column = columns.get(field.name) or _column_of(frame, field)
            if column is None and field.required:
                known = ", ".join(named(frame))
                raise ColumnMissing(path=file, column=field.name, columns=known)
            texts[field.name] = (
                [None] * len(frame) if column is None else column_text(frame, column, file)
            )
        shapes = np.full(len(frame), None, dtype=object)
        if "geometry" in frame.columns:
            shapes[:] = np.array(frame.geometry.array, dtype=object)
        found = cls(subject, rows_of(frame), {}, shapes, [], [False] * len(frame))
        for field in FIELDS[subject]:
            found.values[field.name] = [
                found._value(i, field, text) for i, text in enumerate(texts[field.name])
            ]
        if "code" in found.values:
            found._check_codes()
        return found

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
        place = None if self.shapes[i] is None else shapely.centroid(self.shapes[i])
        there = place is not None and not place.is_empty and abs(place.x) <= 180.0
        code = self.values.get("code", [None] * len(self.rows))[i]
        self.findings.append(
            Finding(
                kind,
                severity,
                *reason,
                row=self.rows[i],
                code=code,
                lon=float(place.x) if place is not None and there else None,
                lat=float(place.y) if place is not None and there else None,
                facts=facts,
            )
        )

    def _value(self, i: int, field: Field, text: str | None) -> Any:  # noqa: ANN401 - any kind
        if text is None:
            if field.required:
                kind = "code-missing" if field.name == "code" else "value-missing"
                reason = f"{field.name} 为空", f"{field.name} is empty"
                self.note(i, kind, "error", reason)
            return field.default
        value = _read(field, text)
        if value is None:
            reason = (
                f"{field.name} 的值 {text} 无效",
                f"the value {text} of {field.name} is invalid",
            )
            kind = "number-invalid" if field.kind == "whole" else "value-invalid"
            self.note(i, kind, "error", reason)
        return value

    def _check_codes(self) -> None:
        places: dict[str, list[int]] = defaultdict(list)
        for i, code in enumerate(self.values["code"]):
            if code:
                places[code].append(i)
        for code, same in places.items():
            if len(same) > 1 and self.subject != "roads":
                told = ", ".join(str(self.rows[i]) for i in same[:5])
                for i in same:
                    reason = f"编码 {code} 出现在第 {told} 行", f"code {code} stands in rows {told}"
                    self.note(i, "code-duplicate", "error", reason)

    def place(self, crs: str, *, needed: bool) -> None:
        """Convert the shapes to WGS84, once; refuse those that cannot be a place.

        ``needed=False``: a row without a shape may stay (it is placed by something else).
        """
        wanted = SHAPES[self.subject]
        for i, shape in enumerate(self.shapes):
            if shape is None or shape.is_empty:
                self.shapes[i] = None
                if needed:
                    self.note(i, "geometry-missing", "error", ("没有坐标", "there is no place"))
            elif not _suits(shape, wanted):
                reason = f"几何类型为 {shape.geom_type}", f"the geometry is a {shape.geom_type}"
                kind = {"line": "not-a-line", "ground": "not-a-polygon"}.get(wanted, "not-a-point")
                self.note(i, kind, "error", reason)
        there = [i for i, shape in enumerate(self.shapes) if shape is not None]
        some = self.shapes[there]
        corners, owner = shapely.get_coordinates(some, return_index=True)
        fine = frames.usable(corners[:, 0], corners[:, 1], crs)
        for k in np.unique(owner[~fine]):
            x, y = corners[(owner == k) & ~fine][0]
            shape, self.shapes[there[k]] = self.shapes[there[k]], None
            self.note(there[k], "position-invalid", "error", position_reason(x, y, crs))
            del shape
        good = [i for i in there if self.shapes[i] is not None]

        def move(pairs: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
            return np.column_stack(frames.to_wgs84(pairs[:, 0], pairs[:, 1], crs))

        self.shapes[good] = shapely.transform(shapely.force_2d(self.shapes[good]), move)
        for i in good:
            if not shapely.is_valid(self.shapes[i]):
                why = shapely.is_valid_reason(self.shapes[i])
                self.note(i, "invalid", "error", (f"几何无效：{why}", f"invalid geometry: {why}"))


def _column_of(frame: gpd.GeoDataFrame, field: Field) -> str | None:
    lower = {name.strip().lower(): name for name in reversed(named(frame))}
    for word in (field.name, *field.aliases):
        if word.lower() in lower:
            return lower[word.lower()]
    return None


def _read(field: Field, text: str) -> Any:  # noqa: ANN401 - any kind
    match field.kind:
        case "whole":
            sign, digits = (-1, text[1:]) if text.startswith("-") else (1, text)
            fits = digits.isascii() and digits.isdecimal() and int(digits) <= LARGEST
            return sign * int(digits) if fits and (sign > 0 or field.name == "level") else None
        case "yes":
            return fits_yes(text)
        case "oneway":
            return fits_oneway(text)
        case "day":
            try:
                return date.fromisoformat(text[:10].replace("/", "-"))
            except ValueError:
                return None
        case _:
            return None if "\x00" in text else text


def _suits(shape: Any, wanted: str) -> bool:  # noqa: ANN401 - shapely's own type
    kinds = {
        "point": {"Point"},
        "building": {"Point", "Polygon", "MultiPolygon"},
        "ground": {"Polygon", "MultiPolygon"},
        "line": {"LineString", "MultiLineString"},
    }
    return shape.geom_type in kinds[wanted]
