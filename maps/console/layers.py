"""How the console draws each layer of the catalogue: what is not listed here is not in its menu."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

from layers.catalogue import LAYERS

TILES: Final = "/ogc/collections/{key}/tiles/WebMercatorQuad/{{z}}/{{y}}/{{x}}"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A layer in the console: shape, look, label, and whether it is off at first."""

    key: str
    kind: Literal["polygon", "line", "point"]
    minzoom: int
    hidden: bool = False
    width: float = 1.0
    fill: float = 0.0
    dash: tuple[float, ...] = ()
    label: tuple[str, int, int] | None = None  # attribute, zoom, size
    marks: str | None = None  # attribute whose values have colours and titles of their own


DRAWN: Final = (
    Drawn("counties", "polygon", 5, width=2.8, label=("name", 6, 15)),
    Drawn("subdistricts", "polygon", 8, width=1.0, label=("name", 10, 13)),
    Drawn("communities", "polygon", 10, label=("name", 12, 12)),
    Drawn("grids", "polygon", 12, width=0.8, label=("name", 14, 11)),
    Drawn("dedicated-grids", "polygon", 12, hidden=True, width=1.2, fill=0.15, dash=(3, 2)),
    Drawn("roads", "line", 10, width=0.9),
    Drawn("buildings", "point", 10, hidden=True),
    Drawn("stations", "point", 7, label=("name", 13, 11), marks="kind"),
    Drawn("employment-circles", "polygon", 8, hidden=True, width=1.2, fill=0.06),
    Drawn("coverage-gaps", "polygon", 8, hidden=True, width=0.8, fill=0.35),
    Drawn("job-openings", "point", 9, hidden=True),
    Drawn("event-density", "point", 8, hidden=True),
    Drawn("deliberations", "point", 9, hidden=True),
    Drawn("deliberation-desk", "point", 9, hidden=True),
    Drawn("events", "point", 10, hidden=True),
)


def console_layers(role: str | None, features: frozenset[str]) -> list[dict[str, Any]]:
    """Return the layers that a role sees, lowest first; none where no tiles are served."""
    if not any("/tiles/" in path for path in features):
        return []
    return [
        {
            "key": layer.key,
            "title_zh": LAYERS[layer.key].title_zh,
            "title_en": LAYERS[layer.key].title_en,
            "kind": layer.kind,
            "tiles": TILES.format(key=layer.key),
            "minzoom": layer.minzoom,
            "tiled": list(LAYERS[layer.key].zooms),
            "shown": not layer.hidden,
            "marks": layer.marks,
            "look": {"width": layer.width, "fill": layer.fill, "dash": list(layer.dash)},
            "label": None
            if layer.label is None
            else {
                "source": layer.key if layer.kind == "point" else f"{layer.key}-labels",
                "field": layer.label[0],
                "minzoom": layer.label[1],
                "size": layer.label[2],
            },
        }
        for layer in DRAWN
        if LAYERS[layer.key].seen_by(role or "anonymous")
    ]
