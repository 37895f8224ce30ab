"""Repair of a tiling: a proposal with every change listed; nothing is applied by itself.

All boundaries are cut where they meet, which gives faces: pieces of ground that no boundary
crosses. Every face has the areas that cover it, and only these lists of owners are changed:

* An overlap (a connected piece that two areas share) up to ``max_width_m`` wide goes to one of
  them, a gap up to that width to one of the areas around it: to the one with the longest shared
  edge; equal lengths (to 1 micrometre): to the smaller code. What is wider stays as it is.
* An area is never given away whole.
* Invalid rings are mended first (:func:`gis.geometry.validity.mended`); repeated vertices go, and
  of vertices within a centimetre of each other one stays (:mod:`gis.geometry.near_vertices`).

Areas are then put together from their faces again, so neighbours have the same vertices along a
shared edge, bit by bit. Other vertices stay where they are, cuts add some; what the cuts put beside
a vertex is merged and cut again. Areas that nothing is wrong with, nor with a neighbour, come back
untouched.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis.geometry.faces import Faces
from gis.geometry.findings import MAX_WIDTH_M, NOISE_M2, Measure
from gis.geometry.frames import LON_LAT, EqualAreaFrame, Geometries
from gis.geometry.near_vertices import without_near_vertices
from gis.geometry.partition import PartitionReport, check, outline_of
from gis.geometry.validity import mended

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from gis.geometry.gcj02 import Floats

SQUARE_METRES: Final = ("change_m2", "filled_m2", "settled_m2", "merged_m2")
"""How an area changes, and by what: the first is the second less the third plus the last."""

_PASSES: Final = 5
"""Cutting may put vertices beside others, merging them may part edges: so often at most."""


@dataclass(frozen=True, slots=True)
class RepairProposal:
    """What a repair would make of a layer.

    ``repaired`` is the layer with all its columns and rows in their order. ``moved`` lists each
    piece of ground that changes hands: ``kind`` (gap, overlap), ``areas`` (concerned),
    ``given_to``, ``area_m2 width_m lon lat``. ``changes`` lists each changed area: ``code``,
    ``reasons`` (invalid, gap, overlap, near-vertex, edge), ``before_m2 after_m2 change_m2``, which
    is ``filled_m2 - settled_m2 + merged_m2`` but for rounding: ground from gaps, ground of overlaps
    given to others, and what merging near vertices moves (in sum over all areas: at the rim).
    """

    repaired: gpd.GeoDataFrame
    moved: gpd.GeoDataFrame
    changes: gpd.GeoDataFrame
    rechecked: PartitionReport | None

    @property
    def left(self) -> PartitionReport:
        """Return the check of the repaired layer: what remains for a person."""
        if self.rechecked is None:
            message = "the repaired layer was not checked"
            raise ValueError(message)
        return self.rechecked

    @property
    def is_empty(self) -> bool:
        """True when nothing would change."""
        return self.changes.empty


def repair(
    grids: gpd.GeoDataFrame,
    *,
    max_width_m: float = MAX_WIDTH_M,
    within: gpd.GeoDataFrame | BaseGeometry | None = None,
    code: str = "code",
    recheck: bool = True,
) -> RepairProposal:
    """Propose a layer without narrow gaps and overlaps, invalid rings and unmatched edges.

    Parameters
    ----------
    grids
        As for :func:`gis.geometry.partition.check`. Rows without any area stay as they are.
    max_width_m
        The largest width (diameter of the largest circle inside) that is repaired.
    within
        As for ``check``: narrow gaps along its rim are filled too.
    code
        Column of codes; the index where it is missing. Codes must be unique.
    recheck
        Check the repaired layer; without it there is no ``left``.

    Examples
    --------
    >>> boxes = [shapely.box(0, 0, 1.00001e-3, 1e-3), shapely.box(1e-3, 0, 2e-3, 1e-3)]
    >>> frame = gpd.GeoDataFrame({"code": ["a", "b"]}, geometry=boxes, crs=4326)
    >>> proposal = repair(frame)
    >>> proposal.moved[["kind", "areas", "given_to"]].values.tolist()
    [['overlap', ('a', 'b'), 'a']]
    >>> proposal.left.is_partition
    True

    Raises
    ------
    ValueError
        A code occurs twice, or the width is not positive.
    """
    raw = np.array(grids.geometry.array, dtype=object)
    names = [str(name) for name in (grids[code] if code in grids.columns else grids.index)]
    if len(set(names)) != len(names) or not max_width_m > 0:
        message = "codes must be unique and the width positive"
        raise ValueError(message)
    crs = grids.crs or LON_LAT
    outline = outline_of(within)
    extent = np.append(raw, np.array([outline], dtype=object))
    measure = Measure(EqualAreaFrame.around(extent, crs), crs, names, (max_width_m,))
    shapes = mended(raw)
    there = ~shapely.is_empty(shapes)
    filled_m2, settled_m2, merged_m2 = np.zeros((3, len(raw)))
    balance = _Balance(filled_m2, settled_m2, merged_m2, np.zeros(len(raw), dtype=bool))
    moved = []
    for step in range(_PASSES):
        unmerged = shapes
        shapes, changed = without_near_vertices(measure, shapes, outline)
        balance.merged[changed] = True
        balance.merged_m2[changed] += measure.area_m2(shapes[changed])
        balance.merged_m2[changed] -= measure.area_m2(unmerged[changed])
        if step and not changed.any():
            break
        faces = Faces.cut(measure, shapes, _affected(shapes, there), outline)
        overlaps, gaps = faces.settle_overlaps(max_width_m), faces.settle_gaps(max_width_m)
        got_m2, lost_m2 = faces.balance(gaps, overlaps)
        balance.filled_m2 += got_m2
        balance.settled_m2 += lost_m2
        moved.append(faces.moved(overlaps, gaps))
        shapes = _put_together(faces, shapes)
    after = raw.copy()
    for i in np.flatnonzero(there):
        if not _is_same(shapes[i], raw[i]):
            after[i] = shapes[i]
    repaired = grids.set_geometry(gpd.GeoSeries(list(after), index=grids.index, crs=grids.crs))
    ground = _one_list(moved)
    return RepairProposal(
        repaired=repaired,
        moved=ground,
        changes=_changes(measure, raw, after, ground, balance),
        rechecked=check(repaired, within, code=code, max_width_m=max_width_m) if recheck else None,
    )


@dataclass(slots=True)
class _Balance:
    """What each area of a layer gets and gives, in square metres; ``merged``: lost vertices."""

    filled_m2: Floats
    settled_m2: Floats
    merged_m2: Floats
    merged: NDArray[np.bool_]


def _put_together(faces: Faces, shapes: Geometries) -> Geometries:
    """Return the areas of a layer as their faces make them; those that stay the same, untouched."""
    made = shapes.copy()
    for i, shape in faces.areas().items():
        if not _is_same(shape, shapes[i]):
            made[i] = shape
    return made


def _is_same(one: BaseGeometry, other: BaseGeometry | None) -> bool:
    """Tell whether two areas have the same rings, wherever these start."""
    if other is None:
        return False
    return bool(shapely.equals_exact(shapely.normalize(one), shapely.normalize(other), 0.0))


def _one_list(moved: list[gpd.GeoDataFrame]) -> gpd.GeoDataFrame:
    whole = pd.concat([one for one in moved if not one.empty] or moved[:1], ignore_index=True)
    order = whole.sort_values(["area_m2", "areas"], ascending=[False, True]).index
    return gpd.GeoDataFrame(whole.loc[order].reset_index(drop=True), crs=moved[0].crs)


def rebuilt(
    children: gpd.GeoDataFrame, parents: gpd.GeoDataFrame, *, parent: str, code: str = "code"
) -> gpd.GeoDataFrame:
    """Return the parents, each with the exact union of its children as its geometry.

    Children of a clean tiling are joined by dropping shared edges, so no vertex moves; others by an
    overlay. A parent without children keeps its geometry.

    >>> boxes = [shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)]
    >>> grids = gpd.GeoDataFrame({"code": ["a1", "a2"], "up": "a"}, geometry=boxes, crs=4326)
    >>> above = gpd.GeoDataFrame({"code": ["a"]}, geometry=[shapely.box(0, 0, 1, 1)], crs=4326)
    >>> rebuilt(grids, above, parent="up").geometry[0].bounds
    (0.0, 0.0, 2.0, 1.0)
    """
    shapes = mended(np.array(children.geometry.array, dtype=object))
    members = children.reset_index(drop=True).groupby(parent).indices
    made = np.array(parents.geometry.array, dtype=object)
    for i, name in enumerate(parents[code]):
        if name in members:
            made[i] = joined_exactly(shapes[members[name]])
    return parents.set_geometry(gpd.GeoSeries(list(made), index=parents.index, crs=parents.crs))


def joined_exactly(shapes: Geometries) -> BaseGeometry:
    """Return the union of areas; of a clean tiling by dropping shared edges: no vertex moves."""
    whole: BaseGeometry = (
        shapely.coverage_union_all(shapes)
        if shapely.coverage_is_valid(shapes)
        else shapely.union_all(shapes)
    )
    parts = shapely.get_parts(whole)
    return parts[0] if len(parts) == 1 else whole


def _affected(shapes: Geometries, there: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Mark the areas that may change: with an edge that does not match, or around a gap.

    And their neighbours, which may get vertices where the others end.
    """
    loose = np.asarray(shapely.coverage_invalid_edges(shapes), dtype=object)
    marked = there & ~(shapely.is_empty(loose) | shapely.is_missing(loose))
    matching = shapely.coverage_union_all(shapes[there & ~marked])
    rims = np.asarray(shapely.get_rings(shapely.get_parts(matching)), dtype=object)
    tree = shapely.STRtree(shapes)
    marked[np.unique(tree.query(rims, predicate="intersects")[1])] = True
    marked[np.unique(tree.query(shapes[marked], predicate="intersects")[1])] = True
    return np.asarray(marked & there, dtype=np.bool_)


