"""Papers and forms of printed maps: apart, so that naming them does not import matplotlib."""

from __future__ import annotations

from typing import Final, Literal

Paper = Literal["a4", "a3"]
Format = Literal["png", "pdf"]

PAPERS_MM: Final[dict[Paper, tuple[float, float]]] = {"a4": (297.0, 210.0), "a3": (420.0, 297.0)}
"""Paper -> width and height, landscape (ISO 216)."""
