"""Indicators 考核指标 of a period, as JSON, CSV and XLSX."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Annotated, Any, Final, Literal

from fastapi import APIRouter, Depends, Query, Request, Response

from api.language import language_of
from api.routes.areas import Open
from api.runtime import Runtime
from api.schemas import AreaCode, Instant
from api.security import allow
from gis import clock
from gis.errors import Language
from gis.governance.actors import Actor
from gis.services import kpis
from layers.files.sheets import csv_of, xlsx_of

router = APIRouter(prefix="/v1", tags=["events"])

Reader = Annotated[Actor, Depends(allow("dispatcher", "planner", "grid_worker"))]
By = Literal[
    "all", "county", "subdistrict", "community", "grid", "unit", "category", "source", "month"
]
Month = Annotated[str | None, Query(pattern=r"^\d{4}-\d{2}$", examples=["2026-10"])]
From = Annotated[Instant | None, Query(alias="from")]
To = Annotated[Instant | None, Query(alias="to")]

_XLSX: Final = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@router.get("/kpis", summary="Indicators of a period")
def indicators(
    request: Request,
    app: Open,
    actor: Reader,
    area: AreaCode | None = None,
    since: From = None,
    until: To = None,
    month: Month = None,
    by: By = "all",
) -> dict[str, Any]:
    """Return indicators of a period (this month by default), total and by key."""
    asked = _period(since, until, month)
    return _sheet(app, actor, area, asked, by, language_of(request))


@router.get(
    "/kpis.{form}",
    summary="Indicators of a period as a sheet",
    response_class=Response,
    responses={200: {"content": {"text/csv": {}, _XLSX: {}}}},
)
def as_sheet(
    request: Request,
    app: Open,
    actor: Reader,
    form: Literal["csv", "xlsx"],
    area: AreaCode | None = None,
    since: From = None,
    until: To = None,
    month: Month = None,
    by: By = "subdistrict",
) -> Response:
    """Return the monthly sheet, a row for each subdistrict unless asked otherwise."""
    asked, language = _period(since, until, month), language_of(request)
    rows = kpis.table(_sheet(app, actor, area, asked, by, language), language)
    name = f"kpis-{asked[0].astimezone(kpis.SHANGHAI):%Y-%m}.{form}"
    headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
    if form == "csv":
        return Response(csv_of(rows), media_type="text/csv; charset=utf-8", headers=headers)
    return Response(workbook(rows), media_type=_XLSX, headers=headers)


def workbook(rows: list[list[Any]]) -> bytes:
    """Return the sheet as a workbook, ratios in per cent."""
    shares = {2 + place for place, one in enumerate(kpis.INDICATORS.values()) if one.share}
    return xlsx_of(rows, "KPI", shares)


def _sheet(
    app: Runtime,
    actor: Actor,
    area: str | None,
    period: tuple[datetime, datetime],
    by: str,
    language: Language,
) -> dict[str, Any]:
    return kpis.sheet(
        app.database,
        actor,
        area=area,
        since=period[0],
        until=period[1],
        now=clock.now(),
        by=by,
        language=language,
    )


def _period(
    since: datetime | None, until: datetime | None, month: str | None
) -> tuple[datetime, datetime]:
    """Return the period that is asked for: a month, a span, or this month until now."""
    if month is not None:
        return kpis.month_of(month)
    last = until or clock.now() + timedelta(seconds=1)
    start = last.astimezone(kpis.SHANGHAI).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    return since or start, last
