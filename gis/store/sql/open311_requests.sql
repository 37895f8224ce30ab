-- Events as Open311 shows them: with the latest work order, the last change and the form's extras.
-- The chosen events are cut to the limit before anything is joined to them.
with chosen as (
    select e.*
    from events as e
    where (cast(:numbers as text[]) is null or e.id = any (
            array(select id from event_registry where number = any (:numbers))))
        and (cast(:since as timestamptz) is null or e.received_at >= :since)
        and (cast(:until as timestamptz) is null or e.received_at < :until)
        and (cast(:categories as text[]) is null or e.category = any (:categories))
        and (cast(:area as text) is null or e.path_codes @> array[cast(:area as text)])
        and (cast(:scope as text) is null or e.path_codes @> array[cast(:scope as text)])
        and (cast(:open as boolean) is null or (e.status = any (:final)) <> :open)
    order by e.received_at desc, e.id desc
    limit :limit offset :offset
)
select
    e.id, e.number, e.source, e.category, c.title_zh, c.title_en, e.description, e.title,
    e.address, e.status, e.received_at, ST_X(e.geometry) as lon, ST_Y(e.geometry) as lat,
    o.code as work_order, o.due_at, u.name as unit_name, x.attributes, x.media_url, x.address_id,
    coalesce(l.at, e.received_at) as updated_at,
    (select min(a.id::text) from attachments as a where a.event_id = e.id) as attachment
from chosen as e
left join categories as c on c.key = e.category
left join open311_requests as x on x.event_id = e.id
left join lateral (
    select * from work_orders as w where w.event_id = e.id
    order by w.round desc, w.code collate "C" desc limit 1
) as o on true
left join units as u on u.code = o.unit_code
left join lateral (
    select max(at) as at from log_entries as g where g.event_id = e.id
) as l on true
order by e.received_at desc, e.id desc
