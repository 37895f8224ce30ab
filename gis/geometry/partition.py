"""Do the grids tile their area: gaps, overlaps, slivers, invalid polygons; exact, in seconds.

Overlays are made on the coordinates as they are stored (lon/lat, or the frame of the input), never
on reprojected ones, so that what is found is what look-ups see. Areas and widths are then measured
in an equal-area frame around the data (:class:`gis.geometry.frames.EqualAreaFrame`).

Definitions
-----------
gap
    A place that no area covers, enclosed by them (a hole of their union); with ``within`` given,
    everything in it that no area covers, at the rim as well. One row per connected place.
overlap
    A pair of areas whose interiors meet. One row per pair, all its pieces in one geometry; three
    areas over one place are three pairs.
sliver
    A gap, an overlap or an area that is nowhere as wide as ``sliver_width_m``: usually the trace
    of two people digitising one line. Gaps and overlaps stay in their own lists too.
invalid
    A polygon against the OGC rule, with the reason. For the other lists its mended shape is used.

Findings of 1 mm2 and less are the rounding of coordinates and are not reported. Faults that leave
the tiling whole (spikes, vertices, edges drawn differently, areas in pieces) are in ``others``; see
:mod:`gis.geometry.vertices` and :mod:`gis.geometry.parts`.

Areas whose edges all match their neighbours' cannot overlap, so only the others are intersected:
GEOS's coverage validator (``coverage_invalid_edges``) tells them apart in one pass.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis.geometry.findings import MAX_WIDTH_M, NOISE_M2, Measure, repair_words
from gis.geometry.frames import LON_LAT, EqualAreaFrame, Geometries
from gis.geometry.parts import part_faults
from gis.geometry.validity import defects, mended
from gis.geometry.vertices import joined, unmatched, vertex_faults

if TYPE_CHECKING:
    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

__all__ = ["COLUMNS", "NOISE_M2", "SLIVER_WIDTH_M", "PartitionReport", "check", "outline_of"]

SLIVER_WIDTH_M: Final = 1.0
COLUMNS: Final = ("areas", "area_m2", "width_m", "lon", "lat")
"""Of every list; ``slivers`` adds ``kind``, ``invalid`` adds ``key reason_zh reason_en``,
``others`` adds ``kind count``."""


@dataclass(frozen=True, slots=True)
class PartitionReport:
    """What keeps areas from tiling.

    Each list is a GeoDataFrame in the input's CRS with the columns :data:`COLUMNS`: ``areas`` the
    codes concerned (a tuple: of a gap its neighbours, of an overlap the pair), ``area_m2``,
    ``width_m`` (diameter of the largest circle that fits in), ``lon lat`` a WGS84 place inside it
    (of an invalid polygon: the defect). Largest first, then by areas. ``checked`` counts the areas.
    """

    checked: int
    gaps: gpd.GeoDataFrame
    overlaps: gpd.GeoDataFrame
    slivers: gpd.GeoDataFrame
    invalid: gpd.GeoDataFrame
    others: gpd.GeoDataFrame
    max_width_m: float = MAX_WIDTH_M

    @property
    def is_partition(self) -> bool:
        """True when there is no gap, no overlap and no invalid polygon."""
        return self.gaps.empty and self.overlaps.empty and self.invalid.empty

    def findings(self) -> gpd.GeoDataFrame:
        """Return everything in one list, with ``kind`` and what repair would do.

        Columns: ``kind``, :data:`COLUMNS`, ``count`` (vertices of a row), ``repair_zh repair_en``
        (for a repair up to ``max_width_m``), the geometry. A narrow gap or overlap comes once, not
        as a sliver too.
        """
        thin = self.slivers[self.slivers["kind"] == "area"]
        lists = [
            found.assign(kind=kind)
            for kind, found in (
                ("invalid", self.invalid.drop(columns=["key"])),
                ("gap", self.gaps),
                ("overlap", self.overlaps),
                ("sliver", thin),
            )
        ]
        whole = joined([*lists, self.others])
        words = [
            repair_words(kind, width, self.max_width_m)
            for kind, width in zip(whole["kind"], whole["width_m"], strict=True)
        ]
        counts = whole["count"].fillna(1) if "count" in whole else 1
        return whole.assign(
            count=counts, repair_zh=[zh for zh, _ in words], repair_en=[en for _, en in words]
        )


def check(
    grids: gpd.GeoDataFrame,
    within: gpd.GeoDataFrame | BaseGeometry | None = None,
    *,
    code: str = "code",
    sliver_width_m: float = SLIVER_WIDTH_M,
    max_width_m: float = MAX_WIDTH_M,
) -> PartitionReport:
    """Check whether areas tile the plane between them, or the area ``within``.

    Parameters
    ----------
    grids
        Polygons in any CRS; without one, lon/lat. Rows without geometry are reported as invalid.
    within
        The area to be tiled, in the same CRS: a polygon, or a frame whose polygons are united.
    code
        Column that names an area in the report; the index is used where it is missing.
    sliver_width_m
        See the module.
    max_width_m
        Up to which width a repair is meant to go; widths near it are measured to 2 cm.

    Returns
    -------
    PartitionReport
        Empty lists for an empty frame (with ``within``: one gap, all of it).

    Examples
    --------
    >>> boxes = [shapely.box(0, 0, 1e-3, 1e-3), shapely.box(0.9e-3, 0, 2e-3, 1e-3)]
    >>> report = check(gpd.GeoDataFrame({"code": ["a", "b"]}, geometry=boxes, crs=4326))
    >>> report.overlaps[["areas", "area_m2", "width_m"]].round(1).values.tolist()
    [[('a', 'b'), 1230.9, 11.1]]
    >>> report.gaps.empty, report.is_partition
    (True, False)
    """
    raw = np.array(grids.geometry.array, dtype=object)
    names = [str(name) for name in (grids[code] if code in grids.columns else grids.index)]
    crs = grids.crs or LON_LAT
    outline = outline_of(within)
    extent = np.append(raw, np.array([outline], dtype=object))
    measure = Measure(EqualAreaFrame.around(extent, crs), crs, names, (sliver_width_m, max_width_m))
    shapes = mended(raw)
    loose = np.asarray(shapely.coverage_invalid_edges(shapes), dtype=object)
    differs = ~(shapely.is_empty(loose) | shapely.is_missing(loose))
    overlaps = measure.table(*_overlaps(shapes, differs))
    gaps = measure.table(*_gaps(shapes, differs, outline))
    suspects = np.append(loose[differs], np.asarray(gaps.geometry.array, dtype=object))
    return PartitionReport(
        checked=len(raw),
        gaps=gaps,
        overlaps=overlaps,
        slivers=_slivers(measure, shapes, gaps, overlaps, sliver_width_m),
        invalid=_invalid(measure, raw, shapes),
        others=joined(
            [
                unmatched(measure, shapes, suspects),
                vertex_faults(measure, shapes),
                part_faults(measure, shapes),
            ]
        ),
        max_width_m=max_width_m,
    )


Found = tuple[Geometries, list[tuple[int, ...]]]
"""Geometries, and the positions of the areas that each concerns."""


def _overlaps(shapes: Geometries, differs: NDArray[np.bool_]) -> Found:
    some = np.flatnonzero(differs)
    asked, other = shapely.STRtree(shapes).query(shapes[some], predicate="intersects")
    asked = some[asked]
    both = np.unique(np.column_stack([np.minimum(asked, other), np.maximum(asked, other)]), axis=0)
    left, right = both[:, 0], both[:, 1]
    once = left < right
    left, right = left[once], right[once]
    # Most pairs only share an edge; the relation tells faster than the intersection would.
    deep = shapely.relate_pattern(shapes[left], shapes[right], "T********")
    left, right = left[deep], right[deep]
    common = np.asarray(shapely.intersection(shapes[left], shapes[right]), dtype=object)
    pairs: list[tuple[int, ...]] = [(int(i), int(j)) for i, j in zip(left, right, strict=True)]
    return _areal(common), pairs


def _areal(geometries: Geometries) -> Geometries:
    """Drop the lines and points that an intersection may carry beside its polygons."""
    mixed = shapely.get_type_id(geometries) == 7
    for i in np.flatnonzero(mixed):
        parts = shapely.get_parts(geometries[i])
        geometries[i] = shapely.union_all(parts[shapely.area(parts) > 0.0])
    return geometries


def _gaps(shapes: Geometries, differs: NDArray[np.bool_], outline: BaseGeometry | None) -> Found:
    # What matches edge by edge is joined by dropping shared edges; the rest by a true overlay.
    matching = shapely.coverage_union_all(shapes[~differs])
    union = shapely.union_all(np.append(shapes[differs], np.array([matching], dtype=object)))
    if outline is not None:
        places = shapely.get_parts(shapely.difference(outline, union))
        places = places[shapely.area(places) > 0.0]
    else:
        places = enclosed(union)
    touching = shapely.STRtree(shapes).query(places, predicate="intersects")
    neighbours: list[list[int]] = [[] for _ in places]
    for place, area in touching.T:
        neighbours[place].append(int(area))
    return np.asarray(places, dtype=object), [tuple(sorted(found)) for found in neighbours]


def enclosed(union: BaseGeometry) -> Geometries:
    """Return the places that a union of areas encloses and does not cover, one polygon each.

    >>> ring = shapely.box(0, 0, 9, 9) - shapely.box(1, 1, 8, 8)
    >>> enclosed(ring | shapely.box(2, 2, 7, 7))[0].area
    24.0
    """
    parts = np.asarray(shapely.get_parts(union), dtype=object)
    rings, owner = shapely.get_rings(parts, return_index=True)
    inner = np.ones(len(rings), dtype=bool)
    inner[np.unique(owner, return_index=True)[1]] = False  # each part's shell comes first
    holes = np.asarray(shapely.polygons(rings[inner]), dtype=object)
    # A part of the union may lie as an island in a hole of another one.
    return _without_islands(holes, parts)


def _without_islands(holes: Geometries, parts: Geometries) -> Geometries:
    if len(parts) < 2 or not len(holes):
        return holes
    hole, island = shapely.STRtree(parts).query(holes, predicate="contains")
    for i in np.unique(hole):
        holes[i] = shapely.difference(holes[i], shapely.union_all(parts[island[hole == i]]))
    split = shapely.get_parts(holes)
    return np.asarray(split, dtype=object)


def outline_of(within: gpd.GeoDataFrame | BaseGeometry | None) -> BaseGeometry | None:
    """Return the area to be tiled as one geometry; None stays None."""
    if isinstance(within, gpd.GeoDataFrame):
        return shapely.union_all(mended(np.array(within.geometry.array, dtype=object)))
    return within


def _slivers(
    measure: Measure,
    shapes: Geometries,
    gaps: gpd.GeoDataFrame,
    overlaps: gpd.GeoDataFrame,
    width_m: float,
) -> gpd.GeoDataFrame:
    metric = measure.frame.project(shapes)
    # The inscribed circle is at least area/perimeter in radius: only thin ones need the real one.
    perimeter = shapely.length(metric)
    with np.errstate(invalid="ignore", divide="ignore"):
        thin = np.flatnonzero(2.0 * shapely.area(metric) / perimeter < width_m)
    areas = measure.table(shapes[thin], [(int(i),) for i in thin])
    lists = [
        found[found["width_m"] < width_m].assign(kind=kind)
        for kind, found in (("gap", gaps), ("overlap", overlaps), ("area", areas))
    ]
    filled = [found for found in lists if not found.empty] or lists[:1]
    return gpd.GeoDataFrame(pd.concat(filled, ignore_index=True), crs=measure.crs)


def _invalid(measure: Measure, raw: Geometries, shapes: Geometries) -> gpd.GeoDataFrame:
    found = defects(raw)
    positions = np.array([defect.position for defect in found], dtype=np.intp)
    places = np.array([defect.places[0] if defect.places else (np.nan, np.nan) for defect in found])
    x, y = places.reshape(-1, 2).T
    lon, lat = measure.frame.lon_lat(*measure.frame.forward.transform(x, y))
    area_m2, width_m, _, _ = measure.sizes(shapes[positions])
    return gpd.GeoDataFrame(
        {
            "areas": [(measure.names[i],) for i in positions],
            "area_m2": area_m2,
            "width_m": width_m,
            "lon": np.where(np.isfinite(x), lon, np.nan),
            "lat": np.where(np.isfinite(y), lat, np.nan),
            "key": [defect.key for defect in found],
            "reason_zh": [defect.reason_zh for defect in found],
            "reason_en": [defect.reason_en for defect in found],
        },
        geometry=gpd.GeoSeries(list(raw[positions]), crs=measure.crs, dtype="geometry"),
        crs=measure.crs,
    )
