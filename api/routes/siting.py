"""Siting 选址: where the next stations go."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Response
from fastapi.responses import JSONResponse
from pydantic import BaseModel, ConfigDict, Field

from api.routes.planning import (
    BoundariesAt,
    Changes,
    DemandName,
    Kinds,
    Lat,
    Lon,
    Mode,
    Radius,
    ReachName,
    Snap,
    Towards,
    plain_json,
)
from api.runtime import Runtime, runtime
from api.schemas import AreaCode, Line
from api.security import allow
from gis.governance.actors import Actor
from gis.services import siting, siting_job
from gis.services.city_reading import Level
from gis.services.siting_question import MOST_JOB_SECONDS, MOST_OWN, Source

router = APIRouter(prefix="/v1", tags=["coverage"])

Planning = Annotated[Actor, Depends(allow("planner"))]
Open = Annotated[Runtime, Depends(runtime)]
Codes = Annotated[list[Line], Field(max_length=1000)]


class Own(BaseModel):
    """A candidate of your own: a vacant shop, a plot of land."""

    model_config = ConfigDict(extra="forbid")

    code: Line
    lon: Lon
    lat: Lat
    name: Line | None = None
    cost: Annotated[float, Field(ge=0, allow_inf_nan=False, le=1e12)] | None = None


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
    kinds: Kinds = None
    radius_m: Radius = 3000.0
    reach: ReachName = "straight"
    mode: Mode = "walk"
    towards: Towards = "stations"
    snap_m: Snap = 200.0
    area: Annotated[
        AreaCode | None,
        Field(description="区域编码，空为全市 / code of the area; none: the whole city"),
    ] = None
    boundaries_at: BoundariesAt = None
    keep_existing: Annotated[
        bool, Field(description="在已有站点之上新增 / false: plan as if nothing stood there")
    ] = True
    demand: DemandName = "auto"
    changes: Changes = []
    relocate: Annotated[
        Codes, Field(description="可迁移的已有站点 / codes of stations that may move")
    ] = []
    candidates: Annotated[
        Source,
        Field(
            description="候选点来源 / standard: centres and buildings; communities; buildings; "
            "plots: a grid over the ground; own"
        ),
    ] = "standard"
    own: Annotated[
        list[Own], Field(max_length=MOST_OWN, description="自备候选点 / your own candidates")
    ] = []
    forced: Annotated[Codes, Field(description="必选 / candidates that must be chosen")] = []
    forbidden: Annotated[Codes, Field(description="禁选 / candidates that must not be")] = []
    capacity: Annotated[
        int | None,
        Field(ge=1, le=10**8, description="新站点容量(人) / people whom a new station can serve"),
    ] = None
    times: Annotated[
        int, Field(ge=1, le=2, description="2：双重覆盖 / count people reached by two stations")
    ] = 1
    budget: Annotated[
        float | None,
        Field(ge=0, allow_inf_nan=False, le=1e15, description="总预算 / for all new sites"),
    ] = None
    equity_level: Annotated[
        Level | None,
        Field(description="公平约束的区域层级 / level whose areas all get their share"),
    ] = None
    equity_ratio: Annotated[
        float | None,
        Field(gt=0, le=1, description="各区域至少覆盖的人口占比 / share of people in each of them"),
    ] = None
    curve: Annotated[
        bool, Field(description="附 0..k 个站点的曲线 / also the best plans for 0..k sites")
    ] = False
    seconds: Annotated[
        float,
        Field(
            ge=1,
            le=MOST_JOB_SECONDS,
            allow_inf_nan=False,
            description="求解时限(秒)，超过 60 须后台运行 / how long to search; the best plan and "
            "bound are the answer; beyond 60 in the background",
        ),
    ] = siting.STANDARD_SECONDS
    seed: Annotated[int, Field(ge=0, lt=2**32, description="随机种子 / of the restarts")] = 0
    background: Annotated[
        bool,
        Field(description="后台运行：202，进度见 /v1/jobs/{id} / answer 202 and run as a job"),
    ] = False

    def question(self) -> siting.SitingQuestion:
        """Return the question as the use case takes it."""
        plain = self.model_dump(exclude={"changes", "own", "background"})
        return siting.SitingQuestion(
            **plain,
            changes=tuple(change.change() for change in self.changes),
            own=tuple(siting.OwnCandidate(**place.model_dump()) for place in self.own),
        )


class Reached(BaseModel):
    """How things stand with some stations, counted from positions."""

    stations: int = Field(description="参与计算的站点数 / stations that count")
    people: int = Field(description="区域内可判定的常住人口 / assessable residents of the area")
    people_covered: int
    ratio: float | None = Field(description="people_covered / people; null of nobody")
    mean_distance_m: float | None = Field(description="人均到最近站点 / by person, to the nearest")
    largest_distance_m: float | None
    people_without_way: int = Field(description="无路可达任何站点的人口 / with no way to any")


class Proof(BaseModel):
    """How good the plan is, of all plans of these candidates."""

    status: Literal["optimal", "feasible"]
    value: float = Field(description="本方案的目标值 / what the plan reaches, counted again")
    bound: float | None = Field(description="任何方案都不会超过的界 / what no plan can beat")
    gap: float | None = Field(description="|bound - value| / value; null: none is known")
    unit: Literal["people", "stations", "metres"]
    counts: str


class Siting(BaseModel):
    """The answer; `before.people_covered` + all `marginal_people` = `after.people_covered`."""

    sites: dict[str, Any] = Field(
        description="GeoJSON：按新增人口排序 / new stations with `rank`, `marginal_people`: what "
        "each adds to those before it"
    )
    before: Reached
    after: Reached
    proof: Proof
    unreachable: dict[str, Any] = Field(
        description="任何候选点都够不到的人口，按社区 / people whom no candidate reaches, by area"
    )
    existing: dict[str, Any] = Field(
        description="已有站点各自独有的覆盖，冗余者列出 / what each standing station alone brings"
    )
    candidates: dict[str, Any] = Field(description="参与比较的候选点 / what was compared")
    demand: dict[str, Any] = Field(description="需求的取法 / by building, or gathered by cells")
    served: dict[str, Any] | None = Field(None, description="有容量时 / with capacity only")
    curve: list[dict[str, Any]] | None = Field(None, description="站点数-人口曲线 / k -> people")
    question: dict[str, Any]
    basis: dict[str, Any]
    seconds: float
    boundary_revision: int


@router.post(
    "/siting",
    summary="Where the next stations go",
    response_model=Siting,
    responses={202: {"description": "Runs as a job; its progress is at `Location`."}},
)
def site(app: Open, actor: Planning, body: SitingIn) -> Response:
    """Choose new stations among the city's candidates, with a bound that no plan beats."""
    question = body.question()
    if body.background or body.seconds > siting.MOST_SECONDS:
        job = siting_job.start(app.database, actor, question)
        where = f"/v1/jobs/{job}"
        return JSONResponse(
            {"job": {"id": str(job), "url": where}}, status_code=202, headers={"Location": where}
        )
    return plain_json(siting.site(app.database, actor, question))
