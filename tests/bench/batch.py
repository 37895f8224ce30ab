"""``gridward match`` over short and long files: rows a second, processors used, memory in use.

Memory is what a process keeps for itself (Pss: what several map is divided among them), at its
largest; it should not grow with the file. ``GRIDWARD_BENCH_ROWS=30000,240000`` chooses the lengths.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path

import geopandas as gpd
import numpy as np
import pandas as pd
from rich.console import Console
from rich.table import Table

from tests.bench.home import demo_bench
from tests.bench.http import _pins
from tests.bench.load import cpu_seconds
from tests.processes import environment

ROWS = "30000,240000"
KINDS = ("csv", "parquet", "gpkg")
EVERY_S = 0.1


@dataclass
class Seen:
    """What a command and its workers used: seconds, and the largest memory of each process."""

    seconds: float = 0.0
    cpu_s: dict[int, float] = field(default_factory=dict)
    largest_mb: dict[int, float] = field(default_factory=dict)


def main(scale: float = 0.1) -> None:
    with demo_bench(scale) as (home, dsn):
        measure(home, dsn, scale)


def measure(home: Path, dsn: str, scale: float) -> None:
    table = Table(title=f"gridward match, demo city at scale {scale}, {os.cpu_count()} cores")
    for column in ("file", "rows", "s", "rows a second", "cores used", "MB: reader", "MB: workers"):
        table.add_column(column, justify="right")
    pins = np.array(_pins(dsn))
    for kind in KINDS:
        for rows in os.environ.get("GRIDWARD_BENCH_ROWS", ROWS).split(","):
            path = home / f"pins.{kind}"
            _write(path, pins, int(rows))
            seen = watched(home, path, home / f"matched.{kind}")
            assert _length(home / f"matched.{kind}") == int(rows)
            print(f"{kind}, {rows} rows: {seen.seconds:.1f} s", flush=True)
            first, *others = seen.largest_mb.values()
            table.add_row(
                kind,
                f"{int(rows):,}",
                f"{seen.seconds:.1f}",
                f"{int(rows) / seen.seconds:,.0f}",
                f"{sum(seen.cpu_s.values()) / seen.seconds:.2f}",
                f"{first:.0f}",
                ", ".join(f"{one:.0f}" for one in others if one > 0),
            )
    console = Console(width=120)
    console.print(table)
    console.print(f"load {os.getloadavg()[0]}")


def _write(path: Path, pins: np.ndarray, rows: int) -> None:
    moved = np.random.default_rng(rows).normal(0.0, 1e-3, (rows, 2))
    lon, lat = (pins[np.arange(rows) % len(pins)] + moved).round(7).T
    frame = pd.DataFrame({"n": np.arange(rows), "lon": lon, "lat": lat, "accuracy_m": 15.0})
    if path.suffix == ".csv":
        frame.to_csv(path, index=False)
    elif path.suffix == ".parquet":
        frame.to_parquet(path, index=False)
    else:
        points = gpd.points_from_xy(lon, lat, crs=4326)
        gpd.GeoDataFrame(frame[["n", "accuracy_m"]], geometry=points).to_file(path)


def _length(path: Path) -> int:
    if path.suffix == ".csv":
        return len(pd.read_csv(path, usecols=["n"]))
    if path.suffix == ".parquet":
        return len(pd.read_parquet(path, columns=["n"]))
    return len(gpd.read_file(path, columns=["n"]))


def watched(home: Path, source: Path, target: Path) -> Seen:
    """Run the command and look at it and its workers every tenth of a second."""
    target.unlink(missing_ok=True)
    seen, begun = Seen(), time.perf_counter()
    process = subprocess.Popen(
        [sys.executable, "-m", "api.cli", "match", str(source), str(target),
         "--accuracy", "accuracy_m"],
        env=environment(home), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    while process.poll() is None:
        for pid in (process.pid, *_children(process.pid)):
            try:
                seen.cpu_s[pid] = cpu_seconds(pid)
                seen.largest_mb[pid] = max(seen.largest_mb.get(pid, 0.0), _own_mb(pid))
            except (OSError, ValueError):
                continue  # it has just ended
        time.sleep(EVERY_S)
    assert process.returncode == 0
    seen.seconds = time.perf_counter() - begun
    return seen


def _children(pid: int) -> list[int]:
    try:
        return [int(one) for one in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def _own_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text("ascii").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) / 1e3
    return 0.0
