"""The map ``station-coverage``: who is within reach of the stations, and where nobody is."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any, Final

import folium
import jinja2

from gis.errors import Language
from gis.services.coverage_answer import CoverageView
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
_LISTED_GAPS: Final = 10

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
  function size() {
    const radius = Math.max(2.5, Math.min(6, map.getZoom() - 5));
    map.eachLayer(function (layer) { if (layer.setRadius) { layer.setRadius(radius); } });
  }
  map.on("zoomend overlayadd", size);
  size();
  const panel = document.getElementById("gw-panel");
  panel.addEventListener("toggle", function () { map.invalidateSize(); });
  if (window.innerWidth <= 640) {
    panel.open = false;
    map.invalidateSize();
    map.fitBounds(layers.areas.getBounds());
  }
  document.querySelectorAll("[data-gap]").forEach(function (button) {
    button.addEventListener("click", function () {
      layers.gaps.eachLayer(function (layer) {
        if (String(layer.feature.id) === button.dataset.gap) {
          map.fitBounds(layer.getBounds(), {maxZoom: 15, padding: [40, 40]});
          layer.openPopup();
        }
      });
    });
  });
"""


def draw(
    view: CoverageView,
    *,
    language: Language,
    drawn_on: date,
    ground: BaseMap | None = None,
    links: Sequence[tuple[str, str]] = (),
) -> Page:
    """Return the page of a coverage view.

    Parameters
    ----------
    drawn_on
        The date printed on the map; equal view, date and language give equal bytes.
    ground
        A base map; None: plain ground.
    links
        (address, text) shown in the head of a served page; a saved page has none.
    """
    zh = language == "zh"
    drawn = base_map(view.bounds, ground)
    areas = _add_areas(drawn, view, zh=zh)
    gaps = _add_gaps(drawn, view, zh=zh)
    _add_lines(drawn, view, zh=zh)
    kinds = _add_stations(drawn, view, zh=zh)
    folium.LayerControl(collapsed=True).add_to(drawn)
    drawn.add_child(Script(_BEHAVIOUR, areas=areas, gaps=gaps))
    title = _title(view, zh=zh)
    return finish(
        drawn,
        title=title,
        language_tag="zh-CN" if zh else "en",
        body=_body(view, title, kinds, drawn_on=drawn_on, links=links, zh=zh),
        styles=_legend_colours(kinds),
        ground=ground,
    )


def _title(view: CoverageView, *, zh: bool) -> str:
    name = f"{view.title}" if view.title else ""
    return f"{name}服务站点覆盖图" if zh else f"{name} station coverage".strip()


def _kilometres(radius_m: float) -> str:
    return f"{radius_m / 1000:g} km" if radius_m >= 1000 else f"{radius_m:g} m"


def _collection(features: list[dict[str, Any]]) -> dict[str, Any]:
    return {"type": "FeatureCollection", "features": features}


def _add_areas(drawn: folium.Map, view: CoverageView, *, zh: bool) -> folium.GeoJson:
    fields = (
        ("code", "编码" if zh else "code", ""),
        ("people", "常住人口" if zh else "residents", ""),
        ("people_covered", "已覆盖" if zh else "covered", ""),
        ("ratio", "占比" if zh else "share", "%"),
        ("nearest_m", "距最近站点" if zh else "nearest station", "m"),
    )

    def look(feature: dict[str, Any]) -> dict[str, Any]:
        return {
            "color": style.OUTLINE,
            "weight": 0.6,
            "fillColor": style.share_colour(feature["properties"]["ratio"]),
            "fillOpacity": 1,
        }

    areas = folium.GeoJson(
        _collection(view.areas),
        name="覆盖人口占比" if zh else "Share of people covered",
        style_function=look,
        smooth_factor=0,
        on_each_feature=texts("name", fields),
    )
    areas.add_to(drawn)
    return areas


def _add_gaps(drawn: folium.Map, view: CoverageView, *, zh: bool) -> folium.GeoJson:
    fields = (
        ("people", "未覆盖人口" if zh else "people not covered", ""),
        ("rank", "排名" if zh else "rank", ""),
        ("area_km2", "盲区面积" if zh else "area of the gap", "km²"),
        ("nearest_m", "距最近站点" if zh else "nearest station", "m"),
    )

    def look(feature: dict[str, Any]) -> dict[str, Any]:
        return {
            "color": style.GAP_OUTLINE,
            "weight": 0.5,
            "fillColor": style.gap_colour(feature["properties"]["people"]),
            "fillOpacity": 1,
        }

    gaps = folium.GeoJson(
        _collection([gap for gap in view.gaps if gap["geometry"]]),
        name="盲区(有人居住)" if zh else "Gaps (people live there)",
        style_function=look,
        smooth_factor=0,
        on_each_feature=texts("name", fields),
    )
    gaps.add_to(drawn)
    return gaps


