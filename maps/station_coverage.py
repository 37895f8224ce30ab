"""The map ``station-coverage``: who is within reach of the stations, and where nobody is."""

from __future__ import annotations

from collections import Counter
from datetime import date
from typing import Any, Final

from gis.errors import Language
from gis.services.atlas import Source
from gis.services.coverage_view import CoverageView
from maps import style
from maps.drawing import (
    Drawing,
    Field,
    LegendPart,
    LegendRow,
    Look,
    MapLayer,
    Ranked,
    kilometres,
    percent,
    whole,
)

_LISTED_GAPS: Final = 10
_COUNTY: Final = Look(line=style.COUNTY_OUTLINE, width=1.8)
_REACH: Final = Look(line=style.REACH, width=1.4)


def draw(view: CoverageView, *, language: Language, drawn_on: date) -> Drawing:
    """Return the drawing of a coverage view; ``drawn_on`` is the date printed on it."""
    zh = language == "zh"
    asked = view.answer["question"]
    radius = kilometres(asked["radius_m"])
    stations, marks = station_layers(view.stations, zh=zh)
    summary = view.answer["summary"]
    return Drawing(
        title=_title(view, zh=zh),
        subtitle=_subtitle(asked, radius, zh=zh),
        language=language,
        bounds=view.bounds,
        layers=[
            _areas(view, zh=zh),
            _gaps(view, zh=zh),
            MapLayer(
                "区县界" if zh else "Counties",
                "polygon",
                view.counties,
                [_COUNTY],
                label="name",
            ),
            *([] if view.reach is None else [_reach(view, view.reach, zh=zh)]),
            *stations,
        ],
        legend=_legend(marks, zh=zh),
        revision=view.answer["boundary_revision"],
        drawn_on=drawn_on,
        figure=percent(summary["ratio"]),
        figure_text="常住人口在服务半径内" if zh else "of residents are within reach",
        facts=_facts(summary, zh=zh),
        made=made_words(view.source, zh=zh),
        ranked_title="未覆盖人口最多的区域" if zh else "Most people not covered",
        ranked=[
            Ranked(
                str(gap["id"]),
                gap["properties"]["name"],
                f"{whole(gap['properties']['people'])}{' 人' if zh else ''}",
            )
            for gap in view.gaps[:_LISTED_GAPS]
            if gap["geometry"]
        ],
        notes=[_note(asked, zh=zh)],
        sources=[view.source.title] if view.source.title else [],
    )


def _title(view: CoverageView, *, zh: bool) -> str:
    name = f"{view.title}" if view.title else ""
    return f"{name}服务站点覆盖图" if zh else f"{name} station coverage".strip()


_WAYS: Final = {
    "straight": ("直线距离", "straight-line reach of"),
    "walk": ("沿路网步行", "on foot along roads,"),
    "ride": ("沿路网骑行", "riding along roads,"),
}


def _subtitle(asked: dict[str, Any], radius: str, *, zh: bool) -> str:
    way_zh, way_en = _WAYS[asked["mode"] or "straight"]
    return f"{way_zh} {radius} 服务半径" if zh else f"{way_en} {radius}"


def _note(asked: dict[str, Any], *, zh: bool) -> str:
    if asked["reach"] == "network":
        snap = f"{asked['snap_m']:g}"
        if zh:
            return (
                "建筑沿道路到站点的距离（含到路的直线段）≤ 半径（容差 1 毫米）即为覆盖；"
                f"离路超过 {snap} 米者无法判定。盲区画的是未覆盖居民所在的 250 米方格。"
            )
        return (
            "Covered: the way along roads, access included, ≤ radius (+1 mm); farther than "
            f"{snap} m from a road: not assessable. Gaps are 250 m cells in which uncovered "
            "people live."
        )
    if zh:
        return "建筑到站点的大地线距离 ≤ 半径（容差 1 毫米）即为覆盖，不按道路距离。"
    return "Covered: geodesic distance from building to station ≤ radius (+1 mm); not along roads."


def _reach(view: CoverageView, reach: dict[str, Any], *, zh: bool) -> MapLayer:
    if view.answer["question"]["reach"] == "network":
        return MapLayer("可达路段" if zh else "Reached roads", "line", [reach], [_REACH])
    return MapLayer("服务半径" if zh else "Reach", "polygon", [reach], [_REACH])


def _facts(summary: dict[str, Any], *, zh: bool) -> list[str]:
    people = f"{whole(summary['people_covered'])} / {whole(summary['people'])}"
    area = f"{whole(summary['area_km2'])} km²"
    if summary["area_covered_km2"] is not None:
        share = percent(summary["area_ratio"])
        covered = f"{whole(summary['area_covered_km2'])} / {area}"
        area = f"{covered}（{share}）" if zh else f"{covered} ({share})"
    facts = (
        [f"{people} 人（按所在建筑统计）", f"面积 {area}", f"站点 {summary['stations']}"]
        if zh
        else [
            f"{people} people (at the building they live in)",
            f"Area {area}",
            f"Stations {summary['stations']}",
        ]
    )
    if summary["not_assessable"]:
        lost = whole(summary["not_assessable"])
        facts.append(
            f"无法判定（离路网太远或不在任何区域内）{lost} 人"
            if zh
            else f"Not assessable (off the roads, or in no area) {lost}"
        )
    return facts


