"""Siting as a job: asked over HTTP, run by a worker, told how far it is, ended on demand."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from api.app import create_app
from gis.cluster import Cluster
from gis.governance.actors import SYSTEM
from gis.services.access import issue_token
from gis.services.siting import SitingQuestion, site
from gis.settings import Settings
from gis.store.unit_of_work import Database
from tests.conftest import cloned, serving
from tests.integration.test_jobs import wait_for
from tests.processes import environment

LONG = {  # people reached twice in a city of its size: minutes to the end
    "times": 2,
    "k": 40,
    "radius_m": 700.0,
    "keep_existing": False,
    "seconds": 1800.0,
}


@contextmanager
def working(database: Database, home: Path) -> Iterator[None]:
    """Run `gridward work` beside it."""
    url = database.engine.url.render_as_string(hide_password=False)
    process = subprocess.Popen(
        [sys.executable, "-m", "api.cli", "work"],
        env=environment(home, GRIDWARD_DATABASE_URL=url, GRIDWARD_LOG_LEVEL="warning"),
    )
    try:
        yield
    finally:
        process.terminate()
        process.wait(60)


@pytest.fixture(scope="module")
def city(cluster: Cluster, demo_template: str) -> Iterator[Database]:
    """A demo city whose jobs are nobody else's."""
    with cloned(cluster, demo_template) as database:
        yield database


@pytest.fixture(scope="module")
def planner(
    city: Database, settings: Settings, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[httpx.Client]:
    """A planner's connection to a server beside which a worker runs."""
    home = tmp_path_factory.mktemp("worker")
    secret = issue_token(city, SYSTEM, role="planner", days=1, label="tests").secret
    headers = {"Authorization": f"Bearer {secret}"}
    with (
        working(city, Path(home)),
        serving(create_app(settings, city)) as base,
        httpx.Client(base_url=base, headers=headers, timeout=60) as client,
    ):
        yield client


def started(planner: httpx.Client, body: dict[str, Any]) -> str:
    answer = planner.post("/v1/siting", json={**body, "background": True})
    assert answer.status_code == 202, answer.text
    where = answer.headers["location"]
    assert where == answer.json()["job"]["url"]
    return str(where)


def test_a_worker_answers_what_the_request_would_have(
    city: Database, planner: httpx.Client
) -> None:
    asked = {"k": 4, "radius_m": 1500.0, "kinds": ["job_service"], "seed": 7}
    where = started(planner, asked)
    fair = {"equity_level": "grid", "equity_ratio": 1.0, "radius_m": 100.0, "k": 1}
    impossible = started(planner, fair)
    wait_for(lambda: planner.get(impossible).json()["finished_at"] is not None, 120)
    job = planner.get(where).json()  # of one worker's long jobs the first comes first
    assert (job["status"], job["progress"]) == ("succeeded", 1.0)
    here = site(city, SYSTEM, SitingQuestion(**asked))
    assert {**job["result"], "seconds": 0} == {**here, "seconds": 0}
    job = planner.get(impossible).json()
    assert (job["status"], job["problem"]["code"]) == ("failed", "no-plan")


def test_a_long_run_tells_how_far_it_is_and_ends_when_asked(planner: httpx.Client) -> None:
    where = started(planner, LONG)
    wait_for(lambda: planner.get(where).json()["progress"] > 0.0, 120)
    seen = planner.get(where).json()
    assert seen["status"] == "running"
    assert seen["message"]["en"] in {"searching", "bounding", "proving"}
    assert planner.delete(where).json()["cancel_asked"] is True
    wait_for(lambda: planner.get(where).json()["finished_at"] is not None, 120)
    ended = planner.get(where).json()
    assert (ended["status"], ended["result"]) == ("cancelled", None)


def test_a_job_that_waits_behind_a_long_one_ends_at_once(planner: httpx.Client) -> None:
    first, second = started(planner, LONG), started(planner, LONG)
    assert planner.delete(second).json()["status"] == "cancelled"
    planner.delete(first)
    wait_for(lambda: planner.get(first).json()["finished_at"] is not None, 120)
    assert planner.get(first).json()["status"] == "cancelled"
