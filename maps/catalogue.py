"""Every map, declared once: a new one is one row here; page, index and menu follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Final

from gis.errors import Language, MapUnknown, SignInRequired
from gis.governance.actors import ANONYMOUS, role_refused
from gis.services import atlas, employment, staffing
from gis.services.impact import impact_view
from gis.services.planning import Planner
from maps import (
    boundary_impact,
    community_staffing,
    employment_circle,
    event_density,
    grid_atlas,
    station_coverage,
)
from maps.drawing import Drawing


@dataclass(frozen=True, slots=True)
class MapRequest:
    """What a caller asks of a map; each map reads the parameters that its row names."""

    language: Language
    drawn_on: date
    area: str | None = None
    radius_m: float = 3000.0
    kinds: tuple[str, ...] = ()
    reach: str = "straight"
    mode: str = "walk"
    draft: int | None = None
    boundaries_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class MapRow:
    """One map. ``roles`` empty: for everybody who may read public layers."""

    key: str
    title_zh: str
    title_en: str
    about_zh: str
    about_en: str
    parameters: tuple[str, ...]
    roles: tuple[str, ...]
    draw: Callable[[Planner, MapRequest], Drawing]

    def seen_by(self, role: str) -> bool:
        """Tell whether a role may look at the map."""
        return not self.roles or role in {"admin", *self.roles}


def _station_coverage(planner: Planner, asked: MapRequest) -> Drawing:
    view = planner.coverage_view(
        kinds=asked.kinds or None,
        radius_m=asked.radius_m,
        area=asked.area,
        reach=asked.reach,
        mode=asked.mode,
        boundaries_at=asked.boundaries_at,
    )
    return station_coverage.draw(view, language=asked.language, drawn_on=asked.drawn_on)


def _boundary_impact(planner: Planner, asked: MapRequest) -> Drawing:
    return boundary_impact.draw(
        impact_view(planner.database, planner.actor, asked.draft),
        language=asked.language,
        drawn_on=asked.drawn_on,
    )


def _grid_atlas(planner: Planner, asked: MapRequest) -> Drawing:
    view = atlas.grid_atlas(planner.database, planner.actor, asked.area, asked.boundaries_at)
    return grid_atlas.draw(view, language=asked.language, drawn_on=asked.drawn_on)


def _event_density(planner: Planner, asked: MapRequest) -> Drawing:
    view = atlas.event_density(planner.database, planner.actor, asked.area, asked.boundaries_at)
    return event_density.draw(view, language=asked.language, drawn_on=asked.drawn_on)


def _employment_circle(planner: Planner, asked: MapRequest) -> Drawing:
    question = employment.CircleQuestion(
        area=asked.area,
        radius_m=asked.radius_m,
        reach=asked.reach,
        boundaries_at=asked.boundaries_at,
    )
    return employment_circle.draw(
        atlas.urban_communities(planner.database, planner.actor, asked.area, asked.boundaries_at),
        employment.circles(planner.database, planner.actor, question),
        language=asked.language,
        drawn_on=asked.drawn_on,
    )


def _community_staffing(planner: Planner, asked: MapRequest) -> Drawing:
    return community_staffing.draw(
        atlas.urban_communities(planner.database, planner.actor, asked.area),
        staffing.staffed(
            planner.database, planner.actor, staffing.StaffingQuestion(area=asked.area)
        ),
        language=asked.language,
        drawn_on=asked.drawn_on,
    )


MAPS: Final[dict[str, MapRow]] = {
    row.key: row
    for row in (
        MapRow(
            key="station-coverage",
            title_zh="服务站点覆盖图",
            title_en="Station coverage",
            about_zh="哪些居民在站点服务半径内，哪里是盲区",
            about_en="Which residents are within reach of a station, and where nobody is",
            parameters=("area", "radius_m", "kinds", "reach", "mode", "boundaries_at"),
            roles=(),
            draw=_station_coverage,
        ),
        MapRow(
            key="employment-circle",
            title_zh="三公里就业圈",
            title_en="Employment circles",
            about_zh="每个城市社区三公里内的就业服务站、岗位和求职者",
            about_en="Job services, openings and seekers within 3 km of each urban community",
            parameters=("area", "radius_m", "reach", "boundaries_at"),
            roles=(),
            draw=_employment_circle,
        ),
        MapRow(
            key="grid-atlas",
            title_zh="网格图集",
            title_en="Grid atlas",
            about_zh="每个网格的边界、人口和网格员",
            about_en="Every grid with its people and its worker",
            parameters=("area", "boundaries_at"),
            roles=(),
            draw=_grid_atlas,
        ),
        MapRow(
            key="event-density",
            title_zh="事件密度图",
            title_en="Event density",
            about_zh="近一年的事件发生在哪里",
            about_en="Where the events of the last year happened",
            parameters=("area", "boundaries_at"),
            roles=(),
            draw=_event_density,
        ),
        MapRow(
            key="community-staffing",
            title_zh="社区工作者配备图",
            title_en="Community staffing",
            about_zh="城市社区按每万人 18 人应配多少、缺多少",
            about_en="Posts and missing workers of urban communities, 18 per 10,000 residents",
            parameters=("area",),
            roles=("planner",),
            draw=_community_staffing,
        ),
        MapRow(
            key="boundary-impact",
            title_zh="边界草稿影响图",
            title_en="Impact of a boundary draft",
            about_zh="发布之前，哪些人、地址和工单将改由哪个区域负责；缺省为最新草稿",
            about_en="Whose area changes when a draft is published; the newest one unless named",
            parameters=("draft",),
            roles=("planner",),
            draw=_boundary_impact,
        ),
    )
}
"""Key -> map."""


def drawn(planner: Planner, key: str, asked: MapRequest) -> Drawing:
    """Return a map as a value.

    Raises
    ------
    gis.errors.MapUnknown
        No map has that key.
    gis.errors.SignInRequired, gis.errors.RoleNotAllowed
        The map is not for everybody.
    gis.errors.GovernanceError
        What the map's use case refuses.
    """
    if key not in MAPS:
        raise MapUnknown(key=key, known=", ".join(MAPS))
    row, actor = MAPS[key], planner.actor
    if not row.seen_by(actor.role):
        if actor == ANONYMOUS:
            raise SignInRequired
        raise role_refused(actor.role, ("admin", *row.roles))
    return row.draw(planner, asked)
