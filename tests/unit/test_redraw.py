"""Redraws of grids: as good as trying all ways on small grounds, and honest about the rest."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
import shapely

from gis.coverage.atoms import Ground, cut
from gis.coverage.redraw import AtomGraph, RedrawRule, count_enclosed, score
from gis.coverage.redraw_search import redraw
from tests.redraws import NOTHING, best_by_trying_all, graph_of, lattice, made_ground, rule_for


@pytest.mark.parametrize("seed", range(8))
def test_small_grounds_get_the_best_of_all_proposals(seed: int) -> None:
    k = 2 + seed % 2
    graph = lattice(4, 2, olds=2, seed=seed) if k == 3 else lattice(3, 3, olds=2, seed=seed)
    rule = rule_for(graph, k)
    found = redraw(graph, rule, seed=seed)
    assert found.score.total == pytest.approx(best_by_trying_all(graph, rule), abs=1e-9)
    assert found.score == score(graph, rule, found.part)
    assert found.stopped == "done"


def test_a_seed_gives_the_same_proposal_again() -> None:
    graph = lattice(8, 6, olds=4, seed=3)
    rule = rule_for(graph, 5)
    first, again = (redraw(graph, rule, seed=7, starts=3) for _ in range(2))
    assert (first.part, first.score, first.starts) == (again.part, again.score, again.starts)


def test_a_search_that_is_ended_still_proposes_whole_parts() -> None:
    graph = lattice(8, 6, olds=4, seed=3)
    rule = rule_for(graph, 5)
    asked = redraw(graph, rule, watch=lambda _: False)
    late = redraw(graph, rule, seconds=0.0)
    assert (asked.stopped, late.stopped) == ("asked", "time")
    assert asked.score == score(graph, rule, asked.part)  # which refuses parts in pieces
    told: list[float] = []
    redraw(graph, rule, starts=2, watch=lambda share: told.append(share) is None)
    assert told == sorted(told)
    assert 0.0 <= told[0] <= told[-1] <= 1.0


def test_what_stands_is_kept_unless_something_is_better() -> None:
    graph = lattice(6, 4, olds=3, seed=1)
    rule = dataclasses.replace(rule_for(graph, 3, spread=0.5), keep=1000.0)
    found = redraw(graph, rule)
    assert found.score.moved == 0
    assert found.part == tuple(graph.old.tolist())


def test_a_part_never_goes_around_another_one_or_a_hole() -> None:
    ring = np.array([0, 1, 2, 5, 8, 7, 6, 3])
    graph = lattice(3, 3, olds=1, seed=2)
    mine = np.isin(np.arange(9), ring)
    assert count_enclosed(graph, mine) == 1
    around = [(a, b) for a, b in graph.edges.tolist() if 4 not in (a, b)]
    number = {atom: i for i, atom in enumerate(sorted(ring.tolist()))}
    edges = np.array([(number[a], number[b]) for a, b in around])
    lake = AtomGraph(
        households=np.full(8, 50),
        by_old=np.full((8, 1), 50),
        old=np.zeros(8, dtype=np.int64),
        edges=edges,
        length_m=np.full(8, 100.0),
        along_m=np.zeros(8),
        is_rim=np.ones(8, dtype=bool),
        holes=np.array([(0, number[a]) for a in (1, 3, 5, 7)]),
        area_m2=8e4,
    )
    everything = np.ones(8, dtype=bool)
    assert count_enclosed(lake, everything) == 1
    assert count_enclosed(dataclasses.replace(lake, holes=NOTHING), everything) == 0
    assert redraw(lake, RedrawRule(2, 100, 300)).score.enclosed == 0


def test_what_does_not_hang_together_is_no_proposal() -> None:
    graph = lattice(3, 3, olds=1, seed=1)
    with pytest.raises(ValueError, match="in pieces"):
        score(graph, RedrawRule(2, 1, 1000), [0, 1, 1, 1, 0, 1, 1, 1, 1])
    apart = dataclasses.replace(graph, edges=graph.edges[:2], length_m=graph.length_m[:2],
                                along_m=graph.along_m[:2])  # fmt: skip
    with pytest.raises(ValueError, match="hang together"):
        redraw(apart, RedrawRule(2, 1, 1000))
    with pytest.raises(ValueError, match="10 parts of 9 atoms"):
        redraw(graph, RedrawRule(10, 1, 1000))


def test_islands_are_tied_by_links_that_are_named() -> None:
    west = shapely.segmentize(shapely.box(0, 0, 0.01, 0.01), 0.001)
    east = shapely.segmentize(shapely.box(0.012, 0, 0.02, 0.01), 0.001)
    homes = np.array([[0.003, 0.005], [0.007, 0.005], [0.016, 0.005]])
    ground = Ground(
        np.array([west, east], dtype=object),
        np.empty(0, dtype=object),
        np.empty(0, dtype=object),
        homes,
        np.array([200, 200, 200]),
    )
    atoms = cut(ground, most_households=200)
    assert len(atoms) == 3
    assert len(atoms.links) == 1
    assert atoms.length_m[-1] == 0.0
    found = redraw(graph_of(ground, atoms), RedrawRule(2, 150, 450))
    assert found.score.outside == 0


def test_a_block_without_roads_is_cut_between_its_buildings() -> None:
    ground = made_ground(4, columns=1, rows=1)
    ground = dataclasses.replace(ground, roads=ground.roads[:0])
    atoms = cut(ground, most_households=int(ground.households.sum()) // 3)
    graph = graph_of(ground, atoms)
    assert len(atoms) >= 3
    assert graph.households.max() < ground.households.sum() // 2
    vertices = {tuple(xy) for xy in shapely.get_coordinates(ground.grids).tolist()}
    assert {tuple(xy) for xy in shapely.get_coordinates(atoms.faces).tolist()} <= vertices