def made_words(source: Source, *, zh: bool) -> str:
    """Return the notice of made boundaries, empty for a real city's."""
    if not source.facts.get("made"):
        return ""
    notice = source.facts.get("notice_zh" if zh else "notice_en", "")
    words = ["演示数据" if zh else "Demo data", *([notice] if notice else [])]
    return ("：" if zh else ": ").join(words)


def _areas(view: CoverageView, *, zh: bool) -> MapLayer:
    colours = [*(step.colour for step in style.SHARE_CLASSES), style.NOBODY]
    features = [
        {**area, "properties": {**area["properties"], "look": _share_class(area)}}
        for area in view.areas
    ]
    return MapLayer(
        "覆盖人口占比" if zh else "Share of people covered",
        "polygon",
        features,
        [Look(line=style.OUTLINE, width=0.6, fill=colour) for colour in colours],
        look_of="look",
        fields=[
            Field("code", "编码" if zh else "code"),
            Field("people", "常住人口" if zh else "residents"),
            Field("people_covered", "已覆盖" if zh else "covered"),
            Field("ratio", "占比" if zh else "share", "%"),
            Field("nearest_m", "距最近站点" if zh else "nearest station", "m"),
        ],
    )


def _share_class(area: dict[str, Any]) -> int:
    colour = style.share_colour(area["properties"]["ratio"])
    colours = [step.colour for step in style.SHARE_CLASSES]
    return colours.index(colour) if colour in colours else len(colours)


def _gaps(view: CoverageView, *, zh: bool) -> MapLayer:
    colours = [step.colour for step in style.GAP_CLASSES]
    features = [
        {
            **gap,
            "properties": {
                **gap["properties"],
                "look": colours.index(style.gap_colour(gap["properties"]["people"])),
            },
        }
        for gap in view.gaps
        if gap["geometry"]
    ]
    return MapLayer(
        "盲区（有人居住）" if zh else "Gaps (people live there)",
        "polygon",
        features,
        [Look(line=style.GAP_OUTLINE, width=0.5, fill=colour) for colour in colours],
        look_of="look",
        ranked=True,
        fields=[
            Field("people", "未覆盖人口" if zh else "people not covered"),
            Field("rank", "排名" if zh else "rank"),
            Field("area_km2", "盲区面积" if zh else "area of the gap", "km²"),
            Field("nearest_m", "距最近站点" if zh else "nearest station", "m"),
        ],
    )


def station_layers(
    stations: list[dict[str, Any]], *, zh: bool
) -> tuple[list[MapLayer], list[LegendRow]]:
    """Return one layer for each kind of station, and their rows of the legend.

    The kind with the fewest comes last, and so lies on top of the others.
    """
    count = Counter(station["properties"]["kind"] for station in stations)
    kinds = sorted(count, key=lambda kind: (-count[kind], kind))
    layers: list[MapLayer] = []
    rows: list[LegendRow] = []
    for kind in kinds:
        mark = style.station_mark(kind, kinds)
        title = mark.title_zh if zh else mark.title_en
        look = Look(line=style.COUNTY_OUTLINE, width=1, fill=mark.colour)
        members = [
            {**station, "properties": {**station["properties"], "kind_title": title}}
            for station in stations
            if station["properties"]["kind"] == kind
        ]
        fields = [
            Field("kind_title", "类别" if zh else "kind"),
            Field("code", "编码" if zh else "code"),
        ]
        layers.append(MapLayer(title, "point", members, [look], fields=fields))
        rows.append(LegendRow("dot", look, f"{title} ({len(members)})"))
    return layers, rows


def _legend(marks: list[LegendRow], *, zh: bool) -> list[LegendPart]:
    def text(row: style.ShareClass | style.PeopleClass) -> str:
        return row.title_zh if zh else row.title_en

    shares = [
        LegendRow("swatch", Look(line=style.OUTLINE, fill=step.colour), text(step))
        for step in style.SHARE_CLASSES
    ]
    nobody = Look(line=style.OUTLINE, fill=style.NOBODY)
    gaps = [
        LegendRow("swatch", Look(line=style.GAP_OUTLINE, fill=step.colour), text(step))
        for step in style.GAP_CLASSES
    ]
    return [
        LegendPart(
            "覆盖人口占比" if zh else "Share of people covered",
            [*shares, LegendRow("swatch", nobody, "无常住人口" if zh else "no residents")],
        ),
        LegendPart("盲区：未覆盖的人口" if zh else "Gaps: people not covered", gaps),
        LegendPart(
            "线与点" if zh else "Lines and points",
            [
                LegendRow("line", _REACH, "服务半径边界" if zh else "edge of reach"),
                LegendRow("line", _COUNTY, "区县界" if zh else "county"),
                *marks,
            ],
        ),
    ]
