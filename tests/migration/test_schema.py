"""The schema comes from the migrations, and the models say the same."""

from __future__ import annotations

import psycopg
import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory

from gis.cluster import Cluster
from gis.governance.actors import SYSTEM
from gis.store import schema
from gis.store.tables import metadata
from gis.store.unit_of_work import Database, UnitOfWork
from migrations.compared import include


def test_there_is_one_head() -> None:
    assert len(ScriptDirectory.from_config(schema.configuration()).get_heads()) == 1


def test_up_down_up_leaves_nothing_behind(cluster: Cluster) -> None:
    cluster.create_database("gridward_updown")
    owner = Database(cluster.url("owner", "gridward_updown"), role=None)
    assert schema.upgrade(owner).is_current
    assert schema.downgrade(owner, "base").current is None
    with owner.engine.connect() as connection:
        left = connection.execute(
            sa.text(
                "select relname from pg_class join pg_namespace n on n.oid = relnamespace "
                "where nspname = 'public' and relkind in ('r', 'p', 'S') and relname not in "
                "('spatial_ref_sys', 'alembic_version')"
            )
        ).scalars()
        assert list(left) == []
    assert schema.upgrade(owner).is_current
    owner.close()
    cluster.drop_database("gridward_updown")


def test_models_and_migrations_agree(cluster: Cluster, shared_database: Database) -> None:
    with shared_database.engine.connect() as connection:
        context = MigrationContext.configure(
            connection, opts={"include_object": include, "compare_server_default": True}
        )
        assert compare_metadata(context, metadata) == []


def test_every_geometry_has_a_named_gist_index(work: UnitOfWork) -> None:
    indexed = work.rows(
        sa.text(
            "select f_table_name as table, f_geometry_column as column, exists (select from "
            "pg_indexes where tablename = f_table_name and indexdef like '%USING gist%' and "
            "indexname = 'ix_' || f_table_name || '_' || f_geometry_column) as found "
            "from geometry_columns where f_table_name not like 'events\\_%'"
        )
    )
    missing = {(row["table"], row["column"]) for row in indexed if not row["found"]}
    assert missing == {
        ("buildings", "footprint"),  # drawn through the building's own point
        ("event_truths", "geometry"),
        ("layer_shapes", "geometry"),  # found by layer, band and place in one index
        ("layer_shapes", "label"),  # comes with its shape
        ("log_entries", "place"),
        ("attachments", "place"),
    }


def test_application_role_owns_nothing(work: UnitOfWork) -> None:
    assert work.scalar(sa.text("select current_user")) == "gridward_app"
    owned = work.scalar(
        sa.text(
            "select count(*) from pg_class where relowner = "
            "(select oid from pg_roles where rolname = 'gridward_app')"
        )
    )
    assert owned == 0


def test_actor_stands_in_the_transaction(work: UnitOfWork) -> None:
    assert work.scalar(sa.text("select current_setting('gridward.actor_id')")) == SYSTEM.id
    assert work.scalar(sa.text("select current_setting('gridward.actor_role')")) == SYSTEM.role


@pytest.mark.parametrize(
    "statement",
    [
        "update log_entries set note = 'other'",
        "delete from log_entries",
        "truncate log_entries cascade",
        "delete from events",
        "delete from event_registry",
        "update outbox set topic = 'x'",
        "create table mine (id int)",
        "update alembic_version set version_num = 'x'",
    ],
)
def test_application_cannot_rewrite_history(shared_database: Database, statement: str) -> None:
    with (
        shared_database.engine.connect() as connection,
        pytest.raises(sa.exc.DBAPIError) as refused,
    ):
        connection.execute(sa.text(statement))
    assert isinstance(refused.value.orig, psycopg.errors.InsufficientPrivilege)


def test_not_even_the_owner_rewrites_the_log(cluster: Cluster, own_demo_city: Database) -> None:
    name = own_demo_city.engine.url.database
    owner = Database(cluster.url("owner", name), role=None)
    for statement in (
        "update log_entries set note = 'other'",
        "delete from log_entries",
        "truncate log_entries cascade",
    ):
        with owner.engine.connect() as connection, pytest.raises(sa.exc.DBAPIError) as refused:
            connection.execute(sa.text(statement))
        assert isinstance(refused.value.orig, psycopg.errors.RestrictViolation)
    owner.close()


def test_rows_move_into_their_month_when_it_is_made(database: Database) -> None:
    event = sa.text(
        "with r as (insert into event_registry (id, number, source, received_at) values "
        "(gen_random_uuid(), 'early', 'other', '2031-05-06T00:00Z') returning id, received_at) "
        "insert into events (id, received_at, number, source, reported_at, routing, status, match)"
        " select id, received_at, 'early', 'other', received_at, 'review', 'review', '{}' from r"
    )
    where = sa.text("select tableoid::regclass::text from events where number = 'early'")
    with database.transaction(SYSTEM) as unit:
        unit.execute(event)
        assert unit.scalar(where) == "events_other"
    with database.transaction(SYSTEM) as unit:
        made = unit.scalar(
            sa.text("select ensure_event_partitions('2031-05-01T00:00Z', '2031-06-30T00:00Z')")
        )
        assert made == 2
    with database.transaction(SYSTEM) as unit:
        assert unit.scalar(where) == "events_2031_05"
        again = sa.text("select ensure_event_partitions('2031-05-01T00:00Z', '2031-06-30T00:00Z')")
        assert unit.scalar(again) == 0