def _add_lines(drawn: folium.Map, view: CoverageView, *, zh: bool) -> None:
    def county(_feature: dict[str, Any]) -> dict[str, Any]:
        return {"color": style.COUNTY_OUTLINE, "weight": 1.8, "fill": False}

    def reach(_feature: dict[str, Any]) -> dict[str, Any]:
        return {"color": style.REACH, "weight": 1.4, "fill": False}

    folium.GeoJson(
        _collection(view.counties),
        name="区县界" if zh else "Counties",
        style_function=county,
        smooth_factor=0,
        interactive=False,
    ).add_to(drawn)
    if view.reach is not None:
        folium.GeoJson(
            _collection([view.reach]),
            name="服务半径" if zh else "Reach",
            style_function=reach,
            smooth_factor=0,
            interactive=False,
        ).add_to(drawn)


def _add_stations(
    drawn: folium.Map, view: CoverageView, *, zh: bool
) -> list[tuple[style.Mark, int]]:
    kinds = sorted({station["properties"]["kind"] for station in view.stations})
    marks: list[tuple[style.Mark, int]] = []
    for kind in kinds:
        mark = style.station_mark(kind, kinds)
        title = mark.title_zh if zh else mark.title_en
        members = [
            {**station, "properties": {**station["properties"], "kind_title": title}}
            for station in view.stations
            if station["properties"]["kind"] == kind
        ]
        marks.append((mark, len(members)))
        folium.GeoJson(
            _collection(members),
            name=_plain(title),
            marker=folium.CircleMarker(
                radius=5,
                color=style.COUNTY_OUTLINE,
                weight=1,
                fill=True,
                fill_color=mark.colour,
                fill_opacity=1,
            ),
            style_function=_no_style,
            on_each_feature=texts(
                "name",
                [
                    ("kind_title", "类别" if zh else "kind", ""),
                    ("code", "编码" if zh else "code", ""),
                ],
            ),
        ).add_to(drawn)
    return marks


def _no_style(_feature: dict[str, Any]) -> dict[str, Any]:
    """Add nothing to the marker's own look; without a function folium reads a property instead."""
    return {}


def _plain(title: str) -> str:
    """Return a layer's name without what Leaflet's layer control would read as HTML."""
    return title.translate(str.maketrans("", "", "<>&\"'"))


def _body(
    view: CoverageView,
    title: str,
    marks: list[tuple[style.Mark, int]],
    *,
    drawn_on: date,
    links: Sequence[tuple[str, str]],
    zh: bool,
) -> str:
    question = view.answer["question"]
    radius = _kilometres(question["radius_m"])
    subtitle = f"直线距离 {radius} 服务半径" if zh else f"straight-line reach of {radius}"
    return _TEMPLATES.get_template("station_coverage.html").render(
        t=lambda zh_text, en_text: zh_text if zh else en_text,
        title=title,
        subtitle=subtitle,
        links=[{"href": href, "text": text} for href, text in links],
        summary=view.answer["summary"],
        classes=style.SHARE_CLASSES,
        gap_classes=style.GAP_CLASSES,
        marks=[
            {"title_zh": mark.title_zh, "title_en": mark.title_en, "count": count}
            for mark, count in marks
        ],
        gaps=[gap["properties"] for gap in view.gaps[:_LISTED_GAPS] if gap["geometry"]],
        made=bool(view.source.facts.get("made")),
        notice=view.source.facts.get("notice_zh" if zh else "notice_en", ""),
        source=view.source.title,
        revision=view.answer["boundary_revision"],
        date=drawn_on.isoformat(),
        number=lambda value: f"{value:,.0f}",
        percent=_percent,
    )


def _percent(ratio: float | None) -> str:
    """Return a share in percent, rounded down: only everybody is 100.0%."""
    return "—" if ratio is None else f"{int(ratio * 1000) / 10:.1f}%"


def _legend_colours(marks: list[tuple[style.Mark, int]]) -> str:
    rules = [
        f".gw-c{number}{{background:{step.colour}}}"
        for number, step in enumerate(style.SHARE_CLASSES)
    ]
    rules += [
        f".gw-m{number}{{background:{mark.colour}}}" for number, (mark, _) in enumerate(marks)
    ]
    rules += [
        f".gw-g{number}{{background:{step.colour};border-color:{style.GAP_OUTLINE}}}"
        for number, step in enumerate(style.GAP_CLASSES)
    ]
    rules += [
        f".gw-cn{{background:{style.NOBODY}}}",
        f".gw-lr{{color:{style.REACH}}}",
        f".gw-lc{{color:{style.COUNTY_OUTLINE}}}",
    ]
    return "".join(rules)
