"""Folium pages that stand alone: no other host, the same bytes every time, text stays text.

What folium does by itself and what happens here instead:

* ten scripts and styles of four hosts: Leaflet's own two files, written into the page;
* random element ids: ids by the order of the elements, so equal input gives equal bytes;
* what a macro has rendered is read as a template a second time, so that a name holding ``{{ }}``
  runs on the server: rendered text stays text (:class:`_Once`);
* no content security policy: a page allows exactly its own inline scripts and styles by their
  SHA-256 (``'unsafe-inline'`` is not needed), and connects to nothing;
* OpenStreetMap tiles: none, unless a base map is set.
"""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import resources
from types import SimpleNamespace
from typing import Any, Final
from urllib.parse import urlsplit

import folium
import jinja2
import shapely
from branca.element import Element, Figure, MacroElement
from folium.map import Layer
from folium.template import Template

from maps.assets import inline
from maps.drawing import Drawing, Look, MapLayer
from maps.packed import pack

_TEMPLATES: Final = jinja2.Environment(
    loader=jinja2.PackageLoader("maps", "pages"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_DELIMITER: Final = re.compile(r"\{\{|\{%|\{#")
_INLINE: Final = re.compile(r"<(script|style)>(.*?)</\1>", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Page:
    """A finished page: its bytes, and the policy that its response carries."""

    content: bytes
    content_security_policy: str


@dataclass(frozen=True, slots=True)
class BaseMap:
    """An XYZ template of a base map and its attribution (plain text)."""

    url: str
    attribution: str


def render(
    drawing: Drawing,
    *,
    ground: BaseMap | None = None,
    links: Sequence[tuple[str, str]] = (),
) -> Page:
    """Return the page of a drawing; equal drawings give equal bytes.

    Parameters
    ----------
    ground
        A base map; None: plain ground.
    links
        (address, text) shown in the head of a served page; a saved page has none.
    """
    drawn = _base_map(drawing.bounds, ground)
    ranked: _Features | None = None
    for layer in drawing.layers:
        features = _Features(layer)
        features.add_to(drawn)
        if layer.ranked:
            ranked = features
    folium.LayerControl(collapsed=True).add_to(drawn)
    drawn.add_child(_Start(drawing.bounds, ranked))
    body = _TEMPLATES.get_template("map.html").render(drawing=drawing, links=links)
    return _finish(drawn, drawing, body, ground)


def _base_map(bounds: tuple[float, float, float, float], ground: BaseMap | None) -> folium.Map:
    """Return an empty map fitted to west, south, east, north; plain ground without a base map."""
    west, south, east, north = bounds
    drawn = folium.Map(
        location=[(south + north) / 2.0, (west + east) / 2.0],
        tiles=None,
        prefer_canvas=True,
        zoom_snap=0.25,
        zoom_delta=0.5,
        attribution_control=ground is not None,
    )
    # on the instance: folium's lists belong to the class, and every later map would change with it
    drawn.default_js, drawn.default_css = [], []
    if ground is not None:
        folium.TileLayer(
            tiles=ground.url, attr=html.escape(ground.attribution) or " ", control=False
        ).add_to(drawn)
    drawn.fit_bounds([[south, west], [north, east]])
    return drawn


class _Features(Layer):
    """A layer of a drawing, made in the page by ``map.js`` out of packed data."""

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "var {{ this.get_name() }} = gridward.layer({{ this.data }}, {{ this.options }});"
        "{% endmacro %}"
    )

    def __init__(self, layer: MapLayer) -> None:
        # Leaflet's layer control reads names as HTML
        name = layer.name.translate(str.maketrans("", "", "<>&\"'"))
        super().__init__(name=name, overlay=True, show=layer.shown)
        self._name = "Features"
        self.data = script_json(_data(layer))
        self.options = script_json(
            {
                "looks": [_leaflet(look) for look in layer.looks],
                "look_of": layer.look_of,
                "head": layer.head,
                "fields": [[field.key, field.label, field.unit] for field in layer.fields],
                "labels": _labels(layer),
            }
        )


class _Start(MacroElement):
    """The last script of a page: scale, sizes, the list beside the map."""

    _template = Template(
        "{% macro script(this, kwargs) %}"
        "gridward.start({{ this._parent.get_name() }}, {{ this.bounds }}, {{ this.ranked() }});"
        "{% endmacro %}"
    )

    def __init__(self, bounds: tuple[float, float, float, float], ranked: Element | None) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Start"
        west, south, east, north = bounds
        self.bounds = script_json([[south, west], [north, east]])
        self._ranked = ranked

    def ranked(self) -> str:
        """Return the variable of the ranked layer: its id is known only when all are numbered."""
        return "null" if self._ranked is None else str(self._ranked.get_name())


def _data(layer: MapLayer) -> dict[str, Any]:
    """Return a layer's features with no more properties than the page shows."""
    shown = {layer.head, *(field.key for field in layer.fields)} if layer.fields else set()
    if layer.look_of is not None:
        shown.add(layer.look_of)
    slim = [
        {
            "type": "Feature",
            "id": str(feature.get("id", number)),
            "properties": {key: feature["properties"][key] for key in sorted(shown)},
            "geometry": feature["geometry"],
        }
        for number, feature in enumerate(layer.features)
        if feature["geometry"]
    ]
    if layer.kind == "polygon":
        texts = [json.dumps(feature["geometry"]) for feature in slim]
        return pack(slim, list(shapely.from_geojson(texts)) if texts else [])
    return {"features": [{**one, "geometry": _rounded(one["geometry"])} for one in slim]}


def _labels(layer: MapLayer) -> list[list[Any]]:
    """Return latitude, longitude and text of each label, inside what it names."""
    if layer.label is None:
        return []
    made = []
    for feature in layer.features:
        if feature["geometry"]:
            shape = shapely.from_geojson(json.dumps(feature["geometry"]))
            ((lon, lat),) = shapely.get_coordinates(shapely.point_on_surface(shape))
            made.append([round(lat, 5), round(lon, 5), str(feature["properties"][layer.label])])
    return made


def _rounded(geometry: Mapping[str, Any]) -> dict[str, Any]:
    shape = shapely.from_geojson(json.dumps(geometry))
    near = shapely.transform(shape, lambda degrees: degrees.round(6))
    made: dict[str, Any] = json.loads(shapely.to_geojson(near))
    return made


def _leaflet(look: Look) -> dict[str, Any]:
    return {
        "line": look.line,
        "width": look.width,
        "fill": look.fill,
        "opacity": look.opacity,
        "dash": " ".join(f"{length:g}" for length in look.dash) or None,
        "radius": look.radius,
    }


def script_json(value: Any) -> str:  # noqa: ANN401 - whatever JSON carries
    r"""Return JSON that is safe inside a script element.

    >>> script_json("</script>")
    '"\\u003c/script\\u003e"'
    """
    text = json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    for character in "<>&\u2028\u2029":
        text = text.replace(character, f"\\u{ord(character):04x}")
    return text


def _finish(drawn: folium.Map, drawing: Drawing, body: str, ground: BaseMap | None) -> Page:
    """Render a map into a page that stands alone; ``body`` is HTML of an escaping template."""
    figure = drawn.get_root()
    if not isinstance(figure, Figure):
        raise TypeError("a map stands in a figure")
    figure.title = html.escape(drawing.title)
    figure.header.add_child(_Raw(f"<script>{inline('/assets/leaflet/leaflet.js')}</script>"))
    figure.header.add_child(_Raw(f"<script>{_own('map.js')}</script>"))
    figure.header.add_child(_Raw(f"<style>{inline('/assets/leaflet/leaflet.css')}</style>"))
    figure.html.add_child(_Raw(body), index=0)
    for number, element in enumerate(_walk(figure)):
        # branca draws ids at random and offers no way to choose them
        element._id = f"{number:04d}"  # noqa: SLF001
        if isinstance(element, MacroElement):
            element._template = _Once(element._template)  # noqa: SLF001
    # folium's own <style> for the map's size comes from the header; ours must come after it
    tag = "zh-CN" if drawing.language == "zh" else "en"
    text = figure.render().replace("<html>", f'<html lang="{tag}">', 1)
    styles = _own("map.css") + _legend_colours(drawing)
    text = text.replace("</head>", f"<style>{styles}</style></head>", 1)
    text = text.replace("</head>", '<link rel="icon" href="data:,"></head>', 1)
    text = text.replace("maximum-scale=1.0, user-scalable=no", "viewport-fit=cover")
    policy = _policy(text, ground)
    head = f'<head>\n<meta http-equiv="Content-Security-Policy" content="{html.escape(policy)}">'
    text = text.replace("<head>", head, 1)
    # the header also forbids framing by others, which a page cannot say of itself
    return Page(text.encode(), policy + "; frame-ancestors 'self'")


def _own(name: str) -> str:
    return resources.files("maps").joinpath("pages", name).read_text(encoding="utf-8")


def _legend_colours(drawing: Drawing) -> str:
    rules = []
    for number, part in enumerate(drawing.legend):
        for place, row in enumerate(part.rows):
            look = row.look
            if row.mark == "line":
                dashed = ";border-top-style:dashed" if look.dash else ""
                rule = f"color:{look.line}{dashed}"
            else:
                edge = f";border-color:{look.line}" if look.line and row.mark == "swatch" else ""
                fill = look.fill or "none"
                if look.fill and look.opacity < 1:
                    fill = f"color-mix(in srgb,{fill} {look.opacity:.0%},white)"
                rule = f"background:{fill}{edge}"
            rules.append(f".gw-k{number}-{place}{{{rule}}}")
    return "".join(rules)


class _Raw(Element):
    """An element that renders as it stands: folium would read its text as a template."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self._text = text

    def render(self, **_kwargs: Any) -> str:  # noqa: ANN401 - as branca has it
        """Return the text."""
        return self._text


def _policy(text: str, ground: BaseMap | None) -> str:
    """Return a policy that allows the inline scripts and styles of a page, and nothing else."""
    hashes: dict[str, list[str]] = {"script": [], "style": []}
    for kind, content in _INLINE.findall(text):
        digest = base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()
        hashes[kind].append(f"'sha256-{digest}'")
    pictures = "data:"
    if ground is not None:
        parts = urlsplit(ground.url)
        # a template of a path alone is our own host
        pictures += f" {parts.scheme}://{parts.netloc}" if parts.netloc else " 'self'"
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {' '.join(dict.fromkeys(hashes['script']))}",
            f"style-src {' '.join(dict.fromkeys(hashes['style']))}",
            f"img-src {pictures}",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


class _Once:
    """A folium template whose output is plain to the second template that branca makes of it."""

    def __init__(self, template: Any) -> None:  # noqa: ANN401 - folium has no types
        self._template = template

    @property
    def module(self) -> SimpleNamespace:
        """Return the template's macros, as branca looks them up."""
        macros = self._template.module.__dict__
        return SimpleNamespace(
            **{
                part: _plain(macros[part])
                for part in ("header", "html", "script")
                if part in macros
            }
        )

    def render(self, **values: Any) -> str:  # noqa: ANN401
        """Return the whole template's output."""
        return _without_delimiters(self._template.render(**values))


def _plain(macro: Callable[..., Any]) -> Callable[..., str]:
    def rendered(*arguments: Any) -> str:  # noqa: ANN401
        return _without_delimiters(str(macro(*arguments)))

    return rendered


def _without_delimiters(text: str) -> str:
    """Return text that a Jinja template renders as it stands.

    >>> folium.template.Template(_without_delimiters("a {{ 7*7 }} {% if %} {#")).render()
    'a {{ 7*7 }} {% if %} {#'
    """
    return _DELIMITER.sub(lambda found: "{{ '" + found[0] + "' }}", text)


def _walk(element: Any) -> Iterator[Element]:  # noqa: ANN401 - branca has no types
    yield element
    if isinstance(element, Figure):
        for part in (element.header, element.html, element.script):
            yield from _walk(part)
    for child in element._children.values():  # noqa: SLF001 - the tree has no public walk
        yield from _walk(child)
