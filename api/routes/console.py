"""The console: its pages, and what a click on the map asks."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta, timezone
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from starlette.concurrency import run_in_threadpool

from api.language import language_of, page_language
from api.openapi import routes_of
from api.problems import dumped, plain
from api.rendering import asset_url, html_page, other_language, page, wants_page
from api.routes.areas import Open, Reader
from api.routes.maps import ground_of
from api.runtime import Runtime
from api.schemas import Coordinate, CrsName
from api.security import PUBLIC, SESSION_COOKIE, allow, csrf_token
from gis import clock
from gis.errors import Language
from gis.governance.actors import ANONYMOUS, NOWHERE, ROLES, Actor
from gis.services.here import here
from gis.services.overview import scope_of
from gis.services.why import why
from maps.console import PAGES, shell

router = APIRouter(tags=["console"])

_BEIJING: Final = timezone(timedelta(hours=8))


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


@router.get(
    "/deliberation", summary="Deliberation", response_class=Response, include_in_schema=False
)
async def deliberation(
    request: Request,
    app: Open,
    actor: Annotated[Actor, Depends(allow(*PAGES["deliberation"].roles))],
) -> Response:
    """The page of community matters and people's proposals."""
    return await _page("deliberation", request, app, actor)


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


@router.get("/why/{event_id}", summary="Why a case went there", response_class=Response)
def explain(
    request: Request,
    app: Open,
    event_id: uuid.UUID,
    _actor: Annotated[Actor, Depends(allow(PUBLIC))],
) -> Response:
    """Explain to the public and to the worker where a case belongs and how far it is."""
    told = why(app.database, event_id, _either_language(request))
    if not wants_page(request):
        return Response(dumped(plain(told)), media_type="application/json")
    return page(request, "why.html", case=told, time=_in_beijing)


def _in_beijing(instant: datetime) -> str:
    return instant.astimezone(_BEIJING).strftime("%Y-%m-%d %H:%M")


def _either_language(request: Request) -> Language:
    """Return the language of a page for browsers, of the header for programs."""
    return page_language(request) if wants_page(request) else language_of(request)


async def _page(key: str, request: Request, app: Runtime, actor: Actor) -> Response:
    language = page_language(request)
    scope = await run_in_threadpool(scope_of, app.database, actor)
    session = request.cookies.get(SESSION_COOKIE) if actor != ANONYMOUS else None
    ground = ground_of(app.settings)
    content = shell(
        key,
        language=language,
        user=None if actor == ANONYMOUS else user_of(actor, scope.name, language),
        csrf=csrf_token(session) if session else None,
        bounds=scope.bounds,
        basemap=None if ground is None else {"url": ground.url, "attribution": ground.attribution},
        features=frozenset(row.path for row in routes_of(request.app)),
        other_language=other_language(request, language),
        style_sheets=[asset_url("/assets/pages/pages.css")],
    )
    return html_page(request, content, language)


def user_of(actor: Actor, area_name: str | None, language: Language) -> dict[str, Any]:
    """Return what a page says about who is signed in: role, and the area's name."""
    title_zh, title_en = ROLES[actor.role]
    if actor.area_code == NOWHERE:  # a worker without a duty, or whose token names nobody
        area_name = "没有责任区" if language == "zh" else "no area"
    return {
        "id": actor.id,
        "role": actor.role,
        "title_zh": title_zh,
        "title_en": title_en,
        "area": actor.area_code,
        "area_name": area_name or actor.area_code,
        "person_id": actor.person_id,
    }
