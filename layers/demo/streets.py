"""Roads as rows: names, owners, one-way streets, geometry in lon/lat with geodesic length."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import Geod

from layers.demo import names
from layers.demo import roads as network
from layers.demo.areas import Areas
from layers.demo.frame import Floats, Ints, geometries_in_degrees
from layers.demo.regions import Regions
from layers.demo.roads import CLASSES, Roads
from layers.demo.towns import Town

HIGHWAY_UNIT: Final = "U-HIGHWAY"
PARK_UNIT: Final = "U-LANDSCAPE"
_NATIONAL_NAMES: Final = ("104国道", "312国道", "205国道", "345国道", "329国道")


@dataclass(frozen=True, slots=True)
class Streets:
    """Road rows, in the order of :class:`~layers.demo.roads.Roads`."""

    geometry: NDArray[Any]
    name: list[str | None]
    road_class: list[str]
    oneway: NDArray[np.bool_]
    ride: NDArray[np.bool_]
    owner: list[str | None]
    length_m: Floats


def name_roads(
    roads: Roads, towns: list[Town], regions: Regions, areas: Areas, rng: np.random.Generator
) -> Streets:
    """Return the network's edges with names of the trade."""
    count = len(roads.lines)
    line_names = _line_names(roads, towns, rng)
    numbers = rng.integers(len(_NATIONAL_NAMES), size=8)
    labels: list[str | None] = []
    for k in range(count):
        town = int(roads.town[k])
        kind = int(roads.road_class[k])
        key = (town, int(roads.axis[k]), int(roads.number[k]))
        if key in line_names:
            labels.append(line_names[key])
        elif town >= 0:
            labels.append(None)
        else:
            labels.append(_country_name(kind, int(roads.serves[k]), regions, areas, numbers))
    geometry = geometries_in_degrees(roads.lines)
    is_town = roads.town >= 0
    street = is_town & (roads.road_class == network.STREET)
    # A one-way street is one-way over its whole line.
    line = roads.town * 1009 + roads.axis * 503 + roads.number
    oneway = (
        street & (np.random.default_rng(int(rng.integers(2**31))).random(4096) < 0.06)[line % 4096]
    )
    ride = ~(street & (rng.random(count) < 0.01))
    owner = [
        HIGHWAY_UNIT
        if kind == network.NATIONAL
        else (PARK_UNIT if kind == network.ARTERIAL and number % 16 == 0 else None)
        for kind, number in zip(roads.road_class.tolist(), roads.number.tolist(), strict=True)
    ]
    return Streets(
        geometry,
        labels,
        [CLASSES[kind] for kind in roads.road_class],
        oneway,
        ride,
        owner,
        _geodesic_lengths(geometry),
    )


def _line_names(
    roads: Roads, towns: list[Town], rng: np.random.Generator
) -> dict[tuple[int, int, int], str]:
    """Return one name per lattice line; no name twice in a town while the words last."""
    named: dict[tuple[int, int, int], str] = {}
    for position in range(len(towns)):
        mine = (roads.town == position) & (roads.axis >= 0)
        lines = np.unique(np.column_stack([roads.number[mine], roads.axis[mine]]), axis=0)
        words = rng.permutation(len(names.ROAD_WORDS))
        for k, (number, axis) in enumerate(lines.tolist()):
            main = number % network.ARTERIAL_EVERY == 0
            endings = names.MAIN_ENDINGS if main else names.STREET_ENDINGS
            word = names.ROAD_WORDS[words[k % len(words)]]
            side = ("", "东", "南", "西", "北")[min(k // len(words), 4)]
            named[(position, axis, number)] = word + side + endings[int(rng.integers(len(endings)))]
    return named


def _country_name(
    kind: int, cell: int, regions: Regions, areas: Areas, numbers: Ints
) -> str | None:
    if cell < 0 or regions.community[cell] < 0:
        return None
    code = areas.community_codes[regions.community[cell]]
    if kind == network.NATIONAL:
        return _NATIONAL_NAMES[int(numbers[int(code[5]) % 8])]
    if kind == network.COUNTY:
        town = areas.names[code[:9]].removesuffix("镇").removesuffix("乡").removesuffix("街道")
        return f"{town}公路"
    return (
        f"{areas.names[code]}村道"
        if not areas.names[code].endswith("村")
        else f"{areas.names[code]}道"
    )


def _geodesic_lengths(lines: NDArray[Any]) -> Floats:
    geod = Geod(ellps="WGS84")
    xy, index = shapely.get_coordinates(lines, return_index=True)
    same = index[1:] == index[:-1]
    _, _, step = geod.inv(xy[:-1, 0], xy[:-1, 1], xy[1:, 0], xy[1:, 1])
    lengths = np.bincount(index[1:][same], weights=step[same], minlength=len(lines))
    return np.maximum(np.round(lengths.astype(np.float64), 2), 0.01)
