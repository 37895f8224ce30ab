"""Maps 地图: the index, and each map as a page that stands alone."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, date, timedelta, timezone
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BeforeValidator, Field

from api.language import page_language, tag_of
from api.rendering import page
from api.runtime import Runtime, runtime
from api.schemas import AreaCode, Instant, Line
from api.security import allow_public_read
from gis import clock
from gis.errors import Language, NoPublishedBoundary
from gis.governance.actors import Actor
from gis.services.planning import LARGEST_RADIUS_M, Planner
from gis.settings import Settings
from maps.catalogue import MAPS, MapRequest, drawn
from maps.folium_map import BaseMap, render
from maps.paper import Format, Paper

router = APIRouter(prefix="/maps", tags=["maps"])

Reader = Annotated[Actor, Depends(allow_public_read)]
Open = Annotated[Runtime, Depends(runtime)]

MapKey = Annotated[Line, Path()]

_MEDIA_TYPES: Final[dict[Format, str]] = {"png": "image/png", "pdf": "application/pdf"}
_BEIJING: Final = timezone(timedelta(hours=8))
# a form sends a field that was left alone as an empty word
_OrNone: Final = BeforeValidator(lambda said: said or None)
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
def index(request: Request, app: Open, actor: Reader) -> Response:
    """List the maps that the caller may see."""
    shown = [row for row in MAPS.values() if row.seen_by(actor.role)]
    try:
        counties, _ = app.boundaries.listing(actor, level="county", limit=1000)
    except NoPublishedBoundary:
        counties = []
    return page(request, "maps.html", maps=shown, areas=counties)


@dataclass(frozen=True, slots=True)
class _Asked:
    """The parameters that maps have in common: each map reads those that its row names."""

    area: Annotated[AreaCode | None, _OrNone] = None
    radius_m: RadiusQuery = 3000.0
    kinds: Kinds = None
    reach: Annotated[
        Literal["straight", "network"],
        Query(description="straight 直线 / geodesic; network 路网 / along roads"),
    ] = "straight"
    mode: Annotated[Literal["walk", "ride"], Query(description="步行或骑行 / along roads")] = "walk"
    draft: Annotated[
        int | None,
        Query(ge=1, le=2**63 - 1, description="边界草稿 / number of a boundary draft"),
        _OrNone,
    ] = None

    boundaries_at: Annotated[
        Instant | None, Query(description="按此时刻的边界 / areas as in force then; default now")
    ] = None

    def request(self, language: Language) -> MapRequest:
        """Return what a map is asked, today."""
        return MapRequest(
            language=language,
            drawn_on=today(),
            area=self.area,
            radius_m=self.radius_m,
            kinds=tuple(kind for part in self.kinds or () for kind in part.split(",") if kind),
            reach=self.reach,
            mode=self.mode,
            draft=self.draft,
            boundaries_at=self.boundaries_at,
        )


Asked = Annotated[_Asked, Depends()]
PaperQuery = Annotated[Paper, Query(description="纸张 / paper")]


@router.get("/{key}.png", summary="One map as a picture", response_class=Response)
def picture(
    request: Request, app: Open, actor: Reader, key: MapKey, asked: Asked, paper: PaperQuery = "a4"
) -> Response:
    """Draw the map of today on a sheet of A4 or A3, at 150 dots an inch."""
    return _sheet(request, app, actor, key, asked, "png", paper)


@router.get("/{key}.pdf", summary="One map as a document", response_class=Response)
def document(
    request: Request, app: Open, actor: Reader, key: MapKey, asked: Asked, paper: PaperQuery = "a4"
) -> Response:
    """Draw the map of today on a sheet of A4 or A3, for printing."""
    return _sheet(request, app, actor, key, asked, "pdf", paper)


@router.get("/{key}", summary="One map as a page", response_class=Response)
def one(request: Request, app: Open, actor: Reader, key: MapKey, asked: Asked) -> Response:
    """Draw the map of today; `?lang=en` for English. Needs no other host."""
    language = page_language(request)
    drawing = drawn(Planner(app.database, actor), key, asked.request(language))
    made = render(drawing, ground=ground_of(app.settings), links=_links(request, language))
    return Response(
        made.content,
        media_type="text/html; charset=utf-8",
        headers={
            "Content-Security-Policy": made.content_security_policy,
            "Content-Language": tag_of(language),
            "Cache-Control": "no-store",
        },
    )


def _sheet(
    request: Request,
    app: Runtime,
    actor: Actor,
    key: str,
    asked: _Asked,
    form: Format,
    paper: Paper,
) -> Response:
    # matplotlib takes a third of a second to import: only those who print wait for it
    from maps.printing import printed  # noqa: PLC0415

    language = page_language(request)
    drawing = drawn(Planner(app.database, actor), key, asked.request(language))
    return Response(
        printed(drawing, form, paper),
        media_type=_MEDIA_TYPES[form],
        headers={
            "Content-Disposition": f'inline; filename="{key}.{form}"',
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
    query = f"?{request.url.query}" if request.url.query else ""
    return (
        ("/maps", back),
        (f"{request.url.path}.pdf{query}", "PDF"),
        (f"{request.url.path}.png{query}", "PNG"),
        (f"{other.path}?{other.query}", switch),
    )
