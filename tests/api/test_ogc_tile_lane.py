"""The short way of tiles answers as the endpoint does, for everybody, and leaves the rest to it."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI

from api.app import create_app
from api.ogc.lanes import Once
from gis.errors import LayersBusy
from gis.settings import Settings
from gis.store.unit_of_work import Database
from layers.catalogue import LAYERS
from layers.state import LayerState
from tests.conftest import Token, serving

TILES = "/ogc/collections/{}/tiles/WebMercatorQuad/12/1659/3394"
LONG = {"f": "mvt"}
"""A parameter that only the endpoint reads."""


def shown(answer: httpx.Response) -> tuple[int, bytes, dict[str, str]]:
    once = {"date", "x-request-id"}
    return (
        answer.status_code,
        answer.content,
        {name: value for name, value in answer.headers.items() if name not in once},
    )


@pytest.fixture
def calm(app: FastAPI, monkeypatch: pytest.MonkeyPatch) -> None:
    """Nothing that is remembered grows old while a slow machine thinks."""
    held = app.state.runtime
    state, now = held.layers.state.now(), time.monotonic()
    monkeypatch.setattr(held.layers.state, "known", lambda: state)
    monkeypatch.setattr(held.doorkeeper, "_clock", lambda: now)


@pytest.fixture
def lanes(calm: None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the ways that answered a tile, in their order."""
    import api.ogc.tile_lane as short
    import api.routes.ogc_tiles as long

    taken: list[str] = []
    inner = short.one_layer

    async def quick(*given: object, **named: object) -> object:
        taken.append("short")
        return await inner(*given, **named)  # type: ignore[arg-type]

    async def slow(*given: object, **named: object) -> object:
        taken.append("long")
        return await inner(*given, **named)  # type: ignore[arg-type]

    monkeypatch.setattr(short, "one_layer", quick)
    monkeypatch.setattr(long.tile_answers, "one_layer", slow)
    return taken


def test_both_ways_give_the_same_for_everybody(
    client: httpx.Client, token: Token, lanes: list[str]
) -> None:
    area = client.get("/ogc/collections/counties/items?limit=1").json()["features"][0]["id"]
    people = [{}, token("viewer"), token("planner"), token("planner", area), token("dispatcher")]
    differ: dict[str, set[bytes]] = {}
    for layer in LAYERS:
        for who in people:
            client.get("/ogc/collections", headers=who)  # remembered from here on
            path = TILES.format(layer)
            long = client.get(path, params=LONG, headers=who)
            short = client.get(path, headers=who)
            assert shown(short) == shown(long)
            if short.status_code == 404:
                continue
            differ.setdefault(layer, set()).add(short.content)
            for more in ({"If-None-Match": f'"x", {short.headers["etag"]}'},
                         {"Accept-Encoding": "identity"}):  # fmt: skip
                headers = {**who, **more}
                again = client.get(path, headers=headers)
                assert shown(again) == shown(client.get(path, params=LONG, headers=headers))
                if "If-None-Match" in more:
                    assert (again.status_code, again.content) == (304, b"")
    assert lanes.count("short") == lanes.count("long") > 100
    assert len(differ["buildings"]) > 1, "people who see more get other tiles"


def test_addresses_with_a_version_may_be_kept(client: httpx.Client, lanes: list[str]) -> None:
    answer = client.get(TILES.format("grids"), params={"v": "0a1b"})
    assert "immutable" in answer.headers["cache-control"]
    assert "no-cache" in client.get(TILES.format("grids")).headers["cache-control"]
    assert lanes == ["short", "short"]


def test_what_needs_words_goes_to_the_endpoint(client: httpx.Client, lanes: list[str]) -> None:
    for path, status in (
        (TILES.format("grids") + "?nonesuch=1", 400),
        (TILES.format("grids") + "?v=1&v=2", 400),
        (TILES.format("nonesuch"), 404),
        (TILES.format("events"), 404),
        (TILES.format("grids").replace("3394", "x"), 404),
        (TILES.format("grids").replace("/12/", "/30/"), 404),
    ):
        answer = client.get(path)
        assert answer.status_code == status
        assert answer.headers["content-type"] == "application/problem+json"
    refused = client.get(TILES.format("grids"), headers={"Authorization": "Bearer wrong"})
    assert refused.status_code == 401
    assert client.post(TILES.format("grids")).status_code == 405
    assert lanes == []


