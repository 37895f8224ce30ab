"""Clusters that other processes hold, are asked and are killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psycopg
import pytest

from gis.cluster import Cluster

HOLD = """
import signal, sys
from pathlib import Path
from gis.cluster import Cluster
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever started us may ignore it
with Cluster(Path(sys.argv[1])).lease() as cluster:
    print(cluster.status().pid, flush=True)
    sys.stdin.readline()
"""


def query(cluster: Cluster, statement: str, role: str = "superuser") -> list[tuple[object, ...]]:
    url = cluster.url(role).replace("postgresql+psycopg:", "postgresql:")  # type: ignore[arg-type]
    with psycopg.connect(url) as connection:
        result = connection.execute(statement.encode())
        return result.fetchall() if result.description else []


def setting(cluster: Cluster, name: str) -> object:
    return query(cluster, f"SELECT current_setting('{name}')")[0][0]


def hold(home: Path) -> subprocess.Popen[str]:
    """Start another process that leases the cluster until its standard input ends."""
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(home)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


def release(process: subprocess.Popen[str]) -> None:
    process.communicate("\n", timeout=60)
    assert process.returncode == 0


def await_end(cluster: Cluster, pid: int) -> None:
    deadline = time.monotonic() + 10
    while cluster.status().pid == pid:
        assert time.monotonic() < deadline
        time.sleep(0.02)


def kill_server(cluster: Cluster) -> int:
    pid = cluster.status().pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    await_end(cluster, pid)
    return pid


def never_answers(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    with pytest.raises(psycopg.OperationalError):
        connection.execute("SELECT count(*) FROM generate_series(1, 4000000000)")
