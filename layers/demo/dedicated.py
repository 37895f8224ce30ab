"""Dedicated grids 专属网格: markets, campuses, parks inside general grids, wall to wall."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from layers.demo import settlements as use
from layers.demo.frame import Floats, Ints, geometries_in_degrees
from layers.demo.mesh import Mesh
from layers.demo.regions import Regions

DEDICATED: Final = 60
FIRST_DEDICATED: Final = 901
WALL_M: Final = 6.0
"""A campus or market stands this far back from the middle of the streets around it."""

DEDICATED_KINDS: Final[dict[int, tuple[str, tuple[str, ...], tuple[str, ...]]]] = {
    use.MARKET: (
        "market",
        ("农贸市场", "商贸城", "建材市场"),
        ("event-street-stall", "event-unlicensed-trade", "event-street-market",
         "event-exposed-rubbish", "event-illegal-parking"),
    ),
    use.SCHOOL: (
        "campus",
        ("中学校区", "小学校区", "职业学院"),
        ("event-exposed-rubbish", "event-illegal-posters", "event-leaflet-distribution"),
    ),
    use.HOSPITAL: (
        "hospital",
        ("医院院区", "妇幼保健院"),
        ("event-illegal-parking", "event-exposed-rubbish", "event-unlicensed-taxi"),
    ),
    use.OFFICE: (
        "office_tower",
        ("商务大厦", "创业园", "金融中心"),
        ("event-illegal-parking", "event-outdoor-advertising", "event-fire"),
    ),
    use.PARK: (
        "park",
        ("公园", "湿地公园", "体育公园"),
        ("event-dirty-green-space", "event-green-space-upkeep", "event-dirty-water",
         "component-street-bench"),
    ),
    use.INDUSTRIAL: (
        "industrial_park",
        ("产业园", "工业园", "物流园"),
        ("event-construction-dust", "event-open-burning", "event-fire"),
    ),
}  # fmt: skip
"""Use of a block -> (kind of place, endings of its name, categories that its grid takes over)."""
_LEAST_M2: Final = 2_500.0
_MOST_IN_COMMUNITY: Final = 2


@dataclass(frozen=True, slots=True)
class DedicatedGrid:
    """A dedicated grid with the categories that it takes over; geometry in lon/lat."""

    code: str
    place: str
    ending: str
    categories: tuple[str, ...]
    geometry: Any

    def name(self, community: str) -> str:
        """Return its name within a community."""
        return f"{community.removesuffix('社区').removesuffix('村')}{self.ending}专属网格"


def dedicated_grids(
    mesh: Mesh,
    regions: Regions,
    uses: Ints,
    communities: list[str],
    *,
    wanted: int,
    rng: np.random.Generator,
) -> list[DedicatedGrid]:
    """Return dedicated grids of one to three blocks of one community, by code.

    They stand back from the streets around them, so they lie inside their community and never
    touch each other; they may lie in several general grids.
    """
    at_fringe = _beside_country(mesh)
    fit = (mesh.town >= 0) & ~at_fringe & np.isin(uses, list(DEDICATED_KINDS)) & (regions.grid >= 0)
    first, second = mesh.edge_cells.T
    taken: set[int] = set()
    number: dict[int, int] = {}
    found: list[DedicatedGrid] = []
    for seed in rng.permutation(np.flatnonzero(fit)).tolist():
        community = int(regions.community[seed])
        if len(found) == wanted:
            break
        if seed in taken or number.get(community, 0) >= _MOST_IN_COMMUNITY:
            continue
        beside = np.r_[second[first == seed], first[second == seed]]
        same = (regions.community[beside] == community) & ~at_fringe[beside]
        more = [cell for cell in beside[same].tolist() if cell not in taken]
        cells = [seed, *more[: int(rng.integers(0, 3))]]
        shape = _walled(mesh, np.array(cells))
        if shape is None:
            continue
        number[community] = number.get(community, 0) + 1
        taken.update(cells)
        place, endings, categories = DEDICATED_KINDS[int(uses[seed])]
        found.append(
            DedicatedGrid(
                code=f"{communities[community]}{FIRST_DEDICATED + number[community] - 1}",
                place=place,
                ending=endings[int(rng.integers(len(endings)))],
                categories=categories,
                geometry=geometries_in_degrees(np.array([shape], object))[0],
            )
        )
    return sorted(found, key=lambda grid: grid.code)


def _beside_country(mesh: Mesh) -> NDArray[np.bool_]:
    """Return which cells have a neighbour in the country: their borders bend."""
    first, second = mesh.edge_cells.T
    mixed = (mesh.town[first] < 0) | (mesh.town[second] < 0)
    beside = np.zeros(len(mesh.sites), bool)
    beside[first[mixed]] = beside[second[mixed]] = True
    return beside


def _walled(mesh: Mesh, cells: Ints) -> Any:  # noqa: ANN401 - a Polygon or None
    union = shapely.union_all(_cell_polygons(mesh, cells))
    shape = shapely.buffer(union, -WALL_M, join_style="mitre")
    is_one = shapely.get_type_id(shape) == shapely.GeometryType.POLYGON
    return shape if is_one and shape.area >= _LEAST_M2 else None


def _cell_polygons(mesh: Mesh, cells: Ints) -> NDArray[Any]:
    """Return the convex polygons of cells, in metres of the plane."""
    both = np.vstack([mesh.edge_cells, mesh.edge_cells[:, ::-1]])
    ends = np.vstack([mesh.edge_ends, mesh.edge_ends])
    shapes = []
    for cell in cells:
        corner = mesh.vertices[np.unique(ends[both[:, 0] == cell])]
        offset: Floats = corner - mesh.sites[cell]
        shapes.append(shapely.polygons(corner[np.argsort(np.arctan2(offset[:, 1], offset[:, 0]))]))
    return np.array(shapes, object)
