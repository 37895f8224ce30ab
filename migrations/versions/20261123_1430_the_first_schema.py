"""The first schema: areas in time, the city, cases, access.

Revision: 20261123_1430, the first.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from geoalchemy2 import Geometry
from sqlalchemy.dialects import postgresql

revision = "20261123_1430"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Create every table, constraint and index."""
    op.execute("set local lock_timeout = '5s'")
    op.execute("create sequence event_number")
    op.execute("create sequence work_order_number")
    op.create_table(
        "areas",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("code_system", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column(
            "retired_at",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="a retired code is never used again",
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_areas")),
        comment="Every code that ever named an area; a code is never reused.",
    )
    op.create_table(
        "boundary_revisions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column(
            "revision",
            sa.Integer(),
            nullable=True,
            comment="given at publication; drafts have none",
        ),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column(
            "source",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column(
            "report",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column(
            "effective_from",
            sa.DateTime(timezone=True),
            nullable=True,
            comment="from when look-ups by `at` see it",
        ),
        sa.CheckConstraint(
            "(status = 'published') = (revision is not null and effective_from is not null)",
            name=op.f("ck_boundary_revisions_published_has_revision"),
        ),
        sa.CheckConstraint(
            "status in ('draft', 'published', 'discarded')",
            name=op.f("ck_boundary_revisions_status"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_boundary_revisions")),
        sa.UniqueConstraint("revision", name=op.f("uq_boundary_revisions_revision")),
        comment="Editions of the boundaries: drafts, and what was published when.",
    )
    op.create_table(
        "buildings",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("geometry", Geometry("POINT", srid=4326, spatial_index=False), nullable=False),
        sa.Column("footprint", Geometry("POLYGON", srid=4326, spatial_index=False), nullable=True),
        sa.Column("floors", sa.Integer(), nullable=True),
        sa.Column("residents", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("households", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("age_0_14", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("age_15_59", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("age_60_plus", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column(
            "tags",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="tag -> people",
        ),
        sa.Column(
            "grid_code",
            sa.Text(),
            nullable=True,
            comment="grid of the position at the revision of the load",
        ),
        sa.CheckConstraint("residents >= 0 and households >= 0", name=op.f("ck_buildings_people")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_buildings")),
        sa.UniqueConstraint("code", name=op.f("uq_buildings_code")),
        comment="Buildings with people and households; counts only, never a person.",
    )
    op.create_index(
        "ix_buildings_geometry", "buildings", ["geometry"], unique=False, postgresql_using="gist"
    )
    op.create_index("ix_buildings_grid_code", "buildings", ["grid_code"], unique=False)
    op.create_table(
        "categories",
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("major_zh", sa.Text(), nullable=False),
        sa.Column("title_zh", sa.Text(), nullable=False),
        sa.Column("title_en", sa.Text(), nullable=False),
        sa.Column("first_responsible", sa.Text(), nullable=False),
        sa.Column("handler_roles", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("duplicate_distance_m", sa.Double(), nullable=False),
        sa.Column("auto_dispatch", sa.Boolean(), nullable=False),
        sa.Column("escalation", postgresql.ARRAY(sa.Text()), nullable=False),
        sa.Column("source", sa.Text(), nullable=False, comment="where the limits come from"),
        sa.Column("active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False, comment="order in lists"),
        sa.CheckConstraint(
            "first_responsible in ('territory', 'owner')",
            name=op.f("ck_categories_first_responsible"),
        ),
        sa.CheckConstraint("kind in ('event', 'component')", name=op.f("ck_categories_kind")),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_categories")),
        comment="Categories 类别 of events and components, who is first, how far a duplicate lies.",
    )
    op.create_table(
        "event_registry",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_ref", sa.Text(), nullable=True),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event_registry")),
        sa.UniqueConstraint("id", "received_at", name=op.f("uq_event_registry_id_received_at")),
        sa.UniqueConstraint("number", name=op.f("uq_event_registry_number")),
        sa.UniqueConstraint(
            "source", "source_ref", name=op.f("uq_event_registry_source_source_ref")
        ),
        comment="One row per event over all partitions: what must be unique for ever.",
    )
    op.create_table(
        "gazetteer_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("full_text", sa.Text(), nullable=False),
        sa.Column("road", sa.Text(), nullable=True),
        sa.Column("house_number", sa.Text(), nullable=True),
        sa.Column("compound", sa.Text(), nullable=True),
        sa.Column("building", sa.Text(), nullable=True),
        sa.Column(
            "aliases", postgresql.ARRAY(sa.Text()), server_default=sa.text("'{}'"), nullable=False
        ),
        sa.Column("geometry", Geometry("POINT", srid=4326, spatial_index=False), nullable=False),
        sa.Column("community_code", sa.Text(), nullable=True),
        sa.Column("uncertainty_m", sa.Double(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_gazetteer_entries")),
        comment="The gazetteer 地名地址库: addresses and places with how sure their position is.",
    )
    op.create_index(
        "ix_gazetteer_entries_compound", "gazetteer_entries", ["compound"], unique=False
    )
    op.create_index(
        "ix_gazetteer_entries_geometry",
        "gazetteer_entries",
        ["geometry"],
        unique=False,
        postgresql_using="gist",
    )
    op.create_index(
        "ix_gazetteer_entries_road_house_number",
        "gazetteer_entries",
        ["road", "house_number"],
        unique=False,
    )
    op.create_table(
        "idempotency_keys",
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("key", sa.Text(), nullable=False),
        sa.Column("request_hash", sa.LargeBinary(), nullable=False),
        sa.Column("status", sa.Integer(), nullable=True),
        sa.Column("response", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("actor_id", "key", name=op.f("pk_idempotency_keys")),
        comment="First answers to writes that carried an Idempotency-Key.",
    )
    op.create_index(
        "ix_idempotency_keys_created_at", "idempotency_keys", ["created_at"], unique=False
    )
    op.create_table(
        "job_openings",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("employer", sa.Text(), nullable=False),
        sa.Column("title", sa.Text(), nullable=False),
        sa.Column("trade", sa.Text(), nullable=False),
        sa.Column("wage_min", sa.Integer(), nullable=True),
        sa.Column("wage_max", sa.Integer(), nullable=True),
        sa.Column("openings", sa.Integer(), nullable=False),
        sa.Column("geometry", Geometry("POINT", srid=4326, spatial_index=False), nullable=False),
        sa.Column("valid", postgresql.TSTZRANGE(), nullable=False),
        sa.CheckConstraint("openings >= 0", name=op.f("ck_job_openings_openings")),
        sa.CheckConstraint("wage_min <= wage_max", name=op.f("ck_job_openings_wage")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_job_openings")),
        comment="Openings 岗位: yuan a month, places to fill.",
    )
    op.create_index(
        "ix_job_openings_geometry",
        "job_openings",
        ["geometry"],
        unique=False,
        postgresql_using="gist",
    )
    op.create_table(
        "outbox",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("topic", sa.Text(), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column(
            "path_codes",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("body", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_outbox")),
        comment="What listeners hear of, written with the change itself.",
    )
    op.create_table(
        "roads",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("class", sa.Text(), nullable=False),
        sa.Column(
            "geometry", Geometry("LINESTRING", srid=4326, spatial_index=False), nullable=False
        ),
        sa.Column("oneway", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("walk", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("ride", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column(
            "owner_unit",
            sa.Text(),
            nullable=True,
            comment="who keeps it, where it is not the area's",
        ),
        sa.Column("length_m", sa.Double(), nullable=False),
        sa.CheckConstraint("length_m > 0", name=op.f("ck_roads_length_m")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roads")),
        sa.UniqueConstraint("code", name=op.f("uq_roads_code")),
        comment="Road edges between junctions; geodesic length in metres.",
    )
    op.create_index(
        "ix_roads_geometry", "roads", ["geometry"], unique=False, postgresql_using="gist"
    )
    op.create_table(
        "stations",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("geometry", Geometry("POINT", srid=4326, spatial_index=False), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column(
            "area_code", sa.Text(), nullable=True, comment="the community that runs it, where known"
        ),
        sa.Column("staffed", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("opening_hours", sa.Text(), nullable=True),
        sa.Column("capacity", sa.Integer(), nullable=True),
        sa.Column(
            "attributes",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column(
            "raw",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
            comment="as delivered",
        ),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("capacity >= 0", name=op.f("ck_stations_capacity")),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_stations")),
        comment="Service stations 驿站/服务站, job-service stations, governance centres.",
    )
    op.create_index(
        "ix_stations_geometry", "stations", ["geometry"], unique=False, postgresql_using="gist"
    )
    op.create_index("ix_stations_kind", "stations", ["kind"], unique=False)
    op.create_table(
        "units",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("area_code", sa.Text(), nullable=True),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_units")),
        comment="Units 处置单位 that act: committees, bureaus, companies.",
    )
    op.create_index("ix_units_area_code", "units", ["area_code"], unique=False)
    op.create_table(
        "area_codes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("area_code", sa.Text(), nullable=False),
        sa.Column("code_system", sa.Text(), nullable=False),
        sa.Column("other_code", sa.Text(), nullable=False),
        sa.Column("name", sa.Text(), nullable=True),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.ForeignKeyConstraint(
            ["area_code"], ["areas.code"], name=op.f("fk_area_codes_area_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_area_codes")),
        sa.UniqueConstraint(
            "area_code",
            "code_system",
            "other_code",
            name=op.f("uq_area_codes_area_code_code_system_other_code"),
        ),
        comment="What other lists call the area. Two lists give one code to different towns.",
    )
    op.create_index("ix_area_codes_other_code", "area_codes", ["other_code"], unique=False)
    op.create_table(
        "area_versions",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("area_code", sa.Text(), nullable=False),
        sa.Column("draft_id", sa.BigInteger(), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("parent_code", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=True),
        sa.Column(
            "categories",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column(
            "geometry", Geometry("MULTIPOLYGON", srid=4326, spatial_index=False), nullable=False
        ),
        sa.Column("households", sa.Integer(), nullable=True),
        sa.Column("residents", sa.Integer(), nullable=True),
        sa.Column(
            "attributes",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column(
            "valid",
            postgresql.TSTZRANGE(),
            nullable=True,
            comment="null while the version is only drafted",
        ),
        sa.Column("added_revision", sa.Integer(), nullable=True),
        sa.Column("retired_revision", sa.Integer(), nullable=True),
        postgresql.ExcludeConstraint(
            (sa.column("area_code"), "="),
            (sa.column("valid"), "&&"),
            where=sa.text("valid is not null"),
            using="gist",
            name="ex_area_versions_one_geometry_at_a_time",
        ),
        sa.CheckConstraint(
            "kind <> 'dedicated' or level = 'grid'",
            name=op.f("ck_area_versions_only_grids_are_dedicated"),
        ),
        sa.CheckConstraint(
            "(valid is null) = (added_revision is null)",
            name=op.f("ck_area_versions_valid_when_published"),
        ),
        sa.ForeignKeyConstraint(
            ["added_revision"],
            ["boundary_revisions.revision"],
            name=op.f("fk_area_versions_added_revision"),
        ),
        sa.ForeignKeyConstraint(
            ["area_code"], ["areas.code"], name=op.f("fk_area_versions_area_code")
        ),
        sa.ForeignKeyConstraint(
            ["draft_id"], ["boundary_revisions.id"], name=op.f("fk_area_versions_draft_id")
        ),
        sa.ForeignKeyConstraint(
            ["retired_revision"],
            ["boundary_revisions.revision"],
            name=op.f("fk_area_versions_retired_revision"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_area_versions")),
        sa.UniqueConstraint(
            "area_code", "draft_id", name=op.f("uq_area_versions_area_code_draft_id")
        ),
        comment="One row per area and period: geometry, name, parent and kind as valid then.",
    )
    op.create_index(
        "ix_area_versions_geometry",
        "area_versions",
        ["geometry"],
        unique=False,
        postgresql_using="gist",
    )
    op.create_index(
        "ix_area_versions_level_added_revision",
        "area_versions",
        ["level", "added_revision"],
        unique=False,
    )
    op.create_index("ix_area_versions_parent_code", "area_versions", ["parent_code"], unique=False)
    op.create_table(
        "category_deadlines",
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("stage", sa.Text(), nullable=False),
        sa.Column("amount", sa.Double(), nullable=False),
        sa.Column("unit", sa.Text(), nullable=False),
        sa.CheckConstraint("amount > 0", name=op.f("ck_category_deadlines_amount")),
        sa.ForeignKeyConstraint(
            ["category"],
            ["categories.key"],
            name=op.f("fk_category_deadlines_category"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("category", "stage", name=op.f("pk_category_deadlines")),
        comment="Limits 时限 of a category by stage, in the units of the calendar.",
    )
    op.create_table(
        "event_truths",
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("grid_code", sa.Text(), nullable=True),
        sa.Column("geometry", Geometry("POINT", srid=4326, spatial_index=False), nullable=True),
        sa.Column("true_crs", sa.Text(), nullable=True),
        sa.Column(
            "facts",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["event_registry.id"], name=op.f("fk_event_truths_event_id")
        ),
        sa.PrimaryKeyConstraint("event_id", name=op.f("pk_event_truths")),
        comment="Known right answers of made or verified events, for evaluation only.",
    )
    op.create_table(
        "events",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("number", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("source_ref", sa.Text(), nullable=True),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("title", sa.Text(), nullable=True),
        sa.Column("description", sa.Text(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("reported_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("geometry", Geometry("POINT", srid=4326, spatial_index=False), nullable=True),
        sa.Column("accuracy_m", sa.Double(), nullable=True),
        sa.Column(
            "raw_location",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="numbers and CRS as they came in",
        ),
        sa.Column(
            "reporter",
            postgresql.JSONB(astext_type=sa.Text()),
            nullable=True,
            comment="name and phone: the handling unit only",
        ),
        sa.Column("routing", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("grid_code", sa.Text(), nullable=True),
        sa.Column(
            "path_codes",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("boundary_revision", sa.Integer(), nullable=True),
        sa.Column("match", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("duplicate_of", sa.Uuid(), nullable=True),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.CheckConstraint(
            "routing in ('auto', 'review', 'outside', 'unrouted')", name=op.f("ck_events_routing")
        ),
        sa.CheckConstraint("duplicate_of <> id", name=op.f("ck_events_no_self_duplicate")),
        sa.ForeignKeyConstraint(
            ["id", "received_at"],
            ["event_registry.id", "event_registry.received_at"],
            name=op.f("fk_events_id_received_at"),
        ),
        sa.PrimaryKeyConstraint("id", "received_at", name=op.f("pk_events")),
        postgresql_partition_by="RANGE (received_at)",
        comment="Events by month of arrival, with what came in and the match that was made of it.",
    )
    op.create_index(
        "ix_events_geometry", "events", ["geometry"], unique=False, postgresql_using="gist"
    )
    op.create_index(
        "ix_events_grid_code_received_at", "events", ["grid_code", "received_at"], unique=False
    )
    op.create_index(
        "ix_events_path_codes", "events", ["path_codes"], unique=False, postgresql_using="gin"
    )
    op.create_index("ix_events_received_at", "events", ["received_at"], unique=False)
    op.create_index("ix_events_status_routing", "events", ["status", "routing"], unique=False)
    op.create_table(
        "job_seekers",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("trade", sa.Text(), nullable=False),
        sa.Column("wage_wish", sa.Integer(), nullable=True),
        sa.Column("household_code", sa.Text(), nullable=True),
        sa.Column(
            "zero_employment_household",
            sa.Boolean(),
            server_default=sa.text("false"),
            nullable=False,
        ),
        sa.Column("building_id", sa.BigInteger(), nullable=True),
        sa.Column("geometry", Geometry("POINT", srid=4326, spatial_index=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["building_id"],
            ["buildings.id"],
            name=op.f("fk_job_seekers_building_id"),
            ondelete="SET NULL",
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_job_seekers")),
        comment="Seekers 求职者 by code, no name; those of zero-employment households come first.",
    )
    op.create_index(
        "ix_job_seekers_geometry",
        "job_seekers",
        ["geometry"],
        unique=False,
        postgresql_using="gist",
    )
    op.create_table(
        "persons",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("code", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("phone", sa.Text(), nullable=True),
        sa.Column("unit_code", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["unit_code"], ["units.code"], name=op.f("fk_persons_unit_code")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_persons")),
        sa.UniqueConstraint("code", name=op.f("uq_persons_code")),
        comment="People of the teams. Their phone is shown to the unit that handles the case.",
    )
    op.create_table(
        "absences",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("during", postgresql.TSTZRANGE(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_absences_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_absences")),
        comment="When a person is not there; their deputy is asked instead.",
    )
    op.create_index("ix_absences_person_id", "absences", ["person_id"], unique=False)
    op.create_table(
        "credentials",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column(
            "secret_hash", sa.LargeBinary(), nullable=False, comment="SHA-256 of 256 random bits"
        ),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column(
            "area_code",
            sa.Text(),
            nullable=True,
            comment="acts only inside this area; null: the whole city",
        ),
        sa.Column("person_id", sa.BigInteger(), nullable=True),
        sa.Column("label", sa.Text(), nullable=False),
        sa.Column("created_by", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True, comment="links work once"),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint(
            "kind in ('token', 'session', 'link')", name=op.f("ck_credentials_kind")
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["persons.id"], name=op.f("fk_credentials_person_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_credentials")),
        sa.UniqueConstraint("secret_hash", name=op.f("uq_credentials_secret_hash")),
        comment="Bearer tokens, console sessions and one-time sign-in links; only hashes are kept.",
    )
    op.create_index("ix_credentials_expires_at", "credentials", ["expires_at"], unique=False)
    op.create_table(
        "duties",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column("person_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.Text(), nullable=False),
        sa.Column("area_code", sa.Text(), nullable=False),
        sa.Column("deputy", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("valid", postgresql.TSTZRANGE(), nullable=False),
        postgresql.ExcludeConstraint(
            (sa.column("person_id"), "="),
            (sa.column("role"), "="),
            (sa.column("area_code"), "="),
            (sa.column("valid"), "&&"),
            using="gist",
            name="ex_duties_once_at_a_time",
        ),
        sa.ForeignKeyConstraint(["person_id"], ["persons.id"], name=op.f("fk_duties_person_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_duties")),
        comment="Duty 值守: the 1+5+N team of an area, with validity.",
    )
    op.create_index("ix_duties_area_code", "duties", ["area_code"], unique=False)
    op.create_table(
        "work_orders",
        sa.Column("code", sa.Text(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("area_code", sa.Text(), nullable=False),
        sa.Column("unit_code", sa.Text(), nullable=False),
        sa.Column("assignee_id", sa.BigInteger(), nullable=False),
        sa.Column("assignee_role", sa.Text(), nullable=False),
        sa.Column(
            "path_codes",
            postgresql.ARRAY(sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("dispatched_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("round", sa.Integer(), server_default=sa.text("1"), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["assignee_id"], ["persons.id"], name=op.f("fk_work_orders_assignee_id")
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["event_registry.id"], name=op.f("fk_work_orders_event_id")
        ),
        sa.ForeignKeyConstraint(
            ["unit_code"], ["units.code"], name=op.f("fk_work_orders_unit_code")
        ),
        sa.PrimaryKeyConstraint("code", name=op.f("pk_work_orders")),
        comment="Who must do what until when. Never an empty assignee.",
    )
    op.create_index(
        "ix_work_orders_assignee_id_status", "work_orders", ["assignee_id", "status"], unique=False
    )
    op.create_index(
        "ix_work_orders_due_at",
        "work_orders",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("closed_at is null"),
    )
    op.create_index("ix_work_orders_event_id", "work_orders", ["event_id"], unique=False)
    op.create_index(
        "ix_work_orders_path_codes",
        "work_orders",
        ["path_codes"],
        unique=False,
        postgresql_using="gin",
    )
    op.create_table(
        "log_entries",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("work_order_code", sa.Text(), nullable=True),
        sa.Column(
            "at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("actor_id", sa.Text(), nullable=False),
        sa.Column("actor_role", sa.Text(), nullable=False),
        sa.Column("action", sa.Text(), nullable=False),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("after", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("boundary_revision", sa.Integer(), nullable=True),
        sa.Column("place", Geometry("POINT", srid=4326, spatial_index=False), nullable=True),
        sa.ForeignKeyConstraint(
            ["event_id"], ["event_registry.id"], name=op.f("fk_log_entries_event_id")
        ),
        sa.ForeignKeyConstraint(
            ["work_order_code"], ["work_orders.code"], name=op.f("fk_log_entries_work_order_code")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_log_entries")),
        comment="The history of a case: append-only, the database refuses changes.",
    )
    op.create_index("ix_log_entries_event_id", "log_entries", ["event_id"], unique=False)
    op.create_table(
        "attachments",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("event_id", sa.Uuid(), nullable=False),
        sa.Column("log_entry_id", sa.BigInteger(), nullable=True),
        sa.Column("media_type", sa.Text(), nullable=False),
        sa.Column("sha256", sa.LargeBinary(), nullable=False),
        sa.Column("byte_size", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column(
            "exif",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default=sa.text("'{}'"),
            nullable=False,
        ),
        sa.Column("place", Geometry("POINT", srid=4326, spatial_index=False), nullable=True),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "byte_size = octet_length(content)", name=op.f("ck_attachments_byte_size")
        ),
        sa.ForeignKeyConstraint(
            ["event_id"], ["event_registry.id"], name=op.f("fk_attachments_event_id")
        ),
        sa.ForeignKeyConstraint(
            ["log_entry_id"], ["log_entries.id"], name=op.f("fk_attachments_log_entry_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachments")),
        comment="Photos of a case, in the same transaction as the case.",
    )
    op.create_index("ix_attachments_event_id", "attachments", ["event_id"], unique=False)


def downgrade() -> None:
    """Take it back; indexes and constraints go with their tables."""
    op.execute("set local lock_timeout = '5s'")
    for table in (
        "attachments",
        "log_entries",
        "work_orders",
        "duties",
        "credentials",
        "absences",
        "persons",
        "job_seekers",
        "events",
        "event_truths",
        "category_deadlines",
        "area_versions",
        "area_codes",
        "units",
        "stations",
        "roads",
        "outbox",
        "job_openings",
        "idempotency_keys",
        "gazetteer_entries",
        "event_registry",
        "categories",
        "buildings",
        "boundary_revisions",
        "areas",
    ):
        op.drop_table(table)
    op.execute("drop sequence event_number, work_order_number")
