"""``gridward work``: a worker for the job queue; and the workers that a server brings along."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import threading
from typing import Annotated, Final, Self

import structlog
import typer

from api.cli.session import connect, say
from api.logs import configure_logs
from gis import cluster
from gis.errors import SchemaBehind
from gis.services.worker import run_worker
from gis.settings import load
from gis.store import schema

STOP_S: Final = 25.0
"""What is not done by then is left to another worker."""

_log = structlog.get_logger(__name__)


def work(
    with_parent: Annotated[
        bool,
        typer.Option(
            "--with-parent", hidden=True, help="标准输入关闭时结束 / end with standard input"
        ),
    ] = False,
) -> None:
    """运行后台任务（时限提醒、升级、长任务）/ Run jobs: clocks, escalations, long computations."""
    settings = load()
    configure_logs(settings)
    with cluster.database(settings) as urls:
        database = connect(settings, urls.app_url)
        try:
            state = schema.state(database)
            if not state.is_current:
                raise SchemaBehind(current=state.current or "-", head=state.head)
            if not with_parent:
                say("后台任务进程已启动，按 Ctrl-C 停止。", "Working. Ctrl-C stops it.")

            def started(loop: asyncio.AbstractEventLoop, stop: asyncio.Event) -> None:
                def end() -> None:
                    stop.set()
                    leave = threading.Timer(STOP_S, os._exit, (0,))
                    leave.daemon = True
                    leave.start()

                # a terminal's Ctrl-C reaches this process too; its parent tells when to stop
                for number in (signal.SIGTERM, signal.SIGHUP, signal.SIGINT):
                    loop.add_signal_handler(number, end)
                if with_parent:
                    threading.Thread(
                        target=_until_closed, args=(loop, end), name="parent", daemon=True
                    ).start()

            run_worker(database, settings, started=started)
        finally:
            database.close()


def _until_closed(loop: asyncio.AbstractEventLoop, end: object) -> None:
    """Wait until the other end of standard input is gone, however the parent ended."""
    while os.read(0, 1024):
        pass
    loop.call_soon_threadsafe(end)  # type: ignore[arg-type]


class Workers:
    """The workers of one server: processes of their own, started anew when they die."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._stopping = threading.Event()
        self._running: list[subprocess.Popen[bytes]] = []
        self._thread: threading.Thread | None = None

    def start(self) -> Self:
        """Start them and watch over them; returns at once."""
        if self._number:
            self._running = [_spawn() for _ in range(self._number)]
            self._thread = threading.Thread(target=self._watch, name="job-workers", daemon=True)
            self._thread.start()
        return self

    def stop(self) -> None:
        """Let them finish what they have in hand, and wait for that."""
        self._stopping.set()
        if self._thread is not None:
            self._thread.join()
        for one in self._running:
            _let_go(one)
        for one in self._running:
            try:
                one.wait(STOP_S + 5)
            except subprocess.TimeoutExpired:
                one.kill()
                one.wait()

    def _watch(self) -> None:
        pause = 1.0
        while not self._stopping.wait(pause):
            pause = 1.0
            for place, one in enumerate(self._running):
                if one.poll() is not None:
                    _log.error("job_worker_died", status=one.returncode)
                    pause = 5.0
                    _let_go(one)
                    try:
                        self._running[place] = _spawn()
                    except OSError as error:  # what ended it, memory say, is still short
                        _log.error("job_worker_not_started", reason=str(error))


def _spawn() -> subprocess.Popen[bytes]:
    # its standard input is a pipe that closes with this process, also when that is killed
    command = [sys.executable, "-m", "api.cli", "work", "--with-parent"]
    return subprocess.Popen(command, stdin=subprocess.PIPE)  # noqa: S603 - our own command


def _let_go(one: subprocess.Popen[bytes]) -> None:
    if one.stdin is not None:
        one.stdin.close()


def register(app: typer.Typer) -> None:
    """Add the command."""
    app.command("work")(work)
