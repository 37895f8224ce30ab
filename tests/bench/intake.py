"""Intake beside the bare SQL inserts of the same rows."""

from __future__ import annotations

import json
import os
import uuid
from collections.abc import Callable
from pathlib import Path

import numpy as np
import psycopg
from rich.console import Console
from rich.table import Table

from tests.bench.home import demo_bench
from tests.bench.http import CLIENTS, _location, _pins, _sql_insert
from tests.bench.load import Measured, request_bytes, run
from tests.processes import gridward, serving_process

EVENTS = 1200
ROUNDS = 3
BARE_ROW = "bare SQL inserts, one connection"
TABLES = ("event_registry", "events", "work_orders", "log_entries", "clocks", "outbox")


def main(scale: float = 0.1) -> None:
    with demo_bench(scale) as (home, dsn):
        _measure(home, dsn, scale)


def _measure(home: Path, dsn: str, scale: float) -> None:
    pins = _pins(dsn)
    secret = json.loads(gridward(home, "token", "--role", "dispatcher", "--json"))["token"]
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}

    def report(number: int) -> bytes:
        return request_bytes(
            "POST", "/v1/events", headers=headers, body=json.dumps(event(pins, number)).encode()
        )

    with serving_process(home) as server:
        assert server.process is not None
        pid = server.process.pid
        run(server.port, report, requests=300, clients=CLIENTS)
        written = {
            "bare SQL": _rows_of_one(dsn, lambda: _sql_insert(dsn, pins, 1)),
            "POST /v1/events": _rows_of_one(
                dsn, lambda: run(server.port, report, requests=1, clients=1)
            ),
        }
        bare, ours, one = [], [], []
        for _ in range(ROUNDS):
            bare.append(_sql_insert(dsn, pins))
            ours.append(run(server.port, report, requests=EVENTS, clients=CLIENTS, pid=pid))
            one.append(run(server.port, report, requests=EVENTS // 4, clients=1, pid=pid))
    rows = {
        BARE_ROW: _middle(bare),
        f"POST /v1/events, {CLIENTS} clients": _middle(ours),
        "POST /v1/events, one client": _middle(one),
    }
    _print(scale, rows, written)


def event(pins: list[tuple[float, float]], number: int) -> dict[str, object]:
    return {
        "source": "snap",
        "source_ref": uuid.uuid4().hex,
        "category": "event-exposed-rubbish",
        "location": _location(pins, number),
    }


def _middle(several: list[Measured]) -> Measured:
    return sorted(several, key=lambda one: one.per_second)[len(several) // 2]


def _rows_of_one(dsn: str, write: Callable[[], object]) -> dict[str, int]:
    """Return how many rows of each table one event writes."""
    with psycopg.connect(dsn, autocommit=True) as connection:

        def rows() -> dict[str, int]:
            return {
                table: connection.execute(f"select count(*) from {table}").fetchone()[0]  # type: ignore[index]
                for table in TABLES
            }

        before = rows()
        write()
        return {table: count - before[table] for table, count in rows().items()}


def _print(scale: float, rows: dict[str, Measured], written: dict[str, dict[str, int]]) -> None:
    table = Table(title=f"Intake, demo city at scale {scale}, one worker")
    for column in ("row", "per second", "median ms", "p99 ms", "CPU us", "ratio to bare SQL"):
        table.add_column(column)
    bare = rows[BARE_ROW]
    for name, row in rows.items():
        table.add_row(
            name,
            f"{row.per_second:,.0f}",
            f"{row.median_ms:.2f}",
            f"{row.p99_ms:.2f}",
            "" if np.isnan(row.cpu_us) else f"{row.cpu_us:,.0f}",
            f"{row.per_second / bare.per_second:.2f}",
        )
    console = Console(width=140)
    console.print(table)
    for name, counts in written.items():
        console.print(f"rows of one event, {name}: {counts}")
    console.print(f"load {os.getloadavg()[0]}")
