"""A home of a private cluster that is gone afterwards."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gis.cluster import Cluster


@contextmanager
def temporary_home() -> Iterator[Path]:
    home = Path(tempfile.mkdtemp(prefix="gridward-bench-"))
    home.chmod(0o755)
    try:
        yield home
        Cluster(home).reset()
    finally:
        shutil.rmtree(home, ignore_errors=True)
