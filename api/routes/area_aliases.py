"""Other names of areas 区域别名: old names and what people say, by which addresses are read."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request
from pydantic import BaseModel, ConfigDict, Field

from api.routes.areas import Cursor, Open
from api.schemas import DEFAULT_LIMIT, AreaCode, Limit, Line, cursor, keys_of
from api.security import allow
from gis.governance.actors import Actor
from gis.services import area_aliases

router = APIRouter(prefix="/v1/places/aliases", tags=["places"])

Reader = Annotated[Actor, Depends(allow("dispatcher", "planner"))]
Planner = Annotated[Actor, Depends(allow("planner"))]
Number = Annotated[int, Path(alias="id", ge=1, le=2**62)]


class AliasIn(BaseModel):
    """Another name of an area."""

    model_config = ConfigDict(extra="forbid")

    area: AreaCode = Field(examples=["341102001001"])
    alias: Line = Field(min_length=1, max_length=60, examples=["老南门"])
    kind: Literal["alias", "old_name", "short"] = "alias"


@router.get("", summary="Other names of areas, by number")
def aliases(
    request: Request,
    app: Open,
    actor: Reader,
    area: AreaCode | None = None,
    after: Annotated[Cursor, Query(alias="cursor")] = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, Any]:
    """Of an `area` with everything in it."""
    last = 0 if after is None else int(keys_of(after)[0])
    items, more = area_aliases.listing(app.database, actor, area=area, after=last, limit=limit)
    following = None
    if more:
        url = request.url.include_query_params(cursor=cursor(int(items[-1]["id"])))
        following = f"{url.path}?{url.query}"
    return {"items": items, "next": following}


@router.post("", status_code=201, summary="Give an area another name")
def add(body: AliasIn, app: Open, actor: Planner) -> dict[str, Any]:
    """Addresses are read by it within seconds; the same again answers what is there."""
    return area_aliases.add(
        app.database, app.boundaries, actor, body.area, body.alias, kind=body.kind
    )


@router.delete("/{id}", status_code=204, summary="Take another name away")
def remove(app: Open, actor: Planner, number: Number) -> None:
    """Addresses are not read by it any more within seconds."""
    area_aliases.remove(app.database, actor, number)
