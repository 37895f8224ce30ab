"""Servers as real processes, for tests that kill them and for the bench."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import httpx

from gis.cluster import Cluster

PATIENCE_S = 180


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def environment(home: Path, **settings: str) -> dict[str, str]:
    """The environment of a Gridward process with a home of its own."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("GRIDWARD_")}
    return {**kept, "GRIDWARD_HOME": str(home), "LANG": "C.UTF-8", **settings}


def gridward(home: Path, *arguments: str, timeout: float | None = 600, **settings: str) -> str:
    """Run one command to its end and return what it printed on standard output."""
    done = subprocess.run(
        [sys.executable, "-m", "api.cli", *arguments],
        env=environment(home, **settings),
        capture_output=True,
        text=True,
        timeout=timeout,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@contextmanager
def demo_home(home: Path, scale: float = 1.0) -> Iterator[None]:
    """A home with the demo city in a database that runs meanwhile and is gone afterwards."""
    home.mkdir(mode=0o755)
    with Cluster(home).lease():
        gridward(home, "db", "migrate")
        gridward(home, "demo", "load", "--scale", str(scale), timeout=None)
        yield
    Cluster(home).reset()


class Served:
    """A `gridward serve` process on a free port of the loopback."""

    def __init__(self, home: Path, **settings: str) -> None:
        self.home = home
        self.port = free_port()
        self.settings = settings
        self.process: subprocess.Popen[bytes] | None = None

    @property
    def base(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> None:
        with (self.home / "server.log").open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "api.cli", "serve"],
                env=environment(
                    self.home,
                    GRIDWARD_PORT=str(self.port),
                    GRIDWARD_LOG_LEVEL="warning",
                    **self.settings,
                ),
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + PATIENCE_S
        while True:
            assert self.process.poll() is None, (self.home / "server.log").read_text()
            assert time.monotonic() < deadline, "the server does not become ready"
            try:
                if httpx.get(f"{self.base}/readyz", timeout=5).status_code == 200:
                    return
            except httpx.TransportError:
                pass
            time.sleep(0.05)

    def kill(self) -> None:
        """kill -9: no handler of the process runs."""
        assert self.process is not None
        self.process.kill()
        self.process.wait()

    def stop(self, *numbers: signal.Signals) -> None:
        """End it in order, by a SIGTERM unless other signals are named."""
        if self.process is not None and self.process.poll() is None:
            for number in numbers or (signal.SIGTERM,):
                self.process.send_signal(number)
                time.sleep(0.1)
            self.process.wait(timeout=PATIENCE_S)


@contextmanager
def serving_process(home: Path, **settings: str) -> Iterator[Served]:
    server = Served(home, **settings)
    server.start()
    try:
        yield server
    finally:
        server.stop()
