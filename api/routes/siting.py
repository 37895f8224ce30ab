"""Siting 选址: where the next stations go."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends
from pydantic import BaseModel, ConfigDict, Field

from api.runtime import Runtime, runtime
from api.schemas import AreaCode, Line
from api.security import allow
from gis.governance.actors import Actor
from gis.services import siting
from gis.services.planning import LARGEST_RADIUS_M

router = APIRouter(prefix="/v1", tags=["coverage"])

Planning = Annotated[Actor, Depends(allow("planner"))]
Open = Annotated[Runtime, Depends(runtime)]


class SitingIn(BaseModel):
    """Asks for k new stations on top of those that exist."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"objective": "max_covered", "k": 5, "radius_m": 3000, "kinds": ["job_service"]}
            ]
        },
    )

    objective: Annotated[
        siting.Objective,
        Field(
            description="max_covered 覆盖最多人 / most people within reach; min_stations 全覆盖用站"
            "最少 / everybody whom a candidate reaches, fewest stations; min_mean_distance "
            "平均距离最短 / least mean distance; min_max_distance 最远距离最短 / least largest one"
        ),
    ] = "max_covered"
    k: Annotated[
        int,
        Field(
            ge=1,
            le=siting.MOST_SITES,
            description="新增站点数(min_stations 不读取)/ new stations; not read by min_stations",
        ),
    ] = 5
    kinds: Annotated[
        list[Line] | None,
        Field(max_length=50, description="已有站点的类别,空为全部 / kinds of existing stations"),
    ] = None
    radius_m: Annotated[
        float,
        Field(
            gt=0,
            le=LARGEST_RADIUS_M,
            allow_inf_nan=False,
            description="服务半径(米),边界上算覆盖 / metres; at the radius counts as covered",
        ),
    ] = 3000.0
    reach: Annotated[
        Literal["straight", "network"],
        Field(description="straight 直线(大地线)/ geodesic; network: not available yet"),
    ] = "straight"
    area: Annotated[
        AreaCode | None,
        Field(description="区域编码,空为全市 / code of the area; none: the whole city"),
    ] = None
    keep_existing: Annotated[
        bool, Field(description="在已有站点之上新增 / false: plan as if nothing stood there")
    ] = True
    capacity: Annotated[
        None, Field(description="暂不支持 / stations that fill up: not available yet")
    ] = None
    seconds: Annotated[
        float,
        Field(
            ge=1,
            le=siting.MOST_SECONDS,
            allow_inf_nan=False,
            description="求解时限(秒)/ how long to search; the best plan and bound are the answer",
        ),
    ] = siting.STANDARD_SECONDS
    seed: Annotated[int, Field(ge=0, lt=2**32, description="随机种子 / of the restarts")] = 0

    def question(self) -> siting.SitingQuestion:
        """Return the question as the use case takes it."""
        return siting.SitingQuestion(**self.model_dump(exclude={"capacity"}))


class Reached(BaseModel):
    """How things stand with some stations, counted from positions."""

    stations: int = Field(description="参与计算的站点数 / stations that count")
    people: int = Field(description="区域内常住人口 / residents of the area asked about")
    people_covered: int
    ratio: float | None = Field(description="people_covered / people; null of nobody")
    mean_distance_m: float | None = Field(description="人均到最近站点 / by person, to the nearest")
    largest_distance_m: float | None


class Proof(BaseModel):
    """How good the plan is, of all plans of these candidates."""

    status: Literal["optimal", "feasible"]
    value: float = Field(description="本方案的目标值 / what the plan reaches, counted again")
    bound: float | None = Field(description="任何方案都不会超过的界 / what no plan can beat")
    gap: float | None = Field(description="|bound - value| / value; null: none is known")
    unit: Literal["people", "stations", "metres"]


class Siting(BaseModel):
    """The answer; `before.people_covered` + all `marginal_people` = `after.people_covered`."""

    sites: dict[str, Any] = Field(
        description="GeoJSON:按新增人口排序 / new stations with `rank` and `marginal_people`, what "
        "each adds to those before it"
    )
    before: Reached
    after: Reached
    proof: Proof
    unreachable: dict[str, Any] = Field(
        description="任何候选点都够不到的人口,按社区 / people whom no candidate reaches, by area"
    )
    candidates: dict[str, Any] = Field(description="参与比较的候选点 / what was compared")
    demand: dict[str, Any] = Field(description="需求的取法 / by building, or gathered by cells")
    question: dict[str, Any]
    seconds: float
    boundary_revision: int


@router.post("/siting", summary="Where the next stations go")
def site(app: Open, actor: Planning, body: SitingIn) -> Siting:
    """Choose new stations among the city's candidates, with a bound that no plan beats."""
    return Siting.model_validate(siting.site(app.database, actor, body.question()))
