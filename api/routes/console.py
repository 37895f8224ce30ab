"""The console: its pages, and what a click on the map asks."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from api.language import page_language
from api.openapi import routes_of
from api.rendering import asset_url, html_page, other_language
from api.routes.areas import Open, Reader
from api.routes.maps import ground_of
from api.runtime import Runtime
from api.schemas import Coordinate, CrsName
from api.security import SESSION_COOKIE, allow, csrf_token
from gis import clock
from gis.governance.actors import ANONYMOUS, ROLES, Actor
from gis.services.here import here
from gis.services.overview import scope_of
from maps.console import PAGES, shell

router = APIRouter(tags=["console"])


@router.get("/v1/here", summary="Whose place is this, and what is near")
def what_is_here(
    app: Open,
    actor: Reader,
    lon: Annotated[Coordinate, Query(description="经度或东坐标 / longitude, or easting")],
    lat: Annotated[Coordinate, Query(description="纬度或北坐标 / latitude, or northing")],
    crs: CrsName = "WGS84",
) -> dict[str, Any]:
    """The answer of `/v1/areas/at`, who answers for it (no phone), and the nearest stations."""
    return here(app.database, app.boundaries, actor, lon=lon, lat=lat, crs=crs, now=clock.now())


@router.get("/dispatch", summary="Dispatch", response_class=Response, include_in_schema=False)
async def dispatch(
    request: Request,
    app: Open,
    actor: Annotated[Actor, Depends(allow(*PAGES["dispatch"].roles))],
) -> Response:
    """The dispatcher's page."""
    return await _page("dispatch", request, app, actor)


@router.get("/plan", summary="Plan", response_class=Response, include_in_schema=False)
async def plan(
    request: Request,
    app: Open,
    actor: Annotated[Actor, Depends(allow(*PAGES["plan"].roles))],
) -> Response:
    """The planner's page."""
    return await _page("plan", request, app, actor)


@router.get("/browse", summary="Browse", response_class=Response, include_in_schema=False)
async def browse(request: Request, app: Open, actor: Reader) -> Response:
    """The map viewer's page."""
    return await _page("browse", request, app, actor)


@router.get("/mine", summary="Mine", response_class=Response, include_in_schema=False)
async def mine(
    request: Request,
    app: Open,
    actor: Annotated[Actor, Depends(allow(*PAGES["mine"].roles))],
) -> Response:
    """The grid worker's page."""
    return await _page("mine", request, app, actor)


async def _page(key: str, request: Request, app: Runtime, actor: Actor) -> Response:
    language = page_language(request)
    scope = await run_in_threadpool(scope_of, app.database, actor)
    session = request.cookies.get(SESSION_COOKIE) if actor != ANONYMOUS else None
    ground = ground_of(app.settings)
    content = shell(
        key,
        language=language,
        user=None if actor == ANONYMOUS else _user(actor, scope.name),
        csrf=csrf_token(session) if session else None,
        bounds=scope.bounds,
        basemap=None if ground is None else {"url": ground.url, "attribution": ground.attribution},
        features=frozenset(row.path for row in routes_of(request.app)),
        other_language=other_language(request, language),
        style_sheets=[asset_url("/assets/pages/pages.css")],
    )
    return html_page(request, content, language)


def _user(actor: Actor, area_name: str | None) -> dict[str, Any]:
    title_zh, title_en = ROLES[actor.role]
    return {
        "id": actor.id,
        "role": actor.role,
        "title_zh": title_zh,
        "title_en": title_en,
        "area": actor.area_code,
        "area_name": area_name or actor.area_code,
        "person_id": actor.person_id,
    }
