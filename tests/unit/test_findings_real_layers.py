"""Every finding on real layers, against computations that share nothing with the check.

Pairs are intersected one by one, widths tested by eroding, angles and steps taken on the ellipsoid.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gis.geometry.nesting import check_nesting
from gis.geometry.partition import PartitionReport, check
from tests.exact import GEOD, geodesic_m2
from tests.unit.test_repair_real_layers import LAYERS

if TYPE_CHECKING:
    from pathlib import Path

CLEAR_M2 = 0.01
"""Above this no rounding of coordinates makes or hides a finding."""


@pytest.fixture(scope="module", params=list(LAYERS))
def checked(
    request: pytest.FixtureRequest, shared_data: Path
) -> tuple[str, gpd.GeoDataFrame, PartitionReport]:
    path, _ = LAYERS[request.param]
    layer = gpd.read_file(shared_data / path)
    layer["code"] = [f"{i:05d}" for i in range(len(layer))]
    return request.param, layer, check(layer)


Checked = tuple[str, gpd.GeoDataFrame, PartitionReport]


def polygonal(shapes: Any) -> Any:  # noqa: ANN401
    """The polygons of intersections, each as one multipolygon."""
    kept = []
    for shape in shapes:
        parts = shapely.get_parts(shapely.get_parts(shape))
        kept.append(shapely.MultiPolygon([p for p in parts if p.geom_type == "Polygon"]))
    return np.array(kept, dtype=object)


def test_invalid_rings_are_named_and_placed(checked: Checked) -> None:
    name, layer, report = checked
    shapes = np.array(layer.geometry, dtype=object)
    bad = layer[~shapely.is_valid(shapes)]
    assert {row.areas[0] for row in report.invalid.itertuples()} == set(bad["code"])
    for row in report.invalid.itertuples():
        boundary = shapes[int(row.areas[0])].boundary
        assert boundary.distance(shapely.Point(row.lon, row.lat)) < 1e-6
        words = shapely.is_valid_reason(shapes[int(row.areas[0])]).partition("[")[0]
        assert row.key == words.lower().replace(" ", "-")
    if name == "new-york-districts":  # counted by others, in another frame
        assert report.invalid["key"].value_counts().to_dict() == {
            "self-intersection": 29,
            "ring-self-intersection": 5,
        }


def test_overlaps_are_the_pairs_that_share_ground(checked: Checked) -> None:
    _, layer, report = checked
    sound = layer[shapely.is_valid(np.array(layer.geometry))].reset_index(drop=True)
    shapes = np.array(sound.geometry, dtype=object)
    codes = sound["code"].to_numpy()
    met = gpd.sjoin(sound, sound, predicate="intersects")
    met = met[met["code_left"] < met["code_right"]]
    left = met.index.to_numpy()
    right = met["index_right"].to_numpy()
    common = polygonal(shapely.intersection(shapes[left], shapes[right]))
    some = np.flatnonzero(shapely.area(common) > 1e-14)
    area_m2 = dict(
        zip(
            [(codes[i], codes[j]) for i, j in zip(left[some], right[some], strict=True)],
            geodesic_m2(common[some]),
            strict=True,
        )
    )
    clear = {pair: size for pair, size in area_m2.items() if size > CLEAR_M2}
    found = {
        tuple(sorted(row.areas)): row.area_m2
        for row in report.overlaps.itertuples()
        if set(row.areas) <= set(codes)
    }
    assert {pair for pair, size in found.items() if size > 1.1 * CLEAR_M2} <= set(clear)
    assert set(found) >= {pair for pair, size in clear.items() if size > 1.1 * CLEAR_M2}
    for pair, size in clear.items():
        assert found[pair] == pytest.approx(size, rel=0.01, abs=0.01)


def test_gaps_are_the_holes_of_the_union(checked: Checked) -> None:
    _, layer, report = checked
    # what an invalid ring bounds is a matter of the rule; the one of the check is GEOS's structure
    shapes = shapely.make_valid(np.array(layer.geometry, dtype=object), method="structure")
    parts = shapely.get_parts(polygonal([shapely.union_all(shapes)])[0])
    holes = [shapely.Polygon(ring) for part in parts for ring in part.interiors]
    tree = shapely.STRtree(parts)  # islands lie in some
    bare = [hole.difference(shapely.union_all(parts[tree.query(hole)])) for hole in holes]
    sizes = np.sort(geodesic_m2([one for one in bare if not one.is_empty]))
    found = np.sort(report.gaps["area_m2"].to_numpy())
    clear, told = sizes[sizes > CLEAR_M2], found[found > CLEAR_M2]
    assert len(clear) == len(told)
    assert told == pytest.approx(clear, rel=0.01, abs=0.01)


def test_widths_are_those_at_which_a_shape_erodes_away(checked: Checked) -> None:
    name, _, report = checked
    _, metric = LAYERS[name]
    for table in (report.gaps, report.overlaps):
        some = table[(table["width_m"] > 0.3) & (table["area_m2"] < 1e5)]
        some = some.iloc[:: max(len(some) // 25, 1)].to_crs(metric)
        for row in some.itertuples():
            off = 0.1 + 0.02 * row.width_m
            assert not row.geometry.buffer(-(row.width_m - off) / 2).is_empty
            assert row.geometry.buffer(-(row.width_m + off) / 2).is_empty


def vertices(layer: gpd.GeoDataFrame) -> list[tuple[str, Any]]:
    """Each ring of each valid area, counter-clockwise shells, with its closing vertex."""
    rings = []
    for code, shape in zip(layer["code"], layer.geometry, strict=True):
        if shape.is_valid:
            for part in shapely.get_parts(shapely.orient_polygons(shape)):
                rings += [(code, shapely.get_coordinates(r)) for r in shapely.get_rings(part)]
    return rings


def test_repeated_and_near_vertices_are_those_within_a_centimetre(checked: Checked) -> None:
    _, layer, report = checked
    near: dict[str, int] = {}
    repeated: dict[str, int] = {}
    for code, xy in vertices(layer):
        step = GEOD.inv(*xy[:-1].T, *xy[1:].T)[2]
        same = (xy[:-1] == xy[1:]).all(axis=1)
        if same.any():
            repeated[code] = repeated.get(code, 0) + int(same.sum())
        close = ~same & (step <= 0.01)
        if close.any():
            near[code] = near.get(code, 0) + int(close.sum())
    sound = set(layer[shapely.is_valid(np.array(layer.geometry))]["code"])
    for kind, counts in (("near-vertex", near), ("duplicate-vertex", repeated)):
        rows = report.others[report.others["kind"] == kind]
        told = dict(zip([areas[0] for areas in rows["areas"]], rows["count"], strict=True))
        assert {code: n for code, n in told.items() if code in sound} == counts


def test_spikes_are_the_sharp_turns(checked: Checked) -> None:
    _, layer, report = checked
    clear, possible = set[str](), set[str]()
    for code, xy in vertices(layer):
        ring = xy[:-1][(xy[:-1] != xy[1:]).any(axis=1)]
        before, after = np.roll(ring, 1, axis=0), np.roll(ring, -1, axis=0)
        there, _, came = GEOD.inv(*ring.T, *before.T)
        back, _, goes = GEOD.inv(*ring.T, *after.T)
        turn = np.mod(back - there, 360.0)  # inside angle of a counter-clockwise ring
        short = np.minimum(came, goes)
        if ((turn <= 4.9) & (short > 0.02)).any():
            clear.add(code)
        if ((turn <= 5.1) & (short > 0.009)).any():
            possible.add(code)
    sound = set(layer[shapely.is_valid(np.array(layer.geometry))]["code"])
    rows = report.others[report.others["kind"] == "spike"]
    found = {areas[0] for areas in rows["areas"]} & sound
    assert clear <= found <= possible


def test_pieces_are_parts_and_inner_rings(checked: Checked) -> None:
    _, layer, report = checked
    sound = layer[shapely.is_valid(np.array(layer.geometry))]
    kinds = report.others[["kind", "areas"]].to_numpy()
    for code, shape in zip(sound["code"], sound.geometry, strict=True):
        parts = shapely.get_parts(shape)
        apart = sum(1 for kind, areas in kinds if kind == "exclave" and areas == (code,))
        inner = sum(1 for kind, areas in kinds if kind in ("enclave", "hole") and areas[0] == code)
        assert apart == len(parts) - 1
        assert inner == shapely.get_num_interior_rings(parts).sum()


def test_an_unmatched_vertex_lies_on_a_neighbour_that_lacks_it(checked: Checked) -> None:
    name, layer, report = checked
    _, metric = LAYERS[name]
    rows = report.others[report.others["kind"] == "edge"]
    shapes = layer.set_index("code").geometry
    for row in rows.iloc[:: max(len(rows) // 40, 1)].itertuples():
        pair = [shapes[code] for code in row.areas]
        if not all(shape.is_valid for shape in pair):
            continue
        place = np.array([row.lon, row.lat])
        steps = []
        for shape in pair:
            xy = shapely.get_coordinates(shape)
            near = xy[np.abs(xy - place).max(axis=1) < 1e-4]
            found = GEOD.inv(*near.T, *np.broadcast_to(place, near.shape).T)[2]
            steps.append(found.min() if len(near) else np.inf)
        assert min(steps) < 0.0011
        assert max(steps) > 0.0009
        lacking = pair[int(np.argmax(steps))]
        line = gpd.GeoSeries([shapely.segmentize(lacking, 1e-4)], crs=layer.crs).to_crs(metric)
        spot = gpd.GeoSeries([shapely.Point(place)], crs=layer.crs).to_crs(metric)
        assert line.boundary.distance(spot).iloc[0] < 0.002


def test_what_leaves_its_parent_is_what_an_overlay_says(shared_data: Path) -> None:
    """Election districts in community boards: two real layers that were drawn apart."""
    boards = gpd.read_file(shared_data / "nyc-311/community_districts_2013.geojson")
    boards = boards[boards["boro_cd"].str.startswith("1")].reset_index(drop=True)
    below = gpd.read_file(shared_data / "messy-polygons/nyc_election_districts_2013.geojson")
    below = below[below.is_valid & below.intersects(boards.union_all())].reset_index(drop=True)
    below["district"] = below["district"].astype(str)
    cut = gpd.overlay(below, boards, how="intersection", keep_geom_type=True)
    cut["m2"] = geodesic_m2(cut.geometry, 1e-4)
    shares = cut.pivot_table("m2", "district", "boro_cd", aggfunc="sum", fill_value=0.0)
    ranked = np.argsort(-shares.to_numpy(), axis=1)
    best = dict(zip(shares.index, shares.columns[ranked[:, 0]], strict=True))
    second = dict(zip(shares.index, shares.columns[ranked[:, 1]], strict=True))
    split = [name for name in shares.index if shares.loc[name, second[name]] > 1.0]
    wrong = set(split[::3])  # stored in the board that holds the lesser share
    below = below[below["district"].isin(best)].reset_index(drop=True)
    below["up"] = [(second if name in wrong else best)[name] for name in below["district"]]
    boards, below = (
        boards.rename(columns={"boro_cd": "code"}),
        below.rename(columns={"district": "code"}),
    )
    found = check_nesting(below, boards, parent="up")
    assert len(wrong) > 20

    board_of = dict(zip(boards["code"], boards.geometry, strict=True))
    rest = [row.geometry.difference(board_of[row.up]) for row in below.itertuples()]
    beyond_m2 = dict(zip(below["code"], geodesic_m2(rest, 1e-4), strict=True))
    outside = found[found["kind"] == "outside-parent"]
    told = {areas[0]: m2 for areas, m2 in zip(outside["areas"], outside["area_m2"], strict=True)}
    clear = {name for name, m2 in beyond_m2.items() if m2 > CLEAR_M2}
    assert clear <= set(told)
    assert {name for name, m2 in told.items() if m2 > 2 * CLEAR_M2} <= clear
    for name, m2 in told.items():
        assert m2 == pytest.approx(beyond_m2[name], rel=1e-6, abs=0.01)

    differs = found[found["kind"] == "parent-differs"]
    assert set(differs["areas"]) == {(name, second[name], best[name]) for name in wrong}
    for areas, m2 in zip(differs["areas"], differs["area_m2"], strict=True):
        assert m2 == pytest.approx(shares.loc[areas[0], areas[2]], rel=1e-6, abs=0.01)
