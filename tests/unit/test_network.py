from __future__ import annotations

import csv
import itertools
import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
import shapely
from scipy.sparse.csgraph import floyd_warshall
from shapely.geometry import shape

from gis.coverage.isochrones import around, drawn, reached_stretches
from gis.coverage.network import (
    Attached,
    State,
    Towards,
    at_nodes,
    attach,
    distances,
    nearest_station,
)
from gis.coverage.road_search import nearest_seeds
from gis.coverage.roads import Mode, RoadGraph, node_lines

FloatArray = npt.NDArray[np.float64]
MODES: list[tuple[Mode, Towards]] = [
    ("walk", "stations"),
    ("ride", "stations"),
    ("ride", "points"),
]


@pytest.fixture(scope="module")
def shanghai(shared_data: Path) -> RoadGraph:
    roads = shared_data / "road-network"
    with (roads / "shanghai_center_nodes.csv").open() as file:
        nodes = [(float(row["lon"]), float(row["lat"])) for row in csv.DictReader(file)]
    features = json.loads((roads / "shanghai_center_edges.geojson").read_text("utf-8"))["features"]
    facts = [feature["properties"] for feature in features]
    return RoadGraph.build(
        nodes,
        [(fact["u"] - 1, fact["v"] - 1) for fact in facts],
        [fact["length_m"] for fact in facts],
        lines=[shape(feature["geometry"]) for feature in features],
    )


def rows_of(path: Path) -> list[dict[str, str]]:
    with path.open() as file:
        return list(csv.DictReader(file))


def test_distances_equal_the_reference_of_a_real_network(
    shanghai: RoadGraph, shared_data: Path
) -> None:
    rows = rows_of(shared_data / "road-network" / "shanghai_od_distances.csv")
    here = np.array([int(row["from_node"]) - 1 for row in rows])
    there = np.array([int(row["to_node"]) - 1 for row in rows])
    expected = np.array([float(row["network_distance_m"]) for row in rows])
    everywhere = attach(shanghai, shanghai.nodes)
    assert everywhere.access_m.max() < 1e-6
    for places in (at_nodes(shanghai, np.arange(len(shanghai.nodes))), everywhere):
        points, stations = (
            Attached(places.edge[ends], places.share[ends], places.access_m[ends])
            for ends in (there, here)
        )
        table = distances(shanghai, points, stations, 100_000.0).tocsr()
        found = np.array([table[number, number] for number in range(len(rows))])
        assert np.abs(found - expected).max() < 0.001


def test_reachable_nodes_equal_the_reference_of_a_real_network(
    shanghai: RoadGraph, shared_data: Path
) -> None:
    places = at_nodes(shanghai, np.arange(len(shanghai.nodes)))
    for row in rows_of(shared_data / "road-network" / "shanghai_reachable_counts.csv"):
        station = attach(shanghai, [[float(row["lon"]), float(row["lat"])]])
        for limit in (500, 1000, 2000, 3000):
            found = nearest_station(shanghai, places, station, limit)
            assert (found.state == State.COVERED).sum() == int(row[f"nodes_within_{limit}m"])


def test_components_of_a_real_network(shanghai: RoadGraph) -> None:
    parts = shanghai.components("walk")
    assert (len(parts.nodes), parts.nodes[0]) == (8, 3784)
    assert parts.length_m.sum() == pytest.approx(shanghai.length_m.sum())
    assert (parts.of_edge[parts.of_node[shanghai.start] == 0] == 0).all()


def town(rng: np.random.Generator, size: int = 6) -> RoadGraph:
    """A small grid of streets, some one-way, some without cars or people, two parallel ones."""
    x, y = np.meshgrid(np.arange(size), np.arange(size))
    nodes = np.column_stack([118.3 + 0.002 * x.ravel(), 32.3 + 0.002 * y.ravel()])
    name = np.arange(size * size).reshape(size, size)
    edges = np.concatenate(
        [
            np.column_stack([name[:, :-1].ravel(), name[:, 1:].ravel()]),
            np.column_stack([name[:-1].ravel(), name[1:].ravel()]),
            [[0, 1], [3, 3]],
        ]
    )
    count = len(edges)
    return RoadGraph.build(
        nodes,
        edges,
        rng.uniform(100.0, 400.0, count),
        oneway=rng.integers(-1, 2, count),
        walk=rng.random(count) < 0.9,
        ride=rng.random(count) < 0.9,
    )


