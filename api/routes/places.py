"""Places and addresses 地点与地址: the search box of the console, and of anybody's map."""

from __future__ import annotations

from typing import Annotated, Any, Final

import shapely
from fastapi import APIRouter, Query
from pydantic import AfterValidator

from api.language import Spoken
from api.routes.areas import Open, Reader
from api.schemas import Coordinate, CrsName, Prose
from gis.errors import Language
from gis.geometry.crs import point_to_wgs84
from gis.matching.address import Place

router = APIRouter(prefix="/v1/places", tags=["places"])

MOST_PLACES: Final = 50

Text = Annotated[
    Prose, Query(min_length=1, description="地址或地名 / an address or the name of a place")
]
Count = Annotated[
    int,
    Query(ge=1, description="How many at most; more than 50 counts as 50."),
    AfterValidator(lambda count: min(count, MOST_PLACES)),
]


@router.get("", summary="Places that an address or a name may mean, the likeliest first")
def search(
    app: Open,
    actor: Reader,
    language: Spoken,
    q: Text,
    lon: Annotated[Coordinate | None, Query(description="附近的经度 / longitude nearby")] = None,
    lat: Annotated[Coordinate | None, Query(description="附近的纬度 / latitude nearby")] = None,
    crs: CrsName = "WGS84",
    limit: Count = 10,
) -> dict[str, Any]:
    """Each with level, WGS84 position or outline, how sure, its areas, and why.

    ``lon`` and ``lat`` (both or none) prefer what is near among places of the same name.
    Probabilities and ``none_probability`` sum to 1.
    """
    near = None if lon is None or lat is None else point_to_wgs84(lon, lat, crs)
    found, revision = app.gazetteer.search(actor, q, near=near, limit=limit)
    return {
        "items": [_shown(place, path, language) for place, path in found],
        "none_probability": max(1.0 - sum(place.probability for place, _ in found), 0.0),
        "next": None,
        "boundary_revision": revision,
    }


def _shown(place: Place, path: list[dict[str, str]], language: Language) -> dict[str, Any]:
    return {
        "level": place.level,
        "name": place.name,
        "lon": place.lon,
        "lat": place.lat,
        "uncertainty_m": place.uncertainty_m,
        "outline": None if place.outline is None else shapely.geometry.mapping(place.outline),
        "probability": place.probability,
        "area_code": place.area_code,
        "path": path,
        "reasons": [
            {"code": reason.code, "text": reason.text(language), "facts": dict(reason.facts)}
            for reason in place.reasons
        ],
    }
