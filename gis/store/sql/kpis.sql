-- Indicators of a period, one row per key. {event_key} and {order_key} are expressions of this
-- module (gis/store/kpis.py), never of a caller. Every part reads one index range:
-- events by received_at, work orders by dispatched_at, due_at or closed_at, the log by action.
with taken_in as (
    select {event_key} as key, e.*
    from events as e
    where e.received_at >= :since and e.received_at < :until
        and (cast(:area as text) is null or e.path_codes @> array[cast(:area as text)])
),
touched as materialized (
    select * from work_orders as w
    where (
            (w.dispatched_at >= :since and least(w.created_at, w.dispatched_at) < :until)
            or (w.due_at >= :since and w.due_at < :until)
            or w.closed_at >= :since
            or w.closed_at is null
        )
        and (cast(:area as text) is null or w.path_codes @> array[cast(:area as text)])
),
orders as (
    select w.*, least(w.created_at, w.dispatched_at) as first_at, e.source, e.category,
        e.routing as event_routing, e.status as event_status, e.received_at,
        coalesce(
            (
                select max(c.stopped_at) from clocks as c
                where c.work_order_code = w.code and c.stage = 'handle' and c.stopped_by = 'resolve'
            ),
            w.closed_at
        ) as finished_at,
        {order_key} as key
    from touched as w
    join event_registry as r on r.id = w.event_id
    join events as e on e.id = r.id and e.received_at = r.received_at
),
dispatched as (
    select o.key, o.event_id, o.event_routing,
        o.returns = 0 and not exists (
            select from log_entries as l
            where l.event_id = o.event_id and l.at > o.first_at
                and l.action in ('send_back', 'transfer', 'rule', 'confirm_grid', 'move',
                    'recategorise')
        ) as right_first_time,
        coalesce(
            (
                select l.after ->> 'routing' = 'auto' from log_entries as l
                where l.event_id = o.event_id and l.action = 'report' order by l.id limit 1
            ),
            o.event_routing = 'auto'
        ) as by_itself
    from orders as o
    where o.first_at >= :since and o.first_at < :until
        and not exists (
            select from work_orders as before
            where before.event_id = o.event_id
                and (least(before.created_at, before.dispatched_at), before.code)
                    < (o.first_at, o.code)
        )
),
due as (
    select o.*
    from orders as o
    where o.due_at >= :since and o.due_at < :until
        and o.status not in ('suspended', 'void', 'duplicate', 'rejected')
),
measured (key, measure, amount) as (
    select key, 'reported', count(*)::float8 from taken_in group by key
    union all
    select key, 'found_actively', count(*) from taken_in
    where source in ('patrol', 'video', 'courier') group by key
    union all
    select key, 'filed', count(*) from taken_in
    where status not in ('review', 'unrouted', 'outside', 'rejected', 'duplicate', 'void')
    group by key
    union all
    select key, 'dispatched', count(*) from dispatched group by key
    union all
    select key, 'right_first_time', count(*) from dispatched where right_first_time group by key
    union all
    select key, 'auto', count(*) from dispatched where by_itself group by key
    union all
    select key, 'due', count(*) from due group by key
    union all
    select key, 'due_closed', count(*) from due where status = 'closed' group by key
    union all
    select key, 'closed_on_time', count(*) from due
    where status = 'closed' and finished_at <= due_at group by key
    union all
    select key, 'handled_on_time', count(*) from due where finished_at <= due_at group by key
    union all
    select key, 'closed', count(*) from orders
    where status = 'closed' and closed_at >= :since and closed_at < :until group by key
    union all
    select key, 'suspended', count(*) from orders
    where status = 'suspended' and first_at < :until group by key
    union all
    select key, 'overdue_open', count(*) from orders
    where closed_at is null and finished_at is null and status <> 'suspended'
        and due_at < least(:until, :now) group by key
    union all
    select key, 'handled', count(*) from orders
    where finished_at >= :since and finished_at < :until group by key
    union all
    select key, 'handling_hours', sum(extract(epoch from finished_at - first_at)) / 3600
    from orders where finished_at >= :since and finished_at < :until group by key
    union all
    select o.key, 'rework', count(*)
    from log_entries as l
    join orders as o on o.code = l.work_order_code
    where l.action = 'rework' and l.at >= :since and l.at < :until group by o.key
)
select key, jsonb_object_agg(measure, amount) as amounts
from measured group by key order by key collate "C" nulls last
