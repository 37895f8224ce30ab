"""The map ``boundary-impact``: what a draft moves from which area to which, and how many people."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import folium
import jinja2
import shapely

from gis.errors import Language
from gis.services.impact import ImpactView
from maps import style
from maps.folium_map import BaseMap, Page, Script, base_map, finish
from maps.popup import texts

_TEMPLATES: Final = jinja2.Environment(
    loader=jinja2.PackageLoader("maps", "pages"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_LISTED: Final = 10
_DIGITS: Final = 1e-6  # a tenth of a metre, finer than a pixel at any zoom of the map

_BEHAVIOUR: Final = """
  L.control.scale({imperial: false, position: "bottomright"}).addTo(map);
  if (map.attributionControl) { map.attributionControl.setPrefix(false); }
  const titles = {"zoom-in": ["放大", "Zoom in"], "zoom-out": ["缩小", "Zoom out"],
    "layers-toggle": ["图层", "Layers"]};
  for (const [name, [zh, en]] of Object.entries(titles)) {
    const button = document.querySelector(".leaflet-control-" + name);
    button.title = document.documentElement.lang === "en" ? en : zh;
    button.setAttribute("aria-label", button.title);
  }
  const bounds = map.getBounds();
  const panel = document.getElementById("gw-panel");
  panel.addEventListener("toggle", function () { map.invalidateSize(); });
  if (window.innerWidth <= 640) {
    panel.open = false;
    map.invalidateSize();
    map.fitBounds(bounds);
  }
  document.querySelectorAll("[data-piece]").forEach(function (button) {
    button.addEventListener("click", function () {
      layers.moved.eachLayer(function (layer) {
        if (String(layer.feature.id) === button.dataset.piece) {
          map.fitBounds(layer.getBounds(), {maxZoom: 16, padding: [40, 40]});
          layer.openPopup();
        }
      });
    });
  });
"""


def draw(
    view: ImpactView,
    *,
    language: Language,
    drawn_on: date,
    ground: BaseMap | None = None,
    links: Sequence[tuple[str, str]] = (),
) -> Page:
    """Return the page of a draft's impact; equal view, date and language give equal bytes."""
    zh = language == "zh"
    drawn = base_map(_roomy(view.bounds), ground)
    _add_lines(
        drawn,
        _features(view.around),
        "相邻区域" if zh else "Neighbours",
        {"color": style.NEIGHBOUR_LINE, "weight": 1, "fill": False},
    )
    moved = _add_moved(drawn, view, zh=zh)
    _add_lines(
        drawn,
        _features(view.old),
        "现行边界" if zh else "Boundaries now",
        {"color": style.OLD_LINE, "weight": 2, "fill": False, "dashArray": "6 5"},
    )
    _add_lines(
        drawn,
        _features(view.new),
        "草稿边界" if zh else "Boundaries of the draft",
        {"color": style.NEW_LINE, "weight": 2, "fill": False},
    )
    folium.LayerControl(collapsed=True).add_to(drawn)
    drawn.add_child(Script(_BEHAVIOUR, moved=moved))
    title = (
        f"边界草稿 {view.answer['draft_id']} 的影响"
        if zh
        else (f"Impact of boundary draft {view.answer['draft_id']}")
    )
    return finish(
        drawn,
        title=title,
        language_tag="zh-CN" if zh else "en",
        body=_body(view, title, drawn_on=drawn_on, links=links, zh=zh),
        styles=_legend(),
        ground=ground,
    )


def _roomy(bounds: tuple[float, float, float, float]) -> tuple[float, float, float, float]:
    west, south, east, north = bounds
    x, y = (east - west) * 0.03 + 1e-4, (north - south) * 0.03 + 1e-4
    return west - x, south - y, east + x, north + y


def _add_moved(drawn: folium.Map, view: ImpactView, *, zh: bool) -> folium.GeoJson:
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

    def look(feature: dict[str, Any]) -> dict[str, Any]:
        return {
            "color": style.GAP_OUTLINE,
            "weight": 0.5,
            "fillColor": style.moved_colour(feature["properties"]["residents"]),
            "fillOpacity": 0.85,
        }

    features = []
    for number, piece in enumerate(view.moved):
        row = piece.row
        properties = {
            **row,
            "name": _named(row, zh=zh),
            "change": f"{row['old'] or '—'} → {row['new'] or '—'}",
        }
        features.append(_feature(piece.ground, properties, number))
    layer = folium.GeoJson(
        {"type": "FeatureCollection", "features": features},
        name="划转的部分" if zh else "Parts that move",
        style_function=look,
        smooth_factor=0,
        on_each_feature=texts(
            "name", [(key, title_zh if zh else en, unit) for key, title_zh, en, unit in words]
        ),
    )
    layer.add_to(drawn)
    return layer


def _named(row: dict[str, Any], *, zh: bool) -> str:
    nobody = "无归属" if zh else "no area"
    return f"{row['old_name'] or nobody} → {row['new_name'] or nobody}"


def _features(areas: Sequence[tuple[str, str, Any]]) -> list[dict[str, Any]]:
    return [
        _feature(shape, {"code": code, "name": name}, code)
        for code, name, shape in areas
        if not shape.is_empty
    ]


def _feature(shape: Any, properties: dict[str, Any], number: int | str) -> dict[str, Any]:  # noqa: ANN401
    rounded = shapely.set_precision(shape, _DIGITS, mode="pointwise")
    return {
        "type": "Feature",
        "id": str(number),
        "geometry": json.loads(shapely.to_geojson(rounded)),
        "properties": properties,
    }


def _add_lines(
    drawn: folium.Map, features: list[dict[str, Any]], name: str, look: dict[str, Any]
) -> None:
    def style_of(_feature: dict[str, Any]) -> dict[str, Any]:
        return look

    folium.GeoJson(
        {"type": "FeatureCollection", "features": features},
        name=name,
        style_function=style_of,
        smooth_factor=0,
        interactive=False,
    ).add_to(drawn)


def _body(
    view: ImpactView, title: str, *, drawn_on: date, links: Sequence[tuple[str, str]], zh: bool
) -> str:
    answer = view.answer
    layers = {key: words[0 if zh else 1] for key, words in style.LAYER_TITLES.items()}
    level = layers.get(view.layer, view.layer)
    return _TEMPLATES.get_template("boundary_impact.html").render(
        t=lambda zh_text, en_text: zh_text if zh else en_text,
        title=title,
        subtitle=f"按{level}统计,发布之前" if zh else f"by {level}, before it is published",
        links=[{"href": href, "text": text} for href, text in links],
        summary=answer["summary"],
        classes=style.MOVED_CLASSES,
        pieces=[
            {"number": number, "text": _named(piece.row, zh=zh), "people": piece.row["residents"]}
            for number, piece in enumerate(view.moved[:_LISTED])
        ],
        made=view.made,
        draft=answer["draft_id"],
        draft_title=answer["title"],
        revision=answer["revision"],
        date=drawn_on.isoformat(),
        number=lambda value: f"{value:,.0f}",
    )


def _legend() -> str:
    rules = [
        f".gw-g{number}{{background:{step.colour};border-color:{style.GAP_OUTLINE}}}"
        for number, step in enumerate(style.MOVED_CLASSES)
    ]
    rules += [
        f".gw-lo{{color:{style.OLD_LINE}}}",
        f".gw-ln{{color:{style.NEW_LINE}}}",
        f".gw-la{{color:{style.NEIGHBOUR_LINE}}}",
        ".gw-dashed{border-top-style:dashed}",
    ]
    return "".join(rules)
