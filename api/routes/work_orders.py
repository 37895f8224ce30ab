"""Work orders 工单: lists, one, the map behind a return, and everything that is done to a case."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.idempotency import Keyed, respond
from api.language import language_of
from api.routes.areas import Cursor, Open
from api.routes.matching import LocationIn
from api.schemas import DEFAULT_LIMIT, AreaCode, Instant, Limit, Line, Prose, cursor, keys_of
from api.security import allow
from api.uploads import Sent, checked, sent_either_way, two_forms
from gis import clock
from gis.governance.actors import Actor
from gis.services import case_view, dispatch
from gis.services.dispatch import Command
from gis.services.photos import Photo, read_photos

router = APIRouter(prefix="/v1", tags=["work orders"])

Handler = Annotated[Actor, Depends(allow("grid_worker", "dispatcher"))]
Reader = Annotated[Actor, Depends(allow("grid_worker", "dispatcher", "planner"))]
Dispatcher = Annotated[Actor, Depends(allow("dispatcher"))]


class TargetIn(BaseModel):
    """Whom a case goes to: a person, a unit, or whoever answers for a grid or an area."""

    model_config = ConfigDict(extra="forbid")

    person: Line | None = Field(default=None, description="人员编号 / number or code")
    unit: Line | None = None
    grid: AreaCode | None = None
    area: AreaCode | None = None


class ActionIn(BaseModel):
    """An action on a case; which fields it needs, `actions` of the order tells."""

    model_config = ConfigDict(extra="forbid")

    action: Line = Field(examples=["accept"])
    version: int | None = Field(default=None, ge=1, le=2**31 - 1, description="the one you saw")
    note: Prose | None = None
    ground: Line | None = Field(default=None, examples=["属地不符"])
    to: TargetIn | None = None
    amount: float | None = Field(default=None, allow_inf_nan=False)
    unit: Line | None = Field(default=None, examples=["work_hours"])
    until: Instant | None = None
    satisfied: bool | None = None
    grid: AreaCode | None = None
    of: Line | None = Field(default=None, description="id or number of the first report")
    location: LocationIn | None = None
    category: Line | None = None
    place: LocationIn | None = Field(default=None, description="where you stand, for the log")
    radius_m: float | None = Field(default=None, gt=0, le=2000, allow_inf_nan=False)

    attachments: list[uuid.UUID] = Field(
        default=[], max_length=60, description="photos of the case that show what was done"
    )

    def command(self, photos: Sequence[Photo] = ()) -> Command:
        """Return the action as the use case takes it."""
        to = {} if self.to is None else self.to.model_dump(exclude_none=True)
        plain = self.model_dump(exclude={"to", "location", "place"})
        return Command(
            **plain,
            to=to or None,
            location=None if self.location is None else self.location.location(),
            place=None if self.place is None else self.place.location(),
            photos=photos,
        )


Asked = Annotated[Sent, Depends(sent_either_way)]
FORMS: Final = two_forms(ActionIn, "body")


@router.get("/work-orders", summary="Work orders, newest first")
def listed(
    request: Request,
    app: Open,
    actor: Reader,
    assignee: Line | None = None,
    area: AreaCode | None = None,
    status: Line | None = None,
    overdue: bool | None = None,
    category: Line | None = None,
    source: Line | None = None,
    q: Line | None = None,
    count: Annotated[bool, Query(description="也给出总数 / tell the `total`, too")] = False,
    after: Annotated[Cursor, Query(alias="cursor")] = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, Any]:
    """Work orders of the caller's area.

    `assignee` is a number, a code, a name, or `me`; `status` a state, or `open` for all that
    somebody has in hand; `q` looks into codes, titles, addresses and names of assignees.
    """
    mine = assignee == "me"
    wanted = case_view.OrderFilter(
        assignee=None if mine else assignee,
        person_id=(actor.person_id or 0) if mine else None,
        area=area,
        status=status,
        overdue=overdue,
        category=category,
        source=source,
        text=q or None,
        scope=actor.area_code,
        in_hand_of=actor.person_id,
    )
    items, more = case_view.order_list(
        app.database,
        actor,
        wanted,
        now=clock.now(),
        after=None if after is None else _order_key(after),
        limit=limit,
        language=language_of(request),
    )
    following = None
    if more:
        key = cursor(items[-1]["dispatched_at"], items[-1]["code"])
        url = request.url.include_query_params(cursor=key)
        following = f"{url.path}?{url.query}"
    answer: dict[str, Any] = {"items": items, "next": following}
    if count:
        answer["total"] = case_view.order_total(app.database, actor, wanted)
    return answer


@router.get("/work-orders/{code}", summary="One work order")
def one(request: Request, app: Open, actor: Reader, code: Line) -> dict[str, Any]:
    """Who has it until when, its clocks, its returns, and what the caller may do next."""
    return case_view.one_order(app.database, actor, code, clock.now(), language_of(request))


@router.get("/work-orders/{code}/evidence", summary="The ground around a return, as GeoJSON")
def evidence(
    app: Open,
    actor: Reader,
    code: Line,
    number: Annotated[int | None, Query(alias="return", ge=1, le=2**62)] = None,
) -> dict[str, Any]:
    """What the map said when the order was sent back: grids around, edge, revision, rule."""
    kept = case_view.return_evidence(app.database, actor, code, number)
    return {key: value for key, value in kept.items() if key != "svg"}


@router.get(
    "/work-orders/{code}/evidence.svg",
    summary="The ground around a return, as a small map",
    response_class=Response,
    responses={200: {"content": {"image/svg+xml": {"schema": {"type": "string"}}}}},
)
def evidence_map(
    app: Open,
    actor: Reader,
    code: Line,
    number: Annotated[int | None, Query(alias="return", ge=1, le=2**62)] = None,
) -> Response:
    """The owner's grid is blue, the place a red dot; 250 m around it."""
    kept = case_view.return_evidence(app.database, actor, code, number)
    blank = '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 1 1"/>'
    return Response(kept.get("svg", blank), media_type="image/svg+xml")


