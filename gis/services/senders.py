"""Where a sender is as a rule 常去处: it tells in which coordinate system their pin is.

Only from their own earlier reports, only for the match at hand; it is written nowhere and shown to
nobody.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, Final

import numpy as np

from gis.geometry.cell_index import metres_per_degree
from gis.geometry.crs import normalise
from gis.matching.knowledge import Knowledge
from gis.matching.pin import has_history
from gis.services.match_request import Location, MatchRequest
from gis.store import events
from gis.store.unit_of_work import UnitOfWork

LEAST_REPORTS: Final = 3
MOST_REPORTS: Final = 20
PLAINLY: Final = 0.98
"""A declaration that held so often in the source's history needs no further witness."""
FARTHEST_M: Final = 3_000.0
"""Whoever reports from farther about is at home nowhere."""


def with_usual(
    work: UnitOfWork,
    request: MatchRequest,
    reporter: Mapping[str, Any] | None,
    knowledge: Knowledge,
) -> MatchRequest:
    """Return a request with the usual place of its sender, where that can settle anything.

    That is for a pin with neither address nor photo beside it whose system is in question: not
    declared, or often another one than declared in the history of its source.
    """
    phone = None if reporter is None else reporter.get("phone")
    if not phone or not _in_question(request, knowledge):
        return request
    found = events.places_of_sender(work, str(phone), MOST_REPORTS)
    usual = usual_place(found)
    return request if usual is None else replace(request, usual=usual)


def usual_place(places: list[tuple[float, float]]) -> Location | None:
    """Return the middle of a sender's places (WGS84) with its 68 % radius; None for none.

    >>> usual_place([(118.30, 32.2), (118.3001, 32.2), (118.31, 32.2), (118.3, 32.2001)])
    Location(lon=118.30005, lat=32.2, crs='WGS84', accuracy_m=49.0, declared=True, fixed_at=None)
    >>> usual_place([(118.3, 32.2)]) is None
    True
    """
    if len(places) < LEAST_REPORTS:
        return None
    lonlat = np.array(places)
    lon, lat = np.median(lonlat, axis=0)
    away = np.hypot(*((lonlat - [lon, lat]) * metres_per_degree(float(lat))).T)
    radius = float(np.quantile(away, 0.68))
    if radius > FARTHEST_M:
        return None
    return Location(round(float(lon), 7), round(float(lat), 7), "WGS84", round(radius, 0))


def _in_question(request: MatchRequest, knowledge: Knowledge) -> bool:
    pin = request.location
    if pin is None or request.address or request.photo or request.usual:
        return False
    if not pin.declared:
        return True
    profile = knowledge.experience.source(request.source)
    declared = normalise(pin.crs)
    if not has_history(profile, declared):
        return False
    seen = profile.readings[declared]
    return max(seen.values()) < PLAINLY * sum(seen.values())
