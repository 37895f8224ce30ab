"""Community matters and proposals: six steps by the same engine, and their conversion by area."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import date, datetime, timedelta
from itertools import product
from typing import Any

import pytest
import sqlalchemy as sa
from fastapi.testclient import TestClient

from api.app import create_app
from gis import clock
from gis.errors import (
    ActionNotAllowed,
    ActionNotYours,
    DeliberationUnknown,
    FieldMissing,
    OutsideScope,
    PlaceMissing,
    VersionStale,
)
from gis.governance.actors import SYSTEM, Actor
from gis.governance.calendar import SHANGHAI
from gis.governance.deliberation import ACTIONS, LIFE, RELATIONS, STATES, TRANSITIONS
from gis.governance.working_days import HolidayNotice
from gis.services import city_time, deliberation_clock
from gis.services import deliberation as service
from gis.services.access import issue_token
from gis.services.lookup import Boundaries
from gis.services.match_request import Location
from gis.settings import Settings
from gis.store.layer_sources import SOURCES
from gis.store.unit_of_work import Database
from layers.catalogue import LAYERS, layers_for
from tests.factories import COMMUNITY, SmallCity, small_city

CITIZEN = Actor("token:c", "reporter")
CADRE = Actor("token:k", "grid_worker", COMMUNITY)
CENTRE = Actor("token:d", "dispatcher")


@pytest.fixture
def city(database: Database) -> SmallCity:
    return small_city(database)


@pytest.fixture
def boundaries(database: Database) -> Boundaries:
    return Boundaries(database)


def raised(  # noqa: PLR0917 - as a test reads
    database: Database,
    boundaries: Boundaries,
    actor: Actor,
    place: tuple[float, float] | None,
    kind: str = "matter",
    area: str | None = None,
) -> dict[str, Any]:
    item = service.NewItem(
        kind=kind,
        title="加装休息座椅",
        location=None if place is None else Location(*place),
        area=area,
        proposer={"name": "李四", "phone": "139"},
    )
    answer = service.raise_item(database, boundaries, actor, item, now=clock.now, language="zh")
    body: dict[str, Any] = answer.body
    return body


def take(
    database: Database, boundaries: Boundaries, actor: Actor, item: dict[str, Any], action: str,
    **more: Any,  # noqa: ANN401 - whatever the step takes
) -> dict[str, Any]:  # fmt: skip
    answer = service.act(
        database,
        boundaries,
        actor,
        uuid.UUID(item["id"]),
        service.Step(action=action, **more),
        now=clock.now,
        language="zh",
    )
    body: dict[str, Any] = answer.body
    return body


@pytest.mark.parametrize(("state", "action"), list(product(STATES, ACTIONS)))
def test_every_pair_moves_or_refuses(state: str, action: str) -> None:
    given = {"note", "decision", "score", "location"}
    if (state, action) in TRANSITIONS:
        assert LIFE.step(state, action, RELATIONS, given).after
    else:
        with pytest.raises(ActionNotAllowed):
            LIFE.step(state, action, RELATIONS, given)


def test_a_matter_goes_its_six_steps(
    database: Database, boundaries: Boundaries, city: SmallCity
) -> None:
    item = raised(database, boundaries, CITIZEN, city.inside(2))
    assert (item["status"], item["area"]) == ("raised", city.grids[1])
    assert item["allowed_actions"] == ["withdraw"]
    with pytest.raises(ActionNotYours):
        take(database, boundaries, CITIZEN, item, "set_topic")
    take(database, boundaries, CADRE, item, "set_topic")
    with pytest.raises(FieldMissing):
        take(database, boundaries, CADRE, item, "discuss")
    take(database, boundaries, CADRE, item, "discuss", note="三次议事会")
    with pytest.raises(VersionStale):
        take(database, boundaries, CADRE, item, "decide", decision="装", version=1)
    take(database, boundaries, CADRE, item, "decide", decision="装八把座椅", version=3)
    take(database, boundaries, CADRE, item, "carry_out")
    take(database, boundaries, CADRE, item, "finish", note="已安装")
    item = take(database, boundaries, CITIZEN, item, "assess", score=5)
    assert (item["status"], item["score"], item["closed_at"] is None) == ("assessed", 5, False)
    told = service.one(database, CENTRE, uuid.UUID(item["id"]), "zh", now=clock.now)
    assert told["proposer"]["name"] == "李四"
    assert [entry["text"] for entry in told["log"]][:3] == [
        "上报人点事：加装休息座椅。",
        "网格员定事。",
        "网格员议事：三次议事会。",
    ]
    with pytest.raises(ActionNotAllowed) as refused:
        take(database, boundaries, CENTRE, item, "decide", decision="x")
    assert refused.value.facts["allowed"] == []


def test_conversion_counts_by_area_and_never_divides_by_nothing(
    database: Database, boundaries: Boundaries, city: SmallCity
) -> None:
    items = [raised(database, boundaries, CITIZEN, city.inside(1), "proposal") for _ in range(4)]
    raised(database, boundaries, CITIZEN, city.inside(1))  # a matter is no proposal
    for item in items[:3]:
        take(database, boundaries, CADRE, item, "validate")
    for item in items[:2]:
        take(database, boundaries, CADRE, item, "set_topic")
    take(database, boundaries, CADRE, items[0], "discuss", note="议")
    take(database, boundaries, CADRE, items[0], "decide", decision="办")
    take(database, boundaries, CADRE, items[0], "carry_out")
    take(database, boundaries, CADRE, items[0], "finish", note="成")
    take(database, boundaries, CADRE, items[3], "decline", note="超出职责")
    told = service.conversion(
        database, boundaries, CENTRE, kind="proposal", area=None, by="grid", since=None, until=None
    )
    first, second = told["areas"][:2]
    assert [first[k] for k in ("received", "valid", "adopted", "carried_out")] == [4, 3, 2, 1]
    assert (first["valid_rate"], first["conversion_rate"]) == (0.75, 0.5)
    assert second["received"] == 0
    assert second["valid_rate"] is None
    community = service.conversion(
        database, boundaries, CADRE, kind="proposal", area=None, by="community", since=None,
        until=None,
    )  # fmt: skip
    assert community["summary"]["adopted"] == 2


def test_a_step_that_takes_too_long_is_reminded_of_once_and_heard_of(
    database: Database, boundaries: Boundaries, city: SmallCity
) -> None:
    item = raised(database, boundaries, CITIZEN, city.inside(1))
    due = datetime.fromisoformat(item["due_at"])
    assert not item["overdue"]

    def late(at: datetime) -> list[str]:
        rows, _ = service.item_list(
            database, SYSTEM, service.DeliberationFilter(overdue=True), after=None, limit=10,
            language="zh", now=lambda: at,
        )  # fmt: skip
        return [row["id"] for row in rows]

    assert deliberation_clock.remind(database, lambda: due - timedelta(seconds=1)) == 0
    assert late(due - timedelta(seconds=1)) == []
    with ThreadPoolExecutor(4) as workers:
        told = list(workers.map(lambda _: deliberation_clock.remind(database, lambda: due), "1234"))
    assert sum(told) == 1
    assert late(due) == [item["id"]]
    take(database, boundaries, CADRE, item, "set_topic")
    assert deliberation_clock.remind(database, lambda: due) == 0, "the next stage has its own time"
    assert deliberation_clock.remind(database, lambda: due + timedelta(days=60)) == 1
    shown = service.one(database, CENTRE, uuid.UUID(item["id"]), "zh", now=clock.now)
    texts = [entry["text"] for entry in shown["log"]]
    assert texts[1].startswith("系统提醒：“已点事”已超过时限（")
    assert [entry["action"] for entry in shown["log"]] == ["raise", "remind", "set_topic", "remind"]
    with database.reading(SYSTEM) as work:
        heard = work.rows(
            sa.text("select body from outbox where topic = 'deliberation.changed' order by id")
        )
    assert [row["body"]["action"] for row in heard] == ["raise", "remind", "set_topic", "remind"]
    assert "李四" not in str(heard)


def test_a_calendar_that_comes_later_gives_items_their_limit(
    database: Database, boundaries: Boundaries, city: SmallCity
) -> None:
    december = datetime(2026, 12, 30, 9, 0, tzinfo=SHANGHAI)
    item = raised(database, boundaries, CITIZEN, city.inside(1))
    with database.transaction(SYSTEM) as work:
        work.execute(sa.text("update deliberations set due_at = null"))
        year = city_time.local_day(december).year + 1
        days = {date(year, 2, day) for day in range(8, 20)}
        city_time.put_notices(work, {year: HolidayNotice(frozenset(days))}, "tests")
        assert deliberation_clock.give_limits(work, city_time.ruler_of(work)) == 1
        assert deliberation_clock.give_limits(work, city_time.ruler_of(work)) == 0
    shown = service.one(database, CENTRE, uuid.UUID(item["id"]), "zh", now=clock.now)
    assert shown["due_at"] == item["due_at"], "counted from when the stage began"


def test_the_map_shows_the_public_agenda_to_all_and_the_desk_to_staff(
    database: Database, boundaries: Boundaries, city: SmallCity, settings: Settings
) -> None:
    private = raised(database, boundaries, CITIZEN, city.inside(1))
    public = raised(database, boundaries, CITIZEN, city.inside(2))
    take(database, boundaries, CADRE, public, "set_topic")

    def seen(layer: str) -> set[str]:
        statement = sa.text(f"select fid from ({SOURCES[layer]}) as s")
        with database.reading(SYSTEM) as work:
            return {row["fid"] for row in work.rows(statement)}

    assert seen("deliberations") == {public["id"]}
    assert seen("deliberation-desk") == {public["id"], private["id"]}
    everybody = {layer.key for layer in layers_for(Actor("x", "anonymous"))}
    assert "deliberations" in everybody
    assert "deliberation-desk" not in everybody
    names = {one.name for one in LAYERS["deliberations"].attributes_for("viewer")}
    assert not names & {"due_at", "overdue", "proposer", "description"}
    with TestClient(create_app(settings, database)) as client:

        def features(layer: str, role: str | None, area: str | None = None) -> dict[str, Any]:
            headers = {}
            if role is not None:
                secret = issue_token(database, SYSTEM, role=role, area=area).secret
                headers["Authorization"] = f"Bearer {secret}"
            answer = client.get(f"/ogc/collections/{layer}/items", headers=headers)
            assert answer.status_code in (200, 404), answer.text
            return {one["id"]: one for one in answer.json().get("features", [])}

        shown = features("deliberations", None)
        assert set(shown) == {public["id"]}
        assert shown[public["id"]]["properties"]["status"] == "set"
        assert tuple(shown[public["id"]]["geometry"]["coordinates"]) == city.inside(2)
        assert not names.symmetric_difference(shown[public["id"]]["properties"])
        assert features("deliberation-desk", "viewer") == {}
        assert set(features("deliberation-desk", "dispatcher")) == {public["id"], private["id"]}
        assert set(features("deliberation-desk", "grid_worker", city.grids[0])) == {private["id"]}
    take(database, boundaries, CITIZEN, private, "withdraw")
    assert seen("deliberation-desk") == {public["id"]}


def test_items_keep_to_their_area_and_to_their_proposer(
    database: Database, boundaries: Boundaries, city: SmallCity
) -> None:
    item = raised(database, boundaries, CITIZEN, city.inside(1))
    elsewhere = Actor("token:x", "grid_worker", city.grids[2])
    for stranger in (elsewhere, Actor("token:y", "reporter")):
        with pytest.raises(DeliberationUnknown):
            service.one(database, stranger, uuid.UUID(item["id"]), "zh", now=clock.now)
    assert "proposer" not in service.one(
        database, CADRE, uuid.UUID(item["id"]), "zh", now=clock.now
    )
    with pytest.raises(OutsideScope):
        raised(database, boundaries, elsewhere, city.inside(1))
    with pytest.raises(PlaceMissing):
        raised(database, boundaries, CITIZEN, None)
    with pytest.raises(PlaceMissing):
        raised(database, boundaries, CITIZEN, (120.0, 30.0))
    assert raised(database, boundaries, CITIZEN, None, area=COMMUNITY)["point"] is None
    moved = take(database, boundaries, CENTRE, item, "move", location=Location(*city.inside(3)))
    assert moved["area"] == city.grids[2]
    rows, more = service.item_list(
        database,
        SYSTEM,
        service.DeliberationFilter(area=city.grids[2]),
        after=None,
        limit=10,
        language="en",
        now=clock.now,
    )
    assert ([row["id"] for row in rows], more) == ([item["id"]], False)
