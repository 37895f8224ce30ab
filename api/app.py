"""The application, built by a function: nothing exists at import."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any, Final

from fastapi import APIRouter, FastAPI
from starlette.concurrency import run_in_threadpool

from api import problems
from api.metrics import Metrics
from api.middleware import BodyGuard, RequestContext
from api.ogc.service import LayerService
from api.ogc.tile_lane import TileLane
from api.openapi import describe
from api.quick import quick_routes
from api.routes import (
    access_and_staffing,
    area_aliases,
    areas,
    attachments,
    boundaries,
    console,
    deliberations,
    employment,
    events,
    health,
    hotline,
    jobs,
    kpis,
    learning,
    maps,
    matching,
    ogc,
    ogc_items,
    ogc_tiles,
    open311,
    pages,
    places,
    planning,
    scenarios,
    sign_in,
    siting,
    stream,
    webhooks,
    work_orders,
)
from api.runtime import Runtime
from api.security import Doorkeeper
from api.stopping import let_go_on_signal
from gis import clock
from gis.services import city_time
from gis.services.experience import KnowledgeBase
from gis.services.feed import Feed
from gis.services.gazetteer import Gazetteer, GazetteerWatch
from gis.services.index_cache import IndexCache
from gis.services.jobs import check_queue
from gis.services.lookup import Boundaries
from gis.services.overview import check_boundaries, check_database, check_schema
from gis.services.pin_match import PinMatchers
from gis.services.revision_watch import RevisionWatch
from gis.services.roster import Rosters
from gis.settings import Settings
from gis.store.unit_of_work import Database

ROUTERS: Final[tuple[APIRouter, ...]] = (
    events.router,
    matching.router,
    ogc_items.router,
    stream.router,
    webhooks.router,
    hotline.router,
    kpis.router,
    open311.router,
    attachments.router,
    areas.router,
    places.router,
    boundaries.router,
    learning.router,
    area_aliases.router,
    planning.router,
    siting.router,
    employment.router,
    scenarios.router,
    access_and_staffing.router,
    work_orders.router,
    deliberations.router,
    jobs.router,
    ogc_tiles.router,
    ogc.router,
    maps.router,
    sign_in.router,
    health.router,
    console.router,
    pages.router,
)
"""Every router, the busiest first: a request is compared with them in this order."""


def create_app(settings: Settings, database: Database) -> FastAPI:
    """Return the application on a database that the caller has opened and will close.

    Needs no connection yet: without a database it starts, and ``/readyz`` says what is missing.
    """
    app = FastAPI(
        title="Gridward",
        summary="城市空间治理服务: which grid owns an event, and what is within reach of whom.",
        version="1",
        docs_url=None,
        redoc_url=None,
        openapi_url=None,
        lifespan=_lifespan,
        telemetry={"tracing": False, "metrics": False, "logs": False},  # asked at every request
    )
    app.state.runtime = _runtime(settings, database)
    problems.install(app)
    for router in ROUTERS:
        app.include_router(router)
    app.openapi = partial(_described, app)  # type: ignore[method-assign]
    routes = tuple(route for router in ROUTERS for route in router.routes)
    app.add_middleware(BodyGuard, limit=settings.max_upload_bytes)
    app.add_middleware(TileLane, routes=routes)
    app.add_middleware(
        RequestContext, metrics=app.state.runtime.metrics, quick=quick_routes(routes)
    )
    return app


def _described(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document, made at the first call."""
    runtime: Runtime = app.state.runtime
    if runtime.openapi is None:
        runtime.openapi = describe(app)
    return runtime.openapi


def _runtime(settings: Settings, database: Database) -> Runtime:
    boundaries = Boundaries(database, IndexCache(settings.home / "cache" / "boundaries"))
    rosters = Rosters(database)
    gazetteer = Gazetteer(database, boundaries)
    boundaries.know(KnowledgeBase(gazetteer, precision=settings.auto_precision))
    metrics = Metrics(database)
    metrics.published_revision = boundaries.loaded_revision
    return Runtime(
        settings=settings,
        database=database,
        doorkeeper=Doorkeeper(database, settings),
        metrics=metrics,
        boundaries=boundaries,
        gazetteer=gazetteer,
        feed=Feed(database, limit=settings.stream_listeners),
        rosters=rosters,
        pins=PinMatchers(boundaries, rosters, settings.auto_threshold),
        layers=LayerService(database, settings),
        checks={
            "database": partial(check_database, database),
            "schema": partial(check_schema, database),
            "boundaries": partial(check_boundaries, database, boundaries),
            "queue": partial(check_queue, database, workers_expected=settings.job_workers > 0),
            "calendar": lambda: city_time.check(database, clock.now()),
        },
    )


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Watch for publications and messages meanwhile. The database belongs to the caller."""
    runtime: Runtime = app.state.runtime
    watch = RevisionWatch(
        runtime.database.url, runtime.boundaries, also=runtime.rosters.refresh
    ).start()
    gazetteer_watch = GazetteerWatch(runtime.gazetteer).start()
    runtime.feed.start()
    runtime.layers.state.start()
    try:
        with let_go_on_signal(runtime.feed):
            yield
    finally:
        await run_in_threadpool(runtime.feed.stop)
        await run_in_threadpool(runtime.layers.close)
        await run_in_threadpool(gazetteer_watch.stop)
        await run_in_threadpool(watch.stop)
