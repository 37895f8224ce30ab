"""The areas 区域 of the demo city as rows: codes, names, kinds, edge-matched geometry in lon/lat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
import shapely
from numpy.typing import NDArray

from layers.demo import settlements as use
from layers.demo.buildings import Buildings
from layers.demo.frame import Floats, Ints, geometries_in_degrees
from layers.demo.mesh import Mesh
from layers.demo.regions import Regions
from layers.demo.register import CITY_CODE, CITY_NAME, CODE_SYSTEM, LOCAL_SYSTEM, County
from layers.demo.settlements import Settlements

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


@dataclass(frozen=True, slots=True)
class AreaRow:
    """One area of any level, ready to be written."""

    code: str
    level: str
    parent: str | None
    name: str
    kind: str | None
    categories: tuple[str, ...]
    geometry: Any
    households: int
    residents: int
    attributes: dict[str, Any]
    code_system: str
    other_code: str | None = None


@dataclass(frozen=True, slots=True)
class Areas:
    """The whole hierarchy.

    Attributes
    ----------
    rows
        City, counties, subdistricts, communities, general grids, dedicated grids.
    grid_codes, community_codes
        Code per label of the mesh's regions.
    grid_polygons
        General grids in lon/lat, per label.
    names
        Name per code.
    dedicated
        (cell, code) of the blocks that dedicated grids hold.
    """

    rows: list[AreaRow]
    grid_codes: list[str]
    community_codes: list[str]
    community_urban: NDArray[np.bool_]
    grid_polygons: NDArray[Any]
    names: dict[str, str]
    dedicated: list[tuple[int, str]]

    def path(self, code: str) -> list[str]:
        """Return the codes from the city to a grid."""
        return [CITY_CODE, code[:6], code[:9], code[:12], code]


def assemble(
    counties: list[County],
    mesh: Mesh,
    regions: Regions,
    places: Settlements,
    polygons: NDArray[Any],
    buildings: Buildings,
    scale: float,
    rng: np.random.Generator,
) -> Areas:
    """Return all areas; each parent is the exact union of its children."""
    communities = [c for county in counties for s in county.subdistricts for c in s.communities]
    in_degrees = geometries_in_degrees(polygons)
    codes = _grid_codes(mesh, regions, [c.code for c in communities])
    households = np.bincount(
        buildings.grid, weights=buildings.households, minlength=len(codes)
    ).astype(int)
    residents = np.bincount(
        buildings.grid, weights=buildings.residents, minlength=len(codes)
    ).astype(int)
    people = {c: (int(h), int(r)) for c, h, r in zip(codes, households, residents, strict=True)}
    shapes: dict[str, Any] = dict(zip(codes, in_degrees, strict=True))
    for length in (12, 9, 6):
        _gather(shapes, people, length)
    city = shapely.coverage_union_all([shapes[county.code] for county in counties])
    everyone = [people[county.code] for county in counties]
    shapes[CITY_CODE] = city
    people[CITY_CODE] = (sum(p[0] for p in everyone), sum(p[1] for p in everyone))

    rows: list[AreaRow] = []

    def add(code: str, level: str, parent: str | None, name: str, **more: Any) -> None:  # noqa: ANN401 - fields of AreaRow
        attributes = {"made": level not in ("city", "county"), **more.pop("attributes", {})}
        rows.append(
            AreaRow(
                code=code,
                level=level,
                parent=parent,
                name=name,
                kind=more.pop("kind", None),
                categories=more.pop("categories", ()),
                geometry=more.pop("geometry", shapes.get(code)),
                households=people.get(code, (0, 0))[0],
                residents=people.get(code, (0, 0))[1],
                attributes=attributes,
                code_system=more.pop("code_system", CODE_SYSTEM),
                other_code=more.pop("other_code", None),
            )
        )

    add(CITY_CODE, "city", None, CITY_NAME, attributes={"people_made": True})
    for county in counties:
        add(county.code, "county", CITY_CODE, county.name, attributes={"people_made": True})
    for county in counties:
        for s in county.subdistricts:
            system = LOCAL_SYSTEM if s.other_code else CODE_SYSTEM
            add(s.code, "subdistrict", county.code, s.name,
                code_system=system, other_code=s.other_code)  # fmt: skip
    for c in communities:
        system = LOCAL_SYSTEM if c.other_code else CODE_SYSTEM
        kind = "urban" if c.urban else "rural"
        add(c.code, "community", c.code[:9], c.name, kind=kind, code_system=system,
            other_code=c.other_code, attributes={"official_name": c.official_name})  # fmt: skip
    community_name = {c.code: c.name for c in communities}
    for code in sorted(codes):
        name = f"{community_name[code[:12]]}第{int(code[12:])}网格"
        add(code, "grid", code[:12], name, kind="general", code_system=LOCAL_SYSTEM)
    dedicated = []
    for cells, code, name, kind, categories, shape in _dedicated(
        mesh, regions, places, [c.code for c in communities], community_name, scale, rng
    ):
        add(code, "grid", code[:12], name, kind="dedicated", categories=categories,
            geometry=shape, code_system=LOCAL_SYSTEM, attributes={"place": kind})  # fmt: skip
        dedicated.extend((int(cell), code) for cell in cells)
    return Areas(
        rows=rows,
        grid_codes=codes,
        community_codes=[c.code for c in communities],
        community_urban=np.array([c.urban for c in communities]),
        grid_polygons=in_degrees,
        names={row.code: row.name for row in rows},
        dedicated=dedicated,
    )


def _grid_codes(mesh: Mesh, regions: Regions, communities: list[str]) -> list[str]:
    """Return codes numbered within each community from north to south, then west to east."""
    inside = regions.grid >= 0
    count = len(regions.grid_community)
    size = np.bincount(regions.grid[inside], minlength=count)
    middle = [
        np.bincount(regions.grid[inside], weights=mesh.sites[inside, axis], minlength=count) / size
        for axis in (0, 1)
    ]
    order = np.lexsort((middle[0], np.round(-middle[1] / 600.0), regions.grid_community))
    number: dict[int, int] = {}
    codes = [""] * count
    for grid in order:
        community = int(regions.grid_community[grid])
        number[community] = number.get(community, 0) + 1
        codes[grid] = f"{communities[community]}{number[community]:03d}"
    return codes


def _gather(
    shapes: dict[str, Any], people: dict[str, tuple[int, int]], length: int
) -> None:
    children: dict[str, list[str]] = {}
    longer = {12: 15, 9: 12, 6: 9}[length]
    for code in shapes:
        if len(code) == longer:
            children.setdefault(code[:length], []).append(code)
    for code, below in children.items():
        shapes[code] = shapely.coverage_union_all([shapes[child] for child in below])
        people[code] = (
            sum(people[child][0] for child in below),
            sum(people[child][1] for child in below),
        )


def cell_polygons(mesh: Mesh, cells: Ints) -> NDArray[Any]:
    """Return the convex polygons of cells, in metres of the plane."""
    both = np.vstack([mesh.edge_cells, mesh.edge_cells[:, ::-1]])
    ends = np.vstack([mesh.edge_ends, mesh.edge_ends])
    shapes = []
    for cell in cells:
        corner = mesh.vertices[np.unique(ends[both[:, 0] == cell])]
        offset: Floats = corner - mesh.sites[cell]
        shapes.append(shapely.polygons(corner[np.argsort(np.arctan2(offset[:, 1], offset[:, 0]))]))
    return np.array(shapes, object)


def _dedicated(
    mesh: Mesh,
    regions: Regions,
    places: Settlements,
    communities: list[str],
    community_name: dict[str, str],
    scale: float,
    rng: np.random.Generator,
) -> list[tuple[list[int], str, str, str, tuple[str, ...], Any]]:
    """Return dedicated grids 专属网格: one to three blocks of one community, wall to wall."""
    first, second = mesh.edge_cells.T
    country_side = np.zeros(len(mesh.sites), bool)
    mixed = (mesh.town[first] < 0) | (mesh.town[second] < 0)
    country_side[first[mixed]] = country_side[second[mixed]] = True
    fit = (mesh.town >= 0) & ~country_side & np.isin(places.use, list(DEDICATED_KINDS))
    fit &= regions.grid >= 0
    wanted = max(2, round(DEDICATED * scale))
    pool = rng.permutation(np.flatnonzero(fit))
    taken: set[int] = set()
    found: list[tuple[list[int], str, str, str, tuple[str, ...], Any]] = []
    number: dict[int, int] = {}
    for seed in pool:
        if len(found) == wanted:
            break
        community = int(regions.community[seed])
        if int(seed) in taken or number.get(community, 0) >= 2:
            continue
        beside = np.r_[second[first == seed], first[second == seed]]
        beside = [
            int(c)
            for c in beside
            if regions.community[c] == community and not country_side[c] and int(c) not in taken
        ]
        cells = [int(seed), *beside[: int(rng.integers(0, 3))]]
        shape = shapely.buffer(
            shapely.union_all(cell_polygons(mesh, np.array(cells))), -WALL_M, join_style="mitre"
        )
        if shape.geom_type != "Polygon" or shape.area < 2500.0:
            continue
        number[community] = number.get(community, 0) + 1
        taken.update(cells)
        kind, endings, categories = DEDICATED_KINDS[int(places.use[seed])]
        base = communities[community]
        code = f"{base}{FIRST_DEDICATED + number[community] - 1}"
        ending = endings[int(rng.integers(len(endings)))]
        name = f"{community_name[base].removesuffix('社区').removesuffix('村')}{ending}专属网格"
        in_degrees = geometries_in_degrees(np.array([shape], object))[0]
        found.append((cells, code, name, kind, categories, in_degrees))
    return sorted(found, key=lambda item: item[1])
