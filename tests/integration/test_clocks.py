"""Clocks that act: each warning, each level, each reminder once, however many workers there are."""

from __future__ import annotations

import random
import subprocess
import sys
import threading
import time
import uuid
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from gis.errors import AreaUnknown
from gis.governance.actors import SYSTEM, Actor
from gis.governance.calendar import SHANGHAI
from gis.governance.working_days import HolidayNotice
from gis.services import case_view, city_time, clock_work, dispatch, intake
from gis.services.case_file import CaseFile
from gis.services.dispatch import Command
from gis.services.lookup import Boundaries
from gis.services.match_request import Location, MatchRequest
from gis.store.unit_of_work import Database
from tests.factories import SmallCity, add_upper_levels, small_city

MONDAY = datetime(2026, 11, 23, 9, 0, tzinfo=SHANGHAI)
WORKER = Actor("token:w1", "grid_worker", None, 1)
CENTRE = Actor("token:d1", "dispatcher")


@pytest.fixture
def city(database: Database) -> SmallCity:
    made = small_city(database)
    with database.transaction(SYSTEM) as work:
        add_upper_levels(work)
    return made


@pytest.fixture
def boundaries(database: Database) -> Boundaries:
    return Boundaries(database)


def reported(
    database: Database,
    boundaries: Boundaries,
    place: tuple[float, float],
    at: datetime,
    category: str | None = "event-exposed-rubbish",
) -> dict[str, Any]:
    request = MatchRequest(location=Location(*place), category=category, source="snap")
    answer = intake.report_event(
        database,
        boundaries,
        SYSTEM,
        intake.Report(request=request),
        now=lambda: at,
        auto_threshold=0.95,
    )
    body: dict[str, Any] = answer.body
    return body


def act(  # noqa: PLR0917 - as a test reads
    database: Database, boundaries: Boundaries, actor: Actor, code: str, at: datetime, action: str,
    **more: Any,  # noqa: ANN401 - whatever the action takes
) -> dict[str, Any]:  # fmt: skip
    answer = dispatch.act_on_order(
        database,
        boundaries,
        actor,
        code,
        Command(action=action, **more),
        now=lambda: at,
        auto_threshold=0.95,
    )
    body: dict[str, Any] = answer.body
    return body


def entries(database: Database, event: str) -> list[str]:
    with database.reading(SYSTEM) as work:
        rows = work.rows(
            sa.text(
                "select action || coalesce(':' || (after ->> 'stage'), '') as told from "
                "log_entries where event_id = :event order by id"
            ),
            event=uuid.UUID(event),
        )
    return [row["told"] for row in rows]


def test_an_order_nobody_signs_for_climbs_level_by_level(
    database: Database, boundaries: Boundaries, city: SmallCity
) -> None:
    event = reported(database, boundaries, city.inside(1), MONDAY)
    code = event["work_orders"][0]["code"]

    def tick(hours: float) -> list[str]:
        before = len(entries(database, event["id"]))
        clock_work.tick(database, boundaries, lambda: MONDAY + timedelta(hours=hours))
        assert clock_work.tick(database, boundaries, lambda: MONDAY + timedelta(hours=hours)) == 0
        return entries(database, event["id"])[before:]

    assert tick(1.0) == []
    assert tick(1.2) == ["warn:accept"]
    assert tick(1.6) == ["overdue:accept", "escalate_overdue"]
    with database.reading(SYSTEM) as work:
        order = case_view.order(work, code, MONDAY)
    assert (order["level"], order["assignee"]["name"]) == ("community", "社区干部甲")
    assert datetime.fromisoformat(order["due_at"]) == MONDAY + timedelta(hours=6), "it stays"
    assert tick(5.5) == ["escalate_overdue", "warn:handle"]
    assert tick(9) == ["supervise", "overdue:handle"]
    assert tick(24 * 30) == [], "it is under supervision already"


def test_a_stopped_worker_finds_everything_once(
    database: Database, boundaries: Boundaries, city: SmallCity
) -> None:
    event = reported(database, boundaries, city.inside(1), MONDAY)
    code = event["work_orders"][0]["code"]
    act(database, boundaries, WORKER, code, MONDAY + timedelta(minutes=5), "accept")
    late = MONDAY + timedelta(days=3)
    assert clock_work.tick(database, boundaries, lambda: late) > 0
    told = Counter(entries(database, event["id"]))
    assert told["overdue:handle"] == 1
    assert told["warn:handle"] == 0, "a warning after the end warns of nothing"
    assert told["escalate_overdue"] == 2
    assert told["supervise"] == 1
    # the computer's clock is set back: what happened is not done again, and nothing breaks
    assert clock_work.tick(database, boundaries, lambda: MONDAY) == 0
    act(database, boundaries, CENTRE, code, MONDAY, "supervise", note="再催")
    assert clock_work.tick(database, boundaries, lambda: late) == 0


def test_suspension_and_follow_up_are_reminded_of_once(
    database: Database, boundaries: Boundaries, city: SmallCity
) -> None:
    event = reported(database, boundaries, city.inside(1), MONDAY)
    code, at = event["work_orders"][0]["code"], MONDAY + timedelta(minutes=5)

    def do(actor: Actor, action: str, **more: Any) -> None:  # noqa: ANN401
        act(database, boundaries, actor, code, at, action, **more)

    do(WORKER, "accept")
    do(CENTRE, "suspend", note="待材料", until=MONDAY + timedelta(days=10))
    for days in (9, 11, 12):
        clock_work.tick(database, boundaries, lambda days=days: MONDAY + timedelta(days=days))
    assert Counter(entries(database, event["id"]))["remind:suspension"] == 1
    at = MONDAY + timedelta(days=12)
    do(WORKER, "resume")
    do(WORKER, "resolve", note="已办")
    do(CENTRE, "verify")
    do(CENTRE, "close")
    for days in (13, 25, 26):
        clock_work.tick(database, boundaries, lambda days=days: MONDAY + timedelta(days=days))
    told = Counter(entries(database, event["id"]))
    assert told["remind:follow_up"] == 1
    assert told["overdue:handle"] == 0, "the clock stood still meanwhile"


