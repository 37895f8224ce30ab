"""Who answers comes from memory where that is what the transaction would read, and only there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from typing import Any

import pytest
import sqlalchemy as sa

from gis import clock
from gis.errors import GovernanceError
from gis.governance.actors import SYSTEM
from gis.services import intake, lookup, roster
from gis.services.lookup import Boundaries
from gis.services.matching import Location, MatchRequest
from gis.services.roster import Rosters
from gis.store.events import intake_context
from gis.store.unit_of_work import Database, UnitOfWork
from tests.factories import COMMUNITY, SmallCity, add_upper_levels, small_city

CATEGORY = "event-exposed-rubbish"
RULING = (
    "insert into duty_rulings (area_code, category, ground, unit_code, person_id, reason, "
    "created_by, expires_at) select :area, :category, 'not-ours', unit_code, id, '终审', 'test', "
    "now() + interval '1 hour' from persons where code = 'B1'"
)
LAMP = (
    "insert into owned_assets (code, name, kind, owner_unit, categories, geometry) values "
    "(:code, '路灯', 'lamp', 'U3', :categories, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326))"
)


@pytest.fixture
def city(database: Database) -> SmallCity:
    city = small_city(database)
    with database.transaction(SYSTEM) as work:
        add_upper_levels(work)
    return city


def report(
    database: Database,
    boundaries: Boundaries,
    place: tuple[float, float],
    rosters: Rosters | None,
) -> dict[str, Any]:
    answer = intake.report_event(
        database,
        boundaries,
        SYSTEM,
        intake.Report(request=MatchRequest(Location(*place), category=CATEGORY, source="snap")),
        now=clock.now,
        auto_threshold=0.9,
        rosters=rosters,
    )
    assert answer.status == 201
    assert isinstance(answer.body, dict)
    return answer.body


def routed(event: dict[str, Any]) -> object:
    """What was decided, and why; not when, and not how much the person had in hand."""
    told = [
        (one["code"], one["text"], {k: v for k, v in one["facts"].items() if k != "open_orders"})
        for one in event["match"]["reasons"]
    ]
    orders = [(o["assignee"], o["unit"], o["level"], o["area"]) for o in event["work_orders"]]
    return event["routing"], event["grid"], orders, told


@contextmanager
def statements(database: Database) -> Iterator[list[str]]:
    """Every statement but those that begin and end a transaction, prepared ones too."""
    seen: list[str] = []
    prepared = UnitOfWork.prepared

    def note(*arguments: object) -> None:
        seen.append(str(arguments[2]))

    def note_prepared(work: UnitOfWork, statement: str, values: Mapping[str, Any]) -> object:
        seen.append(statement)
        return prepared(work, statement, values)

    sa.event.listen(database.engine, "before_cursor_execute", note)
    UnitOfWork.prepared = note_prepared  # type: ignore[method-assign,assignment]
    try:
        yield seen
    finally:
        UnitOfWork.prepared = prepared  # type: ignore[method-assign]
        sa.event.remove(database.engine, "before_cursor_execute", note)


def test_an_event_asks_for_no_team_that_is_in_memory(
    database: Database, city: SmallCity, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (lookup, roster):  # nobody refreshes here, and the machine may be slow
        monkeypatch.setattr(module, "OLDEST_S", 60.0)
    boundaries, rosters = Boundaries(database), Rosters(database)
    boundaries.refresh()
    rosters.refresh()
    with statements(database) as seen:
        event = report(database, boundaries, city.inside(1), rosters)
    assert event["work_orders"][0]["assignee"]["name"] == "网格员1"
    assert len(seen) == 4, seen  # the actor, the context, the record, what is near
    assert not any("from duties" in one.lower() for one in seen)


def test_memory_and_database_choose_alike_after_every_change(
    database: Database, city: SmallCity
) -> None:
    boundaries, rosters = Boundaries(database), Rosters(database)
    lon, lat = city.inside(1)
    grid = city.grids[0]
    changes: list[tuple[str, dict[str, Any]]] = [
        ("select 1", {}),
        (RULING, {"area": COMMUNITY, "category": None}),
        ("update duty_rulings set ended_at = now()", {}),
        (RULING, {"area": grid, "category": "event-other"}),
        (RULING, {"area": grid, "category": CATEGORY}),
        ("update duty_rulings set ended_at = now()", {}),
        (LAMP, {"code": "L1", "categories": [CATEGORY], "lon": lon + 1e-4, "lat": lat}),
        ("update owned_assets set reach_m = 5", {}),
        ("update owned_assets set reach_m = 10", {}),
        ("update owned_assets set categories = '{}'", {}),
        ("update duties set valid = tstzrange(lower(valid), now()) where role = 'grid_worker'", {}),
        ("update duties set valid = tstzrange(lower(valid), now()) where role = 'cadre'", {}),
        ("update owned_assets set retired_at = now()", {}),
    ]
    seen: list[object] = []
    for change, values in changes:
        with database.transaction(SYSTEM) as work:
            work.execute(sa.text(change), **values)
        asked = routed(report(database, boundaries, (lon, lat), None))
        late = routed(report(database, boundaries, (lon, lat), rosters))
        rosters.refresh()
        fresh = routed(report(database, boundaries, (lon, lat), rosters))
        assert late == asked, change
        assert fresh == asked, change
        seen.append(asked)
    worker, ruled, ruled_again, lamp, cadre, nobody = (seen[at] for at in (0, 1, 4, 6, 10, 12))
    assert seen == [
        worker, ruled, worker, worker, ruled_again, worker, lamp, worker, lamp, worker, cadre,
        lamp, nobody,
    ]  # fmt: skip
    assert len({repr(one) for one in seen}) == 6


def test_holidays_that_a_city_supplies_count_from_memory_too(
    database: Database, city: SmallCity
) -> None:
    boundaries, rosters = Boundaries(database), Rosters(database)
    before = rosters.refresh()
    with database.transaction(SYSTEM) as work:
        work.execute(
            sa.text(
                "insert into holiday_notices (year, days_off, source, imported_by) select "
                "extract(year from d)::int, array_agg(d::date), 'test', 'test' from "
                "generate_series(now(), now() + interval '200 days', '1 day') d "
                "group by 1"
            )
        )
    assert rosters.refresh() is not before
    told = report(database, boundaries, city.inside(1), rosters)["work_orders"]
    asked = report(database, boundaries, city.inside(1), None)["work_orders"]
    assert told[0]["due_at"][:10] == asked[0]["due_at"][:10]
    assert told[0]["due_at"][:4] != str(clock.now().year) or "200 days fit into this year"


def test_a_transaction_marks_the_roster_once(database: Database, city: SmallCity) -> None:
    rename = sa.text("update persons set name = name || '!' where code = 'P1'")

    def marks() -> int:
        with database.reading(SYSTEM) as work:
            return int(work.scalar(sa.text("select count(*) from roster_changes")))

    before = marks()
    with database.transaction(SYSTEM) as work:
        work.execute(rename)
        work.execute(rename)
    assert marks() == before + 1
    with database.transaction(SYSTEM) as work:
        with suppress(GovernanceError), work.savepoint():
            work.execute(rename)
            work.execute(sa.text("insert into units (code, name, kind) values ('U1', 'x', 'y')"))
        work.execute(rename)  # the mark of the savepoint is gone with it
    assert marks() == before + 2


def test_an_event_plans_nothing_anew_and_leaves_other_transactions_alone(
    database: Database, city: SmallCity
) -> None:
    how = sa.text("show plan_cache_mode")
    with database.transaction(SYSTEM) as work:
        assert work.scalar(how) == "auto"
        intake_context(work, "snap", None, CATEGORY)
        assert work.scalar(how) == "force_generic_plan"
    for _ in range(8):  # every connection of the pool
        with database.transaction(SYSTEM) as work:
            assert work.scalar(how) == "auto"
