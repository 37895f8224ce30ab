"""Events 事件: report one, read them, their log; the categories they may have."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.idempotency import Keyed, respond
from api.language import language_of
from api.routes.areas import Cursor, Open
from api.routes.matching import LocationIn
from api.schemas import DEFAULT_LIMIT, AreaCode, Instant, Limit, Line, Prose, cursor, keys_of
from api.security import allow, allow_public_read
from api.uploads import (
    Sent,
    checked,
    is_form,
    loaded,
    sent_either_way,
    two_forms,
)
from gis import clock
from gis.governance.actors import Actor
from gis.services import cases, intake
from gis.services.match_request import MatchRequest
from gis.services.photos import Photo, read_photos, told_by_photos

router = APIRouter(prefix="/v1", tags=["events"])

Sender = Annotated[Actor, Depends(allow("reporter", "grid_worker", "dispatcher"))]
Handler = Annotated[Actor, Depends(allow("grid_worker", "dispatcher", "planner"))]
Reader = Annotated[Actor, Depends(allow_public_read)]

ROUTINGS: Final = ("auto", "review", "outside", "unrouted")


class ReporterIn(BaseModel):
    """Who reported; shown to dispatchers only."""

    model_config = ConfigDict(extra="forbid")

    name: Line | None = None
    phone: Line | None = None


class EventIn(BaseModel):
    """An event as a source reports it."""

    model_config = ConfigDict(extra="forbid")

    source: Line = Field(examples=["snap"])
    source_ref: Line | None = Field(
        default=None, min_length=1, description="来源方编号;同源同号只受理一次 / taken in once"
    )
    category: Line | None = Field(default=None, examples=["event-exposed-rubbish"])
    title: Line | None = None
    description: Prose | None = None
    address: Prose | None = None
    location: LocationIn | None = None
    reported_at: Instant | None = None
    reporter: ReporterIn | None = None

    def report(self, photos: Sequence[Photo] = ()) -> intake.Report:
        """Return the event as the use case takes it; a pin wins over what photos tell."""
        pin = None if self.location is None else self.location.location()
        photo, reasons = told_by_photos(photos, beside_pin=pin is not None)
        return intake.Report(
            photos=photos,
            reasons=reasons,
            request=MatchRequest(
                location=pin,
                photo=photo,
                address=self.address or None,
                category=self.category,
                at=self.reported_at,
                source=self.source,
            ),
            source_ref=self.source_ref,
            title=self.title,
            description=self.description,
            reporter=None if self.reporter is None else self.reporter.model_dump(),
        )


def _box(text: str) -> str:
    parts = [float(part) for part in text.split(",")]
    if len(parts) != 4 or not (
        -180 <= parts[0] <= parts[2] <= 180 and -90 <= parts[1] <= parts[3] <= 90
    ):
        raise ValueError("must be west,south,east,north in degrees")
    return text


Box = Annotated[str, AfterValidator(_box), Query(description="west,south,east,north")]


async def event_sent(sent: Annotated[Sent, Depends(sent_either_way)], request: Request) -> Sent:
    """Return an event as it was sent, JSON or a form with photos (a FastAPI dependency)."""
    return Sent(nested(sent.values), sent.files) if is_form(request) else sent


def nested(values: Any) -> Any:  # noqa: ANN401 - a form's fields, or JSON of any kind
    """Return an event's form fields as its JSON: ``lon``, ``reporter_name`` ... in their places."""
    if not isinstance(values, dict):
        return values
    found = dict(values)
    for name in ("location", "reporter"):
        if isinstance(found.get(name), str):
            found[name] = loaded(found[name], name)
    for field, place, key in FLAT:
        if field in found:
            found.setdefault(place, {})
            if isinstance(found[place], dict):
                found[place][key] = found.pop(field)
    return found


FLAT: Final = (
    ("lon", "location", "lon"),
    ("lat", "location", "lat"),
    ("crs", "location", "crs"),
    ("accuracy_m", "location", "accuracy_m"),
    ("reporter_name", "reporter", "name"),
    ("reporter_phone", "reporter", "phone"),
)
"""Form field -> where it stands in the JSON of an event."""

Reported = Annotated[Sent, Depends(event_sent)]


@router.post(
    "/events", status_code=201, summary="Report an event", openapi_extra=two_forms(EventIn)
)
def report(request: Request, app: Open, actor: Sender, sent: Reported, keyed: Keyed) -> Response:
    """Match, route and store an event; 201, or 200 when this source already sent it.

    As a form: a part ``event`` with the JSON (or one field per value) and any number of photos.
    """
    body, photos = checked(EventIn, sent.values), read_photos(sent.files)
    answer = intake.report_event(
        app.database,
        app.boundaries,
        actor,
        body.report(photos),
        now=clock.now,
        auto_threshold=app.settings.auto_threshold,
        language=language_of(request),
        keyed=keyed,
        rosters=app.rosters,
    )
    body_out: Any = answer.body
    return respond(answer, {"Location": f"/v1/events/{body_out['id']}"})


@router.get("/events", summary="Events, newest first")
def events(
    request: Request,
    app: Open,
    actor: Handler,
    grid: AreaCode | None = None,
    area: AreaCode | None = None,
    category: Line | None = None,
    routing: Line | None = None,
    status: Line | None = None,
    source: Line | None = None,
    since: Instant | None = None,
    until: Instant | None = None,
    bbox: Box | None = None,
    q: Line | None = None,
    count: Annotated[bool, Query(description="也给出总数 / tell the `total`, too")] = False,
    after: Annotated[Cursor, Query(alias="cursor")] = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, Any]:
    """Events of the caller's area."""
    west_south_east_north = None
    if bbox is not None:
        west, south, east, north = (float(part) for part in bbox.split(","))
        west_south_east_north = (west, south, east, north)
    wanted = cases.EventFilter(
        grid=grid,
        area=area,
        category=category,
        routing=routing,
        status=status,
        source=source,
        since=since,
        until=until,
        bbox=west_south_east_north,
        text=q,
        scope=actor.area_code,
    )
    items, more = cases.event_list(
        app.database,
        actor,
        wanted,
        after=None if after is None else _event_key(after),
        limit=limit,
        language=language_of(request),
    )
    following = None
    if more:
        key = cursor(items[-1]["received_at"], items[-1]["id"])
        url = request.url.include_query_params(cursor=key)
        following = f"{url.path}?{url.query}"
    answer: dict[str, Any] = {"items": items, "next": following}
    if count:
        answer["total"] = cases.event_total(app.database, actor, wanted)
    return answer


@router.get("/events/{event_id}", summary="One event")
def one(request: Request, app: Open, actor: Sender, event_id: uuid.UUID) -> dict[str, Any]:
    """What came in, what was made of it, and who has it."""
    return cases.event(app.database, actor, event_id, language_of(request))


@router.get("/events/{event_id}/log", summary="The history of an event")
def log(request: Request, app: Open, actor: Handler, event_id: uuid.UUID) -> dict[str, Any]:
    """Every step with actor, before and after, and as a sentence in `text`, oldest first."""
    items = cases.event_log(app.database, actor, event_id, language_of(request))
    return {"items": items, "next": None}


@router.get("/categories", summary="Categories and their limits")
def categories(app: Open, actor: Reader) -> dict[str, Any]:
    """The categories that events may have."""
    return {"items": cases.category_list(app.database, actor), "next": None}


def _event_key(text: str) -> tuple[datetime, uuid.UUID]:
    received_at, event_id = keys_of(text)
    return datetime.fromisoformat(str(received_at)), uuid.UUID(str(event_id))
