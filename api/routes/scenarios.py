"""Scenarios 方案: planning questions saved, compared, repeated, exported."""

from __future__ import annotations

import json
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Annotated, Any, Literal

from fastapi import APIRouter, Depends, Query, Response
from fastapi import Path as InPath
from pydantic import BaseModel, ConfigDict, Field

from api.routes.boundaries import RedrawIn
from api.routes.planning import CoverageQuestion, plain_json
from api.routes.siting import SitingIn
from api.runtime import Runtime, runtime
from api.schemas import DEFAULT_LIMIT, Limit, Line
from api.security import allow
from gis.errors import PlanningInvalid
from gis.governance.actors import Actor
from gis.services import scenarios
from layers.files import table_sets

router = APIRouter(prefix="/v1/scenarios", tags=["scenarios"])

Planning = Annotated[Actor, Depends(allow("planner"))]
Open = Annotated[Runtime, Depends(runtime)]
Number = Annotated[int, InPath(ge=1, le=2**63 - 1)]
TYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "gpkg": "application/geopackage+sqlite3",
}


class ScenarioIn(BaseModel):
    """A question to answer and save: one of `coverage`, `siting`, `redraw` (without a draft)."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"name": "关闭两站", "coverage": {"radius_m": 3000}}]},
    )

    name: Annotated[Line, Field(min_length=1)]
    coverage: CoverageQuestion | None = None
    siting: SitingIn | None = None
    redraw: RedrawIn | None = None

    def parts(self) -> tuple[str, dict[str, Any]]:
        """Return the kind and the question as plain JSON.

        Raises
        ------
        gis.errors.PlanningInvalid
            None of them is there, or several.
        """
        there = [kind for kind in scenarios.KINDS if getattr(self, kind) is not None]
        if len(there) != 1:
            fit = "1 × " + " | ".join(scenarios.KINDS)
            raise PlanningInvalid(what="question", value=", ".join(there) or "—", fit=fit)
        if self.coverage is not None:
            return "coverage", json.loads(self.coverage.model_dump_json())
        if self.redraw is not None:
            return "redraw", json.loads(self.redraw.model_dump_json(exclude={"title", "dry_run"}))
        asked = self.siting or SitingIn()
        return "siting", json.loads(asked.model_dump_json(exclude={"background"}))


@router.post("", summary="Answer a question and save it", status_code=201)
def save(app: Open, actor: Planning, body: ScenarioIn, response: Response) -> dict[str, Any]:
    """Saves the question, its answer, the boundary revision and the dates of the data."""
    kind, question = body.parts()
    found = scenarios.save(app.database, actor, body.name, kind, question)
    response.headers["Location"] = f"/v1/scenarios/{found['id']}"
    return found


@router.get("", summary="Saved scenarios")
def listed(
    app: Open,
    actor: Planning,
    after: Annotated[int, Query(ge=0, le=2**63 - 1)] = 0,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, Any]:
    """Without their answers; `next` continues after the last one."""
    items = scenarios.listed(app.database, actor, after=after, limit=limit)
    more = f"/v1/scenarios?after={items[-1]['id']}&limit={limit}" if len(items) == limit else None
    return {"items": items, "next": more}


@router.get("/compare", summary="Scenarios side by side")
def compare(
    app: Open,
    actor: Planning,
    ids: Annotated[
        list[Annotated[int, Field(ge=1, le=2**63 - 1)]],
        Query(min_length=2, max_length=scenarios.MOST_COMPARED),
    ],
) -> dict[str, Any]:
    """Figures side by side, and what differs in the questions and the data."""
    return scenarios.compared(app.database, actor, ids)


@router.get("/{number}", summary="One scenario")
def one(app: Open, actor: Planning, number: Number) -> Response:
    """With its answer, as it was given."""
    return plain_json(scenarios.one(app.database, actor, number))


@router.delete("/{number}", summary="Delete a scenario", status_code=204)
def remove(app: Open, actor: Planning, number: Number) -> None:
    """Its author may, and an administrator."""
    scenarios.remove(app.database, actor, number)


@router.post("/{number}/again", summary="Ask a scenario's question again")
def again(app: Open, actor: Planning, number: Number) -> Response:
    """Of the city as it is now; says whether data and figures are the same."""
    return plain_json(scenarios.again(app.database, actor, number))


@router.get("/{number}/export", summary="A scenario as a file", response_class=Response)
def export(
    app: Open,
    actor: Planning,
    number: Number,
    form: Annotated[Literal["csv", "xlsx", "gpkg"], Query(alias="format")] = "xlsx",
) -> Response:
    """CSV (the main table), XLSX (every table a sheet) or GeoPackage (with geometry)."""
    tables = scenarios.tables_of(scenarios.one(app.database, actor, number))
    with TemporaryDirectory() as folder:
        path = Path(folder) / f"scenario-{number}.{form}"
        table_sets.write_tables(tables, path)
        content = path.read_bytes()
    name = f'attachment; filename="scenario-{number}.{form}"'
    return Response(content, media_type=TYPES[form], headers={"Content-Disposition": name})
