"""Taking events in: matched, routed, written once, and nothing is half there."""

from __future__ import annotations

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from typing import Any

import pytest
import sqlalchemy as sa

from gis import clock
from gis.errors import EventCategoryInvalid, OutsideScope, PositionInvalid, SourceUnknown
from gis.geometry.crs import from_wgs84
from gis.governance.actors import SYSTEM, Actor
from gis.services import cases, intake
from gis.services.lookup import Boundaries
from gis.services.match_request import Location, MatchRequest
from gis.store.access import Answer, KeyedRequest
from gis.store.unit_of_work import Database
from tests.factories import COMMUNITY, SmallCity, small_city

PHONE = "13900000001"
SEEN = ("event_registry", "events", "work_orders", "log_entries", "outbox")


@pytest.fixture
def city(database: Database) -> SmallCity:
    return small_city(database)


@pytest.fixture
def boundaries(database: Database) -> Boundaries:
    return Boundaries(database)


def report(
    database: Database,
    boundaries: Boundaries,
    place: tuple[float, float] | None,
    *,
    actor: Actor = SYSTEM,
    reference: str | None = None,
    crs: str = "WGS84",
    accuracy_m: float | None = None,
    category: str | None = "event-exposed-rubbish",
    source: str = "snap",
    keyed: KeyedRequest | None = None,
    now: datetime | None = None,
) -> Answer:
    location = None if place is None else Location(*place, crs, accuracy_m)
    request = MatchRequest(
        location=location,
        address=None if place is not None else "滁州市琅琊区南门口",
        category=category,
        source=source,
    )
    return intake.report_event(
        database,
        boundaries,
        actor,
        intake.Report(
            request=request, source_ref=reference, reporter={"name": "张三", "phone": "199"}
        ),
        now=clock.now if now is None else lambda: now,
        auto_threshold=0.95,
        keyed=keyed,
    )


def counts(database: Database) -> dict[str, int]:
    with database.reading(SYSTEM) as work:
        return {table: work.scalar(sa.text(f"select count(*) from {table}")) for table in SEEN}


def body(answer: Answer) -> dict[str, Any]:
    assert isinstance(answer.body, dict)
    return answer.body


def test_event_goes_to_the_worker_of_its_grid(
    database: Database, boundaries: Boundaries, city: SmallCity
) -> None:
    answer = report(
        database, boundaries, city.inside(2), now=datetime(2026, 11, 23, 2, 0, tzinfo=UTC)
    )
    assert answer.status == 201
    event = body(answer)
    assert event["routing"] == "auto"
    assert event["grid"] == city.grids[1]
    (order,) = event["work_orders"]
    assert order["assignee"] == {"name": "网格员2", "role": "grid_worker"}
    assert order["unit"]["code"] == "U1"
    # 4 working hours from Monday 10:00: two before lunch, two after
    assert datetime.fromisoformat(order["due_at"]) == datetime(2026, 11, 23, 8, 0, tzinfo=UTC)
    assert counts(database) == {
        "event_registry": 1,
        "events": 1,
        "work_orders": 1,
        "log_entries": 2,
        "outbox": 2,
    }


def test_gcj02_lands_in_the_true_grid_and_wgs84_elsewhere(
    database: Database, boundaries: Boundaries, city: SmallCity
) -> None:
    sent = from_wgs84(*city.inside(1), "GCJ-02")
    right = body(report(database, boundaries, sent, crs="GCJ-02"))
    wrong = body(report(database, boundaries, sent, crs="WGS84"))
    assert right["grid"] == city.grids[0]
    assert right["location"]["lon"] == sent[0], "the raw numbers are kept"
    said = right["match"]["reasons"][0]
    assert said["code"] == "converted-crs"
    assert 540 < said["facts"]["shift_m"] < 570
    assert wrong["match"]["reasons"][0]["code"] == "taken-as-is"
    assert wrong["point"] == {"lon": sent[0], "lat": sent[1]}


def test_same_reference_is_one_event(
    database: Database, boundaries: Boundaries, city: SmallCity
) -> None:
    first = report(database, boundaries, city.inside(1), reference="A1")
    before = counts(database)
    again = report(database, boundaries, city.inside(3), reference="A1")
    assert (first.status, again.status) == (201, 200)
    assert body(again)["id"] == body(first)["id"]
    assert body(again)["grid"] == city.grids[0]
    assert counts(database) == before
    other = report(database, boundaries, city.inside(1), reference="A1", source="patrol")
    assert other.status == 201, "another source may use the same reference"