@router.post(
    "/work-orders/{code}/actions", summary="Do something to a work order", openapi_extra=FORMS
)
def act(
    request: Request, app: Open, actor: Handler, code: Line, sent: Asked, keyed: Keyed
) -> Response:
    """The order afterwards; 409 when its state, or a change by somebody else, does not allow it.

    As a form: a part ``body`` with the JSON (or one field per value) and any number of photos,
    which stay with this entry of the log. ``attachments`` names photos that the case has already.
    """
    body, photos = checked(ActionIn, sent.values), read_photos(sent.files)
    answer = dispatch.act_on_order(
        app.database,
        app.boundaries,
        actor,
        code,
        body.command(photos),
        now=clock.now,
        auto_threshold=app.settings.auto_threshold,
        language=language_of(request),
        keyed=keyed,
    )
    return respond(answer)


@router.post("/events/{event_id}/actions", summary="Do something to an event", openapi_extra=FORMS)
def act_on_event(
    request: Request,
    app: Open,
    actor: Dispatcher,
    event_id: uuid.UUID,
    sent: Asked,
    keyed: Keyed,
) -> Response:
    """confirm_grid, mark_duplicate, move, recategorise; register, reject, dispatch, void."""
    body, photos = checked(ActionIn, sent.values), read_photos(sent.files)
    answer = dispatch.act_on_event(
        app.database,
        app.boundaries,
        actor,
        event_id,
        body.command(photos),
        now=clock.now,
        auto_threshold=app.settings.auto_threshold,
        language=language_of(request),
        keyed=keyed,
    )
    return respond(answer)


def _order_key(text: str) -> tuple[datetime, str]:
    at, code = keys_of(text)
    return datetime.fromisoformat(str(at)), str(code)
