"""12345 orders 热线工单: a batch by JSON or as a file, and what became of the orders."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Request
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from api.language import language_of
from api.routes.areas import Open
from api.schemas import DEFAULT_LIMIT, Limit, Line, cursor, keys_of
from api.security import allow
from api.uploads import Sent, checked, is_form, json_of, opened_form, sent_by_form, two_forms
from gis import clock
from gis.errors import ProfileUnknown
from gis.governance.actors import Actor
from gis.governance.hotline import BUILT_IN, profile
from gis.services import hotline
from layers.files.orders import read_orders

router = APIRouter(prefix="/v1/hotline", tags=["events"])

Sender = Annotated[Actor, Depends(allow("reporter", "dispatcher"))]
Handler = Annotated[Actor, Depends(allow("dispatcher", "planner"))]

MOST: Final = 10_000
_LONGEST_CRS: Final = 2000


class OrdersIn(BaseModel):
    """A batch of orders."""

    model_config = ConfigDict(extra="forbid")

    profile: Line = Field(default="city", examples=list(BUILT_IN))
    crs: str | None = Field(
        default=None,
        max_length=_LONGEST_CRS,
        description="覆盖方案的坐标系:名称、EPSG 编号或 PROJ 串 / name, EPSG:<n> or PROJ string",
    )
    all_or_nothing: bool = False
    orders: list[dict[str, Any]] = Field(default=[], max_length=MOST)


def _key(text: str) -> str:
    keys = keys_of(text)
    if len(keys) != 2 or not all(isinstance(key, str) for key in keys):
        raise ValueError("is not a cursor that this list gave")
    datetime.fromisoformat(str(keys[0]))
    return text


After = Annotated[
    Annotated[str, AfterValidator(_key)] | None, Query(alias="cursor", max_length=1000)
]


async def batch_sent(request: Request) -> AsyncIterator[Sent]:
    """Give a batch as it was sent, JSON or a form with a file (a FastAPI dependency)."""
    if not is_form(request):
        yield Sent(await json_of(request))
        return
    async with opened_form(request) as form:
        yield await sent_by_form(form)


@router.post("/orders", summary="Take 12345 orders in", openapi_extra=two_forms(OrdersIn))
def take(
    request: Request, app: Open, actor: Sender, sent: Annotated[Sent, Depends(batch_sent)]
) -> dict[str, Any]:
    """Take a batch in, JSON or a CSV or XLSX file; each order once, each bad row with its problem.

    As it is idempotent by the orders' own numbers, it may simply be sent again.
    """
    body = checked(OrdersIn, sent.values)
    rows = list(enumerate(body.orders, start=1))
    for name, content in sent.files:
        rows += _rows_of(name, content)
    if len(rows) > MOST:
        raise ProfileUnknown(
            profile=body.profile, reason=f"more than {MOST} rows", known=", ".join(BUILT_IN)
        )
    return hotline.take_orders(
        app.database,
        app.boundaries,
        actor,
        rows,
        profile(body.profile).with_crs(body.crs),
        now=clock.now,
        auto_threshold=app.settings.auto_threshold,
        all_or_nothing=body.all_or_nothing,
        language=language_of(request),
        rosters=app.rosters,
    ).to_json()


@router.get("/orders", summary="12345 orders and what became of them")
def orders(
    request: Request,
    app: Open,
    actor: Handler,
    doubtful: bool | None = None,
    after: After = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, Any]:
    """List orders, newest first, with the event of each; ``doubtful`` those with open questions."""
    items, more = hotline.order_list(
        app.database,
        actor,
        doubtful=doubtful,
        after=None if after is None else _instant_and_number(after),
        limit=limit,
        language=language_of(request),
    )
    following = None
    if more:
        key = cursor(items[-1]["received_at"], items[-1]["source_ref"])
        url = request.url.include_query_params(cursor=key)
        following = f"{url.path}?{url.query}"
    return {"items": items, "next": following}


def _instant_and_number(text: str) -> tuple[datetime, str]:
    received_at, number = keys_of(text)
    return datetime.fromisoformat(str(received_at)), str(number)


def _rows_of(name: str | None, content: bytes) -> list[tuple[int, dict[str, Any]]]:
    """Return the rows of an uploaded file; its name tells only its ending."""
    ending = Path(name or "").suffix[:8]
    with tempfile.TemporaryDirectory(prefix="gridward-orders-") as folder:
        file = Path(folder) / f"{uuid.uuid4().hex}{ending}"
        file.write_bytes(content)
        return read_orders(file)
