"""Fixtures: one real PostgreSQL per run, one migrated template, cheap clones of it."""

from __future__ import annotations

import itertools
import os
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

import httpx
import psycopg
import pytest
import uvicorn
from fastapi import FastAPI
from playwright.sync_api import Browser, Page, Route
from psycopg import sql

from api.app import create_app
from gis.cluster import Cluster
from gis.governance.actors import SYSTEM
from gis.services.access import issue_token
from gis.settings import Settings
from gis.store import schema
from gis.store.unit_of_work import Database, UnitOfWork
from tests.browser.chromium import chromium as system_chromium
from tests.homes import new_home

SHARED_DATA = Path(__file__).parents[2] / "shared" / "data"
TEMPLATE = "gridward_template"
DEMO = "gridward_demo_template"
DEMO_SCALE = 0.04
Token = Callable[..., dict[str, str]]
_numbers = itertools.count(1)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real data beside the checkout; never committed."""
    if not SHARED_DATA.is_dir():
        if os.environ.get("CI") == "true":
            pytest.fail("../shared/data is missing")
        pytest.skip("../shared/data is not there")
    return SHARED_DATA


@pytest.fixture(scope="session")
def cluster() -> Iterator[Cluster]:
    """A private PostgreSQL of this run; gone afterwards."""
    home = new_home("gridward-tests-")
    try:
        with Cluster(home).lease() as running:
            hasten(running)
            yield running
        Cluster(home).reset()
    finally:
        shutil.rmtree(home, ignore_errors=True)


def hasten(cluster: Cluster) -> None:
    """Spare disk and memory: this run's databases need not survive a power cut."""
    with psycopg.connect(_plain(cluster.url("superuser", "postgres")), autocommit=True) as admin:
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            admin.execute(sql.SQL("alter system set {} = off").format(sql.SQL(setting)))
        admin.execute("alter system set max_wal_size = '256MB'")
        admin.execute("select pg_reload_conf()")


def clone(cluster: Cluster, source: str, name: str) -> None:
    """Copy a database nobody is connected to (0.02 s in memory, 0.2 to 0.6 on a disk)."""
    statement = sql.SQL("create database {} template {} owner gridward_owner strategy file_copy")
    with psycopg.connect(_plain(cluster.url("superuser", "postgres")), autocommit=True) as admin:
        admin.execute(statement.format(sql.Identifier(name), sql.Identifier(source)))


def _plain(url: str) -> str:
    return url.replace("postgresql+psycopg://", "postgresql://")


def open_database(cluster: Cluster, name: str) -> Database:
    return Database(cluster.url("app", name), pool_size=8)


@pytest.fixture(scope="session")
def template(cluster: Cluster) -> str:
    """The name of a database with the schema of the real migrations and no rows."""
    cluster.create_database(TEMPLATE)
    owner = Database(cluster.url("owner", TEMPLATE), role=None)
    schema.upgrade(owner)
    owner.close()
    return TEMPLATE


@pytest.fixture(scope="session")
def demo_template(cluster: Cluster, template: str) -> str:
    """The name of a database with the demo city at a small scale."""
    from layers.demo.load import load

    clone(cluster, template, DEMO)
    database = open_database(cluster, DEMO)
    load(database, scale=DEMO_SCALE)
    database.close()
    return DEMO


@contextmanager
def cloned(cluster: Cluster, source: str) -> Iterator[Database]:
    name = f"gridward_test_{next(_numbers)}"
    clone(cluster, source, name)
    database = open_database(cluster, name)
    try:
        yield database
    finally:
        database.close()
        cluster.drop_database(name)


@pytest.fixture
def database(cluster: Cluster, template: str) -> Iterator[Database]:
    """An empty, migrated database of its own: for real commits, races, triggers, notices."""
    with cloned(cluster, template) as fresh:
        yield fresh


@pytest.fixture(scope="session")
def shared_database(cluster: Cluster, template: str) -> Iterator[Database]:
    with cloned(cluster, template) as shared:
        yield shared


@pytest.fixture
def work(shared_database: Database) -> Iterator[UnitOfWork]:
    """A unit of work that is rolled back afterwards (about 1 ms)."""

    class _RollBack(Exception):
        pass

    try:
        with shared_database.transaction(SYSTEM) as unit:
            yield unit
            raise _RollBack  # noqa: TRY301 - caught right below, after the transaction saw it
    except _RollBack:
        pass


@pytest.fixture(scope="session")
def demo_city(cluster: Cluster, demo_template: str) -> Iterator[Database]:
    """The demo city, shared by the whole run: for reading, and for writes that do no harm."""
    with cloned(cluster, demo_template) as demo:
        yield demo


@pytest.fixture
def own_demo_city(cluster: Cluster, demo_template: str) -> Iterator[Database]:
    """A demo city of the test's own."""
    with cloned(cluster, demo_template) as demo:
        yield demo


@pytest.fixture
def postgres_dsn(database: Database) -> str:
    """The application's connection string of `database`, for raw psycopg."""
    return _plain(database.url)


# --- the door --------------------------------------------------------------------------------


@pytest.fixture(scope="session")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return Settings(home=tmp_path_factory.mktemp("home"), log_level="warning")


@pytest.fixture(scope="session")
def app(settings: Settings, demo_city: Database) -> FastAPI:
    """The application on the shared demo city."""
    return create_app(settings, demo_city)


@pytest.fixture(scope="session")
def token(demo_city: Database) -> Token:
    """`token(role, area=None)` -> a bearer token's Authorization header for the demo city."""

    @cache
    def issue(role: str, area: str | None = None) -> dict[str, str]:
        issued = issue_token(demo_city, SYSTEM, role=role, area=area, days=1, label="tests")
        return {"Authorization": f"Bearer {issued.secret}"}

    return issue


@pytest.fixture(scope="session")
def served(app: FastAPI) -> Iterator[str]:
    """The base URL of a real server on the demo city."""
    with serving(app) as base:
        yield base


@pytest.fixture(scope="session")
def client(served: str) -> Iterator[httpx.Client]:
    """A client without sign-in, over a real connection."""
    with httpx.Client(base_url=served, timeout=60) as connected:
        yield connected


@contextmanager
def serving(app: FastAPI) -> Iterator[str]:
    """Serve an application on a free port of the loopback, in a thread."""
    config = uvicorn.Config(app, host="127.0.0.1", port=0, log_config=None, access_log=False)
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        assert thread.is_alive(), "the server did not start"
        time.sleep(0.01)
    port = server.servers[0].sockets[0].getsockname()[1]
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.should_exit = True
        thread.join()


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The system's Chromium.

    One per file: while it lives its event loop counts as running in this thread, and a file that
    runs a loop of its own could not.
    """
    with system_chromium() as browser:
        yield browser


@pytest.fixture
def browser_page(chromium: Browser, served: str) -> Iterator[Page]:
    """A page that fails the test on a console error or on any request off the host."""
    context = chromium.new_context(base_url=served, locale="zh-CN")
    faults: list[str] = []

    def guard(route: Route) -> None:
        if route.request.url.startswith((served, "data:", "blob:")):
            route.continue_()
        else:
            faults.append(f"request off the host: {route.request.url}")
            route.abort()

    context.route("**/*", guard)
    page = context.new_page()
    page.on("console", lambda said: faults.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: faults.append(str(error)))
    yield page
    context.close()
    assert faults == []