def test_sessions_of_the_console_and_metrics(
    client: httpx.Client, token: Token, app: FastAPI, calm: None
) -> None:
    doorkeeper = app.state.runtime.doorkeeper
    client.get(TILES.format("grids"))
    counted = client.get("/metrics").text
    label = TILES.format("{key}").replace("12/1659/3394", "{z}/{y}/{x}")
    assert label in counted
    secret = token("planner")["Authorization"].removeprefix("Bearer ")
    client.get("/ogc", headers=token("planner"))
    admitted = doorkeeper.remembered(secret, "token")
    doorkeeper._seen["session", next(key[1] for key in doorkeeper._seen
                                     if doorkeeper._seen[key][1] is admitted)] = (
        doorkeeper._clock() + 60, admitted)  # fmt: skip
    answer = client.get(TILES.format("buildings"), headers={"Cookie": f"gridward_session={secret}"})
    assert answer.headers["cache-control"].startswith("private")


@pytest.fixture
def closed_house(demo_city: Database, tmp_path: Path) -> Iterator[httpx.Client]:
    app = create_app(Settings(home=tmp_path, log_level="warning", public_read=False), demo_city)
    with serving(app) as base, httpx.Client(base_url=base, timeout=60) as client:
        yield client


def test_nobody_gets_a_tile_where_reading_is_not_public(
    closed_house: httpx.Client, token: Token
) -> None:
    path = TILES.format("grids")
    seen = closed_house.get(path, headers=token("viewer"))
    assert seen.status_code in (200, 204)
    assert closed_house.get(path).status_code == 401
    stale = {"If-None-Match": seen.headers["etag"]}
    assert closed_house.get(path, headers=stale).status_code == 401


def test_tile_that_must_wait_too_long_is_a_503_with_words(
    client: httpx.Client, app: FastAPI, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def busy(*_: object) -> object:
        raise LayersBusy(waited_s=1.0, retry_after_s=2)

    monkeypatch.setattr(type(app.state.runtime.layers.lanes.tiles), "ask", busy)
    answer = client.get(TILES.format("job-openings"))
    assert answer.status_code == 503
    assert answer.headers["retry-after"] == "2"
    assert answer.headers["content-type"] == "application/problem+json"
    assert "x-request-id" in answer.headers


def test_tile_that_many_want_is_cut_once(
    demo_city: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import api.ogc.tile_answers as answers

    cut: list[object] = []
    inner = answers.question

    def counted(how: object, tile: object) -> object:
        cut.append(tile)
        return inner(how, tile)  # type: ignore[arg-type]

    monkeypatch.setattr(answers, "question", counted)
    app = create_app(Settings(home=tmp_path, log_level="warning"), demo_city)
    with serving(app) as base, httpx.Client(base_url=base, timeout=60) as client:
        found: list[bytes] = []

        def ask() -> None:
            found.append(client.get(TILES.format("grids")).content)

        threads = [threading.Thread(target=ask) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert len(found) == 12
    assert len(set(found)) == 1
    assert len(cut) == 1


def test_work_asked_for_by_many_fails_for_all_and_then_begins_anew() -> None:
    async def run() -> list[object]:
        once, begun = Once(), 0

        async def work() -> bytes:
            nonlocal begun
            begun += 1
            await asyncio.sleep(0.01)
            if begun == 1:
                raise LayersBusy(waited_s=1.0, retry_after_s=2)
            return b"%d" % begun

        first = await asyncio.gather(
            once.once("a", work), once.once("a", work), return_exceptions=True
        )
        leaving = asyncio.create_task(once.once("a", work))
        staying = asyncio.create_task(once.once("a", work))
        await asyncio.sleep(0)
        leaving.cancel()
        return [*first, await staying, begun]

    one, other, third, begun = asyncio.run(run())
    assert isinstance(one, LayersBusy)
    assert isinstance(other, LayersBusy)
    assert (third, begun) == (b"2", 2)


def test_state_stays_the_same_object_while_nothing_changes(demo_city: Database) -> None:
    state = LayerState(demo_city)
    assert state.refresh() is state.refresh()
