"""Smart location matching 智能定位匹配: which grid owns it, how sure, and why."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request
from pydantic import BaseModel, ConfigDict, Field

from api.language import language_of
from api.routes.areas import Open
from api.schemas import Coordinate, CrsName, Instant, Line, Prose
from api.security import allow_signed_in
from gis import clock
from gis.governance.actors import Actor
from gis.services import matching
from gis.services.matching import Location, MatchRequest

router = APIRouter(prefix="/v1/match", tags=["matching"])

SignedIn = Annotated[Actor, Depends(allow_signed_in)]


class LocationIn(BaseModel):
    """A pin as it was sent: numbers, their coordinate system, and how good the fix was."""

    model_config = ConfigDict(extra="forbid")

    lon: Coordinate = Field(examples=[118.3283282])
    lat: Coordinate = Field(examples=[32.2534302])
    crs: CrsName = "WGS84"
    accuracy_m: float | None = Field(
        default=None,
        allow_inf_nan=False,
        ge=0,
        le=1e6,
        description="68 % 半径(米)/ 68 % radius in metres; 0 or absent: the plain point",
    )

    def location(self) -> Location:
        """Return the pin as the use cases take it."""
        return Location(self.lon, self.lat, self.crs, self.accuracy_m)


class MatchIn(BaseModel):
    """What is known about where something happened."""

    model_config = ConfigDict(extra="forbid")

    location: LocationIn | None = None
    address: Prose | None = None
    category: Line | None = None
    at: Instant | None = None
    source: Line | None = None

    def request(self) -> MatchRequest:
        """Return the request as the use cases take it."""
        return MatchRequest(
            location=None if self.location is None else self.location.location(),
            address=self.address or None,
            category=self.category,
            at=self.at,
            source=self.source,
        )


@router.post("", summary="Match a pin to the grid that owns it")
def match(body: MatchIn, request: Request, app: Open, actor: SignedIn) -> dict[str, Any]:
    """Decision, level, grid, candidates with probabilities, reasons, and who is responsible."""
    return matching.answer(
        app.database,
        app.boundaries,
        actor,
        body.request(),
        now=clock.now(),
        threshold=app.settings.auto_threshold,
        language=language_of(request),
    )
