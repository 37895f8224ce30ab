"""What an address index is built from: areas, gazetteer entries, road lines; plain columns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
import numpy.typing as npt

ENTRY_KINDS: Final = (
    "area", "road", "road_number", "door", "compound", "building", "unit", "village", "landmark",
    "shop", "station", "intersection",
)  # fmt: skip
"""Kinds of gazetteer entries: what the position of an entry is the position of."""

DEFAULT_UNCERTAINTY_M: Final[dict[str, float]] = {
    "door": 15.0, "road_number": 20.0, "unit": 15.0, "building": 30.0, "shop": 20.0,
    "station": 20.0,
    "landmark": 50.0, "compound": 90.0, "village": 180.0, "intersection": 30.0, "road": 300.0,
    "area": 900.0,
}  # fmt: skip
"""68 % radius of the position by kind, metres, where a source gives none."""


@dataclass(frozen=True, slots=True)
class AreaName:
    """An area by all its names; ``lon``, ``lat`` a point inside it, ``radius_m`` its extent."""

    code: str
    level: str
    name: str
    parent_code: str | None
    lon: float
    lat: float
    radius_m: float
    aliases: tuple[str, ...] = ()


@dataclass(slots=True)
class Entries:
    """Gazetteer entries as columns of one length.

    ``community`` is the code of the community that covers the entry's own point; ``stated`` the one
    that its source gives. ``name`` is what a landmark, shop, station or hamlet is called. Position
    in WGS84 degrees, ``uncertainty_m`` the 68 % radius.
    """

    id: Sequence[int]
    kind: Sequence[str]
    name: Sequence[str | None]
    road: Sequence[str | None]
    house_number: Sequence[str | None]
    compound: Sequence[str | None]
    building: Sequence[str | None]
    unit: Sequence[str | None]
    aliases: Sequence[Sequence[str]]
    lon: npt.NDArray[np.float64]
    lat: npt.NDArray[np.float64]
    uncertainty_m: npt.NDArray[np.float64]
    community: Sequence[str | None]
    stated: Sequence[str | None]

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self.kind)


@dataclass(slots=True)
class RoadLines:
    """Road edges with a name: ``line`` is a shapely LineString in WGS84 degrees."""

    name: Sequence[str] = ()
    line: npt.NDArray[Any] = field(default_factory=lambda: np.empty(0, dtype=object))

    def __len__(self) -> int:
        """Return the number of edges."""
        return len(self.name)
