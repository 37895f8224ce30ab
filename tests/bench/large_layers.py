"""500,000 points beside 5,000, 50,000 grids beside 5,000: times of the same questions, memory.

Both cities lie on the same ground with the same density, the large one goes on around it: so a box
and a tile hold the same features in both, and what differs is the size of the layer alone.
"""

from __future__ import annotations

import os
import shutil
import socket
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
from rich.console import Console
from rich.table import Table

from gis.cluster import Cluster
from gis.store.unit_of_work import Database
from layers.bands import build_all
from tests.bench import tiled_city
from tests.bench.layers import GRIDS, POINTS, boxes, gridward_tiles, page_after, tiles
from tests.bench.load import Measured, request_bytes, run, until_quiet
from tests.processes import gridward, serving_process

SMALL, LARGE = ((100, 50), (100, 50)), ((500, 100), (1000, 500))
"""Columns and rows of the grids, and of what the points lie over: one in each."""
FORMATS = {
    "geojson": "limit=10000&f=json",
    "geojsonl": "f=geojsonl",
    "csv": "f=csv",
    "fgb": "f=fgb",
}


@contextmanager
def city(grids: tuple[int, int], over: tuple[int, int]) -> Iterator[tuple[int, int, float]]:
    """A served city: its port, the server's process, how long the bands took to build."""
    home = Path(tempfile.mkdtemp(prefix="gridward-bench-"))
    home.chmod(0o755)
    try:
        with Cluster(home).lease() as cluster:
            gridward(home, "db", "migrate")
            owner = cluster.url("owner")
            dsn = owner.replace("+psycopg", "")
            tiled_city.load(dsn, *grids, points=over[0] * over[1], over=over)
            database = Database(owner, role=None)
            begun = time.perf_counter()
            build_all(database)
            built = time.perf_counter() - begun
            with serving_process(home, GRIDWARD_JOB_WORKERS="0") as server:
                assert server.process is not None
                until_quiet(server.process.pid)
                yield server.port, server.process.pid, built
            database.close()
        Cluster(home).reset()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def questions(port: int, part: int = 0) -> dict[str, Measured]:
    """Times of the questions, each asked from one client; each ``part`` has tiles of its own."""
    found: dict[str, Measured] = {}

    def ask(name: str, make: Callable[[int], bytes], requests: int) -> None:
        run(port, make, requests=3, clients=1)
        found[name] = run(port, make, requests=requests, clients=1)

    asked = boxes()
    for layer in (GRIDS, POINTS):
        items = f"/ogc/collections/{layer}/items?limit=100"
        ask(f"{layer}: first page", lambda _, at=items: request_bytes("GET", at), 40)
        ask(
            f"{layer}: 100 in a box",
            lambda n, at=items: request_bytes(
                "GET", f"{at}&bbox={','.join(map(str, asked[n % len(asked)]))}"
            ),
            60,
        )
        after = page_after(port, 4000, layer)
        ask(f"{layer}: page after 4,000", lambda _, at=after: request_bytes("GET", at), 40)
        for zoom in (12, 14):
            places = tiles(zoom)[part::2]
            make = gridward_tiles(layer, zoom, places)
            found[f"{layer}: tile z{zoom}, cold"] = run(port, make, requests=len(places), clients=1)
    return found


def memory_of(pid: int) -> float:
    """Resident memory of a process in MB."""
    pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 1e6


def streamed(port: int, pid: int, layer: str, query: str) -> tuple[float, float, float, float]:
    """Take a whole layer: MB taken, seconds, memory before, highest memory meanwhile."""
    before, highest, done = memory_of(pid), 0.0, threading.Event()

    def watch() -> None:
        nonlocal highest
        while not done.wait(0.02):
            highest = max(highest, memory_of(pid))

    watcher = threading.Thread(target=watch)
    watcher.start()
    begun = time.perf_counter()
    taken = 0
    at: str | None = f"http://127.0.0.1:{port}/ogc/collections/{layer}/items?{query}"
    try:
        with httpx.Client(timeout=1200) as client:
            while at is not None:
                with client.stream("GET", at) as answer:
                    assert answer.status_code == 200, answer.read()
                    tail = b""
                    for chunk in answer.iter_bytes():
                        taken += len(chunk)
                        tail = tail or chunk[:8000]
                at = following(tail.decode(errors="ignore")) if "f=json" in query else None
    finally:
        done.set()
        watcher.join()
    return taken / 1e6, time.perf_counter() - begun, before, highest


def following(head: str) -> str | None:
    """The `next` link of a page; links stand before the features."""
    if '"rel":"next"' not in head:
        return None
    before = head.partition('"rel":"next"')[0]
    return before.rpartition('"href":"')[2].partition('"')[0]


def slow_client(port: int) -> socket.socket:
    """One that asks for a whole layer and reads nothing of it."""
    client = socket.create_connection(("127.0.0.1", port))
    client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    client.sendall(request_bytes("GET", f"/ogc/collections/{POINTS}/items?f=geojsonl"))
    return client


def main() -> None:
    console = Console(width=140)
    with city(*SMALL) as (port, _, built_small):
        small = questions(port)
    with city(*LARGE) as (port, pid, built):
        large = questions(port)
        slow = [slow_client(port) for _ in range(20)]
        time.sleep(1)
        crowded = questions(port, 1)
        for one in slow:
            one.close()
        memory = Table(
            title="A whole layer of 500,000 points, 50,000 grids: memory of the server, MB"
        )
        for name in ("layer", "format", "MB taken", "seconds", "before", "highest", "more"):
            memory.add_column(name)
        for layer in (POINTS, GRIDS):
            for form, query in FORMATS.items():
                taken, seconds, before, highest = streamed(port, pid, layer, query)
                memory.add_row(layer, form, f"{taken:.0f}", f"{seconds:.1f}", f"{before:.0f}",
                               f"{highest:.0f}", f"{highest - before:.0f}")  # fmt: skip
    table = Table(
        title=f"Medians in ms; load {os.getloadavg()[0]:.1f}; bands built in {built_small:.0f} s "
        f"and {built:.0f} s"
    )
    for name in ("what", "small", "large", "ratio", "large, beside 20 clients that do not read"):
        table.add_column(name)
    for name, one in small.items():
        table.add_row(name, f"{one.median_ms:.2f}", f"{large[name].median_ms:.2f}",
                      f"{large[name].median_ms / one.median_ms:.2f}",
                      f"{crowded[name].median_ms:.2f}")  # fmt: skip
    ratios = [large[name].median_ms / one.median_ms for name, one in small.items()]
    console.print(table)
    console.print(f"ratios: median {np.median(ratios):.2f}, worst {max(ratios):.2f}")
    console.print(memory)
