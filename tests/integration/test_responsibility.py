"""Who answers, asked as a report asks: dedicated grids, owners of assets, final rulings."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
import shapely
import sqlalchemy as sa

from gis import clock
from gis.governance.actors import SYSTEM, Actor
from gis.services import city_files, dispatch, intake, matching
from gis.services.dispatch import Command
from gis.services.lookup import Boundaries
from gis.services.match_request import Location, MatchRequest
from gis.services.roster import Roster
from gis.store import categories
from gis.store.unit_of_work import Database
from tests.factories import COMMUNITY, SmallCity, add_area, add_person, add_upper_levels, small_city

RUBBISH, ROAD = "event-exposed-rubbish", "event-dirty-road"
MARKET = f"{COMMUNITY}901"
CENTRE = Actor("token:d", "dispatcher")

Sent = Callable[..., dict[str, Any]]


@pytest.fixture
def city(database: Database) -> SmallCity:
    """The small city with a market hall, a dedicated grid for rubbish, over a part of grid 1."""
    made = small_city(database)
    lon, lat = made.inside(1)
    with database.transaction(SYSTEM) as work:
        add_upper_levels(work)
        hall = shapely.box(lon - 0.001, lat - 0.001, lon + 0.001, lat + 0.001)
        add_area(work, MARKET, "grid", hall, parent=COMMUNITY, kind="dedicated", name="南门市场")
        work.execute(
            sa.text("update area_versions set categories = :keys where area_code = :code"),
            keys=[RUBBISH],
            code=MARKET,
        )
        add_person(work, "市场专职丁", "grid_worker", MARKET, code="M1")
    return made


@pytest.fixture
def boundaries(database: Database) -> Boundaries:
    return Boundaries(database)


@pytest.fixture
def sent(database: Database, boundaries: Boundaries) -> Sent:
    """`sent(place, category)` -> the event, taken in now, with who got it."""

    def report(place: tuple[float, float], category: str | None) -> dict[str, Any]:
        request = MatchRequest(location=Location(*place), category=category, source="snap")
        answer = intake.report_event(
            database,
            boundaries,
            SYSTEM,
            intake.Report(request=request),
            now=clock.now,
            auto_threshold=0.95,
        )
        body: dict[str, Any] = answer.body
        return body

    return report


def who(event: dict[str, Any]) -> str:
    name: str = event["work_orders"][0]["assignee"]["name"]
    return name


def matched(
    database: Database, boundaries: Boundaries, place: tuple[float, float], category: str | None
) -> str | None:
    """Return the person that ``POST /v1/match`` names."""
    request = MatchRequest(location=Location(*place), category=category)
    answer = matching.answer(
        database, boundaries, SYSTEM, request, now=clock.now(), threshold=0.95, language="zh"
    )
    named: str | None = answer["responsible"] and answer["responsible"]["person"]["name"]
    told = [reason["code"] for reason in answer["reasons"]]
    assert ("owner-answers" in told or "final-ruling" in told) == (named == "城管队员丙"), told
    return named


def test_a_dedicated_grid_takes_its_own_categories_and_no_others(
    database: Database, boundaries: Boundaries, city: SmallCity, sent: Sent
) -> None:
    hall = city.inside(1)
    mine = sent(hall, RUBBISH)
    assert (mine["grid"], who(mine)) == (MARKET, "市场专职丁")
    assert [area["code"] for area in mine["match"]["path"]][-2:] == [COMMUNITY, MARKET]
    other = sent(hall, ROAD)
    assert (other["grid"], who(other)) == (city.grids[0], "网格员1")
    beside = (hall[0] + 0.003, hall[1])
    assert sent(beside, RUBBISH)["grid"] == city.grids[0]
    assert matched(database, boundaries, hall, RUBBISH) == "市场专职丁"
    assert matched(database, boundaries, hall, ROAD) == "网格员1"
    with database.transaction(SYSTEM) as work:
        work.execute(
            sa.text(
                "insert into absences (person_id, during) select id, "
                "tstzrange(now() - interval '1 day', now() + interval '1 day') from persons "
                "where code = 'M1'"
            )
        )
    assert who(sent(hall, RUBBISH)) == "社区干部甲", "nobody there: the community, never nobody"


def test_the_owner_of_a_lamp_or_a_road_section_comes_before_the_area(
    database: Database, boundaries: Boundaries, city: SmallCity, sent: Sent
) -> None:
    lon, lat = city.inside(2)
    with database.reading(SYSTEM) as work:
        lamp = next(one.key for one in categories.all_active(work) if "lamp" in one.key)
    rows = [
        {"row": 2, "code": "L1", "owner_unit": "U3", "categories": lamp, "reach_m": "20"},
        {"row": 3, "code": "R1", "owner_unit": "U3", "categories": ROAD, "kind": "road"},
    ]
    road = shapely.LineString([(lon - 0.002, lat + 0.001), (lon + 0.002, lat + 0.001)])
    before = _roster(database)
    city_files.import_owners(database, SYSTEM, rows, [shapely.Point(lon, lat), road])
    roster = _roster(database)
    assert roster.stamp != before.stamp, "a process with the roster in memory hears of it"
    at_lamp, on_road, away = (lon + 0.0001, lat), (lon, lat + 0.00105), (lon, lat - 0.003)
    for place, category, name in (
        (at_lamp, lamp, "城管队员丙"),
        (on_road, ROAD, "城管队员丙"),
        (at_lamp, ROAD, "网格员2"),
        (on_road, RUBBISH, "网格员2"),
        (away, lamp, "网格员2"),
        (away, ROAD, "网格员2"),
    ):
        assert who(sent(place, category)) == name, (place, category)
        assert matched(database, boundaries, place, category) == name
    with database.reading(SYSTEM) as work:
        snapshot = boundaries.snapshot(work)
        known = {key: categories.by_key(work, key) for key in (lamp, ROAD, RUBBISH)}
    path = {area.level: area.code for area in snapshot.path(city.grids[1])}
    now = clock.now()
    assert before.responsible(path, known[ROAD], now, place=on_road) is not None
    told = roster.responsible(path, known[ROAD], now, place=on_road)
    assert told is None, "memory cannot tell: ask"
    assert roster.responsible(path, known[ROAD], now, place=away) is not None
    assert roster.responsible(path, known[RUBBISH], now, place=on_road) is not None
    away_too = sent(city.inside(4), RUBBISH)
    assert who(away_too) == "社区干部甲"


def test_a_final_ruling_decides_at_once_and_teaches_matching(
    database: Database, boundaries: Boundaries, city: SmallCity, sent: Sent
) -> None:
    place, address = city.inside(2), "南门小区东侧配电房旁空地"
    event = sent(place, ROAD)
    code = event["work_orders"][0]["code"]
    before = _roster(database)

    def act(actor: Actor, action: str, **more: Any) -> None:  # noqa: ANN401 - what it takes
        dispatch.act_on_order(
            database, boundaries, actor, code, Command(action=action, **more),
            now=clock.now, auto_threshold=0.95,
        )  # fmt: skip

    with database.transaction(SYSTEM) as work:
        work.execute(
            sa.text("update events set address = :address where id = :id"),
            address=address,
            id=uuid.UUID(event["id"]),
        )
    act(Actor("token:w", "grid_worker", None, 2), "send_back", ground="属地不符")
    act(CENTRE, "escalate", note="各执一词")
    act(CENTRE, "rule", to={"grid": city.grids[2]}, note="归三网格")
    with database.reading(SYSTEM) as work:
        (learned,) = work.rows(sa.text("select * from corrections where undone_at is null"))
    assert (learned["matched_grid"], learned["confirmed_grid"]) == city.grids[1:3]
    assert learned["alias_key"]
    assert who(sent(place, ROAD)) == "网格员3", "the exception at the place"
    act(CENTRE, "transfer", to={"person": "P1"}, note="代管")
    # a ruling for a unit is a correction of duty: the team in memory asks for it
    other = sent(city.inside(1), ROAD)
    code = other["work_orders"][0]["code"]
    act(Actor("token:w", "grid_worker", None, 1), "send_back", ground="职能交叉")
    act(CENTRE, "escalate", note="请裁定")
    act(CENTRE, "rule", to={"unit": "U3"}, note="由城管局办理")
    assert who(sent(city.inside(1), ROAD)) == "城管队员丙"
    assert matched(database, boundaries, city.inside(1), ROAD) == "城管队员丙"
    roster = _roster(database)
    assert roster.stamp != before.stamp
    with database.reading(SYSTEM) as work:
        road = categories.by_key(work, ROAD)
        path = {one.level: one.code for one in boundaries.snapshot(work).path(city.grids[0])}
    assert roster.responsible(path, road, clock.now()) is None


def _roster(database: Database) -> Roster:
    with database.reading(SYSTEM) as work:
        return Roster.load(work)
