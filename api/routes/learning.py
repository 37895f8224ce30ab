"""What was learned 学习: read it, take a correction back, name a coordinate a real place."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from pydantic import BaseModel, ConfigDict, Field

from api.routes.areas import Cursor, Open
from api.schemas import DEFAULT_LIMIT, Limit, cursor, keys_of
from api.security import allow
from gis.governance.actors import Actor
from gis.services import learned, learning
from layers.files.sheets import csv_of

router = APIRouter(prefix="/v1/learning", tags=["learning"])

Planner = Annotated[Actor, Depends(allow("planner"))]
Table = Literal[
    "corrections", "aliases", "sources", "readings", "errors", "spreads", "bad-pins",
    "reliability", "precisions",
]  # fmt: skip
Key = Annotated[str, Path(alias="key", max_length=200)]
Number = Annotated[int, Path(alias="id", ge=1, le=2**62)]


class PrecisionIn(BaseModel):
    """The precision that is wanted of a category before it routes itself; null: the city's."""

    model_config = ConfigDict(extra="forbid")

    precision: float | None = Field(default=None, allow_inf_nan=False, examples=[0.999])


@router.get("", summary="What was learned: sources, failed geocodings, aliases, reliability")
def summary(app: Open, actor: Planner) -> dict[str, list[dict[str, Any]]]:
    """Every table by name, as the command line exports it."""
    return learned.summary(app.database, actor)


@router.get(
    "/export",
    summary="One table of what was learned, whole, as CSV",
    response_class=Response,
    responses={200: {"content": {"text/csv": {}}}},
)
def export(app: Open, actor: Planner, table: Table = "corrections") -> Response:
    """As ``gridward learn export`` writes it; a scope exports what was confirmed in its grids."""
    rows = learned.table(app.database, actor, table)
    headers = {
        "Content-Disposition": f'attachment; filename="learned-{table}.csv"',
        "Cache-Control": "no-store",
    }
    media_type = "text/csv; charset=utf-8"
    return Response(csv_of(learned.sheet(rows)), media_type=media_type, headers=headers)


@router.get("/corrections", summary="Corrections by people, newest first")
def corrections(
    request: Request,
    app: Open,
    actor: Planner,
    after: Annotated[Cursor, Query(alias="cursor")] = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, Any]:
    """Those that were undone stay listed, with who undid them and when."""
    before = None if after is None else int(keys_of(after)[0])
    rows, more = learning.listing(app.database, actor, before=before, limit=limit)
    link = None
    if more:
        url = request.url.include_query_params(cursor=cursor(int(rows[-1]["id"])))
        link = f"{url.path}?{url.query}"
    return {"items": rows, "next": link}


@router.delete("/corrections/{id}", summary="Undo a correction and what rested on it")
def undo(app: Open, actor: Planner, number: Number) -> dict[str, Any]:
    """Its alias falls away, and an exception that needed it ends."""
    return learning.undo(app.database, app.boundaries, actor, number)


@router.delete("/bad-pins/{id}", status_code=204, summary="Say that a coordinate is a real place")
def dismiss(app: Open, actor: Planner, number: Number) -> None:
    """It is not taken for a failed geocoding again."""
    learned.dismiss(app.database, actor, number)
    app.boundaries.forget_learned()


@router.put("/precisions/{key}", status_code=204, summary="Set a category's precision")
def want(body: PrecisionIn, app: Open, actor: Planner, category: Key) -> None:
    """Cases of the category route themselves from the confidence that keeps it."""
    learned.want(app.database, actor, category, body.precision)
    app.boundaries.forget_learned()
