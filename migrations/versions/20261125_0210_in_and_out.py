"""In and out: photos as they are shown, the outbox in order, webhooks, hotline, Open311.

Revision: 20261125_0210, after 20261125_0150.
"""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "20261125_0210"
down_revision = "20261125_0150"
branch_labels = None
depends_on = None

INSTANT = sa.DateTime(timezone=True)
JSONB = postgresql.JSONB()

GRANTS = (
    ("outbox_pending", "select, insert, delete"),
    ("outbox_sequence", "select, insert"),
    ("webhooks", "select, insert, update"),
    ("webhook_deliveries", "select, insert, update"),
    ("hotline_orders", "select, insert"),
    ("open311_requests", "select, insert"),
)

# Fills the list of messages without a position in the transaction that writes the message, so a
# message that is visible is in the list, and one whose transaction failed is in neither.
LIST_PENDING = """
create function list_outbox_pending() returns trigger language plpgsql as $$
begin
    insert into outbox_pending (outbox_id) select id from fresh;
    return null;
end
$$
"""


def upgrade() -> None:
    """Add the columns, the tables and the trigger, with the rights of the application."""
    op.execute("set local lock_timeout = '5s'")
    _photos()
    _feed()
    _webhooks()
    _sources()
    op.create_index("ix_work_orders_dispatched_at", "work_orders", ["dispatched_at"])
    op.create_index("ix_log_entries_action_at", "log_entries", ["action", "at"])
    for table, rights in GRANTS:
        # Default privileges of a server may have granted more than the table's history allows.
        op.execute(f"revoke all on {table} from gridward_app")
        op.execute(f"grant {rights} on {table} to gridward_app")
    op.execute("grant usage, select on sequence webhook_deliveries_id_seq to gridward_app")


def _photo_columns() -> list[sa.Column[Any]]:
    return [
        sa.Column("shown", sa.LargeBinary(), comment="upright, without any metadata"),
        sa.Column("thumbnail", sa.LargeBinary()),
        sa.Column("width", sa.Integer()),
        sa.Column("height", sa.Integer()),
        sa.Column("file_name", sa.Text()),
    ]


def _photos() -> None:
    for column in _photo_columns():
        op.add_column("attachments", column)
    op.alter_column("attachments", "content", comment="as it came in; never shown")
    op.drop_index("ix_attachments_event_id", "attachments")
    op.create_unique_constraint(
        op.f("uq_attachments_event_id_sha256"), "attachments", ["event_id", "sha256"]
    )


def _feed() -> None:
    op.create_table(
        "outbox_pending",
        sa.Column("outbox_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.PrimaryKeyConstraint("outbox_id", name=op.f("pk_outbox_pending")),
        comment="Messages that are committed and have no position yet; a trigger fills it.",
    )
    op.create_table(
        "outbox_sequence",
        sa.Column("position", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("outbox_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["outbox_id"], ["outbox.id"], name=op.f("fk_outbox_sequence_outbox_id")
        ),
        sa.PrimaryKeyConstraint("position", name=op.f("pk_outbox_sequence")),
        sa.UniqueConstraint("outbox_id", name=op.f("uq_outbox_sequence_outbox_id")),
        comment=(
            "The order in which listeners hear of messages: no gaps, none earlier than one heard."
        ),
    )
    op.execute("insert into outbox_pending (outbox_id) select id from outbox")
    op.execute(LIST_PENDING)
    op.execute(
        "create trigger list_pending after insert on outbox referencing new table as fresh "
        "for each statement execute function list_outbox_pending()"
    )


def _webhooks() -> None:
    op.create_table(
        "webhooks",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("topics", postgresql.ARRAY(sa.Text()), nullable=False, comment="empty: all"),
        sa.Column("area_code", sa.Text(), comment="hears of this area only; null: the whole city"),
        sa.Column(
            "secret",
            sa.Text(),
            nullable=False,
            comment="signs; shown once, never in an answer again",
        ),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("disabled_reason", sa.Text()),
        sa.Column("disabled_at", INSTANT),
        sa.Column(
            "heard_until",
            sa.BigInteger(),
            comment="while disabled: the last position that was queued",
        ),
        sa.Column(
            "failures",
            sa.Integer(),
            server_default=sa.text("0"),
            nullable=False,
            comment="in a row",
        ),
        sa.Column("failing_since", INSTANT),
        sa.Column(
            "paused_until", INSTANT, comment="the host does not answer: nothing is sent before"
        ),
        sa.Column("last_success_at", INSTANT),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state in ('active', 'disabled', 'deleted')", name=op.f("ck_webhooks_state")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhooks")),
        comment="Systems next door that are told of changes.",
    )
    _deliveries()


