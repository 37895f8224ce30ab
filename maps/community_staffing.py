"""The map ``community-staffing``: workers of each urban community against the standard."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Final

from gis.errors import Language
from gis.governance.duty import ROLES
from gis.services.atlas import AtlasView
from maps import style
from maps.drawing import Drawing, Field, LegendPart, LegendRow, Look, MapLayer, Ranked, whole
from maps.station_coverage import made_words

_LISTED: Final = 10
_COUNTY: Final = Look(line=style.COUNTY_OUTLINE, width=1.8)
_LOOKS: Final = tuple(
    Look(line=style.OUTLINE, width=0.6, fill=step.colour) for step in style.MISSING_CLASSES
)


def draw(
    view: AtlasView, answer: Mapping[str, Any], *, language: Language, drawn_on: date
) -> Drawing:
    """Return the drawing of staffing (``answer`` of :func:`gis.services.staffing.staffed`)."""
    zh = language == "zh"
    city, per = answer["city"], answer["rule"]["per_10000"]
    short = sorted(
        (row for row in answer["items"] if row["missing"]),
        key=lambda row: (-row["missing"], row["code"]),
    )
    return Drawing(
        title=f"{view.title or ''}社区工作者配备图"
        if zh
        else f"Community staffing, {view.title or 'city'}",
        subtitle=f"城市社区，每万名常住居民 {per} 人"
        if zh
        else f"urban communities, {per} workers per 10,000 residents",
        language=language,
        bounds=view.bounds,
        layers=[
            _communities(view, answer["items"], zh=zh),
            MapLayer(
                "区县界" if zh else "Counties",
                "polygon",
                view.outlines,
                [_COUNTY],
                label="name",
            ),
        ],
        legend=_legend(zh=zh),
        revision=view.revision,
        drawn_on=drawn_on,
        figure=f"{city['communities'] - city['communities_short']} / {city['communities']}",
        figure_text="个城市社区已配齐" if zh else "urban communities are fully staffed",
        facts=_facts(city, zh=zh),
        made=made_words(view.source, zh=zh),
        warning=""
        if answer["items"]
        else ("此范围内没有城市社区。" if zh else "There is no urban community in that scope."),
        ranked_title="缺员最多的社区" if zh else "Most posts missing",
        ranked=[
            Ranked(row["code"], row["name"], f"{row['missing']}{' 人' if zh else ''}")
            for row in short[:_LISTED]
        ],
        notes=[_note(answer["rule"], zh=zh)],
        sources=[view.source.title] if view.source.title else [],
    )


def _facts(city: Mapping[str, Any], *, zh: bool) -> list[str]:
    people, staff = whole(city["residents"]), whole(city["staff"])
    posts, missing = whole(city["posts_of_communities"]), whole(city["missing_of_communities"])
    if zh:
        return [f"居民 {people} 人", f"应配 {posts} 人，在岗 {staff} 人", f"合计缺 {missing} 人"]
    return [f"Residents {people}", f"Posts {posts}, staff {staff}", f"Missing {missing}"]


def _note(rule: Mapping[str, Any], *, zh: bool) -> str:
    titles = [ROLES[role].title_zh if zh else ROLES[role].title_en for role in rule["roles"]]
    if zh:
        counted = "、".join(titles)
        return f"计入在岗的{counted}；各社区应配人数单独向上取整，富余不调剂给缺员的社区。"
    counted = ", ".join(titles)
    return f"Counted on duty: {counted}. Posts are rounded up per community; no surplus is lent."


def _communities(view: AtlasView, rows: list[dict[str, Any]], *, zh: bool) -> MapLayer:
    by_code = {row["code"]: row for row in rows}
    features = [
        {
            **area,
            "properties": {
                **{
                    key: by_code[area["id"]][key]
                    for key in ("code", "name", "residents", "posts", "staff", "missing")
                },
                "look": style.missing_class(by_code[area["id"]]["missing"]),
            },
        }
        for area in view.areas
        if area["id"] in by_code
    ]
    return MapLayer(
        "城市社区" if zh else "Urban communities",
        "polygon",
        features,
        _LOOKS,
        look_of="look",
        ranked=True,
        fields=[
            Field("code", "编码" if zh else "code"),
            Field("residents", "居民" if zh else "residents"),
            Field("posts", "应配" if zh else "posts"),
            Field("staff", "在岗" if zh else "staff"),
            Field("missing", "缺员" if zh else "missing"),
        ],
    )


def _legend(*, zh: bool) -> list[LegendPart]:
    return [
        LegendPart(
            "缺员" if zh else "Posts missing",
            [
                LegendRow("swatch", look, step.title_zh if zh else step.title_en)
                for look, step in zip(_LOOKS, style.MISSING_CLASSES, strict=True)
            ],
        ),
        LegendPart(
            "线" if zh else "Lines",
            [LegendRow("line", _COUNTY, "区县界" if zh else "county")],
        ),
    ]
