-- One event with its work order, clocks, log entries and messages, in one statement and one round trip.
-- Returns no row when the source already sent this reference: then nothing at all is written.
with registry as (
    insert into event_registry (id, number, source, source_ref, received_at)
    select
        :id,
        to_char(now() at time zone 'Asia/Shanghai', 'YYYYMMDD') || '-'
            || lpad(n::text, greatest(6, length(n::text)), '0'),
        :source, :source_ref, now()
    from nextval('event_number') as n
    on conflict (source, source_ref) do nothing
    returning id, number, received_at
),
event as (
    insert into events (
        id, received_at, number, source, source_ref, category, title, description, address,
        reported_at, geometry, accuracy_m, raw_location, reporter, routing, status, grid_code,
        path_codes, boundary_revision, match
    )
    select
        id, received_at, number, :source, :source_ref, :category, :title, :description, :address,
        coalesce(:reported_at, received_at),
        ST_SetSRID(ST_MakePoint(:lon, :lat), 4326), :accuracy_m, :raw_location, :reporter,
        :routing, :status, :grid_code, :path_codes, :boundary_revision, :match
    from registry
),
work_order as (
    insert into work_orders (
        code, event_id, status, level, area_code, unit_code, assignee_id, assignee_role,
        path_codes, dispatched_at, due_at
    )
    select
        'WO' || to_char(now() at time zone 'Asia/Shanghai', 'YYYYMMDD') || '-'
            || lpad(n::text, greatest(6, length(n::text)), '0'),
        registry.id, 'dispatched', :level, :area_code, :unit_code, :assignee_id, :assignee_role,
        :path_codes, now(), :due_at
    from registry, nextval('work_order_number') as n
    where :assignee_id is not null
    returning code
),
entries as (
    insert into log_entries (
        event_id, work_order_code, actor_id, actor_role, action, after, note, boundary_revision,
        place
    )
    select
        registry.id,
        case when entry ->> 'action' = 'dispatch' then (select code from work_order) end,
        :actor_id, :actor_role, entry ->> 'action', entry -> 'after', entry ->> 'note',
        :boundary_revision, ST_SetSRID(ST_MakePoint(:lon, :lat), 4326)
    from registry, jsonb_array_elements(:entries) with ordinality as listed (entry, position)
    order by position
),
started as (
    insert into clocks (
        event_id, work_order_code, stage, amount, unit, started_at, due_at, warn_at, next_at
    )
    select
        registry.id, (select code from work_order), clock ->> 'stage',
        (clock ->> 'amount')::float8, clock ->> 'unit', (clock ->> 'started_at')::timestamptz,
        (clock ->> 'due_at')::timestamptz, (clock ->> 'warn_at')::timestamptz,
        (clock ->> 'next_at')::timestamptz
    from registry, jsonb_array_elements(:clocks) as clock
),
messages as (
    insert into outbox (topic, subject, path_codes, body, actor_id)
    select
        topic, registry.id::text, :path_codes,
        jsonb_build_object(
            'id', registry.id, 'number', registry.number, 'category', :category,
            'routing', :routing, 'status', :status, 'grid', :grid_code,
            'work_order', (select code from work_order), 'boundary_revision', :boundary_revision
        ),
        :actor_id
    from registry, unnest(:topics) with ordinality as listed (topic, position)
    order by position
)
select id, number, received_at, (select code from work_order) as work_order from registry
