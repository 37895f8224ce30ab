"""The closed loop: clocks, returns, final rulings, and who handled an order.

Revision: 20261125_0250, after 20261125_0240.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "20261125_0250"
down_revision = "20261125_0240"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)

GRANTS = (
    ("clocks", "select, insert, update"),
    ("order_returns", "select, insert"),
    ("duty_rulings", "select, insert, update"),
)


def upgrade() -> None:
    """Add it, with the rights of the application."""
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "clocks",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("work_order_code", sa.Text(), nullable=True),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("round", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("amount", sa.Double(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.Column("started_at", INSTANT, nullable=False),
        sa.Column("due_at", INSTANT, nullable=True, comment="null: no calendar covers the limit"),
        sa.Column("warn_at", INSTANT, nullable=True),
        sa.Column("warned", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("overdue", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("supervised", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("escalations", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("escalate_at", INSTANT, nullable=True),
        sa.Column("extensions", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("paused_at", INSTANT, nullable=True),
        sa.Column("next_at", INSTANT, nullable=True, comment="when something has to happen on it"),
        sa.Column("stopped_at", INSTANT, nullable=True),
        sa.Column(
            "stopped_by", sa.Text(), nullable=True, comment="the action that ended the stage"
        ),
        sa.CheckConstraint(
            "due_at is null or due_at >= started_at", name=op.f("ck_clocks_due_after_start")
        ),
        sa.CheckConstraint(
            "stopped_at is null or stopped_at >= started_at", name=op.f("ck_clocks_monotone")
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["event_registry.id"], name=op.f("fk_clocks_event_id")
        ),
        sa.ForeignKeyConstraint(
            ["work_order_code"], ["work_orders.code"], name=op.f("fk_clocks_work_order_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clocks")),
        comment="Clocks 计时: the limit of each stage of a case, and what has been fired on it.",
    )
    op.create_index(
        "ix_clocks_next_at",
        "clocks",
        ["next_at"],
        unique=False,
        postgresql_where=sa.text("stopped_at is null and next_at is not null"),
    )
    op.create_index("ix_clocks_work_order_code", "clocks", ["work_order_code"], unique=False)
    op.create_index(
        "uq_clocks_running",
        "clocks",
        ["event_id", "stage"],
        unique=True,
        postgresql_where=sa.text("stopped_at is null"),
    )
    op.create_table(
        "duty_rulings",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("area_code", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=True),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("work_order_code", sa.Text(), nullable=True),
        sa.Column("exception_id", sa.BigInteger(), nullable=True),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("expires_at", INSTANT, nullable=False),
        sa.Column("ended_at", INSTANT, nullable=True),
        sa.CheckConstraint(
            "unit_code is not null or person_id is not null or exception_id is not null",
            name=op.f("ck_duty_rulings_somebody"),
        ),
        sa.ForeignKeyConstraint(
            ["exception_id"], ["boundary_exceptions.id"], name=op.f("fk_duty_rulings_exception_id")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_duty_rulings_person_id")
        ),
        sa.ForeignKeyConstraint(
            ["unit_code"], ["units.code"], name=op.f("fk_duty_rulings_unit_code")
        ),
        sa.ForeignKeyConstraint(
            ["work_order_code"], ["work_orders.code"], name=op.f("fk_duty_rulings_work_order_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duty_rulings")),
        comment="Final rulings 终审: who answers for a category in an area, until they expire.",
    )
    op.create_index("ix_duty_rulings_area_code", "duty_rulings", ["area_code"], unique=False)
    op.create_table(
        "order_returns",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("work_order_code", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("assignee_id", sa.BigInteger(), nullable=False),
        sa.Column("area_code", sa.Text(), nullable=False),
        sa.Column("ground", sa.Text(), nullable=False),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("evidence", JSONB(), server_default=sa.text("'{}'"), nullable=False),
        sa.ForeignKeyConstraint(
            ["assignee_id"], ["persons.id"], name=op.f("fk_order_returns_assignee_id")
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["event_registry.id"], name=op.f("fk_order_returns_event_id")
        ),
        sa.ForeignKeyConstraint(
            ["work_order_code"], ["work_orders.code"], name=op.f("fk_order_returns_work_order_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_order_returns")),
        comment="Returns 退单 with their ground, and what the map said about it.",
    )
    op.create_index("ix_order_returns_event_id", "order_returns", ["event_id"], unique=False)
    op.add_column(
        "work_orders",
        sa.Column(
            "handler_id", sa.Text(), nullable=True, comment="actor who reported it as handled"
        ),
    )
    op.add_column("work_orders", sa.Column("handler_person_id", sa.BigInteger(), nullable=True))
    op.add_column(
        "work_orders",
        sa.Column("returns", sa.Integer(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column(
        "work_orders",
        sa.Column("reworks", sa.Integer(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column(
        "work_orders",
        sa.Column("extensions", sa.Integer(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column(
        "work_orders",
        sa.Column("escalations", sa.Integer(), server_default=sa.text("0"), nullable=False),
    )
    op.add_column("work_orders", sa.Column("supervised_at", INSTANT, nullable=True))
    op.add_column(
        "work_orders",
        sa.Column("satisfied", sa.Boolean(), nullable=True, comment="what the follow-up heard"),
    )
    op.create_index(
        "uq_work_orders_one_open",
        "work_orders",
        ["event_id"],
        unique=True,
        postgresql_where=sa.text("closed_at is null"),
    )
    op.create_foreign_key(
        op.f("fk_work_orders_handler_person_id"),
        "work_orders",
        "persons",
        ["handler_person_id"],
        ["id"],
    )
    for table, rights in GRANTS:
        # Default privileges of a server may have granted more than the table's history allows.
        op.execute(f"revoke all on {table} from gridward_app")
        op.execute(f"grant {rights} on {table} to gridward_app")
    for sequence in ("clocks_id_seq", "order_returns_id_seq", "duty_rulings_id_seq"):
        op.execute(f"grant usage, select on sequence {sequence} to gridward_app")


def downgrade() -> None:
    """Take it back."""
    op.execute("set local lock_timeout = '5s'")

    op.drop_constraint(op.f("fk_work_orders_handler_person_id"), "work_orders", type_="foreignkey")
    op.drop_index(
        "uq_work_orders_one_open",
        table_name="work_orders",
        postgresql_where=sa.text("closed_at is null"),
    )
    op.drop_column("work_orders", "satisfied")
    op.drop_column("work_orders", "supervised_at")
    op.drop_column("work_orders", "escalations")
    op.drop_column("work_orders", "extensions")
    op.drop_column("work_orders", "reworks")
    op.drop_column("work_orders", "returns")
    op.drop_column("work_orders", "handler_person_id")
    op.drop_column("work_orders", "handler_id")
    op.drop_index("ix_order_returns_event_id", table_name="order_returns")
    op.drop_table("order_returns")
    op.drop_index("ix_duty_rulings_area_code", table_name="duty_rulings")
    op.drop_table("duty_rulings")
    op.drop_index(
        "uq_clocks_running", table_name="clocks", postgresql_where=sa.text("stopped_at is null")
    )
    op.drop_index("ix_clocks_work_order_code", table_name="clocks")
    op.drop_index(
        "ix_clocks_next_at",
        table_name="clocks",
        postgresql_where=sa.text("stopped_at is null and next_at is not null"),
    )
    op.drop_table("clocks")
