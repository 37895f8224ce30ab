"""Maps on paper: a drawing as PNG or PDF, A4 or A3, without a browser.

The sheet has the map in a frame, a title block, legend, figures, scale bar, north arrow, sources,
date and revision. The map is drawn in a transverse Mercator on the middle of the sheet, so that a
centimetre is the same length everywhere on it (to 0.05 % over 100 km); north is up along the
central meridian.
"""

from __future__ import annotations

import io
import json
import math
import re
from dataclasses import dataclass
from functools import cache
from typing import Any, Final

import numpy as np
import numpy.typing as npt
import shapely
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.backends.backend_pdf import FigureCanvasPdf
from matplotlib.collections import LineCollection, PathCollection
from matplotlib.colors import to_rgba
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties, fontManager
from matplotlib.lines import Line2D
from matplotlib.patches import FancyArrow, Rectangle
from matplotlib.path import Path as Outline
from matplotlib.patheffects import Normal, Stroke
from pyproj import Transformer

from gis.errors import FontsMissing
from maps.drawing import Drawing, LegendRow, Look, MapLayer
from maps.paper import PAPERS_MM, Format, Paper

DPI: Final = 150
_FONTS: Final = (
    "Noto Sans CJK SC",
    "Source Han Sans SC",
    "WenQuanYi Micro Hei",
    "WenQuanYi Zen Hei",
    "Microsoft YaHei",
    "SimHei",
)
_WORDS: Final = re.compile(r"[!-~]+|.")  # a Latin word, or one letter of anything else
_NEVER_FIRST: Final = frozenset(
    "，。、；：？！）》”’,.;:?!)"
)  # GB/T 15834: no line begins with these
_MM: Final = 1 / 25.4
_PANEL_MM: Final = 68.0
_MARGIN_MM: Final = 8.0
_HEAD_MM: Final = 17.0


def printed(drawing: Drawing, form: Format, paper: Paper = "a4") -> bytes:
    """Return a drawing as a picture or a document; equal drawings give equal bytes.

    Raises
    ------
    gis.errors.FontsMissing
        No font with Chinese characters is installed.
    """
    width, height = PAPERS_MM[paper]
    sheet = Figure(figsize=(width * _MM, height * _MM), dpi=DPI, facecolor="white")
    canvas = FigureCanvasAgg(sheet) if form == "png" else FigureCanvasPdf(sheet)
    _Sheet(sheet, width, height, 1.0 if paper == "a4" else 1.25).draw(drawing)
    out = io.BytesIO()
    if form == "png":
        canvas.print_figure(out, format="png", dpi=DPI, metadata={"Software": None})
    else:
        told = {"Title": drawing.title, "Creator": "Gridward", "CreationDate": None}
        canvas.print_figure(out, format="pdf", metadata={**told, "Producer": None})
    return out.getvalue()


@cache
def _family() -> str:
    installed = {entry.name for entry in fontManager.ttflist}
    for name in _FONTS:
        if name in installed:
            return name
    raise FontsMissing(fonts=", ".join(_FONTS))


def chinese(points: float) -> FontProperties:
    """Return a font of the machine that has Chinese characters, in a size.

    Raises
    ------
    gis.errors.FontsMissing
        None is installed.
    """
    return _font(points)


