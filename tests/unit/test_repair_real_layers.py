"""Check and repair on real layers, against an overlay that knows nothing of ours."""

from __future__ import annotations

from typing import TYPE_CHECKING

import geopandas as gpd
import numpy as np
import pytest
import shapely

from gis.geometry.partition import check
from gis.geometry.repair import SQUARE_METRES, RepairProposal, repair
from gis.geometry.validity import mended
from tests.exact import geodesic_m2

if TYPE_CHECKING:
    from pathlib import Path

LIMIT_M = 2.0
ROUNDING_M = 0.03
FINE_DEG = 5e-5
EXACT_M2 = 1e-3
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
    add_up(proposal, layer)


def add_up(proposal: RepairProposal, layer: gpd.GeoDataFrame) -> None:
    """The whole changes by what was repaired, exactly; each area by what its row says."""
    changes, ledger = proposal.changes, proposal.changes[list(SQUARE_METRES)].sum()
    at = layer["code"].isin(set(changes["code"])).to_numpy()
    before = geodesic_m2(mended(np.array(layer.geometry[at], dtype=object)), FINE_DEG)
    after = geodesic_m2(proposal.repaired.geometry[at], FINE_DEG)
    kept = [np.array(one.geometry[~at], dtype=object) for one in (layer, proposal.repaired)]
    assert shapely.equals_identical(*kept).all()
    assert changes["change_m2"].to_numpy() == pytest.approx(after - before, abs=EXACT_M2)
    made = changes["filled_m2"] - changes["settled_m2"] + changes["merged_m2"]
    assert changes["change_m2"].to_numpy() == pytest.approx(made.to_numpy(), abs=1e-5)
    filled, settled = (
        proposal.moved[proposal.moved["kind"] == kind]["area_m2"].sum()
        for kind in ("gap", "overlap")
    )
    assert (filled, settled) == pytest.approx((ledger["filled_m2"], ledger["settled_m2"]), abs=1e-3)
    repaired_m2 = filled + settled + changes["merged_m2"].abs().sum()
    assert abs((after - before).sum()) <= repaired_m2 + EXACT_M2