def test_two_senders_at_once_make_one_event(
    database: Database, boundaries: Boundaries, city: SmallCity
) -> None:
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(
                lambda n: report(database, boundaries, city.inside(1), reference=f"R{n // 8}"),
                range(64),
            )
        )
    assert sorted(answer.status for answer in answers) == [200] * 56 + [201] * 8
    assert len({body(answer)["id"] for answer in answers}) == 8
    assert counts(database)["events"] == 8


def test_same_key_at_once_gives_one_answer(
    database: Database, boundaries: Boundaries, city: SmallCity
) -> None:
    keyed = KeyedRequest("key-1", b"hash")
    with ThreadPoolExecutor(8) as pool:
        answers = list(
            pool.map(lambda _: report(database, boundaries, city.inside(1), keyed=keyed), range(16))
        )
    assert {answer.status for answer in answers} == {201}
    assert [answer.replayed for answer in answers].count(False) == 1
    assert len({body(answer)["id"] for answer in answers}) == 1
    assert counts(database)["events"] == 1


def test_nobody_on_duty_is_a_visible_queue(
    database: Database, boundaries: Boundaries, city: SmallCity
) -> None:
    event = body(report(database, boundaries, city.inside(4)))
    assert event["routing"] == "unrouted"
    assert event["work_orders"] == []
    assert event["match"]["reasons"][-1]["code"] == "no-team"


def test_outside_the_city_is_said_with_the_nearest_area(
    database: Database, boundaries: Boundaries, city: SmallCity
) -> None:
    event = body(report(database, boundaries, (118.5, 32.25)))
    assert event["routing"] == "outside"
    assert event["match"]["nearest"]["code"] == city.grids[1]
    assert 22_000 < event["match"]["nearest"]["distance_m"] < 22_200


def test_doubtful_pin_waits_for_a_person(
    database: Database, boundaries: Boundaries, city: SmallCity
) -> None:
    event = body(report(database, boundaries, city.corner, accuracy_m=100))
    assert event["routing"] == "review"
    assert event["match"]["level"] == "community"
    shares = [candidate["probability"] for candidate in event["match"]["candidates"]]
    assert shares == pytest.approx([0.25] * 4, abs=1e-3)
    assert sum(shares) + event["match"]["outside_probability"] == pytest.approx(1, abs=1e-6)


def test_shared_corner_goes_to_the_smallest_code(
    database: Database, boundaries: Boundaries, city: SmallCity
) -> None:
    event = body(report(database, boundaries, city.corner))
    assert event["grid"] == city.grids[0]
    assert event["match"]["ambiguous"] is True
    assert len(event["match"]["candidates"]) == 4
    assert event["match"]["edge_distance_m"] == pytest.approx(0, abs=1e-6)


def test_address_only_waits_for_a_person(
    database: Database, boundaries: Boundaries, city: SmallCity
) -> None:
    event = body(report(database, boundaries, None))
    assert event["routing"] == "review"
    assert event["point"] is None


def test_year_without_calendar_keeps_no_event_out(
    database: Database, boundaries: Boundaries, city: SmallCity
) -> None:
    late = datetime(2095, 1, 5, 2, 0, tzinfo=UTC)
    event = body(report(database, boundaries, city.inside(1), now=late))
    (order,) = event["work_orders"]
    assert order["due_at"] is None
    assert "calendar-missing" in [reason["code"] for reason in event["match"]["reasons"]]


def test_absent_worker_is_not_asked(
    database: Database, boundaries: Boundaries, city: SmallCity
) -> None:
    with database.transaction(SYSTEM) as work:
        work.execute(
            sa.text(
                "insert into absences (person_id, during) select id, tstzrange(now() - interval "
                "'1 day', now() + interval '1 day') from persons where code = 'P1'"
            )
        )
    event = body(report(database, boundaries, city.inside(1)))
    assert event["routing"] == "unrouted"
    assert event["match"]["reasons"][-1]["code"] == "everybody-absent"


