"""Publications while clients match: one revision an answer, never one that is over."""

from __future__ import annotations

import itertools
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import psycopg
import pytest

from api.app import create_app
from gis.cluster import Cluster
from gis.errors import NoPublishedBoundary
from gis.governance.actors import SYSTEM
from gis.services import editions
from gis.services.access import issue_token
from gis.services.lookup import OLDEST_S, Boundaries
from gis.services.revision_watch import RevisionWatch
from gis.settings import Settings
from gis.store.unit_of_work import Database
from tests.conftest import serving
from tests.factories import SIDE, SOUTH, WEST, small_city
from tests.integration.test_editions import FIRST, SECOND, box, drafted, grids

PUBLICATIONS = 20
EVENTS_EACH = 4
CLIENTS = 4
PATIENCE_S = 60.0  # compiling the look-ups takes its time on a fresh machine
PLACES = [0.35 + step / 10 for step in range(13)]


def line(revision: int) -> float:
    """Where the line between the first two grids runs, in grid sides."""
    return 1.0 if revision == 1 else 0.4 + (revision * 7 % 12) / 10


def owner(place: float, revision: int) -> str:
    return FIRST if place < line(revision) else SECOND


def publish(database: Database, revision: int) -> None:
    shapes = {
        f"g{FIRST}": box(0, 0, line(revision), 1),
        f"g{SECOND}": box(line(revision), 0, 2, 1),
    }
    assert editions.publish_draft(database, SYSTEM, drafted(database, grids(**shapes))) == revision


@dataclass(frozen=True)
class Told:
    sent: float
    place: float
    status: int
    revision: int
    grid: str | None
    may_lag_s: float = 0.0


def ask(client: httpx.Client, place: float, *, send: bool) -> Told:
    """Look a place up, match a pin, or send an event, which keeps the revision that it is of.

    Every publication moves the open orders of all events so far, so only some are sent (``send``).
    """
    location = {"lon": WEST + place * SIDE, "lat": SOUTH + SIDE / 2}
    turn, sent = PLACES.index(place) % 3, time.monotonic()
    if turn == 0:
        answer = client.get("/v1/areas/at", params=location)
        body = answer.json()
        code = body["grid"]["code"]
        return Told(sent, place, answer.status_code, body["boundary_revision"], code, OLDEST_S)
    if turn == 1 or not send:
        answer = client.post("/v1/match", json={"location": location})
        matched = answer.json()
        code = None if matched["grid"] is None else matched["grid"]["code"]
        # a pin is answered from memory, as a look-up is
        return Told(sent, place, answer.status_code, matched["boundary_revision"], code, OLDEST_S)
    answer = client.post("/v1/events", json={"source": "snap", "location": location})
    matched = answer.json()["match"]
    assert answer.json()["boundary_revision"] == matched["boundary_revision"]
    assert answer.json()["grid"] == matched["grid"]["code"]
    grid = matched["grid"]
    code = None if grid is None else grid["code"]
    return Told(sent, place, answer.status_code, matched["boundary_revision"], code)


def test_twenty_publications_while_four_clients_match(database: Database, tmp_path: Path) -> None:
    small_city(database)
    secret = issue_token(database, SYSTEM, role="dispatcher").secret
    settings = Settings(home=tmp_path, log_level="warning")
    told: list[Told] = []
    faults: list[BaseException] = []
    over = threading.Event()
    asked = itertools.count()
    published = {1: time.monotonic()}

    def client(base: str) -> None:
        headers = {"Authorization": f"Bearer {secret}"}
        try:
            with httpx.Client(base_url=base, headers=headers, timeout=60) as connected:
                for place in itertools.cycle(PLACES):
                    due = next(asked) < EVENTS_EACH * len(published) * len(PLACES)
                    told.append(ask(connected, place, send=due))
                    if over.is_set():
                        return
        except (httpx.HTTPError, AssertionError, KeyError, ValueError) as fault:
            faults.append(fault)

    def heard() -> None:
        """Wait until the clients, who never pause, have some more answers."""
        enough = len(told) + 2 * CLIENTS
        deadline = time.monotonic() + PATIENCE_S
        while len(told) < enough and not faults and time.monotonic() < deadline:
            time.sleep(0.001)

    # Two applications on one database: neither hears of the other's publications but by notice.
    planner = Database(database.url)
    try:
        with (
            serving(create_app(settings, database)) as one,
            serving(create_app(settings, database)) as other,
        ):
            threads = [
                threading.Thread(target=client, args=(base,))
                for base in (one, other) * (CLIENTS // 2)
            ]
            for thread in threads:
                thread.start()
            heard()
            for revision in range(2, PUBLICATIONS + 2):
                publish(planner, revision)
                published[revision] = time.monotonic()
                heard()
            over.set()
            for thread in threads:
                thread.join()
    finally:
        planner.close()
    assert faults == []
    check(told, published)


def check(told: list[Told], published: dict[int, float]) -> None:
    assert {one.status for one in told} <= {200, 201}
    for one in told:
        assert one.grid == owner(one.place, one.revision), one
        # A look-up from memory lags 2 s at most; what writes or routes does not lag at all.
        due = [new for new, done in published.items() if done < one.sent - one.may_lag_s]
        assert one.revision >= max(due, default=1), one
    # the clients stop with the last publication, which memory may not have heard of yet
    assert {one.revision for one in told} >= set(range(2, PUBLICATIONS + 1))


# --- the watch ----------------------------------------------------------------------------------


@pytest.fixture
def watched(database: Database) -> Iterator[tuple[RevisionWatch, Boundaries]]:
    """A watch that hears notices and polls so seldom that the poll does not help."""
    boundaries = Boundaries(database)
    watch = RevisionWatch(database.url, boundaries, poll_s=3600).start()
    yield watch, boundaries
    watch.stop()


def current_becomes(boundaries: Boundaries, revision: int) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while True:
        try:
            if boundaries.current().snapshot.revision == revision:
                return
        except NoPublishedBoundary:
            pass
        assert time.monotonic() < deadline, f"revision {revision} was not heard of"
        time.sleep(0.005)


def test_a_notice_brings_the_new_revision(
    database: Database, watched: tuple[RevisionWatch, Boundaries]
) -> None:
    _, boundaries = watched
    small_city(database)
    current_becomes(boundaries, 1)
    publish(database, 2)
    current_becomes(boundaries, 2)


def test_the_watch_outlives_its_connection(
    database: Database, watched: tuple[RevisionWatch, Boundaries], cluster: Cluster
) -> None:
    _, boundaries = watched
    small_city(database)
    current_becomes(boundaries, 1)
    admin = cluster.url("superuser", database.engine.url.database).replace("+psycopg", "")
    with psycopg.connect(admin, autocommit=True) as connection:
        ended = connection.execute(
            "select pg_terminate_backend(pid) from pg_stat_activity "
            "where application_name = 'gridward boundary watch' and datname = current_database()"
        ).fetchall()
    assert ended == [(True,)]
    publish(database, 2)
    current_becomes(boundaries, 2)


def test_the_poll_finds_what_no_notice_told(database: Database) -> None:
    small_city(database)
    boundaries = Boundaries(database)
    watch = RevisionWatch(database.url, boundaries, poll_s=0.05, channel="nobody_speaks").start()
    try:
        publish(database, 2)
        current_becomes(boundaries, 2)
    finally:
        watch.stop()


def test_a_watch_without_a_database_stops_when_told() -> None:
    nowhere = Database("postgresql://nobody@/nothing?host=/nonexistent")
    watch = RevisionWatch(nowhere.url, Boundaries(nowhere)).start()
    watch.stop()
    nowhere.close()
