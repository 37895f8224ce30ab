"""Duplicates at intake: suggested by index, joined without rings, and no reporter is lost."""

from __future__ import annotations

import random
import threading
import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from gis import clock
from gis.errors import DuplicateInvalid, EventUnknown
from gis.governance.actors import SYSTEM, Actor
from gis.services import cases, duplicates, intake
from gis.services.lookup import Boundaries
from gis.services.match_request import Location, MatchRequest
from gis.store import duplicates as store
from gis.store.unit_of_work import Database
from tests.factories import SmallCity, small_city


@pytest.fixture
def city(database: Database) -> SmallCity:
    return small_city(database)


def report(
    database: Database,
    place: tuple[float, float],
    title: str = "路口垃圾堆放",
    *,
    source: str = "snap",
    category: str = "event-exposed-rubbish",
    phone: str = "13800000001",
    boundaries: Boundaries | None = None,
) -> dict[str, Any]:
    request = MatchRequest(Location(*place, "WGS84", 10.0), category=category, source=source)
    answer = intake.report_event(
        database,
        boundaries or Boundaries(database),
        SYSTEM,
        intake.Report(
            request=request,
            source_ref=uuid.uuid4().hex,
            title=title,
            reporter={"name": "王五", "phone": phone},
        ),
        now=clock.now,
        auto_threshold=0.9,
    )
    body: dict[str, Any] = dict(answer.body)
    return body


def moved(place: tuple[float, float], metres: float) -> tuple[float, float]:
    return place[0], place[1] + metres / 110_900.0


def test_a_second_report_is_suggested_across_channels_and_a_far_one_is_not(
    database: Database, city: SmallCity
) -> None:
    place = city.inside(1)
    first = report(database, place)
    assert first["suggested_duplicates"] == []
    second = report(database, moved(place, 12), "垃圾堆放路口没人清", source="hotline-12345")
    (found,) = second["suggested_duplicates"]
    assert (found["id"], found["number"]) == (first["id"], first["number"])
    assert found["probability"] > 0.5
    assert first["number"] in found["reason"]["text"]
    assert report(database, moved(place, 70))["suggested_duplicates"] == []
    assert (
        report(database, place, category="event-leaflet-distribution")["suggested_duplicates"] == []
    )
    with database.reading(SYSTEM) as work:
        looked = cases.view(work, uuid.UUID(second["id"]), "zh")
    assert looked["suggested_duplicates"][0]["id"] == first["id"]


def test_closed_cases_and_categories_with_reach_zero_are_never_suggested(
    database: Database, city: SmallCity
) -> None:
    first = report(database, city.inside(1))
    with database.transaction(SYSTEM) as work:
        work.execute(sa.text("update events set status = 'closed'"))
    assert report(database, city.inside(1))["suggested_duplicates"] == []
    with database.transaction(SYSTEM) as work:
        work.execute(sa.text("update events set status = 'dispatched'"))
        work.execute(
            sa.text("update categories set duplicate_distance_m = 0 where key = :key"),
            key=first["category"],
        )
    assert report(database, city.inside(1))["suggested_duplicates"] == []
    with database.transaction(SYSTEM) as work:
        work.execute(sa.text("update categories set duplicate_distance_m = null"))
    assert report(database, city.inside(1))["suggested_duplicates"] != []


def test_joined_reports_point_to_the_root_and_keep_their_reporters(
    database: Database, city: SmallCity
) -> None:
    place = city.inside(1)
    a, b, c, d = (report(database, place, phone=f"1380000000{n}") for n in range(4))
    ids = [uuid.UUID(one["id"]) for one in (a, b, c, d)]
    with database.transaction(SYSTEM) as work:
        assert duplicates.mark_duplicate(work, ids[2], ids[1]).root_id == ids[1]
        joined = duplicates.mark_duplicate(work, ids[1], ids[0])
        assert (joined.root_id, joined.moved) == (ids[0], (c["number"],))
        assert duplicates.mark_duplicate(work, ids[3], ids[2]).root_id == ids[0]
    with database.reading(SYSTEM) as work:
        roots = work.rows(sa.text("select duplicate_of from events where duplicate_of is not null"))
        assert [row["duplicate_of"] for row in roots] == [ids[0]] * 3
    with database.reading(Actor("token:1", "dispatcher")) as work:
        case = cases.view(work, ids[0], "zh")
    assert [one["number"] for one in case["duplicates"]] == [b["number"], c["number"], d["number"]]
    phones = {case["reporter"]["phone"], *(one["phone"] for one in case["other_reporters"])}
    assert phones == {f"1380000000{n}" for n in range(4)}
    with database.reading(Actor("token:2", "viewer")) as work:
        seen = cases.view(work, ids[0], "zh")
    assert "other_reporters" not in seen
    assert len(seen["duplicates"]) == 3
    fifth = report(database, place)
    assert [one["id"] for one in fifth["suggested_duplicates"]] == [a["id"]]
    assert fifth["suggested_duplicates"][0]["reports"] >= 4


