"""Repair of a whole hierarchy of areas: the finest tile the ground, all others follow from them.

The areas without children, at whatever level, are one tiling; they are repaired together
(:mod:`gis.geometry.repair`). Every area above becomes the exact union of its children, so that no
level can disagree with another one.

Ground of a parent that none of them covers and that is wider than the limit is a question for a
person. It takes part as an area of its own (``PARENT#gap1``), so that edges along it are matched,
and stays with its parent: rebuilding does not take away what nobody has drawn yet.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import shapely

from gis.geometry.findings import MAX_WIDTH_M, NOISE_M2, Measure
from gis.geometry.frames import LON_LAT, EqualAreaFrame, Geometries
from gis.geometry.near_vertices import without_near_vertices
from gis.geometry.partition import enclosed
from gis.geometry.repair import SQUARE_METRES, joined_exactly, repair
from gis.geometry.validity import mended

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from shapely.geometry.base import BaseGeometry

SAME: Final = 1e-9
"""Rings whose vertices differ by less (in the unit of the frame) are the same."""


@dataclass(frozen=True, slots=True)
class HierarchyRepair:
    """What a repair would make of all levels.

    ``changed`` holds code and new geometry of each area that differs. ``moved`` and ``changes`` are
    those of :class:`gis.geometry.repair.RepairProposal`, ``changes`` with the rebuilt parents too
    (reason ``rebuilt``).
    """

    changed: gpd.GeoDataFrame
    moved: gpd.GeoDataFrame
    changes: gpd.GeoDataFrame


def repair_hierarchy(
    areas: gpd.GeoDataFrame,
    *,
    parent: str,
    code: str = "code",
    max_width_m: float = MAX_WIDTH_M,
    within: BaseGeometry | None = None,
) -> HierarchyRepair:
    """Propose areas of all levels that tile each other, by what the finest ones draw.

    Parameters
    ----------
    areas
        All levels in one frame, each code once. An area whose ``parent`` is not among them is a
        root.
    max_width_m
        See :func:`gis.geometry.repair.repair`.
    within
        The ground of all of them; by default that of the roots, with the narrow gaps between them.
        Without any level above, it is what they enclose.

    Examples
    --------
    >>> left, right = shapely.box(0, 0, 1.01e-3, 1e-3), shapely.box(1e-3, 0, 2e-3, 1e-3)
    >>> frame = gpd.GeoDataFrame({"code": ["up", "a", "b"], "parent": [None, "up", "up"]},
    ...     geometry=[shapely.box(0, 0, 2e-3, 1.01e-3), left, right], crs=4326)
    >>> proposal = repair_hierarchy(frame, parent="parent")
    >>> sorted(proposal.changed["code"])
    ['a', 'b', 'up']
    >>> proposal.moved[["kind", "given_to"]].values.tolist()
    [['gap', 'a'], ['overlap', 'a']]
    """
    rows = gpd.GeoDataFrame(
        {"code": [str(name) for name in areas[code]], "up": list(areas[parent])},
        geometry=gpd.GeoSeries(list(areas.geometry), crs=areas.crs or LON_LAT),
    )
    shapes = dict(zip(rows["code"], mended(np.array(rows.geometry, dtype=object)), strict=True))
    tree = _Tree.of(rows["code"].tolist(), rows["up"].tolist())
    crs = rows.crs or LON_LAT
    whole = np.array(list(shapes.values()), dtype=object)
    measure = Measure(EqualAreaFrame.around(whole, crs), crs, [], (max_width_m,))
    bare = _wide_gaps(measure, shapes, tree, max_width_m)
    outline = _ground(measure, shapes, tree, max_width_m) if within is None else within
    leaves = rows[rows["code"].isin(tree.leaves)]
    fillers = gpd.GeoDataFrame(
        {"code": list(bare), "up": [name.partition("#")[0] for name in bare]},
        geometry=gpd.GeoSeries(list(bare.values()), crs=crs, dtype="geometry"),
    )
    parts = [leaves, fillers] if bare else [leaves]
    tiles = gpd.GeoDataFrame(pd.concat(parts, ignore_index=True), crs=crs)
    found = repair(tiles, max_width_m=max_width_m, within=outline, recheck=False)
    made = dict(zip(tiles["code"], found.repaired.geometry, strict=True))
    _rebuild(made, tree, tiles)
    given = dict(zip(rows["code"], rows.geometry, strict=True))
    differing = [name for name in given if name in made and _differs(given[name], made[name])]
    above = [name for name in differing if name not in tree.leaves]
    changes = found.changes[found.changes["code"].isin(set(differing))]
    return HierarchyRepair(
        changed=gpd.GeoDataFrame(
            {"code": differing},
            geometry=gpd.GeoSeries([made[n] for n in differing], crs=crs, dtype="geometry"),
        ),
        moved=_with_parents(found.moved, bare),
        changes=_with_rebuilt(measure, changes, above, shapes, made),
    )


@dataclass(frozen=True, slots=True)
class _Tree:
    """Children by parent, the areas without any, and the others from the deepest up."""

    children: Mapping[str, Sequence[str]]
    leaves: frozenset[str]
    upwards: Sequence[str]
    roots: Sequence[str]

    @classmethod
    def of(cls, codes: Sequence[str], parents: Sequence[str | None]) -> _Tree:
        known = set(codes)
        up = {
            name: above if above in known else None
            for name, above in zip(codes, parents, strict=True)
        }
        children: dict[str, list[str]] = defaultdict(list)
        for name, above in up.items():
            if above is not None:
                children[above].append(name)
        depth: dict[str, int] = {}
        for name in codes:
            path = [name]
            while (above := up[path[-1]]) is not None and above not in path:
                path.append(above)
            depth[name] = len(path)
        return cls(
            children,
            frozenset(known - set(children)),
            sorted(children, key=lambda name: (-depth[name], name)),
            [name for name in codes if up[name] is None],
        )


def _ground(
    measure: Measure, shapes: Mapping[str, BaseGeometry], tree: _Tree, max_width_m: float
) -> BaseGeometry | None:
    """Return the ground that the leaves ought to tile; None where no area is above another."""
    if not tree.children:
        return None
    whole = shapely.union_all([shapes[root] for root in tree.roots])
    gaps = enclosed(whole)
    narrow = gaps[measure.sizes(gaps)[1] <= max_width_m]
    ground = np.array([shapely.union_all([whole, *narrow])], dtype=object)
    return without_near_vertices(measure, ground)[0][0]  # type: ignore[no-any-return]


def _wide_gaps(
    measure: Measure, shapes: Mapping[str, BaseGeometry], tree: _Tree, max_width_m: float
) -> dict[str, BaseGeometry]:
    """Return the wide ground of each parent that no leaf covers, by ``PARENT#gapN``."""
    found: dict[str, BaseGeometry] = {}
    names = sorted(tree.leaves)
    covers = np.array([shapes[name] for name in names], dtype=object)
    index = shapely.STRtree(covers)
    for name in tree.upwards:
        own = np.array([shapes[child] for child in tree.children[name]], dtype=object)
        rest = shapely.difference(shapes[name], shapely.union_all(own))
        if rest.is_empty:
            continue
        near = covers[index.query(rest, predicate="intersects")]
        rest = shapely.difference(rest, shapely.union_all([*near, *found.values()]))
        pieces: Geometries = np.asarray(shapely.get_parts(rest), dtype=object)
        pieces = pieces[shapely.area(pieces) > 0.0]
        if not len(pieces):
            continue
        area_m2, width_m, _, _ = measure.sizes(pieces)
        wide = pieces[(width_m > max_width_m) & (area_m2 > NOISE_M2)]
        found |= {f"{name}#gap{number}": piece for number, piece in enumerate(wide, start=1)}
    return found


