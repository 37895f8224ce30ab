"""The 3 km employment circle 三公里就业圈: circles of communities, offers for seekers."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response
from pydantic import BaseModel, ConfigDict, Field

from api.routes.planning import Mode, Radius, ReachName, Snap, plain_json
from api.runtime import Runtime, runtime
from api.schemas import AreaCode, Instant
from api.security import allow, allow_public_read
from gis.governance.actors import Actor
from gis.services import employment, offers
from gis.services.coverage_question import LARGEST_RADIUS_M

router = APIRouter(prefix="/v1/employment", tags=["employment"])

Reader = Annotated[Actor, Depends(allow_public_read)]
Planning = Annotated[Actor, Depends(allow("planner"))]
Open = Annotated[Runtime, Depends(runtime)]


class Circle(BaseModel):
    """What lies within reach of a community's centre, by one measure."""

    stations: int = Field(description="就业服务站 / job-service stations")
    stations_staffed: int
    openings: int = Field(description="岗位数(人) / places of work")
    openings_by_trade: dict[str, int]
    seekers: int
    residents: int
    covered: bool
    why_not: list[dict[str, Any]]


class Community(Circle):
    """One urban community; the fields of the circle are by the measure asked for."""

    code: str
    name: str
    centre: dict[str, Any]
    straight: Circle
    walk: Circle | None = Field(description="没有路网时为空 / null in a city without roads")


class Circles(BaseModel):
    """The circles of all urban communities, by code."""

    items: list[Community]
    summary: dict[str, Any]
    rule: dict[str, Any]
    basis: dict[str, Any]


@router.get("/circles", summary="The employment circle of each community", response_model=Circles)
def circles(
    app: Open,
    actor: Reader,
    area: AreaCode | None = None,
    radius_m: Annotated[float, Query(gt=0, le=LARGEST_RADIUS_M, allow_inf_nan=False)] = 3000.0,
    reach: Annotated[
        Literal["straight", "network"],
        Query(description="按哪种口径判定覆盖 / which measure `covered` stands on"),
    ] = "straight",
    least_openings: Annotated[
        int, Query(ge=0, le=10**6, description="覆盖所需岗位数 / openings that coverage needs")
    ] = employment.LEAST_OPENINGS,
    at: Annotated[Instant | None, Query(description="岗位有效时刻 / openings valid then")] = None,
    boundaries_at: Annotated[
        Instant | None, Query(description="按此时刻的边界 / areas as in force then; default now")
    ] = None,
) -> Response:
    """Stations, openings, seekers, residents within 3 km, straight and on foot; covered or not."""
    question = employment.CircleQuestion(
        area=area,
        radius_m=radius_m,
        reach=reach,
        least_openings=least_openings,
        at=at,
        boundaries_at=boundaries_at,
    )
    return plain_json(employment.circles(app.database, actor, question))


class OffersIn(BaseModel):
    """Asks who gets which opening within reach."""

    model_config = ConfigDict(
        extra="forbid", json_schema_extra={"examples": [{"area": "341102", "radius_m": 3000}]}
    )

    area: AreaCode | None = None
    radius_m: Radius = 3000.0
    reach: ReachName = "straight"
    mode: Mode = "walk"
    snap_m: Snap = 200.0
    same_trade: Annotated[
        bool, Field(description="限本工种 / only openings of the seeker's trade")
    ] = True
    at: Annotated[Instant | None, Field(description="岗位有效时刻 / openings valid then")] = None


class Offers(BaseModel):
    """Who gets which opening; seekers by code, no names are kept."""

    summary: dict[str, int]
    by_trade: list[dict[str, Any]]
    assignments: list[dict[str, Any]]
    unmatched: list[dict[str, Any]] = Field(
        description="未匹配者及原因、如何改变 / why, and what would change it"
    )
    proof: dict[str, Any]
    question: dict[str, Any]
    basis: dict[str, Any]


@router.post("/offers", summary="Openings for seekers within reach", response_model=Offers)
def match_offers(app: Open, actor: Planning, body: OffersIn) -> Response:
    """Assign seekers to openings within reach; zero-employment households come first."""
    question = offers.OffersQuestion(**body.model_dump())
    return plain_json(offers.offers(app.database, actor, question))
