"""A small load generator: keep-alive HTTP/1.1 over plain sockets, bounded in count, loopback only.

Requests are made before the clock starts and answers are read by as few steps as will do, so that
the server is what is measured: about 12 microseconds of the generator's own per request.
"""

from __future__ import annotations

import os
import selectors
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length:"
_UNTIL_LAST_CHUNK = 1 << 60
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Measured:
    """One run: ``cpu_us`` are microseconds of the server's processor time per request."""

    per_second: float
    median_ms: float
    p99_ms: float
    statuses: dict[int, int]
    cpu_us: float = float("nan")


@dataclass
class _Client:
    """A connection that waits for one answer at a time."""

    line: socket.socket
    begun: float = 0.0
    whole: int | None = None
    got: bytearray = field(default_factory=bytearray)

    def read(self) -> int | None:
        """Take in what has come; return the status once the answer is whole."""
        some = self.line.recv(262_144)
        assert some, "the server closed a connection"
        self.got += some
        if self.whole is None:
            head = self.got.find(_HEAD_END)
            if head < 0:
                return None
            said = self.got[:head].lower()
            at = said.find(_LENGTH)
            length = 0
            if at >= 0:
                length = int(said[at + len(_LENGTH) :].partition(b"\r")[0])
            elif b"transfer-encoding: chunked" in said:
                length = _UNTIL_LAST_CHUNK
            self.whole = head + len(_HEAD_END) + length
        if self.whole >= _UNTIL_LAST_CHUNK:
            if not self.got.endswith(b"\r\n0\r\n\r\n"):
                return None
        elif len(self.got) < self.whole:
            return None
        else:
            assert len(self.got) == self.whole, "more came than was asked for"
        status = int(self.got[9:12])
        self.got.clear()
        self.whole = None
        return status


def until_quiet(pid: int, *, patience_s: float = 120.0) -> None:
    """Wait until a process has nothing to do: what it makes ready in the background is ready."""
    deadline, idle = time.monotonic() + patience_s, 0
    while idle < 3 and time.monotonic() < deadline:
        before = cpu_seconds(pid)
        time.sleep(0.5)
        idle = idle + 1 if cpu_seconds(pid) - before <= 0.03 else 0


def request_bytes(
    method: str, path: str, *, body: bytes = b"", headers: dict[str, str] | None = None
) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode() + _HEAD_END + body


def run(
    port: int,
    make: Callable[[int], bytes],
    *,
    requests: int,
    clients: int,
    pid: int | None = None,
) -> Measured:
    """Send `requests` requests from `clients` connections, each waiting for its answer.

    With `pid`, the processor time of that process is told as well.
    """
    waiting = iter([make(number) for number in range(requests)])
    seconds: list[float] = []
    statuses: dict[int, int] = {}
    with selectors.DefaultSelector() as ready:
        for _ in range(min(clients, requests)):
            line = socket.create_connection(("127.0.0.1", port), timeout=60)
            line.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            ready.register(line, selectors.EVENT_READ, _Client(line))
        used = 0.0 if pid is None else cpu_seconds(pid)
        begun = time.perf_counter()
        for key in ready.get_map().values():
            _send(key.data, next(waiting))
        while len(seconds) < requests:
            for key, _ in ready.select():
                client = key.data
                status = client.read()
                if status is None:
                    continue
                seconds.append(time.perf_counter() - client.begun)
                statuses[status] = statuses.get(status, 0) + 1
                following = next(waiting, None)
                if following is not None:
                    _send(client, following)
        took = time.perf_counter() - begun
        used = float("nan") if pid is None else cpu_seconds(pid) - used
        for key in ready.get_map().values():
            key.data.line.close()
    times = np.array(seconds) * 1000
    return Measured(
        requests / took,
        float(np.median(times)),
        float(np.percentile(times, 99)),
        statuses,
        1e6 * used / requests,
    )


def _send(client: _Client, request: bytes) -> None:
    client.begun = time.perf_counter()
    client.line.sendall(request)


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used so far, all its threads together."""
    fields = Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS
