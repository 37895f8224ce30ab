"""Coverage 覆盖: who is within reach of which stations."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from api.runtime import Runtime, runtime
from api.schemas import AreaCode, Line
from api.security import allow_public_read
from gis.governance.actors import Actor
from gis.services import planning

router = APIRouter(prefix="/v1", tags=["coverage"])

Reader = Annotated[Actor, Depends(allow_public_read)]
Open = Annotated[Runtime, Depends(runtime)]


class CoverageQuestion(BaseModel):
    """Asks who is within reach of stations of some kinds."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"radius_m": 3000, "reach": "straight", "area": "341102"}]},
    )

    kinds: Annotated[
        list[Line] | None,
        Field(
            max_length=50,
            description="站点类别,空为全部 / kinds of stations; none or empty: every open station",
        ),
    ] = None
    radius_m: Annotated[
        float,
        Field(
            gt=0,
            le=planning.LARGEST_RADIUS_M,
            allow_inf_nan=False,
            description="服务半径(米),边界上算覆盖 / metres; at the radius counts as covered",
        ),
    ] = 3000.0
    reach: Annotated[
        Literal["straight", "network"],
        Field(description="straight 直线(大地线)/ geodesic; network 路网 / along roads"),
    ] = "straight"
    area: Annotated[
        AreaCode | None,
        Field(description="统计范围的区域编码,空为全市 / code of the area; none: the whole city"),
    ] = None
    by: Annotated[
        planning.Level, Field(description="按哪一级区域列出 / the level of the areas in the answer")
    ] = "community"


class Summary(BaseModel):
    """The whole area asked about. A ratio of nobody, or of no area, is null."""

    people: int = Field(description="常住人口,按所在建筑 / residents, by building")
    people_covered: int
    people_uncovered: int
    ratio: float | None = Field(description="people_covered / people")
    area_km2: float
    area_covered_km2: float
    area_ratio: float | None
    stations: int = Field(description="参与计算的站点数 / open stations of the kinds")
    not_assessable: int = Field(
        description="建筑不在任何区域内的人口,不计入 people / people in no area; not in `people`"
    )


class AreaCoverage(BaseModel):
    """One area of the level asked by."""

    code: str
    name: str
    people: int
    people_covered: int
    ratio: float | None
    nearest_m: float | None = Field(
        description="人口重心(无人则几何重心)到最近站点的距离 / metres from the people-weighted "
        "centre (the centroid without people) to the nearest station"
    )


class Coverage(BaseModel):
    """The answer; `covered + uncovered = people`, exactly."""

    summary: Summary
    areas: list[AreaCoverage] = Field(description="按编码排序 / by code")
    gaps: dict[str, Any] = Field(
        description="GeoJSON:各区域未覆盖的部分,按人口排序 / the uncovered part of each area, "
        "most people first; simplified to 20 m for drawing"
    )
    question: dict[str, Any]
    denominator: dict[str, str]
    boundary_revision: int


@router.post("/coverage", summary="Who is within reach of stations")
def coverage(app: Open, actor: Reader, question: CoverageQuestion) -> Coverage:
    """Count residents within a radius of stations, by area, and draw where nobody is reached."""
    answer = planning.coverage(
        app.database,
        actor,
        kinds=question.kinds,
        radius_m=question.radius_m,
        reach=question.reach,
        area=question.area,
        by=question.by,
    )
    return Coverage.model_validate(answer)
