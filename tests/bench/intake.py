"""Intake beside the bare SQL inserts of the same rows, and the time from commit to listener."""

from __future__ import annotations

import json
import shutil
import tempfile
import threading
import time
import uuid
from pathlib import Path

import httpx
import numpy as np
from rich.console import Console
from rich.table import Table

from gis.cluster import Cluster
from tests.bench.http import CLIENTS, _location, _pins, _sql_insert
from tests.bench.load import Measured, request_bytes, run
from tests.processes import gridward, serving_process

EVENTS = 3000
HEARD = 200


def main(scale: float = 0.1) -> None:
    home = Path(tempfile.mkdtemp(prefix="gridward-bench-"))
    home.chmod(0o755)
    try:
        with Cluster(home).lease() as cluster:
            gridward(home, "db", "migrate")
            gridward(home, "demo", "load", "--scale", str(scale))
            dsn = cluster.url("app").replace("+psycopg", "")
            _measure(home, dsn, scale)
        Cluster(home).reset()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def _measure(home: Path, dsn: str, scale: float) -> None:
    pins = _pins(dsn)
    secret = json.loads(gridward(home, "token", "--role", "dispatcher", "--json"))["token"]
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    bare = _sql_insert(dsn, pins)

    def report(number: int) -> bytes:
        body = {
            "source": "snap",
            "source_ref": uuid.uuid4().hex,
            "category": "event-exposed-rubbish",
            "location": _location(pins, number),
        }
        return request_bytes("POST", "/v1/events", headers=headers, body=json.dumps(body).encode())

    with serving_process(home) as server:
        run(server.port, report, requests=300, clients=CLIENTS)
        alone = run(server.port, report, requests=EVENTS, clients=CLIENTS)
        quiet, busy = _heard(server.base, headers, server.port, report)
    _print(scale, bare, alone, quiet, busy)


def _heard(
    base: str, headers: dict[str, str], port: int, report: object
) -> tuple[list[float], list[float]]:
    """Return milliseconds from the answer to the listener: alone, and under load."""
    heard: dict[str, float] = {}
    ready = threading.Event()
    stop = threading.Event()

    def listen() -> None:
        with (
            httpx.Client(base_url=base, headers=headers, timeout=30) as http,
            http.stream("GET", "/v1/stream", params={"topics": "event.created"}) as answer,
        ):
            for line in answer.iter_lines():
                ready.set()
                if line.startswith("data: "):
                    heard[json.loads(line[6:])["id"]] = time.perf_counter()
                if stop.is_set():
                    return

    threading.Thread(target=listen, daemon=True).start()
    ready.wait(10)
    quiet = _delays(base, headers, heard)
    loading = threading.Thread(
        target=lambda: run(port, report, requests=EVENTS, clients=CLIENTS)  # type: ignore[arg-type]
    )
    loading.start()
    busy = _delays(base, headers, heard)
    loading.join()
    stop.set()
    return quiet, busy


def _delays(base: str, headers: dict[str, str], heard: dict[str, float]) -> list[float]:
    """Report one event after the other; how long after its answer was each one heard."""
    answered: dict[str, float] = {}
    with httpx.Client(base_url=base, headers=headers, timeout=30) as http:
        for _ in range(HEARD):
            event = {"source": "snap", "location": {"lon": 118.31, "lat": 32.30}}
            made = http.post("/v1/events", json=event).json()["id"]
            answered[made] = time.perf_counter()
            time.sleep(0.02)
    time.sleep(1)
    return [(heard[made] - at) * 1000 for made, at in answered.items() if made in heard]


def _print(
    scale: float, bare: Measured, alone: Measured, quiet: list[float], busy: list[float]
) -> None:
    table = Table(title=f"Intake, demo city at scale {scale}, {CLIENTS} clients, one worker")
    for column in ("row", "per second", "median ms", "p99 ms", "ratio to bare SQL"):
        table.add_column(column)
    for name, row in (("bare SQL inserts, one connection", bare), ("POST /v1/events", alone)):
        table.add_row(
            name,
            f"{row.per_second:,.0f}",
            f"{row.median_ms:.2f}",
            f"{row.p99_ms:.2f}",
            f"{row.per_second / bare.per_second:.2f}",
        )
    for name, delays in (("answer to listener, alone", quiet), ("the same under load", busy)):
        median, late = np.percentile(delays, [50, 99])
        table.add_row(f"{name} ({len(delays)} heard)", "", f"{median:.1f}", f"{late:.1f}", "")
    Console(width=120).print(table)
