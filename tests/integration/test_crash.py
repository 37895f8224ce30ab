"""Nothing that was answered 201 is lost or doubled, whatever is killed meanwhile.

``GRIDWARD_PROOF_EVENTS`` sets how many events; the whole proof is a command of its own
(:mod:`tests.integration.crash`).
"""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from gis.cluster import Cluster
from tests.integration.crash import city_of_seconds, prove
from tests.processes import PATIENCE_S, Served

EVENTS = int(os.environ.get("GRIDWARD_PROOF_EVENTS", "400"))


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    with city_of_seconds() as folder:
        yield folder


@pytest.mark.slow
def test_killed_worker_server_and_database_lose_nothing_and_double_nothing(home: Path) -> None:
    seen = prove(home, EVENTS)
    assert seen["answered 201"] >= EVENTS // 2, "a 201 that was lost on the way is a 200 later"
    assert seen["answered 200"] > 0, "duplicates came"
    assert seen["sent again: connection lost"] > 0, "the kills were felt"
    assert seen["fired escalate_overdue"] > 0


@pytest.mark.parametrize(
    ("signals", "processes"),
    [
        ([signal.SIGINT], 1),
        ([signal.SIGINT, signal.SIGINT], 1),
        ([signal.SIGHUP], 1),
        ([signal.SIGHUP], 2),
    ],
    ids=["Ctrl-C", "Ctrl-C twice", "closed terminal", "closed terminal, two processes"],
)
def test_whoever_ends_the_server_ends_all_that_it_started(
    home: Path, signals: list[signal.Signals], processes: int
) -> None:
    server = Served(home, GRIDWARD_WORKERS=str(processes))
    server.start()
    server.stop(*signals)
    assert not Cluster(home).status().running


def test_server_processes_end_with_the_one_that_watches_over_them(home: Path) -> None:
    server = Served(home, GRIDWARD_WORKERS="2", GRIDWARD_JOB_WORKERS="0")
    server.start()
    server.kill()
    deadline = time.monotonic() + PATIENCE_S
    while Cluster(home).status().leased:  # by processes that serve on, without their workers
        assert time.monotonic() < deadline, "they serve on"
        time.sleep(0.1)
    assert not Cluster(home).status().running
    with pytest.raises(httpx.ConnectError):
        httpx.get(f"{server.base}/healthz", timeout=60)
