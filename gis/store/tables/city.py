"""What stands and lives in the city: stations, buildings, roads, places, teams, jobs."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    Double,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Table,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB, TSTZRANGE, ExcludeConstraint

from gis.store.tables.metadata import Instant, created_at, geometry_column, gist, key, metadata

stations = Table(
    "stations",
    metadata,
    Column("code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    key("kind"),
    geometry_column("POINT"),
    Column("address", Text),
    Column("area_code", Text, comment="the community that runs it, where known"),
    Column("staffed", Boolean, nullable=False, server_default=text("true")),
    Column("opening_hours", Text),
    Column("capacity", Integer),
    Column("attributes", JSONB, nullable=False, server_default=text("'{}'")),
    Column("raw", JSONB, nullable=False, server_default=text("'{}'"), comment="as delivered"),
    created_at(),
    Column("closed_at", Instant),
    CheckConstraint("capacity >= 0", name="capacity"),
    gist("stations"),
    Index("ix_stations_kind", "kind"),
    comment="Service stations 驿站/服务站, job-service stations, governance centres.",
)

buildings = Table(
    "buildings",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("code", Text),
    Column("name", Text),
    key("kind"),
    geometry_column("POINT"),
    geometry_column("POLYGON", "footprint", nullable=True),
    Column("floors", Integer),
    Column("residents", Integer, nullable=False, server_default=text("0")),
    Column("households", Integer, nullable=False, server_default=text("0")),
    Column("age_0_14", Integer, nullable=False, server_default=text("0")),
    Column("age_15_59", Integer, nullable=False, server_default=text("0")),
    Column("age_60_plus", Integer, nullable=False, server_default=text("0")),
    Column("tags", JSONB, nullable=False, server_default=text("'{}'"), comment="tag -> people"),
    Column("grid_code", Text, comment="grid of the position at the revision of the load"),
    UniqueConstraint("code"),
    CheckConstraint("residents >= 0 and households >= 0", name="people"),
    gist("buildings"),
    Index("ix_buildings_grid_code", "grid_code"),
    comment="Buildings with people and households; counts only, never a person.",
)

roads = Table(
    "roads",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("code", Text),
    Column("name", Text),
    key("class"),
    geometry_column("LINESTRING"),
    Column("oneway", Boolean, nullable=False, server_default=text("false")),
    Column("walk", Boolean, nullable=False, server_default=text("true")),
    Column("ride", Boolean, nullable=False, server_default=text("true")),
    Column("owner_unit", Text, comment="who keeps it, where it is not the area's"),
    Column("length_m", Double, nullable=False),
    CheckConstraint("length_m > 0", name="length_m"),
    UniqueConstraint("code"),
    gist("roads"),
    comment="Road edges between junctions; geodesic length in metres.",
)

units = Table(
    "units",
    metadata,
    Column("code", Text, primary_key=True),
    Column("name", Text, nullable=False),
    key("kind"),
    Column("area_code", Text),
    Column("phone", Text),
    Index("ix_units_area_code", "area_code"),
    comment="Units 处置单位 that act: committees, bureaus, companies.",
)

persons = Table(
    "persons",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("code", Text),
    Column("name", Text, nullable=False),
    Column("phone", Text),
    Column("unit_code", Text, ForeignKey("units.code")),
    UniqueConstraint("code"),
    comment="People of the teams. Their phone is shown to the unit that handles the case.",
)

duties = Table(
    "duties",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("person_id", BigInteger, ForeignKey("persons.id"), nullable=False),
    key("role"),
    Column("area_code", Text, nullable=False),
    Column("deputy", Boolean, nullable=False, server_default=text("false")),
    Column("valid", TSTZRANGE, nullable=False),
    ExcludeConstraint(
        ("person_id", "="),
        ("role", "="),
        ("area_code", "="),
        ("valid", "&&"),
        name="ex_duties_once_at_a_time",
        using="gist",
    ),
    Index("ix_duties_area_code", "area_code"),
    comment="Duty 值守: the 1+5+N team of an area, with validity.",
)

absences = Table(
    "absences",
    metadata,
    Column("id", BigInteger, Identity(), primary_key=True),
    Column("person_id", BigInteger, ForeignKey("persons.id"), nullable=False),
    Column("during", TSTZRANGE, nullable=False),
    Column("reason", Text),
    Index("ix_absences_person_id", "person_id"),
    comment="When a person is not there; their deputy is asked instead.",
)

roster_changes = Table(
    "roster_changes",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("table_name", Text, nullable=False),
    created_at(),
    comment="One row per statement that changed teams or categories, for those who cache them.",
)

job_openings = Table(
    "job_openings",
    metadata,
    Column("code", Text, primary_key=True),
    Column("employer", Text, nullable=False),
    Column("title", Text, nullable=False),
    key("trade"),
    Column("wage_min", Integer),
    Column("wage_max", Integer),
    Column("openings", Integer, nullable=False),
    geometry_column("POINT"),
    Column("valid", TSTZRANGE, nullable=False),
    CheckConstraint("openings >= 0", name="openings"),
    CheckConstraint("wage_min <= wage_max", name="wage"),
    gist("job_openings"),
    comment="Openings 岗位: yuan a month, places to fill.",
)

job_seekers = Table(
    "job_seekers",
    metadata,
    Column("code", Text, primary_key=True),
    key("trade"),
    Column("wage_wish", Integer),
    Column("household_code", Text),
    Column("zero_employment_household", Boolean, nullable=False, server_default=text("false")),
    Column("building_id", BigInteger, ForeignKey("buildings.id", ondelete="SET NULL")),
    geometry_column("POINT"),
    created_at(),
    gist("job_seekers"),
    comment="Seekers 求职者 by code, no name; those of zero-employment households come first.",
)
