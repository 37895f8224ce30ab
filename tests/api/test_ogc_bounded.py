"""Nobody stalls the others: lanes, deadlines, time limits, 503 with Retry-After."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import httpx
import pyogrio
import pytest
import shapely

from api.app import create_app
from api.ogc import streams
from api.ogc.lanes import Lane, Lanes
from gis.errors import LayerQueryTooLong, LayersBusy
from gis.governance.actors import ANONYMOUS
from gis.settings import Settings
from gis.store.unit_of_work import Database, UnitOfWork
from tests.conftest import Token, serving

SLEEP = "select pg_sleep(:seconds)"
HOSTILE = "/ogc/collections/buildings/items"


@pytest.fixture
def crowded(demo_city: Database, tmp_path: Path) -> Iterator[tuple[httpx.Client, Lanes]]:
    app = create_app(Settings(home=tmp_path, log_level="warning", pool_size=8), demo_city)
    lanes: Lanes = app.state.runtime.layers.lanes
    lanes.heavy.wait_s = 0.6
    with serving(app) as base, httpx.Client(base_url=base, timeout=60) as client:
        yield client, lanes


def hostile_filter() -> str:
    """Arithmetic on every row, thousands of times: what no index helps."""
    return " AND ".join(f"floors * {n} + floors / 3.0 <> {n}.5 ^ 1.5" for n in range(1, 120))


def test_hostile_filters_stall_nobody_else(crowded: tuple[httpx.Client, Lanes]) -> None:
    client, lanes = crowded
    answers: list[httpx.Response] = []
    # on this small city a filter is quick: its limit is made as small
    lanes.heavy.close()
    lanes.heavy._reader = lanes.pages._reader.__class__(
        str(lanes.heavy._reader.engine.url.render_as_string(hide_password=False)),
        "gridward_app",
        places=lanes.heavy.places,
        limit_s=0.05,
    )
    query = {"filter": hostile_filter(), "limit": "10000"}

    def attack() -> None:
        answers.append(client.get(HOSTILE, params=query))

    threads = [threading.Thread(target=attack) for _ in range(24)]
    for thread in threads:
        thread.start()
    for _ in range(10):  # whoever is kept waiting is told to come again
        assert client.get("/ogc/collections/grids/items?limit=5").status_code == 200
        assert client.get(
            "/ogc/collections/grids/tiles/WebMercatorQuad/12/1659/3394"
        ).status_code in (200, 204)
        assert client.get("/v1/areas/at?lon=118.3&lat=32.3").status_code == 200
    for thread in threads:
        thread.join()
    assert {answer.status_code for answer in answers} <= {200, 503}
    refused = [answer for answer in answers if answer.status_code == 503]
    for answer in refused:
        assert int(answer.headers["retry-after"]) >= 1
        assert answer.headers["content-type"] == "application/problem+json"
        assert "select" not in answer.text.lower()


def test_whole_country_box_is_a_page_like_any_other(crowded: tuple[httpx.Client, Lanes]) -> None:
    client, _ = crowded
    answer = client.get("/ogc/collections/addresses/items?bbox=73,3,136,54&limit=10")
    assert answer.status_code == 200
    assert len(answer.json()["features"]) == 10


def test_clients_that_do_not_read_stall_nobody(
    crowded: tuple[httpx.Client, Lanes], token: Token
) -> None:
    client, lanes = crowded
    host, port = client.base_url.host, client.base_url.port
    assert port is not None
    lanes.heavy.wait_s = 8.0
    sent = "GET {}?f=geojsonl HTTP/1.1\r\nHost: x\r\nAuthorization: {}\r\n\r\n"
    with ExitStack() as slow:
        for _ in range(4 * lanes.heavy.places + 8):
            one = slow.enter_context(socket.create_connection((host, port)))
            one.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
            path = "/ogc/collections/addresses/items"
            one.sendall(sent.format(path, token("planner")["Authorization"]).encode())
            assert one.recv(12) == b"HTTP/1.1 200", "its answer has begun, and goes no further"
        for path in (
            "/ogc/collections/grids/items?limit=5",
            "/ogc/collections/grids/items?filter=residents%3E0&limit=5",
            "/ogc/collections/grids/items?f=csv",
            "/ogc/collections/grids/items?f=fgb",
            "/ogc/collections/buildings/tiles/WebMercatorQuad/12/1659/3394",
        ):
            assert client.get(path).status_code in (200, 204), path


def test_flatgeobuf_is_refused_with_words_in_the_middle(
    crowded: tuple[httpx.Client, Lanes], monkeypatch: pytest.MonkeyPatch
) -> None:
    client, _ = crowded
    inner, asked = Lane.ask, []

    async def ask(lane: Lane, *given: object) -> object:
        asked.append(lane)
        if len(asked) > 3:
            raise LayersBusy(waited_s=1.0, retry_after_s=2)
        return await inner(lane, *given)  # type: ignore[arg-type]

    client.get("/ogc")
    monkeypatch.setattr(Lane, "ask", ask)
    answer = client.get("/ogc/collections/addresses/items?f=fgb")
    assert len(asked) > 3, "the layer is read in pieces"
    assert answer.status_code == 503
    assert answer.headers["content-type"] == "application/problem+json"


def test_flatgeobuf_of_many_features_has_no_index_to_keep(
    crowded: tuple[httpx.Client, Lanes], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    client, _ = crowded
    monkeypatch.setitem(streams.INDEXED_TO, "point", 1_000)
    every = client.get("/ogc/collections/addresses/items?limit=1&f=json").json()["numberMatched"]
    assert every is None or every > 1_000
    taken: dict[str, tuple[bool, list[str]]] = {}
    for name, query in (
        ("all", ""),
        ("a page of many", "&limit=1000"),
        ("few", "&filter=house_number LIKE '11%'"),
    ):
        path = tmp_path / f"{name}.fgb"
        path.write_bytes(client.get(f"/ogc/collections/addresses/items?f=fgb{query}").content)
        info = pyogrio.read_info(path, force_feature_count=True)
        ids = sorted(pyogrio.read_dataframe(path, columns=["id"], read_geometry=False)["id"])
        assert len(ids) == info["features"] > 0
        taken[name] = (info["capabilities"]["fast_spatial_filter"], ids)
    assert {name: indexed for name, (indexed, _) in taken.items()} == {
        "all": False,
        "a page of many": True,
        "few": True,
    }
    assert len(set(taken["all"][1])) == len(taken["all"][1]) > 1_000
    assert set(taken["few"][1]) | set(taken["a page of many"][1]) <= set(taken["all"][1])
    box = (118.0, 32.0, 118.4, 32.4)
    found = pyogrio.read_dataframe(tmp_path / "all.fgb", bbox=box)
    shapes = pyogrio.read_dataframe(tmp_path / "all.fgb")
    assert len(found) == shapes.intersects(shapely.box(*box)).sum() > 0, "it is read all the same"


def ask(lane: Lane, seconds: float) -> object:
    import anyio
    import sqlalchemy as sa

    def question(work: UnitOfWork) -> object:
        return work.scalar(sa.text(SLEEP), seconds=seconds)

    return anyio.run(lane.ask, ANONYMOUS, question)


def test_statement_is_stopped_at_its_limit(demo_city: Database) -> None:
    lane = Lane(demo_city, 1, wait_s=1.0, limit_s=0.2)
    with pytest.raises(LayerQueryTooLong) as stopped:
        ask(lane, 5.0)
    assert "0.2" in stopped.value.detail("en")
    assert ask(lane, 0.0) == ""
    lane.close()


def test_queue_has_a_deadline_and_an_end(demo_city: Database) -> None:
    import anyio

    async def run() -> list[type[BaseException] | None]:
        lane = Lane(demo_city, 1, wait_s=0.3, limit_s=2.0)
        found: list[type[BaseException] | None] = []
        refused = threading.Event()

        def question(_work: UnitOfWork) -> object:
            return refused.wait(60)  # until all the others were

        async def one() -> None:
            try:
                await lane.ask(ANONYMOUS, question)
            except LayersBusy as error:
                found.append(type(error))
                if len(found) == 79:
                    refused.set()
            else:
                found.append(None)

        async with anyio.create_task_group() as group:
            for _ in range(80):  # one runs, 64 wait, the others are sent away at once
                group.start_soon(one)
        lane.close()
        return found

    found = anyio.run(run)
    assert found == [LayersBusy] * 79 + [None]


def test_lanes_have_connections_of_their_own(demo_city: Database) -> None:
    for pool in (1, 4, 8, 20):
        lanes = Lanes.on(demo_city, pool)
        for lane in (lanes.tiles, lanes.pages, lanes.heavy):
            assert lane.places == max(1, pool // 4)
        for lane in (lanes.pages, lanes.heavy):
            assert lane._reader.engine.pool is not demo_city.engine.pool
        lanes.close()


def test_lanes_only_read(demo_city: Database) -> None:
    import anyio
    import sqlalchemy as sa

    lane = Lane(demo_city, 1, wait_s=1.0, limit_s=1.0)

    def write(work: UnitOfWork) -> object:
        return work.execute(sa.text("update stations set name = name"))

    with pytest.raises(sa.exc.DBAPIError, match="read-only"):
        anyio.run(lane.ask, ANONYMOUS, write)
    lane.close()
