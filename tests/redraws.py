"""Made grounds for redraws: lattices of atoms; communities of wavy grids with roads and homes."""

from __future__ import annotations

import itertools

import numpy as np
import shapely
from shapely import affinity

from gis.coverage.atoms import Atoms, Ground, holders
from gis.coverage.redraw import AtomGraph, RedrawRule, score
from tests.tilings import SIDE, SOUTH, WEST, wavy_tiling

NOTHING = np.empty((0, 2), dtype=np.int64)


def lattice(columns: int, rows: int, *, olds: int, seed: int) -> AtomGraph:
    """Square atoms in reading order, today's grids being groups of columns."""
    random = np.random.default_rng(seed)
    count = columns * rows
    at = np.arange(count)
    households = random.integers(20, 100, count)
    old = at % columns * olds // columns
    by_old = np.zeros((count, olds), dtype=np.int64)
    by_old[at, old] = households
    edges = np.array(
        [(i, i + 1) for i in at if i % columns < columns - 1]
        + [(i, i + columns) for i in at if i + columns < count]
    )
    length = random.uniform(50, 200, len(edges))
    return AtomGraph(
        households=households,
        by_old=by_old,
        old=old,
        edges=edges,
        length_m=length,
        along_m=length * random.integers(0, 2, len(edges)),
        is_rim=(at % columns % (columns - 1) == 0) | (at // columns % (rows - 1) == 0),
        holes=NOTHING,
        area_m2=count * 1e4,
    )


def rule_for(graph: AtomGraph, k: int, spread: float = 0.2) -> RedrawRule:
    mean = graph.households.sum() / k
    return RedrawRule(k, max(1, int(mean * (1 - spread))), int(mean * (1 + spread)))


def best_by_trying_all(graph: AtomGraph, rule: RedrawRule) -> float:
    """The least score of all ways to part the atoms."""
    best = np.inf
    for rest in itertools.product(range(rule.k), repeat=len(graph) - 1):
        part = (0, *rest)
        firsts = list(dict.fromkeys(part))
        if firsts != list(range(rule.k)):
            continue  # the same parts by other names, or fewer
        try:
            best = min(best, score(graph, rule, part).total)
        except ValueError:
            continue
    return float(best)


def made_ground(seed: int, *, columns: int = 3, rows: int = 2, hole: bool = False) -> Ground:
    """Wavy grids with roads across, homes of all sizes and turns, some of them on the roads."""
    random = np.random.default_rng(seed)
    grids = wavy_tiling(columns, rows, vertices=12, seed=seed)
    if hole:
        grids = np.delete(grids, columns + 1)  # the middle one of the second row
    west, east = WEST - 0.5 * SIDE, WEST + (columns + 0.5) * SIDE
    south, north = SOUTH - 0.5 * SIDE, SOUTH + (rows + 0.5) * SIDE
    roads = [
        shapely.LineString([(west, y), ((west + east) / 2, y + 0.2 * SIDE), (east, y)])
        for y in random.uniform(south, north, 2 * rows)
    ] + [shapely.LineString([(x, south), (x, north)]) for x in random.uniform(west, east, 3)]
    places = random.uniform((west, south), (east, north), (60 * columns * rows, 2))
    inside = holders(grids, np.asarray(shapely.points(places), dtype=object)) >= 0
    places = places[inside]
    whole = np.array(
        [
            affinity.rotate(
                shapely.box(x - w, y - h, x + w, y + h), random.uniform(0, 90), origin=(x, y)
            )
            for (x, y), w, h in zip(
                places,
                random.uniform(3e-5, 1.2e-4, len(places)),
                random.uniform(3e-5, 1.2e-4, len(places)),
                strict=True,
            )
        ],
        dtype=object,
    )
    return Ground(
        grids=grids,
        roads=np.array(roads, dtype=object),
        whole=whole,
        places=places,
        households=random.integers(1, 30, len(places)),
    )


def graph_of(ground: Ground, atoms: Atoms) -> AtomGraph:
    """The graph of atoms whose households are counted from the ground."""
    points = np.asarray(shapely.points(ground.places), dtype=object)
    face, old = holders(atoms.faces, points), holders(ground.grids, points)
    by_old = np.zeros((len(atoms), len(ground.grids)), dtype=np.int64)
    np.add.at(by_old, (atoms.atom[face], old), ground.households)
    of_atom = np.zeros((len(atoms), len(ground.grids)))
    np.add.at(of_atom, (atoms.atom, atoms.old), atoms.area_m2)
    return AtomGraph(
        households=by_old.sum(axis=1),
        by_old=by_old,
        old=of_atom.argmax(axis=1),
        edges=atoms.edges,
        length_m=atoms.length_m,
        along_m=atoms.along_m,
        is_rim=atoms.is_rim,
        holes=atoms.holes,
        area_m2=float(atoms.area_m2.sum()),
    )
