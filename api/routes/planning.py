"""Coverage 覆盖: who is within reach of which stations; isochrones 等时线."""

from __future__ import annotations

from typing import Annotated, Any, Literal

import msgspec
from fastapi import APIRouter, Depends, Response
from pydantic import BaseModel, ConfigDict, Field

from api.runtime import Runtime, runtime
from api.schemas import AreaCode, Instant, Line
from api.security import allow_public_read
from gis.governance.actors import Actor
from gis.services import planning
from gis.services.coverage_question import LARGEST_SNAP_M, MOST_CHANGES, StationChange
from gis.services.isochrones import IsochroneQuestion, isochrones

router = APIRouter(prefix="/v1", tags=["coverage"])

Reader = Annotated[Actor, Depends(allow_public_read)]
Open = Annotated[Runtime, Depends(runtime)]

Radius = Annotated[
    float,
    Field(
        ge=0.001,  # the tolerance of every reach: a shorter radius is no distance
        le=planning.LARGEST_RADIUS_M,
        allow_inf_nan=False,
        description="服务半径(米)，边界上算覆盖 / metres; at the radius counts as covered",
    ),
]
Kinds = Annotated[
    list[Line] | None,
    Field(
        max_length=50,
        description="站点类别，空为全部 / kinds of stations; none or empty: every open station",
    ),
]
ReachName = Annotated[
    Literal["straight", "network"],
    Field(description="straight 直线(大地线)/ geodesic; network 路网 / along roads"),
]
Mode = Annotated[
    Literal["walk", "ride"], Field(description="路网出行方式 / how people go along roads")
]
Towards = Annotated[
    Literal["stations", "points"],
    Field(description="骑行遇单行道时的方向 / who rides to whom, where streets are one-way"),
]
Snap = Annotated[
    float,
    Field(
        ge=0,
        le=LARGEST_SNAP_M,
        allow_inf_nan=False,
        description="离路网超过此距离者无法判定 / farther from every road: not assessable",
    ),
]
DemandName = Annotated[
    Line,
    Field(
        description="人口口径 / how people are placed: auto, buildings, communities, or an "
        "imported series"
    ),
]
Lon = Annotated[float, Field(ge=-180, le=180, allow_inf_nan=False)]
Lat = Annotated[float, Field(ge=-90, le=90, allow_inf_nan=False)]


class Change(BaseModel):
    """A station added, moved or closed in thought; nothing is written."""

    model_config = ConfigDict(extra="forbid")

    action: Literal["add", "move", "close"]
    code: Line | None = None
    lon: Lon | None = None
    lat: Lat | None = None
    kind: Line | None = None
    name: Line | None = None
    capacity: Annotated[int, Field(ge=0, lt=2**31)] | None = None
    opening_hours: Line | None = None

    def change(self) -> StationChange:
        """Return the change as the use case takes it."""
        return StationChange(**self.model_dump())


Changes = Annotated[
    list[Change],
    Field(
        max_length=MOST_CHANGES,
        description="假设新增、迁移或关闭的站点 / stations added, moved, closed in thought",
    ),
]


BoundariesAt = Annotated[
    Instant | None,
    Field(
        description="按此时刻的边界，缺省为现在 / areas as in force at this instant; default now"
    ),
]


