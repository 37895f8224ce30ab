"""A coverage question as a view that maps draw."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import shapely

from gis.coverage.isochrones import drawn, reached_stretches
from gis.coverage.network import attach
from gis.geometry.circles import circles
from gis.services.coverage_answer import as_contract
from gis.services.coverage_gaps import rounded

if TYPE_CHECKING:
    from gis.geometry.circles import EqualAreaFrame, GeometryArray
    from gis.services.coverage_answer import Assessment
    from gis.store.city import Source


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


def as_view(answer: Assessment) -> CoverageView:
    """Return an assessment as a map shows it."""
    plane = answer.parts.plane
    west, south, east, north = shapely.total_bounds(plane)
    tolerance_m = float(np.clip(max(east - west, north - south) / _PIXELS, 0.5, 150.0))
    contract = as_contract(answer, drawn_to_m=tolerance_m, digits=_DIGITS)
    simple = np.asarray(shapely.coverage_simplify(plane, tolerance_m), dtype=object)
    lived_in = [gap for gap in contract["gaps"]["features"] if gap["properties"]["people"]]
    positions = zip(answer.stations.codes, answer.stations.positions.tolist(), strict=True)
    return CoverageView(
        title=_name_of(answer),
        answer=contract,
        areas=_features(answer.parts.frame, simple, contract["areas"]),
        counties=_features(answer.parts.frame, *_merged(answer, simple)),
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
        bounds=tuple(shapely.bounds(answer.parts.scope_outline).tolist()),
        source=answer.source,
    )


_PIXELS: Final = 1200.0
_METRES: Final = 111_000.0  # of a degree, near enough to draw by
_DIGITS: Final = 5  # of a degree: one metre


def _features(
    frame: EqualAreaFrame, plane: GeometryArray, properties: list[dict[str, Any]]
) -> list[dict[str, Any]]:
    shapes = rounded(frame.to_lon_lat(plane), _DIGITS)
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
    for number, start in enumerate(answer.parts.areas):
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
    """Return what is within reach: the union of the circles, or the stretches of road."""
    positions = answer.stations.positions[answer.stations.open]
    radius_m = answer.rule.radius_m
    if answer.graph is not None:
        at = attach(answer.graph, positions, mode=answer.rule.mode, snap_m=answer.rule.snap_m)
        reached = reached_stretches(
            answer.graph, at, radius_m, mode=answer.rule.mode, towards=answer.rule.towards
        )
        lines = shapely.simplify(drawn(answer.graph, reached), tolerance_m / _METRES)
        inside = shapely.intersects(lines, shapely.box(*shapely.bounds(answer.parts.scope_outline)))
        shape: Any = shapely.multilinestrings(lines[inside])
    else:
        # finer than outlines, as the eye expects round circles
        fine = min(tolerance_m, radius_m / 3000.0)
        plane = answer.parts.frame.to_plane(circles(positions, radius_m, equal_area=True))
        ground = shapely.box(*shapely.total_bounds(answer.parts.plane))
        union = shapely.union_all(plane[shapely.intersects(plane, ground)])
        simple = np.array([shapely.simplify(union, fine)], dtype=object)
        (shape,) = answer.parts.frame.to_lon_lat(simple)
    if shapely.is_empty(shape):
        return None
    (shown,) = rounded(np.array([shape], dtype=object), _DIGITS)
    return {
        "type": "Feature",
        "id": "reach",
        "geometry": json.loads(shapely.to_geojson(shown)),
        "properties": {"radius_m": radius_m, "reach": answer.rule.reach},
    }


def _name_of(answer: Assessment) -> str | None:
    """Return the name of the area asked about, or of the city where there is one."""
    areas = answer.city_areas
    if answer.parts.scope is not None:
        position = areas.position(answer.parts.scope)
        return None if position is None else areas.names[position]
    cities = [at for at, level in enumerate(areas.levels) if level == "city"]
    return areas.names[cities[0]] if len(cities) == 1 else None
