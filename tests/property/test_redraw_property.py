"""Whatever the ground: grids tile it, hang together, cut no building, and the outline stays."""

from __future__ import annotations

import numpy as np
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from gis.coverage.atoms import STRADDLES_M2, cut
from gis.coverage.redraw import count_enclosed
from gis.coverage.redraw_search import redraw
from gis.coverage.redrawn_borders import borders
from gis.geometry.frames import EqualAreaFrame
from tests.redraws import graph_of, made_ground, rule_for


@given(st.integers(0, 10_000), st.integers(1, 5), st.booleans())
@settings(max_examples=15, deadline=None)
def test_new_grids_keep_the_ground_and_everything_on_it_whole(
    seed: int, k: int, hole: bool
) -> None:
    ground = made_ground(seed, rows=3 if hole else 2, hole=hole)
    atoms = cut(ground, most_households=100)
    graph = graph_of(ground, atoms)
    rule = rule_for(graph, min(k, len(graph)))
    found = redraw(graph, rule, seed=seed, starts=2)
    part = np.array(found.part)
    grids = borders(atoms, part)

    before, after = (
        shapely.normalize(shapely.coverage_union_all(shapes)) for shapes in (ground.grids, grids)
    )
    assert shapely.equals_identical(_as_multi(before), _as_multi(after))
    assert shapely.coverage_is_valid(grids)
    assert shapely.is_valid(grids).all()
    assert (shapely.get_num_geometries(grids) == 1).all()
    assert graph.households.sum() == ground.households.sum()
    frame = EqualAreaFrame.around(grids)
    thing, grid = shapely.STRtree(grids).query(ground.whole, predicate="intersects")
    parts = shapely.area(frame.project(shapely.intersection(ground.whole[thing], grids[grid])))
    within = np.bincount(thing, parts, len(ground.whole))
    largest = np.zeros(len(ground.whole))
    np.maximum.at(largest, thing, parts)
    assert (within - largest <= 2.0 * STRADDLES_M2).all()
    assert found.score.enclosed == sum(count_enclosed(graph, part == i) for i in range(rule.k))
    assert atoms.along_m.max(initial=0.0) > 0.0


def _as_multi(shape: shapely.Geometry) -> shapely.Geometry:
    return shapely.MultiPolygon(shapely.get_parts(shape).tolist())