def on_edges(rng: np.random.Generator, graph: RoadGraph, mode: Mode, count: int) -> Attached:
    usable = np.flatnonzero(graph.allowed(mode))
    return Attached(
        rng.choice(usable[:25], count), rng.integers(0, 5, count) / 4.0, rng.uniform(0, 50, count)
    )


def by_splitting(
    graph: RoadGraph, points: Attached, stations: Attached, mode: Mode, towards: Towards
) -> FloatArray:
    """Points x stations, with every point and station as a node of its own, by Floyd-Warshall."""
    nodes, places = len(graph.nodes), len(points.edge)
    total = nodes + places + len(stations.edge)
    way = np.full((total, total), np.inf)
    forward, backward = graph.directions(mode)
    edge = np.concatenate([points.edge, stations.edge])
    share = np.concatenate([points.share, stations.share])
    for number in np.flatnonzero(graph.allowed(mode)):
        on = np.flatnonzero(edge == number)
        stops = [(0.0, int(graph.start[number]))]
        stops += sorted((float(share[k]), nodes + int(k)) for k in on)
        stops += [(1.0, int(graph.end[number]))]
        for (from_share, here), (to_share, there) in itertools.pairwise(stops):
            length = (to_share - from_share) * graph.length_m[number]
            if forward[number] or length == 0.0:
                way[here, there] = min(way[here, there], length)
            if backward[number] or length == 0.0:
                way[there, here] = min(way[there, here], length)
    np.fill_diagonal(way, 0.0)
    for middle in range(total):
        way = np.minimum(way, way[:, [middle]] + way[[middle], :])
    table = way[nodes : nodes + places, nodes + places :]
    if towards == "points":
        table = way[nodes + places :, nodes : nodes + places].T
    return table + points.access_m[:, None] + stations.access_m[None, :]


@pytest.mark.parametrize(("mode", "towards"), MODES)
@pytest.mark.parametrize("seed", range(4))
def test_points_on_edges_equal_a_network_split_at_them(
    seed: int, mode: Mode, towards: Towards
) -> None:
    rng = np.random.default_rng(seed)
    graph = town(rng)
    points, stations = on_edges(rng, graph, mode, 60), on_edges(rng, graph, mode, 8)
    expected = by_splitting(graph, points, stations, mode, towards)
    limit = 900.0
    table = distances(graph, points, stations, limit, mode=mode, towards=towards)
    dense = np.full(table.shape, np.inf)
    entries = table.tocoo()
    dense[entries.coords] = entries.data
    within = expected <= limit + 0.001
    assert np.array_equal(np.isfinite(dense), within)
    assert np.abs(dense[within] - expected[within]).max() < 1e-9
    found = nearest_station(graph, points, stations, limit, mode=mode, towards=towards)
    assert np.allclose(found.distance_m, dense.min(axis=1))
    assert ((found.state == State.COVERED) == within.any(axis=1)).all()
    reached = found.station >= 0
    rows = np.flatnonzero(reached)
    assert np.allclose(dense[rows, found.station[reached]], dense[rows].min(axis=1))


@pytest.mark.parametrize(("mode", "towards"), MODES)
def test_stretches_hold_exactly_the_points_within_the_limit(mode: Mode, towards: Towards) -> None:
    rng = np.random.default_rng(5)
    graph = town(rng)
    stations = on_edges(rng, graph, mode, 3)
    stretches = reached_stretches(graph, stations, 350.0, mode=mode, towards=towards)
    usable = np.flatnonzero(graph.allowed(mode))
    edge, share = rng.choice(usable, 4000), rng.random(4000)
    found = nearest_station(
        graph, Attached(edge, share, np.zeros(4000)), stations, 350.0, mode=mode, towards=towards
    )
    inside = [
        bool(
            (
                (stretches.edge == number) & (stretches.begin <= place) & (place <= stretches.end)
            ).any()
        )
        for number, place in zip(edge, share, strict=True)
    ]
    assert inside == (found.state == State.COVERED).tolist()
    lines = drawn(graph, stretches)
    assert shapely.length(graph.frame.to_plane(lines)) == pytest.approx(
        (stretches.end - stretches.begin) * shapely.length(graph.lines[stretches.edge]), rel=1e-6
    )
    assert shapely.contains(around(graph, stretches, 5.0), lines).all()


STREET = RoadGraph.build(
    [[118.30, 32.3], [118.31, 32.3], [118.32, 32.3]],
    [[0, 1], [1, 2]],
    [1000.0, 1000.0],
    oneway=[1, 0],
    ride=[True, True],
)


