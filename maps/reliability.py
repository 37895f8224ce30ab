"""The reliability picture 可靠性图: confidence said against confidence kept."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import Literal

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from maps.printing import chinese

_INK, _KEPT, _QUIET = "#1f2933", "#1d6fa5", "#9aa5b1"


def reliability_picture(
    points: Sequence[tuple[float, float, int]],
    error: float,
    *,
    language: Literal["zh", "en"] = "zh",
) -> bytes:
    """Return a PNG of (said, kept, count) points over the line of perfect calibration.

    Equal values give equal bytes. Below it the counts, on a logarithmic scale.

    Raises
    ------
    gis.errors.FontsMissing
        No font with Chinese characters is installed.
    """
    words = {
        "zh": ("给出的把握", "实际正确率", "事件数", "理想", "可靠性图，校准误差"),
        "en": ("confidence said", "share right", "events", "perfect", "Reliability, ECE"),
    }[language]
    figure = Figure(figsize=(6.4, 6.8), dpi=150, facecolor="white")
    canvas = FigureCanvasAgg(figure)
    above, below = figure.subplots(2, 1, height_ratios=[4, 1], sharex=True)
    above.plot([0, 1], [0, 1], color=_QUIET, linestyle="--", linewidth=1, label=words[3])
    said = [point[0] for point in points]
    above.plot(said, [point[1] for point in points], color=_KEPT, marker="o", markersize=5)
    above.set_xlim(0, 1)
    above.set_ylim(0, 1)
    above.set_ylabel(words[1], fontproperties=chinese(10), color=_INK)
    above.set_title(f"{words[4]} {error:.4f}", fontproperties=chinese(12), color=_INK)
    above.legend(prop=chinese(9), loc="upper left", frameon=False)
    above.grid(color=_QUIET, alpha=0.25)
    below.bar(said, [point[2] for point in points], width=0.05, color=_KEPT)
    below.set_yscale("log")
    below.set_ylabel(words[2], fontproperties=chinese(10), color=_INK)
    below.set_xlabel(words[0], fontproperties=chinese(10), color=_INK)
    figure.tight_layout()
    out = io.BytesIO()
    canvas.print_figure(out, format="png", dpi=150, metadata={"Software": None})
    return out.getvalue()
