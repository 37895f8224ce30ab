"""Bounded Dijkstra from many stations, one after the other, compiled.

Each search settles only the nodes within its limit and touches only the points that hang on them,
so that 3,000 searches of 3 km cost what they reach, not 3,000 times the network. Ways are summed
from the station outwards, as a Dijkstra over the same arrays does.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from gis.geometry.compiled import compiled

FloatArray = npt.NDArray[np.float64]
IntArray = npt.NDArray[np.int64]


@compiled
def _put(ways: FloatArray, nodes: IntArray, waiting: int, way: float, node: int) -> int:
    """Put a node into the heap and return how many wait in it."""
    child = waiting
    while child > 0 and ways[(child - 1) >> 1] > way:
        ways[child], nodes[child] = ways[(child - 1) >> 1], nodes[(child - 1) >> 1]
        child = (child - 1) >> 1
    ways[child], nodes[child] = way, node
    return waiting + 1


@compiled
def _drop_first(ways: FloatArray, nodes: IntArray, waiting: int) -> int:
    """Take the nearest node out of the heap and return how many wait in it."""
    waiting -= 1
    way, node = ways[waiting], nodes[waiting]
    hole, child = 0, 1
    while child < waiting:
        if child + 1 < waiting and ways[child + 1] < ways[child]:
            child += 1
        if ways[child] >= way:
            break
        ways[hole], nodes[hole] = ways[child], nodes[child]
        hole = child
        child = 2 * hole + 1
    ways[hole], nodes[hole] = way, node
    return waiting


@compiled
def _improve(best: FloatArray, touched: IntArray, found: int, place: int, way: float) -> int:
    """Keep the shorter way to a place; return how many places are known."""
    if way < best[place]:
        if best[place] == np.inf:
            touched[found] = place
            found += 1
        best[place] = way
    return found


@compiled
def _from_station(
    network: tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], FloatArray],
    seeds: tuple[IntArray, FloatArray],
    hanging: tuple[IntArray, FloatArray, IntArray],
    heap: tuple[FloatArray, IntArray],
    far: tuple[FloatArray, IntArray],
    best: tuple[FloatArray, IntArray],
    limit: float,
) -> tuple[int, int]:
    """Search from the seeds of one station; return how many nodes and points were touched."""
    indptr, indices, lengths = network
    ways, nodes = heap
    waiting, reached, found = 0, 0, 0
    for place in range(len(seeds[0])):
        node, way = seeds[0][place], seeds[1][place]
        if way <= limit and way < far[0][node]:
            reached = _improve(far[0], far[1], reached, node, way)
            waiting = _put(ways, nodes, waiting, way, node)
    while waiting > 0:
        way, node = ways[0], nodes[0]
        waiting = _drop_first(ways, nodes, waiting)
        if way > far[0][node]:
            continue
        for place in range(hanging[2][node], hanging[2][node + 1]):
            point, there = hanging[0][place], way + hanging[1][place]
            found = _improve(best[0], best[1], found, point, there)
        for place in range(indptr[node], indptr[node + 1]):
            other, there = indices[place], way + lengths[place]
            if there <= limit and there < far[0][other]:
                reached = _improve(far[0], far[1], reached, other, there)
                waiting = _put(ways, nodes, waiting, there, other)
    return reached, found


@compiled
def ways_to_points(
    network: tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], FloatArray],
    seeds: tuple[IntArray, FloatArray, IntArray],
    direct: tuple[IntArray, FloatArray, IntArray],
    hanging: tuple[IntArray, FloatArray, IntArray],
    access: FloatArray,
    limit: float,
) -> tuple[IntArray, IntArray, FloatArray]:
    """Return the points within the limit of each station: bounds, points ascending, metres.

    Parameters
    ----------
    network
        As CSR (indptr, indices, lengths), in the direction of the search.
    seeds
        Nodes where the searches of each station start, how far they are, and bounds by station.
    direct
        Points on each station's own edge, the way along it, and bounds by station.
    hanging
        Points on edges that leave each node, the way along those, and bounds by node.
    access
        Of each point, metres from it to its edge.
    limit
        Metres, tolerance included.
    """
    nodes, stations, places = len(network[0]) - 1, len(seeds[2]) - 1, len(access)
    far, settled = np.full(nodes, np.inf), np.empty(nodes, dtype=np.int64)
    best, touched = np.full(places, np.inf), np.empty(places, dtype=np.int64)
    size = len(network[1]) + len(seeds[0]) + 8
    heap = (np.empty(size), np.empty(size, dtype=np.int64))
    bounds = np.zeros(stations + 1, dtype=np.int64)
    points, metres = np.empty(1024, dtype=np.int64), np.empty(1024)
    total = 0
    for station in range(stations):
        low, high = seeds[2][station], seeds[2][station + 1]
        own = (seeds[0][low:high], seeds[1][low:high])
        reached, found = _from_station(
            network, own, hanging, heap, (far, settled), (best, touched), limit
        )
        for place in range(direct[2][station], direct[2][station + 1]):
            found = _improve(best, touched, found, direct[0][place], direct[1][place])
        for number in range(reached):
            far[settled[number]] = np.inf
        inside = np.sort(touched[:found])
        while total + found > len(points):
            points = np.append(points, np.empty(len(points), dtype=np.int64))
            metres = np.append(metres, np.empty(len(metres)))
        for point in inside:
            way = best[point] + access[point]
            best[point] = np.inf
            if way <= limit:
                points[total], metres[total] = point, way
                total += 1
        bounds[station + 1] = total
    return bounds, points[:total].copy(), metres[:total].copy()


@compiled
def _append(
    places: IntArray, ways: FloatArray, count: int, place: int, way: float
) -> tuple[IntArray, FloatArray, int]:
    """Put a place at the end of a list, which grows where it is full."""
    if count == len(places):
        places = np.append(places, np.empty(count, dtype=np.int64))
        ways = np.append(ways, np.empty(count))
    places[count], ways[count] = place, way
    return places, ways, count + 1


@compiled
def _is_better(
    best: tuple[FloatArray, IntArray], node: int, way: float, station: int, limit: float
) -> bool:
    """Keep a way to a node if it is shorter than the known one, or as short to a first station."""
    known = best[0][node]
    if way > limit or way > known or (way == known and station >= best[1][node]):
        return False
    best[0][node], best[1][node] = way, station
    return True


@compiled
def _ways_out(
    network: tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], FloatArray],
    best: tuple[FloatArray, IntArray],
    node: int,
    way: float,
) -> range:
    """Return the places of the edges that leave a node, none where a shorter way is known."""
    if way > best[0][node]:
        return range(0)
    return range(network[0][node], network[0][node + 1])


@compiled
def _least(
    places: IntArray, ways: FloatArray, count: int, best: tuple[FloatArray, IntArray]
) -> float:
    """Return the shortest of the listed ways that still hold."""
    least = np.inf
    for place in range(count):
        if ways[place] < least and ways[place] == best[0][places[place]]:
            least = ways[place]
    return least


@compiled
def nearest_seeds(
    network: tuple[npt.NDArray[np.int32], npt.NDArray[np.int32], FloatArray],
    seeds: tuple[IntArray, FloatArray, IntArray],
    limit: float,
    stride: float,
) -> tuple[FloatArray, IntArray]:
    """Return of each node the way from the nearest seed, and whose it is: of equals the first.

    Nodes are gone through in strides: those nearer than the next stride in the order in which they
    were met, and again when a shorter way to one turns up; the others wait in a list. It ends at
    the same least ways as Dijkstra's heap, in less time.

    Parameters
    ----------
    network
        As in :func:`ways_to_points`.
    seeds
        Nodes, how far each is from its station, and the station's number.
    limit
        Metres, tolerance included; beyond it a node has an infinite way and the number -1.
    stride
        Metres, about the length of some edges; any positive one gives the same answer.
    """
    size = len(network[0]) - 1
    best = (np.full(size, np.inf), np.full(size, -1, dtype=np.int64))
    near, near_ways = np.empty(1024, dtype=np.int64), np.empty(1024)
    for place in range(len(seeds[0])):
        _is_better(best, seeds[0][place], seeds[1][place], seeds[2][place], limit)
    waiting = len(seeds[0])
    later, later_ways = np.append(seeds[0], near), np.append(seeds[1], near_ways)
    while waiting > 0:
        edge = _least(later, later_ways, waiting, best) + stride
        met, left = 0, 0
        for place in range(waiting):
            node, way = later[place], later_ways[place]
            if way < edge:  # one that holds no more has no ways out
                near, near_ways, met = _append(near, near_ways, met, node, way)
            elif way == best[0][node]:
                later[left], later_ways[left] = node, way
                left += 1
        waiting, turn = left, 0
        while turn < met:
            node, way = near[turn], near_ways[turn]
            turn += 1
            for place in _ways_out(network, best, node, way):
                other, there = network[1][place], way + network[2][place]
                if not _is_better(best, other, there, best[1][node], limit):
                    continue
                if there < edge:
                    near, near_ways, met = _append(near, near_ways, met, other, there)
                else:
                    later, later_ways, waiting = _append(later, later_ways, waiting, other, there)
    return best
