"""One measured piece of work in a process of its own: value, bound, time, memory."""

from __future__ import annotations

import hashlib
import math
import multiprocessing
import resource
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
import numpy.typing as npt
from rich.console import Console
from rich.table import Table

console = Console(width=150) if not Console().is_terminal else Console()

Result = TypeVar("Result")
LIMIT_S: Final = 120
"""What a peer's solver is given; its answer of then counts."""


@dataclass(frozen=True)
class Figures:
    """What one run came to.

    Attributes
    ----------
    value, bound
        The objective, and what no plan beats; nan where there is none.
    cpu_s, wall_s, peak_mb
        Of the work alone (CPU with children); the memory is the process's peak, imports included.
    answer
        What two answers must have alike to be equal: a digest, or a table.
    """

    value: float
    bound: float
    cpu_s: float
    wall_s: float
    peak_mb: float
    answer: Any = None


def measured(work: Callable[[], tuple[float, float, Any]], *, times: int = 1) -> Figures:
    """Do some work that returns value, bound and answer, and say what it took.

    What takes milliseconds is done several ``times`` after a first one; the figures are the mean.
    """
    if times > 1:
        work()
    before, wall = cpu_s(), time.perf_counter()
    for _ in range(times):
        value, bound, answer = work()
    wall = (time.perf_counter() - wall) / times
    spent = (cpu_s() - before) / times
    status = Path("/proc/self/status").read_text("utf-8")
    peak = int(status.split("VmHWM:")[1].split()[0]) / 1024  # ru_maxrss remembers the parent
    return Figures(value, bound, spent, wall, peak, answer)


def cpu_s() -> float:
    """Return the CPU seconds of this process and of its children that ended."""
    own, children = (
        resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    )
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def apart(task: Callable[..., Result], *arguments: Any, **options: Any) -> Result:  # noqa: ANN401
    """Run a task in a fresh process, so that its memory is its own."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(task, arguments, options)


def digest(*arrays: npt.NDArray[Any]) -> str:
    """Return what tells two sets of numbers apart."""
    found = hashlib.sha256()
    for array in arrays:
        found.update(np.ascontiguousarray(array, dtype=np.int64).tobytes())
    return found.hexdigest()


class Comparison:
    """One table: of each problem our row first, then each peer's with its times of ours."""

    def __init__(self, title: str) -> None:
        self.table = Table(title=title)
        for name in ("problem", "who", "value", "gap %", "CPU s", "wall s", "MB", "times", ""):
            self.table.add_column(name, justify="left" if name in {"problem", ""} else "right")
        self.ours: Figures | None = None

    def row(
        self, problem: str, who: str, found: Figures, note: str = "", *, digits: int = 0
    ) -> None:
        """Add a row; the first of a problem is what the others are compared with."""
        times = ""
        if problem or self.ours is None:
            self.ours = found
        else:
            times = f"{found.cpu_s / max(self.ours.cpu_s, 1e-3):,.0f}x"
        known = math.isfinite(found.bound)
        gap = abs(found.bound - found.value) / max(abs(found.value), 1e-9) * 100 if known else 0.0
        self.table.add_row(
            problem,
            who,
            "" if math.isnan(found.value) else f"{found.value:,.{digits}f}",
            f"{gap:.2f}" if known else "",
            f"{found.cpu_s:.3f}" if found.cpu_s < 1 else f"{found.cpu_s:.1f}",
            f"{found.wall_s:.3f}" if found.wall_s < 1 else f"{found.wall_s:.1f}",
            f"{found.peak_mb:.0f}",
            times,
            note,
        )

    def show(self) -> None:
        """Print what there is."""
        console.print(self.table)
