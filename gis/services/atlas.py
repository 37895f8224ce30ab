"""What the atlas maps show: every grid with its people, and where events happen."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely

from gis.errors import AreaUnknown, NoPublishedBoundary, OutsideScope
from gis.geometry.circles import EqualAreaFrame, GeometryArray, circles
from gis.governance.actors import Actor
from gis.store import areas as area_store
from gis.store import atlas as store
from gis.store import city
from gis.store.city import Source as Source  # noqa: PLC0414 - what maps name
from gis.store.unit_of_work import Database, UnitOfWork

SIMPLE_M: Final = 20.0
"""Tolerance of outlines in metres: half a pixel at zoom 12, where grids can be told apart."""
REACH_M: Final = 3000.0
CELL_DEGREES: Final = 0.005
FEWEST: Final = 3
_OVER: Final = ("dedicated", "micro")


@dataclass(frozen=True, slots=True)
class AtlasView:
    """What an atlas draws, as GeoJSON features in lon/lat.

    ``areas`` are the grids (or the cells with events), ``over`` the dedicated grids that lie over
    them, ``outlines`` the counties, ``reach`` the
    edge of what lies within 3 km of a station.
    """

    title: str | None
    areas: list[dict[str, Any]]
    over: list[dict[str, Any]]
    outlines: list[dict[str, Any]]
    stations: list[dict[str, Any]]
    reach: dict[str, Any] | None
    bounds: tuple[float, float, float, float]
    revision: int
    source: Source


def grid_atlas(
    database: Database, actor: Actor, area: str | None, at: datetime | None = None
) -> AtlasView:
    """Return every grid of an area, as in force then (``at``), with people, workers and stations.

    Raises
    ------
    gis.errors.AreaUnknown, gis.errors.OutsideScope, gis.errors.NoPublishedBoundary
    """
    with database.reading(actor) as work:
        revision, scope, title = _scope(work, actor, area, at)
        rows = store.areas(work, revision, "grid", scope)
        outlines = store.areas(work, revision, "county", scope[:6])
        stations = city.open_stations(work)
        source = city.source_of(work, revision)
    general = [row for row in rows if row["kind"] not in _OVER]
    bounds = _bounds(general or outlines)
    frame = EqualAreaFrame.around((bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2)
    return AtlasView(
        title=title,
        areas=_features(general, _simplified(frame, general)),
        over=_features(over := [row for row in rows if row["kind"] in _OVER], _shapes(over)),
        outlines=_features(outlines, _simplified(frame, outlines)),
        stations=_stations(stations, bounds),
        reach=_reach(frame, stations.positions, bounds),
        bounds=bounds,
        revision=revision,
        source=source,
    )


def urban_communities(
    database: Database, actor: Actor, area: str | None, at: datetime | None = None
) -> AtlasView:
    """Return the urban communities of an area and the stations among them.

    Raises
    ------
    gis.errors.AreaUnknown, gis.errors.OutsideScope, gis.errors.NoPublishedBoundary
    """
    with database.reading(actor) as work:
        revision, scope, title = _scope(work, actor, area, at)
        rows = [
            row for row in store.areas(work, revision, "community", scope) if row["kind"] != "rural"
        ]
        outlines = store.areas(work, revision, "county", scope[:6])
        stations = city.open_stations(work)
        source = city.source_of(work, revision)
    bounds = _bounds(outlines)
    frame = EqualAreaFrame.around((bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2)
    return AtlasView(
        title=title,
        areas=_features(rows, _simplified(frame, rows)),
        over=[],
        outlines=_features(outlines, _simplified(frame, outlines)),
        stations=_stations(stations, bounds),
        reach=None,
        bounds=bounds,
        revision=revision,
        source=source,
    )


def event_density(
    database: Database, actor: Actor, area: str | None, at: datetime | None = None
) -> AtlasView:
    """Return the events of the last year in cells of half a kilometre, and the counties.

    Raises
    ------
    gis.errors.AreaUnknown, gis.errors.OutsideScope, gis.errors.NoPublishedBoundary
    """
    with database.reading(actor) as work:
        revision, scope, title = _scope(work, actor, area, at)
        cells = store.event_cells(work, scope, side=CELL_DEGREES, fewest=FEWEST)
        outlines = store.areas(work, revision, "county", scope[:6])
        source = city.source_of(work, revision)
    bounds = _bounds(outlines)
    frame = EqualAreaFrame.around((bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2)
    return AtlasView(
        title=title,
        areas=[_cell(row["x"], row["y"], row["events"]) for row in cells],
        over=[],
        outlines=_features(outlines, _simplified(frame, outlines)),
        stations=[],
        reach=None,
        bounds=bounds,
        revision=revision,
        source=source,
    )


def _cell(x: int, y: int, events: int) -> dict[str, Any]:
    west, south = x * CELL_DEGREES, y * CELL_DEGREES
    box = shapely.box(west, south, west + CELL_DEGREES, south + CELL_DEGREES)
    return {
        "type": "Feature",
        "id": f"{x}_{y}",
        "geometry": json.loads(shapely.to_geojson(box)),
        "properties": {"events": events},
    }


def _scope(
    work: UnitOfWork, actor: Actor, area: str | None, at: datetime | None
) -> tuple[int, str, str | None]:
    """Return the revision in force then, the code prefix of what is asked about, and its name."""
    revision = area_store.published_revision(work, at)
    if revision is None:
        raise NoPublishedBoundary
    code = area or actor.area_code
    if code is None:
        names = store.areas(work, revision, "city", "")
        return revision, "", names[0]["name"] if names else None
    if not actor.covers(code):
        raise OutsideScope(scope=actor.area_code or "-", code=code)
    found = area_store.feature(work, code, revision)
    if found is None:
        raise AreaUnknown(code=code)
    return revision, code.removesuffix("00"), found["name"]


def _shapes(rows: Sequence[Any]) -> GeometryArray:
    shapes = np.empty(len(rows), dtype=object)
    shapes[:] = [shapely.from_wkb(row["wkb"]) for row in rows]
    return shapes


def _simplified(frame: EqualAreaFrame, rows: Sequence[Any]) -> GeometryArray:
    """Return the outlines of a coverage simplified together: neighbours keep their edges."""
    shapes = _shapes(rows)
    if not rows:
        return shapes
    simple = shapely.coverage_simplify(frame.to_plane(shapes), SIMPLE_M)
    return frame.to_lon_lat(np.asarray(simple, dtype=object))


def _bounds(rows: Sequence[Any]) -> tuple[float, float, float, float]:
    west, south, east, north = shapely.total_bounds(_shapes(rows)).tolist()
    return west, south, east, north


def _features(rows: Sequence[Any], shapes: GeometryArray) -> list[dict[str, Any]]:
    return [
        {
            "type": "Feature",
            "id": row["code"],
            "geometry": json.loads(shapely.to_geojson(shape)),
            "properties": {key: row[key] for key in row if key != "wkb"},
        }
        for row, shape in zip(rows, shapes, strict=True)
    ]


def _stations(
    stations: city.Stations, bounds: tuple[float, float, float, float]
) -> list[dict[str, Any]]:
    west, south, east, north = bounds
    return [
        {
            "type": "Feature",
            "id": code,
            "geometry": {"type": "Point", "coordinates": [lon, lat]},
            "properties": {
                "code": code,
                "name": stations.names[number],
                "kind": stations.kinds[number],
            },
        }
        for number, (code, (lon, lat)) in enumerate(
            zip(stations.codes, stations.positions.tolist(), strict=True)
        )
        if west <= lon <= east and south <= lat <= north
    ]


def _reach(
    frame: EqualAreaFrame,
    positions: npt.NDArray[np.float64],
    bounds: tuple[float, float, float, float],
) -> dict[str, Any] | None:
    west, south, east, north = bounds
    rings = circles(positions, REACH_M, equal_area=True)
    near = rings[shapely.intersects(rings, shapely.box(west, south, east, north))]
    if not len(near):
        return None
    union = shapely.simplify(shapely.union_all(frame.to_plane(near)), 3.0)
    (shape,) = frame.to_lon_lat(np.array([union], dtype=object))
    return {
        "type": "Feature",
        "id": "reach",
        "geometry": json.loads(shapely.to_geojson(shape)),
        "properties": {},
    }