def test_the_way_to_the_road_counts_and_the_limit_itself_is_within() -> None:
    points = attach(STREET, [[118.305, 32.301]])
    assert points.access_m[0] == pytest.approx(110.9, abs=0.1)
    station = at_nodes(STREET, [2])
    way = 500.0 + 1000.0 + float(points.access_m[0])
    assert nearest_station(STREET, points, station, way).state[0] == State.COVERED
    assert nearest_station(STREET, points, station, way - 0.01).state[0] == State.NOT_COVERED
    assert nearest_station(STREET, points, station).distance_m[0] == pytest.approx(way)


def test_one_way_streets_bind_riders_not_walkers() -> None:
    ahead, behind = attach(STREET, [[118.302, 32.3]]), attach(STREET, [[118.308, 32.3]])
    assert nearest_station(STREET, ahead, behind).distance_m[0] == pytest.approx(600.0, abs=0.1)
    assert nearest_station(STREET, ahead, behind, mode="ride").state[0] == State.COVERED
    assert nearest_station(STREET, behind, ahead, mode="ride").state[0] == State.NOT_COVERED
    back = nearest_station(STREET, behind, ahead, mode="ride", towards="points")
    assert back.distance_m[0] == pytest.approx(600.0, abs=0.1)


def test_far_points_are_not_assessable_and_never_a_number() -> None:
    points = attach(STREET, [[118.305, 32.3], [118.305, 32.31]], snap_m=300.0)
    found = nearest_station(STREET, points, at_nodes(STREET, [0]), 10_000.0)
    assert found.state.tolist() == [State.COVERED, State.NOT_ASSESSABLE]
    assert (found.station[1], found.distance_m[1]) == (-1, np.inf)
    assert not np.isnan(found.distance_m).any()
    assert distances(STREET, points, at_nodes(STREET, [0]), 10_000.0).nnz == 1


def test_points_are_put_on_edges_that_may_be_used() -> None:
    graph = RoadGraph.build(
        [[118.30, 32.3], [118.31, 32.3], [118.30, 32.301], [118.31, 32.301]],
        [[0, 1], [2, 3]],
        walk=[False, True],
    )
    assert attach(graph, [[118.305, 32.3]]).edge.tolist() == [1]
    assert attach(graph, [[118.305, 32.3]], mode="ride").edge.tolist() == [0]
    assert at_nodes(graph, [0]).assessable.tolist() == [False]


def test_equally_near_stations_go_to_the_first() -> None:
    twice = attach(STREET, [[118.305, 32.3], [118.305, 32.3]])
    found = nearest_station(STREET, attach(STREET, STREET.nodes), twice)
    assert found.station.tolist() == [0, 0, 0]
    ends = at_nodes(STREET, [2, 0])
    assert nearest_station(STREET, at_nodes(STREET, [1]), ends).station.tolist() == [0]


def test_a_pair_at_no_distance_is_stored() -> None:
    table = distances(STREET, at_nodes(STREET, [0]), at_nodes(STREET, [0]), 10.0)
    assert (table.nnz, table.data.tolist()) == (1, [0.0])


def test_without_roads_or_stations_nothing_is_covered() -> None:
    empty = RoadGraph.build(np.empty((0, 2)), np.empty((0, 2), dtype=np.intp))
    points = attach(empty, [[118.3, 32.3]])
    assert nearest_station(empty, points, points, 100.0).state.tolist() == [State.NOT_ASSESSABLE]
    assert len(reached_stretches(empty, points, 100.0).edge) == 0
    assert distances(empty, points, points, 100.0).shape == (1, 1)
    nobody = attach(STREET, [])
    found = nearest_station(STREET, at_nodes(STREET, [0]), nobody, 100.0)
    assert found.state.tolist() == [State.NOT_COVERED]
    assert distances(STREET, at_nodes(STREET, [0]), nobody, 100.0).shape == (1, 0)
    assert len(reached_stretches(STREET, nobody, 100.0).edge) == 0
    assert len(empty.components("walk").nodes) == 0


def test_bad_networks_are_refused() -> None:
    nodes = [[118.30, 32.3], [118.31, 32.3]]
    with pytest.raises(ValueError, match="nodes outside"):
        RoadGraph.build(nodes, [[0, 2]])
    with pytest.raises(ValueError, match="lengths"):
        RoadGraph.build(nodes, [[0, 1]], [-1.0])
    with pytest.raises(ValueError, match="oneway"):
        RoadGraph.build(nodes, [[0, 1]], oneway=[2])
    with pytest.raises(ValueError, match="need 1 values"):
        RoadGraph.build(nodes, [[0, 1]], walk=[True, True])
    with pytest.raises(ValueError, match="degrees"):
        RoadGraph.build([[13169000.0, 3800000.0]], np.empty((0, 2), dtype=np.intp))


