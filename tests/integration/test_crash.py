"""Nothing that was answered 201 is lost or doubled, whatever is killed meanwhile."""

from __future__ import annotations

import json
import os
import shutil
import signal
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import psycopg
import pytest

from gis.cluster import Cluster
from tests.processes import Served, gridward

EVENTS = 2000
CLIENTS = 8


@pytest.fixture(scope="module")
def home() -> Iterator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="gridward-crash-"))
    folder.chmod(0o755)
    with Cluster(folder).lease():
        gridward(folder, "db", "migrate")
        gridward(folder, "demo", "load", "--scale", "0.02")
    yield folder
    Cluster(folder).reset()
    shutil.rmtree(folder, ignore_errors=True)


def events_of(home: Path) -> list[tuple[str, str, int]]:
    """(source_ref, id, number of log entries) of every event that the test sent."""
    with Cluster(home).lease() as cluster:
        url = cluster.url("app").replace("+psycopg", "")
        with psycopg.connect(url) as connection:
            return connection.execute(
                "select e.source_ref, e.id::text, (select count(*) from log_entries l "
                "where l.event_id = e.id)::int from events e join event_registry r on r.id = e.id "
                "where e.source_ref like 'crash-%'"
            ).fetchall()


@pytest.mark.slow
def test_killed_server_and_database_lose_nothing(home: Path) -> None:
    secret = json.loads(gridward(home, "token", "--role", "reporter", "--json"))["token"]
    headers = {"Authorization": f"Bearer {secret}"}
    server = Served(home)
    server.start()
    accepted: dict[str, str] = {}
    lock = threading.Lock()
    todo = iter(range(EVENTS))

    def client() -> None:
        with httpx.Client(base_url=server.base, headers=headers, timeout=10) as http:
            for number in todo:
                event = {
                    "source": "snap",
                    "source_ref": f"crash-{number}",
                    "category": "event-exposed-rubbish",
                    "location": {
                        "lon": 118.25 + (number % 50) * 0.002,
                        "lat": 32.25 + (number // 50) * 0.002,
                        "crs": "GCJ-02",
                    },
                }
                while True:  # as a careful sender does: again until it is answered
                    try:
                        answer = http.post("/v1/events", json=event)
                    except httpx.TransportError:
                        time.sleep(0.1)
                        continue
                    if answer.status_code in (200, 201):
                        with lock:
                            accepted[event["source_ref"]] = answer.json()["id"]
                        break
                    assert answer.status_code == 503, answer.text
                    time.sleep(0.1)

    def wait_for(count: int) -> None:
        while len(accepted) < count:
            time.sleep(0.01)

    with ThreadPoolExecutor(CLIENTS) as pool:
        running = [pool.submit(client) for _ in range(CLIENTS)]
        wait_for(EVENTS // 4)
        server.kill()
        server.start()
        wait_for(EVENTS // 2)
        os.kill(postmaster(home), signal.SIGKILL)  # the running server starts it again by itself
        wait_for(EVENTS * 3 // 4)
        os.kill(postmaster(home), signal.SIGKILL)
        server.kill()
        server.start()
        for future in running:
            future.result()
    server.stop()
    found = events_of(home)
    assert sorted(reference for reference, _, _ in found) == sorted(
        f"crash-{number}" for number in range(EVENTS)
    )
    assert {reference: event for reference, event, _ in found} == accepted
    assert all(entries >= 1 for _, _, entries in found)


def postmaster(home: Path) -> int:
    pid = Cluster(home).status().pid
    assert pid is not None
    return pid
