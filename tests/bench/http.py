"""Match and intake over HTTP beside an empty FastAPI endpoint and beside the bare SQL."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import psycopg
from rich.console import Console
from rich.table import Table

from gis.governance.work_orders import IN_HAND
from tests.bench.home import demo_bench
from tests.bench.load import Measured, request_bytes, run
from tests.processes import free_port, gridward, serving_process

REQUESTS = 4000
FAST_REQUESTS = 20_000
ROUNDS = 5
WARM_UP = 1000
CLIENTS = 8
EMPTY_ROW = "empty FastAPI, async def"
BATCH = 10_000
BATCH_ROW = f"POST /v1/match/batch, {BATCH:,} pins"
BARE_ROW = "bare SQL: the inserts of one event"

EMPTY = """
import sys, uvicorn
from fastapi import FastAPI
app = FastAPI()
@app.get("/empty")
async def empty() -> dict[str, bool]:
    return {"ok": True}
@app.get("/thread")
def thread() -> dict[str, bool]:
    return {"ok": True}
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
"""


@dataclass(frozen=True)
class Contender:
    """An address to ask, what to ask it, and the process that answers."""

    port: int
    make: Callable[[int], bytes]
    pid: int | None = None


@contextmanager
def empty_server() -> Iterator[tuple[int, int]]:
    """Serve nothing, as fast as FastAPI does; yield the port and the process."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-c", EMPTY, str(port)])
    try:
        until_listening(port)
        yield port, process.pid
    finally:
        process.terminate()
        process.wait()


def until_listening(port: int) -> None:
    deadline = time.monotonic() + 60
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            assert time.monotonic() < deadline, "the server does not listen"
            time.sleep(0.05)
        else:
            return


def measure(port: int, make: Callable[[int], bytes], requests: int = REQUESTS) -> Measured:
    run(port, make, requests=WARM_UP, clients=CLIENTS)
    return run(port, make, requests=requests, clients=CLIENTS)


