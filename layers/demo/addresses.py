"""The gazetteer 地名地址库: doors, compounds, buildings, hamlets, landmarks, in the Chinese form.

Every entry's community is that of its own point, also where a street runs along a border.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

import numpy as np
from scipy.spatial import cKDTree

from layers.demo import names
from layers.demo import settlements as use
from layers.demo.areas import Areas
from layers.demo.buildings import Buildings
from layers.demo.frame import Floats, Ints, degrees
from layers.demo.house_numbers import HouseNumbers, Locator
from layers.demo.mesh import Mesh
from layers.demo.regions import Regions
from layers.demo.register import CITY_CODE, PROVINCE

ENTRIES: Final = 200_000
UNCERTAINTY_M: Final = {
    "door": 15.0, "building": 30.0, "road_number": 20.0, "compound": 90.0, "landmark": 50.0,
    "village": 180.0, "station": 20.0, "area": 900.0,
}  # fmt: skip
NAMED_KINDS: Final = ("village", "landmark", "station")
"""Kinds whose alias is a name of their own."""
_LANDMARK_USES: Final = {
    use.SCHOOL: "school",
    use.HOSPITAL: "hospital",
    use.MARKET: "market",
    use.OFFICE: "office",
    use.INDUSTRIAL: "industrial",
    use.COMMERCIAL: "commercial",
}


@dataclass(slots=True)
class Gazetteer:
    """Entries as columns; ``grid`` is the label of the general grid at the point."""

    kind: list[str] = field(default_factory=list)
    full_text: list[str] = field(default_factory=list)
    road: list[str | None] = field(default_factory=list)
    house_number: list[str | None] = field(default_factory=list)
    compound: list[str | None] = field(default_factory=list)
    building: list[str | None] = field(default_factory=list)
    alias: list[str] = field(default_factory=list)
    lonlat: Floats = field(default_factory=lambda: np.zeros((0, 2)))
    grid: Ints = field(default_factory=lambda: np.zeros(0, np.int64))

    def __len__(self) -> int:
        """Return the number of entries."""
        return len(self.kind)


@dataclass(slots=True)
class _Batch:
    kind: str
    xy: Floats
    tail: list[str]
    road: list[str | None]
    number: list[str | None]
    compound: list[str | None]
    building: list[str | None]
    alias: list[str]


def build_gazetteer(
    mesh: Mesh,
    regions: Regions,
    areas: Areas,
    *,
    buildings: Buildings,
    numbers: HouseNumbers,
    stations: list[tuple[str, Floats]],
    locator: Locator,
    scale: float,
    rng: np.random.Generator,
) -> Gazetteer:
    """Return ``ENTRIES * scale`` entries: everything that has a name, then numbers of streets."""
    total = round(ENTRIES * scale)
    tree = cKDTree(numbers.xy)
    batches = [
        _communities(mesh, regions, areas),
        _stations(stations),
        *_compounds(buildings, numbers, tree, rng),
        *_hamlets(buildings, rng, most=round(0.46 * total)),
        _landmarks(areas, buildings, numbers, tree, rng),
    ]
    gazetteer = Gazetteer()
    for batch in batches:
        _append(gazetteer, batch, areas, locator)
    missing = max(total - len(gazetteer), 0)
    picked = np.sort(rng.permutation(len(numbers.road))[:missing])
    _append(gazetteer, _road_numbers(numbers, picked), areas, locator)
    return gazetteer


def _append(gazetteer: Gazetteer, batch: _Batch, areas: Areas, locator: Locator) -> None:
    lonlat = degrees(batch.xy) if len(batch.xy) else np.zeros((0, 2))
    grid = locator.locate(lonlat)
    good = np.flatnonzero(grid >= 0)
    heads = _heads(areas)
    for k in good.tolist():
        gazetteer.kind.append(batch.kind)
        gazetteer.full_text.append(heads[grid[k]] + batch.tail[k])
        gazetteer.road.append(batch.road[k])
        gazetteer.house_number.append(batch.number[k])
        gazetteer.compound.append(batch.compound[k])
        gazetteer.building.append(batch.building[k])
        gazetteer.alias.append(batch.alias[k])
    gazetteer.lonlat = np.vstack([gazetteer.lonlat, lonlat[good]])
    gazetteer.grid = np.r_[gazetteer.grid, grid[good]]


def _heads(areas: Areas) -> list[str]:
    """Return per grid the text down to the community: 安徽省滁州市琅琊区…街道…社区."""
    city = areas.names[CITY_CODE]
    return [
        PROVINCE + city + areas.names[c[:6]] + areas.names[c[:9]] + areas.names[c[:12]]
        for c in areas.grid_codes
    ]


def _communities(mesh: Mesh, regions: Regions, areas: Areas) -> _Batch:
    inside = regions.community >= 0
    order = np.flatnonzero(inside)
    size = np.bincount(regions.community[order])
    middle = np.column_stack(
        [np.bincount(regions.community[order], weights=mesh.sites[order, a]) / size for a in (0, 1)]
    )
    distance = ((mesh.sites[order] - middle[regions.community[order]]) ** 2).sum(axis=1)
    rank = np.lexsort((distance, regions.community[order]))
    first = np.r_[True, np.diff(regions.community[order][rank]) > 0]
    cells = order[rank[first]]
    label = [areas.names[areas.community_codes[k]] for k in regions.community[cells]]
    return _plain("area", mesh.sites[cells], [""] * len(cells), label)


def _stations(stations: list[tuple[str, Floats]]) -> _Batch:
    labels = [name for name, _ in stations]
    return _plain("station", np.array([xy for _, xy in stations]).reshape(-1, 2), labels, labels)


def _plain(kind: str, xy: Floats, tail: list[str], alias: list[str]) -> _Batch:
    nothing: list[str | None] = [None] * len(tail)
    return _Batch(kind, xy, tail, nothing, nothing, nothing, nothing, alias)


def _compounds(
    buildings: Buildings, numbers: HouseNumbers, tree: cKDTree, rng: np.random.Generator
) -> list[_Batch]:
    """Return compounds and their buildings: …路12号锦绣花园3幢."""
    mine = np.flatnonzero(np.isin(buildings.use, (use.RESIDENTIAL, use.HIGHRISE)))
    if len(mine) == 0 or len(numbers.road) == 0:
        return []
    cell = buildings.cell[mine]
    start = np.r_[True, cell[1:] != cell[:-1]]
    which = np.cumsum(start) - 1
    count = int(which[-1]) + 1
    label = names.compounds(count, rng)
    middle = np.column_stack(
        [np.bincount(which, weights=buildings.centre[mine, a]) / np.bincount(which) for a in (0, 1)]
    )
    _, door = tree.query(middle)
    road: list[str | None] = [numbers.road[k] for k in door]
    number: list[str | None] = [f"{numbers.number[k]}号" for k in door]
    address = [f"{r}{n}{c}" for r, n, c in zip(road, number, label, strict=True)]
    nothing: list[str | None] = [None] * count
    compound = _Batch("compound", middle, address, road, number, list(label), nothing, label)
    position = np.arange(len(mine)) - np.repeat(
        np.flatnonzero(start), np.diff(np.r_[np.flatnonzero(start), len(mine)])
    )
    block = [f"{k + 1}幢" for k in position]
    building = _Batch(
        "building",
        buildings.centre[mine],
        [address[w] + b for w, b in zip(which, block, strict=True)],
        [road[w] for w in which],
        [number[w] for w in which],
        [label[w] for w in which],
        list(block),
        [label[w] + b for w, b in zip(which, block, strict=True)],
    )
    return [compound, building]


def _hamlets(buildings: Buildings, rng: np.random.Generator, most: int) -> list[_Batch]:
    """Return hamlets 自然村 and the doors of their houses."""
    mine = np.flatnonzero(buildings.use == use.HAMLET)
    if len(mine) == 0:
        return []
    cell = buildings.cell[mine]
    start = np.r_[True, cell[1:] != cell[:-1]]
    which = np.cumsum(start) - 1
    label = names.hamlets(int(which[-1]) + 1, rng)
    middle = np.column_stack(
        [np.bincount(which, weights=buildings.centre[mine, a]) / np.bincount(which) for a in (0, 1)]
    )
    position = np.arange(len(mine)) - np.repeat(
        np.flatnonzero(start), np.diff(np.r_[np.flatnonzero(start), len(mine)])
    )
    kept = np.sort(rng.permutation(len(mine))[:most])
    house = [f"{position[k] + 1}号" for k in kept]
    hamlet = [label[which[k]] for k in kept]
    text = [h + n for h, n in zip(hamlet, house, strict=True)]
    nothing: list[str | None] = [None] * len(kept)
    doors = _Batch(
        "door",
        buildings.centre[mine[kept]],
        text,
        nothing,
        list(house),
        list(hamlet),
        nothing,
        text,
    )
    return [_plain("village", middle, label, label), doors]


def _landmarks(
    areas: Areas,
    buildings: Buildings,
    numbers: HouseNumbers,
    tree: cKDTree,
    rng: np.random.Generator,
) -> _Batch:
    mine = np.flatnonzero(np.isin(buildings.use, list(_LANDMARK_USES)))
    _, door = tree.query(buildings.centre[mine])
    tail, alias = [], []
    road: list[str | None] = []
    number: list[str | None] = []
    shop = rng.integers(len(names.SHOPS), size=len(mine))
    pick = rng.random(len(mine))
    for k, building in enumerate(mine.tolist()):
        kind = _LANDMARK_USES[int(buildings.use[building])]
        code = areas.grid_codes[buildings.grid[building]]
        base = areas.names[code[:12]].removesuffix("社区").removesuffix("村")
        if kind == "commercial" and pick[k] < 0.8:
            label = base + names.SHOPS[shop[k]]
        else:
            choice = names.LANDMARKS[kind]
            label = base + choice[int(pick[k] * 997) % len(choice)]
        road.append(numbers.road[door[k]])
        number.append(f"{numbers.number[door[k]]}号")
        tail.append(f"{road[-1]}{number[-1]}{label}")
        alias.append(label)
    nothing: list[str | None] = [None] * len(mine)
    return _Batch("landmark", buildings.centre[mine], tail, road, number, nothing, nothing, alias)


def _road_numbers(numbers: HouseNumbers, picked: Ints) -> _Batch:
    road: list[str | None] = [numbers.road[k] for k in picked]
    number: list[str | None] = [f"{numbers.number[k]}号" for k in picked]
    text = [f"{r}{n}" for r, n in zip(road, number, strict=True)]
    nothing: list[str | None] = [None] * len(picked)
    return _Batch("road_number", numbers.xy[picked], text, road, number, nothing, nothing, text)
