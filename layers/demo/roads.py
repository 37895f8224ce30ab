"""The road network 路网: one connected graph over the mesh.

Town streets run along the borders of blocks; country roads run from cell to cell. National roads
join the county seats, county roads the towns, village roads the rest; each kind is the union of
cheapest paths that prefer roads already there, so they merge as real ones do.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array
from scipy.sparse.csgraph import connected_components, dijkstra, minimum_spanning_tree

from layers.demo import chains
from layers.demo.borders import OUTSIDE
from layers.demo.frame import Floats, Ints
from layers.demo.mesh import Mesh
from layers.demo.towns import Town

CLASSES: Final = ("national", "county", "arterial", "street", "village")
"""From important to small; positions are the labels used here."""
NATIONAL, COUNTY, ARTERIAL, STREET, VILLAGE = range(5)
NONE: Final = 9
ARTERIAL_EVERY: Final = 4
STREET_KEPT: Final = 0.72


@dataclass(frozen=True, slots=True)
class Roads:
    """Road edges between junctions.

    Attributes
    ----------
    lines
        LineStrings in metres of the plane.
    road_class
        Position in ``CLASSES``.
    town, axis, number
        For streets: the town, 0 for columns or 1 for rows of its lattice, and the line's number;
        -1 elsewhere.
    serves
        Per edge a cell beside it, for the name of country roads.
    """

    lines: NDArray[Any]
    road_class: Ints
    town: Ints
    axis: Ints
    number: Ints
    serves: Ints


@dataclass(slots=True)
class _Graph:
    """Possible road edges: nodes are mesh vertices, then cells (shifted by the vertex count)."""

    points: Floats
    ends: Ints
    cost: Floats
    kind: Ints
    town: Ints
    axis: Ints
    number: Ints

    def matrix(self, cost: Floats) -> csr_array:
        size = len(self.points)
        first, second = self.ends.T
        return csr_array(
            (np.r_[cost, cost], (np.r_[first, second], np.r_[second, first])), shape=(size, size)
        )


def build_roads(
    mesh: Mesh, towns: list[Town], villages: Ints, hamlets: Ints, rng: np.random.Generator
) -> Roads:
    """Return the network that joins all towns, all cells in ``villages`` and in ``hamlets``."""
    graph = _possible(mesh, rng)
    kind = graph.kind.copy()
    centres = _town_nodes(mesh, graph, towns)
    seats = [k for k, town in enumerate(towns) if town.is_seat]
    _join(graph, kind, centres[seats], NATIONAL, 0.5)
    _join(graph, kind, centres, COUNTY, 0.45)
    _join(graph, kind, villages + len(mesh.vertices), VILLAGE, 0.3)
    _reach(graph, kind, hamlets + len(mesh.vertices), VILLAGE)
    used = _without_stubs(graph, kind)
    size = len(graph.points)
    first, second = graph.ends[used].T
    joined = coo_array((np.ones(len(used)), (first, second)), shape=(size, size))
    _, piece = connected_components(joined, directed=False)
    main = np.bincount(piece[first]).argmax()
    used = used[piece[first] == main]
    return _merged(mesh, graph, kind, used)


def _without_stubs(graph: _Graph, kind: Ints) -> Ints:
    """Return the edges in use without the streets that end in nothing at the edge of town."""
    used = np.flatnonzero(kind != NONE)
    for _ in range(3):
        degree = np.bincount(graph.ends[used].ravel(), minlength=len(graph.points))
        loose = (degree[graph.ends[used]] == 1).any(axis=1) & (kind[used] == STREET)
        used = used[~loose]
    return used


def _possible(mesh: Mesh, rng: np.random.Generator) -> _Graph:
    shift = len(mesh.vertices)
    first, second = mesh.edge_cells.T
    inner = (mesh.county[first] != OUTSIDE) & (mesh.county[second] != OUTSIDE)
    built = mesh.town >= 0
    street = inner & built[first] & (mesh.town[first] == mesh.town[second])
    country = inner & ~built[first] & ~built[second]
    fringe = inner & (built[first] != built[second])

    step = np.abs(mesh.block[first] - mesh.block[second])
    axis = np.where((step[:, 1] == 0) & (step[:, 0] == 1), 0, -1)
    axis = np.where((step[:, 0] == 0) & (step[:, 1] == 1), 1, axis)
    higher = np.maximum(mesh.block[first], mesh.block[second])
    number = np.where(
        axis >= 0, np.take_along_axis(higher, np.maximum(axis, 0)[:, None], 1)[:, 0], -1
    )
    is_main = (axis >= 0) & (number % ARTERIAL_EVERY == 0)
    kept = is_main | (axis < 0) | (rng.random(len(first)) < STREET_KEPT)
    streets = np.flatnonzero(street & kept)
    roads = np.flatnonzero(country)
    links = np.flatnonzero(fringe)
    rural = np.where(built[first[links]], second[links], first[links])
    on_street = np.zeros(shift, bool)
    on_street[mesh.edge_ends[streets].ravel()] = True
    gate = mesh.edge_ends[links]
    gate = np.where(on_street[gate[:, 0]], gate[:, 0], gate[:, 1])
    open_gate = on_street[gate]
    links, rural, gate = links[open_gate], rural[open_gate], gate[open_gate]

    points = np.vstack([mesh.vertices, mesh.sites])
    ends = np.vstack(
        [
            mesh.edge_ends[streets],
            np.column_stack([first[roads], second[roads]]) + shift,
            np.column_stack([rural + shift, gate]),
        ]
    )
    length = np.hypot(*(points[ends[:, 0]] - points[ends[:, 1]]).T) + 0.01
    count = len(roads) + len(links)
    kind = np.r_[np.where(is_main[streets], ARTERIAL, STREET), np.full(count, NONE)]
    effort = np.r_[np.where(is_main[streets], 0.6, 0.9), rng.uniform(0.85, 1.5, count)]
    nothing = np.full(count, -1)
    return _Graph(
        points,
        ends,
        length * effort,
        kind,
        np.r_[mesh.town[first[streets]], nothing],
        np.r_[axis[streets], nothing],
        np.r_[number[streets], nothing],
    )


def _town_nodes(mesh: Mesh, graph: _Graph, towns: list[Town]) -> Ints:
    """Return for every town the node nearest to its centre, on a main street where it has one."""
    nodes = []
    for position, town in enumerate(towns):
        mine = np.flatnonzero((graph.town == position) & (graph.kind == ARTERIAL))
        if len(mine) == 0:
            mine = np.flatnonzero(graph.town == position)
        candidates = (
            np.unique(graph.ends[mine])
            if len(mine)
            else np.flatnonzero(mesh.county == town.county) + len(mesh.vertices)
        )
        distance = ((graph.points[candidates] - town.centre) ** 2).sum(axis=1)
        nodes.append(candidates[distance.argmin()])
    return np.array(nodes)


def _join(graph: _Graph, kind: Ints, centres: Ints, label: int, extra: float) -> None:
    """Join neighbouring centres: a spanning tree and the shortest ``extra`` share of the rest.

    Basins of the nearest centre meet at edges; the cheapest meeting of two basins gives the path.
    """
    if len(centres) < 2:
        return
    cost = _preferring(graph, kind)
    reach, before, source = dijkstra(
        graph.matrix(cost), indices=centres, min_only=True, return_predecessors=True
    )
    basin = np.full(len(graph.points), -1)
    basin[centres] = np.arange(len(centres))
    reached = np.isfinite(reach)
    basin[reached] = basin[source[reached]]
    first, second = graph.ends.T
    meets = np.flatnonzero(
        (basin[first] != basin[second]) & (basin[first] >= 0) & (basin[second] >= 0)
    )
    total = reach[first[meets]] + cost[meets] + reach[second[meets]]
    low = np.minimum(basin[first[meets]], basin[second[meets]])
    high = np.maximum(basin[first[meets]], basin[second[meets]])
    order = np.lexsort((total, high, low))
    pair = low[order] * len(centres) + high[order]
    best = order[np.r_[True, pair[1:] != pair[:-1]]]
    tree = minimum_spanning_tree(
        csr_array((total[best], (low[best], high[best])), shape=(len(centres),) * 2)
    ).tocoo()
    in_tree = set(zip(tree.row.tolist(), tree.col.tolist(), strict=True))
    rest = [k for k in best if (int(low[k]), int(high[k])) not in in_tree]
    rest = sorted(rest, key=lambda k: (total[k], k))[: int(extra * len(rest))]
    chosen = [k for k in best if (int(low[k]), int(high[k])) in in_tree] + rest
    nodes = np.unique(np.r_[first[meets[chosen]], second[meets[chosen]]])
    _mark(kind, _path_edges(graph, before, nodes), label)
    _mark(kind, meets[np.array(chosen, np.int64)], label)


def _reach(graph: _Graph, kind: Ints, nodes: Ints, label: int) -> None:
    """Join every node to the network of edges that are in use."""
    start = np.unique(graph.ends[np.isin(kind, (NATIONAL, COUNTY, ARTERIAL, VILLAGE))])
    _, before, _ = dijkstra(
        graph.matrix(_preferring(graph, kind)),
        indices=start,
        min_only=True,
        return_predecessors=True,
    )
    _mark(kind, _path_edges(graph, before, nodes), label)


def _preferring(graph: _Graph, kind: Ints) -> Floats:
    return graph.cost * np.where(kind <= COUNTY, 0.45, 1.0)


def _path_edges(graph: _Graph, before: Ints, nodes: Ints) -> Ints:
    """Return the edges on the paths back from ``nodes`` to their sources."""
    size = len(graph.points)
    seen = np.zeros(size, bool)
    current = nodes
    while len(current):
        current = np.unique(current[(before[current] >= 0) & ~seen[current]])
        seen[current] = True
        current = before[current]
    tip = np.flatnonzero(seen)
    low = np.minimum(tip, before[tip]).astype(np.int64)
    wanted = low * size + np.maximum(tip, before[tip])
    have = graph.ends.min(axis=1) * size + graph.ends.max(axis=1)
    return np.flatnonzero(np.isin(have, wanted))


def _mark(kind: Ints, edges: Ints, label: int) -> None:
    # A street keeps its class under a village road; the more important class wins.
    kind[edges] = np.minimum(kind[edges], label)


def _merged(mesh: Mesh, graph: _Graph, kind: Ints, used: Ints) -> Roads:
    """Merge edges that meet at nodes of two into one LineString."""
    alike = np.column_stack([kind[used], graph.town[used], graph.axis[used], graph.number[used]])
    paths, heads = chains.follow_chains(graph.ends[used], alike)
    shift = len(mesh.vertices)
    lines = np.array([chains.path_line(graph.points, path, shift) for path in paths], object)
    middle = np.array([path[len(path) // 2] for path in paths])
    serves = np.where(middle >= shift, middle - shift, -1)
    head = used[heads]
    return Roads(lines, kind[head], graph.town[head], graph.axis[head], graph.number[head], serves)
