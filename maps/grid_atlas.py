"""The map ``grid-atlas``: every grid of the city with its people and its workers."""

from __future__ import annotations

from datetime import date
from typing import Any, Final

from gis.errors import Language
from gis.services.atlas import REACH_M, AtlasView
from maps import style
from maps.drawing import (
    Drawing,
    Feature,
    Field,
    LegendPart,
    LegendRow,
    Look,
    MapLayer,
    kilometres,
    whole,
)
from maps.station_coverage import made_words, station_layers

_COUNTY: Final = Look(line=style.COUNTY_OUTLINE, width=1.8)
_DEDICATED: Final = Look(line=style.DEDICATED, width=1.4, fill=style.DEDICATED, opacity=0.2)
_REACH: Final = Look(line=style.REACH, width=1.4)


def draw(view: AtlasView, *, language: Language, drawn_on: date) -> Drawing:
    """Return the drawing of an atlas view."""
    zh = language == "zh"
    stations, marks = station_layers(view.stations, zh=zh)
    people = sum(int(grid["properties"]["residents"]) for grid in view.areas)
    return Drawing(
        title=f"{view.title or ''}网格图集" if zh else f"Grids of {view.title or 'the city'}",
        subtitle="一般网格、专属网格与服务站点" if zh else "general and dedicated grids, stations",
        language=language,
        bounds=view.bounds,
        layers=[
            _grids(view, zh=zh),
            _dedicated(view, zh=zh),
            MapLayer(
                "区县界" if zh else "Counties",
                "polygon",
                view.outlines,
                [_COUNTY],
                label="name",
            ),
            *(_reach(view, zh=zh)),
            *stations,
        ],
        legend=_legend(marks, zh=zh),
        revision=view.revision,
        drawn_on=drawn_on,
        figure=whole(len(view.areas)),
        figure_text="个一般网格" if zh else "general grids",
        facts=[
            f"专属网格 {len(view.over)} 个" if zh else f"Dedicated grids {len(view.over)}",
            f"登记人口 {whole(people)} 人" if zh else f"Registered residents {whole(people)}",
        ],
        made=made_words(view.source, zh=zh),
        notes=[
            "边界为显示作了简化（20 米以内），归属判定以系统中的原始边界为准。"
            if zh
            else "Outlines are simplified for display (within 20 m); look-ups use the stored ones."
        ],
        sources=[view.source.title] if view.source.title else [],
    )


def _grids(view: AtlasView, *, zh: bool) -> MapLayer:
    def look(grid: Feature) -> dict[str, Any]:
        step = style.residents_class(grid["properties"]["residents"])
        return {**grid, "properties": {**grid["properties"], "look": step}}

    return MapLayer(
        "一般网格" if zh else "General grids",
        "polygon",
        [look(grid) for grid in view.areas],
        [Look(line=style.OUTLINE, width=0.4, fill=step.colour) for step in style.RESIDENT_CLASSES],
        look_of="look",
        fields=[
            Field("code", "编码" if zh else "code"),
            Field("parent_name", "社区" if zh else "community"),
            Field("residents", "登记人口" if zh else "residents"),
            Field("households", "户数" if zh else "households"),
            Field("workers", "网格员" if zh else "grid worker"),
        ],
    )


def _dedicated(view: AtlasView, *, zh: bool) -> MapLayer:
    return MapLayer(
        "专属网格" if zh else "Dedicated grids",
        "polygon",
        view.over,
        [_DEDICATED],
        fields=[
            Field("code", "编码" if zh else "code"),
            Field("parent_name", "社区" if zh else "community"),
        ],
    )


def _reach(view: AtlasView, *, zh: bool) -> list[MapLayer]:
    if view.reach is None:
        return []
    radius = kilometres(REACH_M)
    name = f"站点 {radius} 范围" if zh else f"{radius} around stations"
    return [MapLayer(name, "polygon", [view.reach], [_REACH])]


def _legend(marks: list[LegendRow], *, zh: bool) -> list[LegendPart]:
    return [
        LegendPart(
            "网格登记人口" if zh else "Residents of the grid",
            [
                LegendRow(
                    "swatch",
                    Look(line=style.OUTLINE, fill=step.colour),
                    step.title_zh if zh else step.title_en,
                )
                for step in style.RESIDENT_CLASSES
            ],
        ),
        LegendPart(
            "线与点" if zh else "Lines and points",
            [
                LegendRow("swatch", _DEDICATED, "专属网格" if zh else "dedicated grid"),
                LegendRow("line", _COUNTY, "区县界" if zh else "county"),
                LegendRow(
                    "line",
                    _REACH,
                    f"站点 {kilometres(REACH_M)} 范围"
                    if zh
                    else f"{kilometres(REACH_M)} around stations",
                ),
                *marks,
            ],
        ),
    ]
