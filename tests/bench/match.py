"""Which area covers a point: the cell index beside its peers, every answer checked.

``GRIDWARD_BENCH_AREAS=5000,50000,500000`` chooses the sizes. Nanoseconds are of processor time per
point, so that a busy machine does not change who is faster: of the one thread, of this process for
SedonaDB, of its backend for PostGIS; each is held to one thread. Megabytes are what a contender
keeps beside the areas and points that it was given: for ours the size of its arrays, for PostGIS
that of its tables, for the others by how much the process grew until they had first answered.
"""

from __future__ import annotations

import gc
import os
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import shapely
from rich.console import Console
from rich.table import Table

from gis.geometry.cell_index import CellIndex, warm_up
from tests.bench import numpy_locate, postgis
from tests.bench.tilings import tiling

SIZES = "5000,50000,500000"
POINTS = 1_000_000
PEER_POINTS = 100_000
FEWER_PEER_POINTS = 20_000
MANY_AREAS = 60_000
REPEATS = 5

Points = npt.NDArray[np.float64]
Owners = npt.NDArray[np.intp]
Layer = npt.NDArray[np.object_]
Answer = Callable[[], Owners]
T = TypeVar("T")


@dataclass(frozen=True)
class Row:
    contender: str
    ns: float
    wrong: int
    build_s: float
    megabytes: float


def main() -> None:
    warm_up()
    first: dict[str, float] = {}
    for size in os.environ.get("GRIDWARD_BENCH_AREAS", SIZES).split(","):
        areas = tiling(int(size))
        points = np.random.default_rng(20261123).uniform((118, 32), (119, 33), (POINTS, 2))
        rows = _ours(areas, points)
        rows += _peers(
            areas, points[: PEER_POINTS if len(areas) < MANY_AREAS else FEWER_PEER_POINTS]
        )
        for row in rows:
            first.setdefault(row.contender.partition(" (")[0], row.ns)
        _print(rows, len(areas), first)


def _ours(areas: Layer, points: Points) -> list[Row]:
    index = CellIndex.build(list(areas))
    report = index.build_report
    assert report is not None
    build_s, megabytes = report.seconds, report.bytes / 1e6
    lon, lat = points.T.copy()
    band = np.floor((lat - 32) * len(areas) ** 0.5)
    order = np.lexsort((lon, band))
    sorted_lon, sorted_lat = lon[order], lat[order]
    truth = _checked(index, areas, points)
    with tempfile.TemporaryDirectory() as folder:  # a mapped file outlives its name
        path = Path(folder) / "index"
        index.save(path)
        load_s = min(_seconds(lambda: CellIndex.load(path), time.perf_counter)[0] for _ in range(3))
        mapped_s = min(
            _seconds(lambda: CellIndex.load(path, verify=False), time.perf_counter)[0]
            for _ in range(3)
        )
        mapped = CellIndex.load(path)
        rows = [
            _row("cell index", lambda: index.locate(lon, lat), truth, build_s, megabytes),
            _row(
                "cell index, points sorted",
                lambda: index.locate(sorted_lon, sorted_lat),
                truth[order],
                build_s,
                megabytes,
            ),
            _row(
                f"mapped from a file (loads in {1e3 * load_s:.0f} ms, unverified "
                f"{1e3 * mapped_s:.1f} ms)",
                lambda: mapped.locate(lon, lat),
                truth,
                build_s,
                megabytes,
            ),
        ]
    rows.append(
        _row(
            "the same arrays, numpy only",
            lambda: numpy_locate.locate(index, lon, lat),
            truth,
            build_s,
            megabytes,
        )
    )
    one = points[:20_000].tolist()
    rows.append(
        _row(
            "locate_one from Python",
            lambda: np.array([index.locate_one(x, y) for x, y in one]),
            truth[:20_000],
            build_s,
            megabytes,
        )
    )
    return rows


def _checked(index: CellIndex, areas: Layer, points: Points) -> Owners:
    """Return the owners by GEOS: ours, each point checked against the area that it was given.

    The areas tile, so that whoever covers a point away from the edges is its only owner; points
    without an owner, and those on an edge, are looked up by GEOS among all areas.
    """
    owners = index.locate(*points.T)
    given = owners >= 0
    doubtful = ~given
    doubtful[given] = ~shapely.contains_xy(areas[owners[given]], points[given])
    truth = owners.copy()
    truth[doubtful] = _by_tree(areas, points[doubtful])
    return truth


