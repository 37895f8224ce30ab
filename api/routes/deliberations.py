"""Deliberations 议事: community matters and people's proposals, step by step, and by area."""

from __future__ import annotations

import uuid
from datetime import datetime
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.idempotency import Keyed, respond
from api.language import language_of
from api.routes.areas import Cursor, Open
from api.routes.events import Box, ReporterIn
from api.routes.matching import LocationIn
from api.schemas import DEFAULT_LIMIT, AreaCode, Instant, Limit, Line, Prose, cursor, keys_of
from api.security import allow
from gis import clock
from gis.governance.actors import Actor
from gis.services import deliberation

router = APIRouter(prefix="/v1/deliberations", tags=["deliberations"])

Anyone = Annotated[Actor, Depends(allow("reporter", "grid_worker", "dispatcher", "planner"))]
Reader = Annotated[Actor, Depends(allow("grid_worker", "dispatcher", "planner"))]
Kind = Literal["matter", "proposal"]
By = Literal["grid", "community", "subdistrict", "county", "city"]


class ItemIn(BaseModel):
    """A community matter or a proposal."""

    model_config = ConfigDict(extra="forbid")

    kind: Kind = "matter"
    title: Line = Field(min_length=1)
    description: Prose | None = None
    location: LocationIn | None = None
    area: AreaCode | None = None
    proposer: ReporterIn | None = None


class StepIn(BaseModel):
    """A step; which fields it needs, `actions` of the item tells."""

    model_config = ConfigDict(extra="forbid")

    action: Line = Field(examples=["set_topic"])
    version: int | None = Field(default=None, ge=1, le=2**31 - 1)
    note: Prose | None = None
    decision: Prose | None = None
    score: int | None = Field(default=None, ge=1, le=5)
    location: LocationIn | None = None


@router.post("", status_code=201, summary="Raise a matter or a proposal")
def raise_item(body: ItemIn, request: Request, app: Open, actor: Anyone, keyed: Keyed) -> Response:
    """点事: it belongs to the area of its place, or to the one named."""
    answer = deliberation.raise_item(
        app.database,
        app.boundaries,
        actor,
        deliberation.NewItem(
            kind=body.kind,
            title=body.title,
            description=body.description,
            location=None if body.location is None else body.location.location(),
            area=body.area,
            proposer=None if body.proposer is None else body.proposer.model_dump(),
        ),
        now=clock.now,
        language=language_of(request),
        keyed=keyed,
    )
    made: Any = answer.body
    return respond(answer, {"Location": f"/v1/deliberations/{made['id']}"})


@router.get("", summary="Matters and proposals, newest first")
def listed(
    request: Request,
    app: Open,
    actor: Reader,
    area: AreaCode | None = None,
    kind: Kind | None = None,
    status: Line | None = None,
    overdue: bool | None = None,
    bbox: Box | None = None,
    after: Annotated[Cursor, Query(alias="cursor")] = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, Any]:
    """Items of the caller's area."""
    box = None
    if bbox is not None:
        west, south, east, north = (float(part) for part in bbox.split(","))
        box = (west, south, east, north)
    items, more = deliberation.item_list(
        app.database,
        actor,
        deliberation.DeliberationFilter(
            area=area,
            kind=kind,
            status=status,
            overdue=overdue,
            bbox=box,
            scope=actor.area_code,
        ),
        after=None if after is None else _key(after),
        limit=limit,
        language=language_of(request),
        now=clock.now,
    )
    following = None
    if more:
        key = cursor(items[-1]["created_at"], items[-1]["id"])
        url = request.url.include_query_params(cursor=key)
        following = f"{url.path}?{url.query}"
    return {"items": items, "next": following}


@router.get("/conversion", summary="Conversion rates by area")
def conversion(
    app: Open,
    actor: Reader,
    kind: Kind = "proposal",
    area: AreaCode | None = None,
    by: By = "community",
    since: Instant | None = None,
    until: Instant | None = None,
) -> dict[str, Any]:
    """Received, valid, adopted, carried out, and their shares; a share of nothing is null."""
    return deliberation.conversion(
        app.database,
        app.boundaries,
        actor,
        kind=kind,
        area=area,
        by=by,
        since=since,
        until=until,
    )


@router.get("/{item_id}", summary="One matter or proposal")
def one(request: Request, app: Open, actor: Anyone, item_id: uuid.UUID) -> dict[str, Any]:
    """The item, what the caller may do next, and its history."""
    return deliberation.one(app.database, actor, item_id, language_of(request), now=clock.now)


@router.post("/{item_id}/actions", summary="Take it one step on")
def act(
    body: StepIn, request: Request, app: Open, actor: Anyone, item_id: uuid.UUID, keyed: Keyed
) -> Response:
    """定事、议事、决事、办事、评事; 409 when the state does not allow it."""
    answer = deliberation.act(
        app.database,
        app.boundaries,
        actor,
        item_id,
        deliberation.Step(
            **body.model_dump(exclude={"location"}),
            location=None if body.location is None else body.location.location(),
        ),
        now=clock.now,
        language=language_of(request),
        keyed=keyed,
    )
    return respond(answer)


def _key(text: str) -> tuple[datetime, uuid.UUID]:
    at, item_id = keys_of(text)
    return datetime.fromisoformat(str(at)), uuid.UUID(str(item_id))
