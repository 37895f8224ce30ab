"""Randomly broken tilings: what is found is there, and a repair mends it without moving more."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st
from shapely import affinity

from gis.geometry.findings import Measure
from gis.geometry.frames import LON_LAT, EqualAreaFrame
from gis.geometry.partition import PartitionReport, check
from gis.geometry.repair import SQUARE_METRES, rebuilt, repair
from gis.geometry.validity import mended
from gis.geometry.vertices import NEAR_M
from tests.exact import geodesic_m2
from tests.tilings import wavy_tiling

if TYPE_CHECKING:
    from collections.abc import Callable

    from gis.geometry.frames import Geometries
    from gis.geometry.gcj02 import Floats

METRE = 1 / 111_000  # of latitude, in degrees; of longitude it is less
LIMIT_M = 2.0
EXACT_M2 = 1e-3
ROUNDING_M = 0.03  # to which the check knows a width near the limit


def _ring(cell: shapely.Polygon) -> Floats:
    return np.asarray(shapely.get_coordinates(cell.exterior))[:-1]


def _shifted(cell: shapely.Polygon, size: float, at: float) -> shapely.Polygon:
    return affinity.translate(cell, size * METRE * np.cos(at), size * METRE * np.sin(at))


def _grown(cell: shapely.Polygon, size: float, _at: float) -> shapely.Polygon:
    return cell.buffer(size * METRE, join_style="mitre")


def _shrunk(cell: shapely.Polygon, size: float, _at: float) -> shapely.Polygon:
    return cell.buffer(-size * METRE, join_style="mitre")


def _bent(cell: shapely.Polygon, size: float, at: float) -> shapely.Polygon:
    ring = _ring(cell)
    ring[int(at * 97) % len(ring)] += (size * METRE * np.cos(at), size * METRE * np.sin(at))
    return shapely.Polygon(ring)


def _thinned(cell: shapely.Polygon, _size: float, at: float) -> shapely.Polygon:
    if len(_ring(cell)) < 4:
        return cell
    return shapely.Polygon(np.delete(_ring(cell), int(at * 97) % len(_ring(cell)), axis=0))


def _halved(cell: shapely.Polygon, _size: float, at: float) -> shapely.Polygon:
    """Put a vertex into the middle of an edge: the neighbour has none there."""
    ring = _ring(cell)
    k = int(at * 97) % len(ring)
    return shapely.Polygon(np.insert(ring, k, (ring[k] + ring[k - 1]) / 2, axis=0))


def _doubled(cell: shapely.Polygon, _size: float, at: float) -> shapely.Polygon:
    ring = _ring(cell)
    k = int(at * 97) % len(ring)
    return shapely.Polygon(np.insert(ring, k, ring[k], axis=0))


def _spiked(cell: shapely.Polygon, size: float, at: float) -> shapely.Polygon:
    ring = _ring(cell)
    k = int(at * 97) % len(ring)
    out = ring[k] + (ring[k] - np.mean(ring, axis=0)) * size / 40
    return shapely.Polygon(np.insert(ring, k + 1, [out, ring[k] + size * METRE / 50], axis=0))


def _looped(cell: shapely.Polygon, _size: float, at: float) -> shapely.Polygon:
    """Swap two neighbouring vertices: the ring crosses itself."""
    ring = _ring(cell)
    k = int(at * 97) % (len(ring) - 1)
    ring[[k, k + 1]] = ring[[k + 1, k]]
    return shapely.Polygon(ring)


BREAKS: list[Callable[[shapely.Polygon, float, float], shapely.Polygon]] = [
    _shifted, _grown, _shrunk, _bent, _thinned, _halved, _doubled, _spiked, _looped,
]  # fmt: skip


@st.composite
def broken_tilings(draw: st.DrawFn) -> gpd.GeoDataFrame:
    columns, rows = draw(st.integers(1, 4)), draw(st.integers(1, 4))
    cells = wavy_tiling(
        columns, rows, vertices=draw(st.sampled_from([1, 2, 5])), seed=draw(st.integers(0, 50))
    )
    for _ in range(draw(st.integers(0, 5))):
        i = draw(st.integers(0, len(cells) - 1))
        size, at = draw(st.floats(0.001, 4.0)), draw(st.floats(0.0, 6.28))
        done = draw(st.sampled_from(BREAKS))(cells[i], size, at)
        if done.geom_type == "Polygon" and done.area > 0:
            cells[i] = done
    names = [f"{i:02d}" for i in draw(st.permutations(range(len(cells))))]
    return gpd.GeoDataFrame({"code": names, "name": names}, geometry=list(cells), crs=4326)


def _narrow(report: PartitionReport) -> list[object]:
    lists = (report.gaps, report.overlaps)
    return [row for one in lists for row in one[one["width_m"] < LIMIT_M - ROUNDING_M].itertuples()]


def _frame(shapes: Geometries) -> Measure:
    return Measure(EqualAreaFrame.around(shapes), LON_LAT, [])


@settings(max_examples=50, deadline=None)
@given(broken_tilings())
def test_a_repaired_layer_passes_the_check(broken: gpd.GeoDataFrame) -> None:
    before = check(broken, max_width_m=LIMIT_M)
    proposal = repair(broken, max_width_m=LIMIT_M)
    again = check(proposal.repaired, max_width_m=LIMIT_M)
    assert _narrow(again) == []
    assert len(again.invalid) == 0
    assert not set(again.others["kind"]) & {"edge", "duplicate-vertex", "near-vertex"}
    assert len(again.gaps) <= len(before.gaps) + len(before.invalid)
    assert repair(proposal.repaired, max_width_m=LIMIT_M - ROUNDING_M).is_empty
    assert proposal.repaired.drop(columns="geometry").equals(broken.drop(columns="geometry"))


@settings(max_examples=40, deadline=None)
@given(broken_tilings())
def test_ground_changes_hands_only_where_something_was_wrong(broken: gpd.GeoDataFrame) -> None:
    before = check(broken)
    proposal = repair(broken)
    raw, made = (np.array(f.geometry.array, dtype=object) for f in (broken, proposal.repaired))
    frame = _frame(raw)
    wrong = shapely.union_all(
        [*before.gaps.geometry, *before.overlaps.geometry, *shapely.make_valid(raw)[
            ~shapely.is_valid(raw)
        ]]
    ).buffer(1e-9)  # fmt: skip
    changed = shapely.symmetric_difference(shapely.make_valid(raw), made)
    # a vertex that is merged moves by a centimetre, and so do the edges that end there: also into
    # a neighbour, which loses as an overlap what lay between
    merged = [
        one
        for one, why in zip(proposal.changes["code"], proposal.changes["reasons"], strict=True)
        if "near-vertex" in why
    ]
    rim_m = shapely.length(frame.metric(raw)) * broken["code"].isin(merged).to_numpy()
    elsewhere_m2 = frame.area_m2(shapely.difference(changed, wrong))
    assert (elsewhere_m2 <= 1e-3 + NEAR_M * rim_m.sum()).all()


@settings(max_examples=40, deadline=None)
@given(broken_tilings())
def test_the_whole_changes_by_no_more_than_what_was_repaired(broken: gpd.GeoDataFrame) -> None:
    proposal = repair(broken, recheck=False)
    raw, made = (np.array(f.geometry.array, dtype=object) for f in (broken, proposal.repaired))
    change = geodesic_m2(made, 2e-5) - geodesic_m2(mended(raw), 2e-5)
    told = proposal.changes.set_index("code")[list(SQUARE_METRES)]
    told = pd.DataFrame(told).reindex(broken["code"], fill_value=0.0)
    listed = told["filled_m2"] - told["settled_m2"] + told["merged_m2"]
    assert change == pytest.approx(listed.to_numpy(), abs=EXACT_M2)
    assert change == pytest.approx(told["change_m2"].to_numpy(), abs=EXACT_M2)
    pieces = proposal.moved.groupby("kind")["area_m2"].sum()
    filled, settled = (float(pieces.get(kind, 0.0)) for kind in ("gap", "overlap"))
    assert told["filled_m2"].sum() == pytest.approx(filled, abs=EXACT_M2)
    assert told["settled_m2"].sum() == pytest.approx(settled, abs=EXACT_M2)
    repaired_m2 = filled + settled + told["merged_m2"].abs().sum()
    assert abs(change.sum()) <= repaired_m2 + EXACT_M2


@settings(max_examples=20, deadline=None)
@given(broken_tilings())
def test_gaps_and_overlaps_are_those_of_a_plain_overlay(broken: gpd.GeoDataFrame) -> None:
    """Independent of the coverage validator: every pair intersected, one union of all."""
    sound = broken[shapely.is_valid(np.array(broken.geometry))].reset_index(drop=True)
    report = check(sound)
    shapes = np.array(sound.geometry, dtype=object)
    frame = _frame(shapes)
    left, right = np.triu_indices(len(shapes), 1)
    common_m2 = frame.area_m2(shapely.intersection(shapes[left], shapes[right]))
    assert (common_m2 > 1e-6).sum() == len(report.overlaps)
    assert common_m2.sum() == pytest.approx(report.overlaps["area_m2"].sum(), abs=1e-4)
    parts = shapely.get_parts(shapely.union_all(shapes))
    holes = frame.area_m2(np.array([shapely.Polygon(p.exterior) for p in parts], dtype=object))
    islands = frame.area_m2(parts)
    if len(parts) == 1:
        assert holes.sum() - islands.sum() == pytest.approx(report.gaps["area_m2"].sum(), abs=1e-3)


@settings(max_examples=20, deadline=None)
@given(broken_tilings())
def test_parents_are_rebuilt_as_the_exact_union_of_their_children(broken: gpd.GeoDataFrame) -> None:
    children = repair(broken).repaired.assign(up=[code[0] for code in broken["code"]])
    ups = sorted(set(children["up"]))
    parents = gpd.GeoDataFrame({"code": ups}, geometry=[shapely.Point(0, 0)] * len(ups), crs=4326)
    made = rebuilt(children, parents, parent="up")
    for row in made.itertuples():
        mine = np.array(children[children["up"] == row.code].geometry, dtype=object)
        assert row.geometry.is_valid
        assert shapely.covers(row.geometry, mine).all() or not shapely.coverage_is_valid(mine)
        assert row.geometry.symmetric_difference(shapely.union_all(mine)).area < 1e-15
