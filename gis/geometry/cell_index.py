"""Which area covers a point: exact, for one point or for millions.

Every answer equals ``covers`` in exact arithmetic on the geometries as given, boundary points
included, whatever the order in which areas came (rule 4.1 of the design). Where several areas
cover a point (a shared edge or corner, an overlap) the one with the smallest key is taken; callers
that know more, such as how much of an accuracy disc lies on each side, ask
:meth:`CellIndex.covering` for all of them.

How it works: :mod:`gis.geometry.cell_records`. The kernels are compiled by numba when a process
first asks for one, or read from disk where another process has compiled them: a server calls
:func:`warm_up` before it answers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from math import cos, inf, isfinite, pi, radians, sin, sqrt
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import shapely
from pyproj import Geod
from shapely.geometry.base import BaseGeometry

from gis.geometry import cell_file
from gis.geometry.cell_layout import BuildReport, Layout, lay_out
from gis.geometry.exact_cover import rings_cover

_GEOD = Geod(ellps="WGS84")
_ROUND_THE_WORLD_M = 1e8

IntArray = npt.NDArray[np.intp]
FloatArray = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Nearest:
    """An area near a point: position in the index, and metres to its nearest edge."""

    position: int
    distance_m: float


class CellIndex:
    """Exact point -> area index over polygons in lon/lat (EPSG:4326); immutable.

    Attributes
    ----------
    keys
        The areas' codes; ties go to the smallest.
    build_report
        What building took; None for a loaded index.
    """

    def __init__(
        self, layout: Layout, keys: Sequence[str], build_report: BuildReport | None = None
    ) -> None:
        from gis.geometry import (  # noqa: PLC0415 - see compiled.py
            cell_search,
            edge_distance,
            normal_mass,
        )

        self.keys = tuple(keys)
        self.build_report = build_report
        self._layout = layout
        self._given: npt.NDArray[np.object_] | None = None
        self._search = cell_search
        self._nearest_foot = edge_distance.nearest_foot
        self._nearest_feet = edge_distance.nearest_feet
        self._normal_mass = normal_mass
        self._shares: Callable[..., FloatArray] = normal_mass.shares
        self._shares_of_many: Callable[..., Any] = normal_mass.shares_of_many
        self._locate_one = cell_search.locate_one
        self._sole_owner = cell_search.sole_owner
        self._packed = layout.packed
        self._arrays = layout.unpacked()
        self._rank = self._arrays[3]
        self._area_rings = layout.polygons[layout.areas]

    @classmethod
    def build(
        cls, geometries: Sequence[BaseGeometry], keys: Sequence[str] | None = None
    ) -> CellIndex:
        """Build an index over polygons.

        Parameters
        ----------
        geometries
            Valid polygons or multipolygons in lon/lat; none, and empty ones, are allowed.
        keys
            One code each, compared as text; without them the order of ``geometries`` decides ties.

        Raises
        ------
        ValueError
            When keys and geometries differ in number, or something is not a valid polygon.

        Examples
        --------
        >>> index = CellIndex.build([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)], ["b", "a"])
        >>> index.locate([0.5, 1.0, 5.0], [0.5, 0.5, 0.5]).tolist()
        [0, 1, -1]
        """
        array = np.empty(len(geometries), dtype=object)
        array[:] = list(geometries)
        names = [f"{i:012d}" for i in range(len(array))] if keys is None else list(keys)
        if len(names) != len(array):
            message = f"{len(array)} geometries but {len(names)} keys"
            raise ValueError(message)
        layout, report = lay_out(array, names)
        index = cls(layout, names, report)
        index._given = array
        return index

    def save(self, path: Path | str) -> int:
        """Write the index to a file, whole or not at all; return its size in bytes."""
        return cell_file.write(Path(path), self._layout, self.keys)

    @classmethod
    def load(cls, path: Path | str, *, verify: bool = True) -> CellIndex:
        """Map an index from a file: processes that load the same file share its memory.

        Parameters
        ----------
        verify
            Add up the whole file against its checksums (some milliseconds for each 50 MB).
            Without, only its head and its length are checked.

        Raises
        ------
        gis.errors.IndexFileInvalid
            The file is of another version, damaged or cut off.
        OSError
            It cannot be read.
        """
        layout, keys = cell_file.read(Path(path), verify=verify)
        return cls(layout, keys)

    @cached_property
    def geometries(self) -> npt.NDArray[np.object_]:
        """Return the areas, prepared when first asked for; a loaded index makes them then."""
        made = self._layout.geometries() if self._given is None else self._given
        shapely.prepare(made)
        return made

    @cached_property
    def _tree(self) -> shapely.STRtree:
        """Bounding boxes of the areas; an empty area has none."""
        boxes = np.asarray(shapely.box(*self._layout.bounds.T), dtype=object)
        return shapely.STRtree(boxes)

    def __len__(self) -> int:
        """Return how many areas there are."""
        return len(self.keys)

    def locate(self, lon: npt.ArrayLike, lat: npt.ArrayLike) -> IntArray:
        """Return the position of the area that covers each point, -1 for none.

        Boundary points count as covered; ties go to the smallest key. NaN and infinity give -1.
        Releases the interpreter lock: threads scale.
        """
        lons, lats = np.broadcast_arrays(
            np.asarray(lon, dtype=np.float64), np.asarray(lat, dtype=np.float64)
        )
        x, y = _plain(lons), _plain(lats)
        out = np.empty(x.size, dtype=np.intp)
        if self._search.locate_many(*self._arrays, x, y, out):
            for i in np.flatnonzero(out == self._search.TOO_SMALL):
                out[i] = self._exactly(float(x[i]), float(y[i]))[0]
        return out.reshape(lons.shape)

    def locate_one(self, lon: float, lat: float) -> int:
        """Return the position of the area that covers a point, -1 for none; see :meth:`locate`."""
        found = self._locate_one(self._packed, lon + 0.0, lat + 0.0)  # integers become floats
        return found if found >= -1 else self._exactly(lon, lat)[0]

    def covering(self, lon: float, lat: float) -> list[int]:
        """Return the positions of all areas that cover the point, by key."""
        sole = self._sole_owner(self._packed, lon + 0.0, lat + 0.0)
        if sole != self._search.SEVERAL:
            return [sole] if sole >= 0 else []
        found, number = self._search.covering(*self._arrays[:3], float(lon), float(lat))
        if number < 0:
            return [p for p in self._exactly(lon, lat) if p >= 0]
        return sorted(found[:number].tolist(), key=self._rank.__getitem__)

    def _exactly(self, lon: float, lat: float) -> list[int]:
        """Return the positions that cover a point, by key, from integers; [-1] for none."""
        layout = self._layout
        west, south, east, north = layout.bounds.T
        near = (west <= lon) & (lon <= east) & (south <= lat) & (lat <= north)
        found = []
        for position in np.flatnonzero(near).tolist():
            starts = layout.rings[self._area_rings[position] : self._area_rings[position + 1] + 1]
            rings = [layout.coordinates[a:b] for a, b in pairwise(starts.tolist())]
            if rings_cover(rings, lon, lat):
                found.append(position)
        return sorted(found, key=self._rank.__getitem__) or [-1]

    def query_box(self, west: float, south: float, east: float, north: float) -> IntArray:
        """Return the positions of areas whose bounding box meets the box, in index order."""
        return np.sort(self._tree.query(shapely.box(west, south, east, north)))

    def edge_distance_m(self, position: int, lon: float, lat: float) -> float:
        """Return the geodesic distance in metres from a point to the area's nearest edge.

        The nearest edge is found in the local metric frame of the point, its foot point's distance
        is then measured on the ellipsoid: exact to a millimetre within 10 km. Infinite for an
        empty area.
        """
        distance2, foot_lon, foot_lat = self._foot(position, lon, lat, metres_per_degree(lat))
        if distance2 == inf:
            return inf
        _, _, distance = _GEOD.inv(lon, lat, foot_lon, foot_lat)
        return float(distance)

    def edge_distances_m(
        self, positions: npt.ArrayLike, lon: npt.ArrayLike, lat: npt.ArrayLike
    ) -> FloatArray:
        """Return the distance of each point to the nearest edge of its own area, in metres.

        ``positions`` are areas of the index, as :meth:`locate` returns them; -1 gives NaN. As exact
        as :meth:`edge_distance_m`.
        """
        own, lons, lats = np.broadcast_arrays(
            np.asarray(positions, dtype=np.intp),
            np.asarray(lon, dtype=np.float64),
            np.asarray(lat, dtype=np.float64),
        )
        if own.size and (own.max() >= len(self) or own.min() < -1):
            raise ValueError("a position is not in the index")
        x, y = _plain(lons), _plain(lats)
        kx, ky = _metres_per_degree(y)
        foot_x, foot_y = np.empty(x.size), np.empty(x.size)
        layout = self._layout
        self._nearest_feet(
            layout.coordinates, layout.rings, self._area_rings,
            np.ascontiguousarray(own).ravel(), x, y, kx, ky, foot_x, foot_y,
        )  # fmt: skip
        known = np.isfinite(foot_x)
        distance = np.full(x.size, np.nan)
        _, _, distance[known] = _GEOD.inv(x[known], y[known], foot_x[known], foot_y[known])
        return distance.reshape(own.shape)

    def normal_shares(self, lon: float, lat: float, sigma_m: float = 0.0) -> FloatArray:
        """Return what an isotropic normal about a finite pin weighs over the areas near it.

        Row 0 of the result is (candidates, share outside of all, metres to the nearest edge or
        not-a-number beyond 6 sigmas, areas that cover the pin); the other rows are the candidates,
        by share, then by key: position, share, metres outside of it, 1 where it covers the pin.
        Without sigma the covering areas share the plain point equally. Where areas overlap, the
        overlap counts for each, and shares that exceed 1 together are scaled down.
        """
        rows: FloatArray = self._shares(*self._around, lon + 0.0, lat + 0.0, sigma_m + 0.0)
        if rows[0, 0] == self._normal_mass.UNDECIDED:
            return self.normal_shares(_away_from_zero(lon), _away_from_zero(lat), sigma_m)
        return rows

    def normal_shares_of_many(
        self, lon: npt.ArrayLike, lat: npt.ArrayLike, sigma_m: npt.ArrayLike
    ) -> tuple[FloatArray, npt.NDArray[np.int64]]:
        """Return the rows of :meth:`normal_shares` of many finite pins, and where each begins.

        Releases the interpreter lock: threads scale.
        """
        lons, lats, sigmas = np.broadcast_arrays(
            *(np.asarray(values, dtype=np.float64) for values in (lon, lat, sigma_m))
        )
        x, y = (np.where(np.abs(v) < 1e-100, 0.0, v).ravel() for v in (lons, lats))
        found: tuple[FloatArray, npt.NDArray[np.int64]]
        found = self._shares_of_many(*self._around, x, y, _plain(sigmas))
        return found

    @cached_property
    def _around(self) -> Any:  # noqa: ANN401 - the first arguments of those kernels
        """What the kernels of :meth:`normal_shares` read."""
        layout = self._layout
        blocks = self._normal_mass.lay_blocks(layout.coordinates, layout.rings, self._area_rings)
        buckets = self._normal_mass.lay_buckets(layout.bounds)
        return self._packed, layout.coordinates, *blocks, layout.bounds, buckets

    def nearest(self, lon: float, lat: float) -> Nearest | None:
        """Return the area whose edge is nearest to a point outside of all, None when empty.

        Ties go to the smallest key. The candidates come from a box that grows until the nearest
        one surely lies in it. A point that is not finite has none.
        """
        if not len(self._layout.coordinates) or not (isfinite(lon) and isfinite(lat)):
            return None
        kx, ky = scale = metres_per_degree(lat)
        rank = self._rank
        reach_m = 200.0
        while True:
            dx, dy = reach_m / kx, reach_m / ky
            found = self.query_box(lon - dx, lat - dy, lon + dx, lat + dy)
            last = reach_m > _ROUND_THE_WORLD_M
            if last:
                found = np.arange(len(self))
            best = min(
                ((*self._foot(p, lon, lat, scale), rank[p], p) for p in found.tolist()),
                key=lambda one: (one[0], one[3]),
                default=None,
            )
            if best is not None and (last or best[0] <= reach_m * reach_m):
                _, _, distance = _GEOD.inv(lon, lat, best[1], best[2])
                return Nearest(best[4], float(distance))
            reach_m *= 4.0

    def _foot(
        self, position: int, lon: float, lat: float, scale: tuple[float, float]
    ) -> tuple[float, float, float]:
        layout = self._layout
        at = (float(lon), float(lat))
        return self._nearest_foot(
            layout.coordinates, layout.rings, self._area_rings, position, at, scale
        )


def warm_up() -> None:
    """Compile every kernel, or read it from disk, so that no request waits for that."""
    index = CellIndex.build([shapely.box(0, 0, 1, 1), shapely.box(1, 0, 2, 1)])
    index.locate([0.5, 1.0], [0.5, 0.5])
    index.locate_one(0.5, 0.5)
    index.covering(1.0, 0.5)
    index.edge_distance_m(0, 0.5, 0.5)
    index.edge_distances_m([0], [0.5], [0.5])
    index.normal_shares(0.5, 0.5, 1.0)
    index.normal_shares_of_many([0.5], [0.5], [1.0])


def metres_per_degree(lat: float) -> tuple[float, float]:
    """Return the metres of one degree of longitude and of latitude on WGS84 at a latitude.

    From the radii of curvature in the prime vertical and in the meridian (Snyder, Map Projections:
    A Working Manual, 1987, eq. 4-18 to 4-20). At the poles a degree of longitude counts 1 mm, so
    that callers may divide by it.

    >>> [round(v) for v in metres_per_degree(32.3)]
    [94184, 110892]
    """
    sine2 = sin(radians(lat)) ** 2
    prime = _AXIS / sqrt(1.0 - _E2 * sine2)
    meridian = _AXIS * (1.0 - _E2) / (1.0 - _E2 * sine2) ** 1.5
    degree = pi / 180.0
    return max(prime * cos(radians(lat)) * degree, 1e-3), meridian * degree


_AXIS = 6378137.0
_E2 = 0.0066943799901413165


def _metres_per_degree(lat: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return what :func:`metres_per_degree` returns, for many latitudes."""
    with np.errstate(invalid="ignore"):  # infinite latitudes give not-a-number
        turned = np.radians(lat)
        sine2 = np.sin(turned) ** 2
        east = _AXIS / np.sqrt(1.0 - _E2 * sine2) * np.cos(turned)
        north = _AXIS * (1.0 - _E2) / (1.0 - _E2 * sine2) ** 1.5
    degree = np.pi / 180.0
    return np.maximum(east * degree, 1e-3), north * degree


def _away_from_zero(value: float) -> float:
    """Return 0 for what is not 0 and too near to it for the kernels (below 1e-100 degrees)."""
    return 0.0 if abs(value) < 1e-100 else value


def _plain(values: FloatArray) -> FloatArray:
    return np.ascontiguousarray(values).reshape(-1)
