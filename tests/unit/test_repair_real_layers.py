"""Check and repair on real layers, against an overlay that knows nothing of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gis.geometry.partition import check
from gis.geometry.repair import repair

if TYPE_CHECKING:
    from pathlib import Path

LIMIT_M = 2.0
ROUNDING_M = 0.03
LAYERS = {
    "shenzhen": ("shenzhen-zones/traffic_zones_gcj02.geojson", 32650),
    "taipei": ("taipei-villages/villages.geojson", 3826),
    "new-york-districts": ("messy-polygons/nyc_election_districts_2013.geojson", 32618),
    "zip": ("nyc-311/zip_areas.geojson", 32618),
    "shoreline": ("nyc-311/community_districts_2022_shoreline.geojson", 32618),
    "boards": ("nyc-311/community_districts_2013.geojson", 32618),
}


@pytest.mark.parametrize("name", LAYERS)
def test_findings_are_true_and_narrow_ones_are_repaired(shared_data: Path, name: str) -> None:
    path, metric_crs = LAYERS[name]
    layer = gpd.read_file(shared_data / path)
    layer["code"] = [f"{i:05d}" for i in range(len(layer))]
    report = check(layer)
    shapes = shapely.make_valid(np.array(layer.geometry, dtype=object))
    place = {code: i for i, code in enumerate(layer["code"])}
    metric = report.overlaps.to_crs(metric_crs)
    for row in list(report.overlaps.itertuples())[::17]:  # pieces lie in both, at a true place
        a, b = (shapes[place[code]] for code in row.areas)
        assert a.intersection(b).area == pytest.approx(row.geometry.area, rel=0.05)
        assert row.area_m2 == pytest.approx(metric.geometry[row.Index].area, rel=0.01, abs=0.5)
    union = shapely.union_all(shapes)
    gaps = np.array(report.gaps.geometry, dtype=object)[::17]
    if name != "new-york-districts":  # 34 invalid ones: mended otherwise than by make_valid
        inside = shapely.area(shapely.intersection(gaps, union))
        assert (inside <= 1e-6 * shapely.area(gaps) + 1e-16).all()

    proposal = repair(layer)
    left = proposal.left
    for found in (left.gaps, left.overlaps):
        assert (found["width_m"] >= LIMIT_M - ROUNDING_M).all()
    assert left.invalid.empty
    assert not set(left.others["kind"]) & {"edge", "duplicate-vertex", "near-vertex"}
    filled = proposal.moved[proposal.moved["kind"] == "gap"]["area_m2"].sum()
    taken = proposal.moved[proposal.moved["kind"] == "overlap"]["area_m2"].sum()
    change = _area_m2(proposal.repaired) - _area_m2(layer)
    if report.invalid.empty:
        assert change == pytest.approx(filled - taken, abs=0.01 * (filled + taken) + 1.0)
    listed = proposal.changes["change_m2"].sum()
    assert listed == pytest.approx(filled - taken, abs=0.01 * (filled + taken) + 1500.0)


def _area_m2(layer: gpd.GeoDataFrame) -> float:
    """Areas as drawn in lon/lat, scaled at the layer's own latitudes; no frame of ours."""
    shapes = shapely.make_valid(np.array(layer.geometry, dtype=object))
    lat = np.radians(shapely.get_y(shapely.centroid(shapes)))
    metres = 111_132.95 - 559.85 * np.cos(2 * lat)
    east = 111_412.88 * np.cos(lat) - 93.5 * np.cos(3 * lat)
    return float((shapely.area(shapes) * metres * east).sum())
