"""Siting instances made from a seed: towns in a plain, and graphs like OR-Library's pmed files."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from scipy.sparse import csr_array
from scipy.sparse.csgraph import dijkstra
from scipy.spatial import cKDTree

FloatArray = npt.NDArray[np.float64]


def towns(
    places: int, sites: int, *, seed: int = 42, radius_m: float = 3000.0
) -> tuple[csr_array, FloatArray, FloatArray, FloatArray]:
    """Coverage, people, places and sites of 60 x 60 km with 40 towns that hold 80 % of places."""
    rng = np.random.default_rng(seed)
    centres, spread = rng.uniform(0, 60_000, (40, 2)), rng.uniform(500, 3000, 40)
    share = 1.0 / np.arange(1, 41)
    town = rng.choice(40, int(places * 0.8), p=share / share.sum())
    inside = centres[town] + rng.normal(size=(len(town), 2)) * spread[town][:, None]
    points = np.concatenate([inside, rng.uniform(0, 60_000, (places - len(town), 2))])
    people = rng.integers(1, 100, places).astype(np.float64)
    on_points = points[rng.choice(places, int(sites * 0.7), replace=False)]
    others = rng.uniform(0, 60_000, (sites - len(on_points), 2))
    candidates = np.concatenate([on_points, others])
    found = cKDTree(candidates).query_ball_point(points, radius_m, return_sorted=True)
    indptr = np.concatenate([[0], np.cumsum([len(row) for row in found])])
    indices = np.concatenate([np.asarray(row, dtype=np.int64) for row in found])
    covers = csr_array((np.ones(len(indices), dtype=np.bool_), indices, indptr), (places, sites))
    return covers, people, points, candidates


def like_pmed(nodes: int, seed: int) -> FloatArray:
    """All shortest paths of a random connected graph with n*n/50 edges of 1 to 100 (Beasley)."""
    rng = np.random.default_rng(seed)
    path, count = rng.permutation(nodes), nodes * nodes // 50
    tail = np.concatenate([path[:-1], rng.integers(0, nodes, count - nodes + 1)])
    head = np.concatenate([path[1:], rng.integers(0, nodes, count - nodes + 1)])
    tail, head = tail[tail != head], head[tail != head]
    length = np.full((nodes, nodes), np.inf)
    np.minimum.at(length, (tail, head), rng.integers(1, 101, len(tail)).astype(np.float64))
    length = np.minimum(length, length.T)
    here, there = np.nonzero(np.isfinite(length))
    graph = csr_array((length[here, there], (here, there)), shape=(nodes, nodes))
    return np.asarray(dijkstra(graph))


PMED_SIZES = [
    (100 * hundreds, p)
    for hundreds in range(1, 10)
    for p in (5, 10, 10 * hundreds, 20 * hundreds, 100 * hundreds // 3)
    if p <= 200 and (hundreds <= 6 or p < 20 * hundreds or (hundreds == 7 and p == 140))
]
"""The 40 sizes of the public instances: 100 to 900 nodes, 5 to 200 sites."""
