"""The map ``boundary-impact``: what a draft moves from which area to which, and how many people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import shapely

from gis.errors import Language
from gis.services.impact import ImpactView
from maps import style
from maps.drawing import Drawing, Field, LegendPart, LegendRow, Look, MapLayer, Ranked, whole

_LISTED: Final = 10
_MOST_NAMES: Final = 60
_OLD: Final = Look(line=style.OLD_LINE, width=2, dash=(6, 5))
_NEW: Final = Look(line=style.NEW_LINE, width=2)
_AROUND: Final = Look(line=style.NEIGHBOUR_LINE, width=1)


def draw(view: ImpactView, *, language: Language, drawn_on: date) -> Drawing:
    """Return the drawing of a draft's impact."""
    zh = language == "zh"
    answer = view.answer
    titles = {key: words[0 if zh else 1] for key, words in style.LAYER_TITLES.items()}
    level = titles.get(view.layer, view.layer)
    number = answer["draft_id"]
    summary = answer["summary"]
    left = summary["residents_left_without_area"] if summary else 0
    return Drawing(
        title=f"边界草稿 {number} 的影响" if zh else f"Impact of boundary draft {number}",
        subtitle=f"按{level}统计，发布之前" if zh else f"by {level}, before it is published",
        language=language,
        bounds=_roomy(view.bounds),
        layers=[
            MapLayer(
                "相邻区域" if zh else "Neighbours", "polygon", _shapes(view.around), [_AROUND]
            ),
            _moved(view, zh=zh),
            MapLayer("现行边界" if zh else "Boundaries now", "polygon", _shapes(view.old), [_OLD]),
            MapLayer(
                "草稿边界" if zh else "Boundaries of the draft",
                "polygon",
                _shapes(view.new),
                [_NEW],
                label="name" if len(view.new) <= _MOST_NAMES else None,
            ),
        ],
        legend=_legend(zh=zh),
        revision=answer["revision"],
        drawn_on=drawn_on,
        figure=whole(summary["residents_moved"]) if summary else "",
        figure_text="人改由其他区域负责" if zh else "residents get another area",
        facts=_facts(summary, zh=zh),
        warning=""
        if not left
        else f"将无区域负责：{whole(left)} 人"
        if zh
        else f"Left without an area: {whole(left)} residents",
        made="" if not view.made else "演示数据" if zh else "Demo data",
        ranked_title="划转最多" if zh else "Most people moved",
        ranked=[
            Ranked(
                str(place),
                _named(piece.row, zh=zh),
                f"{whole(piece.row['residents'])}{' 人' if zh else ''}",
            )
            for place, piece in enumerate(view.moved[:_LISTED])
        ],
        notes=[
            "建筑、地址、站点与事件按其位置归入区域，与定位查询同一规则。"
            if zh
            else "Buildings, addresses, stations and events belong to the area that covers their "
            "point, as in every look-up.",
            (f"草稿 {number}" if zh else f"Draft {number}")
            + (f" · {answer['title']}" if answer["title"] else "")
            + ("，对照下列边界版本。" if zh else ", compared with the revision below."),
        ],
    )


def _facts(summary: dict[str, Any] | None, *, zh: bool) -> list[str]:
    if not summary:
        return ["此草稿不改变任何区域。" if zh else "This draft changes no area."]
    rows = (
        ("residents", "人（按所在建筑统计）", "Residents (at their building)"),
        ("households", "户", "Households"),
        ("addresses", "地址", "Addresses"),
        ("stations", "站点", "Stations"),
        ("open_orders", "在办工单", "Open work orders"),
        ("events", "近一年事件", "Events of the last year"),
    )
    facts = [
        f"{zh_text if zh else en_text} {whole(summary[f'{key}_moved'])} / "
        f"{whole(summary[f'{key}_in_all'])}"
        for key, zh_text, en_text in rows
    ]
    workers = whole(summary["workers_concerned"])
    facts.append(f"相关值守人员 {workers}" if zh else f"People on duty concerned {workers}")
    new, changed, retired = (summary[f"areas_{what}"] for what in ("new", "changed", "retired"))
    facts.append(
        f"区域：新增 {new}，调整 {changed}，停用 {retired}"
        if zh
        else f"Areas: {new} new, {changed} changed, {retired} retired"
    )
    return facts


def _roomy(bounds: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    west, south, east, north = bounds
    x, y = (east - west) * 0.03 + 1e-4, (north - south) * 0.03 + 1e-4
    return west - x, south - y, east + x, north + y


def _moved(view: ImpactView, *, zh: bool) -> MapLayer:
    colours = [step.colour for step in style.MOVED_CLASSES]
    features = []
    for number, piece in enumerate(view.moved):
        row = piece.row
        properties = {
            **row,
            "name": _named(row, zh=zh),
            "change": f"{row['old'] or '—'} → {row['new'] or '—'}",
            "look": colours.index(style.moved_colour(row["residents"])),
        }
        features.append(_feature(piece.ground, properties, number))
    words = (
        ("change", "由 → 到", "from → to", ""),
        ("residents", "人口", "residents", ""),
        ("households", "户", "households", ""),
        ("addresses", "地址", "addresses", ""),
        ("stations", "站点", "stations", ""),
        ("open_orders", "在办工单", "open work orders", ""),
        ("events", "近一年事件", "events of the last year", ""),
        ("old_share", "占原区域面积", "share of the old area", "%"),
        ("new_share", "占新区域面积", "share of the new area", "%"),
    )
    return MapLayer(
        "划转的部分" if zh else "Parts that move",
        "polygon",
        features,
        [Look(line=style.GAP_OUTLINE, width=0.5, fill=colour, opacity=0.85) for colour in colours],
        look_of="look",
        ranked=True,
        fields=[
            Field(key, zh_text if zh else en_text, unit) for key, zh_text, en_text, unit in words
        ],
    )


def _named(row: dict[str, Any], *, zh: bool) -> str:
    nobody = "无归属" if zh else "no area"
    return f"{row['old_name'] or nobody} → {row['new_name'] or nobody}"


def _shapes(areas: Sequence[tuple[str, str, Any]]) -> list[dict[str, Any]]:
    return [
        _feature(shape, {"code": code, "name": name}, code)
        for code, name, shape in areas
        if not shape.is_empty
    ]


def _feature(shape: Any, properties: dict[str, Any], number: int | str) -> dict[str, Any]:  # noqa: ANN401
    return {
        "type": "Feature",
        "id": str(number),
        "geometry": json.loads(shapely.to_geojson(shape)),
        "properties": properties,
    }


def _legend(*, zh: bool) -> list[LegendPart]:
    return [
        LegendPart(
            "划转的人口" if zh else "Residents that move",
            [
                LegendRow(
                    "swatch",
                    Look(line=style.GAP_OUTLINE, fill=step.colour),
                    step.title_zh if zh else step.title_en,
                )
                for step in style.MOVED_CLASSES
            ],
        ),
        LegendPart(
            "线" if zh else "Lines",
            [
                LegendRow("line", _OLD, "现行边界" if zh else "boundaries now"),
                LegendRow("line", _NEW, "草稿边界" if zh else "boundaries of the draft"),
                LegendRow("line", _AROUND, "相邻区域（不变）" if zh else "neighbours, unchanged"),
            ],
        ),
    ]
