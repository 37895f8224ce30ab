"""Chains of road edges between junctions, each as one line."""

from __future__ import annotations

from typing import Any

import numpy as np
import shapely

from layers.demo.frame import Floats, Ints


def follow_chains(ends: Ints, alike: Ints) -> tuple[list[list[int]], Ints]:
    """Return the node paths between junctions and the first edge of each.

    Parameters
    ----------
    ends
        Shape (edges, 2): the nodes of each edge.
    alike
        Shape (edges, k): a node of two edges is no junction when their rows are equal.
    """
    walk = _Walk(ends, alike)
    for node in sorted(walk.edges_at):
        if node not in walk.through:
            for edge in walk.edges_at[node]:
                walk.take(node, edge)
    for edge, (node, _) in enumerate(walk.pairs):  # rings without any junction
        walk.take(node, edge)
    return walk.paths, np.array(walk.heads)


class _Walk:
    def __init__(self, ends: Ints, alike: Ints) -> None:
        self.pairs: list[list[int]] = ends.tolist()
        self.edges_at: dict[int, list[int]] = {}
        for edge, nodes in enumerate(self.pairs):
            for node in nodes:
                self.edges_at.setdefault(node, []).append(edge)
        self.through = {
            node
            for node, edges in self.edges_at.items()
            if len(edges) == 2 and bool((alike[edges[0]] == alike[edges[1]]).all())
        }
        self.done = np.zeros(len(self.pairs), bool)
        self.paths: list[list[int]] = []
        self.heads: list[int] = []

    def take(self, node: int, edge: int) -> None:
        """Follow an edge from a node to the next junction, once."""
        if self.done[edge]:
            return
        path = [node]
        self.heads.append(edge)
        self.paths.append(path)
        while not self.done[edge]:
            self.done[edge] = True
            a, b = self.pairs[edge]
            node = b if a == node else a
            path.append(node)
            if node in self.through:
                one, two = self.edges_at[node]
                edge = two if one == edge else one


def path_line(points: Floats, path: list[int], shift: int) -> Any:  # noqa: ANN401 - a LineString
    """Return the line of a path; country roads (nodes from ``shift`` on) are rounded."""
    xy = points[path]
    if any(node >= shift for node in path):
        for _ in range(2):
            if len(xy) > 2:  # Chaikin's corner cutting; junctions stay
                near, far = 0.75 * xy[:-1] + 0.25 * xy[1:], 0.25 * xy[:-1] + 0.75 * xy[1:]
                cut = np.empty((2 * len(near), 2))
                cut[0::2], cut[1::2] = near, far
                xy = np.vstack([xy[:1], cut[1:-1], xy[-1:]])
    return shapely.linestrings(xy)
