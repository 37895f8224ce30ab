"""Maps 地图: the index, and each map as a page that stands alone."""

from __future__ import annotations

from datetime import UTC, date, timedelta, timezone
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import Field

from api.language import page_language, tag_of
from api.rendering import page
from api.runtime import Runtime, runtime
from api.schemas import AreaCode, Line
from api.security import allow_public_read
from gis import clock
from gis.errors import Language
from gis.governance.actors import ANONYMOUS, Actor
from gis.services.planning import LARGEST_RADIUS_M, Planner
from gis.settings import Settings
from maps.catalogue import MAPS, MapRequest, row_of
from maps.folium_map import BaseMap

router = APIRouter(prefix="/maps", tags=["maps"])

Reader = Annotated[Actor, Depends(allow_public_read)]
Open = Annotated[Runtime, Depends(runtime)]

_BEIJING: Final = timezone(timedelta(hours=8))
RadiusQuery = Annotated[
    float,
    Query(gt=0, le=LARGEST_RADIUS_M, allow_inf_nan=False, description="半径(米)/ metres"),
]
Kinds = Annotated[
    list[Line] | None,
    Query(description="站点类别,可重复或用逗号分隔 / kinds of stations, repeated or by comma"),
    Field(max_length=50),
]


@router.get("", summary="Every map", response_class=Response)
def index(request: Request, actor: Reader) -> Response:
    """List the maps that the caller may see."""
    shown = [row for row in MAPS.values() if row.public or actor != ANONYMOUS]
    return page(request, "maps.html", maps=shown)


@router.get("/{key}", summary="One map as a page", response_class=Response)
def one(
    request: Request,
    app: Open,
    actor: Reader,
    key: Annotated[Line, Path()],
    area: AreaCode | None = None,
    radius_m: RadiusQuery = 3000.0,
    kinds: Kinds = None,
    draft: Annotated[
        int | None, Query(ge=1, le=2**63 - 1, description="边界草稿 / number of a boundary draft")
    ] = None,
) -> Response:
    """Draw the map of today; `?lang=en` for English. Needs no other host."""
    language = page_language(request)
    asked = MapRequest(
        language=language,
        drawn_on=today(),
        area=area,
        radius_m=radius_m,
        kinds=tuple(kind for part in kinds or () for kind in part.split(",") if kind),
        draft=draft,
        ground=ground_of(app.settings),
        links=_links(request, language),
    )
    drawn = row_of(key).draw(Planner(app.database, actor), asked)
    return Response(
        drawn.content,
        media_type="text/html; charset=utf-8",
        headers={
            "Content-Security-Policy": drawn.content_security_policy,
            "Content-Language": tag_of(language),
            "Cache-Control": "no-store",
        },
    )


def today() -> date:
    """Return the date in the city (China has one time zone and no summer time)."""
    return clock.now().astimezone(UTC).astimezone(_BEIJING).date()


def ground_of(settings: Settings) -> BaseMap | None:
    """Return the base map of the settings."""
    if not settings.basemap_url:
        return None
    return BaseMap(settings.basemap_url, settings.basemap_attribution)


def _links(request: Request, language: Language) -> tuple[tuple[str, str], ...]:
    other = request.url.include_query_params(lang="en" if language == "zh" else "zh")
    back, switch = ("全部地图", "English") if language == "zh" else ("All maps", "中文")
    return (("/maps", back), (f"{other.path}?{other.query}", switch))
