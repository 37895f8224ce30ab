"""Events 事件, work orders 工单, their log, and what is sent out about them."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    ForeignKeyConstraint,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Sequence,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB

from gis.store.tables.metadata import Instant, created_at, geometry_column, gist, key, metadata

event_number = Sequence("event_number", metadata=metadata)
work_order_number = Sequence("work_order_number", metadata=metadata)

categories = Table(
    "categories",
    metadata,
    Column("key", Text, primary_key=True),
    key("kind"),
    Column("major_zh", Text, nullable=False),
    Column("title_zh", Text, nullable=False),
    Column("title_en", Text, nullable=False),
    key("first_responsible"),
    Column("handler_roles", ARRAY(Text), nullable=False),
    Column("duplicate_distance_m", Double, nullable=False),
    Column("auto_dispatch", Boolean, nullable=False),
    Column("escalation", ARRAY(Text), nullable=False),
    Column("source", Text, nullable=False, comment="where the limits come from"),
    Column("active", Boolean, nullable=False, server_default=text("true")),
    Column("position", Integer, nullable=False, comment="order in lists"),
    CheckConstraint("kind in ('event', 'component')", name="kind"),
    CheckConstraint("first_responsible in ('territory', 'owner')", name="first_responsible"),
    comment="Categories 类别 of events and components, who is first, how far a duplicate lies.",
)

category_deadlines = Table(
    "category_deadlines",
    metadata,
    Column("category", Text, ForeignKey("categories.key", ondelete="CASCADE"), nullable=False),
    key("stage"),
    Column("amount", Double, nullable=False),
    key("unit"),
    PrimaryKeyConstraint("category", "stage"),
    CheckConstraint("amount > 0", name="amount"),
    comment="Limits 时限 of a category by stage, in the units of the calendar.",
)

event_registry = Table(
    "event_registry",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("number", Text, nullable=False),
    key("source"),
    Column("source_ref", Text),
    Column("received_at", Instant, nullable=False),
    UniqueConstraint("number"),
    UniqueConstraint("source", "source_ref"),
    UniqueConstraint("id", "received_at"),
    comment="One row per event over all partitions: what must be unique for ever.",
)

events = Table(
    "events",
    metadata,
    Column("id", Uuid, nullable=False),
    Column("received_at", Instant, nullable=False),
    Column("number", Text, nullable=False),
    key("source"),
    Column("source_ref", Text),
    key("category", nullable=True),
    Column("title", Text),
    Column("description", Text),
    Column("address", Text),
    Column("reported_at", Instant, nullable=False),
    geometry_column("POINT", nullable=True),
    Column("accuracy_m", Double),
    Column("raw_location", JSONB, comment="numbers and CRS as they came in"),
    Column("reporter", JSONB, comment="name and phone: the handling unit only"),
    key("routing"),
    key("status", nullable=False),
    Column("grid_code", Text),
    Column("path_codes", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("boundary_revision", Integer),
    Column("match", JSONB, nullable=False),
    Column("duplicate_of", Uuid),
    Column("version", Integer, nullable=False, server_default=text("1")),
    PrimaryKeyConstraint("id", "received_at"),
    ForeignKeyConstraint(
        ["id", "received_at"], ["event_registry.id", "event_registry.received_at"]
    ),
    CheckConstraint("routing in ('auto', 'review', 'outside', 'unrouted')", name="routing"),
    CheckConstraint("duplicate_of <> id", name="no_self_duplicate"),
    gist("events"),
    Index("ix_events_received_at", "received_at"),
    Index("ix_events_grid_code_received_at", "grid_code", "received_at"),
    Index("ix_events_path_codes", "path_codes", postgresql_using="gin"),
    Index("ix_events_status_routing", "status", "routing"),
    postgresql_partition_by="RANGE (received_at)",
    comment="Events by month of arrival, with what came in and the match that was made of it.",
)

event_truths = Table(
    "event_truths",
    metadata,
    Column("event_id", Uuid, ForeignKey("event_registry.id"), primary_key=True),
    Column("grid_code", Text),
    geometry_column("POINT", nullable=True),
    Column("true_crs", Text),
    Column("facts", JSONB, nullable=False, server_default=text("'{}'")),
    comment="Known right answers of made or verified events, for evaluation only.",
)

work_orders = Table(
    "work_orders",
    metadata,
    Column("code", Text, primary_key=True),
    Column("event_id", Uuid, ForeignKey("event_registry.id"), nullable=False),
    key("status"),
    Column("version", Integer, nullable=False, server_default=text("1")),
    key("level"),
    Column("area_code", Text, nullable=False),
    Column("unit_code", Text, ForeignKey("units.code"), nullable=False),
    Column("assignee_id", BigInteger, ForeignKey("persons.id"), nullable=False),
    key("assignee_role"),
    Column("path_codes", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("dispatched_at", Instant, nullable=False),
    Column("due_at", Instant),
    Column("closed_at", Instant),
    Column("round", Integer, nullable=False, server_default=text("1")),
    created_at(),
    Index("ix_work_orders_event_id", "event_id"),
    Index("ix_work_orders_assignee_id_status", "assignee_id", "status"),
    Index("ix_work_orders_due_at", "due_at", postgresql_where=text("closed_at is null")),
    Index("ix_work_orders_path_codes", "path_codes", postgresql_using="gin"),
    comment="Who must do what until when. Never an empty assignee.",
)

log_entries = Table(
    "log_entries",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("event_id", Uuid, ForeignKey("event_registry.id"), nullable=False),
    Column("work_order_code", Text, ForeignKey("work_orders.code")),
    Column("at", Instant, nullable=False, server_default=text("clock_timestamp()")),
    Column("actor_id", Text, nullable=False),
    Column("actor_role", Text, nullable=False),
    key("action"),
    Column("before", JSONB),
    Column("after", JSONB),
    Column("note", Text),
    Column("boundary_revision", Integer),
    geometry_column("POINT", "place", nullable=True),
    Index("ix_log_entries_event_id", "event_id"),
    comment="The history of a case: append-only, the database refuses changes.",
)

attachments = Table(
    "attachments",
    metadata,
    Column("id", Uuid, primary_key=True),
    Column("event_id", Uuid, ForeignKey("event_registry.id"), nullable=False),
    Column("log_entry_id", BigInteger, ForeignKey("log_entries.id")),
    Column("media_type", Text, nullable=False),
    Column("sha256", LargeBinary, nullable=False),
    Column("byte_size", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("exif", JSONB, nullable=False, server_default=text("'{}'")),
    geometry_column("POINT", "place", nullable=True),
    created_at(),
    CheckConstraint("byte_size = octet_length(content)", name="byte_size"),
    Index("ix_attachments_event_id", "event_id"),
    comment="Photos of a case, in the same transaction as the case.",
)

outbox = Table(
    "outbox",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("topic", Text, nullable=False),
    Column("subject", Text, nullable=False),
    Column("path_codes", ARRAY(Text), nullable=False, server_default=text("'{}'")),
    Column("body", JSONB, nullable=False),
    Column("actor_id", Text, nullable=False),
    created_at(),
    comment="What listeners hear of, written with the change itself.",
)
