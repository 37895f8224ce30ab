"""The problems of the coverage bench, made from seeds: the same for us and for the peers."""

from __future__ import annotations

from typing import Final

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array

from gis.coverage.accessibility import STEPS
from gis.coverage.reach import distances, within
from gis.coverage.roads import RoadGraph
from tests.siting_instances import towns

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.intp]

GAP: Final = 0.005
RADIUS_M: Final = 3000.0
STATIONS: Final = 243
HOMES: Final = 200_000
WEST, SOUTH = 118.0, 32.0

__all__ = ["STEPS"]


def homes(count: int = HOMES, stations: int = STATIONS) -> tuple[FloatArray, FloatArray]:
    """Homes and stations as lon, lat: the towns of a 60 x 60 km plain, near 32 N."""
    _, _, points, places = towns(count, stations)
    return (_lon_lat(points), _lon_lat(places))


def _lon_lat(metres: FloatArray) -> FloatArray:
    metres = np.clip(metres, -20_000.0, 80_000.0)
    return metres / np.array([94_000.0, 110_900.0]) + np.array([WEST, SOUTH])


def full_cover(places: int, sites: int) -> csr_array:
    """Coverage of the places that some site reaches."""
    covers, *_ = towns(places, sites)
    return csr_array(covers[np.diff(covers.indptr) > 0])


def network(size: int) -> RoadGraph:
    """A street grid of so many nodes a side, with every tenth street missing."""
    rng = np.random.default_rng(1)
    x, y = np.meshgrid(np.arange(size), np.arange(size))
    shift = rng.uniform(-2e-4, 2e-4, (size * size, 2))
    nodes = np.column_stack([118.1 + x.ravel() * 1e-3, 32.1 + y.ravel() * 9e-4]) + shift
    name = np.arange(size * size).reshape(size, size)
    edges = np.concatenate(
        [
            np.column_stack([name[:, :-1].ravel(), name[:, 1:].ravel()]),
            np.column_stack([name[:-1].ravel(), name[1:].ravel()]),
        ]
    )
    edges = edges[rng.random(len(edges)) > 0.1]
    return RoadGraph.build(nodes, edges, rng.uniform(90.0, 130.0, len(edges)))


def node_stations(graph: RoadGraph) -> IntArray:
    """The nodes at which the stations stand."""
    return np.random.default_rng(2).choice(len(graph.nodes), STATIONS, replace=False)


def access_pairs(
    places: int, stations: int
) -> tuple[IntArray, IntArray, FloatArray, FloatArray, FloatArray]:
    """Place, station and metres of every pair within 3 km; people and posts."""
    here, there = homes(places, stations)
    pairs = within(here, there, RADIUS_M).tocoo()
    point, station = pairs.coords
    metres = distances(here[point], there[station])
    rng = np.random.default_rng(3)
    people = rng.integers(1, 100, places).astype(np.float64)
    posts = rng.integers(1, 40, stations).astype(np.float64)
    return point.astype(np.intp), station.astype(np.intp), metres, people, posts
