"""A map as a value: what is drawn, in which colours, and the words beside it.

Every map of :mod:`maps.catalogue` builds one :class:`Drawing`; :mod:`maps.folium_map` makes a page
of it, :mod:`maps.printing` a PNG or a PDF. So legend, colours and figures are the same everywhere.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

from gis.errors import Language

Feature = Mapping[str, Any]
"""A GeoJSON feature in lon/lat (EPSG:4326)."""


@dataclass(frozen=True, slots=True)
class Look:
    """How features are drawn; pixels on a screen, points on paper. ``fill`` None: no fill."""

    line: str | None = None
    width: float = 1.0
    fill: str | None = None
    opacity: float = 1.0
    dash: tuple[float, ...] = ()
    radius: float = 5.0


@dataclass(frozen=True, slots=True)
class Field:
    """A line of a popup: property, label, unit (``%`` shows a share, rounded down)."""

    key: str
    label: str
    unit: str = ""


@dataclass(frozen=True, slots=True)
class MapLayer:
    """Features drawn together.

    ``looks`` are the classes of the layer, ``look_of`` names the property that holds a feature's
    place in ``looks`` (None: the first). ``label`` is a property written on paper at the feature.
    ``fields`` (with ``head``) make a popup; without them the layer lets clicks through.
    """

    name: str
    kind: Literal["polygon", "line", "point"]
    features: Sequence[Feature]
    looks: Sequence[Look]
    look_of: str | None = None
    head: str = "name"
    fields: Sequence[Field] = ()
    ranked: bool = False
    label: str | None = None
    shown: bool = True

    def look(self, feature: Feature) -> Look:
        """Return how a feature is drawn."""
        return self.looks[0 if self.look_of is None else feature["properties"][self.look_of]]


@dataclass(frozen=True, slots=True)
class LegendRow:
    """One entry of the legend: a swatch, a line or a dot, and what it means."""

    mark: Literal["swatch", "line", "dot"]
    look: Look
    text: str


@dataclass(frozen=True, slots=True)
class LegendPart:
    """A titled part of the legend."""

    title: str
    rows: Sequence[LegendRow]


@dataclass(frozen=True, slots=True)
class Ranked:
    """A row of the list beside the map; pressing it shows the feature with that id."""

    feature: str
    text: str
    value: str


@dataclass(frozen=True, slots=True)
class Drawing:
    """A whole map. ``bounds`` are west, south, east, north in degrees.

    ``figure`` is the one number that the map is about, ``figure_text`` what it counts;
    ``facts`` are further lines of numbers, ``notes`` say how to read the map, ``sources`` what it
    is made from. Equal drawings give equal bytes.
    """

    title: str
    subtitle: str
    language: Language
    bounds: tuple[float, float, float, float]
    layers: Sequence[MapLayer]
    legend: Sequence[LegendPart]
    revision: int | None
    drawn_on: date
    figure: str = ""
    figure_text: str = ""
    facts: Sequence[str] = ()
    warning: str = ""
    made: str = ""
    ranked_title: str = ""
    ranked: Sequence[Ranked] = ()
    notes: Sequence[str] = ()
    sources: Sequence[str] = field(default=())

    def t(self, zh: str, en: str) -> str:
        """Return the text of the map's language."""
        return zh if self.language == "zh" else en

    def closing(self) -> list[str]:
        """Return the lines that every map ends with: revision, sources, date."""
        lines = []
        if self.revision is not None:
            lines.append(self.t(f"边界版本 {self.revision}", f"Boundary revision {self.revision}"))
        if self.sources:
            lines.append(self.t("来源：", "Sources: ") + self.t("、", ", ").join(self.sources))
        lines.append(self.t("制图日期 ", "Drawn on ") + self.drawn_on.isoformat())
        return lines


def kilometres(metres: float) -> str:
    """Return a distance as people write it.

    >>> kilometres(3000), kilometres(500)
    ('3 km', '500 m')
    """
    return f"{metres / 1000:g} km" if metres >= 1000 else f"{metres:g} m"


def percent(ratio: float | None) -> str:
    """Return a share in percent, rounded down: only everybody is 100.0%.

    >>> percent(0.99999), percent(1.0), percent(None)
    ('99.9%', '100.0%', '—')
    """
    return "—" if ratio is None else f"{int(ratio * 1000) / 10:.1f}%"


def whole(value: float) -> str:
    """Return a number with separators.

    >>> whole(1234567.2)
    '1,234,567'
    """
    return f"{value:,.0f}"
