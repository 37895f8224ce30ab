"""Areas 区域: which ones own a point, one by code, lists."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import AfterValidator
from starlette.concurrency import run_in_threadpool

from api.runtime import Runtime, runtime
from api.schemas import (
    DEFAULT_LIMIT,
    AreaCode,
    Coordinate,
    CrsName,
    Instant,
    Limit,
    Line,
    cursor,
    keys_of,
)
from api.security import allow_public_read
from gis.governance.actors import Actor
from gis.governance.areas import LEVELS

router = APIRouter(prefix="/v1/areas", tags=["areas"])

Reader = Annotated[Actor, Depends(allow_public_read)]
Open = Annotated[Runtime, Depends(runtime)]
At = Annotated[Instant | None, Query(description="边界时点,缺省为现在 / instant; default now")]
Cursor = Annotated[str | None, AfterValidator(lambda text: text if keys_of(text) else None)]


def _level(text: str) -> str:
    if text not in LEVELS:
        raise ValueError(f"must be one of {', '.join(LEVELS)}")
    return text


LevelName = Annotated[str, AfterValidator(_level)]
Level = Annotated[LevelName, Query(description=f"one of {', '.join(LEVELS)}")]


@router.get("/at", summary="Which areas own a point", response_model=None)
async def at(
    app: Open,
    actor: Reader,
    lon: Annotated[Coordinate, Query(description="经度或东坐标 / longitude, or easting")],
    lat: Annotated[Coordinate, Query(description="纬度或北坐标 / latitude, or northing")],
    crs: CrsName = "WGS84",
    at: At = None,
) -> dict[str, Any]:
    """Path from city to grid, distance to the nearest edge, and whether it is ambiguous."""
    if at is None:
        answer = app.boundaries.at_now(lon, lat, crs)
        if answer is not None:
            return answer
    return await run_in_threadpool(app.boundaries.at, actor, lon=lon, lat=lat, crs=crs, at=at)


@router.get("", summary="Areas by level, parent or name")
def listing(
    request: Request,
    app: Open,
    actor: Reader,
    level: Level | None = None,
    parent: AreaCode | None = None,
    q: Annotated[Line | None, Query(description="名称的一部分 / part of the name")] = None,
    at: At = None,
    after: Annotated[Cursor, Query(alias="cursor")] = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, Any]:
    """Areas without geometry, by code."""
    items, more = app.boundaries.listing(
        actor,
        level=level,
        parent=parent,
        text=q,
        at=at,
        after=None if after is None else str(keys_of(after)[0]),
        limit=limit,
    )
    following = None
    if more:
        url = request.url.include_query_params(cursor=cursor(items[-1]["code"]))
        following = f"{url.path}?{url.query}"
    return {"items": items, "next": following}


@router.get("/{code}", summary="One area as a GeoJSON feature")
def one(
    app: Open, actor: Reader, code: Annotated[AreaCode, Path()], at: At = None
) -> dict[str, Any]:
    """Geometry and properties of one area."""
    return app.boundaries.feature(actor, code, at)