def _changes(
    measure: Measure,
    before: Geometries,
    after: Geometries,
    moved: gpd.GeoDataFrame,
    balance: _Balance,
) -> gpd.GeoDataFrame:
    """Return one row per area that differs, with its areas in square metres.

    An invalid polygon has no area of its own; before the change its mended shape counts.
    """
    differs = np.array(
        [
            (a is None) != (b is None) or (a is not None and not shapely.equals_identical(a, b))
            for a, b in zip(before, after, strict=True)
        ],
        dtype=bool,
    )
    at = np.flatnonzero(differs)
    first, last = measure.area_m2(mended(before[at])), measure.area_m2(after[at])
    with np.errstate(invalid="ignore"):
        sound = shapely.is_valid(before[at])
    reasons: dict[str, set[str]] = {}
    for kind, areas in zip(moved["kind"], moved["areas"], strict=True):
        for name in areas:
            reasons.setdefault(name, set()).add(kind)
    for i in np.flatnonzero(balance.merged):
        reasons.setdefault(measure.names[i], set()).add("near-vertex")
    return gpd.GeoDataFrame(
        {
            "code": [measure.names[i] for i in at],
            "reasons": [
                _reasons(reasons, measure.names[i], sound=bool(fine))
                for i, fine in zip(at, sound, strict=True)
            ],
            "before_m2": first,
            "after_m2": last,
            "change_m2": np.where(np.abs(last - first) > NOISE_M2, last - first, 0.0),
            "filled_m2": balance.filled_m2[at],
            "settled_m2": balance.settled_m2[at],
            "merged_m2": balance.merged_m2[at],
        },
        geometry=gpd.GeoSeries(list(after[at]), crs=measure.crs, dtype="geometry"),
        crs=measure.crs,
    )


def _reasons(moved: Mapping[str, set[str]], name: str, *, sound: bool) -> tuple[str, ...]:
    found = sorted(moved.get(name, set()))
    return (*(() if sound else ("invalid",)), *found) or ("edge",)