def _peers(areas: Layer, points: Points) -> list[Row]:
    truth = _by_tree(areas, points)
    asked = np.asarray(shapely.points(points), dtype=object)
    points_frame = gpd.GeoDataFrame(geometry=asked, crs=4326)

    def with_tree() -> tuple[float, Answer]:
        build_s, tree = _seconds(lambda: shapely.STRtree(areas), time.perf_counter)

        def by_tree() -> Owners:
            numbers, positions = tree.query(asked, "covered_by")
            return _first(numbers, positions, len(points), len(areas))

        return build_s, by_tree

    def with_frame() -> tuple[float, Answer]:
        begun = time.perf_counter()
        frame = gpd.GeoDataFrame(geometry=areas, crs=4326)
        _ = frame.sindex

        def joined() -> Owners:
            pairs = gpd.sjoin(points_frame, frame, predicate="covered_by")["index_right"]
            return _first(pairs.index.to_numpy(), pairs.to_numpy(), len(points), len(areas))

        return time.perf_counter() - begun, joined

    rows = []
    for name, make in (
        ("geopandas.sjoin covered_by", with_frame),
        ("shapely STRtree covered_by", with_tree),
    ):
        gc.collect()
        before = _resident_mb()
        build_s, answer = make()
        answer()
        grown = max(_resident_mb() - before, 0.0)
        rows.append(_row(name, answer, truth, build_s, grown, repeats=2))
        del answer
    rows.append(_sedona(areas, asked, truth))
    rows.append(_postgis(areas, points, truth))
    return rows


def _resident_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text("ascii").split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def _sedona(areas: Layer, points: Layer, truth: Owners) -> Row:
    """SedonaDB's spatial join, on one thread as everybody else."""
    import pyarrow as pa
    import sedonadb

    gc.collect()
    before = _resident_mb()
    session = sedonadb.connect()
    session.sql("set datafusion.execution.target_partitions = 1").execute()
    begun = time.perf_counter()
    for name, shapes in (("areas", areas), ("points", points)):
        numbered = gpd.GeoDataFrame({"n": np.arange(len(shapes))}, geometry=shapes, crs=4326)
        session.create_data_frame(numbered).to_memtable().to_view(name, overwrite=True)
    build_s = time.perf_counter() - begun
    question = (
        "select p.n as point, a.n as area from points p join areas a "
        "on ST_Covers(a.geometry, p.geometry)"
    )

    def joined() -> Owners:
        pairs = pa.table(session.sql(question))
        return _first(pairs["point"].to_numpy(), pairs["area"].to_numpy(), len(points), len(areas))

    joined()
    grown = max(_resident_mb() - before, 0.0)
    seconds, owners = min((_seconds(joined, time.process_time) for _ in range(2)), key=_took)
    wrong = int((owners != truth).sum())
    return Row("SedonaDB join ST_Covers", 1e9 * seconds / len(points), wrong, build_s, grown)


def _took(run: tuple[float, Owners]) -> float:
    return run[0]


def _postgis(areas: Layer, points: Points, truth: Owners) -> Row:
    with postgis.database() as connection:
        joined = postgis.join(connection, areas, points)
    wrong = int((joined.owners != truth).sum())
    ns = 1e9 * joined.seconds / len(points)
    return Row("PostGIS join ST_Covers", ns, wrong, joined.build_s, joined.megabytes)


def _by_tree(areas: Layer, points: Points) -> Owners:
    numbers, positions = shapely.STRtree(areas).query(shapely.points(points), "covered_by")
    return _first(numbers, positions, len(points), len(areas))


def _first(numbers: Owners, positions: Owners, points: int, areas: int) -> Owners:
    best = np.full(points, areas)
    np.minimum.at(best, numbers, positions)
    return np.where(best == areas, -1, best)


def _row(
    contender: str,
    answer: Callable[[], Owners],
    truth: Owners,
    build_s: float,
    megabytes: float,
    *,
    repeats: int = REPEATS,
) -> Row:
    seconds, wrong = [], 0
    for _ in range(repeats):
        took, owners = _seconds(answer, time.thread_time)
        seconds.append(took)
        wrong = int((owners != truth).sum())
    ns = 1e9 * float(np.median(seconds)) / len(truth)
    return Row(contender, ns, wrong, build_s, megabytes)


def _seconds(do: Callable[[], T], clock: Callable[[], float]) -> tuple[float, T]:
    begun = clock()
    done = do()
    return clock() - begun, done


def _print(rows: list[Row], areas: int, first: dict[str, float]) -> None:
    title = f"Point -> area, {areas:,} areas of 100 vertices, one thread, load {os.getloadavg()[0]}"
    table = Table(title=title)
    for column in ("contender", "ns a point", "ratio", "grown", "wrong", "build s", "MB"):
        table.add_column(column, justify="left" if column == "contender" else "right")
    for row in rows:
        table.add_row(
            row.contender,
            f"{row.ns:,.0f}",
            f"{row.ns / rows[0].ns:,.1f}",
            f"{row.ns / first[row.contender.partition(' (')[0]]:,.1f}",
            str(row.wrong),
            f"{row.build_s:.2f}",
            "" if np.isnan(row.megabytes) else f"{row.megabytes:,.0f}",
        )
    console = Console(width=120)
    console.print(table)
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    console.print(f"largest that this process has been so far, everybody in it: {peak:.1f} GB")
