"""From the commit of an event to those who listen (server-sent events), alone and under load.

A commit inside the server lies between the request and its answer, so that the time from it to the
listener is more than the one from the answer and less than the one from the request. A commit of
another process (a batch, a worker, plain SQL) is timed itself: from before COMMIT is sent.
"""

from __future__ import annotations

import json
import os
import threading
import time
import uuid
from collections.abc import Callable
from pathlib import Path

import httpx
import numpy as np
import psycopg
from rich.console import Console
from rich.table import Table

from tests.bench.home import demo_bench
from tests.bench.http import CLIENTS, _pins
from tests.bench.intake import event
from tests.bench.load import request_bytes, run
from tests.processes import gridward, serving_process

HEARD = 200
LOAD = 2000
PATIENCE_S = 10.0
Times = dict[str, float]


def main(scale: float = 0.1) -> None:
    with demo_bench(scale) as (home, dsn):
        measure(home, dsn, scale)


def measure(home: Path, dsn: str, scale: float) -> None:
    pins = _pins(dsn)
    secret = json.loads(gridward(home, "token", "--role", "dispatcher", "--json"))["token"]
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    rows: dict[str, list[float]] = {}

    def report(number: int) -> bytes:
        return request_bytes(
            "POST", "/v1/events", headers=headers, body=json.dumps(event(pins, number)).encode()
        )

    with serving_process(home) as server:
        heard: Times = {}
        stop, ready = threading.Event(), threading.Event()
        listening = threading.Thread(
            target=_listen, args=(server.base, headers, heard, ready, stop), daemon=True
        )
        listening.start()
        ready.wait(PATIENCE_S)
        time.sleep(1.0)
        for name in ("alone", "under load"):
            loading = threading.Thread(
                target=lambda: run(server.port, report, requests=LOAD, clients=CLIENTS)
            )
            if name == "under load":
                loading.start()
            sent, answered = _posted(server.base, headers, pins)
            begun = _committed(dsn)
            if name == "under load":
                loading.join()
            _until(lambda told=(*sent, *begun): all(one in heard for one in told))
            for what, since in (
                ("answer", answered), ("request", sent), ("commit of another process", begun),
            ):  # fmt: skip
                rows[f"{what} to listener, {name}"] = [
                    1000 * (heard[one] - at) for one, at in since.items() if one in heard
                ]
        stop.set()
    table = Table(title=f"Server-sent events, demo city at scale {scale}, one worker")
    for column in ("from ... to listener", "heard", "median ms", "p99 ms"):
        table.add_column(column)
    for name, delays in rows.items():
        median, late = np.percentile(delays, [50, 99])
        table.add_row(name, f"{len(delays)} of {HEARD}", f"{median:.1f}", f"{late:.1f}")
    console = Console(width=120)
    console.print(table)
    console.print(f"load {os.getloadavg()[0]}")


def _listen(
    base: str, headers: dict[str, str], heard: Times, ready: threading.Event, stop: threading.Event
) -> None:
    with (
        httpx.Client(base_url=base, headers=headers, timeout=30) as http,
        http.stream("GET", "/v1/stream", params={"topics": "event.created"}) as answer,
    ):
        ready.set()
        for line in answer.iter_lines():
            if line.startswith("data: "):
                heard.setdefault(json.loads(line[6:])["id"], time.perf_counter())
            if stop.is_set():
                return


def _posted(
    base: str, headers: dict[str, str], pins: list[tuple[float, float]]
) -> tuple[Times, Times]:
    """Report one event after the other: when each was sent, and when it was answered."""
    sent, answered = {}, {}
    with httpx.Client(base_url=base, headers=headers, timeout=30) as http:
        for number in range(HEARD):
            begun = time.perf_counter()
            made = http.post("/v1/events", json=event(pins, number)).json()["id"]
            sent[made], answered[made] = begun, time.perf_counter()
            time.sleep(0.02)
    return sent, answered


def _committed(dsn: str) -> Times:
    """Commit one message after the other without the server: when each COMMIT was sent."""
    begun = {}
    with psycopg.connect(dsn) as connection:
        for _ in range(HEARD):
            one = str(uuid.uuid4())
            connection.execute(
                "insert into outbox (topic, subject, body, actor_id) values "
                "('event.created', %s, jsonb_build_object('id', %s::text), 'bench')",
                (one, one),
            )
            begun[one] = time.perf_counter()
            connection.commit()
            time.sleep(0.02)
    return begun


def _until(done: Callable[[], bool]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not done() and time.monotonic() < deadline:
        time.sleep(0.05)
