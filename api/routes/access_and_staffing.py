"""Access to stations 可达性 and staffing 社区工作者配备."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.routes.planning import (
    BoundariesAt,
    DemandName,
    Kinds,
    Mode,
    Radius,
    ReachName,
    Snap,
    Towards,
    plain_json,
)
from api.runtime import Runtime, runtime
from api.schemas import AreaCode, Line
from api.security import allow, allow_public_read
from gis.governance.actors import Actor
from gis.services import accessibility, staffing
from gis.services.city_reading import Level
from gis.services.coverage_question import LARGEST_RADIUS_M

router = APIRouter(prefix="/v1", tags=["coverage"])

Reader = Annotated[Actor, Depends(allow_public_read)]
Planning = Annotated[Actor, Depends(allow("planner"))]
Open = Annotated[Runtime, Depends(runtime)]


class Step(BaseModel):
    """Up to so many metres a station weighs so much."""

    model_config = ConfigDict(extra="forbid")

    metres: Annotated[float, Field(gt=0, le=LARGEST_RADIUS_M, allow_inf_nan=False)]
    weight: Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]


class AccessIn(BaseModel):
    """Asks what share of the stations' supply people can reach."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"area": "341102", "by": "community"}]}
    )

    kinds: Kinds = None
    method: Annotated[
        accessibility.Method, Field(description="2SFCA (Luo, Wang 2003), E2SFCA (Luo, Qi 2009)")
    ] = "e2sfca"
    supply: Annotated[
        Literal["capacity", "stations"],
        Field(description="供给：容量或站点数 / what is shared out"),
    ] = "capacity"
    radius_m: Radius = 3000.0
    reach: ReachName = "straight"
    mode: Mode = "walk"
    towards: Towards = "stations"
    snap_m: Snap = 200.0
    area: AreaCode | None = None
    boundaries_at: BoundariesAt = None
    by: Level = "community"
    demand: DemandName = "auto"
    steps: Annotated[
        list[Step] | None,
        Field(
            min_length=1, max_length=20, description="距离衰减，缺省为三等分 / decay by distance"
        ),
    ] = None


class AccessOut(BaseModel):
    """Scores per 1,000 people; `shared_out` equals the supply that somebody can reach."""

    summary: dict[str, Any]
    areas: list[dict[str, Any]]
    stations: list[dict[str, Any]]
    question: dict[str, Any]
    unit: str
    demand: dict[str, Any]
    basis: dict[str, Any]


@router.post("/accessibility", summary="Access to stations by area", response_model=AccessOut)
def access(app: Open, actor: Reader, body: AccessIn) -> Response:
    """Two-step floating catchment areas: mean, median, P10 and people at zero, by area."""
    plain = body.model_dump(exclude={"steps"})
    steps = None if body.steps is None else tuple((s.metres, s.weight) for s in body.steps)
    question = accessibility.AccessQuestion(**plain, steps=steps)
    return plain_json(accessibility.accessibility(app.database, actor, question))


class Staffing(BaseModel):
    """Posts by the standard beside the staff that is there."""

    items: list[dict[str, Any]] = Field(description="各城市社区 / urban communities, by code")
    city: dict[str, Any]
    grids: list[dict[str, Any]] = Field(description="网格负荷，重者在前 / most loaded first")
    rule: dict[str, Any]
    basis: dict[str, Any]


@router.get("/staffing", summary="Community workers and their load", response_model=Staffing)
def staffed(
    app: Open,
    actor: Planning,
    area: AreaCode | None = None,
    per_10000: Annotated[
        int, Query(ge=1, le=1000, description="每万人配备数 / posts for 10,000 residents")
    ] = staffing.STANDARD,
    roles: Annotated[
        list[Line] | None,
        Query(max_length=20, description="计入的值守角色 / duty roles that count as staff"),
    ] = None,
    radius_m: Annotated[float, Query(gt=0, le=LARGEST_RADIUS_M, allow_inf_nan=False)] = 1000.0,
) -> Response:
    """18 community workers per 10,000 residents, exact, per community and city; grid loads."""
    question = staffing.StaffingQuestion(
        area=area,
        per_10000=per_10000,
        roles=tuple(roles or staffing.WORKERS),
        radius_m=radius_m,
    )
    return plain_json(staffing.staffed(app.database, actor, question))
