"""Webhooks 订阅推送: systems next door that are told of changes; for administrators."""

from __future__ import annotations

import uuid
from datetime import timedelta
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.idempotency import Keyed, respond
from api.routes.areas import Open
from api.schemas import DEFAULT_LIMIT, AreaCode, Limit, Line, cursor, keys_of
from api.security import allow
from gis.governance.actors import Actor
from gis.services import webhooks
from gis.services.webhook_targets import Targets

router = APIRouter(prefix="/v1/webhooks", tags=["webhooks"])

Administrator = Annotated[Actor, Depends(allow("admin"))]


def _position(text: str) -> str:
    keys = keys_of(text)
    if len(keys) != 1 or not isinstance(keys[0], int) or not 0 <= keys[0] < 2**63:
        raise ValueError("is not a cursor that this list gave")
    return text


After = Annotated[
    Annotated[str, AfterValidator(_position)] | None, Query(alias="cursor", max_length=200)
]
Number = Annotated[int, Field(ge=0, lt=2**63)]


class WebhookIn(BaseModel):
    """A system that wants to be told."""

    model_config = ConfigDict(extra="forbid")

    url: Annotated[str, Field(min_length=1, max_length=1000)] = Field(
        examples=["https://12345.example.gov.cn/hooks/gridward"]
    )
    title: Line = ""
    topics: list[Line] = Field(default=[], max_length=20, description="空为全部 / empty: all")
    area: AreaCode | None = None


class RotationIn(BaseModel):
    """How long the former secret goes on signing beside the new one."""

    model_config = ConfigDict(extra="forbid")

    overlap_hours: float = Field(default=24, ge=0, le=24 * 30)


@router.post("", status_code=201, summary="Register a webhook")
def register(body: WebhookIn, app: Open, actor: Administrator, keyed: Keyed) -> Response:
    """Register a recipient of CloudEvents; the signing secret is in this answer only."""
    answer = webhooks.register(
        app.database,
        actor,
        url=body.url,
        title=body.title,
        topics=body.topics,
        area=body.area,
        targets=Targets(app.settings.webhook_hosts),
        keyed=keyed,
    )
    made: Any = answer.body
    return respond(answer, {"Location": f"/v1/webhooks/{made['id']}", "Cache-Control": "no-store"})


@router.get("", summary="Webhooks")
def every(app: Open, actor: Administrator) -> dict[str, Any]:
    """List the webhooks with their state, never with their secrets."""
    return {"items": webhooks.every(app.database, actor), "next": None}


@router.get("/{webhook_id}", summary="One webhook")
def one(app: Open, actor: Administrator, webhook_id: uuid.UUID) -> dict[str, Any]:
    """State, failures in a row, and why it is disabled if it is."""
    return webhooks.one(app.database, actor, webhook_id)


@router.delete("/{webhook_id}", status_code=204, summary="End a webhook")
def delete(app: Open, actor: Administrator, webhook_id: uuid.UUID) -> Response:
    """Nothing more is sent; what waited is dropped."""
    webhooks.delete(app.database, actor, webhook_id)
    return Response(status_code=204)


@router.post("/{webhook_id}/enable", summary="Let a disabled webhook go on")
def enable(app: Open, actor: Administrator, webhook_id: uuid.UUID) -> dict[str, Any]:
    """Send again, what was missed first."""
    return webhooks.enable(app.database, actor, webhook_id)


@router.post("/{webhook_id}/rotate-secret", summary="Give a webhook a new secret")
def rotate_secret(
    app: Open, actor: Administrator, webhook_id: uuid.UUID, keyed: Keyed, body: RotationIn
) -> Response:
    """Sign with a new secret, shown in this answer only, and meanwhile with the former one too."""
    answer = webhooks.rotate_secret(
        app.database,
        actor,
        webhook_id,
        overlap=timedelta(hours=body.overlap_hours),
        keyed=keyed,
    )
    return respond(answer, {"Cache-Control": "no-store"})


@router.get("/{webhook_id}/deliveries", summary="What became of a webhook's messages")
def deliveries(
    request: Request,
    app: Open,
    actor: Administrator,
    webhook_id: uuid.UUID,
    state: Literal["pending", "delivered", "dropped"] | None = None,
    after: After = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, Any]:
    """List deliveries, newest message first: tries, last status, last error, next try."""
    items, more = webhooks.deliveries(
        app.database,
        actor,
        webhook_id,
        state=state,
        before=None if after is None else int(keys_of(after)[0]),
        limit=limit,
    )
    following = None
    if more:
        url = request.url.include_query_params(cursor=cursor(items[-1]["position"]))
        following = f"{url.path}?{url.query}"
    return {"items": items, "next": following}


@router.post(
    "/{webhook_id}/deliveries/{delivery_id}/redeliver",
    status_code=202,
    summary="Send a message once more",
)
def redeliver(
    app: Open, actor: Administrator, webhook_id: uuid.UUID, delivery_id: Number
) -> dict[str, Any]:
    """Send it again at once, with the same id."""
    return webhooks.redeliver(app.database, actor, webhook_id, delivery_id)
