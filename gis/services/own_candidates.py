"""Candidates for siting out of a file: a vacant shop or a plot of land in each row."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import shapely

from gis.errors import SitingInvalid
from gis.geometry import crs as frames
from gis.services.columns import column_text, named, rows_of
from gis.services.siting_question import OwnCandidate

if TYPE_CHECKING:
    import geopandas as gpd


def own_candidates(frame: gpd.GeoDataFrame, crs: str, file: str) -> tuple[OwnCandidate, ...]:
    """Return the candidates of a layer of points (of other shapes their centroid).

    Columns: ``code`` (else the number of the row), optionally ``name`` and ``cost``.

    Raises
    ------
    gis.errors.SitingInvalid
        A row without a usable place, or with a cost that is no number: nothing is left out.
    """
    names = named(frame)
    codes = column_text(frame, "code", file) if "code" in names else [None] * len(frame)
    titles = column_text(frame, "name", file) if "name" in names else [None] * len(frame)
    costs = column_text(frame, "cost", file) if "cost" in names else [None] * len(frame)
    points = shapely.centroid(np.array(frame.geometry.array, dtype=object))
    x, y = shapely.get_x(points), shapely.get_y(points)
    good = frames.usable(x, y, crs)
    found = []
    for i, row in enumerate(rows_of(frame)):
        if not good[i]:
            raise SitingInvalid(what=f"{file}:{row}", value=f"{x[i]}, {y[i]}", fit="a place")
        try:
            cost = None if costs[i] is None else float(costs[i] or "")
        except ValueError as error:
            raise SitingInvalid(what=f"{file}:{row} cost", value=costs[i], fit=">= 0") from error
        lon, lat = frames.to_wgs84(float(x[i]), float(y[i]), crs)
        found.append(OwnCandidate(codes[i] or str(row), float(lon), float(lat), titles[i], cost))
    return tuple(found)
