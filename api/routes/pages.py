"""Pages for people: the start page, the interface's documentation, what each problem means."""

from __future__ import annotations

from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Request, Response
from fastapi.responses import FileResponse, JSONResponse
from starlette.concurrency import run_in_threadpool

from api.language import page_language
from api.openapi import routes_of
from api.problems import kinds, status_of
from api.rendering import PAGE_ASSETS, page, page_asset, wants_page
from api.routes.console import user_of
from api.runtime import Runtime, runtime
from api.security import (
    PUBLIC,
    SESSION_COOKIE,
    allow,
    allow_visitor,
    csrf_token,
)
from gis.errors import GovernanceError, NotFound, Unavailable
from gis.governance.actors import ANONYMOUS, ROLES, Actor
from gis.services.overview import CityNumbers, city_numbers, scope_of
from maps import assets
from maps.catalogue import MAPS
from maps.console import pages_for

router = APIRouter(tags=["pages"])

Here = Annotated[Runtime, Depends(runtime)]
Public = Annotated[Actor, Depends(allow(PUBLIC))]

_FOR_EVER: Final = "public, max-age=31536000, immutable"


class ProblemUnknown(NotFound):
    """A problem page for a code that does not exist."""

    code = "problem-unknown"
    title_zh, title_en = "没有这个问题代码", "No such problem code"
    detail_zh = "没有问题代码 {problem}。全部代码见 /problems。"
    detail_en = "There is no problem code {problem}. /problems lists them all."


@router.get("/", summary="Start page", response_class=Response, include_in_schema=False)
async def start(
    request: Request, here: Here, actor: Annotated[Actor, Depends(allow_visitor)]
) -> Response:
    """Show the city, its numbers, and the way to everything that there is."""
    signed_in = actor != ANONYMOUS
    may_read = signed_in or here.settings.public_read
    user: dict[str, Any] | None = None
    numbers: CityNumbers | None = None
    failure: Unavailable | None = None
    if may_read:
        try:
            numbers = await run_in_threadpool(city_numbers, here.database, actor)
            if signed_in:
                scope = await run_in_threadpool(scope_of, here.database, actor)
                user = user_of(actor, scope.name, page_language(request))
        except Unavailable as error:
            failure = error
    session = request.cookies.get(SESSION_COOKIE) if signed_in else None
    return page(
        request,
        "start.html",
        numbers=numbers,
        failure=failure,
        may_read=may_read,
        actor=actor if signed_in else None,
        role=ROLES.get(actor.role),
        user=user,
        csrf=csrf_token(session) if session else None,
        paths=_paths(request),
        console=pages_for(actor.role if signed_in else None),
        maps=[row for row in MAPS.values() if row.seen_by(actor.role)],
    )


@router.get("/docs", summary="Interface", response_class=Response, include_in_schema=False)
async def docs(request: Request, _actor: Public) -> Response:
    """Show the OpenAPI document with Swagger UI, from our own files."""
    return page(
        request,
        "docs.html",
        style=assets.url("/assets/swagger/swagger-ui.css"),
        script=assets.url("/assets/swagger/swagger-ui-bundle.js"),
    )


@router.get("/openapi.json", response_class=Response, include_in_schema=False)
def openapi(request: Request, _actor: Public) -> Response:
    """Return the OpenAPI document of every route."""
    return JSONResponse(request.app.openapi())


@router.get("/problems", summary="Every problem that an answer can name")
async def problems(request: Request, _actor: Public) -> Response:
    """List code, status, titles and sentences: a page for browsers, JSON for programs."""
    rows = [_explained(kind) for kind in kinds().values()]
    if wants_page(request):
        return page(request, "problems.html", problems=rows)
    return JSONResponse({"items": rows, "next": None})


@router.get("/problems/{code}", summary="What a problem means")
async def explain_problem(request: Request, code: str, _actor: Public) -> Response:
    """Explain the problem that an answer's `type` points to."""
    kind = kinds().get(code)
    if kind is None:
        raise ProblemUnknown(problem=code)
    if wants_page(request):
        return page(request, "problems.html", problems=[_explained(kind)])
    return JSONResponse(_explained(kind))


@router.get("/favicon.ico", response_class=Response, include_in_schema=False)
async def favicon(_actor: Public) -> Response:
    """Serve the icon where browsers look for it when a page names none (JSON, a file, a photo)."""
    content, media_type, _etag = page_asset("/assets/pages/icon.svg")
    return Response(content, media_type=media_type, headers={"Cache-Control": "max-age=86400"})


@router.get("/assets/{path:path}", response_class=Response, include_in_schema=False)
def asset(request: Request, path: str, _actor: Public) -> Response:
    """Serve a declared file; with its content hash in ``?v=`` browsers keep it for ever."""
    path = f"/assets/{path}"
    if path in PAGE_ASSETS:
        content, media_type, etag = page_asset(path)
        response = Response(content, media_type=media_type)
    else:
        declared, file = assets.file_of(path)
        etag = assets.content_hash(path)
        zipped = (
            assets.packed(path) if "gzip" in request.headers.get("accept-encoding", "") else None
        )
        if zipped is None:
            response = FileResponse(file, media_type=declared.content_type)
        else:
            response = Response(zipped, media_type=declared.content_type)
            response.headers["Content-Encoding"] = "gzip"
    # one tag for both forms: what they hold is the same, and says so as weak
    response.headers["ETag"] = f'W/"{etag}"'
    response.headers["Vary"] = "Accept-Encoding"
    asked = request.query_params.get("v")
    response.headers["Cache-Control"] = _FOR_EVER if asked == etag else "no-cache"
    if request.headers.get("if-none-match", "").removeprefix("W/") == f'"{etag}"':
        return Response(status_code=304, headers={"ETag": f'W/"{etag}"', "Vary": "Accept-Encoding"})
    return response


def _explained(kind: type[GovernanceError]) -> dict[str, Any]:
    return {
        "type": f"/problems/{kind.code}",
        "code": kind.code,
        "status": status_of(kind),
        "title_zh": kind.title_zh,
        "title_en": kind.title_en,
        "detail_zh": kind.detail_zh,
        "detail_en": kind.detail_en,
    }


def _paths(request: Request) -> frozenset[str]:
    """Return the addresses that exist, so that the page links only what is served."""
    return frozenset(row.path for row in routes_of(request.app))