def line(*points: tuple[float, float]) -> shapely.LineString:
    return shapely.LineString([(118.3 + x / 1000.0, 32.3 + y / 1000.0) for x, y in points])


def test_lines_are_cut_where_they_meet_and_keep_what_they_allow() -> None:
    lines = [line((0, 0), (5, 1), (10, 0)), line((5, -5), (5, 5)), line((10, 0), (20, 0))]
    graph = node_lines(lines, walk=[True, False, True], oneway=[1, -1, 0])
    assert (len(graph.nodes), len(graph.start)) == (6, 5)
    assert graph.components("ride").nodes.tolist() == [6]
    assert sorted(graph.oneway.tolist()) == [-1, -1, 0, 1, 1]
    assert graph.walk.sum() == 3
    assert graph.length_m.sum() == pytest.approx(
        shapely.length(graph.frame.to_plane(np.array(lines, dtype=object))).sum(), abs=0.02
    )
    lon, lat = graph.nodes[graph.start], graph.nodes[graph.end]
    eastward = (lat - lon)[graph.oneway == 1]
    assert (eastward[:, 0] > 0).all()


def test_a_bridge_does_not_meet_the_road_below() -> None:
    lines = [line((0, 0), (10, 0)), line((5, -5), (5, 5)), line((5, 5), (10, 0))]
    assert len(node_lines(lines).start) == 5
    over = node_lines(lines, level=[0, 1, 0])
    assert len(over.start) == 3
    assert over.components("walk").nodes.tolist() == [4]


def test_small_gaps_of_the_drawing_are_closed_on_request() -> None:
    lines = [line((0, 0), (10, 0)), line((10.002, 0), (20, 0))]  # 0.2 m apart
    assert len(node_lines(lines).components("walk").nodes) == 2
    assert node_lines(lines, snap_m=0.5).components("walk").nodes.tolist() == [3]


def test_a_roundabout_keeps_its_direction() -> None:
    ring = line((0, 0), (10, 0), (10, 10), (0, 10), (0, 0))
    graph = node_lines([ring, line((10, 5), (20, 5)), line((-10, 5), (0, 5))], oneway=[1, 0, 0])
    east, west = attach(graph, [[118.315, 32.305]]), attach(graph, [[118.295, 32.305]])
    over_north = nearest_station(graph, east, west, mode="ride").distance_m[0]
    over_south = nearest_station(graph, west, east, mode="ride").distance_m[0]
    assert over_north == pytest.approx(over_south, rel=0.01)
    assert over_north == pytest.approx(2992.0, abs=5.0)


def test_floyd_warshall_agrees_on_nodes() -> None:
    graph = town(np.random.default_rng(2))
    expected = floyd_warshall(graph.matrix("ride"))
    everywhere = at_nodes(graph, np.arange(len(graph.nodes)), mode="ride")
    there = everywhere.assessable
    table = distances(graph, everywhere, everywhere, 1e6, mode="ride").tocoo()
    dense = np.full(table.shape, np.inf)
    dense[table.coords] = table.data
    assert np.allclose(dense[np.ix_(there, there)], expected[np.ix_(there, there)])


@pytest.mark.parametrize("seed", range(3))
def test_any_stride_ends_at_the_same_ways_and_first_stations(seed: int) -> None:
    rng = np.random.default_rng(seed)
    graph = RoadGraph.build(
        rng.uniform(0.0, 0.01, (60, 2)), rng.integers(0, 60, (150, 2)), rng.integers(1, 4, 150)
    )
    matrix = graph.matrix("walk")
    arrays = matrix.indptr.astype(np.int32), matrix.indices.astype(np.int32), matrix.data
    nodes, ways = rng.integers(0, 60, 9), rng.integers(0, 3, 9).astype(np.float64)
    table = floyd_warshall(matrix)[nodes] + ways[:, None]  # many are equal
    for limit in (4.0, np.inf):
        expected = np.where(table.min(axis=0) <= limit, table.min(axis=0), np.inf)
        owners = np.where(np.isfinite(expected), table.argmin(axis=0), -1)
        for stride in (0.5, 2.0, 100.0):
            far, owner = nearest_seeds(arrays, (nodes, ways, np.arange(9)), limit, stride)
            assert far.tolist() == expected.tolist()
            assert owner.tolist() == owners.tolist()
