"""The default style of each layer, as a MapLibre style document that QGIS and browsers read.

One row for each layer of the catalogue. Colours are those of Okabe and Ito (2008), told apart with
any colour vision; areas are outlines, so that layers can lie on one another.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from layers.catalogue import View

INK, BLUE, SKY, GREEN = "#20262b", "#0072b2", "#56b4e9", "#009e73"
ORANGE, RED, PURPLE, GREY = "#e69f00", "#d55e00", "#cc79a7", "#6b7680"
_HALO: Final = "#ffffff"


@dataclass(frozen=True, slots=True)
class Style:
    """How a layer is drawn where nobody says otherwise.

    Parameters
    ----------
    width
        Of lines and outlines, in pixels at zoom 12; they grow with the zoom.
    fill
        Opacity of areas; 0: the outline alone.
    radius
        Of points, in pixels at zoom 12; a counted cell grows with its ``point_count``.
    label, label_from
        Attribute that is written at features, and the zoom from which it is.
    """

    colour: str
    width: float = 1.0
    fill: float = 0.0
    radius: float = 4.0
    dash: tuple[float, ...] = ()
    label: str | None = None
    label_from: int = 0


STYLES: Final[dict[str, Style]] = {
    "cities": Style(INK, width=3.0, label="name", label_from=5),
    "counties": Style(INK, width=2.4, label="name", label_from=7),
    "subdistricts": Style(GREY, width=1.2, label="name", label_from=10),
    "communities": Style(GREY, width=0.9, label="name", label_from=12),
    "grids": Style(BLUE, width=0.8, label="name", label_from=14),
    "dedicated-grids": Style(PURPLE, width=1.2, fill=0.15, dash=(3, 2), label="name",
                             label_from=13),
    "stations": Style(GREEN, radius=5.0, label="name", label_from=13),
    "employment-circles": Style(SKY, width=1.2, fill=0.06, label="name", label_from=12),
    "roads": Style(GREY, width=1.0, label="name", label_from=14),
    "buildings": Style(GREY, radius=2.5),
    "addresses": Style(SKY, radius=2.0, label="house_number", label_from=14),
    "job-openings": Style(ORANGE, label="title", label_from=14),
    "events": Style(RED, label="title", label_from=14),
    "event-density": Style(RED, radius=3.0),
    "deliberations": Style(PURPLE, label="title", label_from=14),
    "deliberation-desk": Style(PURPLE, label="title", label_from=14),
    "coverage-gaps": Style(ORANGE, width=0.8, fill=0.35, label="name", label_from=12),
    "worker-areas": Style(GREEN, width=1.2, fill=0.06, label="worker", label_from=13),
}  # fmt: skip
"""Key of a layer -> its style."""


def maplibre(view: View, tiles: str) -> dict[str, Any]:
    """Return the style document (version 8) of what an actor sees of a layer.

    ``tiles`` is the address of its tiles with ``{z}/{y}/{x}``. A label that the actor may not read
    is not written.
    """
    layer, style = view.layer, STYLES[view.layer.key]
    common: dict[str, Any] = {"source": layer.key, "source-layer": layer.key}
    drawn: list[dict[str, Any]] = []
    if layer.kind == "polygon" and style.fill:
        paint = {"fill-color": style.colour, "fill-opacity": style.fill}
        drawn.append({"id": "fill", "type": "fill", **common, "paint": paint})
    if layer.kind == "point":
        drawn.append({"id": "point", "type": "circle", **common, "paint": _disc(style)})
    else:
        drawn.append({"id": "line", "type": "line", **common, "paint": _line(style)})
    if style.label in {one.name for one in view.attributes if one.tiled}:
        drawn.append(_label(view, style))
    return {
        "version": 8,
        "name": layer.key,
        "metadata": {"title_zh": layer.title_zh, "title_en": layer.title_en},
        "sources": {
            layer.key: {
                "type": "vector",
                "tiles": [tiles],
                "minzoom": layer.zooms[0],
                "maxzoom": layer.zooms[1],
            }
        },
        "layers": drawn,
    }


def _grown(of: float) -> list[Any]:
    return ["interpolate", ["linear"], ["zoom"], 6, of * 0.5, 12, of, 17, of * 2.5]


def _disc(style: Style) -> dict[str, Any]:
    counted = ["log10", ["max", 1, ["to-number", ["get", "point_count"], 1]]]
    bins = ["interpolate", ["linear"], counted, 0, 3, 5, 16]
    return {
        "circle-color": style.colour,
        "circle-radius": ["case", ["has", "point_count"], bins, style.radius],
        "circle-opacity": ["case", ["has", "point_count"], 0.65, 1],
        "circle-stroke-color": _HALO,
        "circle-stroke-width": 1,
    }


def _line(style: Style) -> dict[str, Any]:
    dash = {"line-dasharray": list(style.dash)} if style.dash else {}
    return {"line-color": style.colour, "line-width": _grown(style.width), **dash}


def _label(view: View, style: Style) -> dict[str, Any]:
    layer = view.layer
    of_points = layer.kind == "polygon" and style.label == "name" and "code" in view.names
    return {
        "id": "label",
        "type": "symbol",
        "source": layer.key,
        # one point for each area: its outline would be labelled in every tile that it touches
        "source-layer": f"{layer.key}-labels" if of_points else layer.key,
        "minzoom": style.label_from,
        "layout": {
            "text-field": ["get", style.label],
            "text-size": 12,
            "symbol-placement": "line" if layer.kind == "line" else "point",
            **({"text-offset": [0, 0.9], "text-anchor": "top"} if layer.kind == "point" else {}),
        },
        "paint": {"text-color": INK, "text-halo-color": _HALO, "text-halo-width": 1.5},
    }