def in_turn(contenders: dict[str, Contender], rounds: int = ROUNDS) -> dict[str, Measured]:
    """Measure contenders one after the other, several times, so that a busy moment hits them all.

    Of each the round of median requests a second is returned.
    """
    made: dict[str, list[Measured]] = {name: [] for name in contenders}
    for one in contenders.values():
        run(one.port, one.make, requests=WARM_UP, clients=CLIENTS)
    for _ in range(rounds):
        for name, one in contenders.items():
            made[name].append(
                run(one.port, one.make, requests=FAST_REQUESTS, clients=CLIENTS, pid=one.pid)
            )
    return {
        name: sorted(several, key=lambda one: one.per_second)[rounds // 2]
        for name, several in made.items()
    }


def main(scale: float = 0.2) -> None:
    with demo_bench(scale) as (home, dsn):
        _print(_measure_all(home, dsn, _pins(dsn)), scale)


def _measure_all(home: Path, dsn: str, pins: list[tuple[float, float]]) -> dict[str, Measured]:
    secret = json.loads(gridward(home, "token", "--role", "dispatcher", "--json"))["token"]
    headers = {"Authorization": f"Bearer {secret}", "Content-Type": "application/json"}
    pin_requests = [
        request_bytes(
            "POST",
            "/v1/match",
            headers=headers,
            body=json.dumps({"location": _location(pins, n)}).encode(),
        )
        for n in range(len(pins))
    ]
    place_requests = [
        request_bytes("GET", f"/v1/areas/at?lon={lon}&lat={lat}") for lon, lat in pins
    ]
    nothing, hop = request_bytes("GET", "/empty"), request_bytes("GET", "/thread")
    with serving_process(home) as server, empty_server() as (port, pid):
        assert server.process is not None
        ours = server.process.pid
        rows = in_turn(
            {
                EMPTY_ROW: Contender(port, lambda _: nothing, pid),
                "POST /v1/match, a pin": Contender(
                    server.port, lambda n: pin_requests[n % len(pins)], ours
                ),
                "GET /v1/areas/at": Contender(
                    server.port, lambda n: place_requests[n % len(pins)], ours
                ),
            }
        )
        rows |= _many_and_addresses(server.port, ours, headers, dsn, pins)
        rows["empty FastAPI, def"] = measure(port, lambda _: hop)
        rows["bare SQL: select covers + ancestors"] = _sql_match(dsn, pins)
        rows[BARE_ROW] = _sql_insert(dsn, pins)
        rows["POST /v1/events"] = measure(
            server.port,
            lambda n: request_bytes(
                "POST",
                "/v1/events",
                headers=headers,
                body=json.dumps(
                    {
                        "source": "snap",
                        "source_ref": uuid.uuid4().hex,
                        "category": "event-exposed-rubbish",
                        "location": _location(pins, n),
                    }
                ).encode(),
            ),
        )
    return rows


def _many_and_addresses(
    port: int, pid: int, headers: dict[str, str], dsn: str, pins: list[tuple[float, float]]
) -> dict[str, Measured]:
    """A whole batch of pins, and pins with addresses: one client, one after the other."""
    items = [{"location": _location(pins, n)} for n in range(BATCH)]
    batch = request_bytes(
        "POST", "/v1/match/batch", headers=headers, body=json.dumps({"items": items}).encode()
    )
    with psycopg.connect(dsn) as connection:
        told = connection.execute(
            "select address, (raw_location->>'lon')::float, (raw_location->>'lat')::float "
            "from events where address is not null and raw_location is not null "
            "order by number limit 2000"
        ).fetchall()
    whole = [
        request_bytes(
            "POST",
            "/v1/match",
            headers=headers,
            body=json.dumps(
                {"address": address, "location": {"lon": lon, "lat": lat, "accuracy_m": 20}}
            ).encode(),
        )
        for address, lon, lat in told
    ]
    alone = [
        request_bytes(
            "POST", "/v1/match", headers=headers, body=json.dumps({"address": address}).encode()
        )
        for address, _, _ in told
    ]
    rows = {}
    for name, make, count in (
        (BATCH_ROW, lambda _: batch, 20),
        ("POST /v1/match, an address", lambda n: alone[n % len(alone)], 2000),
        ("POST /v1/match, pin and address", lambda n: whole[n % len(whole)], 2000),
    ):
        run(port, make, requests=max(count // 10, 2), clients=1)
        rows[name] = run(port, make, requests=count, clients=1, pid=pid)
    return rows


def _location(pins: list[tuple[float, float]], number: int) -> dict[str, object]:
    lon, lat = pins[number % len(pins)]
    return {"lon": lon, "lat": lat, "crs": "WGS84", "accuracy_m": 20}


def _pins(dsn: str) -> list[tuple[float, float]]:
    with psycopg.connect(dsn) as connection:
        return connection.execute(
            "select round(ST_X(geometry)::numeric, 6)::float, round(ST_Y(geometry)::numeric, 6)"
            "::float from buildings order by id limit 5000"
        ).fetchall()


def _timed(
    statements: Callable[[psycopg.Connection, int], None], dsn: str, count: int = REQUESTS // 4
) -> Measured:
    """One connection, one statement after the other: what the database alone needs."""
    seconds = []
    with psycopg.connect(dsn, autocommit=True) as connection:
        warm_up = count // 4
        for number in range(warm_up + count):
            begun = time.perf_counter()
            statements(connection, number)
            seconds.append(time.perf_counter() - begun)
    times = np.array(seconds[warm_up:]) * 1000
    return Measured(
        1000.0 * len(times) / times.sum(),
        float(np.median(times)),
        float(np.percentile(times, 99)),
        {},
    )


def _sql_match(dsn: str, pins: list[tuple[float, float]]) -> Measured:
    def one(connection: psycopg.Connection, number: int) -> None:
        connection.execute(
            "select g.area_code, c.name, s.name, d.name from area_versions g "
            "join area_versions c on c.area_code = g.parent_code "
            "join area_versions s on s.area_code = c.parent_code "
            "join area_versions d on d.area_code = s.parent_code "
            "where g.level = 'grid' and g.kind = 'general' and g.valid @> now() "
            "and ST_Covers(g.geometry, ST_SetSRID(ST_MakePoint(%s, %s), 4326)) "
            "order by g.area_code limit 1",
            pins[number % len(pins)],
            prepare=True,
        ).fetchone()

    return _timed(one, dsn)


def _sql_insert(dsn: str, pins: list[tuple[float, float]], count: int = REQUESTS // 4) -> Measured:
    with psycopg.connect(dsn) as connection:
        person, unit = connection.execute(
            "select id, unit_code from persons where unit_code is not null order by id limit 1"
        ).fetchone() or (None, None)

    def one(connection: psycopg.Connection, number: int) -> None:
        event, lon, lat = uuid.uuid4(), *pins[number % len(pins)]
        reference = f"bare-{event}"
        with connection.transaction(), connection.pipeline():
            connection.execute(
                "insert into event_registry (id, number, source, source_ref, received_at) "
                "values (%s, %s, 'snap', %s, now())",
                (event, reference, reference),
            )
            connection.execute(
                "insert into events (id, received_at, number, source, source_ref, category, "
                "reported_at, geometry, routing, status, match) values (%s, now(), %s, 'snap', "
                "%s, 'event-exposed-rubbish', now(), ST_SetSRID(ST_MakePoint(%s, %s), 4326), "
                "'auto', 'dispatched', '{}')",
                (event, reference, reference, lon, lat),
            )
            connection.execute(
                "insert into work_orders (code, event_id, status, level, area_code, unit_code, "
                "assignee_id, assignee_role, dispatched_at) values (%s, %s, 'dispatched', 'grid', "
                "'x', %s, %s, 'grid_worker', now())",
                (reference, event, unit, person),
            )
            for action in ("report", "dispatch"):
                connection.execute(
                    "insert into log_entries (event_id, actor_id, actor_role, action) "
                    "values (%s, 'bench', 'admin', %s)",
                    (event, action),
                )
            for stage in IN_HAND:
                connection.execute(
                    "insert into clocks (event_id, work_order_code, stage, amount, unit, "
                    "started_at, due_at, warn_at, next_at) values (%s, %s, %s, 4, 'work_hours', "
                    "now(), now() + interval '4 h', now() + interval '3 h', "
                    "now() + interval '3 h')",
                    (event, reference, stage),
                )
            for topic in ("event.created", "event.routed"):
                connection.execute(
                    "insert into outbox (topic, subject, body, actor_id) "
                    "values (%s, %s, '{}', 'bench')",
                    (topic, str(event)),
                )

    return _timed(one, dsn, count)


def _print(rows: dict[str, Measured], scale: float) -> None:
    table = Table(title=f"HTTP, demo city at scale {scale}, {CLIENTS} clients, one worker")
    for column in ("row", "per second", "median ms", "p99 ms", "CPU us", "ratio", "of", "answers"):
        table.add_column(column)
    against = {
        "GET /v1/areas/at": EMPTY_ROW,
        "POST /v1/match, a pin": EMPTY_ROW,
        "POST /v1/events": BARE_ROW,
    }
    for name, row in rows.items():
        peer = against.get(name)
        ratio = "" if peer is None else f"{row.per_second / rows[peer].per_second:.2f}"
        table.add_row(
            name,
            f"{row.per_second:,.0f}",
            f"{row.median_ms:.2f}",
            f"{row.p99_ms:.2f}",
            "" if np.isnan(row.cpu_us) else f"{row.cpu_us:.0f}",
            ratio,
            peer or "",
            ", ".join(f"{count} x {status}" for status, count in row.statuses.items()),
        )
    console = Console(width=140)
    console.print(table)
    batch = rows[BATCH_ROW]
    console.print(
        f"batch: {BATCH * batch.per_second:,.0f} items a second, "
        f"{1e6 * BATCH / batch.cpu_us:,.0f} per second of processor time; load {os.getloadavg()[0]}"
    )
