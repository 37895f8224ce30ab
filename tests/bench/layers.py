"""Layers beside TiPg and beside the bare SQL, on one generated layer, in one run."""

from __future__ import annotations

import math
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx
import numpy as np
import psycopg
from rich.console import Console
from rich.table import Table

from gis.cluster import Cluster
from gis.governance.actors import SYSTEM
from gis.store.layer_shapes import add_edition
from gis.store.unit_of_work import Database
from layers.ahead import build
from layers.bands import build_all
from layers.catalogue import LAYERS
from layers.tile_cache import MEGABYTE, TileCache
from tests.bench import tiled_city
from tests.bench.load import Measured, request_bytes, run, until_quiet
from tests.processes import free_port, gridward, serving_process

ZOOMS = (10, 12, 14)
COLUMNS, ROWS = 100, 50
ROUNDS = 5
WORLD = (-2.1e7, -2.1e7, 2.1e7, 2.1e7)
GZIP = {"Accept-Encoding": "gzip"}
GRIDS, POINTS = "grids", "addresses"

TILE_SQL = """
with t as (select ST_AsMVTGeom(ST_Transform(geom, 3857), ST_TileEnvelope(%s, %s, %s), 4096, 64)
    as geom, {columns} from bench.{table}
    where geom && ST_Transform(ST_TileEnvelope(%s, %s, %s, margin => 64.0 / 4096), 4326))
select ST_AsMVT(t, '{table}', 4096, 'geom') from t
"""
TIPG = """
import sys, tipg.database, uvicorn
from tipg.settings import PostgresSettings
url = PostgresSettings.model_construct(database_url=sys.argv[1])
tipg.database.PostgresSettings = lambda: url  # its own check refuses a unix socket
from tipg.main import app
uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[2]), log_level="error", access_log=False)
"""
FLOORS = {
    GRIDS: TILE_SQL.format(
        table="grids", columns="code, name, kind, parent, households, residents"
    ),
    POINTS: TILE_SQL.format(table="points", columns="kind, address, uncertainty_m"),
}
ITEMS_SQL = (
    "select id, ST_AsGeoJSON(geom, 9), code, name, level, kind, parent, households, residents "
    "from bench.grids where geom && ST_MakeEnvelope(%s, %s, %s, %s, 4326) order by id limit 100"
)


