"""What a city decides by data: holidays, owners of assets, deliberations.

Revision: 20261125_0330, after 20261125_0320.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

revision = "20261125_0330"
down_revision = "20261125_0320"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)

# Orders from before there were clocks: their limit goes on, what was due long ago fires once.
CLOCKS_OF_OLD_ORDERS = """
insert into clocks (event_id, work_order_code, stage, amount, unit, started_at, due_at, next_at)
select w.event_id, w.code, 'handle', coalesce(d.amount, 5), coalesce(d.unit, 'work_days'),
    w.dispatched_at, w.due_at, w.due_at
from work_orders w join event_registry r on r.id = w.event_id
join events e on e.id = r.id and e.received_at = r.received_at
left join category_deadlines d on d.category = e.category and d.stage = 'handle'
where w.closed_at is null and w.due_at >= w.dispatched_at
and not exists (select from clocks c where c.work_order_code = w.code)
"""

GRANTS = (
    ("holiday_notices", "select, insert, update, delete"),
    ("owned_assets", "select, insert, update"),
    ("deliberations", "select, insert, update"),
    ("deliberation_entries", "select, insert"),
)


def upgrade() -> None:
    """Add it, with the rights of the application."""
    op.execute("set local lock_timeout = '5s'")
    op.execute("create sequence deliberation_number")
    op.create_table(
        "holiday_notices",
        sa.Column("year", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("days_off", ARRAY(sa.Date()), nullable=False),
        sa.Column(
            "makeup_workdays",
            ARRAY(sa.Date()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("imported_by", sa.Text(), nullable=False),
        sa.Column("imported_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("year between 1949 and 2999", name=op.f("ck_holiday_notices_year")),
        sa.PrimaryKeyConstraint("year", name=op.f("pk_holiday_notices")),
        comment="Holiday notices 节假日安排 that a city supplies, before those of the library.",
    )
    op.create_table(
        "deliberations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "geometry",
            Geometry("POINT", srid=4326, spatial_index=False),
            nullable=True,
        ),
        sa.Column("area_code", sa.Text(), nullable=False),
        sa.Column("path_codes", ARRAY(sa.Text()), nullable=False),
        sa.Column(
            "proposer",
            JSONB(),
            nullable=True,
            comment="name and phone: those who deal with it only",
        ),
        sa.Column("event_id", sa.Uuid(), nullable=True),
        sa.Column("due_at", INSTANT, nullable=True, comment="of the stage that it is in"),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("score", sa.Integer(), nullable=True),
        sa.Column("validated_at", INSTANT, nullable=True),
        sa.Column("adopted_at", INSTANT, nullable=True),
        sa.Column("carried_out_at", INSTANT, nullable=True),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("closed_at", INSTANT, nullable=True),
        sa.CheckConstraint("kind in ('matter', 'proposal')", name=op.f("ck_deliberations_kind")),
        sa.CheckConstraint("score between 1 and 5", name=op.f("ck_deliberations_score")),
        sa.ForeignKeyConstraint(
            ["event_id"], ["event_registry.id"], name=op.f("fk_deliberations_event_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliberations")),
        sa.UniqueConstraint("number", name=op.f("uq_deliberations_number")),
        comment="Community matters 议事 and people's proposals 人民建议, with a place on the map.",
    )
    op.create_index("ix_deliberations_created_at", "deliberations", ["created_at"], unique=False)
    op.create_index(
        "ix_deliberations_geometry",
        "deliberations",
        ["geometry"],
        unique=False,
        postgresql_using="gist",
    )
    op.create_index(
        "ix_deliberations_path_codes",
        "deliberations",
        ["path_codes"],
        unique=False,
        postgresql_using="gin",
    )
    op.create_table(
        "owned_assets",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("owner_unit", sa.Text(), nullable=False),
        sa.Column("categories", ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False),
        sa.Column(
            "geometry",
            Geometry("GEOMETRY", srid=4326, spatial_index=False),
            nullable=False,
        ),
        sa.Column("reach_m", sa.Double(), server_default=sa.text("15"), nullable=False),
        sa.Column("retired_at", INSTANT, nullable=True),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("reach_m > 0 and reach_m <= 1000", name=op.f("ck_owned_assets_reach_m")),
        sa.ForeignKeyConstraint(
            ["owner_unit"], ["units.code"], name=op.f("fk_owned_assets_owner_unit")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_owned_assets")),
        comment="Road sections, lamps, covers with an owner 权属 that answers for some categories.",
    )
    op.create_index(
        "ix_owned_assets_geometry",
        "owned_assets",
        ["geometry"],
        unique=False,
        postgresql_using="gist",
    )
    op.create_table(
        "deliberation_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("deliberation_id", sa.Uuid(), nullable=False),
        sa.Column("at", INSTANT, server_default=sa.text("clock_timestamp()"), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("actor_role", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("before", JSONB(), nullable=True),
        sa.Column("after", JSONB(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(
            ["deliberation_id"],
            ["deliberations.id"],
            name=op.f("fk_deliberation_entries_deliberation_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_deliberation_entries")),
        comment="The history of a deliberation: append-only.",
    )
    op.create_index(
        "ix_deliberation_entries_deliberation_id",
        "deliberation_entries",
        ["deliberation_id"],
        unique=False,
    )
    op.execute(CLOCKS_OF_OLD_ORDERS)
    for table, rights in GRANTS:
        # Default privileges of a server may have granted more than the table's history allows.
        op.execute(f"revoke all on {table} from gridward_app")
        op.execute(f"grant {rights} on {table} to gridward_app")
    op.execute(
        "create trigger refuse_change before update or delete on deliberation_entries "
        "for each row execute function refuse_change()"
    )
    op.execute(
        "create trigger refuse_truncate before truncate on deliberation_entries "
        "for each statement execute function refuse_change()"
    )
    for sequence in ("deliberation_entries_id_seq", "deliberation_number"):
        op.execute(f"grant usage, select on sequence {sequence} to gridward_app")


def downgrade() -> None:
    """Take it back."""
    op.execute("set local lock_timeout = '5s'")

    op.drop_index("ix_deliberation_entries_deliberation_id", table_name="deliberation_entries")
    op.drop_table("deliberation_entries")
    op.drop_index("ix_owned_assets_geometry", table_name="owned_assets", postgresql_using="gist")
    op.drop_table("owned_assets")
    op.drop_index("ix_deliberations_path_codes", table_name="deliberations", postgresql_using="gin")
    op.drop_index("ix_deliberations_geometry", table_name="deliberations", postgresql_using="gist")
    op.drop_index("ix_deliberations_created_at", table_name="deliberations")
    op.drop_table("deliberations")
    op.drop_table("holiday_notices")
    op.execute("drop sequence deliberation_number")
