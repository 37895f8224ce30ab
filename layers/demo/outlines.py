"""From cells to polygons: shared borders drawn once, natural in the country, straight in town.

A border between two areas is a chain of mesh edges. In the country its corners are cut from edge
middle to edge middle and every piece is roughened by midpoint displacement; in town the corners
stay and the pieces hardly bend. Each piece may only move inside the two triangles that it spans
with the sites (or the corner) beside it. Those triangles never overlap, so no two borders can
cross, whatever the noise.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from layers.demo.borders import OUTSIDE
from layers.demo.frame import Floats, Ints
from layers.demo.mesh import Mesh

COUNTRY_ROUGHNESS: Final = 0.16
COUNTY_ROUGHNESS: Final = 0.08
TOWN_ROUGHNESS: Final = 0.008
_SAFE_SHARE: Final = 0.6
_LONG_PIECE_M: Final = 210.0


@dataclass(frozen=True, slots=True)
class Linework:
    """Pieces of border, ready to be polygonised.

    Attributes
    ----------
    lines
        One LineString of several vertices per piece (about half a mesh edge to one mesh edge).
    """

    lines: NDArray[Any]


@dataclass(frozen=True, slots=True)
class _Pieces:
    """Straight pieces with the apexes of the triangles that they may bend into."""

    start: Floats
    end: Floats
    left: Floats
    right: Floats
    roughness: Floats


def draw(mesh: Mesh, grid: Ints, rng: np.random.Generator) -> Linework:
    """Return the borders between different labels of ``grid``."""
    first, second = mesh.edge_cells.T
    border = np.flatnonzero(grid[first] != grid[second])
    pieces = _pieces(mesh, border)
    return Linework(_roughened(pieces, rng))


def polygons(mesh: Mesh, grid: Ints, linework: Linework) -> NDArray[Any]:
    """Return one polygon per label of ``grid``, in the order of labels.

    Raises
    ------
    ValueError
        A label has no face of its own (the labels were not connected).
    """
    count = int(grid.max()) + 1
    faces = shapely.get_parts(shapely.polygonize(linework.lines))
    tree = shapely.STRtree(faces)
    inside = np.flatnonzero(grid != OUTSIDE)
    # Any site of a label lies in its face: bends never reach a site.
    _, sample = np.unique(grid[inside], return_index=True)
    points = shapely.points(mesh.sites[inside[sample]])
    which, face = tree.query(points, predicate="within")
    if len(which) != count or not np.array_equal(np.sort(which), np.arange(count)):
        raise ValueError("an area of the mesh is not one connected face")
    result = np.empty(count, object)
    result[which] = faces[face]
    return result


def _pieces(mesh: Mesh, border: Ints) -> _Pieces:
    ends = mesh.edge_ends[border]
    cells = mesh.edge_cells[border]
    middle = mesh.vertices[ends].mean(axis=1)
    built = np.minimum(mesh.town[cells[:, 0]], mesh.town[cells[:, 1]]) >= 0
    is_county = mesh.county[cells[:, 0]] != mesh.county[cells[:, 1]]
    rough = np.where(
        built, TOWN_ROUGHNESS, np.where(is_county, COUNTY_ROUGHNESS, COUNTRY_ROUGHNESS)
    )

    # Half edges by vertex: where exactly two border edges meet, the border passes through.
    vertex = ends.ravel()
    edge = np.repeat(np.arange(len(border)), 2)
    order = np.argsort(vertex, kind="stable")
    vertex, edge = vertex[order], edge[order]
    starts = np.flatnonzero(np.r_[True, vertex[1:] != vertex[:-1]])
    degree = np.diff(np.r_[starts, len(vertex)])
    passing = starts[degree == 2]
    one, two = edge[passing], edge[passing + 1]
    corner = mesh.vertices[vertex[passing]]
    common = _common_cell(cells[one], cells[two])
    apex = np.where(common[:, None] >= 0, mesh.sites[np.maximum(common, 0)], corner)
    rounded = np.asarray(~(built[one] | built[two]) & (common >= 0))
    cut = rounded & _opposite(middle[one], middle[two], corner, apex)

    # Whole half edges at junctions and at corners that stay.
    keep = np.ones(len(vertex), bool)
    keep[passing[cut]] = keep[passing[cut] + 1] = False
    half = np.flatnonzero(keep)
    tip = mesh.vertices[vertex[half]]
    half_edge = edge[half]
    return _Pieces(
        start=np.vstack([middle[one[cut]], tip]),
        end=np.vstack([middle[two[cut]], middle[half_edge]]),
        left=np.vstack([apex[cut], mesh.sites[cells[half_edge, 0]]]),
        right=np.vstack([corner[cut], mesh.sites[cells[half_edge, 1]]]),
        roughness=np.concatenate([np.minimum(rough[one[cut]], rough[two[cut]]), rough[half_edge]]),
    )


def _common_cell(first: Ints, second: Ints) -> Ints:
    """Return the cell that two edges have in common; -1 where there is none."""
    common = np.full(len(first), -1)
    for k in (0, 1):
        match = (first[:, k] == second[:, 0]) | (first[:, k] == second[:, 1])
        common[match] = first[match, k]
    return common


def _cross(a: Floats, b: Floats) -> Floats:
    product: Floats = a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0]
    return product


def _opposite(start: Floats, end: Floats, one: Floats, other: Floats) -> NDArray[np.bool_]:
    along = end - start
    sides: NDArray[np.bool_] = _cross(along, one - start) * _cross(along, other - start) < 0
    return sides


def _roughened(pieces: _Pieces, rng: np.random.Generator) -> NDArray[Any]:
    """Return each piece as a LineString of 1, 2 or 4 parts, bent by midpoint displacement."""
    # The two apexes are on either side; make `left` really the left one.
    along = pieces.end - pieces.start
    length = np.hypot(along[:, 0], along[:, 1])
    swap = _cross(along, pieces.left - pieces.start) < 0
    left = np.where(swap[:, None], pieces.right, pieces.left)
    right = np.where(swap[:, None], pieces.left, pieces.right)
    unit = along / length[:, None]
    normal = np.column_stack([-unit[:, 1], unit[:, 0]])
    share = np.array([0.25, 0.5, 0.75])
    sigma = pieces.roughness * length
    bend = np.empty((len(length), 3))
    bend[:, 1] = rng.normal(size=len(length)) * sigma
    for k in (0, 2):
        bend[:, k] = bend[:, 1] / 2 + rng.normal(size=len(length)) * sigma * 0.5
    for k, at in enumerate(share):
        up = _height(pieces.start, left, unit=unit, normal=normal, length=length, share=at)
        down = _height(pieces.start, right, unit=unit, normal=normal, length=length, share=at)
        bend[:, k] = np.clip(bend[:, k], -_SAFE_SHARE * down, _SAFE_SHARE * up)
    inner = (
        pieces.start[:, None]
        + share[None, :, None] * along[:, None]
        + bend[:, :, None] * normal[:, None]
    )
    # Short pieces need no four parts; the very short ones stay straight.
    parts = np.where(length > _LONG_PIECE_M, 3, np.where(length > 30.0, 1, 0))
    lines = np.empty(len(length), object)
    for kind, columns in ((3, [0, 1, 2]), (1, [1]), (0, [])):
        mine = parts == kind
        if not mine.any():
            continue
        shape = [pieces.start[mine, None], inner[mine][:, columns], pieces.end[mine, None]]
        lines[mine] = shapely.linestrings(np.concatenate(shape, axis=1))
    return lines


def _height(
    start: Floats, apex: Floats, *, unit: Floats, normal: Floats, length: Floats, share: float
) -> Floats:
    """Return how far one may go at a share of the piece and stay in the triangle with the apex."""
    offset = apex - start
    foot = (offset * unit).sum(axis=1)
    rise = np.abs((offset * normal).sum(axis=1))
    at = share * length
    with np.errstate(divide="ignore", invalid="ignore"):
        # An obtuse corner at an end does not limit the way straight up from the piece.
        rising = np.where(foot > 0, rise / foot * at, np.inf)
        falling = np.where(foot < length, rise / (length - foot) * (length - at), np.inf)
    height: Floats = np.minimum(rising, falling)
    return height
