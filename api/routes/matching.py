"""Smart location matching 智能定位匹配: which grid owns it, how sure, and why."""

from __future__ import annotations

from typing import Annotated, Any, Final

import msgspec
from fastapi import APIRouter, Depends, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool

from api.language import language_of
from api.match_batch import MOST_ITEMS, Batch
from api.quick import QuickRoute
from api.routes.areas import Open
from api.runtime import Runtime
from api.schemas import Coordinate, CrsName, Instant, Line, Prose
from api.security import allow_signed_in
from gis import clock
from gis.errors import GovernanceError, Language
from gis.governance.actors import Actor
from gis.services import matching
from gis.services.match_request import Location, MatchRequest
from gis.services.pin_match import PinRequest
from gis.services.pin_text import encode

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

    fixed_at: Instant | None = Field(
        default=None, description="定位时间(可早于上报)/ when the position was fixed"
    )

    def location(self) -> Location:
        """Return the pin as the use cases take it."""
        return Location(
            self.lon,
            self.lat,
            self.crs,
            self.accuracy_m,
            declared="crs" in self.model_fields_set,
            fixed_at=self.fixed_at,
        )


class MatchIn(BaseModel):
    """What is known about where something happened."""

    model_config = ConfigDict(extra="forbid")

    location: LocationIn | None = None
    address: Prose | None = None
    category: Line | None = None
    at: Instant | None = None
    source: Line | None = None
    photo: LocationIn | None = Field(
        default=None, description="照片自带的定位(WGS84)/ the position in its photo"
    )
    usual: LocationIn | None = Field(
        default=None,
        description="上报人常去处,用于判断坐标系 / where the sender usually is: tells the CRS",
    )

    def request(self) -> MatchRequest:
        """Return the request as the use cases take it."""
        return MatchRequest(
            location=None if self.location is None else self.location.location(),
            address=self.address or None,
            category=self.category,
            at=self.at,
            source=self.source,
            photo=None if self.photo is None else self.photo.location(),
            usual=None if self.usual is None else self.usual.location(),
        )


class MatchRoute(QuickRoute):
    """Pins are matched in memory; what else there is goes to the endpoint."""

    allowed = allow_signed_in

    def quick(self, runtime: Runtime, body: bytes, language: Language) -> bytes | None:
        """Return the answer to a pin, None where the database must be asked or an error told."""
        if b"\\u0000" in body:  # the text of a crs or a category: refused by the endpoint
            return None
        matcher = runtime.pins.current()
        if matcher is None:
            return None
        try:
            return matcher.answer(_PIN.decode(body), clock.now(), language)
        except (msgspec.MsgspecError, UnicodeDecodeError, GovernanceError):
            return None  # the endpoint finds the same and says so


_PIN: Final = msgspec.json.Decoder(PinRequest)


def match(body: MatchIn, request: Request, app: Open, actor: SignedIn) -> Response:
    """Decision, level, grid, candidates with probabilities, reasons, and who is responsible."""
    asked, now, language = body.request(), clock.now(), language_of(request)
    content = app.pins.whole(asked, now, language)
    if content is None:
        answer = matching.answer(
            app.database,
            app.boundaries,
            actor,
            asked,
            now=now,
            threshold=app.settings.auto_threshold,
            language=language,
        )
        content = encode(answer)
    return Response(content, media_type="application/json")


router.add_api_route(
    "",
    match,
    methods=["POST"],
    summary="Match a pin to the grid that owns it",
    route_class_override=MatchRoute,
    responses={200: {"model": dict[str, Any]}},
)


@router.post(
    "/batch",
    summary="Match up to 10,000 pins and addresses at once",
    responses={200: {"model": dict[str, Any]}},
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {
                "application/json": {
                    "schema": {
                        "type": "object",
                        "required": ["items"],
                        "additionalProperties": False,
                        "properties": {
                            "items": {
                                "type": "array",
                                "maxItems": MOST_ITEMS,
                                "items": {"$ref": "#/components/schemas/MatchIn"},
                            }
                        },
                    }
                }
            },
        }
    },
)
async def match_batch(request: Request, app: Open, actor: SignedIn) -> Response:
    """Answers in order; a bad item gives its own problem in its place."""
    batch = Batch(app, actor, clock.now(), language_of(request), request.url.path, MatchIn)
    answer = await run_in_threadpool(batch.answer, await request.body())
    return Response(answer, media_type="application/json")
