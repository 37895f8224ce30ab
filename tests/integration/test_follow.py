"""At publication open work orders follow their place, with a logged reason."""

from __future__ import annotations

import json
import threading
from datetime import UTC, datetime, timedelta
from typing import Any

import geopandas as gpd
import pytest
import shapely
import sqlalchemy as sa

from gis.governance.actors import SYSTEM, Actor
from gis.services import exceptions, follow, jobs, worker
from gis.services.boundaries import import_areas, publish_draft
from gis.services.intake import Report, report_event
from gis.services.lookup import Boundaries
from gis.services.match_request import Location, MatchRequest
from gis.settings import Settings
from gis.store.unit_of_work import Database
from tests.factories import COMMUNITY, SIDE, SOUTH, WEST, SmallCity, small_city

PLANNER = Actor("token:7", "planner")


def now() -> datetime:
    return datetime.now(UTC)


@pytest.fixture
def city(database: Database) -> SmallCity:
    return small_city(database)


def report(database: Database, lon: float, lat: float, ref: str) -> str:
    """Take an event in at a place; return the code of its work order."""
    request = MatchRequest(Location(lon, lat, accuracy_m=5.0), source="snap")
    answer = report_event(
        database,
        Boundaries(database),
        SYSTEM,
        Report(request=request, source_ref=ref),
        now=now,
        auto_threshold=0.5,
    )
    return str(answer.body["work_orders"][0]["code"])


def redraw(database: Database, areas: dict[str, shapely.Geometry], *, publish: bool = True) -> Any:  # noqa: ANN401
    """Draft grids of the community with new shapes, and publish them."""
    frame = gpd.GeoDataFrame(
        {"code": list(areas), "name": [f"网格 {code[-3:]}" for code in areas]},
        geometry=list(areas.values()),
        crs=4326,
    )
    return import_areas(
        database,
        PLANNER,
        frame,
        level="grid",
        code="code",
        name="name",
        code_system="local",
        publish=publish,
        force_crs=True,
    )


def strip(first: float, last: float, row: int = 0) -> shapely.Geometry:
    """Columns from ``first`` to ``last`` (in sides) of a row of the city."""
    south = SOUTH + row * SIDE
    return shapely.box(WEST + first * SIDE, south, WEST + last * SIDE, south + SIDE)


def the_day_comes(database: Database, revision: int) -> None:
    """Move the day of a revision, and all that waits for it, from the future to now."""
    changes = {  # what ends that day before what begins: no two geometries of one area at a time
        "retired_revision": "area_versions set valid = tstzrange(lower(valid), :day)",
        "added_revision": "area_versions set valid = tstzrange(:day, upper(valid))",
        "revision": "boundary_revisions set effective_from = :day",
    }
    with database.transaction(SYSTEM) as work:
        ahead, day = work.rows(
            sa.text("select effective_from - clock_timestamp() as ahead, clock_timestamp() as day "
                    "from boundary_revisions where revision = :revision"), revision=revision,
        )[0].values()  # fmt: skip
        assert ahead > timedelta(hours=1)
        for column, change in changes.items():
            statement = sa.text(f"update {change} where {column} = :revision")
            assert work.execute(statement, day=day, revision=revision) > 0
        waiting = sa.text("update procrastinate_jobs set scheduled_at = scheduled_at - :ahead")
        assert work.execute(waiting, ahead=ahead) > 0


def order(database: Database, code: str) -> dict[str, Any]:
    with database.reading(SYSTEM) as work:
        row = work.row(
            sa.text(
                "select w.*, p.name, e.path_codes as event_path, e.grid_code, e.boundary_revision "
                "from work_orders w join persons p on p.id = w.assignee_id "
                "join events e on e.id = w.event_id where w.code = :code"
            ),
            code=code,
        )
        assert row is not None
        return dict(row)