def test_two_workers_that_tick_at_once_fire_once(
    database: Database, boundaries: Boundaries, city: SmallCity
) -> None:
    events = [reported(database, boundaries, city.inside(1), MONDAY) for _ in range(12)]
    later = MONDAY + timedelta(hours=1.6)
    ticks = [
        threading.Thread(target=clock_work.tick, args=(database, boundaries, lambda: later))
        for _ in range(4)
    ]
    for one in ticks:
        one.start()
    for one in ticks:
        one.join()
    clock_work.tick(database, boundaries, lambda: later)
    for event in events:
        assert Counter(entries(database, event["id"])) == Counter(
            ["report", "dispatch", "overdue:accept", "escalate_overdue"]
        )


@contextmanager
def two_workers(database: Database, home: Path) -> Iterator[None]:
    url = database.engine.url.render_as_string(hide_password=False)
    script = Path(__file__).with_name("worker_process.py")
    running = [subprocess.Popen([sys.executable, script, url, home]) for _ in range(2)]
    try:
        yield
    finally:
        for one in running:
            one.kill()
            one.wait()


def wait_for(true: Callable[[], bool], seconds: float = 150) -> None:
    until = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < until, "it did not come to pass in time"
        time.sleep(0.05)


def test_a_case_that_cannot_go_on_holds_up_no_other(
    database: Database, boundaries: Boundaries, city: SmallCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    faults: dict[str, Exception] = {}
    for number, fault in enumerate((AreaUnknown(code="341102"), KeyError("a bug"))):
        early = MONDAY - timedelta(hours=2 - number)
        faults[reported(database, boundaries, city.inside(1), early)["id"]] = fault
    well = reported(database, boundaries, city.inside(2), MONDAY)
    before, levels_above = len(entries(database, well["id"])), clock_work._levels_above

    def levels_above_or_fault(case: CaseFile) -> list[str]:
        fault = faults.get(str(case.event["id"]))
        if fault is not None:
            raise fault
        return levels_above(case)

    monkeypatch.setattr(clock_work, "_levels_above", levels_above_or_fault)
    monkeypatch.setattr(clock_work, "BATCH", 1)  # the two are due for longest
    assert clock_work.tick(database, boundaries, lambda: MONDAY + timedelta(days=2)) > 0
    assert len(entries(database, well["id"])) > before
    for one in faults:
        assert not any(told.startswith("overdue") for told in entries(database, one))
    faults.clear()
    assert clock_work.tick(database, boundaries, lambda: MONDAY + timedelta(days=2)) > 0


def test_every_clock_fires_once_under_workers_that_are_killed(
    database: Database, boundaries: Boundaries, city: SmallCity, tmp_path: Path
) -> None:
    long_ago = datetime(2026, 11, 2, 9, 0, tzinfo=SHANGHAI)
    events = [reported(database, boundaries, city.inside(n % 3 + 1), long_ago) for n in range(40)]

    def left() -> int:
        with database.reading(SYSTEM) as work:
            return int(
                work.scalar(
                    sa.text(
                        "select count(distinct event_id) from clocks where next_at < now() "
                        "and stopped_at is null"
                    )
                )
            )

    assert left() == 40
    with two_workers(database, tmp_path):
        wait_for(lambda: left() < 36)  # both are killed in the middle of it
    with two_workers(database, tmp_path):
        wait_for(lambda: left() == 0)
    for event in events:
        told = Counter(entries(database, event["id"]))
        assert told == Counter(
            {
                "report": 1, "dispatch": 1, "overdue:accept": 1, "overdue:handle": 1,
                "escalate_overdue": 2, "supervise": 1,
            }
        )  # fmt: skip


def test_a_calendar_that_comes_later_gives_the_limits_that_were_missing(
    database: Database, boundaries: Boundaries, city: SmallCity
) -> None:
    december = datetime(2026, 12, 28, 9, 0, tzinfo=SHANGHAI)
    event = reported(database, boundaries, city.inside(1), december, "event-illegal-building")
    (order,) = event["work_orders"]
    assert order["due_at"] is None
    assert event["match"]["reasons"][-1]["code"] == "calendar-missing"
    day = datetime(2027, 1, 1, tzinfo=SHANGHAI).date()
    notice = HolidayNotice(frozenset({day}))
    with database.transaction(SYSTEM) as work:
        assert city_time.missing_years(city_time.ruler_of(work).calendar, december) == [2027]
        assert city_time.put_notices(work, {2027: notice}, "tests") == 1
    with database.reading(SYSTEM) as work:
        order = case_view.order(work, order["code"], december)
    # 20 working days after Monday 28 December: the 25th of January, since 1 January is off
    assert order["due_at"] == "2027-01-26T09:30:00+00:00"
    assert all(clock["due_at"] for clock in order["clocks"])


def test_a_random_walk_keeps_every_promise(
    database: Database, boundaries: Boundaries, city: SmallCity
) -> None:
    from tests.integration.walk import check, walk

    seen = walk(database, boundaries, city, random.Random(7), steps=250)  # noqa: S311
    check(database)
    assert seen["done"] > 60
    assert seen["refused"] > 60
