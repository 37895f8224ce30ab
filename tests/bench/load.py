"""A small load generator: keep-alive HTTP/1.1 over raw asyncio, bounded in count, loopback only."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Measured:
    per_second: float
    median_ms: float
    p99_ms: float
    statuses: dict[int, int]


def request_bytes(
    method: str, path: str, *, body: bytes = b"", headers: dict[str, str] | None = None
) -> bytes:
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def run(port: int, make: Callable[[int], bytes], *, requests: int, clients: int) -> Measured:
    """Send `requests` requests from `clients` connections, each waiting for its answer."""
    return asyncio.run(_run(port, make, requests, clients))


async def _run(port: int, make: Callable[[int], bytes], requests: int, clients: int) -> Measured:
    numbers = iter(range(requests))
    seconds: list[float] = []
    statuses: dict[int, int] = {}

    async def client() -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        for number in numbers:
            begun = time.perf_counter()
            writer.write(make(number))
            head = await reader.readuntil(b"\r\n\r\n")
            length = 0
            for line in head.split(b"\r\n"):
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            if length:
                await reader.readexactly(length)
            seconds.append(time.perf_counter() - begun)
            status = int(head[9:12])
            statuses[status] = statuses.get(status, 0) + 1
        writer.close()

    begun = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(clients)))
    took = time.perf_counter() - begun
    times = np.array(seconds) * 1000
    return Measured(
        len(times) / took, float(np.median(times)), float(np.percentile(times, 99)), statuses
    )
