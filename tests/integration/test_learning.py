"""Corrections become aliases and exceptions, and everything can be taken back."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
import pytest
import sqlalchemy as sa

from gis.errors import BadPinUnknown, CategoryUnknown, CorrectionUnknown, PrecisionInvalid
from gis.governance.actors import SYSTEM, Actor
from gis.matching.ground import Doors
from gis.matching.knowledge import Knowledge
from gis.services import history, learned, learning
from gis.services.exceptions import ExceptionIndex
from gis.services.experience import KnowledgeBase
from gis.services.lookup import Boundaries
from gis.services.match_request import MatchRequest
from gis.services.matching import match
from gis.store import areas as area_store
from gis.store.unit_of_work import Database, UnitOfWork
from tests.factories import SIDE, SOUTH, WEST, SmallCity, small_city

WORDS = "老菜场后门"


@dataclass(frozen=True)
class Door:
    """A place that the gazetteer names exactly."""

    lon: float
    lat: float
    level: str = "door"
    name: str = "南门路1号"
    area_code: str | None = None
    outline: None = None
    uncertainty_m: float = 15.0
    probability: float = 0.98
    reasons: tuple[Any, ...] = ()


class Reader:
    doors = Doors(np.empty((0, 2)))

    def __init__(self, *places: Door) -> None:
        self._places = places

    def places(self, text: str, near: tuple[float, float] | None = None) -> Sequence[Door]:
        del text, near
        return self._places


@pytest.fixture
def city(database: Database) -> SmallCity:
    return small_city(database)


@pytest.fixture
def boundaries(database: Database) -> Boundaries:
    return Boundaries(database)


def an_event(work: UnitOfWork) -> uuid.UUID:
    number = uuid.uuid4()
    work.execute(
        sa.text(
            "insert into event_registry (id, number, source, source_ref, received_at) values "
            "(:id, :number, 'snap', :number, now())"
        ),
        id=number,
        number=str(number),
    )
    return number


def correct(
    database: Database,
    boundaries: Boundaries,
    grid: str,
    *,
    matched: str | None = None,
    address: str | None = WORDS,
    place: tuple[float, float] | None = None,
    event: uuid.UUID | None = None,
    by: str = "dispatcher-1",
) -> int:
    with database.transaction(Actor(by, "dispatcher")) as work:
        snapshot = boundaries.snapshot(work)
        said = {"decision": "review", "grid": None, "confidence": 0.6, "evidence_kind": "pin"}
        if matched is not None:
            said["candidates"] = [{"code": matched, "probability": 0.6}]  # type: ignore[assignment]
        return learning.learn_from_correction(
            work,
            snapshot,
            learning.Confirmed(
                event_id=event or an_event(work),
                source="snap",
                category="event-exposed-rubbish",
                address=address,
                raw_location=None,
                place=place,
                match=said,
                grid=grid,
            ),
        )


def matched(
    database: Database, boundaries: Boundaries, reader: Reader | None = None, text: str = WORDS
) -> Any:  # noqa: ANN401
    with database.reading(SYSTEM) as work:
        snapshot = boundaries.snapshot(work)
        known = Knowledge(reader, KnowledgeBase().experience(work))
        return match(snapshot, MatchRequest(address=text), threshold=0.9, knowledge=known)


def test_confirmed_words_mean_their_grid_until_they_are_taken_back(
    database: Database, boundaries: Boundaries, city: SmallCity
) -> None:
    assert matched(database, boundaries).decision.candidates == ()
    numbers = [correct(database, boundaries, city.grids[1]) for _ in range(3)]
    found = matched(database, boundaries, text=" 老菜场 后门。")
    assert found.decision.candidates[0].code == city.grids[1]
    assert found.decision.candidates[0].probability == pytest.approx(0.9)
    assert "learned-alias" in [reason.code for reason in found.decision.reasons]
    assert learned.summary(database, SYSTEM)["aliases"][0]["times"] == 3
    for number in numbers:
        learning.undo(database, boundaries, SYSTEM, number)
    assert matched(database, boundaries).decision.candidates == ()
    rows, _ = learning.listing(database, SYSTEM)
    assert [row["undone_by"] for row in rows] == [SYSTEM.id] * 3


def test_one_correction_never_overrides_an_exact_door(
    database: Database, boundaries: Boundaries, city: SmallCity
) -> None:
    door = Reader(Door(*city.inside(1)))
    correct(database, boundaries, city.grids[3])
    found = matched(database, boundaries, door)
    assert found.decision.candidates[0].code == city.grids[0]
    assert found.decision.candidates[0].probability > 0.95
    for _ in range(2):
        correct(database, boundaries, city.grids[3])
    assert matched(database, boundaries, door).decision.candidates[0].code == city.grids[3]


def test_corrections_that_disagree_teach_nothing(
    database: Database, boundaries: Boundaries, city: SmallCity
) -> None:
    correct(database, boundaries, city.grids[0])
    correct(database, boundaries, city.grids[1])
    assert matched(database, boundaries).decision.candidates == ()


def test_the_newest_word_about_an_event_counts(
    database: Database, boundaries: Boundaries, city: SmallCity
) -> None:
    with database.transaction(SYSTEM) as work:
        event = an_event(work)
    correct(database, boundaries, city.grids[0], event=event)
    correct(database, boundaries, city.grids[1], event=event)
    assert matched(database, boundaries).decision.candidates[0].code == city.grids[1]


def exceptions_at(database: Database, place: tuple[float, float]) -> str | None:
    with database.reading(SYSTEM) as work:
        _, stamp = area_store.in_force(work)
        index = ExceptionIndex.load(work, stamp)
    ruling = index.deciding(*place, "event-exposed-rubbish", datetime.now(UTC))
    return None if ruling is None else ruling.area_code


def test_three_agreeing_corrections_at_a_border_make_an_exception_that_undo_ends(
    database: Database, boundaries: Boundaries, city: SmallCity
) -> None:
    east, north = WEST + SIDE - 0.0002, SOUTH + 0.5 * SIDE  # 19 m inside grid 1, beside grid 2
    places = [(east, north + 0.0001 * k) for k in range(3)]
    one, two = city.grids[0], city.grids[1]
    people = ["dispatcher-1", "dispatcher-1", "dispatcher-2"]
    numbers = []
    for place, person in zip(places, people, strict=True):
        assert exceptions_at(database, places[0]) is None
        numbers.append(
            correct(database, boundaries, two, matched=one, address=None, place=place, by=person)
        )
    assert exceptions_at(database, places[0]) == two
    assert exceptions_at(database, city.inside(1)) is None
    ended = learning.undo(database, boundaries, SYSTEM, numbers[0])
    assert len(ended["ended_exceptions"]) == 1
    assert exceptions_at(database, places[0]) is None


def test_corrections_far_inside_a_grid_or_by_one_person_make_no_exception(
    database: Database, boundaries: Boundaries, city: SmallCity
) -> None:
    one, two = city.grids[0], city.grids[1]
    for _ in range(4):
        correct(database, boundaries, two, matched=one, address=None, place=city.inside(1))
    near = (WEST + SIDE - 0.0002, SOUTH + 0.5 * SIDE)
    for _ in range(3):
        correct(database, boundaries, two, matched=one, address=None, place=near, by="just-me")
    assert exceptions_at(database, near) is None


def test_what_is_not_there_cannot_be_taken_back(
    database: Database, boundaries: Boundaries, city: SmallCity
) -> None:
    del city
    with pytest.raises(CorrectionUnknown):
        learning.undo(database, boundaries, SYSTEM, 99)
    with pytest.raises(BadPinUnknown):
        learned.dismiss(database, SYSTEM, 99)
    with pytest.raises(CategoryUnknown):
        learned.want(database, SYSTEM, "no-such", 0.99)
    with pytest.raises(PrecisionInvalid):
        learned.want(database, SYSTEM, "event-fire", 1.0)


def test_a_category_may_want_its_own_precision(
    database: Database, boundaries: Boundaries, city: SmallCity
) -> None:
    del boundaries, city
    learned.want(database, SYSTEM, "event-fire", 0.9)
    with database.reading(SYSTEM) as work:
        assert KnowledgeBase().experience(work).precisions == {"event-fire": 0.9}
    learned.want(database, SYSTEM, "event-fire", None)
    with database.reading(SYSTEM) as work:
        assert KnowledgeBase().experience(work).precisions == {}


def test_a_loaded_city_has_learned_its_sources_and_its_failed_geocodings(
    demo_city: Database,
) -> None:
    with demo_city.reading(SYSTEM) as work:
        experience = KnowledgeBase().experience(work)
    assert {"snap", "patrol", "courier"} <= set(experience.sources)
    snap = experience.sources["snap"].readings["WGS84"]
    assert snap["GCJ-02"] > 0.9 * sum(snap.values())
    assert sum(experience.spreads["door"].values()) == pytest.approx(1.0)
    assert sum(share * f**2 for f, share in experience.spreads["door"].items()) <= 1.5
    assert experience.at_doors is not None
    assert experience.at_doors > 0.5
    assert set(experience.bad_pins.values()) >= set()


def test_a_coordinate_that_comes_with_many_addresses_is_known_as_bad(
    own_demo_city: Database,
) -> None:
    boundaries = Boundaries(own_demo_city)
    with own_demo_city.transaction(SYSTEM) as work:
        work.execute(
            sa.text(
                "update events set raw_location = "
                '\'{"lon": 118.31, "lat": 32.29, "crs": "GCJ-02", "accuracy_m": 50}\' '
                "where id in (select id from events where address is not null order by id limit 9)"
            )
        )
        history.learn_from_history(work, boundaries.snapshot(work), Reader())
    (row,) = [
        row for row in learned.table(own_demo_city, SYSTEM, "bad-pins") if row["lon"] == 118.31
    ]
    assert (row["kind"], row["addresses"]) == ("repeated", 9)
    learned.dismiss(own_demo_city, SYSTEM, row["id"])
    with own_demo_city.reading(SYSTEM) as work:
        assert (118.31, 32.29) not in KnowledgeBase().experience(work).bad_pins
