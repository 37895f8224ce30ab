"""A home of a private cluster that is gone afterwards."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gis.cluster import Cluster
from tests.processes import gridward


@contextmanager
def temporary_home() -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix="gridward-bench-"))
    home.chmod(0o755)
    try:
        yield home
        Cluster(home).reset()
    finally:
        shutil.rmtree(home, ignore_errors=True)


@contextmanager
def demo_bench(scale: float) -> Iterator[tuple[Path, str]]:
    """A running demo city of its own: its home, and what connects to its database."""
    with temporary_home() as home, Cluster(home).lease() as cluster:
        gridward(home, "db", "migrate")
        gridward(home, "demo", "load", "--scale", str(scale))
        yield home, cluster.url("app").replace("+psycopg", "")