def _font(points: float) -> FontProperties:
    # a font of Latin letters behind it: Chinese fonts lack a few signs
    return FontProperties(family=[_family(), "DejaVu Sans"], size=points)


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A sheet under way; millimetres from its lower left corner."""

    figure: Figure
    width: float
    height: float
    scale: float

    def draw(self, drawing: Drawing) -> None:
        frame = (
            _MARGIN_MM,
            _MARGIN_MM,
            self.width - 3 * _MARGIN_MM - _PANEL_MM * self.scale,
            self.height - 2 * _MARGIN_MM - _HEAD_MM * self.scale,
        )
        axes = self._axes(*frame)
        to_metres = _frame_of(drawing.bounds)
        self._limits(axes, drawing, to_metres, frame[2] / frame[3])
        for rank, layer in enumerate(drawing.layers):
            if layer.shown:
                _draw_layer(axes, layer, to_metres, rank, self)
        self._scale_bar(axes, frame[2])
        self._north(axes)
        self._head(drawing)
        self._panel(drawing)

    def _axes(self, left: float, bottom: float, width: float, height: float) -> Axes:
        box = (left / self.width, bottom / self.height, width / self.width, height / self.height)
        axes = self.figure.add_axes(box)
        axes.set_xticks([])
        axes.set_yticks([])
        axes.set_facecolor("#fbfbf9")
        return axes

    def _limits(self, axes: Axes, drawing: Drawing, to_metres: Transformer, aspect: float) -> None:
        west, south, east, north = drawing.bounds
        x, y = to_metres.transform([west, east, west, east], [south, south, north, north])
        mid_x, mid_y = (min(x) + max(x)) / 2, (min(y) + max(y)) / 2
        wide, high = (max(x) - min(x)) * 1.04, (max(y) - min(y)) * 1.04
        wide, high = max(wide, high * aspect, 100.0), max(high, wide / aspect, 100.0 / aspect)
        axes.set_xlim(mid_x - wide / 2, mid_x + wide / 2)
        axes.set_ylim(mid_y - high / 2, mid_y + high / 2)

    def _scale_bar(self, axes: Axes, frame_mm: float) -> None:
        left, right = axes.get_xlim()
        low, _ = axes.get_ylim()
        per_mm = (right - left) / frame_mm
        length = _round_length(per_mm * 40)
        x, y = left + per_mm * 6, low + per_mm * 6
        axes.add_patch(
            Rectangle(
                (x - per_mm * 3, y - per_mm * 3), length + per_mm * 14, per_mm * 11,
                facecolor="white", alpha=0.85, zorder=90,
            )
        )  # fmt: skip
        for number, colour in enumerate(("#20262b", "white")):
            axes.add_patch(
                Rectangle(
                    (x + number * length / 2, y), length / 2, per_mm * 1.6,
                    facecolor=colour, edgecolor="#20262b", linewidth=0.6, zorder=91,
                )
            )  # fmt: skip
        for share in (0.0, 0.5, 1.0):
            words = f"{length * share / 1000:g}" if length >= 1000 else f"{length * share:g}"
            unit = " km" if length >= 1000 else " m"
            axes.text(
                x + length * share, y + per_mm * 2.6, words + (unit if share == 1.0 else ""),
                fontproperties=_font(7 * self.scale), ha="center", va="bottom", zorder=92,
            )  # fmt: skip

    def _north(self, axes: Axes) -> None:
        axes.add_patch(
            FancyArrow(
                0.965, 0.90, 0, 0.06, width=0.003, head_width=0.02, head_length=0.03,
                length_includes_head=True, transform=axes.transAxes, color="#20262b", zorder=91,
            )
        )  # fmt: skip
        axes.text(
            0.965, 0.895, "N", transform=axes.transAxes, ha="center", va="top",
            fontproperties=_font(9 * self.scale), zorder=91,
        )  # fmt: skip

    def _head(self, drawing: Drawing) -> None:
        top = self.height - _MARGIN_MM
        self._text(_MARGIN_MM, top, drawing.title, 17 * self.scale)
        self._text(_MARGIN_MM, top - 9 * self.scale, drawing.subtitle, 9 * self.scale, "#4a535b")

    def _text(self, x: float, y: float, words: str, points: float, colour: str = "#20262b") -> None:
        self.figure.text(
            x / self.width, y / self.height, _plain(words),
            fontproperties=_font(points), color=colour, va="top",
        )  # fmt: skip

    def _panel(self, drawing: Drawing) -> None:
        left = self.width - _MARGIN_MM - _PANEL_MM * self.scale
        y = self.height - _MARGIN_MM
        if drawing.figure:
            self._text(left, y, drawing.figure, 19 * self.scale)
            self._text(left, y - 9.5 * self.scale, drawing.figure_text, 8 * self.scale)
            y -= 15 * self.scale
        for line in (drawing.warning, *drawing.facts, drawing.made):
            y = self._paragraph(left, y, line, 7.5)
        for part in drawing.legend:
            y = self._paragraph(left, y - 1.5 * self.scale, part.title, 9)
            for row in part.rows:
                self._mark(left, y, row)
                self._text(left + 9 * self.scale, y, row.text, 7.5 * self.scale)
                y -= 4.3 * self.scale
        if drawing.ranked:
            y = self._paragraph(left, y - 1.5 * self.scale, drawing.ranked_title, 9)
            room = int((y - _MARGIN_MM - 26 * self.scale) / (4.0 * self.scale))
            for number, listed in enumerate(drawing.ranked[: max(0, room)], start=1):
                line = f"{number}. {listed.text}  {listed.value}"
                y = self._paragraph(left, y, line, 7, lines=1)
        closing = [*drawing.notes, *drawing.closing()]
        wrapped = [part for line in closing for part in _wrapped(line, 30)]
        y = min(y - 2 * self.scale, _MARGIN_MM + len(wrapped) * 3.4 * self.scale)
        for line in wrapped:
            self._text(left, y, line, 6.5 * self.scale, "#4a535b")
            y -= 3.4 * self.scale

    def _paragraph(self, x: float, y: float, words: str, points: float, *, lines: int = 4) -> float:
        """Write words from ``y`` down, in lines as wide as the panel; return where they end."""
        if not words:
            return y
        letters = int(_PANEL_MM / (points * 0.353))
        for line in _wrapped(words, letters)[:lines]:
            self._text(x, y, line, points * self.scale)
            y -= points * 0.56 * self.scale
        return y

    def _mark(self, x: float, y: float, row: LegendRow) -> None:
        scale, look = self.scale, row.look
        middle = (y - 1.5 * scale) / self.height
        left, right = x / self.width, (x + 7 * scale) / self.width
        if row.mark == "swatch":
            size = 3 * scale / self.height
            drawn: Artist = Rectangle(
                (left, middle - size / 2), right - left, size, facecolor=_fill(look),
                edgecolor=look.line or "none", linewidth=0.6, transform=self.figure.transFigure,
            )  # fmt: skip
        elif row.mark == "line":
            drawn = Line2D(
                [left, right], [middle, middle], color=look.line, linewidth=look.width,
                linestyle=_dashes(look), transform=self.figure.transFigure,
            )  # fmt: skip
        else:
            drawn = Line2D(
                [(left + right) / 2], [middle], marker="o", markersize=5 * scale, linestyle="",
                markerfacecolor=look.fill, markeredgecolor=look.line, markeredgewidth=0.6,
                transform=self.figure.transFigure,
            )  # fmt: skip
        self.figure.add_artist(drawn)


def _frame_of(bounds: tuple[float, float, float, float]) -> Transformer:
    lon, lat = (bounds[0] + bounds[2]) / 2, (bounds[1] + bounds[3]) / 2
    frame = f"+proj=tmerc +lon_0={lon} +lat_0={lat} +ellps=WGS84 +units=m"
    return Transformer.from_crs("EPSG:4326", frame, always_xy=True)


def _draw_layer(
    axes: Axes, layer: MapLayer, to_metres: Transformer, rank: int, sheet: _Sheet
) -> None:
    by_look: dict[Look, list[Any]] = {}
    for feature in layer.features:
        if feature["geometry"]:
            by_look.setdefault(layer.look(feature), []).append(feature)
    for look, features in by_look.items():
        shapes = shapely.from_geojson([json.dumps(one["geometry"]) for one in features])
        metres = _projected(shapes, to_metres)
        if layer.kind == "point":
            _points(axes, metres, look, rank, sheet)
        elif layer.kind == "line":
            parts = shapely.get_parts(metres)
            _lines(axes, [shapely.get_coordinates(part) for part in parts], look, rank, sheet)
        else:
            _polygons(axes, metres, look, rank, sheet)
    if layer.label is not None:
        _labels(axes, layer, to_metres, rank, sheet)


def _projected(shapes: Any, to_metres: Transformer) -> Any:  # noqa: ANN401 - shapely
    def metres(degrees: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
        return np.column_stack(to_metres.transform(degrees[:, 0], degrees[:, 1]))

    return shapely.transform(shapes, metres)


def _points(axes: Axes, shapes: Any, look: Look, rank: int, sheet: _Sheet) -> None:  # noqa: ANN401
    at = shapely.get_coordinates(shapes)
    axes.plot(
        at[:, 0], at[:, 1], linestyle="", marker="o", markersize=look.radius * 0.8 * sheet.scale,
        markerfacecolor=look.fill, markeredgecolor=look.line, markeredgewidth=0.4 * sheet.scale,
        alpha=look.opacity, zorder=20 + rank, scalex=False, scaley=False,
    )  # fmt: skip


def _lines(
    axes: Axes, lines: list[npt.NDArray[np.float64]], look: Look, rank: int, sheet: _Sheet
) -> None:
    axes.add_collection(
        LineCollection(
            lines, colors=look.line or "none", linewidths=look.width * 0.6 * sheet.scale,
            linestyles=_dashes(look), zorder=2 + rank,
        ),
        autolim=False,
    )  # fmt: skip


def _polygons(axes: Axes, shapes: Any, look: Look, rank: int, sheet: _Sheet) -> None:  # noqa: ANN401
    outlines = [_outline(shape) for shape in shapes if not shape.is_empty]
    if not outlines:
        return
    axes.add_collection(
        PathCollection(
            outlines, facecolors=[_fill(look)], edgecolors=look.line or "none",
            linewidths=look.width * 0.6 * sheet.scale, linestyles=_dashes(look), zorder=2 + rank,
        ),
        autolim=False,
    )  # fmt: skip


def _outline(shape: Any) -> Outline:  # noqa: ANN401 - shapely
    """Return a (multi)polygon as one path; rings that turn the other way cut holes."""
    points, codes = [], []
    for part in shapely.get_parts(shapely.normalize(shape)):
        for ring in (part.exterior, *part.interiors):
            at = shapely.get_coordinates(ring)
            points.append(at)
            code = np.full(len(at), Outline.LINETO, np.uint8)
            code[0], code[-1] = Outline.MOVETO, Outline.CLOSEPOLY
            codes.append(code)
    return Outline(np.concatenate(points), np.concatenate(codes))


def _labels(axes: Axes, layer: MapLayer, to_metres: Transformer, rank: int, sheet: _Sheet) -> None:
    for feature in layer.features:
        shape = shapely.from_geojson(json.dumps(feature["geometry"]))
        x, y = to_metres.transform(*shapely.get_coordinates(shapely.point_on_surface(shape))[0])
        axes.text(
            x, y, _plain(str(feature["properties"][layer.label])), ha="center", va="center",
            fontproperties=_font(8 * sheet.scale), zorder=60 + rank, clip_on=True,
            path_effects=[Stroke(linewidth=2.2 * sheet.scale, foreground="white"), Normal()],
        )  # fmt: skip


def _fill(look: Look) -> tuple[float, float, float, float]:
    """Return the fill with its opacity: the line around it keeps its full strength."""
    return to_rgba(look.fill, look.opacity) if look.fill else to_rgba("none")


def _dashes(look: Look) -> Any:  # noqa: ANN401 - matplotlib takes words or tuples
    return (0, tuple(length * 0.5 for length in look.dash)) if look.dash else "solid"


def _round_length(metres: float) -> float:
    """Return the largest 1, 2 or 5 times a power of ten that is not above.

    >>> _round_length(4300.0), _round_length(199.0)
    (2000.0, 100.0)
    """
    power = 10.0 ** math.floor(math.log10(metres))
    return max(step * power for step in (1.0, 2.0, 5.0) if step * power <= metres)


def _plain(words: str) -> str:
    """Return words without what matplotlib would read as mathematics."""
    return words.replace("$", r"\$")


def _wrapped(words: str, width: int) -> list[str]:
    """Return lines of so many Chinese characters (two Latin letters count as one)."""
    lines, line, used = [], "", 0.0
    for token in _WORDS.findall(words):
        size = sum(0.55 if letter.isascii() else 1.0 for letter in token)
        if used + size > width and line and token not in _NEVER_FIRST:
            lines.append(line.rstrip())
            line, used = "", 0.0
            if token.isspace():
                continue
        line, used = line + token, used + size
    return [*lines, line.rstrip()] if line.strip() else lines
