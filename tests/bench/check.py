"""How long a check of made grids takes, beside the same findings by plain geopandas overlay."""

from __future__ import annotations

import resource
import time

import geopandas as gpd
import numpy as np
import shapely
from shapely import affinity

from gis.geometry.partition import PartitionReport, check
from tests.tilings import wavy_tiling

SIZES = ((75, 74), (250, 200))  # 5,550 and 50,000 grids of 100 vertices
BROKEN_SHARE = 0.01
SHIFT_DEG = 8e-6  # 0.75 m


def made_grids(columns: int, rows: int) -> gpd.GeoDataFrame:
    """A tiling of which one grid in a hundred is shifted by 0.75 m."""
    cells = wavy_tiling(columns, rows)
    random = np.random.default_rng(3)
    for i in random.choice(len(cells), int(len(cells) * BROKEN_SHARE), replace=False):
        cells[i] = affinity.translate(cells[i], SHIFT_DEG, 0)
    codes = [f"{i:06d}" for i in range(len(cells))]
    return gpd.GeoDataFrame({"code": codes}, geometry=list(cells), crs=4326)


def plain_overlay(grids: gpd.GeoDataFrame) -> tuple[int, int]:
    """Count overlaps and gaps as one would with geopandas alone."""
    metric = grids.to_crs(32650)
    pairs = gpd.overlay(metric, metric, how="intersection", keep_geom_type=True)
    pairs = pairs[(pairs["code_1"] < pairs["code_2"]) & (pairs.area > 1e-6)]
    parts = shapely.get_parts(metric.union_all())
    rings, part = shapely.get_rings(parts, return_index=True)
    inner = np.append(False, part[1:] == part[:-1])
    holes = shapely.area(shapely.polygons(rings[inner]))
    return len(pairs), int((holes > 1e-6).sum())


def main() -> None:
    """Print one row per size."""
    print("\ncheck: made grids of 100 vertices, 1 % of them shifted by 0.75 m")
    print(
        f"{'grids':>8}{'check s':>10}{'cpu s':>7}{'overlay s':>11}{'ratio':>7}{'peak GB':>9}"
        "  findings"
    )
    for columns, rows in SIZES:
        grids = made_grids(columns, rows)
        began, busy = time.perf_counter(), time.process_time()
        report: PartitionReport = check(grids)
        took, cpu = time.perf_counter() - began, time.process_time() - busy
        peak_gb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        began = time.perf_counter()
        pairs, holes = plain_overlay(grids)
        plain = time.perf_counter() - began
        ours = f"{len(report.overlaps)} overlaps, {len(report.gaps)} gaps"
        print(
            f"{len(grids):>8,}{took:>10.1f}{cpu:>7.1f}{plain:>11.1f}{plain / took:>7.1f}"
            f"{peak_gb:>9.2f}"
            f"  {ours} (overlay in EPSG:32650: {pairs}, {holes})"
        )
