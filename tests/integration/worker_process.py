"""A worker as a process of its own, with tasks of the tests: started, and killed, by them."""

from __future__ import annotations

import sys
import time
from dataclasses import replace
from datetime import timedelta
from importlib import import_module
from pathlib import Path

from gis.governance.actors import SYSTEM
from gis.services import jobs, worker
from gis.services.jobs import Context
from gis.settings import Settings
from gis.store.unit_of_work import Database

jobs.STALE_AFTER_S = 1.5  # type: ignore[misc]
worker.HEARTBEAT_S = 0.3  # type: ignore[misc]
worker.POLL_S = 0.2  # type: ignore[misc]
jobs.TASK_MODULES = ("gis.services.jobs", "gis.services.clock_work")  # type: ignore[misc]
"""What these workers need: they start often."""


@jobs.task("test-slow", queue="long")
def slow(context: Context, *, flag: str, seconds: float) -> dict[str, int]:
    """Say that it runs, take its time, then say what it is worth."""
    with Path(flag).open("a", encoding="utf-8") as runs:
        runs.write("run\n")
    for step in range(10):
        time.sleep(seconds / 10)
        context.progress(step / 10, "计算中", "working")
    return {"attempt": context.attempt}


@jobs.task("test-count")
def count(context: Context, *, name: str) -> None:
    """Count once: the effect looks for its own trace first, in one transaction."""
    import sqlalchemy as sa

    with context.database.transaction(SYSTEM) as work:
        work.execute(
            sa.text("insert into effects (name) values (:name) on conflict do nothing"), name=name
        )
        work.execute(sa.text("insert into runs (name) values (:name)"), name=name)


if __name__ == "__main__":
    import_module("gis.services.clock_work")
    ticking = jobs.TASKS["tick-clocks"]
    jobs.TASKS["tick-clocks"] = replace(ticking, every=timedelta(seconds=1))
    database = Database(sys.argv[1])
    worker.run_worker(database, Settings(home=Path(sys.argv[2])))
