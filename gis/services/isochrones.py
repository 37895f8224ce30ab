"""Isochrones 等时线: stretches of road within distances of places, and the people within reach."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Final

import numpy as np
import shapely

from gis.coverage.isochrones import around, drawn, reached_stretches
from gis.coverage.network import Attached, Towards, nearest_station
from gis.coverage.roads import Mode
from gis.services.city_memory import memory_of
from gis.services.city_reading import CityReading
from gis.services.coverage_gaps import rounded
from gis.services.coverage_question import checked_rule
from gis.services.demand import demand_of

if TYPE_CHECKING:
    from gis.governance.actors import Actor
    from gis.store.unit_of_work import Database

WIDTH_M: Final = 40.0
"""Half the width of the drawn area around a stretch."""
_DIGITS: Final = 6


@dataclass(frozen=True, slots=True)
class IsochroneQuestion:
    """Asks what lies within distances of points (lon, lat) along roads."""

    points: tuple[tuple[float, float], ...]
    distances_m: tuple[float, ...] = (3000.0,)
    mode: Mode = "walk"
    towards: Towards = "stations"
    snap_m: float = 200.0
    polygons: bool = True


def isochrones(database: Database, actor: Actor, question: IsochroneQuestion) -> dict[str, Any]:
    """Return the reached stretches, cut at the exact distance, and the people within reach.

    Returns
    -------
    dict
        ``edges`` (GeoJSON lines with ``distance_m``, the limit that they lie within, ``length_m``),
        ``polygons`` (drawing only, nothing is counted with them), ``reached`` (for each distance
        the length of road and the people), ``not_assessable`` (points farther than ``snap_m`` from
        every road).

    Raises
    ------
    gis.errors.GovernanceError
        RadiusInvalid, PlanningInvalid (422), NetworkMissing, NoPublishedBoundary (503).
    """
    limits = sorted(set(question.distances_m))
    rules = [
        checked_rule("network", limit, question.mode, question.towards, question.snap_m)
        for limit in limits
    ]
    with database.reading(actor, snapshot=True) as work:
        reading = CityReading(work, memory_of(database))
        graph = reading.network()
        demand = demand_of(reading)
        homes = reading.attached(demand, rules[0])
        at = reading.put_on_roads(np.array(question.points), rules[0])
    rule = rules[0]
    edges: list[dict[str, Any]] = []
    polygons: list[dict[str, Any]] = []
    reached: list[dict[str, Any]] = []
    within = nearest_station(graph, homes, at, limits[-1], mode=rule.mode, towards=rule.towards)
    for limit in limits:
        found = reached_stretches(graph, at, limit, mode=rule.mode, towards=rule.towards)
        lines = rounded(drawn(graph, found), _DIGITS)
        texts = shapely.to_geojson(lines)
        edges += [
            _feature(json.loads(text), distance_m=limit, length_m=round(float(length), 3))
            for text, length in zip(texts, found.length_m, strict=True)
        ]
        if question.polygons:
            area = rounded(np.array([around(graph, found, WIDTH_M)], dtype=object), _DIGITS)[0]
            shape = None if shapely.is_empty(area) else json.loads(shapely.to_geojson(area))
            polygons.append(_feature(shape, distance_m=limit, for_drawing_only=True))
        inside = within.distance_m <= limit + 0.001
        reached.append(
            {
                "distance_m": limit,
                "road_m": round(float(found.length_m.sum()), 3),
                "people": int(demand.people[inside].sum()),
            }
        )
    return {
        "edges": {"type": "FeatureCollection", "features": edges},
        "polygons": {"type": "FeatureCollection", "features": polygons},
        "reached": reached,
        "not_assessable": _lost(at),
        "question": {**rule.facts(), "radius_m": None, "distances_m": limits},
        "boundary_revision": reading.basis.revision,
    }


def _lost(at: Attached) -> list[int]:
    return [int(number) for number in np.flatnonzero(~at.assessable)]


def _feature(geometry: dict[str, Any] | None, **facts: object) -> dict[str, Any]:
    return {"type": "Feature", "geometry": geometry, "properties": facts}
