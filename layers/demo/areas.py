"""The areas 区域 of the demo city as rows: codes, names, kinds, geometry in lon/lat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import shapely
from numpy.typing import NDArray

from layers.demo.buildings import Buildings
from layers.demo.dedicated import DEDICATED, dedicated_grids
from layers.demo.frame import geometries_in_degrees
from layers.demo.mesh import Mesh
from layers.demo.regions import Regions
from layers.demo.register import CITY_CODE, CITY_NAME, CODE_SYSTEM, LOCAL_SYSTEM, County
from layers.demo.settlements import Settlements


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
    """

    rows: list[AreaRow]
    grid_codes: list[str]
    community_codes: list[str]
    community_urban: NDArray[np.bool_]
    grid_polygons: NDArray[Any]
    names: dict[str, str]

    def path(self, code: str) -> list[str]:
        """Return the codes from the city to a grid."""
        return [CITY_CODE, code[:6], code[:9], code[:12], code]


def assemble(
    counties: list[County],
    mesh: Mesh,
    regions: Regions,
    *,
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
        buildings.grid, weights=buildings.people.households, minlength=len(codes)
    ).astype(int)
    residents = np.bincount(
        buildings.grid, weights=buildings.people.residents, minlength=len(codes)
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
    found = dedicated_grids(
        mesh,
        regions,
        places.use,
        [c.code for c in communities],
        wanted=max(2, round(DEDICATED * scale)),
        rng=rng,
    )  # fmt: skip
    for grid in found:
        add(grid.code, "grid", grid.code[:12], grid.name(community_name[grid.code[:12]]),
            kind="dedicated", categories=grid.categories, geometry=grid.geometry,
            code_system=LOCAL_SYSTEM, attributes={"place": grid.place})  # fmt: skip
    return Areas(
        rows=rows,
        grid_codes=codes,
        community_codes=[c.code for c in communities],
        community_urban=np.array([c.urban for c in communities]),
        grid_polygons=in_degrees,
        names={row.code: row.name for row in rows},
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


def _gather(shapes: dict[str, Any], people: dict[str, tuple[int, int]], length: int) -> None:
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
