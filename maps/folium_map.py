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
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import resources
from types import SimpleNamespace
from typing import Any, Final
from urllib.parse import urlsplit

import folium
from branca.element import Element, Figure, MacroElement
from folium.template import Template

from maps.assets import inline

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


def base_map(bounds: tuple[float, float, float, float], ground: BaseMap | None) -> folium.Map:
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


class Script(MacroElement):
    """A script of ours that runs after the map is there; it may use ``map``."""

    _template = Template(
        "{% macro script(this, kwargs) %}(function (map, layers) { {{ this.code }} })"
        "({{ this._parent.get_name() }}, {{ this.layers() }});{% endmacro %}"
    )

    def __init__(self, code: str, **layers: Element) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._name = "Script"
        self.code = code
        self._layers = layers

    def layers(self) -> str:
        """Return a JavaScript object of the layers handed in, by name."""
        pairs = (f'"{name}": {layer.get_name()}' for name, layer in self._layers.items())
        return "{" + ", ".join(pairs) + "}"


def finish(
    drawn: folium.Map,
    *,
    title: str,
    language_tag: str,
    body: str,
    styles: str,
    ground: BaseMap | None,
) -> Page:
    """Render a map into a page that stands alone.

    ``title`` is plain text; ``body`` is HTML made by an escaping template; ``styles`` is CSS.
    """
    figure = drawn.get_root()
    if not isinstance(figure, Figure):
        raise TypeError("a map stands in a figure")
    figure.title = html.escape(title)
    figure.header.add_child(_Raw(f"<script>{inline('/assets/leaflet/leaflet.js')}</script>"))
    figure.header.add_child(_Raw(f"<style>{inline('/assets/leaflet/leaflet.css')}</style>"))
    figure.html.add_child(_Raw(body), index=0)
    for number, element in enumerate(_walk(figure)):
        # branca draws ids at random and offers no way to choose them
        element._id = f"{number:04d}"  # noqa: SLF001
        if isinstance(element, MacroElement):
            element._template = _Once(element._template)  # noqa: SLF001
    # folium's own <style> for the map's size comes from the header; ours must come after it
    text = figure.render().replace("<html>", f'<html lang="{language_tag}">', 1)
    own = resources.files("maps").joinpath("pages", "map.css").read_text(encoding="utf-8")
    text = text.replace("</head>", f"<style>{own}{styles}</style></head>", 1)
    text = text.replace("</head>", '<link rel="icon" href="data:,"></head>', 1)
    text = text.replace("maximum-scale=1.0, user-scalable=no", "viewport-fit=cover")
    policy = _policy(text, ground)
    head = f'<head>\n<meta http-equiv="Content-Security-Policy" content="{html.escape(policy)}">'
    text = text.replace("<head>", head, 1)
    # the header also forbids framing by others, which a page cannot say of itself
    return Page(text.encode(), policy + "; frame-ancestors 'self'")


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
