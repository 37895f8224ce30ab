"""Faces: the pieces that all boundaries of a layer cut the ground into, and who owns each."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import shapely

from gis.geometry.findings import NOISE_M2, Measure

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray
    from shapely.geometry.base import BaseGeometry

    from gis.geometry.frames import Geometries
    from gis.geometry.gcj02 import Floats


@dataclass(frozen=True, slots=True)
class Handover:
    """A piece of ground that changes hands: its faces, the areas concerned, who gets it."""

    kind: str
    faces: tuple[int, ...]
    areas: tuple[int, ...]
    given_to: int


@dataclass(slots=True)
class Faces:
    """The faces of some areas of a layer, their owners (positions in the layer) and neighbours.

    ``beside`` holds, for each face that is in question, the metres of edge it shares with each
    other face. ``inside`` marks the faces that areas ought to cover.
    """

    measure: Measure
    shapes: Geometries
    owners: list[set[int]]
    area_m2: Floats
    inside: NDArray[np.bool_]
    chosen: NDArray[np.intp]
    held_m2: dict[int, float]
    beside: dict[int, dict[int, float]] = field(default_factory=dict)

    @classmethod
    def cut(
        cls,
        measure: Measure,
        shapes: Geometries,
        marked: NDArray[np.bool_],
        outline: BaseGeometry | None,
    ) -> Faces:
        """Cut the marked areas of a layer (and the outline of what they should cover) into faces.

        Ownership is asked of the whole layer: an unmarked area may lie in a hole of marked ones.
        """
        chosen = np.flatnonzero(marked)
        lines = list(shapely.boundary(shapes[chosen]))
        if outline is not None:
            lines.append(shapely.boundary(outline))
        noded: Geometries = shapely.get_parts(shapely.unary_union(lines))
        faces = np.asarray(shapely.get_parts(shapely.polygonize(noded)), dtype=object)
        within = np.asarray(shapely.point_on_surface(faces), dtype=object)
        face, area = shapely.STRtree(shapes).query(within, predicate="within")
        owners: list[set[int]] = [set() for _ in faces]
        for i, j in zip(face.tolist(), area.tolist(), strict=True):
            owners[i].add(j)
        area_m2 = measure.area_m2(faces)
        held: dict[int, float] = defaultdict(float)
        for i, found in enumerate(owners):
            for j in found:
                held[j] += area_m2[i]
        inside = np.ones(len(faces), dtype=bool)
        if outline is not None and len(faces):
            shapely.prepare(outline)
            inside = np.asarray(shapely.intersects(outline, within))
        made = cls(measure, faces, owners, area_m2, inside, chosen, held)
        made._find_neighbours([i for i, found in enumerate(owners) if len(found) != 1])
        return made

    def _find_neighbours(self, asked: list[int]) -> None:
        """Measure the edges that the faces in question share with others, in metres."""
        near = np.unique(
            shapely.STRtree(self.shapes).query(self.shapes[asked], predicate="intersects")[1]
        )
        rings, at = shapely.get_rings(self.shapes[near], return_index=True)
        xy, ring = shapely.get_coordinates(rings, return_index=True)
        starts = np.flatnonzero(ring[1:] == ring[:-1])
        _, number = np.unique(xy, axis=0, return_inverse=True)
        metric = np.column_stack(self.measure.frame.forward.transform(xy[:, 0], xy[:, 1]))
        length = np.hypot(*(metric[starts + 1] - metric[starts]).T)
        owner = near[at[ring[starts]]]
        ends = np.sort(np.column_stack([number[starts], number[starts + 1]]), axis=1)
        order = np.lexsort((ends[:, 1], ends[:, 0]))
        ends, owner, length = ends[order], owner[order], length[order]
        twice = np.flatnonzero((ends[1:] == ends[:-1]).all(axis=1))  # a face on either side
        self.beside = {i: defaultdict(float) for i in asked}
        for k in twice.tolist():
            one, other = int(owner[k]), int(owner[k + 1])
            for i, j in ((one, other), (other, one)):
                if i in self.beside:
                    self.beside[i][j] += float(length[k])

    def settle_overlaps(self, max_width_m: float) -> list[Handover]:
        """Give each narrow overlap to one owner; repeat while that leaves others narrow."""
        settled: list[Handover] = []
        while True:
            found = self._settle_once(max_width_m)
            settled += found
            if not found:
                return settled

    def _settle_once(self, max_width_m: float) -> list[Handover]:
        settled = []
        for pair, piece in self._narrow_overlaps(max_width_m):
            still = [i for i in piece if self.owners[i] >= set(pair)]
            if not still:
                continue
            keeper = self._keeper(pair, still)
            loser = pair[1] if keeper == pair[0] else pair[0]
            given = float(self.area_m2[still].sum())
            if self.held_m2[loser] - given <= NOISE_M2:
                keeper, loser = loser, keeper
            if self.held_m2[loser] - given <= NOISE_M2:
                continue  # two areas in one place: nobody can tell which should be
            for i in still:
                self.owners[i].discard(loser)
            self.held_m2[loser] -= given
            settled.append(Handover("overlap", tuple(still), pair, keeper))
        return settled

    def _narrow_overlaps(self, max_width_m: float) -> list[tuple[tuple[int, int], list[int]]]:
        """Return the narrow connected pieces that two areas share, by pair in order of codes."""
        shared: dict[tuple[int, int], list[int]] = defaultdict(list)
        for i, found in enumerate(self.owners):
            ordered = sorted(found, key=self.measure.names.__getitem__)
            for k, one in enumerate(ordered):
                for other in ordered[k + 1 :]:
                    shared[one, other].append(i)
        pieces = [
            (pair, piece)
            for pair in sorted(shared, key=lambda p: [self.measure.names[k] for k in p])
            for piece in self._connected(shared[pair])
        ]
        wide = self._widths([piece for _, piece in pieces]) > max_width_m
        return [one for one, too_wide in zip(pieces, wide, strict=True) if not too_wide]

    def _connected(self, members: list[int]) -> list[list[int]]:
        """Split faces into groups that hang together by edges."""
        left = set(members)
        groups = []
        for first in members:
            if first not in left:
                continue
            left.discard(first)
            group, reached = [], [first]
            while reached:
                i = reached.pop()
                group.append(i)
                following = sorted(j for j in self.beside.get(i, {}) if j in left)
                left.difference_update(following)
                reached += following
            groups.append(sorted(group))
        return groups

    def _widths(self, pieces: list[list[int]]) -> Floats:
        joined = np.array([self._joined(piece) for piece in pieces], dtype=object)
        return self.measure.sizes(joined)[1]

    def _joined(self, piece: Iterable[int]) -> BaseGeometry:
        members = list(piece)
        if len(members) == 1:
            one: BaseGeometry = self.shapes[members[0]]
            return one
        whole = shapely.coverage_union_all(self.shapes[members])
        parts = shapely.get_parts(whole)
        whole = parts[0] if len(parts) == 1 else whole
        return whole if whole.is_valid else shapely.union_all(self.shapes[members])

    def _shared_m(self, piece: list[int]) -> dict[int, float]:
        """Return the metres of edge between a piece and the rest of each area around it."""
        metres: dict[int, float] = defaultdict(float)
        members = set(piece)
        for i in piece:
            for j, length in self.beside[i].items():
                if j not in members:
                    for owner in self.owners[j]:
                        metres[owner] += length
        return metres

    def _keeper(self, among: Iterable[int], piece: list[int]) -> int:
        metres = self._shared_m(piece)
        return min(among, key=lambda k: (-round(metres.get(k, 0.0), 6), self.measure.names[k]))

    def settle_gaps(self, max_width_m: float) -> list[Handover]:
        """Give each narrow gap to an area around it."""
        bare = [i for i, found in enumerate(self.owners) if not found and self.inside[i]]
        pieces = self._connected(bare)
        wide = self._widths(pieces) > max_width_m
        settled = []
        allowed = set(self.chosen.tolist())
        for piece, too_wide in zip(pieces, wide, strict=True):
            around = sorted(set(self._shared_m(piece)) & allowed)
            if too_wide or not around:
                continue
            keeper = self._keeper(around, piece)
            settled.append(Handover("gap", tuple(piece), tuple(around), keeper))
        # Settled at once: a gap does not grow by what its neighbours were given.
        for handover in settled:
            for i in handover.faces:
                self.owners[i].add(handover.given_to)
        return settled

    def areas(self) -> dict[int, BaseGeometry]:
        """Return the chosen areas, put together from the faces that they own."""
        members: dict[int, list[int]] = defaultdict(list)
        for i, found in enumerate(self.owners):
            for k in found:
                members[k].append(i)
        return {k: self._joined(members[k]) for k in self.chosen.tolist() if k in members}

    def balance(self, gaps: list[Handover], overlaps: list[Handover]) -> tuple[Floats, Floats]:
        """Return the square metres that each area of the layer gets from gaps, loses to overlaps.

        Every piece counts, also the noise that :meth:`moved` leaves out.
        """
        got, lost = np.zeros((2, len(self.measure.names)))
        for one in gaps:
            got[one.given_to] += self.area_m2[list(one.faces)].sum()
        for one in overlaps:
            for loser in set(one.areas) - {one.given_to}:
                lost[loser] += self.area_m2[list(one.faces)].sum()
        return got, lost

    def moved(self, *handovers: list[Handover]) -> gpd.GeoDataFrame:
        """Return the pieces that changed hands, largest first, without those that are noise."""
        listed = [one for some in handovers for one in some]
        made = np.array([self._joined(one.faces) for one in listed], dtype=object)
        names = self.measure.names
        area_m2, width_m, lon, lat = self.measure.sizes(made)
        areas = [tuple(one.areas) for one in listed]
        table = self.measure.rows(made, areas, (area_m2, width_m), (lon, lat)).assign(
            kind=[one.kind for one in listed], given_to=[names[one.given_to] for one in listed]
        )
        table = table[table["area_m2"] > NOISE_M2]
        order = table.sort_values(["area_m2", "areas"], ascending=[False, True]).index
        return gpd.GeoDataFrame(table.loc[order].reset_index(drop=True), crs=self.measure.crs)
