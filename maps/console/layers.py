"""How the console draws each layer of the catalogue: what is not listed here is not in its menu."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, Literal

TILES: Final = "/ogc/collections/{key}/tiles/WebMercatorQuad/{{z}}/{{y}}/{{x}}"


@dataclass(frozen=True, slots=True)
class Drawn:
    """A layer in the console: shape, look, label, and whether it is off at first."""

    key: str
    title_zh: str
    title_en: str
    kind: Literal["polygon", "line", "point"]
    minzoom: int
    hidden: bool = False
    width: float = 1.0
    fill: float = 0.0
    dash: tuple[float, ...] = ()
    label: tuple[str, int, int] | None = None  # attribute, zoom, size
    roles: tuple[str, ...] = ()


DRAWN: Final = (
    Drawn("counties", "区县", "Counties", "polygon", 6, width=2.0, label=("name", 7, 15)),
    Drawn("subdistricts", "街道乡镇", "Subdistricts", "polygon", 8, width=1.3,
          label=("name", 10, 13)),
    Drawn("communities", "社区和村", "Communities", "polygon", 10, label=("name", 12, 12)),
    Drawn("grids", "网格", "Grids", "polygon", 12, width=0.8, label=("name", 14, 11)),
    Drawn("dedicated-grids", "专属网格", "Dedicated grids", "polygon", 12, hidden=True, width=1.2,
          fill=0.15, dash=(3, 2)),
    Drawn("roads", "道路", "Roads", "line", 10, width=1.2),
    Drawn("buildings", "建筑（汇总）", "Buildings", "point", 10, hidden=True),
    Drawn("stations", "服务站点", "Stations", "point", 7, label=("name", 13, 11)),
    Drawn("employment-circles", "三公里就业圈", "Employment circles", "polygon", 8, hidden=True,
          width=1.2, fill=0.06),
    Drawn("coverage-gaps", "覆盖盲区", "Coverage gaps", "polygon", 8, hidden=True, width=0.8,
          fill=0.35),
    Drawn("job-openings", "岗位", "Job openings", "point", 9, hidden=True),
    Drawn("event-density", "事件密度", "Event density", "point", 8, hidden=True),
    Drawn("events", "事件", "Events", "point", 10, hidden=True,
          roles=("dispatcher", "planner", "grid_worker", "admin")),
)  # fmt: skip


def console_layers(role: str | None, features: frozenset[str]) -> list[dict[str, Any]]:
    """Return the layers that a role sees, lowest first; none where no tiles are served."""
    if not any("/tiles/" in path for path in features):
        return []
    return [
        {
            "key": layer.key,
            "title_zh": layer.title_zh,
            "title_en": layer.title_en,
            "kind": layer.kind,
            "tiles": TILES.format(key=layer.key),
            "minzoom": layer.minzoom,
            "maxzoom": 14,
            "shown": not layer.hidden,
            "look": {"width": layer.width, "fill": layer.fill, "dash": list(layer.dash)},
            "label": None
            if layer.label is None
            else {"field": layer.label[0], "minzoom": layer.label[1], "size": layer.label[2]},
        }
        for layer in DRAWN
        if not layer.roles or role in layer.roles
    ]
