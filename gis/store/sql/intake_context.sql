-- All that taking an event in must know first, in one round trip: the boundary revision in force,
-- the stamps of the boundary exceptions (see gis/store/areas.py) and of the roster (gis/store/roster.py),
-- the event that this source already sent under this reference, and the active category.
-- It also lets the statements that follow in the transaction keep their plans: what lies near is asked
-- of twenty monthly partitions twice over, and planning that anew costs four times what running it does.
select
    (
        select revision from boundary_revisions
        where status = 'published' and effective_from <= now()
        order by revision desc limit 1
    ) as revision,
    stamp.written,
    stamp.touched,
    roster.marks,
    roster.sum,
    (
        select id from event_registry where source = :source and source_ref = :source_ref
    ) as known,
    (
        select to_jsonb(c) || jsonb_build_object('deadlines', (
            select coalesce(jsonb_object_agg(d.stage, jsonb_build_array(d.amount, d.unit)), '{}')
            from category_deadlines as d where d.category = c.key
        ))
        from categories as c where c.key = :category and c.active
    ) as category,
    set_config('plan_cache_mode', 'force_generic_plan', true) as plans
from (
    select count(*) as written, coalesce(sum(version), 0) as touched from boundary_exceptions
) as stamp,
(
    select count(*) as marks, coalesce(sum(id), 0) as sum from roster_changes
) as roster
