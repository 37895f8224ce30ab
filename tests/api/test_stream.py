"""Server-sent events: in order, without a gap, to whom they concern."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx
import pytest
import sqlalchemy as sa

from api.app import create_app
from gis.governance.actors import SYSTEM
from gis.services.access import issue_token
from gis.services.feed import Feed, Listener, sequence_outbox
from gis.settings import Settings
from gis.store.unit_of_work import Database
from tests.conftest import serving
from tests.factories import SmallCity, small_city

PUT = sa.text(
    "insert into outbox (topic, subject, path_codes, body, actor_id) "
    "values (:topic, :subject, :path, '{}', 'tests')"
)


@dataclass
class Door:
    base: str
    database: Database
    city: SmallCity

    def token(self, role: str = "dispatcher", area: str | None = None) -> dict[str, str]:
        secret = issue_token(self.database, SYSTEM, role=role, area=area).secret
        return {"Authorization": f"Bearer {secret}"}

    def put(self, subject: str, *path: str, topic: str = "event.created") -> None:
        with self.database.transaction(SYSTEM) as work:
            work.execute(PUT, topic=topic, subject=subject, path=list(path))

    @contextmanager
    def listening(self, headers: dict[str, str], **query: str) -> Iterator[Iterator[Said]]:
        with (
            httpx.Client(base_url=self.base, headers=headers, timeout=20) as http,
            http.stream("GET", "/v1/stream", params=query) as answer,
        ):
            assert answer.status_code == 200, answer.read()
            assert answer.headers["content-type"].startswith("text/event-stream")
            heard = said(answer.iter_lines())
            next(heard)  # the greeting: from here on nothing is missed
            yield heard


@dataclass
class Said:
    id: int
    event: str
    data: dict[str, str] | None


def said(lines: Iterator[str]) -> Iterator[Said]:
    fields: dict[str, str] = {}
    for line in lines:
        if line.startswith(":"):
            continue
        if line:
            name, _, value = line.partition(": ")
            fields[name] = value
        elif "id" in fields:
            data = fields.get("data")
            yield Said(
                int(fields["id"]),
                fields.get("event", ""),
                None if data is None else json.loads(data),
            )
            fields = {}


def heard(listener: Iterator[Said], count: int) -> list[Said]:
    return [next(listener) for _ in range(count)]


@pytest.fixture
def door(database: Database, quiet_settings: Settings) -> Iterator[Door]:
    city = small_city(database)
    settings = quiet_settings.model_copy(update={"stream_listeners": 3})
    with serving(create_app(settings, database)) as base:
        yield Door(base, database, city)


def test_head_tells_of_the_stream_and_ends(door: Door) -> None:
    with httpx.Client(base_url=door.base, headers=door.token(), timeout=20) as http:
        for _ in range(2):  # on one connection: the first has ended
            answer = http.head("/v1/stream")
            assert (answer.status_code, answer.content) == (200, b"")
            assert answer.headers["content-type"].startswith("text/event-stream")
    assert httpx.head(f"{door.base}/v1/stream").status_code == 401


def test_an_event_is_heard_as_it_is_taken_in(door: Door) -> None:
    lon, lat = door.city.inside(1)
    with door.listening(door.token()) as listener:
        sent = httpx.post(
            f"{door.base}/v1/events",
            headers=door.token(),
            json={"source": "snap", "title": "路口垃圾", "location": {"lon": lon, "lat": lat},
                  "reporter": {"name": "张三", "phone": "19900000000"}},
            timeout=60,
        ).json()  # fmt: skip
        created, routed = heard(listener, 2)
    assert (created.event, routed.event) == ("event.created", "event.routed")
    assert created.data is not None
    assert created.data["id"] == sent["id"]
    assert created.data["number"] == sent["number"]
    assert "张三" not in json.dumps([created.data, routed.data], ensure_ascii=False)
    assert routed.id == created.id + 1


def test_resuming_gives_exactly_what_was_missed(door: Door) -> None:
    with door.listening(door.token()) as listener:
        door.put("1")
        (first,) = heard(listener, 1)
    for number in range(2, 8):
        door.put(str(number))
    again = {**door.token(), "Last-Event-ID": str(first.id)}
    with door.listening(again) as listener:
        door.put("8")
        ids = [message.id for message in heard(listener, 7)]
    assert ids == list(range(first.id + 1, first.id + 8))


def test_a_message_that_commits_late_is_not_lost(door: Door) -> None:
    with door.listening(door.token()) as listener:
        with door.database.transaction(SYSTEM) as slow:
            slow.execute(PUT, topic="event.created", subject="slow", path=["slow"])
            for number in range(5):
                door.put(f"fast {number}")
            fast = heard(listener, 5)  # with lower ids still open, these are not held up
        (late,) = heard(listener, 1)
    assert late.id == fast[-1].id + 1
    again = {**door.token(), "Last-Event-ID": str(fast[-1].id)}
    with door.listening(again) as listener:
        assert heard(listener, 1)[0].id == late.id, "one who stopped there hears it, too"


def test_many_writers_and_sequencers_leave_no_gap_and_no_double(door: Door) -> None:
    with door.database.reading(SYSTEM) as work:
        already = work.scalar(sa.text("select count(*) from outbox"))

    def write(writer: int) -> None:
        for number in range(25):
            door.put(f"{writer}-{number}")
            sequence_outbox(door.database)

    with door.listening(door.token()) as listener:
        threads = [threading.Thread(target=write, args=(n,)) for n in range(6)]
        for thread in threads:
            thread.start()
        messages = heard(listener, 150)
        for thread in threads:
            thread.join()
    assert [m.id for m in messages] == list(range(already + 1, already + 151))


def test_each_hears_of_the_own_area_only(door: Door) -> None:
    worker = door.token("grid_worker", "341102001001")
    with door.listening(worker) as near, door.listening(door.token(), area="341103") as far:
        door.put("far", "341100", "341103")
        door.put("near", "341100", "341102", "341102001", "341102001001")
        door.put("far too", "341100", "341103", topic="work_order.changed")
        (one,) = heard(near, 1)
        two = heard(far, 2)
    assert [m.id - one.id for m in two] == [-1, 1]
    refused = httpx.get(
        f"{door.base}/v1/stream", headers=worker, params={"area": "341103"}, timeout=60
    )
    assert (refused.status_code, refused.json()["type"]) == (403, "/problems/outside-scope")


def test_topics_can_be_chosen_and_unknown_ones_are_refused(door: Door) -> None:
    with door.listening(door.token(), topics="work_order.changed") as listener:
        door.put("no")
        door.put("yes", topic="work_order.changed")
        assert heard(listener, 1)[0].event == "work_order.changed"
    refused = httpx.get(
        f"{door.base}/v1/stream", headers=door.token(), params={"topics": "weather"}, timeout=60
    )
    assert (refused.status_code, refused.json()["type"]) == (422, "/problems/topic-unknown")


def test_one_listener_too_many_is_told_to_come_back(door: Door) -> None:
    with (
        door.listening(door.token()) as first,
        door.listening(door.token()),
        door.listening(door.token()),
    ):
        for _ in range(2):
            door.put("x")
        heard(first, 2)  # all three have joined
        refused = httpx.get(f"{door.base}/v1/stream", headers=door.token(), timeout=60)
    assert refused.status_code == 503
    assert refused.json()["type"] == "/problems/stream-full"
    assert int(refused.headers["Retry-After"]) > 0


def test_listeners_outlive_a_broken_database_connection(door: Door) -> None:
    with door.listening(door.token()) as listener:
        door.put("before")
        heard(listener, 1)
        name = door.database.engine.url.database
        with door.database.reading(SYSTEM) as work:
            work.execute(
                sa.text(
                    "select pg_terminate_backend(pid) from pg_stat_activity "
                    "where datname = :name and pid <> pg_backend_pid()"
                ),
                name=name,
            )
        door.put("after")
        assert heard(listener, 1)[0].event == "event.created"


def test_a_revoked_token_ends_the_stream(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("api.routes.stream.HEARTBEAT_S", 0.1)
    monkeypatch.setattr("api.security.CACHE_SECONDS", 0.0)
    with door.listening(door.token()) as listener:
        with door.database.transaction(SYSTEM) as work:
            work.execute(sa.text("update credentials set revoked_at = now()"))
        assert list(listener) == []


def test_a_commit_while_the_feed_ends_is_no_error(door: Door) -> None:
    feed = Feed(door.database, limit=1).start()
    feed._stopping.set()  # the thread looks at it by itself, before stop() wakes it
    assert feed._thread is not None
    feed._thread.join()
    feed.hint()
    feed.stop()
    feed.hint()  # whoever committed meanwhile


def test_who_comes_while_the_server_stops_is_let_go_as_well(door: Door) -> None:
    feed = Feed(door.database, limit=1)
    feed.let_go()
    offered: list[int] = []
    feed.join(Listener(0, lambda messages: offered.append(len(messages)) is None))
    assert offered == [0]
    assert feed.listeners == 0


def test_what_is_committed_while_the_feed_ends_is_no_error(postgres_dsn: str) -> None:
    looks = iter([lambda: None, None, None])

    class Ending(Database):
        """Its hook is there at the first look, and then no more."""

        @property
        def committed(self) -> Callable[[], None] | None:
            return next(looks)

        @committed.setter
        def committed(self, hook: object) -> None: ...

    database = Ending(postgres_dsn)
    with database.transaction(SYSTEM) as work:
        work.execute(PUT, topic="event.created", subject="one", path=[])
    database.close()