def _deliveries() -> None:
    op.create_table(
        "webhook_deliveries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("webhook_id", sa.Uuid(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_attempt_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.Column(
            "claimed_until", INSTANT, comment="a worker is sending it; a dead one's claim ends"
        ),
        sa.Column("last_status", sa.Integer()),
        sa.Column("last_error", sa.Text()),
        sa.Column("last_attempt_at", INSTANT),
        sa.Column("delivered_at", INSTANT),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state in ('pending', 'delivered', 'dropped')", name=op.f("ck_webhook_deliveries_state")
        ),
        sa.ForeignKeyConstraint(
            ["webhook_id"], ["webhooks.id"], name=op.f("fk_webhook_deliveries_webhook_id")
        ),
        sa.ForeignKeyConstraint(
            ["position"],
            ["outbox_sequence.position"],
            name=op.f("fk_webhook_deliveries_position"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_deliveries")),
        sa.UniqueConstraint(
            "webhook_id", "position", name=op.f("uq_webhook_deliveries_webhook_id_position")
        ),
        comment="One row per message and recipient: what became of it.",
    )
    op.create_index(
        "ix_webhook_deliveries_next_attempt_at",
        "webhook_deliveries",
        ["next_attempt_at"],
        postgresql_where=sa.text("state = 'pending'"),
    )


def _sources() -> None:
    event = sa.ForeignKeyConstraint
    op.create_table(
        "hotline_orders",
        sa.Column("source_ref", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("profile", sa.Text(), nullable=False),
        sa.Column("raw", JSONB, nullable=False, comment="the row as it came in"),
        sa.Column("doubts", JSONB, nullable=False, comment="what the mapping could not settle"),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        event(["event_id"], ["event_registry.id"], name=op.f("fk_hotline_orders_event_id")),
        sa.PrimaryKeyConstraint("source_ref", name=op.f("pk_hotline_orders")),
        comment="12345 orders as they came in, by the hotline's own number.",
    )
    op.create_index("ix_hotline_orders_event_id", "hotline_orders", ["event_id"])
    op.create_table(
        "open311_requests",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("attributes", JSONB, nullable=False),
        sa.Column("media_url", sa.Text()),
        sa.Column("address_id", sa.Text()),
        sa.Column("account_id", sa.Text()),
        sa.Column("device_id", sa.Text()),
        sa.Column("reporter_email", sa.Text()),
        sa.Column("created_at", INSTANT, server_default=sa.text("now()"), nullable=False),
        event(["event_id"], ["event_registry.id"], name=op.f("fk_open311_requests_event_id")),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_open311_requests")),
        comment="What Open311 knows of a request beyond the event.",
    )


def downgrade() -> None:
    """Take it back."""
    op.execute("set local lock_timeout = '5s'")
    op.drop_index("ix_log_entries_action_at", "log_entries")
    op.drop_index("ix_work_orders_dispatched_at", "work_orders")
    op.execute("drop trigger list_pending on outbox")
    op.execute("drop function list_outbox_pending()")
    for table in (
        "open311_requests",
        "hotline_orders",
        "webhook_deliveries",
        "webhooks",
        "outbox_sequence",
        "outbox_pending",
    ):
        op.drop_table(table)
    op.drop_constraint(op.f("uq_attachments_event_id_sha256"), "attachments")
    op.create_index("ix_attachments_event_id", "attachments", ["event_id"])
    op.alter_column("attachments", "content", comment=None)
    for column in _photo_columns():
        op.drop_column("attachments", column.name)
