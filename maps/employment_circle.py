"""The map ``employment-circle``: what lies within 3 km of each urban community, and what lacks."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any, Final

import numpy as np
import shapely

from gis.errors import Language
from gis.geometry.circles import circles
from gis.services.atlas import AtlasView
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
from maps.station_coverage import made_words, station_layers

_LISTED: Final = 10
_COUNTY: Final = Look(line=style.COUNTY_OUTLINE, width=1.8)
_CIRCLE: Final = Look(line=style.REACH, width=1.0, fill=style.REACH, opacity=0.05)
_LOOKS: Final = (
    Look(line=style.OUTLINE, width=0.6, fill=style.COVERED),
    Look(line=style.OUTLINE, width=0.6, fill=style.LACKING),
)


def draw(
    view: AtlasView, answer: Mapping[str, Any], *, language: Language, drawn_on: date
) -> Drawing:
    """Return the drawing of the circles (``answer`` of :func:`gis.services.employment.circles`)."""
    zh = language == "zh"
    rows = {row["code"]: row for row in answer["items"]}
    radius_m = float(answer["rule"]["radius_m"])
    summary = answer["summary"]
    stations, marks = station_layers(
        [one for one in view.stations if one["properties"]["kind"] == "job_service"], zh=zh
    )
    share = summary["covered"] / summary["communities"] if summary["communities"] else None
    lacking = sorted(
        (row for row in rows.values() if not row["covered"]),
        key=lambda row: (-row["seekers"], row["code"]),
    )
    on_foot = answer["rule"]["reach"] == "network"
    way = ("沿路步行" if on_foot else "直线") if zh else ("on foot" if on_foot else "straight")
    return Drawing(
        title=f"{view.title or ''}三公里就业圈"
        if zh
        else f"Employment circles, {view.title or ''}",
        subtitle=f"{way} {kilometres(radius_m)}，以社区服务中心为圆心"
        if zh
        else f"{way}, {kilometres(radius_m)} around each community's service centre",
        language=language,
        bounds=view.bounds,
        layers=[
            _circles(answer["items"], radius_m, zh=zh),
            _communities(view, rows, zh=zh),
            MapLayer(
                "区县界" if zh else "Counties",
                "polygon",
                view.outlines,
                [_COUNTY],
                label="name",
            ),
            *stations,
        ],
        legend=_legend(radius_m, marks, zh=zh),
        revision=view.revision,
        drawn_on=drawn_on,
        figure=f"{summary['covered']} / {summary['communities']}",
        figure_text="个城市社区达标" if zh else "urban communities are covered",
        facts=_facts(summary, share, zh=zh),
        made=made_words(view.source, zh=zh),
        ranked_title="未达标，求职者最多" if zh else "Not covered, most seekers",
        ranked=[
            Ranked(row["code"], row["name"], f"{whole(row['seekers'])}{' 人' if zh else ''}")
            for row in lacking[:_LISTED]
        ],
        notes=[answer["rule"]["covered_when_zh" if zh else "covered_when"] + ("。" if zh else ".")],
        sources=[view.source.title] if view.source.title else [],
    )


def _facts(summary: Mapping[str, Any], share: float | None, *, zh: bool) -> list[str]:
    walk = summary["covered_walk"]
    facts = [f"达标率 {percent(share)}" if zh else f"Share {percent(share)}"]
    facts.append(
        f"直线口径 {summary['covered_straight']} 个"
        if zh
        else f"Straight {summary['covered_straight']}"
    )
    if walk is not None:
        facts.append(f"步行口径 {walk} 个" if zh else f"On foot {walk}")
    return facts


def _communities(view: AtlasView, rows: Mapping[str, Any], *, zh: bool) -> MapLayer:
    features = []
    for area in view.areas:
        row = rows.get(area["properties"]["code"])
        if row is None:
            continue
        why = "；" if zh else "; "
        told = why.join(one["text_zh" if zh else "text_en"] for one in row["why_not"])
        features.append(
            {
                **area,
                "properties": {
                    **{key: row[key] for key in ("stations", "openings", "seekers", "residents")},
                    "code": row["code"],
                    "name": row["name"],
                    "why": told or ("达标" if zh else "covered"),
                    "look": 0 if row["covered"] else 1,
                },
            }
        )
    return MapLayer(
        "城市社区" if zh else "Urban communities",
        "polygon",
        features,
        _LOOKS,
        look_of="look",
        ranked=True,
        fields=[
            Field("code", "编码" if zh else "code"),
            Field("stations", "就业服务站" if zh else "job-service stations"),
            Field("openings", "岗位" if zh else "openings"),
            Field("seekers", "求职者" if zh else "seekers"),
            Field("residents", "居民" if zh else "residents"),
            Field("why", "状态" if zh else "state"),
        ],
    )


def _circles(rows: list[dict[str, Any]], radius_m: float, *, zh: bool) -> MapLayer:
    centres = np.array([[row["centre"]["lon"], row["centre"]["lat"]] for row in rows], np.float64)
    rings = circles(centres.reshape(-1, 2), radius_m)
    features = [
        {
            "type": "Feature",
            "id": row["code"],
            "properties": {},
            "geometry": json.loads(shapely.to_geojson(ring)),
        }
        for row, ring in zip(rows, rings, strict=True)
    ]
    return MapLayer("就业圈" if zh else "Circles", "polygon", features, [_CIRCLE])


def _legend(radius_m: float, marks: list[LegendRow], *, zh: bool) -> list[LegendPart]:
    radius = kilometres(radius_m)
    return [
        LegendPart(
            "城市社区" if zh else "Urban communities",
            [
                LegendRow("swatch", _LOOKS[0], "达标" if zh else "covered"),
                LegendRow("swatch", _LOOKS[1], "未达标" if zh else "not covered"),
            ],
        ),
        LegendPart(
            "线与点" if zh else "Lines and points",
            [
                LegendRow("line", _CIRCLE, f"{radius} 圈" if zh else f"circle of {radius}"),
                LegendRow("line", _COUNTY, "区县界" if zh else "county"),
                *marks,
            ],
        ),
    ]