class CoverageQuestion(BaseModel):
    """Asks who is within reach of stations of some kinds."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"radius_m": 3000, "reach": "straight", "area": "341102"}]},
    )

    kinds: Kinds = None
    radius_m: Radius = 3000.0
    reach: ReachName = "straight"
    mode: Mode = "walk"
    towards: Towards = "stations"
    snap_m: Snap = 200.0
    area: Annotated[
        AreaCode | None,
        Field(description="统计范围的区域编码，空为全市 / code of the area; none: the whole city"),
    ] = None
    by: Annotated[
        planning.Level, Field(description="按哪一级区域列出 / the level of the areas in the answer")
    ] = "community"
    at: Annotated[
        Instant | None, Field(description="按此时刻的开放时间 / who is open at this instant")
    ] = None
    boundaries_at: BoundariesAt = None
    capacity: Annotated[
        bool,
        Field(description="考虑站点容量 / stations fill up; one without a capacity never does"),
    ] = False
    demand: DemandName = "auto"
    groups: Annotated[
        list[Line],
        Field(
            max_length=20,
            description="分年龄段、分标签统计 / age_0_14, age_15_59, age_60_plus, tags; "
            "numbers below 5 are withheld",
        ),
    ] = []
    methods: Annotated[
        bool, Field(description="比较各种人口口径 / compare the ways of placing people")
    ] = False
    changes: Changes = []

    def question(self) -> planning.CoverageQuestion:
        """Return the question as the use case takes it."""
        plain = self.model_dump(exclude={"changes"})
        return planning.CoverageQuestion(
            **plain, changes=tuple(change.change() for change in self.changes)
        )


class Multiplicity(BaseModel):
    """Assessable people by how many open stations are within reach."""

    zero: int = Field(alias="0")
    one: int = Field(alias="1")
    more: int = Field(alias="2+")


class Causes(BaseModel):
    """Why the uncovered are; sums to `people_uncovered`."""

    none_in_reach: int
    full: int
    closed: int


class Group(BaseModel):
    """An age group or tag; null where the number could be a household."""

    people: int | None
    people_covered: int | None
    ratio: float | None


class Summary(BaseModel):
    """The whole area asked about. A ratio of nobody, or of no area, is null."""

    people: int = Field(description="常住人口，按所在建筑 / residents, by building")
    people_covered: int
    people_uncovered: int
    people_off_network: int = Field(
        description="离路网太远、无法判定的人口，计入 people / too far from a road to say"
    )
    ratio: float | None = Field(description="people_covered / people")
    households: int
    households_covered: int
    multiplicity: Multiplicity
    uncovered_by_cause: Causes
    groups: dict[str, Group]
    area_km2: float
    area_covered_km2: float | None = Field(description="路网口径无面积 / null along roads")
    area_ratio: float | None
    stations: int = Field(description="参与计算的站点数 / open stations of the kinds")
    stations_closed: int
    not_assessable: int = Field(
        description="无法判定的人口 / off the network, or in no area (these not in `people`)"
    )
    people_in_no_area: int
    people_all: int = Field(description="people_covered + people_uncovered + not_assessable")


class AreaCoverage(BaseModel):
    """One area of the level asked by."""

    code: str
    name: str
    people: int
    people_covered: int
    people_uncovered: int
    people_off_network: int
    ratio: float | None
    households: int
    households_covered: int
    multiplicity: Multiplicity
    uncovered_by_cause: Causes
    groups: dict[str, Group] = {}
    nearest_m: float | None = Field(
        description="人口重心(无人则几何重心)到最近站点的距离 / metres from the people-weighted "
        "centre (the centroid without people) to the nearest open station"
    )
    people_covered_before: int = Field(0, description="有假设变更时 / with changes only")
    people_gained: int = Field(0, description="有假设变更时 / with changes only")


class Coverage(BaseModel):
    """The answer; `covered + uncovered + not assessable = all`, exactly."""

    summary: Summary
    areas: list[AreaCoverage] = Field(
        description="按编码排序；有假设变更时只列有变化的 / by code; with changes those that differ"
    )
    gaps: dict[str, Any] = Field(
        description="GeoJSON：各区域未覆盖的部分，按人口排序，附原因 / the uncovered part of each "
        "area, most people first, with the cause; for drawing"
    )
    kinds: list[dict[str, Any]] = Field(description="按类别 / people covered by kind of station")
    stations: list[dict[str, Any]] = Field([], description="容量与负荷 / with capacity only")
    change: dict[str, Any] | None = Field(None, description="变更前后 / with changes only")
    question: dict[str, Any]
    denominator: dict[str, str]
    demand: dict[str, Any] = Field(
        description="人口的取法与各口径的差异 / how people were placed, and what others would give"
    )
    basis: dict[str, Any] = Field(description="依据 / boundary revision and dates of the data")
    boundary_revision: int


def plain_json(answer: object) -> Response:
    """Return an answer of the use case as it is: large ones are not checked twice."""
    return Response(msgspec.json.encode(answer), media_type="application/json")


@router.post(
    "/coverage",
    summary="Who is within reach of stations",
    response_model=Coverage,
    response_model_by_alias=True,
)
def coverage(app: Open, actor: Reader, question: CoverageQuestion) -> Response:
    """Count residents within reach of stations, by area, and draw where nobody is reached.

    With `changes`: what if stations were added, moved or closed. Nothing is written.
    """
    return plain_json(planning.coverage(app.database, actor, question.question()))


class Place(BaseModel):
    """A place in WGS84."""

    model_config = ConfigDict(extra="forbid")

    lon: Lon
    lat: Lat


class IsochronesIn(BaseModel):
    """Asks what lies within distances of places along roads."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={
            "examples": [
                {"points": [{"lon": 118.3172, "lat": 32.3019}], "distances_m": [1000, 3000]}
            ]
        },
    )

    points: Annotated[list[Place], Field(min_length=1, max_length=500)]
    distances_m: Annotated[list[Radius], Field(min_length=1, max_length=10)] = [3000.0]
    mode: Mode = "walk"
    towards: Towards = "stations"
    snap_m: Snap = 200.0
    polygons: Annotated[
        bool, Field(description="附面(仅供绘图)/ polygons too, for drawing only")
    ] = True


class Isochrones(BaseModel):
    """Stretches of road, cut where the distance ends; polygons are for drawing only."""

    edges: dict[str, Any] = Field(description="GeoJSON：到达的路段 / reached stretches of road")
    polygons: dict[str, Any] = Field(description="GeoJSON：仅供绘图 / for drawing only")
    reached: list[dict[str, Any]] = Field(description="每个距离的路长与人口 / by distance")
    not_assessable: list[int] = Field(description="无法接上路网的点 / positions in `points`")
    question: dict[str, Any]
    boundary_revision: int


@router.post("/isochrones", summary="What lies within a distance along roads")
def within(app: Open, actor: Reader, body: IsochronesIn) -> Isochrones:
    """Return the reached stretches of road, exactly cut, and the people within reach."""
    question = IsochroneQuestion(
        points=tuple((point.lon, point.lat) for point in body.points),
        distances_m=tuple(body.distances_m),
        mode=body.mode,
        towards=body.towards,
        snap_m=body.snap_m,
        polygons=body.polygons,
    )
    return Isochrones.model_validate(isochrones(app.database, actor, question))
