"""Statements that the event loop awaits: read only, limited, and what went away is replaced."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import psycopg
import pytest
import sqlalchemy as sa

from api.ogc.lanes import StatementLane
from gis.errors import DatabaseUnavailable, LayerQueryTooLong
from gis.governance.actors import SYSTEM
from gis.store.async_reader import AsyncReader
from gis.store.unit_of_work import Database

T = TypeVar("T")
ME = "select pg_backend_pid(), current_user::text"


def run(database: Database, work: Callable[[AsyncReader], Awaitable[T]]) -> T:
    async def whole() -> T:
        reader = database.async_reader(limit_s=10.0)
        try:
            return await work(reader)
        finally:
            reader.close()

    return asyncio.run(whole())


def test_one_connection_serves_one_after_the_other(demo_city: Database) -> None:
    async def twice(reader: AsyncReader) -> set[Any]:
        return {(await reader.prepared(ME, {}))[0] for _ in range(3)}

    ((pid, user),) = run(demo_city, twice)
    assert pid
    assert user == "gridward_app"


def test_together_they_have_a_connection_each(demo_city: Database) -> None:
    async def together(reader: AsyncReader) -> set[int]:
        asked = "select pg_backend_pid(), pg_sleep(0.2)"
        answers = await asyncio.gather(*(reader.prepared(asked, {}) for _ in range(3)))
        return {rows[0][0] for rows in answers}

    assert len(run(demo_city, together)) == 3


def test_connection_that_went_away_is_replaced(demo_city: Database) -> None:
    async def after_a_kill(reader: AsyncReader) -> tuple[int, int]:
        ((before, _),) = await reader.prepared(ME, {})
        with demo_city.transaction(SYSTEM) as work:
            work.connection.execute(sa.text("reset role"))
            work.scalar(sa.text("select pg_terminate_backend(:pid)"), pid=before)
        ((after, _),) = await reader.prepared(ME, {})
        return before, after

    before, after = run(demo_city, after_a_kill)
    assert before != after


def test_it_only_reads_and_goes_on(demo_city: Database) -> None:
    async def write(reader: AsyncReader) -> list[Any]:
        with pytest.raises(sa.exc.DBAPIError) as refused:
            await reader.prepared("update stations set name = name", {})
        assert isinstance(refused.value.orig, psycopg.errors.ReadOnlySqlTransaction)
        return await reader.prepared("select %(n)s::int", {"n": 7})

    assert run(demo_city, write) == [(7,)]


def test_whoever_gives_up_leaves_nothing_behind(demo_city: Database) -> None:
    async def give_up(reader: AsyncReader) -> list[Any]:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0.1):
                await reader.prepared("select 1, pg_sleep(3)", {})
        return await reader.prepared("select 2", {})

    assert run(demo_city, give_up) == [(2,)]


def test_no_database_is_said_in_words() -> None:
    nowhere = Database("postgresql+psycopg://nobody@/none?host=/nonexistent")

    async def ask() -> None:
        lane = StatementLane(nowhere, 1, wait_s=1.0, limit_s=1.0)
        with pytest.raises(DatabaseUnavailable):
            await lane.ask("select 1", {})

    asyncio.run(ask())
    nowhere.close()


def test_a_lane_says_when_it_takes_too_long(demo_city: Database) -> None:
    async def ask() -> list[tuple[Any, ...]]:
        lane = StatementLane(demo_city, 1, wait_s=1.0, limit_s=0.2)
        with pytest.raises(LayerQueryTooLong):
            await lane.ask("select pg_sleep(30)", {})
        rows = await lane.ask("select 3", {})
        lane.close()
        return rows

    assert asyncio.run(ask()) == [(3,)]
