"""Planning: when the city's tables last changed, people counted by area or cell, and scenarios.

Revision: 20261125_0300, after 20261125_0250.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "20261125_0300"
down_revision = "20261125_0250"
branch_labels = None
depends_on = None

STAMPED = ("stations", "buildings", "roads", "job_openings", "job_seekers", "people_counts")

GRANTS = (
    ("data_stamps", "select"),  # written by triggers only
    ("people_counts", "select, insert, update, delete"),
    ("scenarios", "select, insert, update, delete"),
)

# One row for each table that planning keeps in memory. A stamp is never used twice, so that a
# restored backup cannot look like what was there before it.
STAMP = """
create function stamp_data() returns trigger
    language plpgsql security definer set search_path = public, pg_temp as $$
begin
    insert into data_stamps (subject) values (tg_table_name)
    on conflict (subject) do update
        set stamp = gen_random_uuid(), changed_at = clock_timestamp();
    return null;
end
$$
"""


def upgrade() -> None:
    """Add the tables, and the triggers that stamp what changes."""
    op.execute("set local lock_timeout = '5s'")
    _data_stamps()
    _people_counts()
    _scenarios()
    op.execute(STAMP)
    for table in STAMPED:
        op.execute(
            f"create trigger stamp_data after insert or update or delete or truncate on {table} "
            "for each statement execute function stamp_data()"
        )
    op.bulk_insert(
        sa.table("data_stamps", sa.column("subject", sa.Text())),
        [{"subject": table} for table in STAMPED],
    )
    for table, rights in GRANTS:
        op.execute(f"revoke all on {table} from gridward_app")
        op.execute(f"grant {rights} on {table} to gridward_app")
    for table in ("people_counts", "scenarios"):
        op.execute(f"grant usage, select on sequence {table}_id_seq to gridward_app")


def _data_stamps() -> None:
    op.create_table(
        "data_stamps",
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("stamp", sa.Uuid(), server_default=sa.text("gen_random_uuid()"), nullable=False),
        sa.Column(
            "changed_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("subject", name=op.f("pk_data_stamps")),
        comment="When a table last changed; a stamp that is still the same says that it did not.",
    )


def _people_counts() -> None:
    zero = sa.text("0")
    op.create_table(
        "people_counts",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("series", sa.Text(), nullable=False, comment="one count of the whole city"),
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("geometry", Geometry("MULTIPOLYGON", srid=4326, spatial_index=False)),
        sa.Column("residents", sa.Integer(), nullable=False),
        sa.Column("households", sa.Integer(), server_default=zero, nullable=False),
        sa.Column("age_0_14", sa.Integer(), server_default=zero, nullable=False),
        sa.Column("age_15_59", sa.Integer(), server_default=zero, nullable=False),
        sa.Column("age_60_plus", sa.Integer(), server_default=zero, nullable=False),
        sa.Column("measured_on", sa.Date(), nullable=True),
        sa.CheckConstraint(
            "residents >= 0 and households >= 0", name=op.f("ck_people_counts_people")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_people_counts")),
        sa.UniqueConstraint("series", "code", name=op.f("uq_people_counts_series_code")),
        comment=(
            "People counted by area or grid cell, to be spread over homes; without a geometry the "
            "code names an area."
        ),
    )
    op.create_index(
        "ix_people_counts_geometry", "people_counts", ["geometry"], postgresql_using="gist"
    )


def _scenarios() -> None:
    json = postgresql.JSONB()
    op.create_table(
        "scenarios",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("area_code", sa.Text(), nullable=True, comment="whose planners may see it"),
        sa.Column("question", json, nullable=False),
        sa.Column("answer", json, nullable=False),
        sa.Column("basis", json, nullable=False, comment="boundary revision and data dates"),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scenarios")),
        sa.UniqueConstraint("name", name=op.f("uq_scenarios_name")),
        comment="Planning questions that were saved with their answers, to be compared.",
    )


def downgrade() -> None:
    """Take it away again."""
    op.execute("set local lock_timeout = '5s'")
    for table in STAMPED:
        op.execute(f"drop trigger stamp_data on {table}")
    op.execute("drop function stamp_data()")
    for table in ("scenarios", "people_counts", "data_stamps"):
        op.drop_table(table)
