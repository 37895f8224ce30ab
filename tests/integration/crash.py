"""Eight senders, a listener, and a city whose limits last seconds, while everything is killed.

``python -m tests.integration.crash`` runs the whole proof (10,000 events) and prints its figures.
What is proven: no event that was answered is lost or doubled; every clock fires once; every message
reaches the listener at least once, under one id and with one body.
"""

from __future__ import annotations

import csv
import io
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from importlib import resources
from pathlib import Path
from typing import Any

import httpx
import psycopg

from gis.cluster import Cluster
from tests.processes import Served, gridward
from tests.receiver import Receiver, receiving

CLIENTS = 8
SOURCES = ("snap", "hotline-12345", "patrol", "courier", "video")
CATEGORY = "event-that-is-late"
LIMITS = {
    "limit_register": "0.001 urgent_hours",
    "limit_accept": "0.001 urgent_hours",  # 3.6 s, and as long again to each level above
    "limit_handle": "0.002 urgent_hours",
}
EFFECTS = ("warn", "overdue", "remind", "escalate_overdue", "supervise")
OURS = "e.source_ref like 'crash-%'"


@contextmanager
def city_of_seconds() -> Iterator[Path]:
    """A small demo city in a cluster of its own, with a category whose limits last seconds."""
    folder = Path(tempfile.mkdtemp(prefix="gridward-crash-"))
    folder.chmod(0o755)
    try:
        with Cluster(folder).lease():
            gridward(folder, "db", "migrate")
            gridward(folder, "demo", "load", "--scale", "0.02")
            gridward(folder, "import", "categories", str(_categories(folder)))
        yield folder
    finally:
        Cluster(folder).reset()
        shutil.rmtree(folder, ignore_errors=True)


def _categories(folder: Path) -> Path:
    text = resources.files("gis.governance").joinpath("categories.csv").read_text("utf-8")
    rows = list(csv.DictReader(io.StringIO(text)))
    model = next(row for row in rows if row["key"] == "event-exposed-rubbish")
    late = {**model, **LIMITS, "key": CATEGORY, "title_zh": "很快超期的事件"}
    path = folder / "categories.csv"
    with path.open("w", encoding="utf-8", newline="") as out:
        writer = csv.DictWriter(out, fieldnames=list(late), restval="")
        writer.writeheader()
        writer.writerows([*rows, late])
    return path


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
        "category": CATEGORY,
        "location": {
            "lon": 118.25 + (number % 50) * 0.002,
            "lat": 32.25 + (number // 50 % 50) * 0.002,
            "crs": "GCJ-02",
        },
    }


class Senders:
    """Eight careful senders: again until it is answered, and sometimes once more after that."""

    def __init__(self, base: str, headers: dict[str, str], events: int) -> None:
        self.base = base
        self.headers = headers
        self.events = events
        self.accepted: dict[tuple[str, str], set[str]] = {}
        self.seen: Counter[str] = Counter()
        self.lock = threading.Lock()
        self.todo = iter(range(events))

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
                self._saw("sent again: connection lost")
                time.sleep(0.1)
                continue
            self._saw(f"answered {answer.status_code}")
            if answer.status_code in (200, 201):
                with self.lock:
                    key = body["source"], body["source_ref"]
                    self.accepted.setdefault(key, set()).add(answer.json()["id"])
                return
            assert answer.status_code == 503, answer.text
            time.sleep(0.1)

    def _saw(self, what: str) -> None:
        with self.lock:
            self.seen[what] += 1

    def wait_for(self, share: float) -> None:
        while len(self.accepted) < self.events * share:
            time.sleep(0.01)


def prove(home: Path, events: int) -> Counter[str]:
    """Report the events while a worker, the server and PostgreSQL die in turn; then check all.

    Returns
    -------
    Counter
        What happened, for people.
    """
    server = Served(home, GRIDWARD_WEBHOOK_HOSTS="127.0.0.1")
    try:
        return _prove(home, events, server)
    finally:  # what failed must not leave a server behind that holds the cluster
        server.stop()


def _prove(home: Path, events: int, server: Served) -> Counter[str]:
    admin = token(home, "admin")
    server.start()
    senders = Senders(server.base, token(home, "reporter"), events)
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
        kill_worker(server)  # in the middle of firing and of sending
        patience_s = 90 + events / 10
        wait_until_none(
            home,
            "select count(*) from clocks c join events e on e.id = c.event_id "
            f"where {OURS} and c.stopped_at is null and c.next_at is not null",
            patience_s,
        )
        wait_until_none(
            home,
            "select (select count(*) from outbox_pending) + "
            "(select count(*) from webhook_deliveries where state = 'pending')",
            patience_s,
        )
        server.stop()
        check_events(home, senders)
        told = check_clocks(home)
        told += check_deliveries(home, receiver, made.json()["secret"])
    return senders.seen + told


