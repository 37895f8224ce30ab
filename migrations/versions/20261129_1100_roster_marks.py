"""Holidays and office hours mark the roster, too; once in a transaction.

Revision: 20261129_1100, after 20261129_1045.
"""

from __future__ import annotations

from alembic import op

revision = "20261129_1100"
down_revision = "20261129_1045"
branch_labels = None
depends_on = None

WATCHED = ("holiday_notices", "office_hours")

SWEEP = """
    insert into roster_changes (table_name) values (tg_table_name);
    delete from roster_changes where id in (
        select id from roster_changes where created_at < now() - interval '1 day'
        order by id limit 100 for update skip locked
    );
"""

# Every event reads the stamp, so there should be few rows to add up: an import that writes 50,000
# rows one by one leaves one. The setting goes back with a savepoint, as the row does.
ONCE = f"""
create or replace function mark_roster_change() returns trigger language plpgsql
set search_path = public, pg_temp as $$
begin
    if current_setting('gridward.roster_marked_by', true)
        is not distinct from pg_current_xact_id()::text
    then
        return null;
    end if;
    {SWEEP}
    perform set_config('gridward.roster_marked_by', pg_current_xact_id()::text, true);
    return null;
end
$$
"""
ALWAYS = f"""
create or replace function mark_roster_change() returns trigger language plpgsql
set search_path = public, pg_temp as $$
begin
    {SWEEP}
    return null;
end
$$
"""


def upgrade() -> None:
    """Mark once in a transaction, and for these tables as well."""
    op.execute("set local lock_timeout = '5s'")
    op.execute(ONCE)
    for table in WATCHED:
        op.execute(
            f"create trigger mark_roster_change after insert or update or delete or truncate "
            f"on {table} for each statement execute function mark_roster_change()"
        )


def downgrade() -> None:
    """Mark as before."""
    op.execute("set local lock_timeout = '5s'")
    for table in WATCHED:
        op.execute(f"drop trigger mark_roster_change on {table}")
    op.execute(ALWAYS)
