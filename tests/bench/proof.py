"""Proof that the cell index is exact: every answer beside GEOS, whole numbers and PostGIS.

Random points over large tilings; every vertex, every edge midpoint and the points one unit in the
last place (ulp) beside each of them on 529 grids; and the same on four real layers with invalid
and overlapping areas after mending. The last two must be 0: PostGIS's ST_Covers may err within
1e-12 degrees of an edge, nothing else may differ. ``GRIDWARD_PROOF_DATA`` names the folder of the
real layers; by default it lies beside the checkout.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import psycopg
import shapely
from rich.console import Console
from rich.table import Table

from gis.geometry.cell_index import CellIndex
from gis.geometry.validity import mended
from tests import exact
from tests.bench import postgis
from tests.bench.tilings import tiling
from tests.probing import REAL_LAYERS, beside, owners_by_geos, vertices_and_middles

RANDOM = 1_000_000
ON_REAL = 200_000
PROBED = 529  # a square of at least 500
NEAR_DEG = 1e-12

Points = npt.NDArray[np.float64]
Owners = npt.NDArray[np.intp]
Layer = npt.NDArray[np.object_]


@dataclass(frozen=True)
class Case:
    """Points to ask for; ``adversarial`` ones are looked up in whole numbers, too."""

    layer: str
    areas: Layer
    kind: str
    points: Points
    adversarial: bool


@dataclass(frozen=True)
class Verdict:
    case: Case
    geos: int
    integers: int | None
    near: int
    beyond: int
    owned: float
    seconds: float


def main() -> None:
    """Print one row per layer and kind of points; exit with 1 where anything differs."""
    verdicts = []
    with postgis.database() as connection:
        for case in _cases():
            verdicts.append(_judge(case, connection))
            _print(verdicts[-1:])
    _print(verdicts)
    if any(one.geos or one.integers or one.beyond for one in verdicts):
        sys.exit("the cell index is not exact")


def _cases() -> Iterator[Case]:
    generator = np.random.default_rng(20261125)
    for number in (5_625, 50_176):  # the next squares
        areas = tiling(number)
        points = generator.uniform((118, 32), (119, 33), (RANDOM, 2))
        yield Case(f"tiling of {len(areas):,}", areas, "random", points, adversarial=False)
    grids = tiling(PROBED)
    hard = np.unique(beside(vertices_and_middles(grids)), axis=0)
    kind = "vertices, midpoints, +-1 ulp"
    yield Case(f"tiling of {len(grids):,}", grids, kind, hard, adversarial=True)
    for name, path in REAL_LAYERS.items():
        areas = mended(gpd.read_file(_data() / path).geometry.to_numpy())
        west, south, east, north = shapely.total_bounds(areas)
        points = generator.uniform((west, south), (east, north), (ON_REAL, 2))
        yield Case(name, areas, "random", points, adversarial=False)
        hard = np.unique(beside(vertices_and_middles(areas)), axis=0)
        if len(hard) > ON_REAL:
            hard = hard[generator.permutation(len(hard))[:ON_REAL]]
        yield Case(name, areas, kind, hard, adversarial=True)


def _data() -> Path:
    beside_checkout = Path(__file__).parents[2].parent / "shared" / "data"
    return Path(os.environ.get("GRIDWARD_PROOF_DATA", beside_checkout))


def _judge(case: Case, connection: psycopg.Connection) -> Verdict:
    begun = time.perf_counter()
    keys = [f"{position:06d}" for position in range(len(case.areas))]
    index = CellIndex.build(list(case.areas), keys)
    owners = index.locate(*case.points.T)
    geos = owners_by_geos(case.areas, keys, case.points)
    theirs = postgis.join(connection, case.areas, case.points).owners
    other = np.flatnonzero(theirs != owners)
    lines = shapely.STRtree(shapely.boundary(case.areas))
    at = shapely.points(case.points[other])
    away = shapely.distance(at, lines.geometries[lines.nearest(at)])
    return Verdict(
        case,
        geos=int((geos != owners).sum()),
        integers=_by_integers(case, owners) if case.adversarial else None,
        near=int((away <= NEAR_DEG).sum()),
        beyond=int((away > NEAR_DEG).sum()),
        owned=float((owners >= 0).mean()),
        seconds=time.perf_counter() - begun,
    )


def _by_integers(case: Case, owners: Owners) -> int:
    """Return how many owners differ from the smallest position that covers in whole numbers."""
    tree = shapely.STRtree(shapely.points(case.points))
    truth = np.full(len(case.points), -1)
    for position in range(len(case.areas) - 1, -1, -1):
        area = case.areas[position]
        near = tree.query(shapely.box(*area.bounds))
        truth[near[exact.covers_all(area, case.points[near])]] = position
    return int((truth != owners).sum())


def _print(verdicts: list[Verdict]) -> None:
    table = Table(title="Cell index: how many answers differ from")
    for column in (
        "layer", "points", "number", "owned", "GEOS", "whole numbers",
        "ST_Covers, within 1e-12", "ST_Covers, beyond", "s",
    ):  # fmt: skip
        table.add_column(column, justify="left" if column in ("layer", "points") else "right")
    for one in verdicts:
        table.add_row(
            one.case.layer,
            one.case.kind,
            f"{len(one.case.points):,}",
            f"{one.owned:.1%}",
            str(one.geos),
            "" if one.integers is None else str(one.integers),
            str(one.near),
            str(one.beyond),
            f"{one.seconds:.0f}",
        )
    Console(width=150).print(table)