@pytest.mark.parametrize(
    ("change", "error"),
    [
        ({"place": (118.3, float("nan"))}, PositionInvalid),
        ({"place": (32.2, 118.3)}, PositionInvalid),
        ({"category": "event-none"}, EventCategoryInvalid),
        ({"source": "rumour"}, SourceUnknown),
        ({"actor": Actor("t", "reporter", "341103")}, OutsideScope),
    ],
)
def test_refused_report_writes_nothing(
    database: Database,
    boundaries: Boundaries,
    city: SmallCity,
    change: dict[str, Any],
    error: type[Exception],
) -> None:
    given = {"place": city.inside(1), "reference": "X", **change}
    with pytest.raises(error):
        report(database, boundaries, **given)
    assert set(counts(database).values()) == {0}


def test_reporter_is_shown_to_dispatchers_only(
    database: Database, boundaries: Boundaries, city: SmallCity
) -> None:
    event = uuid.UUID(body(report(database, boundaries, city.inside(1)))["id"])
    dispatcher = cases.event(database, Actor("d", "dispatcher"), event)
    viewer = cases.event(database, Actor("g", "grid_worker", COMMUNITY), event)
    assert dispatcher["reporter"] == {"name": "张三", "phone": "199"}
    assert "reporter" not in viewer


def test_the_answer_is_what_a_later_look_shows(
    database: Database, boundaries: Boundaries, city: SmallCity
) -> None:
    first = body(report(database, boundaries, city.inside(1), reference="B", accuracy_m=30))
    later = cases.event(database, SYSTEM, uuid.UUID(first["id"]))
    assert later == {**first, "duplicates": [], "other_reporters": []}


def test_category_out_of_use_is_refused(
    database: Database, boundaries: Boundaries, city: SmallCity
) -> None:
    with database.transaction(SYSTEM) as work:
        work.execute(sa.text("update categories set active = false"))
    with pytest.raises(EventCategoryInvalid):
        report(database, boundaries, city.inside(1))


def sent_by(
    database: Database, boundaries: Boundaries, pin: Location, phone: str = PHONE
) -> dict[str, Any]:
    """Report a pin as the person with a phone number."""
    answer = intake.report_event(
        database,
        boundaries,
        SYSTEM,
        intake.Report(
            request=MatchRequest(pin, category="event-exposed-rubbish", source="snap"),
            reporter={"name": "王五", "phone": phone},
        ),
        now=clock.now,
        auto_threshold=0.9,
    )
    return dict(answer.body)


def test_the_usual_place_of_a_sender_tells_the_system_of_a_pin_that_names_none(
    database: Database, boundaries: Boundaries, city: SmallCity
) -> None:
    """Read as WGS84 the pin lies in the grid beside; the sender never was there."""
    home = city.inside(1)
    for north in (-0.0002, 0.0, 0.0002):
        sent_by(database, boundaries, Location(home[0], home[1] + north, "WGS84", 10.0))
    undeclared = Location(*from_wgs84(*home, "GCJ-02"), "WGS84", 10.0, declared=False)
    known = sent_by(database, boundaries, undeclared)["match"]
    stranger = sent_by(database, boundaries, undeclared, phone="13900000002")["match"]
    assert stranger["grid"]["code"] != city.grids[0]
    assert known["candidates"][0]["code"] == city.grids[0]
    assert known["crs_posterior"]["GCJ-02"] > 0.5
    told = [reason["text"] for reason in known["reasons"]]
    assert any("上报人常去" in text for text in told), told
    with database.reading(SYSTEM) as work:
        kept = work.rows(sa.text("select raw_location::text as raw from events"))
    assert not any("usual" in row["raw"] for row in kept), "written nowhere"


def test_the_usual_place_is_asked_for_by_its_index(database: Database) -> None:
    with database.reading(SYSTEM) as work:
        work.execute(sa.text("set local enable_seqscan = off"))
        plan = work.rows(
            sa.text(
                "explain select ST_X(geometry) from events where reporter->>'phone' = '1' "
                "and geometry is not null order by received_at desc, id limit 20"
            )
        )
    told = "\n".join(row["QUERY PLAN"] for row in plan)
    assert "phone" in told
    assert "Index" in told
