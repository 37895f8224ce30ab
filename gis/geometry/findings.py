"""Findings about areas: how they are measured, and what repair would do about each kind."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import geopandas as gpd
import numpy as np
import shapely

from gis.geometry.frames import EqualAreaFrame, Geometries, ground_m2
from gis.geometry.validity import mended

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pyproj import CRS

    from gis.geometry.gcj02 import Floats

NOISE_M2: Final = 1e-6
MAX_WIDTH_M: Final = 2.0
"""Gaps and overlaps up to this width are traces of digitising; wider ones are questions."""
WIDEST_M: Final = 20.0
"""No repair goes beyond this width: what is wider is no trace of digitising."""

_COARSE_M: Final = 0.05
_FINE_M: Final = 0.01
_WORTH_THREADS: Final = 64

_NARROW: Final = (
    "宽度不超过 {width:g} 米：并入共用边界最长的相邻区域（相等时取编码较小者）",
    "up to {width:g} m wide: to the neighbour with the longest shared edge (ties: smaller code)",
)
_WIDE: Final = (
    "宽度超过 {width:g} 米：不自动处理，由人决定",
    "wider than {width:g} m: left for a person",
)
_PERSON: Final = ("不自动处理，由人决定", "left for a person")

REPAIRS: Final[dict[str, tuple[str, str]]] = {
    "invalid": ("按环的走向修补几何", "the rings are mended"),
    "edge": ("在相邻区域上补齐公共顶点", "the shared vertices are put into both areas"),
    "duplicate-vertex": ("删除重复顶点", "the repeated vertices are dropped"),
    "near-vertex": (
        "在相关区域中合并为一个顶点",
        "merged into one, in each area that has them",
    ),
    "sliver": _PERSON,
    "spike": (
        "属于窄缝隙或窄重叠的随之消除，其余由人决定",
        "goes with the narrow gap or overlap that it makes; otherwise left for a person",
    ),
    "exclave": _PERSON,
    "enclave": _PERSON,
    "hole": _PERSON,
    "outside-parent": (
        "可按下级区域重建上级边界",
        "the parent can be rebuilt as the union of its children",
    ),
    "parent-differs": _PERSON,
    "dedicated-cross": _PERSON,
}
"""What repair does about a finding: (zh, en); gaps and overlaps depend on their width."""

REPAIRED: Final = ("invalid", "edge", "duplicate-vertex", "near-vertex", "outside-parent")
"""Kinds of which none is left by a repair, whatever their size."""


def repair_words(kind: str, width_m: float, max_width_m: float = MAX_WIDTH_M) -> tuple[str, str]:
    """Return what repair would do about a finding, in Chinese and English.

    >>> repair_words("gap", 30.0)[1]
    'wider than 2 m: left for a person'
    """
    if kind in ("gap", "overlap"):
        zh, en = _NARROW if width_m <= max_width_m else _WIDE
        return zh.format(width=max_width_m), en.format(width=max_width_m)
    return REPAIRS[kind]


def is_repairable(kind: str, width_m: float, max_width_m: float = MAX_WIDTH_M) -> bool:
    """Tell whether a repair deals with a finding by itself.

    >>> is_repairable("gap", 1.5), is_repairable("gap", 30.0), is_repairable("spike", 0.1)
    (True, False, False)
    """
    return kind in REPAIRED or (kind in ("gap", "overlap") and width_m <= max_width_m)


def codes_words(codes: Sequence[str], most: int = 6) -> tuple[str, str]:
    """Return the codes of a finding in Chinese and English, the first ``most`` of them.

    >>> codes_words(["a", "b"]), codes_words(["a", "b", "c"], 2)[1]
    (('a / b', 'a / b'), 'a / b and 1 more')
    """
    told, more = " / ".join(codes[:most]), len(codes) - most
    return (f"{told} 等 {len(codes)} 个", f"{told} and {more} more") if more > 0 else (told, told)


def size_words(area_m2: float, width_m: float, count: int = 1) -> tuple[str, str]:
    """Return how large a finding is, in Chinese and English; without an area, its vertices.

    >>> size_words(1234.5, 0.001)
    ('1,234.50 平方米，最宽不足 0.01 米', '1,234.50 m2, less than 0.01 m at its widest')
    >>> size_words(0.0, 0.0042, 3)[1]
    '3 vertices, up to 4.2 mm off'
    """
    if not area_m2:
        off = f"{1000 * width_m:.1f}"
        zh, en = f"顶点 {count} 个", f"{count} {'vertex' if count == 1 else 'vertices'}"
        return (f"{zh}，相差至多 {off} 毫米", f"{en}, up to {off} mm off") if width_m else (zh, en)
    (area_zh, area_en), (width_zh, width_en) = _amount(area_m2), _amount(width_m)
    return (
        f"{area_zh.strip()} 平方米，最宽{width_zh} 米",
        f"{area_en} m2, {width_en} m at its widest",
    )


def _amount(number: float) -> tuple[str, str]:
    return (f" {number:,.2f}", f"{number:,.2f}") if number >= _LEAST else _LITTLE


_LEAST: Final = 0.005
_LITTLE: Final = ("不足 0.01", "less than 0.01")


def _widest(metric: Geometries, tolerance_m: float) -> tuple[Floats, Floats, Floats]:
    """Return diameter and centre of the largest circle inside each geometry; 0, NaN, NaN without.

    The radius is good to the tolerance. GEOS's own default is a thousandth of the extent, which for
    a strip of 5 km is wider than the strip.
    """
    parts, at = shapely.get_parts(metric, return_index=True)
    area, perimeter = shapely.area(parts), shapely.length(parts)
    sound = area > 0.0
    parts, at, area, perimeter = parts[sound], at[sound], area[sound], perimeter[sound]
    # The radius is at least area/perimeter and at most that of a disc of the same area.
    least = np.zeros(len(metric))
    np.maximum.at(least, at, area / perimeter)
    kept = np.sqrt(area / np.pi) >= least[at]
    parts, at = parts[kept], at[kept]
    coarse = 0.01 * least[at] if tolerance_m > _FINE_M else np.zeros(len(at))
    tolerances = np.maximum(tolerance_m, coarse)
    circles = _inscribed(parts, tolerances)
    diameter = 2.0 * np.nan_to_num(shapely.length(circles))
    order = np.lexsort((diameter, at))
    width, x, y = np.zeros(len(metric)), *np.full((2, len(metric)), np.nan)
    centres = shapely.get_point(circles, 0)
    width[at[order]] = diameter[order]  # the last of each, the widest, stays
    x[at[order]], y[at[order]] = shapely.get_x(centres)[order], shapely.get_y(centres)[order]
    return width, x, y


def _inscribed(parts: Geometries, tolerances: Floats) -> Geometries:
    """Return the largest circles as radii; half the time of a check, so on every core.

    GEOS lets the interpreter go meanwhile.
    """
    cores = os.cpu_count() or 1
    if cores == 1 or len(parts) < _WORTH_THREADS:
        return np.asarray(shapely.maximum_inscribed_circle(parts, tolerances), dtype=object)
    pieces = 4 * cores
    with ThreadPoolExecutor(cores) as pool:
        made = pool.map(
            shapely.maximum_inscribed_circle,
            np.array_split(parts, pieces),
            np.array_split(tolerances, pieces),
        )
        return np.concatenate(list(made))


@dataclass(frozen=True, slots=True)
class Measure:
    """Turns found geometries into the rows of a report; ``names`` are the codes by position.

    Widths are good to 0.1 m, and to 2 cm where they come near one of ``limits_m``.
    """

    frame: EqualAreaFrame
    crs: CRS
    names: list[str]
    limits_m: tuple[float, ...] = ()

    def metric(self, geometries: Geometries, every_m: float = 100.0) -> Geometries:
        """Return geometries in metres, with vertices every so many metres or closer.

        An edge that is straight as stored bends in metres: without them, a vertex in the middle of
        an edge of 600 m would seem to be 5 mm beside it, and a touch would have an area.
        """
        step = every_m / 1e5 if self.crs.is_geographic else every_m
        return self.frame.project(np.asarray(shapely.segmentize(geometries, step), dtype=object))

    def area_m2(self, geometries: Geometries) -> Floats:
        """Return areas in square metres; 0 for None, points and lines."""
        if self.crs.is_geographic:
            return ground_m2(geometries)
        return np.nan_to_num(np.asarray(shapely.area(self.metric(geometries)), dtype=np.float64))

    def sizes(self, geometries: Geometries) -> tuple[Floats, Floats, Floats, Floats]:
        """Return area_m2, width_m, lon and lat of polygons; 0, 0, NaN, NaN for empty ones."""
        area_m2 = self.area_m2(geometries)
        metric = self.metric(geometries, 500.0)  # 3 mm; circles take long with many vertices
        # Slivers may cross themselves when their vertices are rounded into the metric frame.
        broken = (area_m2 > 0.0) & ~shapely.is_valid(metric)
        metric[broken] = mended(metric[broken])
        width_m, x, y = _widest(metric, _COARSE_M)
        for limit in self.limits_m:
            close = np.flatnonzero(np.abs(width_m - limit) <= 2.0 * _COARSE_M)
            width_m[close], x[close], y[close] = _widest(metric[close], _FINE_M)
        there = np.isfinite(x)
        lon, lat = self.frame.lon_lat(x, y)
        return area_m2, width_m, np.where(there, lon, np.nan), np.where(there, lat, np.nan)

    def table(self, geometries: Geometries, areas: list[tuple[int, ...]]) -> gpd.GeoDataFrame:
        """Return the rows that are more than noise, largest first."""
        if len(geometries) == 0:  # most lists are; sorting nothing takes as long as sorting a few
            return self.rows(geometries, [], (np.empty(0),) * 2, (np.empty(0),) * 2)
        area_m2, width_m, lon, lat = self.sizes(geometries)
        # Rounding can take the inside of the thinnest slivers away: then a vertex is the place.
        lost = ~np.isfinite(lon) & (area_m2 > NOISE_M2)  # what is empty has no vertex, either
        found = self.rows(geometries, areas, (area_m2, width_m), (lon, lat))
        if lost.any():
            first = np.asarray(shapely.get_coordinates(geometries[lost]))
            _, start = np.unique(
                shapely.get_coordinates(geometries[lost], return_index=True)[1], return_index=True
            )
            places = self.frame.lon_lat(*self.frame.forward.transform(*first[start].T))
            found.loc[lost, ["lon", "lat"]] = np.column_stack(places)
        found = found[found["area_m2"] > NOISE_M2]
        order: Any = found.sort_values(["area_m2", "areas"], ascending=[False, True]).index
        return gpd.GeoDataFrame(found.loc[order].reset_index(drop=True), crs=self.crs)

    def rows(
        self,
        geometries: Geometries,
        areas: list[tuple[int, ...]],
        sizes: tuple[Floats, Floats],
        places: tuple[Floats, Floats],
    ) -> gpd.GeoDataFrame:
        """Return rows of these sizes (area_m2, width_m) at these places (lon, lat)."""
        return gpd.GeoDataFrame(
            {
                "areas": [tuple(self.names[i] for i in concerned) for concerned in areas],
                "area_m2": sizes[0],
                "width_m": sizes[1],
                "lon": places[0],
                "lat": places[1],
            },
            geometry=gpd.GeoSeries(list(geometries), crs=self.crs, dtype="geometry"),
            crs=self.crs,
        )

    def at_points(
        self, xy: Floats, areas: list[tuple[int, ...]], area_m2: Floats, width_m: Floats
    ) -> gpd.GeoDataFrame:
        """Return rows whose place is a point, ``xy`` in the input's frame."""
        places = self.frame.lon_lat(*self.frame.forward.transform(xy[:, 0], xy[:, 1]))
        points = np.asarray(shapely.points(xy), dtype=object)
        return self.rows(points, areas, (area_m2, width_m), places)
