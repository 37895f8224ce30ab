"""Repair over several levels: the finest ones tile the ground, those above are their unions."""

from __future__ import annotations

import geopandas as gpd
import numpy as np
import pandas as pd
import pytest
import shapely
from shapely import affinity

from gis.geometry.hierarchy import repair_hierarchy
from gis.geometry.nesting import check_nesting
from gis.geometry.partition import check
from gis.geometry.repair import repair
from tests.exact import geodesic_m2
from tests.tilings import wavy_tiling

METRE = 1 / 111_000


def layer(
    shapes: dict[str, shapely.Geometry], up: dict[str, str] | None = None
) -> gpd.GeoDataFrame:
    parents = [None if up is None else up[code] for code in shapes]
    return gpd.GeoDataFrame(
        {"code": list(shapes), "up": pd.Series(parents, dtype=object)},
        geometry=list(shapes.values()),
        crs=4326,
    )


def nine(**replaced: shapely.Geometry | None) -> dict[str, shapely.Geometry]:
    """Nine wavy cells, ``c4`` in their middle; some replaced, or left out."""
    cells = {f"c{i}": cell for i, cell in enumerate(wavy_tiling(3, 3, vertices=4))}
    return {code: shape for code, shape in (cells | replaced).items() if shape is not None}


def with_parents(below: dict[str, shapely.Geometry]) -> gpd.GeoDataFrame:
    """Each area with one child of the same shape."""
    children = layer(
        {f"{code}x": shape for code, shape in below.items()}, {f"{code}x": code for code in below}
    )
    return gpd.GeoDataFrame(pd.concat([layer(below), children], ignore_index=True), crs=4326)


def test_a_single_level_is_repaired_as_a_plain_tiling() -> None:
    cells = nine()
    cells["c4"] = affinity.translate(cells["c4"], 0.5 * METRE, 0.2 * METRE)
    frame = layer(cells)
    plain, proposal = repair(frame), repair_hierarchy(frame, parent="up")
    assert proposal.moved["kind"].tolist() == plain.moved["kind"].tolist()
    assert set(proposal.moved["kind"]) == {"gap", "overlap"}
    assert proposal.moved["area_m2"].tolist() == plain.moved["area_m2"].tolist()
    made = plain.repaired.set_index("code").geometry
    for code, shape in zip(proposal.changed["code"], proposal.changed.geometry, strict=True):
        assert shape.equals_exact(made[code], 0.0)


def test_a_narrow_gap_between_areas_without_a_parent_is_filled_at_both_levels() -> None:
    cells = nine()
    cells["c4"] = cells["c4"].buffer(-0.5 * METRE, join_style="mitre")
    frame = with_parents(cells)
    (gap,) = check(layer(cells)).gaps.itertuples()
    proposal = repair_hierarchy(frame, parent="up")
    (filled,) = proposal.moved.itertuples()
    assert (filled.kind, filled.given_to) == ("gap", "c4x")
    assert filled.area_m2 == pytest.approx(gap.area_m2, abs=1e-3)
    changed = proposal.changed.set_index("code").geometry
    one, other = (changed[code].normalize() for code in ("c4", "c4x"))
    assert one.equals_exact(other, 0.0)
    made = frame.set_index("code").geometry
    made.update(changed)
    for level in (list(cells), [f"{code}x" for code in cells]):
        tiling = gpd.GeoDataFrame({"code": level}, geometry=list(made[level]), crs=4326)
        assert check(tiling).findings().empty


def test_what_is_wide_stays_open_between_areas_without_a_parent() -> None:
    proposal = repair_hierarchy(with_parents(nine(c4=None)), parent="up")
    assert proposal.changed.empty
    assert proposal.moved.empty


def test_children_that_leave_their_parent_are_followed_by_it() -> None:
    """A parent drawn half a metre off: it becomes what its children are; none reaches out."""
    cells = nine()
    west = [code for code in cells if int(code[1:]) % 3 == 0]
    up = {code: "W" if code in west else "E" for code in cells}
    groups = {
        name: shapely.union_all([cells[code] for code in cells if up[code] == name])
        for name in ("W", "E")
    }
    groups["W"] = affinity.translate(groups["W"], 0.4 * METRE, 0.0)
    frame = gpd.GeoDataFrame(
        pd.concat([layer(groups), layer(cells, up)], ignore_index=True), crs=4326
    )
    parents, children = frame[:2], frame[2:].reset_index(drop=True)
    found = check_nesting(children, parents, parent="up")
    for row in found[found["kind"] == "outside-parent"].itertuples():
        child, parent = row.areas
        beyond = shapely.difference(cells[child], groups[parent])
        assert row.area_m2 == pytest.approx(geodesic_m2([beyond], 2e-5)[0], abs=1e-3)
    assert len(found) >= len(west)
    proposal = repair_hierarchy(frame, parent="up", within=shapely.union_all(list(cells.values())))
    made = frame.set_index("code").geometry
    made.update(proposal.changed.set_index("code").geometry)
    after = frame.set_geometry(np.array(made[frame["code"]])).set_crs(4326)
    assert check_nesting(after[2:].reset_index(drop=True), after[:2], parent="up").empty
    assert set(proposal.changed["code"]) == {"W"}
    assert proposal.changes["reasons"].tolist() == [("rebuilt",)]