def _with_parents(moved: gpd.GeoDataFrame, bare: Mapping[str, BaseGeometry]) -> gpd.GeoDataFrame:
    """Name the parent where ground is its own, instead of the gap in it."""
    owner = {name: name.rpartition("#gap")[0] for name in bare}
    named = moved.copy()
    named["areas"] = moved["areas"].map(
        lambda names: tuple(dict.fromkeys(owner.get(name, name) for name in names))
    )
    named["given_to"] = moved["given_to"].map(lambda name: owner.get(name, name))
    return named


def _rebuild(made: dict[str, BaseGeometry], tree: _Tree, tiles: gpd.GeoDataFrame) -> None:
    """Put the exact union of its children, and of what nobody covers in it, for each parent."""
    extra: dict[str, list[str]] = defaultdict(list)
    for name, above in zip(tiles["code"], tiles["up"], strict=True):
        if "#gap" in name:
            extra[above].append(name)
    for name in tree.upwards:
        members = [*tree.children[name], *extra[name]]
        there = [made[member] for member in members if not made[member].is_empty]
        made[name] = joined_exactly(np.array(there, dtype=object))


def _differs(before: BaseGeometry | None, after: BaseGeometry) -> bool:
    if before is None:
        return not after.is_empty
    one, other = (shapely.normalize(_multi(shape)) for shape in (before, after))
    return not shapely.equals_exact(one, other, SAME)


def _multi(shape: BaseGeometry) -> BaseGeometry:
    return shapely.MultiPolygon([shape]) if isinstance(shape, shapely.Polygon) else shape


def _with_rebuilt(
    measure: Measure,
    changes: gpd.GeoDataFrame,
    above: Sequence[str],
    before: Mapping[str, BaseGeometry],
    after: Mapping[str, BaseGeometry],
) -> gpd.GeoDataFrame:
    first = measure.area_m2(np.array([before[name] for name in above], dtype=object))
    last = measure.area_m2(np.array([after[name] for name in above], dtype=object))
    rebuilt = gpd.GeoDataFrame(
        {
            "code": list(above),
            "reasons": [("rebuilt",)] * len(above),
            "before_m2": first,
            "after_m2": last,
            "change_m2": np.where(np.abs(last - first) > NOISE_M2, last - first, 0.0),
            **dict.fromkeys(SQUARE_METRES[1:], 0.0),
        },
        geometry=gpd.GeoSeries([after[n] for n in above], crs=measure.crs, dtype="geometry"),
        crs=measure.crs,
    )
    filled = [one for one in (changes, rebuilt) if not one.empty] or [rebuilt]
    return gpd.GeoDataFrame(pd.concat(filled, ignore_index=True), crs=measure.crs)
