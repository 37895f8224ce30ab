"""The outbox in order, and who outside gets what of it."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from gis.store.tables.metadata import Instant, created_at, key, metadata

outbox_pending = Table(
    "outbox_pending",
    metadata,
    Column("outbox_id", BigInteger, primary_key=True, autoincrement=False),
    comment="Messages that are committed and have no position yet; a trigger fills it.",
)

outbox_sequence = Table(
    "outbox_sequence",
    metadata,
    Column("position", BigInteger, primary_key=True, autoincrement=False),
    Column("outbox_id", BigInteger, ForeignKey("outbox.id"), nullable=False),
    UniqueConstraint("outbox_id"),
    comment="The order in which listeners hear of messages: no gaps, none earlier than one heard.",
)

webhooks = Table(
    "webhooks",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("url", Text, nullable=False),
    Column("title", Text, nullable=False),
    Column("topics", ARRAY(Text), nullable=False, comment="empty: all"),
    Column("area_code", Text, comment="hears of this area only; null: the whole city"),
    Column("secret", Text, nullable=False, comment="signs; shown once, never in an answer again"),
    Column("former_secret", Text, comment="signs as well, until former_until"),
    Column("former_until", Instant),
    key("state"),
    Column("disabled_reason", Text),
    Column("disabled_at", Instant),
    Column("heard_until", BigInteger, comment="while disabled: the last position that was queued"),
    Column("failures", Integer, nullable=False, server_default=text("0"), comment="in a row"),
    Column("failing_since", Instant),
    Column("paused_until", Instant, comment="the host does not answer: nothing is sent before"),
    Column("last_success_at", Instant),
    Column("created_by", Text, nullable=False),
    created_at(),
    CheckConstraint("state in ('active', 'disabled', 'deleted')", name="state"),
    comment="Systems next door that are told of changes.",
)

webhook_deliveries = Table(
    "webhook_deliveries",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("webhook_id", Uuid, ForeignKey("webhooks.id"), nullable=False),
    Column("position", BigInteger, ForeignKey("outbox_sequence.position"), nullable=False),
    key("state"),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    Column("next_attempt_at", Instant, nullable=False, server_default=text("now()")),
    Column("claimed_until", Instant, comment="a worker is sending it; a dead one's claim ends"),
    Column("last_status", Integer),
    Column("last_error", Text),
    Column("last_attempt_at", Instant),
    Column("delivered_at", Instant),
    created_at(),
    UniqueConstraint("webhook_id", "position"),
    CheckConstraint("state in ('pending', 'delivered', 'dropped')", name="state"),
    Index(
        "ix_webhook_deliveries_next_attempt_at",
        "next_attempt_at",
        postgresql_where=text("state = 'pending'"),
    ),
    comment="One row per message and recipient: what became of it.",
)

hotline_orders = Table(
    "hotline_orders",
    metadata,
    Column("source_ref", Text, nullable=False),
    Column("event_id", Uuid, ForeignKey("event_registry.id"), nullable=False),
    Column("profile", Text, nullable=False),
    Column("raw", JSONB, nullable=False, comment="the row as it came in"),
    Column("doubts", JSONB, nullable=False, comment="what the mapping could not settle"),
    created_at(),
    PrimaryKeyConstraint("source_ref"),
    Index("ix_hotline_orders_event_id", "event_id"),
    comment="12345 orders as they came in, by the hotline's own number.",
)

open311_requests = Table(
    "open311_requests",
    metadata,
    Column("event_id", Uuid, ForeignKey("event_registry.id"), primary_key=True),
    Column("attributes", JSONB, nullable=False),
    Column("media_url", Text),
    Column("address_id", Text),
    Column("account_id", Text),
    Column("device_id", Text),
    Column("reporter_email", Text),
    created_at(),
    comment="What Open311 knows of a request beyond the event.",
)
