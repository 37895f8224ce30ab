"""The grid of a point is exact: against integer arithmetic, GEOS and PostGIS."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import shapely
import sqlalchemy as sa

from gis.geometry.cell_index import CellIndex
from gis.governance.actors import SYSTEM
from gis.store.unit_of_work import Database
from tests import exact

RANDOM_POINTS = 100_000
PROBED_GRIDS = 200


@pytest.fixture(scope="module")
def index(demo_city: Database) -> CellIndex:
    with demo_city.reading(SYSTEM) as work:
        rows = work.rows(
            sa.text(
                "select area_code, ST_AsBinary(geometry) as wkb from area_versions "
                "where level = 'grid' and kind = 'general' order by area_code"
            )
        )
    return CellIndex.build(
        [shapely.from_wkb(row["wkb"]) for row in rows], [row["area_code"] for row in rows]
    )


@pytest.fixture(scope="module")
def random_points(index: CellIndex) -> np.ndarray:
    generator = np.random.default_rng(20261123)
    west, south, east, north = shapely.total_bounds(index.geometries)
    return generator.uniform((west, south), (east, north), (RANDOM_POINTS, 2))


@pytest.fixture(scope="module")
def edge_points(index: CellIndex) -> np.ndarray:
    """Every vertex and edge midpoint of 200 grids, and the points one ulp beside them."""
    parts = []
    for geometry in index.geometries[:PROBED_GRIDS]:
        for ring in shapely.get_rings(shapely.get_parts(geometry)):
            vertices = shapely.get_coordinates(ring)
            parts += [vertices, (vertices[:-1] + vertices[1:]) / 2]
    points = np.vstack(parts)
    beside = points.copy()
    beside[:, 0] = np.nextafter(beside[:, 0], np.inf)
    below = points.copy()
    below[:, 1] = np.nextafter(below[:, 1], -np.inf)
    return np.vstack([points, beside, below])


def owners_by(
    index: CellIndex,
    points: np.ndarray,
    covers_all: Callable[[shapely.Geometry, np.ndarray], np.ndarray],
) -> np.ndarray:
    """The written tie rule over any predicate: smallest code of all areas that cover."""
    owners = np.full(len(points), -1)
    tree = shapely.STRtree(shapely.points(points))
    for position in sorted(range(len(index)), key=index.keys.__getitem__, reverse=True):
        near = tree.query(shapely.box(*index.geometries[position].bounds))
        inside = near[covers_all(index.geometries[position], points[near])]
        owners[inside] = position  # the last one to write has the smallest code
    return owners


def test_random_points_equal_geos(index: CellIndex, random_points: np.ndarray) -> None:
    found = index.locate(random_points[:, 0], random_points[:, 1])
    expected = owners_by(
        index, random_points, lambda area, points: shapely.covers(area, shapely.points(points))
    )
    assert np.array_equal(found, expected)
    assert (found >= 0).mean() > 0.3, "the points hardly met the city"


def test_edges_equal_integer_arithmetic(index: CellIndex, edge_points: np.ndarray) -> None:
    found = index.locate(edge_points[:, 0], edge_points[:, 1])
    assert np.array_equal(found, owners_by(index, edge_points, exact.covers_all))
    vertices = len(edge_points) // 3
    assert (found[:vertices] >= 0).mean() > 0.5


def test_single_look_up_equals_arrays(index: CellIndex, edge_points: np.ndarray) -> None:
    sample = edge_points[:: max(1, len(edge_points) // 3000)]
    together = index.locate(sample[:, 0], sample[:, 1])
    for (lon, lat), position in zip(sample, together, strict=True):
        covering = index.covering(lon, lat)
        assert (covering[0] if covering else -1) == position
        assert covering == sorted(covering, key=index.keys.__getitem__)


def test_owner_does_not_depend_on_order(index: CellIndex, edge_points: np.ndarray) -> None:
    order = np.random.default_rng(1).permutation(len(index))
    shuffled = CellIndex.build(list(index.geometries[order]), [index.keys[i] for i in order])
    found = index.locate(edge_points[:, 0], edge_points[:, 1])
    again = shuffled.locate(edge_points[:, 0], edge_points[:, 1])
    back = np.append(order, -1)
    assert np.array_equal(found, back[again])


def test_postgis_differs_only_within_1e_12_degrees_of_an_edge(
    index: CellIndex,
    demo_city: Database,
    random_points: np.ndarray,
    edge_points: np.ndarray,
    record_property: pytest.RecordProperty,
) -> None:
    points = np.vstack([random_points, edge_points])
    with demo_city.transaction(SYSTEM) as work:
        work.execute(sa.text("create temp table probes (n int, at geometry) on commit drop"))
        with work.driver.cursor().copy("copy probes from stdin") as copy:
            located = shapely.set_srid(shapely.points(points), 4326)
            for row in enumerate(shapely.to_wkb(located, hex=True, include_srid=True)):
                copy.write_row(row)
        work.execute(sa.text("create index on probes using gist (at)"))
        work.execute(sa.text("analyze probes"))
        rows = work.rows(
            sa.text(
                'select n, min(area_code collate "C") as code from probes join area_versions '
                "on level = 'grid' and kind = 'general' and ST_Covers(geometry, at) group by n"
            )
        )
    found = index.locate(points[:, 0], points[:, 1])
    by_postgis = {row["n"]: row["code"] for row in rows}
    ours = np.array([index.keys[position] if position >= 0 else "" for position in found])
    theirs = np.array([by_postgis.get(number, "") for number in range(len(points))])
    lines = shapely.STRtree(shapely.boundary(index.geometries))
    differences = []
    for number in np.flatnonzero(ours != theirs):
        point = shapely.Point(points[number])
        distance = point.distance(lines.geometries[lines.nearest(point)])
        differences.append((point.wkt, str(ours[number]), str(theirs[number]), float(distance)))
    record_property("postgis_differences", differences)
    for difference in differences:
        print(difference)
    assert all(distance <= 1e-12 for *_, distance in differences)
