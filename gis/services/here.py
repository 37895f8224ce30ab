"""What is here: the areas of a point, who answers for it, which stations are near."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

from gis.geometry.crs import point_to_wgs84
from gis.governance.actors import Actor
from gis.governance.duty import ROLES, Assignment
from gis.services.lookup import Boundaries, locate
from gis.services.responsibility import responsible
from gis.store import stations
from gis.store.unit_of_work import Database

NEAR_M: Final = 20_000.0
"""Farther stations are not near."""


def here(
    database: Database,
    boundaries: Boundaries,
    actor: Actor,
    *,
    lon: float,
    lat: float,
    crs: str = "WGS84",
    now: datetime,
    wanted: int = 5,
) -> dict[str, Any]:
    """Answer what a map viewer asks by a click, in one transaction and at one revision.

    Of the person on duty only name and role are told, never a phone.

    Returns
    -------
    dict
        The answer of ``GET /v1/areas/at``, ``responsible`` (null when nobody is registered) and
        ``stations``, nearest first, with straight geodesic metres.
    """
    x, y = point_to_wgs84(lon, lat, crs)
    with database.reading(actor) as work:
        snapshot = boundaries.snapshot(work)
        answer = locate(snapshot, x, y)
        finest = answer["path"][-1]["code"] if answer["path"] else None
        chosen = responsible(work, snapshot, finest, None, now)
        near = stations.nearest(work, x, y, within_m=NEAR_M, wanted=wanted)
    answer["responsible"] = _public_part(chosen) if isinstance(chosen, Assignment) else None
    answer["stations"] = [{**row, "distance_m": round(row["distance_m"], 1)} for row in near]
    return answer


def _public_part(chosen: Assignment) -> dict[str, Any]:
    member = chosen.member
    title_zh, title_en = ROLES[member.role].title_zh, ROLES[member.role].title_en
    return {
        "unit": {"code": member.unit_code, "name": member.unit_name},
        "person": {
            "name": member.person_name,
            "role": member.role,
            "role_title_zh": title_zh,
            "role_title_en": title_en,
        },
    }