def told(database: Database, code: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """The log entries and the messages about an order that followed its place."""
    with database.reading(SYSTEM) as work:
        entries = work.rows(
            sa.text(
                "select * from log_entries where work_order_code = :code "
                "and action = 'follow_boundary' order by id"
            ),
            code=code,
        )
        messages = work.rows(
            sa.text(
                "select * from outbox where topic = 'work_order.changed' and subject = :code "
                "order by id"
            ),
            code=code,
        )
    return [dict(row) for row in entries], [dict(row) for row in messages]


def test_an_order_goes_to_the_new_grids_worker_with_the_reason_in_the_log(
    database: Database, city: SmallCity
) -> None:
    one, two, *_ = city.grids
    moved = report(database, WEST + 0.9 * SIDE, SOUTH + 0.5 * SIDE, "m")
    kept = report(database, WEST + 0.1 * SIDE, SOUTH + 0.5 * SIDE, "k")
    before = {code: order(database, code) for code in (moved, kept)}
    assert before[moved]["name"] == "网格员1"
    assert redraw(database, {one: strip(0, 0.5), two: strip(0.5, 2)}).revision == 2
    after = order(database, moved)
    assert (after["name"], after["area_code"], after["version"]) == ("网格员2", two, 2)
    assert after["path_codes"][-1] == two
    assert (after["due_at"], after["status"]) == (before[moved]["due_at"], before[moved]["status"])
    # the event keeps the revision and grid that it was matched with, and is seen from both
    assert (after["grid_code"], after["boundary_revision"]) == (one, 1)
    assert {one, two} <= set(after["event_path"])
    assert order(database, kept) == before[kept]
    (entry,), (message,) = told(database, moved)
    assert (entry["actor_id"], entry["boundary_revision"]) == ("token:7", 2)
    assert (entry["before"]["assignee"], entry["after"]["assignee"]) == ("网格员1", "网格员2")
    assert (entry["before"]["grid"], entry["after"]["grid"]) == (one, two)
    assert one in entry["note"]
    assert two in entry["note"]
    assert "stays" not in entry["after"]["reason"]["text_en"]
    assert message["body"]["version"] == 2
    assert message["body"]["code"] == moved
    assert {one, two} <= set(message["path_codes"])
    assert told(database, kept) == ([], [])


def test_where_nobody_is_on_duty_it_stays_and_the_log_says_why(
    database: Database, city: SmallCity
) -> None:
    three, four = city.grids[2:]
    code = report(database, WEST + 0.9 * SIDE, SOUTH + 1.5 * SIDE, "n")
    redraw(database, {three: strip(0, 0.5, 1), four: strip(0.5, 2, 1)})
    after = order(database, code)
    assert (after["name"], after["area_code"], after["version"]) == ("网格员3", three, 2)
    assert after["path_codes"][-1] == four
    (entry,), (message,) = told(database, code)
    assert entry["after"]["reason"]["code"] == "follows-boundary-nobody"
    assert "仍由网格员3办理" in entry["note"]
    assert message["body"]["after"]["assignee"] == "网格员3"


def test_ground_without_a_grid_keeps_the_person_too(database: Database, city: SmallCity) -> None:
    one, two = city.grids[:2]
    code = report(database, WEST + 0.9 * SIDE, SOUTH + 0.5 * SIDE, "g")
    redraw(database, {one: strip(0, 0.5), two: strip(1, 2)})
    after = order(database, code)
    assert (after["name"], after["path_codes"][-1]) == ("网格员1", COMMUNITY)
    assert told(database, code)[0][0]["after"]["grid"] == COMMUNITY


def test_closed_orders_and_unchanged_ground_stay_untouched(
    database: Database, city: SmallCity
) -> None:
    one, two, three, _ = city.grids
    closed = report(database, WEST + 0.9 * SIDE, SOUTH + 0.5 * SIDE, "c")
    far = report(database, WEST + 0.5 * SIDE, SOUTH + 1.5 * SIDE, "f")
    with database.transaction(SYSTEM) as work:
        work.execute(
            sa.text("update work_orders set closed_at = now() where code = :code"), code=closed
        )
    before = [order(database, code) for code in (closed, far)]
    redraw(database, {one: strip(0, 0.5), two: strip(0.5, 2)})
    assert [order(database, code) for code in (closed, far)] == before
    # a name alone moves nobody
    redraw(database, {three: strip(0, 1, 1)})
    assert order(database, far) == before[1]


def test_a_revision_of_a_later_day_moves_nothing_yet(database: Database, city: SmallCity) -> None:
    one, two = city.grids[:2]
    code = report(database, WEST + 0.9 * SIDE, SOUTH + 0.5 * SIDE, "l")
    draft = redraw(database, {one: strip(0, 0.5), two: strip(0.5, 2)}, publish=False).draft_id
    publish_draft(database, PLANNER, draft, valid_from=now() + timedelta(days=3))
    assert order(database, code)["version"] == 1
    assert told(database, code) == ([], [])


def test_on_its_day_they_follow_once_whoever_looks(database: Database, city: SmallCity) -> None:
    one, two = city.grids[:2]
    code = report(database, WEST + 0.9 * SIDE, SOUTH + 0.5 * SIDE, "l")
    draft = redraw(database, {one: strip(0, 0.5), two: strip(0.5, 2)}, publish=False).draft_id
    publish_draft(database, PLANNER, draft, valid_from=now() + timedelta(days=1))
    assert follow.follow_due(database) == []
    settings = Settings(log_level="warning")
    worker.drain(database, settings)  # the job waits for its instant
    assert order(database, code)["version"] == 1
    the_day_comes(database, 2)
    found: list[list[int]] = []
    lookers = [
        threading.Thread(target=lambda: found.append(follow.follow_due(database))) for _ in range(4)
    ]
    for looker in lookers:
        looker.start()
    for looker in lookers:
        looker.join()
    assert sorted(found) == [[], [], [], [2]]
    worker.drain(database, settings)
    after = order(database, code)
    assert (after["name"], after["area_code"], after["version"]) == ("网格员2", two, 2)
    (entry,), (_,) = told(database, code)
    assert (entry["actor_id"], entry["boundary_revision"]) == (SYSTEM.id, 2)


def test_the_queue_lets_them_follow_on_the_day(database: Database, city: SmallCity) -> None:
    one, two = city.grids[:2]
    code = report(database, WEST + 0.9 * SIDE, SOUTH + 0.5 * SIDE, "q")
    draft = redraw(database, {one: strip(0, 0.5), two: strip(0.5, 2)}, publish=False).draft_id
    publish_draft(database, PLANNER, draft, valid_from=now() + timedelta(days=1))
    settings = Settings(log_level="warning")
    worker.drain(database, settings)  # the job waits for its instant
    assert order(database, code)["version"] == 1
    the_day_comes(database, 2)
    worker.drain(database, settings)
    assert order(database, code)["name"] == "网格员2"
    assert len(told(database, code)[0]) == 1


def test_an_order_that_was_being_written_follows_a_little_later(
    database: Database, city: SmallCity
) -> None:
    one, two = city.grids[:2]
    redraw(database, {one: strip(0, 0.5), two: strip(0.5, 2)})
    code = report(database, WEST + 0.3 * SIDE, SOUTH + 0.5 * SIDE, "w")
    with database.transaction(SYSTEM) as work:  # as if matched before the line moved
        work.execute(
            sa.text("update events set boundary_revision = 1, geometry = ST_SetSRID("
                    "ST_MakePoint(:lon, :lat), 4326)"),
            lon=WEST + 0.9 * SIDE, lat=SOUTH + 0.5 * SIDE,
        )  # fmt: skip
    assert follow.follow_due(database) == []
    context = jobs.Context(database, Boundaries(database), Settings(log_level="warning"))
    for _ in range(2):
        follow.follow_on_the_day(context, revision=2)
    assert (order(database, code)["name"], order(database, code)["version"]) == ("网格员2", 2)


def test_where_an_exception_decides_the_line_moves_nobody(
    database: Database, city: SmallCity
) -> None:
    one, two, three, _ = city.grids
    exceptions.add(
        database, SYSTEM, geometry=json.loads(shapely.to_geojson(strip(0.8, 1))), area=three,
        unit=None, category=None, reason="路口归三网格", expires_at=now() + timedelta(days=1),
    )  # fmt: skip
    code = report(database, WEST + 0.9 * SIDE, SOUTH + 0.5 * SIDE, "x")
    before = order(database, code)
    assert before["name"] == "网格员3"
    redraw(database, {one: strip(0, 0.5), two: strip(0.5, 2)})
    assert order(database, code) == before


def test_an_order_that_stands_with_the_community_stays_there(
    database: Database, city: SmallCity
) -> None:
    one, two = city.grids[:2]
    code = report(database, WEST + 0.9 * SIDE, SOUTH + 0.5 * SIDE, "e")
    with database.transaction(SYSTEM) as work:
        work.execute(
            sa.text("update work_orders set level = 'community', area_code = :area"), area=COMMUNITY
        )
    before = order(database, code)
    redraw(database, {one: strip(0, 0.5), two: strip(0.5, 2)})
    assert order(database, code) == before


def test_many_orders_follow_in_as_many_statements_as_few(
    database: Database, city: SmallCity
) -> None:
    one, two = city.grids[:2]
    statements: list[str] = []
    sa.event.listen(
        database.engine, "before_cursor_execute",
        lambda *words: statements.append(str(words[2])),
    )  # fmt: skip

    def moved(line: float, first: int, last: int) -> int:
        for number in range(first, last):
            report(database, WEST + 0.9 * SIDE, SOUTH + 0.5 * SIDE, f"n{number}")
        statements.clear()
        redraw(database, {one: strip(0, line), two: strip(line, 2)})
        return len(statements)

    few = moved(0.5, 0, 2)
    assert moved(1.5, 2, 30) == few
    for number in (0, 29):
        with database.reading(SYSTEM) as work:
            code = work.scalar(
                sa.text("select w.code from work_orders w join event_registry r "
                        "on r.id = w.event_id where r.source_ref = :ref"), ref=f"n{number}",
            )  # fmt: skip
        assert order(database, code)["area_code"] == one


def test_in_the_demo_city_every_open_order_ends_with_who_answers_for_its_place(
    own_demo_city: Database,
) -> None:
    database = own_demo_city
    with database.reading(SYSTEM) as work:
        rows = work.rows(
            sa.text(
                "select v.area_code, v.parent_code, ST_AsBinary(v.geometry) as wkb, count(*) as n "
                "from area_versions v join events e on ST_Covers(v.geometry, e.geometry) "
                "join work_orders w on w.event_id = e.id and w.closed_at is null "
                "where v.level = 'grid' and v.kind = 'general' "
                "group by 1, 2, 3 order by n desc, 1 limit 1"
            )
        )
        busiest = rows[0]
        sister = work.row(
            sa.text(
                "select area_code, name, ST_AsBinary(geometry) as wkb from area_versions "
                "where parent_code = :parent and area_code <> :code and level = 'grid' "
                "and kind = 'general' and ST_Touches(geometry, ST_GeomFromWKB(:wkb, 4326)) "
                "order by 1 limit 1"
            ),
            parent=busiest["parent_code"],
            code=busiest["area_code"],
            wkb=bytes(busiest["wkb"]),
        )
    assert sister is not None
    whole = shapely.from_wkb(bytes(busiest["wkb"]))
    west, south, east, north = whole.bounds
    tiny = shapely.box(west, south, west + (east - west) * 0.02, north)
    left = whole.intersection(tiny)
    grown = shapely.union(shapely.from_wkb(bytes(sister["wkb"])), whole.difference(tiny))
    areas = {busiest["area_code"]: left, sister["area_code"]: grown}
    assert redraw(database, areas).outcome == "published"
    with database.reading(SYSTEM) as work:
        followed = work.rows(
            sa.text(
                "select w.assignee_id, w.path_codes, l.after from work_orders w "
                "join log_entries l on l.work_order_code = w.code "
                "where l.action = 'follow_boundary'"
            )
        )
    assert len(followed) >= 1
    for row in followed:
        assert row["assignee_id"] == row["after"]["assignee_id"]
        assert row["path_codes"][-1] == sister["area_code"]
