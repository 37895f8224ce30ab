"""``gridward serve`` and ``gridward up``: the server, and all that it needs first."""

from __future__ import annotations

import atexit
import gc
import logging
import os
import resource
import signal
import socket
from contextlib import ExitStack
from functools import partial
from types import FrameType
from typing import Annotated, Final

import typer
import uvicorn
from fastapi import FastAPI
from uvicorn.supervisors import Multiprocess

from api.app import create_app
from api.cli import demo
from api.cli.parent import end_with_parent
from api.cli.session import connect, say
from api.cli.work import Workers
from api.logs import configure_logs
from api.runtime import Runtime
from gis import clock, cluster
from gis.coverage import road_reach
from gis.errors import DatabaseUnavailable, NoPublishedBoundary, SchemaBehind, Unavailable
from gis.geometry import cell_index
from gis.governance.actors import SYSTEM
from gis.services import access
from gis.services.intake import prepare_months
from gis.settings import Settings, load
from gis.store import areas, schema
from gis.store.unit_of_work import Database

MOST_FILES: Final = 65_536


class PortTaken(Unavailable):
    """Another program listens there."""

    code = "port-taken"
    title_zh, title_en = "端口被占用", "The port is taken"
    detail_zh = "{host}:{port} 无法监听（{reason}）。请停止占用它的程序，或设置 GRIDWARD_PORT。"
    detail_en = (
        "Cannot listen on {host}:{port} ({reason}). Stop the program that holds it, or set "
        "GRIDWARD_PORT."
    )


def application() -> FastAPI:
    """Build the application of one server process from the environment (uvicorn's factory).

    The lease of the private cluster lasts as long as the process, however that ends: uvicorn does
    not shut an application down that a second Ctrl-C interrupts.
    """
    # after SIGTERM uvicorn ends without the way out that gives the lease back
    end_with_parent(partial(os.kill, os.getpid(), signal.SIGINT))
    settings = load()
    configure_logs(settings)
    stack = ExitStack()
    atexit.register(stack.close)
    urls = stack.enter_context(cluster.database(settings))
    database = connect(settings, urls.app_url)
    stack.callback(database.close)
    app = create_app(settings, database)
    warm_up(app)
    return app


def warm_up(app: FastAPI) -> None:
    """Load what the first request would otherwise wait for, and sweep old keys and sessions."""
    runtime: Runtime = app.state.runtime
    cell_index.warm_up()
    road_reach.warm_up()
    try:
        with runtime.database.reading(SYSTEM) as work:
            runtime.boundaries.snapshot(work)
        prepare_months(runtime.database, clock.now())
        access.tidy(runtime.database)
        runtime.boundaries.refresh()
        runtime.rosters.refresh()
        # The boundaries stay for the life of the process: the collector need not look at them.
        gc.collect()
        gc.freeze()
    except (NoPublishedBoundary, DatabaseUnavailable) as error:
        logging.getLogger(__name__).warning("not warmed up: %s", error)


def serve() -> None:
    """启动服务（数据库结构须已就绪）/ Serve; the schema must be migrated already."""
    settings = load()
    with cluster.database(settings) as urls:
        database = connect(settings, urls.app_url)
        try:
            state = schema.state(database)
            if not state.is_current:
                raise SchemaBehind(current=state.current or "-", head=state.head)
        finally:
            database.close()
        run(settings)


def up(
    no_demo: Annotated[
        bool, typer.Option("--no-demo", help="不装载示范城市 / do not load the demo city")
    ] = False,
    scale: Annotated[
        float, typer.Option(help="示范城市规模 / scale of the demo city", min=0.02, max=10)
    ] = 1.0,
) -> None:
    """一步启动：数据库、结构、示范城市、服务 / Database, schema, demo city, server at once."""
    settings = load()
    refuse_taken_port(settings)
    with cluster.database(settings) as urls:
        say("数据库已就绪。", "The database is up.")
        owner = Database(urls.owner_url, role=None, statement_timeout_s=0)
        try:
            schema.upgrade(owner)
        finally:
            owner.close()
        database = connect(settings, urls.app_url, statement_timeout_s=0)
        try:
            with database.reading(SYSTEM) as work:
                empty = areas.published_revision(work) is None
            if empty and not no_demo:
                demo.load_city(database, scale=scale, seed=None)
            link = access.issue_link(database, SYSTEM, role="admin").secret
        finally:
            database.close()
        address = f"http://{settings.host}:{settings.port}"
        say(f"服务地址：{address}", f"Serving at {address}")
        say(
            f"一次性登录链接（管理员）：{address}/sign-in?link={link}",
            f"One-time sign-in link (administrator): {address}/sign-in?link={link}",
        )
        say("按 Ctrl-C 停止。", "Ctrl-C stops everything.")
        run(settings)


def run(settings: Settings) -> None:
    """Serve until a signal ends it; every process leases the database for itself.

    Ctrl-C, SIGTERM and a closed terminal all end it in order: answers under way are given, then
    whatever this process started is stopped.
    """
    signal.signal(signal.SIGTERM, _leave)  # uvicorn stops, then raises it once more
    signal.signal(signal.SIGHUP, _hang_up)
    allow_files()
    Multiprocess.handle_hup = Multiprocess.handle_term  # type: ignore[method-assign] # not restart
    workers = Workers(settings.job_workers).start()
    try:
        uvicorn.run(
            "api.cli.serve:application",
            factory=True,
            host=settings.host,
            port=settings.port,
            workers=settings.workers,
            loop="uvloop",
            http="httptools",
            access_log=False,
            log_config=None,
            server_header=False,
            timeout_graceful_shutdown=10,
            timeout_worker_healthcheck=30,  # kill -9 otherwise meets one that starts, or is busy
        )
    except KeyboardInterrupt:
        pass
    finally:
        say("正在停止……", "Stopping ...")
        workers.stop()


def allow_files() -> None:
    """Let this process and those it starts open as many files as the machine grants.

    Each connection is one, a listener's for as long as it listens; the usual 1,024 are for programs
    that wait with ``select``.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, MOST_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))


def _leave(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(0)


def _hang_up(_number: int, _frame: FrameType | None) -> None:
    signal.raise_signal(signal.SIGTERM)  # which uvicorn handles


def refuse_taken_port(settings: Settings) -> None:
    """Refuse early, before minutes of loading, when the port cannot be had."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((settings.host, settings.port))
        except OSError as error:
            raise PortTaken(
                host=settings.host, port=settings.port, reason=error.strerror
            ) from error


def register(app: typer.Typer) -> None:
    """Add the commands."""
    app.command("serve")(serve)
    app.command("up")(up)
