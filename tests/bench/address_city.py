"""The demo city as rows of an address index, without a database."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import Any

import numpy as np

from gis.geometry.cell_index import CellIndex
from gis.matching.address_rows import DEFAULT_UNCERTAINTY_M, AreaName, Entries, RoadLines
from layers.demo import city as demo
from layers.demo.addresses import NAMED_KINDS


def demo_rows(
    scale: float,
) -> tuple[list[AreaName], Entries, RoadLines, Sequence[Any]]:
    """Areas, entries, roads and events of the demo city."""
    made = demo.build(scale=scale, reference=datetime(2026, 11, 23, tzinfo=UTC))
    areas, communities = [], []
    for row in made.areas.rows:
        if row.level == "grid":
            continue
        inside = row.geometry.representative_point()
        radius_m = float(np.sqrt(row.geometry.area / np.pi)) * 1e5
        areas.append(
            AreaName(row.code, row.level, row.name, row.parent, inside.x, inside.y, radius_m)
        )
        if row.level == "community":
            communities.append((row.code, row.geometry))
    g = made.gazetteer
    codes = [code for code, _ in communities]
    index = CellIndex.build([shape for _, shape in communities], codes)
    lon, lat = g.lonlat[:, 0].copy(), g.lonlat[:, 1].copy()
    nothing = [None] * len(g)
    entries = Entries(
        id=range(1, len(g) + 1),
        kind=g.kind,
        name=[a if k in NAMED_KINDS else None for k, a in zip(g.kind, g.alias, strict=True)],
        road=g.road,
        house_number=g.house_number,
        compound=g.compound,
        building=g.building,
        unit=nothing,
        aliases=[[]] * len(g),
        lon=lon,
        lat=lat,
        uncertainty_m=np.array([DEFAULT_UNCERTAINTY_M[kind] for kind in g.kind]),
        community=[codes[k] if k >= 0 else None for k in index.locate(lon, lat).tolist()],
        stated=[made.areas.grid_codes[k][:12] for k in g.grid.tolist()],
    )
    named = [k for k, name in enumerate(made.streets.name) if name]
    roads = RoadLines([made.streets.name[k] or "" for k in named], made.streets.geometry[named])
    return areas, entries, roads, made.events


def typed(events: Sequence[Any]) -> Iterator[tuple[str, tuple[float, float]]]:
    """Address and true place of the events that came with an address only."""
    for event in events:
        if event.address and "gps_error_m" not in event.facts:
            yield event.address, event.true_lonlat
