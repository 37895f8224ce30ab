"""Every map, declared once: a new one is one row here; page, index and menu follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Final

from gis.errors import Language, MapUnknown
from gis.services.planning import Planner
from maps import station_coverage
from maps.folium_map import BaseMap, Page


@dataclass(frozen=True, slots=True)
class MapRequest:
    """What a caller asks of a map; each map reads the parameters that its row names."""

    language: Language
    drawn_on: date
    area: str | None = None
    radius_m: float = 3000.0
    kinds: tuple[str, ...] = ()
    ground: BaseMap | None = None
    links: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True, slots=True)
class MapRow:
    """One map. ``public``: seen without sign-in where the city's settings allow that."""

    key: str
    title_zh: str
    title_en: str
    about_zh: str
    about_en: str
    parameters: tuple[str, ...]
    public: bool
    draw: Callable[[Planner, MapRequest], Page]


def _station_coverage(planner: Planner, asked: MapRequest) -> Page:
    view = planner.coverage_view(
        kinds=asked.kinds or None, radius_m=asked.radius_m, area=asked.area
    )
    return station_coverage.draw(
        view,
        language=asked.language,
        drawn_on=asked.drawn_on,
        ground=asked.ground,
        links=asked.links,
    )


MAPS: Final[dict[str, MapRow]] = {
    row.key: row
    for row in (
        MapRow(
            key="station-coverage",
            title_zh="服务站点覆盖图",
            title_en="Station coverage",
            about_zh="哪些居民在站点服务半径内,哪里是盲区",
            about_en="Which residents are within reach of a station, and where nobody is",
            parameters=("area", "radius_m", "kinds"),
            public=True,
            draw=_station_coverage,
        ),
    )
}
"""Key -> map."""


def row_of(key: str) -> MapRow:
    """Return a map's row.

    Raises
    ------
    gis.errors.MapUnknown
        No map has that key.
    """
    if key not in MAPS:
        raise MapUnknown(key=key, known=", ".join(MAPS))
    return MAPS[key]
