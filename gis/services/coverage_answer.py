"""A coverage question answered: in the shape of the contract, and as a view that maps draw."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import numpy.typing as npt
import shapely

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry

    from gis.coverage.demand import PeopleByArea
    from gis.geometry.circles import EqualAreaFrame, GeometryArray, Reached
    from gis.store.city import Areas, Source, Stations

from gis.geometry.circles import without_slivers

SLIVER_M: Final = 20.0
"""Uncovered parts narrower than this are not drawn (they still count)."""
DRAWN_TO_M: Final = 20.0
"""Gap polygons are simplified to this for drawing; figures come from the full geometry."""
DENOMINATOR: Final = {
    "people": "residents, at the building they live in",
    "people_zh": "常住人口,按所在建筑统计",
    "covered_when": "the building is within radius_m of an open station, geodesic, <= + 1 mm",
    "covered_when_zh": "建筑到正在使用的站点的大地线距离不超过半径(容差 1 毫米)",
}


@dataclass(frozen=True, slots=True)
class CoverageView:
    """What a coverage map shows: GeoJSON feature lists in lon/lat, and the figures beside it.

    Outlines are simplified to about a pixel of a map that shows the whole scope (a smaller scope is
    drawn finer); neighbours keep their shared edges. ``gaps`` are those in which people live.
    """

    title: str | None
    answer: dict[str, Any]
    areas: list[dict[str, Any]]
    counties: list[dict[str, Any]]
    reach: dict[str, Any] | None
    gaps: list[dict[str, Any]]
    stations: list[dict[str, Any]]
    bounds: tuple[float, float, float, float]
    source: Source


@dataclass(frozen=True, slots=True)
class Assessment:
    """One coverage question answered, with everything that a map or a table draws from it.

    ``areas`` are positions in ``city_areas`` of the areas that results are by; ``outlines`` their
    geometry in lon/lat, ``gaps`` what is uncovered of each in the plane of ``frame``.
    """

    revision: int
    scope: str | None
    by: str
    radius_m: float
    kinds: list[str]
    city_areas: Areas
    areas: npt.NDArray[np.intp]
    stations: Stations
    people: PeopleByArea
    nearest_m: npt.NDArray[np.float64]
    not_assessable: int
    frame: EqualAreaFrame
    outlines: GeometryArray
    reached: Reached
    scope_outline: BaseGeometry
    source: Source
    area_m2: float
    area_covered_m2: float

    @property
    def codes(self) -> list[str]:
        """Return the code of each area."""
        return [self.city_areas.codes[position] for position in self.areas]

    @property
    def names(self) -> list[str]:
        """Return the name of each area."""
        return [self.city_areas.names[position] for position in self.areas]


def as_contract(
    answer: Assessment, *, drawn_to_m: float = DRAWN_TO_M, digits: int = 6
) -> dict[str, Any]:
    """Return an assessment in the shape of the contract: plain JSON values."""
    people, covered = int(answer.people.people.sum()), int(answer.people.covered.sum())
    return {
        "summary": {
            "people": people,
            "people_covered": covered,
            "people_uncovered": people - covered,
            "ratio": _ratio(covered, people),
            "area_km2": round(answer.area_m2 / 1e6, 6),
            "area_covered_km2": round(answer.area_covered_m2 / 1e6, 6),
            "area_ratio": _ratio(answer.area_covered_m2, answer.area_m2),
            "stations": len(answer.stations),
            "not_assessable": answer.not_assessable,
        },
        "areas": [
            {
                "code": code,
                "name": name,
                "people": int(answer.people.people[number]),
                "people_covered": int(answer.people.covered[number]),
                "ratio": _ratio(
                    int(answer.people.covered[number]), int(answer.people.people[number])
                ),
                "nearest_m": _metres(answer.nearest_m[number]),
            }
            for number, (code, name) in enumerate(zip(answer.codes, answer.names, strict=True))
        ],
        "gaps": gaps_geojson(answer, drawn_to_m, digits),
        "question": {
            "kinds": answer.kinds,
            "radius_m": answer.radius_m,
            "reach": "straight",
            "area": answer.scope,
            "by": answer.by,
        },
        "denominator": DENOMINATOR,
        "boundary_revision": answer.revision,
    }


def gaps_geojson(
    answer: Assessment, drawn_to_m: float = DRAWN_TO_M, digits: int = 6
) -> dict[str, Any]:
    """Return the uncovered part of each area as GeoJSON, most people first, then by code.

    Every area with uncovered people has a feature, so the features' people sum to all uncovered.
    Parts narrower than :data:`SLIVER_M` are left out of the drawing; where nothing wider is left
    the geometry is whole if people live in it, and the feature is left out if nobody does.
    """
    wide = without_slivers(answer.reached.gaps, SLIVER_M)
    narrow = shapely.is_empty(wide) & (answer.people.uncovered > 0)
    wide[narrow] = answer.reached.gaps[narrow]
    drawn = np.flatnonzero(~shapely.is_empty(wide) | (answer.people.uncovered > 0))
    shapes = drawable(wide[drawn], answer.frame, drawn_to_m, digits)
    shapes[shapely.is_empty(shapes)] = None
    codes, names = answer.codes, answer.names
    uncovered_km2 = shapely.area(answer.reached.gaps) / 1e6
    ranked = sorted(
        range(len(drawn)), key=lambda i: (-answer.people.uncovered[drawn[i]], codes[drawn[i]])
    )
    geometries = [json.loads(text) if text else None for text in shapely.to_geojson(shapes)]
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "id": codes[drawn[i]],
                "geometry": geometries[i],
                "properties": {
                    "rank": rank,
                    "code": codes[drawn[i]],
                    "name": names[drawn[i]],
                    "people": int(answer.people.uncovered[drawn[i]]),
                    "area_km2": round(float(uncovered_km2[drawn[i]]), 6),
                    "nearest_m": _metres(answer.nearest_m[drawn[i]]),
                },
            }
            for rank, i in enumerate(ranked, start=1)
        ],
    }


def drawable(
    plane: GeometryArray, frame: EqualAreaFrame, tolerance_m: float, digits: int = 6
) -> GeometryArray:
    """Return polygons of the plane simplified as one coverage, in rounded lon/lat.

    Edges that neighbours share stay shared (`shapely.coverage_simplify`).
    """
    simplified = shapely.coverage_simplify(plane, tolerance_m) if len(plane) else plane
    moved = frame.to_lon_lat(np.asarray(simplified, dtype=object))
    return _rounded(moved, digits)


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def _metres(distance: float) -> float | None:
    return round(float(distance), 3) if math.isfinite(distance) else None


def as_view(answer: Assessment) -> CoverageView:
    """Return an assessment as a map shows it."""
    plane = answer.frame.to_plane(answer.outlines)
    west, south, east, north = shapely.total_bounds(plane)
    tolerance_m = float(np.clip(max(east - west, north - south) / _PIXELS, 0.5, 150.0))
    contract = as_contract(answer, drawn_to_m=tolerance_m, digits=_DIGITS)
    simple = np.asarray(shapely.coverage_simplify(plane, tolerance_m), dtype=object)
    lived_in = [gap for gap in contract["gaps"]["features"] if gap["properties"]["people"]]
    positions = zip(answer.stations.codes, answer.stations.positions.tolist(), strict=True)
    return CoverageView(
        title=_name_of(answer),
        answer=contract,
        areas=_features(answer.frame, simple, contract["areas"]),
        counties=_features(answer.frame, *_merged(answer, simple)),
        reach=_reach(answer, tolerance_m),
        gaps=lived_in,
        stations=[
            {
                "type": "Feature",
                "id": code,
                "geometry": {"type": "Point", "coordinates": position},
                "properties": {
                    "code": code,
                    "name": answer.stations.names[number],
                    "kind": answer.stations.kinds[number],
                    "staffed": answer.stations.staffed[number],
                },
            }
            for number, (code, position) in enumerate(positions)
        ],
        bounds=tuple(shapely.bounds(answer.scope_outline).tolist()),
        source=answer.source,
    )


_PIXELS: Final = 1200.0
_DIGITS: Final = 5  # of a degree: one metre


def _features(
    frame: EqualAreaFrame, plane: GeometryArray, properties: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    shapes = _rounded(frame.to_lon_lat(plane), _DIGITS)
    return [
        {
            "type": "Feature",
            "id": row["code"],
            "geometry": json.loads(shapely.to_geojson(shape)),
            "properties": row,
        }
        for shape, row in zip(shapes, properties, strict=True)
    ]


def _merged(
    answer: Assessment, simple: GeometryArray
) -> tuple[GeometryArray, list[dict[str, Any]]]:
    """Return the counties that the areas make up, from the same simplified edges."""
    areas = answer.city_areas
    place = {code: position for position, code in enumerate(areas.codes)}
    members: dict[int, list[int]] = {}
    for number, start in enumerate(answer.areas):
        position: int | None = int(start)
        while position is not None and areas.levels[position] != "county":
            position = place.get(areas.parents[position] or "")
        if position is not None:
            members.setdefault(position, []).append(number)
    order = sorted(members)
    merged = [shapely.union_all(simple[members[position]]) for position in order]
    rows = [{"code": areas.codes[at], "name": areas.names[at]} for at in order]
    shapes = np.empty(len(merged), dtype=object)
    shapes[:] = merged
    return shapes, rows


def _reach(answer: Assessment, tolerance_m: float) -> dict[str, Any] | None:
    """Return the union of the circles: finer than outlines, as the eye expects round circles."""
    if shapely.is_empty(answer.reached.discs):
        return None
    fine = min(tolerance_m, answer.radius_m / 3000.0)
    shape = np.array([shapely.simplify(answer.reached.discs, fine)], dtype=object)
    (drawn,) = _rounded(answer.frame.to_lon_lat(shape), _DIGITS)
    return {
        "type": "Feature",
        "id": "reach",
        "geometry": json.loads(shapely.to_geojson(drawn)),
        "properties": {"radius_m": answer.radius_m},
    }


def _rounded(shapes: GeometryArray, digits: int) -> GeometryArray:
    rounded = shapely.transform(shapes, lambda positions: np.round(positions, digits))
    return np.asarray(rounded, dtype=object)


def _name_of(answer: Assessment) -> str | None:
    """Return the name of the area asked about, or of the city where there is one."""
    areas = answer.city_areas
    if answer.scope is not None:
        position = areas.position(answer.scope)
        return None if position is None else areas.names[position]
    cities = [at for at, level in enumerate(areas.levels) if level == "city"]
    return areas.names[cities[0]] if len(cities) == 1 else None
