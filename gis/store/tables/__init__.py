"""Every table, declared once. Only :mod:`gis.store` imports this package.

Ten rooms: :mod:`areas <gis.store.tables.areas>` (boundaries in time), :mod:`city
<gis.store.tables.city>` (what stands and lives there), :mod:`cases <gis.store.tables.cases>`
(events and work orders), :mod:`feed <gis.store.tables.feed>` (what goes out to systems next door
and what came from them), :mod:`planning <gis.store.tables.planning>` (counts, scenarios),
:mod:`access <gis.store.tables.access>` (sign-in, idempotency), :mod:`jobs
<gis.store.tables.jobs>` (long jobs), :mod:`gazetteer <gis.store.tables.gazetteer>` (names and
addresses), :mod:`community <gis.store.tables.community>` (holidays, owners, deliberations),
:mod:`layers <gis.store.tables.layers>` (what tiles are cut from).
"""

from gis.store.tables.access import credentials, idempotency_keys
from gis.store.tables.areas import (
    area_codes,
    area_lineage,
    area_versions,
    areas,
    boundary_exceptions,
    boundary_revisions,
    draft_retirements,
)
from gis.store.tables.cases import (
    attachments,
    categories,
    category_deadlines,
    clocks,
    duty_rulings,
    event_number,
    event_registry,
    event_truths,
    events,
    log_entries,
    order_returns,
    outbox,
    work_order_number,
    work_orders,
)
from gis.store.tables.city import (
    absences,
    buildings,
    duties,
    job_openings,
    job_seekers,
    persons,
    roads,
    roster_changes,
    stations,
    units,
)
from gis.store.tables.community import (
    deliberation_entries,
    deliberation_number,
    deliberations,
    holiday_notices,
    office_hours,
    owned_assets,
)
from gis.store.tables.feed import (
    hotline_orders,
    open311_requests,
    outbox_pending,
    outbox_sequence,
    webhook_deliveries,
    webhooks,
)
from gis.store.tables.gazetteer import area_aliases, gazetteer_entries, gazetteer_state
from gis.store.tables.jobs import job_reports, periodic_tasks
from gis.store.tables.layers import layer_editions, layer_features, layer_shapes
from gis.store.tables.learning import (
    bad_pins,
    category_precisions,
    confidence_bins,
    corrections,
    learned_exceptions,
    learning_state,
    place_spreads,
    source_errors,
    source_profiles,
    source_readings,
)
from gis.store.tables.metadata import SRID, metadata
from gis.store.tables.planning import data_stamps, people_counts, scenarios

__all__ = [
    "SRID",
    "absences",
    "area_aliases",
    "area_codes",
    "area_lineage",
    "area_versions",
    "areas",
    "attachments",
    "bad_pins",
    "boundary_exceptions",
    "boundary_revisions",
    "buildings",
    "categories",
    "category_deadlines",
    "category_precisions",
    "clocks",
    "confidence_bins",
    "corrections",
    "credentials",
    "data_stamps",
    "deliberation_entries",
    "deliberation_number",
    "deliberations",
    "draft_retirements",
    "duties",
    "duty_rulings",
    "event_number",
    "event_registry",
    "event_truths",
    "events",
    "gazetteer_entries",
    "gazetteer_state",
    "holiday_notices",
    "hotline_orders",
    "idempotency_keys",
    "job_openings",
    "job_reports",
    "job_seekers",
    "layer_editions",
    "layer_features",
    "layer_shapes",
    "learned_exceptions",
    "learning_state",
    "log_entries",
    "metadata",
    "office_hours",
    "open311_requests",
    "order_returns",
    "outbox",
    "outbox_pending",
    "outbox_sequence",
    "owned_assets",
    "people_counts",
    "periodic_tasks",
    "persons",
    "place_spreads",
    "roads",
    "roster_changes",
    "scenarios",
    "source_errors",
    "source_profiles",
    "source_readings",
    "stations",
    "units",
    "webhook_deliveries",
    "webhooks",
    "work_order_number",
    "work_orders",
]
