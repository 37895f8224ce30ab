"""The gazetteer in memory: what the database holds, found; what changes, heard of."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
import sqlalchemy as sa

from gis.governance.actors import SYSTEM
from gis.matching.address import AddressIndex
from gis.services.gazetteer import Gazetteer, GazetteerWatch
from gis.services.lookup import Boundaries
from gis.store import gazetteer as store
from tests.factories import COMMUNITY, SmallCity, small_city

if TYPE_CHECKING:
    from collections.abc import Iterator

    from gis.store.unit_of_work import Database, UnitOfWork


def add_entry(work: UnitOfWork, place: tuple[float, float], **columns: object) -> None:
    row = {"kind": "landmark", "full_text": "x", "uncertainty_m": 20.0, "source": "test"} | columns
    names = ", ".join(row)
    values = ", ".join(f":{name}" for name in row)
    work.execute(
        sa.text(
            f"insert into gazetteer_entries ({names}, geometry) "
            f"values ({values}, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326))"
        ),
        lon=place[0],
        lat=place[1],
        **row,
    )


@pytest.fixture
def city(database: Database) -> SmallCity:
    return small_city(database)


@pytest.fixture
def gazetteer(database: Database) -> Gazetteer:
    return Gazetteer(database, Boundaries(database))


def exact(gazetteer: Gazetteer, database: Database) -> AddressIndex:
    with database.reading(SYSTEM) as work:
        return gazetteer.exact(work, Boundaries(database).snapshot(work))


def test_community_is_that_of_the_entrys_own_point(
    database: Database, city: SmallCity, gazetteer: Gazetteer
) -> None:
    with database.transaction(SYSTEM) as work:
        add_entry(work, city.inside(2), name="新华书店", community_code="341199999999")
    (place,) = exact(gazetteer, database).places("新华书店")
    assert place.area_code == COMMUNITY
    assert (place.lon, place.lat) == pytest.approx(city.inside(2), abs=1e-6)


def test_station_of_the_city_is_found_by_its_name(
    database: Database, city: SmallCity, gazetteer: Gazetteer
) -> None:
    with database.transaction(SYSTEM) as work:
        work.execute(
            sa.text(
                "insert into stations (code, name, kind, geometry) values "
                "('S1', '南门网格驿站', 'service_station', "
                "ST_SetSRID(ST_MakePoint(:lon, :lat), 4326))"
            ),
            lon=city.inside(1)[0],
            lat=city.inside(1)[1],
        )
    (place, *_) = exact(gazetteer, database).places("南门网格驿站门口")
    assert place.level == "landmark"
    assert place.entry_id is None


def test_old_name_of_an_area_is_understood(
    database: Database, city: SmallCity, gazetteer: Gazetteer
) -> None:
    assert city
    assert not exact(gazetteer, database).places("东风公社")
    with database.transaction(SYSTEM) as work:
        work.execute(
            sa.text(
                "insert into area_aliases (area_code, alias, kind, source, created_by) "
                "values ('341102001', '东风公社', 'old_name', 'test', 'tests')"
            )
        )
    (place,) = exact(gazetteer, database).places("东风公社")
    assert (place.level, place.area_code) == ("subdistrict", "341102001")


@pytest.mark.parametrize(
    "statement",
    [
        "update gazetteer_entries set name = 'other'",
        "delete from gazetteer_entries",
        (
            "insert into area_aliases (area_code, alias, kind, source, created_by) "
            "values ('341102', 'x', 'alias', 'test', 'tests')"
        ),
        "update roads set name = 'x'",
        "update stations set name = 'x'",
    ],
)
def test_every_change_of_what_addresses_are_read_by_moves_the_stamp(
    database: Database, city: SmallCity, statement: str
) -> None:
    assert city
    with database.reading(SYSTEM) as work:
        before = store.version(work)
    with database.transaction(SYSTEM) as work:
        work.execute(sa.text(statement))
    with database.reading(SYSTEM) as work:
        assert store.version(work) == before + 1


def test_index_is_kept_while_nothing_changes_and_rebuilt_when_rows_do(
    database: Database, city: SmallCity, gazetteer: Gazetteer
) -> None:
    first = exact(gazetteer, database)
    assert exact(gazetteer, database) is first
    with database.transaction(SYSTEM) as work:
        add_entry(work, city.inside(1), name="新华书店")
    assert len(exact(gazetteer, database)) == len(first) + 1


def test_request_does_not_wait_for_a_newer_stamp(
    database: Database, city: SmallCity, gazetteer: Gazetteer
) -> None:
    first = exact(gazetteer, database)
    with database.transaction(SYSTEM) as work:
        add_entry(work, city.inside(1), name="新华书店")
    with database.reading(SYSTEM) as work:
        assert gazetteer.index(work, Boundaries(database).snapshot(work)) is first


@pytest.fixture
def watch(gazetteer: Gazetteer) -> Iterator[GazetteerWatch]:
    started = GazetteerWatch(gazetteer, poll_s=0.05).start()
    yield started
    started.stop()


def test_watch_hears_of_a_change(
    database: Database, city: SmallCity, gazetteer: Gazetteer, watch: GazetteerWatch
) -> None:
    assert watch
    with database.transaction(SYSTEM) as work:
        add_entry(work, city.inside(1), name="新华书店")
    until = time.monotonic() + 20
    while time.monotonic() < until:
        index = gazetteer.loaded()
        if index is not None and index.places("新华书店"):
            return
        time.sleep(0.02)
    pytest.fail("the watch did not load the change")


def test_watch_survives_an_empty_city(database: Database) -> None:
    watch = GazetteerWatch(Gazetteer(database, Boundaries(database)), poll_s=0.01).start()
    time.sleep(0.1)
    watch.stop()


def test_demo_city_is_found_by_its_addresses(demo_city: Database) -> None:
    gazetteer = Gazetteer(demo_city, Boundaries(demo_city))
    index = exact(gazetteer, demo_city)
    with demo_city.reading(SYSTEM) as work:
        rows = work.rows(
            sa.text(
                "select full_text, ST_X(geometry) lon, ST_Y(geometry) lat from gazetteer_entries "
                "where kind in ('door', 'road_number', 'building', 'landmark') "
                "order by hashint8(id), id limit 300"
            )
        )
    found = [index.places(row["full_text"])[0] for row in rows]
    near = [
        abs(place.lon - row["lon"]) < 1e-6 and abs(place.lat - row["lat"]) < 1e-6
        for place, row in zip(found, rows, strict=True)
    ]
    assert sum(near) >= 0.98 * len(rows)  # a few shops of a chain share their whole address