def tiles(zoom: int) -> list[tuple[int, int]]:
    """Columns and rows of the tiles of the layer's middle, at most 40."""
    side = 2**zoom
    west, east = tiled_city.WEST, tiled_city.WEST + COLUMNS * tiled_city.CELL_LON
    south, north = tiled_city.SOUTH, tiled_city.SOUTH + ROWS * tiled_city.CELL_LAT

    def row(lat: float) -> int:
        return int((1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * side)

    found = [
        (x, y)
        for x in range(int((west + 180) / 360 * side), int((east + 180) / 360 * side) + 1)
        for y in range(row(north), row(south) + 1)
    ]
    step = max(1, len(found) // 40)
    return found[::step][:40]


@contextmanager
def tipg(dsn: str) -> Iterator[int]:
    """A TiPg on the tables of the schema ``bench``."""
    port = free_port()
    environment = {
        **os.environ,
        "TIPG_DB_SCHEMAS": '["bench"]',
        "TIPG_DB_EXCLUDE_FUNCTION_SCHEMAS": '["public", "bench"]',
        "TIPG_MAX_FEATURES_PER_TILE": "1000000",
        "TIPG_MAX_FEATURES_PER_QUERY": "10000",
    }
    process = subprocess.Popen(
        [sys.executable, "-c", TIPG, dsn, str(port)],
        env=environment,
    )  # fmt: skip
    try:
        for _ in range(300):
            try:
                if httpx.get(f"http://127.0.0.1:{port}/collections", timeout=5).status_code == 200:
                    break
            except httpx.TransportError:
                time.sleep(0.2)
        yield port
    finally:
        process.terminate()
        process.wait()


def floor(dsn: str, statement: str, values: list[tuple[object, ...]]) -> Measured:
    """The statement alone, prepared, on one connection."""
    seconds = []
    with psycopg.connect(dsn, autocommit=True) as connection:
        for _ in range(ROUNDS):
            for each in values:
                begun = time.perf_counter()
                connection.execute(statement, each, prepare=True).fetchall()
                seconds.append(time.perf_counter() - begun)
    times = np.array(seconds[len(values) :]) * 1000
    return Measured(
        1000 / times.mean(), float(np.median(times)), float(np.percentile(times, 99)), {}
    )


def cold(
    port: int, make: Callable[[int], bytes], count: int, before: Callable[[], None]
) -> Measured:
    """Every request once a round, one client; ``before`` makes what is kept stale."""
    rounds = []
    for _ in range(ROUNDS):
        before()
        rounds.append(run(port, make, requests=count, clients=1))
    rounds.sort(key=lambda one: one.median_ms)
    return rounds[len(rounds) // 2]


def gridward_tiles(layer: str, zoom: int, places: list[tuple[int, int]]) -> Callable[[int], bytes]:
    def make(number: int) -> bytes:
        x, y = places[number % len(places)]
        path = f"/ogc/collections/{layer}/tiles/WebMercatorQuad/{zoom}/{y}/{x}"
        return request_bytes("GET", path, headers=GZIP)

    return make


def tipg_tiles(table: str, zoom: int, places: list[tuple[int, int]]) -> Callable[[int], bytes]:
    def make(number: int) -> bytes:
        x, y = places[number % len(places)]
        path = f"/collections/bench.{table}/tiles/WebMercatorQuad/{zoom}/{x}/{y}"
        return request_bytes("GET", path)

    return make


def measure_tiles(
    dsn: str,
    ours: int,
    peer: int,
    rows: list[list[str]],
    before: dict[str, Callable[[], None]],
) -> None:
    for layer, table in ((GRIDS, "grids"), (POINTS, "points")):
        for zoom in ZOOMS:
            places = tiles(zoom)
            values: list[tuple[object, ...]] = [(zoom, x, y, zoom, x, y) for x, y in places]
            sql = floor(dsn, FLOORS[layer], values)
            own, other = gridward_tiles(layer, zoom, places), tipg_tiles(table, zoom, places)
            theirs = cold(peer, other, len(places), lambda: None)
            for what, prepare in before.items():
                mine = cold(ours, own, len(places), prepare)
                rows.append(row(f"{layer} z{zoom}, {what}", mine, theirs, sql))
            kept = run(ours, own, requests=1500, clients=8)
            again = run(peer, other, requests=max(16, len(places)), clients=8)
            rows.append(row(f"{layer} z{zoom}, kept, 8 clients", kept, again, None))


def measure_crowd(ours: int, peer: int, rows: list[list[str]], stale: Callable[[], None]) -> None:
    """64 clients that want tiles not yet cut, pages in boxes, and filters over all rows."""
    asked, places = boxes(), tiles(12)
    hard = "filter=residents%20*%203%20%3E%201000&limit=10"

    def mixed(tile: Callable[[int], bytes], at: str) -> Callable[[int], bytes]:
        def make(number: int) -> bytes:
            if number % 4 < 2:
                return tile(number // 4 * 2 + number % 4)
            if number % 4 == 2:
                box = ",".join(map(str, asked[number % len(asked)]))
                return request_bytes("GET", f"{at}/items?limit=100&bbox={box}")
            return request_bytes("GET", f"{at}/items?{hard}")

        return make

    stale()
    mine = run(ours, mixed(gridward_tiles(GRIDS, 12, places), "/ogc/collections/grids"),
               requests=800, clients=64)  # fmt: skip
    theirs = run(peer, mixed(tipg_tiles("grids", 12, places), "/collections/bench.grids"),
                 requests=800, clients=64)  # fmt: skip
    rows.append(row("64 clients: tiles, boxes, filters", mine, theirs, None))
    print(f"p99 of 64 clients: ours {mine.p99_ms:.0f} ms {mine.statuses}, "
          f"TiPg {theirs.p99_ms:.0f} ms {theirs.statuses}")  # fmt: skip


def boxes() -> list[tuple[float, float, float, float]]:
    random = np.random.default_rng(3)
    made = []
    for _ in range(60):
        x = tiled_city.WEST + random.random() * (COLUMNS - 10) * tiled_city.CELL_LON
        y = tiled_city.SOUTH + random.random() * (ROWS - 10) * tiled_city.CELL_LAT
        made.append((round(x, 5), round(y, 5), round(x + 0.08, 5), round(y + 0.07, 5)))
    return made


def measure_items(dsn: str, ours: int, peer: int, rows: list[list[str]]) -> None:
    asked = boxes()

    def query(n: int) -> str:
        return "items?limit=100&bbox=" + ",".join(map(str, asked[n % len(asked)]))

    sql = floor(dsn, ITEMS_SQL, list(asked))
    mine = run(ours, lambda n: request_bytes("GET", f"/ogc/collections/grids/{query(n)}"),
               requests=120, clients=1)  # fmt: skip
    theirs = run(peer, lambda n: request_bytes("GET", f"/collections/bench.grids/{query(n)}"),
                 requests=60, clients=1)  # fmt: skip
    rows.append(row("items in a box, 100 of them", mine, theirs, sql))
    after = page_after(ours, 4000)
    mine = run(ours, lambda _: request_bytes("GET", after), requests=60, clients=1)
    deep = "/collections/bench.grids/items?limit=100&offset=4000"
    theirs = run(peer, lambda _: request_bytes("GET", deep), requests=30, clients=1)
    rows.append(row("items, page after 4,000", mine, theirs, None))


def page_after(port: int, offset: int, layer: str = GRIDS) -> str:
    """The address of the `next` link behind so many features."""
    base = f"http://127.0.0.1:{port}/ogc/collections/{layer}/items?limit=100&offset={offset - 100}"
    links = httpx.get(base, timeout=60).json()["links"]
    following = next(link["href"] for link in links if link["rel"] == "next")
    return str(following).partition(str(port))[2]


def row(name: str, mine: Measured, theirs: Measured, sql: Measured | None) -> list[str]:
    return [
        name,
        f"{mine.median_ms:.2f}",
        f"{mine.p99_ms:.2f}",
        f"{theirs.median_ms:.2f}",
        "" if sql is None else f"{sql.median_ms:.2f}",
        f"{theirs.median_ms / mine.median_ms:.1f}",
        "" if sql is None else f"{mine.median_ms / sql.median_ms:.2f}",
        " ".join(f"{k}:{v}" for k, v in mine.statuses.items()),
    ]


def main() -> None:
    home = Path(tempfile.mkdtemp(prefix="gridward-bench-"))
    home.chmod(0o755)
    rows: list[list[str]] = []
    try:
        with Cluster(home).lease() as cluster:
            gridward(home, "db", "migrate")
            tiled_city.load(cluster.url("owner").replace("+psycopg", ""), COLUMNS, ROWS)
            dsn = cluster.url("app").replace("+psycopg", "")
            database = Database(cluster.url("owner"), role=None)

            with serving_process(home) as server, tipg(dsn) as peer:
                assert server.process is not None
                pid = server.process.pid

                def stale() -> None:
                    """Make every kept tile of an older version; wait until the server knows.

                    It reads 200,000 addresses anew, in the background: that is not a tile's time.
                    """
                    with database.transaction(SYSTEM) as work:
                        add_edition(work, GRIDS, 1, WORLD)
                        work.driver.execute("update data_stamps set stamp = gen_random_uuid()")
                    time.sleep(2)
                    until_quiet(pid)

                def ahead() -> None:
                    """Let everything change, and do the worker's job after it."""
                    stale()
                    begun = time.perf_counter()
                    for key in (GRIDS, POINTS):
                        count = build(database, cache, LAYERS[key], room_bytes=MEGABYTE << 10)
                        built[key] = (count, time.perf_counter() - begun)
                        begun = time.perf_counter()

                built: dict[str, tuple[int, float]] = {}
                cache = TileCache(home / "tiles", memory_bytes=0)
                build_all(database)
                until_quiet(pid)
                measure_items(dsn, server.port, peer, rows)
                before = {"cold": stale, "cold, built ahead": ahead}
                measure_tiles(dsn, server.port, peer, rows, before)
                for key, (count, seconds) in built.items():
                    print(f"{key} built ahead: {count} tiles in {seconds:.1f} s")
                measure_crowd(server.port, peer, rows, stale)
            database.close()
        show(rows)
        Cluster(home).reset()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def show(rows: list[list[str]]) -> None:
    load = os.getloadavg()[0]
    what = f"{COLUMNS * ROWS:,} grids of 41 vertices, 200,000 points"
    table = Table(title=f"{what}; medians in ms; load {load:.1f}")
    for column in (
        "what",
        "Gridward",
        "p99",
        "TiPg",
        "bare SQL",
        "TiPg / ours",
        "ours / SQL",
        "answers",
    ):
        table.add_column(column)
    for each in rows:
        table.add_row(*each)
    Console(width=140).print(table)
