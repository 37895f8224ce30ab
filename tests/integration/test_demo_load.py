"""Loading the demo city: all of it, once, or nothing."""

from __future__ import annotations

import pytest
import sqlalchemy as sa

from gis.errors import CityAlreadyThere
from gis.governance.actors import SYSTEM
from gis.store import bulk
from gis.store.unit_of_work import Database, UnitOfWork
from layers.demo.load import load


def count(work: UnitOfWork, table: str) -> int:
    return int(work.scalar(sa.text(f"select count(*) from {table}")))


def test_the_city_is_published_as_revision_one(demo_city: Database) -> None:
    with demo_city.reading(SYSTEM) as work:
        row = work.row(sa.text("select revision, status, source from boundary_revisions"))
        assert row is not None
        assert (row["revision"], row["status"]) == (1, "published")
        assert row["source"]["made"] is True
        assert len(row["source"]["licences"]) == 2


def test_stored_areas_are_valid_and_tile_the_city(demo_city: Database) -> None:
    with demo_city.reading(SYSTEM) as work:
        assert work.scalar(sa.text("select bool_and(ST_IsValid(geometry)) from area_versions"))
        areas = work.rows(
            sa.text(
                "select level, sum(ST_Area(geometry)) as area from area_versions "
                "where kind is distinct from 'dedicated' group by level"
            )
        )
    city = next(row["area"] for row in areas if row["level"] == "city")
    assert len(areas) == 5
    assert all(row["area"] == pytest.approx(city, rel=1e-9) for row in areas)


def test_every_open_case_has_somebody(demo_city: Database) -> None:
    with demo_city.reading(SYSTEM) as work:
        orphans = work.scalar(
            sa.text(
                "select count(*) from events e left join work_orders w on w.event_id = e.id "
                "where e.received_at < date_trunc('day', now()) - interval '1 day' "
                "and e.source_ref like 'demo-%' and e.status <> 'review' and w.code is null"
            )
        )
        assert orphans == 0
        assert count(work, "events_other") == 0


def test_a_second_load_is_refused(own_demo_city: Database) -> None:
    with own_demo_city.reading(SYSTEM) as work:
        before = count(work, "areas")
    with pytest.raises(CityAlreadyThere) as refused:
        load(own_demo_city, scale=0.02)
    assert "gridward db reset" in refused.value.detail("zh")
    with own_demo_city.reading(SYSTEM) as work:
        assert count(work, "areas") == before


def test_a_load_that_breaks_leaves_nothing(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(_work: UnitOfWork) -> None:
        raise RuntimeError("the last step fails")

    monkeypatch.setattr(bulk, "analyze", broken)
    with pytest.raises(RuntimeError, match="last step"):
        load(database, scale=0.02)
    with database.reading(SYSTEM) as work:
        for table in ("areas", "boundary_revisions", "buildings", "events", "categories"):
            assert count(work, table) == 0


def test_new_ids_follow_the_loaded_ones(own_demo_city: Database) -> None:
    with own_demo_city.transaction(SYSTEM) as work:
        for table in ("buildings", "persons"):
            highest = work.scalar(sa.text(f"select max(id) from {table}"))
            assert bulk.reserve_ids(work, table, 1)[0] > highest


def test_copy_refuses_what_is_not_declared(work: UnitOfWork) -> None:
    with pytest.raises(ValueError, match="no table"):
        bulk.copy_rows(work, "nowhere", ("a",), [])
    with pytest.raises(ValueError, match="columns"):
        bulk.copy_rows(work, "units", ("code", "colour"), [])


def test_copy_counts_its_rows(work: UnitOfWork) -> None:
    rows = [("U-1", "甲", "bureau"), ("U-2", "乙", "bureau")]
    assert bulk.copy_rows(work, "units", ("code", "name", "kind"), rows) == 2
    assert bulk.copy_rows(work, "units", ("code", "name", "kind"), []) == 0
