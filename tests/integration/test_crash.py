"""Nothing that was answered 201 is lost or doubled, whatever is killed meanwhile.

``GRIDWARD_PROOF_EVENTS`` sets how many events; the whole proof is a command of its own
(:mod:`tests.integration.crash`).
"""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from gis.cluster import Cluster
from tests.integration.crash import city_of_seconds, prove
from tests.processes import Served

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
