"""Who may come in, and which writes were already answered."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from gis.store.tables.metadata import Instant, created_at, key, metadata

credentials = Table(
    "credentials",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    key("kind"),
    Column("secret_hash", LargeBinary, nullable=False, comment="SHA-256 of 256 random bits"),
    key("role"),
    Column("area_code", Text, comment="acts only inside this area; null: the whole city"),
    Column("person_id", BigInteger, ForeignKey("persons.id")),
    Column("label", Text, nullable=False),
    Column("created_by", Text, nullable=False),
    created_at(),
    Column("expires_at", Instant, nullable=False),
    Column("used_at", Instant, comment="links work once"),
    Column("revoked_at", Instant),
    UniqueConstraint("secret_hash"),
    CheckConstraint("kind in ('token', 'session', 'link')", name="kind"),
    Index("ix_credentials_expires_at", "expires_at"),
    comment="Bearer tokens, console sessions and one-time sign-in links; only hashes are kept.",
)

idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("actor_id", Text, nullable=False),
    Column("key", Text, nullable=False),
    Column("request_hash", LargeBinary, nullable=False),
    Column("status", Integer),
    Column("response", JSONB),
    Column("created_at", Instant, nullable=False, server_default=text("now()")),
    PrimaryKeyConstraint("actor_id", "key"),
    Index("ix_idempotency_keys_created_at", "created_at"),
    comment="First answers to writes that carried an Idempotency-Key.",
)
