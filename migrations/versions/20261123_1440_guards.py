"""What the database itself guards: roles, append-only history, monthly partitions, notices.

Revision: 20261123_1440, after 20261123_1430.
"""

from __future__ import annotations

from alembic import op

revision = "20261123_1440"
down_revision = "20261123_1430"
branch_labels = None
depends_on = None

# The application may add and change, but never take away what is history.
NEVER_DELETED = (
    "areas",
    "attachments",
    "event_registry",
    "event_truths",
    "events",
    "log_entries",
    "outbox",
    "work_orders",
)
NEVER_CHANGED = ("attachments", "log_entries", "outbox")

ROLE = """
do $$
begin
    if not exists (select from pg_roles where rolname = 'gridward_app') then
        create role gridward_app nologin;
        execute format('grant gridward_app to %I', current_user);
    end if;
    if not pg_has_role(current_user, 'gridward_app', 'member')
       and (select rolsuper or rolcreaterole from pg_roles where rolname = current_user) then
        execute format('grant gridward_app to %I', current_user);
    end if;
end
$$
"""

REFUSE_CHANGE = """
create function refuse_change() returns trigger language plpgsql as $$
begin
    raise exception 'rows of % are history and stay as they are', tg_table_name
        using errcode = 'restrict_violation';
end
$$
"""

# Runs with the owner's rights: the application adds months, it does not own the table. Rows that
# arrived in the default partition before their month existed move into it.
ENSURE_PARTITIONS = """
create function ensure_event_partitions(first_at timestamptz, last_at timestamptz)
returns integer language plpgsql security definer set search_path = public, pg_temp as $$
declare
    month timestamp := date_trunc('month', first_at at time zone 'UTC');
    last_month timestamp := date_trunc('month', last_at at time zone 'UTC');
    name text;
    made integer := 0;
begin
    if last_month > month + interval '40 years' then
        raise exception 'refusing to make partitions for more than 40 years';
    end if;
    perform pg_advisory_xact_lock(hashtext('ensure_event_partitions'));
    while month <= last_month loop
        name := format('events_%s', to_char(month, 'YYYY_MM'));
        if to_regclass(name) is null then
            execute format('create table %I (like events including defaults including constraints)',
                           name);
            execute format(
                'with moved as (delete from events_other where received_at >= %L '
                'and received_at < %L returning *) insert into %I select * from moved',
                month at time zone 'UTC', (month + interval '1 month') at time zone 'UTC', name);
            execute format(
                'alter table events attach partition %I for values from (%L) to (%L)',
                name, month at time zone 'UTC', (month + interval '1 month') at time zone 'UTC');
            made := made + 1;
        end if;
        month := month + interval '1 month';
    end loop;
    return made;
end
$$
"""

ANALYZE_CITY = """
create function analyze_city() returns void
language plpgsql security definer set search_path = public, pg_temp as $$
begin
    analyze areas, area_versions, stations, buildings, roads, gazetteer_entries, persons, duties,
        event_registry, events, work_orders, log_entries, job_openings, job_seekers;
end
$$
"""

NOTIFY_REVISION = """
create function notify_boundary_revision() returns trigger language plpgsql as $$
begin
    perform pg_notify('gridward_boundaries', new.revision::text);
    return null;
end
$$
"""


def upgrade() -> None:
    """Make the role, the guards, the partitions and the notices."""
    op.execute("set local lock_timeout = '5s'")
    op.execute(ROLE)
    op.execute("create table events_other partition of events default")
    op.execute(ENSURE_PARTITIONS)
    op.execute("select ensure_event_partitions(now(), now() + interval '3 months')")
    op.execute(ANALYZE_CITY)
    op.execute(REFUSE_CHANGE)
    for table in NEVER_CHANGED:
        op.execute(
            f"create trigger refuse_change before update or delete on {table} "
            "for each row execute function refuse_change()"
        )
        op.execute(
            f"create trigger refuse_truncate before truncate on {table} "
            "for each statement execute function refuse_change()"
        )
    op.execute(NOTIFY_REVISION)
    op.execute(
        "create trigger notify_boundary_revision after insert or update on boundary_revisions "
        "for each row when (new.status = 'published') execute function notify_boundary_revision()"
    )
    op.execute("grant usage on schema public to gridward_app")
    op.execute(
        "grant select, insert, update, delete on all tables in schema public to gridward_app"
    )
    op.execute("grant usage, select on all sequences in schema public to gridward_app")
    op.execute(f"revoke delete on {', '.join(NEVER_DELETED)} from gridward_app")
    op.execute(f"revoke update on {', '.join(NEVER_CHANGED)} from gridward_app")
    op.execute("revoke insert, update, delete on alembic_version from gridward_app")
    for function in ("ensure_event_partitions(timestamptz, timestamptz)", "analyze_city()"):
        op.execute(f"revoke execute on function {function} from public")
        op.execute(f"grant execute on function {function} to gridward_app")


def downgrade() -> None:
    """Take the guards back; the role stays, other databases of the server may use it."""
    op.execute("set local lock_timeout = '5s'")
    op.execute("revoke all on all sequences in schema public from gridward_app")
    op.execute("revoke all on all tables in schema public from gridward_app")
    op.execute("revoke usage on schema public from gridward_app")
    op.execute("drop trigger notify_boundary_revision on boundary_revisions")
    op.execute("drop function notify_boundary_revision()")
    for table in NEVER_CHANGED:
        op.execute(f"drop trigger refuse_change on {table}")
        op.execute(f"drop trigger refuse_truncate on {table}")
    op.execute("drop function refuse_change()")
    op.execute("drop function analyze_city()")
    op.execute("drop function ensure_event_partitions(timestamptz, timestamptz)")
    op.execute(
        "do $$ declare part regclass; begin for part in select inhrelid::regclass from pg_inherits "
        "where inhparent = 'events'::regclass loop execute 'drop table ' || part; end loop; end $$"
    )