def check_events(home: Path, senders: Senders) -> None:
    found = asked(
        home,
        "select e.source, e.source_ref, e.id::text, (select count(*) from log_entries l where "
        "l.event_id = e.id and l.action = 'report'), (select count(*) from work_orders w where "
        f"w.event_id = e.id) from events e where {OURS}",
    )
    assert len(found) == senders.events, "none lost, none doubled"
    assert {(source, ref): {event} for source, ref, event, _, _ in found} == senders.accepted
    assert {reports for *_, reports, _ in found} == {1}
    assert {orders for *_, orders in found} <= {0, 1}


def check_clocks(home: Path) -> Counter[str]:
    """Every clock has ended, and each of its effects stands in the log once."""
    clocks = asked(
        home,
        "select c.event_id::text, c.stage, c.warned, c.overdue, c.escalations, c.supervised "
        f"from clocks c join events e on e.id = c.event_id where {OURS}",
    )
    entries = asked(
        home,
        "select l.event_id::text, l.action, coalesce(l.after ->> 'stage', ''), "
        "l.after ->> 'level' from log_entries l join events e on e.id = l.event_id "
        f"where {OURS} and l.actor_id = 'system'",
    )
    told = Counter((event, action, stage) for event, action, stage, _ in entries)
    assert max(told[key] for key in told if key[1] in ("warn", "overdue")) == 1
    levels: dict[str, list[str]] = {}
    for event, action, _, level in entries:
        if action == "escalate_overdue":
            levels.setdefault(event, []).append(level)
    climbed: Counter[str] = Counter()
    for event, stage, _warned, overdue, escalations, _ in clocks:
        assert overdue, "no clock was forgotten"
        assert told[event, "overdue", stage] == 1, (event, stage)
        climbed[event] += escalations
    for event, count in climbed.items():
        mine = levels.get(event, [])
        assert len(mine) == count == len(set(mine)), (event, mine, "each level once")
        supervised = any(one[5] for one in clocks if one[0] == event) if count else False
        assert told[event, "supervise", ""] == int(supervised)
    return Counter({"clocks": len(clocks)}) + Counter(
        f"fired {action}" for _, action, _, _ in entries if action in EFFECTS
    )


def check_deliveries(home: Path, receiver: Receiver, secret: str) -> Counter[str]:
    messages = asked(
        home,
        "select 'gridward-' || s.position, o.topic, o.subject from outbox o left join "
        "outbox_sequence s on s.outbox_id = o.id left join work_orders w on w.code = o.subject "
        f"join events e on e.id::text = o.subject or e.id = w.event_id where {OURS}",
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
    return Counter(
        {
            "messages": len(messages),
            "deliveries": sum(got.values()),
            "delivered more than once": sum(count > 1 for count in got.values()),
        }
    )


def wait_until_none(home: Path, counted: str, patience_s: float) -> None:
    ends = time.monotonic() + patience_s
    while (left := asked(home, counted)[0][0]) != 0:
        assert time.monotonic() < ends, f"{left} left of: {counted}"
        time.sleep(0.5)


def kill_worker(server: Served) -> None:
    """kill -9 of the server's worker process; the server starts another one."""
    assert server.process is not None
    task = Path(f"/proc/{server.process.pid}/task")
    deadline = time.monotonic() + 60
    while True:  # one that was killed a moment ago may not have a successor yet
        children = [
            int(child)
            for thread in task.iterdir()
            for child in (thread / "children").read_text().split()
        ]
        workers = [pid for pid in children if b"work" in command(pid)]
        if workers:
            break
        assert time.monotonic() < deadline, "no worker runs"
        time.sleep(0.05)
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


def main() -> None:
    """Run the proof and print what happened."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000
    begun = time.monotonic()
    with city_of_seconds() as home:
        seen = prove(home, events)
    sys.stdout.write(f"{events:8} events, none lost, none doubled\n")
    for what, count in sorted(seen.items()):
        sys.stdout.write(f"{count:8} {what}\n")
    sys.stdout.write(f"{time.monotonic() - begun:8.0f} s\n")


if __name__ == "__main__":
    main()
