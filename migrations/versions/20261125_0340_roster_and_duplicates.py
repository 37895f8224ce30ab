"""Processes keep the roster in memory: whatever changes it leaves a mark. Duplicates by index.

Revision: 20261125_0340, after 20261125_0330.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "20261125_0340"
down_revision = "20261125_0330"
branch_labels = None
depends_on = None

WATCHED = ("absences", "categories", "category_deadlines", "duties", "persons", "units")

# A row per statement instead of a counter: a counter's row would be locked until the commit, and
# two people who edit the roster would wait for each other. What is a day old is swept by whoever
# comes, without waiting for anybody.
MARK = """
create function mark_roster_change() returns trigger language plpgsql
set search_path = public, pg_temp as $$
begin
    insert into roster_changes (table_name) values (tg_table_name);
    delete from roster_changes where id in (
        select id from roster_changes where created_at < now() - interval '1 day'
        order by id limit 100 for update skip locked
    );
    return null;
end
$$
"""


def upgrade() -> None:
    """Add the marks, their triggers, and the index of duplicates."""
    op.execute("set local lock_timeout = '5s'")
    op.create_table(
        "roster_changes",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("table_name", sa.Text(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("now()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_roster_changes")),
        comment="One row per statement that changed teams or categories, for those who cache them.",
    )
    op.execute("revoke all on roster_changes from gridward_app")
    op.execute("grant select, insert, update, delete on roster_changes to gridward_app")
    op.execute("grant usage, select on sequence roster_changes_id_seq to gridward_app")
    op.execute(MARK)
    for table in WATCHED:
        op.execute(
            f"create trigger mark_roster_change after insert or update or delete or truncate "
            f"on {table} for each statement execute function mark_roster_change()"
        )
    op.alter_column(
        "categories",
        "duplicate_distance_m",
        nullable=True,
        existing_type=sa.Double(),
        comment="null: that of the group; 0: never",
    )
    op.create_index(
        "ix_events_duplicate_of",
        "events",
        ["duplicate_of"],
        unique=False,
        postgresql_where=sa.text("duplicate_of is not null"),
    )


def downgrade() -> None:
    """Take them away."""
    op.execute("set local lock_timeout = '5s'")
    op.drop_index("ix_events_duplicate_of", table_name="events")
    op.execute("update categories set duplicate_distance_m = 50 where duplicate_distance_m is null")
    op.alter_column(
        "categories",
        "duplicate_distance_m",
        nullable=False,
        existing_type=sa.Double(),
        comment=None,
        existing_comment="null: that of the group; 0: never",
    )
    for table in WATCHED:
        op.execute(f"drop trigger mark_roster_change on {table}")
    op.execute("drop function mark_roster_change()")
    op.drop_table("roster_changes")
