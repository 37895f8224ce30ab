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
def _longer(places: IntArray, ways: FloatArray) -> tuple[IntArray, FloatArray]:
    """Return a list with room for twice as many."""
    room = len(places) + 16
    return np.append(places, np.empty(room, dtype=np.int64)), np.append(ways, np.empty(room))


@compiled
def _least(places: IntArray, ways: FloatArray, count: int, best: FloatArray) -> float:
    """Return the shortest of the listed ways that still hold."""
    least = np.inf
    for place in range(count):
        if ways[place] < least and ways[place] == best[places[place]]:
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
    # Written out: to take an array back from a function costs more than all else in a turn.
    indptr, indices, lengths = network
    size = len(indptr) - 1
    best, whose = np.full(size, np.inf), np.full(size, -1, dtype=np.int64)
    near, near_ways = np.empty(1024, dtype=np.int64), np.empty(1024)
    later, later_ways = _longer(seeds[0], seeds[1])
    waiting = len(seeds[0])
    for place in range(waiting):
        node, way, station = seeds[0][place], seeds[1][place], seeds[2][place]
        if way <= limit and (way < best[node] or (way == best[node] and station < whose[node])):
            best[node], whose[node] = way, station
    while waiting > 0:
        edge = _least(later, later_ways, waiting, best) + stride
        met, left = 0, 0
        for place in range(waiting):
            node, way = later[place], later_ways[place]
            if way != best[node]:  # a shorter one is known
                continue
            if way < edge:
                if met == len(near):
                    near, near_ways = _longer(near, near_ways)
                near[met], near_ways[met] = node, way
                met += 1
            else:
                later[left], later_ways[left] = node, way
                left += 1
        waiting, turn = left, 0
        while turn < met:
            node, way = near[turn], near_ways[turn]
            turn += 1
            if way > best[node]:
                continue
            station = whose[node]
            for place in range(indptr[node], indptr[node + 1]):
                other, there = indices[place], way + lengths[place]
                known = best[other]
                if there > limit or there > known or (there == known and station >= whose[other]):
                    continue
                best[other], whose[other] = there, station
                if there < edge:
                    if met == len(near):
                        near, near_ways = _longer(near, near_ways)
                    near[met], near_ways[met] = other, there
                    met += 1
                else:
                    if waiting == len(later):
                        later, later_ways = _longer(later, later_ways)
                    later[waiting], later_ways[waiting] = other, there
                    waiting += 1
    return best, whose
