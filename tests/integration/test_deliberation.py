"""Community matters and proposals: six steps by the same engine, and their conversion by area."""

from __future__ import annotations

from itertools import product
from typing import Any

import pytest

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
from gis.governance.deliberation import ACTIONS, LIFE, RELATIONS, STATES, TRANSITIONS
from gis.services import deliberation as service
from gis.services.lookup import Boundaries
from gis.services.matching import Location
from gis.store.unit_of_work import Database
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
    import uuid

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
    import uuid

    told = service.one(database, CENTRE, uuid.UUID(item["id"]), "zh")
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


def test_items_keep_to_their_area_and_to_their_proposer(
    database: Database, boundaries: Boundaries, city: SmallCity
) -> None:
    import uuid

    item = raised(database, boundaries, CITIZEN, city.inside(1))
    elsewhere = Actor("token:x", "grid_worker", city.grids[2])
    for stranger in (elsewhere, Actor("token:y", "reporter")):
        with pytest.raises(DeliberationUnknown):
            service.one(database, stranger, uuid.UUID(item["id"]), "zh")
    assert "proposer" not in service.one(database, CADRE, uuid.UUID(item["id"]), "zh")
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
    )
    assert ([row["id"] for row in rows], more) == ([item["id"]], False)
