"""Nothing that was answered 201 is lost or doubled, whatever is killed meanwhile.

Eight clients report from five sources, with duplicates and retries, and a system next door listens
by webhook, while a worker, the server and PostgreSQL are killed in turn. ``GRIDWARD_PROOF_EVENTS``
sets how many events (10,000 for the whole proof).
"""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pytest

from gis.cluster import Cluster
from tests.processes import Served, gridward
from tests.receiver import Receiver, receiving

EVENTS = int(os.environ.get("GRIDWARD_PROOF_EVENTS", "1000"))
CLIENTS = 8
SOURCES = ("snap", "hotline-12345", "patrol", "courier", "video")
DELIVERED_WITHIN_S = 60 + EVENTS / 20


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


def asked(home: Path, statement: str) -> list[tuple[Any, ...]]:
    with Cluster(home).lease() as cluster:
        url = cluster.url("app").replace("+psycopg", "")
        with psycopg.connect(url) as connection:
            return connection.execute(statement).fetchall()


def token(home: Path, role: str) -> dict[str, str]:
    secret = json.loads(gridward(home, "token", "--role", role, "--json"))["token"]
    return {"Authorization": f"Bearer {secret}"}


def event(number: int) -> dict[str, Any]:
    return {
        "source": SOURCES[number % len(SOURCES)],
        "source_ref": f"crash-{number // len(SOURCES)}",  # the same number of five sources
        "category": "event-exposed-rubbish",
        "location": {
            "lon": 118.25 + (number % 50) * 0.002,
            "lat": 32.25 + (number // 50 % 50) * 0.002,
            "crs": "GCJ-02",
        },
    }


class Senders:
    """Eight careful senders: again until it is answered, and sometimes once more after that."""

    def __init__(self, base: str, headers: dict[str, str]) -> None:
        self.base = base
        self.headers = headers
        self.accepted: dict[tuple[str, str], set[str]] = {}
        self.lock = threading.Lock()
        self.todo = iter(range(EVENTS))

    def run(self, seed: int) -> None:
        dice = random.Random(seed)  # noqa: S311 - which ones come twice
        with httpx.Client(base_url=self.base, headers=self.headers, timeout=20) as http:
            while (number := self._next()) is not None:
                self._send(http, event(number))
                if dice.random() < 0.2:
                    self._send(http, event(dice.randrange(number + 1)))

    def _next(self) -> int | None:
        with self.lock:
            return next(self.todo, None)

    def _send(self, http: httpx.Client, body: dict[str, Any]) -> None:
        while True:
            try:
                answer = http.post("/v1/events", json=body)
            except httpx.TransportError:
                time.sleep(0.1)
                continue
            if answer.status_code in (200, 201):
                with self.lock:
                    key = body["source"], body["source_ref"]
                    self.accepted.setdefault(key, set()).add(answer.json()["id"])
                return
            assert answer.status_code == 503, answer.text
            time.sleep(0.1)

    def wait_for(self, share: float) -> None:
        while len(self.accepted) < EVENTS * share:
            time.sleep(0.01)


@pytest.mark.slow
def test_killed_worker_server_and_database_lose_nothing_and_double_nothing(home: Path) -> None:
    admin = token(home, "admin")
    server = Served(home, GRIDWARD_WEBHOOK_HOSTS="127.0.0.1")
    server.start()
    senders = Senders(server.base, token(home, "reporter"))
    with receiving() as receiver:
        made = httpx.post(
            f"{server.base}/v1/webhooks", headers=admin, json={"url": receiver.url}, timeout=20
        )
        assert made.status_code == 201, made.text
        with ThreadPoolExecutor(CLIENTS) as pool:
            running = [pool.submit(senders.run, seed) for seed in range(CLIENTS)]
            senders.wait_for(0.2)
            kill_worker(server)
            senders.wait_for(0.35)
            server.kill()
            server.start()
            senders.wait_for(0.55)
            os.kill(postmaster(home), signal.SIGKILL)  # the running server starts it again
            senders.wait_for(0.8)
            os.kill(postmaster(home), signal.SIGKILL)
            server.kill()
            server.start()
            for future in running:
                future.result()
        kill_worker(server)
        wait_until_delivered(home)
        server.stop()
        check_events(home, senders)
        check_deliveries(home, receiver, made.json()["secret"])


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


def check_events(home: Path, senders: Senders) -> None:
    found = asked(
        home,
        "select e.source, e.source_ref, e.id::text, (select count(*) from log_entries l where "
        "l.event_id = e.id and l.action = 'report'), (select count(*) from work_orders w where "
        "w.event_id = e.id) from events e where e.source_ref like 'crash-%'",
    )
    assert len(found) == EVENTS, "none lost, none doubled"
    assert {(source, ref): {event} for source, ref, event, _, _ in found} == senders.accepted
    assert {reports for *_, reports, _ in found} == {1}
    assert {orders for *_, orders in found} <= {0, 1}


def check_deliveries(home: Path, receiver: Receiver, secret: str) -> None:
    messages = asked(
        home,
        "select 'gridward-' || s.position, o.topic, o.subject from outbox o left join "
        "outbox_sequence s on s.outbox_id = o.id join events e on e.id::text = o.subject "
        "where e.source_ref like 'crash-%'",
    )
    assert len({identity for identity, _, _ in messages}) == len(messages), "each has its place"
    got = Counter(receiver.ids)
    missing = {identity for identity, _, _ in messages} - set(got)
    assert not missing, f"{len(missing)} never delivered"
    bodies: dict[str, set[bytes]] = {}
    for each in receiver.got:
        bodies.setdefault(each.headers["webhook-id"], set()).add(each.body)
        assert each.is_signed_by(secret)
    assert all(len(versions) == 1 for versions in bodies.values()), "one id, one message"
    told = {
        (one["type"].removeprefix("gridward."), one["subject"], identity)
        for identity, (body,) in bodies.items()
        for one in [json.loads(body)]
    }
    assert {(topic, subject, identity) for identity, topic, subject in messages} <= told


def wait_until_delivered(home: Path) -> None:
    ends = time.monotonic() + DELIVERED_WITHIN_S
    waiting = "select (select count(*) from outbox_pending), (select count(*) from "
    waiting += "webhook_deliveries where state = 'pending')"
    while (left := asked(home, waiting)[0]) != (0, 0):
        assert time.monotonic() < ends, f"pending messages, deliveries: {left}"
        time.sleep(0.5)


def kill_worker(server: Served) -> None:
    """kill -9 of the server's worker process; the server starts another one."""
    assert server.process is not None
    task = Path(f"/proc/{server.process.pid}/task")
    children = [
        int(child)
        for thread in task.iterdir()
        for child in (thread / "children").read_text().split()
    ]
    workers = [pid for pid in children if b"work" in command(pid)]
    assert workers, "no worker runs"
    for pid in workers:
        os.kill(pid, signal.SIGKILL)


def command(pid: int) -> list[bytes]:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return []


def postmaster(home: Path) -> int:
    pid = Cluster(home).status().pid
    assert pid is not None
    return pid