def test_forty_calls_about_one_water_main_collect_under_the_first(
    database: Database, city: SmallCity
) -> None:
    """Each names the first report, whether those before it were joined yet or not."""
    chance, place = random.Random(40), city.inside(1)  # noqa: S311
    texts = ("水管爆裂，路面积水", "自来水管爆了，满地是水", "路口跑水了，水管坏了", "路面积水很深")
    boundaries, ids = Boundaries(database), []
    for number in range(40):
        call = report(
            database,
            moved(place, chance.uniform(-40, 40) if number else 0.0),
            texts[number % len(texts)],
            source=chance.choice(("hotline-12345", "snap", "patrol")),
            category="event-burst-pipe",
            phone=f"138000{number:05d}",
            boundaries=boundaries,
        )
        ids.append(uuid.UUID(call["id"]))
        if number:
            found = call["suggested_duplicates"]
            assert [one["id"] for one in found] == [str(ids[0])], number
            assert found[0]["reports"] >= 2 or number == 1
        if number and number % 2:
            with database.transaction(SYSTEM) as work:
                duplicates.mark_duplicate(work, ids[number], ids[0])
    for number in range(2, 40, 2):
        with database.transaction(SYSTEM) as work:
            duplicates.mark_duplicate(work, ids[number], ids[0])
    with database.reading(Actor("token:1", "dispatcher")) as work:
        case = cases.view(work, ids[0], "zh")
    assert len(case["duplicates"]) == 39
    phones = {case["reporter"]["phone"], *(one["phone"] for one in case["other_reporters"])}
    assert phones == {f"138000{number:05d}" for number in range(40)}


def test_no_ring_and_no_unknown_event(database: Database, city: SmallCity) -> None:
    a, b = (uuid.UUID(report(database, city.inside(1))["id"]) for _ in range(2))
    with database.transaction(SYSTEM) as work:
        duplicates.mark_duplicate(work, b, a)
        for event, of in ((a, b), (a, a)):
            with pytest.raises(DuplicateInvalid):
                duplicates.mark_duplicate(work, event, of)
        with pytest.raises(EventUnknown):
            duplicates.mark_duplicate(work, a, uuid.uuid4())
        with pytest.raises(EventUnknown):
            duplicates.mark_duplicate(work, uuid.uuid4(), a)


def test_two_people_who_join_two_reports_to_each_other_leave_one_of_the_joins(
    database: Database, city: SmallCity
) -> None:
    a, b = (uuid.UUID(report(database, city.inside(1))["id"]) for _ in range(2))
    for _ in range(8):
        together = threading.Barrier(2)

        def join(pair: tuple[uuid.UUID, uuid.UUID], gate: threading.Barrier = together) -> bool:
            gate.wait()
            try:
                with database.transaction(SYSTEM) as work:
                    duplicates.mark_duplicate(work, *pair)
            except DuplicateInvalid:
                return False
            return True

        with ThreadPoolExecutor(2) as pool:
            done = list(pool.map(join, ((a, b), (b, a))))
        assert sorted(done) == [False, True]
        with database.transaction(SYSTEM) as work:
            pointing = work.rows(sa.text("select id from events where duplicate_of is not null"))
            assert len(pointing) == 1
            work.execute(sa.text("update events set duplicate_of = null"))


def test_reports_near_a_place_are_found_by_the_index_of_the_month(demo_city: Database) -> None:
    now = clock.now()
    box = store.Box(118.31, 32.30, 118.3105, 32.3005)
    with demo_city.reading(SYSTEM) as work:
        work.execute(sa.text("set local enable_seqscan = off"))
        values = {
            "west": box.west, "south": box.south, "east": box.east, "north": box.north,
            "since": now - timedelta(days=14),
        }  # fmt: skip
        near = store._NEAR
        plan = "\n".join(
            row[0] for row in work.prepared(f"explain {near.text}", near.values(values))
        )
        store.near(work, box, now - timedelta(days=14))
    assert "geometry_idx" in plan or "ix_events_geometry" in plan, plan
    assert "events_other" in plan or "events_20" in plan
