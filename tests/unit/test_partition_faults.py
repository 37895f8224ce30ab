"""Faults that leave a tiling whole: spikes, vertices, edges, pieces; parents; lists of areas."""

from __future__ import annotations

import geopandas as gpd
import pytest
import shapely
from shapely import Polygon

from gis.geometry.nesting import check_nesting
from gis.geometry.partition import check
from gis.geometry.repair import repair
from gis.governance.area_lists import ListedArea, list_faults

M = 1 / 111_319.5  # a metre at the equator, in degrees of longitude


def _frame(**shapes: shapely.Geometry) -> gpd.GeoDataFrame:
    return gpd.GeoDataFrame({"code": list(shapes)}, geometry=list(shapes.values()), crs=4326)


def _box(x: float, y: float, width: float = 100, height: float = 100) -> Polygon:
    return shapely.box(x * M, y * M, (x + width) * M, (y + height) * M)


def _poly(*xy: tuple[float, float]) -> Polygon:
    return Polygon([(x * M, y * M) for x, y in xy])


def _others(frame: gpd.GeoDataFrame) -> list[tuple[str, tuple[str, ...], int]]:
    found = check(frame).others
    return [
        (row.kind, row.areas, row.count_)
        for row in found.rename(columns={"count": "count_"}).itertuples()
    ]


def test_a_needle_is_a_spike_with_its_size_and_place() -> None:
    needle = _poly((0, 0), (100, 0), (100, 50), (140, 51), (100, 52), (100, 100), (0, 100))
    (spike,) = check(_frame(a=needle)).others.itertuples()
    assert spike.kind == "spike"
    assert (spike.lon / M, spike.lat / M) == pytest.approx((140, 51), rel=0.01)
    assert spike.width_m == pytest.approx(2, rel=0.02)
    assert spike.area_m2 == pytest.approx(40, rel=0.02)


def test_a_notch_is_no_spike_of_the_area_around_it() -> None:
    notch = _poly((0, 0), (100, 0), (100, 50), (60, 51), (100, 52), (100, 100), (0, 100))
    assert _others(_frame(a=notch)) == []


def test_repeated_and_near_vertices_are_counted_by_area() -> None:
    ring = [(0, 0), (100, 0), (100, 0), (100, 50), (100, 50.004), (100, 100), (0, 100), (0, 100)]
    found = _others(_frame(a=_poly(*ring), b=_box(200, 0)))
    assert found == [("duplicate-vertex", ("a",), 2), ("near-vertex", ("a",), 1)]


def test_a_vertex_that_the_neighbour_lacks_is_an_unmatched_edge() -> None:
    frame = _frame(a=_box(0, 0, 100, 200), b=_box(100, 0), c=_box(100, 100))
    assert _others(frame) == [("edge", ("a", "b"), 1)]
    proposal = repair(frame)
    assert _others(proposal.repaired) == []
    assert proposal.changes[["code", "reasons", "change_m2"]].to_numpy().tolist() == [
        ["a", ("edge",), 0.0]
    ]


def test_pieces_and_what_lies_inside_others() -> None:
    ring = _box(0, 0, 300, 300).difference(_box(100, 100)).difference(_box(210, 210, 20, 20))
    split = shapely.MultiPolygon([_box(100, 100), _box(400, 0, 10, 10)])
    found = _others(_frame(ring=ring, split=split))
    assert sorted(found) == [
        ("enclave", ("ring", "split"), 1),
        ("exclave", ("split",), 1),
        ("hole", ("ring",), 1),
    ]


def test_every_finding_says_what_repair_would_do() -> None:
    frame = _frame(
        a=_box(0, 0, 101), b=_box(100, 0), c=_box(0, 100, 110, 5), d=_box(90, 100, 110, 5)
    )
    found = check(frame).findings()
    assert {"kind", "areas", "area_m2", "width_m", "lon", "lat", "count"} <= set(found.columns)
    words = dict(
        zip(zip(found["kind"], found["areas"], strict=True), found["repair_en"], strict=True)
    )
    assert words["overlap", ("a", "b")].startswith("up to 2 m wide: to the neighbour")
    assert words["overlap", ("c", "d")] == "wider than 2 m: left for a person"
    assert all(found["repair_zh"])


def test_a_narrow_overlap_goes_to_the_longer_edge_and_ties_to_the_smaller_code() -> None:
    even = repair(_frame(b=_box(0, 0, 101), a=_box(100, 0)))
    assert even.moved[["kind", "areas", "given_to"]].to_numpy().tolist() == [
        ["overlap", ("a", "b"), "a"]
    ]
    assert even.moved["area_m2"].sum() == pytest.approx(100, rel=0.01)
    gap = repair(
        _frame(a=_box(0, 0, 50), b=_box(50, 0, 150), c=_box(0, 101, 200), l=_box(-20, 0, 20, 201),
               r=_box(200, 0, 20, 201))
    )  # fmt: skip
    assert gap.moved[["kind", "given_to"]].to_numpy().tolist() == [["gap", "c"]]
    assert gap.left.is_partition


def test_what_is_wider_is_left_for_a_person() -> None:
    frame = _frame(a=_box(0, 0, 103), b=_box(100, 0))
    proposal = repair(frame)
    assert proposal.moved.empty
    assert len(proposal.left.overlaps) == 1
    assert repair(frame, max_width_m=4).left.is_partition


def test_an_area_is_never_given_away_whole() -> None:
    thin = _box(0, 0, 100, 1)
    proposal = repair(_frame(a=_box(0, 0), z=thin))
    assert not proposal.repaired.geometry.is_empty.any()


def test_children_that_leave_their_parent_are_told_with_the_better_one() -> None:
    above = _frame(p=_box(0, 0), q=_box(100, 0))
    below = _frame(a=_box(0, 0, 120), b=_box(40, 0), c=_box(0, 0, 10, 10)).assign(up="p")
    found = check_nesting(below, above, parent="up")
    told = {(row.kind, row.areas): row.area_m2 for row in found.itertuples()}
    assert told.keys() == {("outside-parent", ("a", "p")), ("outside-parent", ("b", "p"))}
    assert told["outside-parent", ("a", "p")] == pytest.approx(2000, rel=0.01)
    moved = check_nesting(below.assign(up="q"), above, parent="up")
    assert {row.areas for row in moved.itertuples() if row.kind == "parent-differs"} == {
        ("a", "q", "p"),
        ("b", "q", "p"),
        ("c", "q", "p"),
    }


def test_lists_of_areas_keep_their_rules() -> None:
    up = "341102001001"
    areas = [
        ListedArea(f"{up}001", "一", up),
        ListedArea(f"{up}004", "一", up),
        ListedArea(f"{up}004", "二", up),
        ListedArea("341102001002001", "三", up),
        ListedArea("３41102001001002", "四", up),
    ]
    found = list_faults(areas, "grid", retired={f"{up}001"})
    assert sorted((fault.key, fault.codes[0]) for fault in found) == [
        ("code-duplicate", f"{up}004"),
        ("code-full-width", "３41102001001002"),
        ("code-parent", "341102001002001"),
        ("code-retired", f"{up}001"),
        ("code-sequence", up),
        ("name-duplicate", f"{up}001"),
    ]
