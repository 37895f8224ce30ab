-- Give every committed message without a position the next ones, and put it into the queue of each
-- webhook that wants it. Runs under the lock of gis/store/feed.py, taken in an earlier statement,
-- so that this one's snapshot holds every position given before. A message whose transaction
-- commits late gets a late position: nobody has heard a later one.
with taken as (
    delete from outbox_pending
    where outbox_id in (select outbox_id from outbox_pending order by outbox_id limit :most)
    returning outbox_id
),
numbered as (
    insert into outbox_sequence (position, outbox_id)
    select
        coalesce((select max(position) from outbox_sequence), 0)
            + row_number() over (order by outbox_id),
        outbox_id
    from taken
    returning position, outbox_id
),
queued as (
    insert into webhook_deliveries (webhook_id, position, state)
    select w.id, n.position, 'pending'
    from numbered as n
    join outbox as o on o.id = n.outbox_id
    join webhooks as w on w.state = 'active'
        and (cardinality(w.topics) = 0 or o.topic = any (w.topics))
        and (w.area_code is null or w.area_code = any (o.path_codes))
    order by n.position
    returning webhook_id
)
select
    (select count(*) from numbered) as numbered,
    (
        select coalesce(array_agg(distinct webhook_id), '{}') from queued
    ) as webhooks
