"""A file is matched by one process while it is short and by several when it is long, alike."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from api.cli import match_stream
from api.cli.session import progress
from gis.cluster import Cluster
from gis.store.unit_of_work import Database
from layers.files.streams import Source, sink
from tests.conftest import cloned
from tests.factories import SIDE, SOUTH, WEST, small_city

ROWS = 90


@pytest.fixture(scope="module")
def city(cluster: Cluster, template: str) -> Iterator[Database]:
    with cloned(cluster, template) as database:
        small_city(database)
        yield database


@pytest.fixture
def pins(tmp_path: Path, city: Database, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Rows of pins, numbered; here more than 40 rows are many."""
    monkeypatch.setenv("GRIDWARD_HOME", str(tmp_path / "home"))
    monkeypatch.setattr(match_stream, "PIECE", 10)
    monkeypatch.setattr(match_stream, "ALONE", 40)
    # from outside its western edge into it
    lines = [f"{n},{WEST + (n - 20) * 1e-4:.6f},{SOUTH + SIDE / 2}" for n in range(ROWS)]
    path = tmp_path / "pins.csv"
    path.write_text("\n".join(["number,lon,lat", *lines]) + "\n", encoding="utf-8")
    return path


def match(city: Database, source: Path, target: Path) -> Counter[str]:
    columns = {"lon": "lon", "lat": "lat", "accuracy": None, "address": None, "at": None}
    job = match_stream.job_of(city, columns, "WGS84", 10.0)
    with sink(target) as out, progress() as bar:
        return match_stream.run(Source(source), out, job, bar)


def test_several_processes_answer_in_order_what_one_answers(
    city: Database, pins: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    by_many = match(city, pins, tmp_path / "many.csv")
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    by_one = match(city, pins, tmp_path / "one.csv")
    assert by_many == by_one
    assert by_one.total() == ROWS
    assert len(by_one) > 1, "not all rows are alike"
    assert (tmp_path / "many.csv").read_bytes() == (tmp_path / "one.csv").read_bytes()


@pytest.mark.parametrize("rows", [40, 41])
def test_a_short_file_starts_no_other_process_even_where_its_length_is_not_known(
    city: Database, pins: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, rows: int
) -> None:
    class Started(Exception):
        pass

    def start(*_: object, **__: object) -> None:
        raise Started

    monkeypatch.setattr("os.cpu_count", lambda: 2)
    monkeypatch.setattr(match_stream, "ProcessPoolExecutor", start)
    short = tmp_path / "short.csv"
    short.write_text("\n".join(pins.read_text("utf-8").splitlines()[: rows + 1]), encoding="utf-8")
    assert Source(short).rows is None
    if rows > match_stream.ALONE:
        with pytest.raises(Started):
            match(city, short, tmp_path / "out.csv")
    else:
        assert match(city, short, tmp_path / "out.csv").total() == rows


OWNER = """
import os, sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from api.cli import match_stream
job = match_stream.Job(sys.argv[1], Path(sys.argv[2]), {"lon": "lon"}, "WGS84", None, 0.9, 0.99)
with ProcessPoolExecutor(
    1, mp_context=get_context("spawn"), initializer=match_stream._begin, initargs=(job,)
) as pool:
    print(pool.submit(os.getpid).result(), flush=True)
    sys.stdin.read()
"""


def test_processes_end_with_the_command_that_is_killed(city: Database, tmp_path: Path) -> None:
    owner = subprocess.Popen(
        [sys.executable, "-c", OWNER, city.url, str(tmp_path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
    )
    with owner:
        assert owner.stdout is not None
        child = int(owner.stdout.readline())
        owner.kill()
    deadline = time.monotonic() + 60
    while Path(f"/proc/{child}/exe").exists():
        if time.monotonic() > deadline:
            os.kill(child, signal.SIGKILL)
            pytest.fail("it waits for work for ever")
        time.sleep(0.02)
