"""The areas of one published revision in memory: immutable, indexed, naming their revision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import sqlalchemy as sa

from gis.geometry.cell_index import CellIndex
from gis.governance.areas import COARSE_TO_FINE
from gis.matching.candidates import AreaRef
from gis.matching.spots import Members
from gis.services.index_cache import IndexCache
from gis.services.owned_ground import cut_out, weighed

IN_MEMORY: Final = IndexCache()


@dataclass(frozen=True, slots=True)
class Area:
    """An area as one revision knows it, without its geometry."""

    code: str
    level: str
    name: str
    parent_code: str | None
    kind: str | None
    categories: tuple[str, ...]

    def brief(self) -> dict[str, str]:
        """Return level, code and name, as answers name an area."""
        return {"level": self.level, "code": self.code, "name": self.name}


class BoundarySnapshot:
    """All areas of one published revision, indexed for exact look-ups."""

    def __init__(
        self,
        revision: int,
        rows: Sequence[sa.RowMapping],
        cache: IndexCache = IN_MEMORY,
    ) -> None:
        self.revision = revision
        self.areas: dict[str, Area] = {}
        by_layer: dict[str, tuple[list[str], list[bytes]]] = {}
        for row in rows:
            area = Area(
                row["code"],
                row["level"],
                row["name"],
                row["parent_code"],
                row["kind"],
                tuple(row["categories"]),
            )
            self.areas[area.code] = area
            layer = area.level
            if area.level == "grid" and area.kind in ("dedicated", "micro"):
                layer = area.kind
            codes, geometries = by_layer.setdefault(layer, ([], []))
            codes.append(area.code)
            geometries.append(bytes(row["wkb"]))
        self._indexes = {
            layer: cache.index(codes, geometries) for layer, (codes, geometries) in by_layer.items()
        }
        self._empty = CellIndex.build([], [])
        self._dedicated = {
            area.code: frozenset(area.categories)
            for area in self.areas.values()
            if area.level == "grid" and area.kind == "dedicated" and area.categories
        }
        self._owned: dict[frozenset[str], CellIndex] = {}
        self._members: dict[tuple[frozenset[str], str], Members | None] = {}
        self._paths: dict[str, tuple[Area, ...]] = {}
        self._refs: dict[str, tuple[AreaRef, ...]] = {}

    def index(self, layer: str) -> CellIndex:
        """Return the index of a level, or of the grids of kind ``dedicated`` or ``micro``."""
        return self._indexes.get(layer, self._empty)

    def special(self, category: str | None) -> frozenset[str]:
        """Return the codes of the dedicated grids 专属网格 that take a category for themselves."""
        if category is None:
            return frozenset()
        return frozenset(code for code, taken in self._dedicated.items() if category in taken)

    def owners(self, category: str | None) -> CellIndex:
        """Return the finest areas as they own a category: dedicated grids cut out of the others.

        For most categories, and for none, that is the index of the finest level itself.
        """
        special = self.special(category)
        if not special or self.finest != "grid":
            return self.index(self.finest)
        found = self._owned.get(special)
        if found is None:
            found = self._owned[special] = cut_out(
                self.index("grid"), self.index("dedicated"), special
            )
        return found

    def members(self, category: str | None, code: str) -> Members | None:
        """Return what of :meth:`owners` an area holds, None for a code that is not drawn."""
        key = (self.special(category), code)
        if key not in self._members:
            index = self.owners(category)
            held = [
                at
                for at, finest in enumerate(index.keys)
                if any(area.code == code for area in self.path(finest))
            ]
            self._members[key] = weighed(index, held) if code in self.areas else None
        return self._members[key]

    @property
    def finest(self) -> str:
        """Return the finest level that has areas: grids, where a city has drawn them."""
        return next((level for level in reversed(COARSE_TO_FINE) if level in self._indexes), "city")

    def path(self, code: str) -> list[Area]:
        """Return the area and its ancestors, coarsest first."""
        known = self._paths.get(code)
        if known is None:
            found: list[Area] = []
            step = self.areas.get(code)
            while step is not None and step not in found:
                found.append(step)
                step = self.areas.get(step.parent_code) if step.parent_code else None
            known = tuple(found[::-1])
            if found:  # what is not drawn is named by callers: it must not fill the memory
                self._paths[code] = known
        return list(known)

    def refs(self, code: str) -> tuple[AreaRef, ...]:
        """Return :meth:`path` as matching names areas."""
        known = self._refs.get(code)
        if known is None:
            path = self.path(code)
            known = tuple(AreaRef(area.level, area.code, area.name) for area in path)
            if path:
                self._refs[code] = known
        return known

    def finest_covering(self, lon: float, lat: float) -> Area | None:
        """Return the finest area that covers the point; ties go to the smallest code."""
        for level in reversed(COARSE_TO_FINE):
            index = self.index(level)
            covering = index.covering(lon, lat)
            if covering:
                return self.areas[index.keys[covering[0]]]
        return None
