"""A database of its own for a bench: geometries in, whoever covers a point out."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
import psycopg
import shapely

from gis.cluster import Cluster
from tests.bench.load import cpu_seconds


@dataclass(frozen=True)
class Joined:
    """The position of the first covering area of each point (-1: none), and what it took.

    ``seconds`` are of the processor time of the one backend that joins.
    """

    owners: npt.NDArray[np.intp]
    seconds: float
    build_s: float
    megabytes: float


@contextmanager
def database() -> Iterator[psycopg.Connection]:
    home = Path(tempfile.mkdtemp(prefix="gridward-bench-"))
    home.chmod(0o755)
    with Cluster(home).lease() as cluster:
        cluster.create_database("bench")
        dsn = cluster.url("superuser", "bench").replace("+psycopg", "")
        with psycopg.connect(dsn) as connection:
            connection.execute("create extension if not exists postgis")
            connection.execute("set max_parallel_workers_per_gather = 0")
            yield connection
    Cluster(home).reset()


def join(
    connection: psycopg.Connection,
    areas: npt.NDArray[np.object_],
    points: npt.NDArray[np.float64],
) -> Joined:
    """Join by ST_Covers in the order that is fastest: areas outside, an index on the points."""
    connection.execute("drop table if exists areas, points")
    _copy(connection, "areas", areas)
    _copy(connection, "points", np.asarray(shapely.points(points), dtype=object))
    begun = time.perf_counter()
    connection.execute("create index on points using gist (at)")
    build_s = time.perf_counter() - begun
    connection.execute("analyze areas, points")
    connection.execute("set enable_hashjoin = off")
    pid = connection.info.backend_pid
    begun = cpu_seconds(pid)
    found = connection.execute(
        "select p.n, min(a.n) from areas a join points p on ST_Covers(a.at, p.at) group by p.n"
    ).fetchall()
    seconds = cpu_seconds(pid) - begun
    size = connection.execute(
        "select pg_total_relation_size('areas') + pg_total_relation_size('points')"
    ).fetchone()
    owners = np.full(len(points), -1, dtype=np.intp)
    if found:
        numbers, positions = np.array(found, dtype=np.intp).T
        owners[numbers] = positions
    return Joined(owners, seconds, build_s, 0.0 if size is None else size[0] / 1e6)


def _copy(connection: psycopg.Connection, table: str, geometries: npt.NDArray[np.object_]) -> None:
    connection.execute(f"create table {table} (n int, at geometry)")
    with connection.cursor().copy(f"copy {table} from stdin") as copy:
        for start in range(0, len(geometries), 10_000):
            texts = shapely.to_wkb(geometries[start : start + 10_000], hex=True)
            copy.write("".join(f"{start + n}\t{text}\n" for n, text in enumerate(texts)))
