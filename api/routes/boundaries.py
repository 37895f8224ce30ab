"""Boundary revisions 边界版本: draft, look at, publish, discard; exceptions 边界例外."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Query, Request, Response, UploadFile
from fastapi import Path as InPath
from pydantic import BaseModel, ConfigDict, Field

from api.idempotency import Keyed, respond
from api.routes.areas import At, Cursor, LevelName, Open
from api.schemas import (
    DEFAULT_LIMIT,
    AreaCode,
    CrsName,
    Instant,
    Limit,
    Line,
    Prose,
    cursor,
    keys_of,
)
from api.security import allow, allow_public_read
from gis.errors import DraftRefused, GovernanceError
from gis.geometry.findings import MAX_WIDTH_M, WIDEST_M
from gis.governance.actors import Actor
from gis.services import editions, exceptions, redraw_job
from gis.services.boundaries import KEPT_FINDINGS, import_areas
from gis.services.boundary_check import check_boundaries
from gis.services.boundary_repair import RepairRequest, propose_repair
from gis.services.draft_review import review
from gis.services.impact import moved_ground
from gis.services.redraw_ground import (
    MOST_GRIDS,
    MOST_HOUSEHOLDS,
    MOST_SECONDS,
    STANDARD_SECONDS,
    RedrawRequest,
)
from layers import files

router = APIRouter(prefix="/v1/boundaries", tags=["boundaries"])

Reader = Annotated[Actor, Depends(allow_public_read)]
Planner = Annotated[Actor, Depends(allow("planner"))]
Ruler = Annotated[Actor, Depends(allow("planner", "dispatcher"))]
Id = Annotated[int, InPath(alias="id", ge=1, le=2**53)]

STATUS: Final = {"drafted": 201, "waiting": 200, "unchanged": 200}


class PublishIn(BaseModel):
    """From when the draft is in force."""

    model_config = ConfigDict(extra="forbid")

    valid_from: Instant | None = None


class RetireIn(BaseModel):
    """Codes that retire, in a draft of their own or in one that is open."""

    model_config = ConfigDict(extra="forbid")

    codes: list[AreaCode] = Field(min_length=1, max_length=10_000)
    draft_id: int | None = Field(default=None, ge=1, le=2**53)
    title: Line | None = None


class RepairIn(BaseModel):
    """What to repair: everything, or what lies below an area; up to which width."""

    model_config = ConfigDict(extra="forbid")

    area: AreaCode | None = None
    max_width_m: float = Field(default=MAX_WIDTH_M, ge=0.01, le=WIDEST_M)
    title: Line | None = None
    dry_run: bool = False


class RedrawIn(BaseModel):
    """A community whose grids are drawn anew, and what is asked of them."""

    model_config = ConfigDict(extra="forbid")

    community: AreaCode
    grids: int | None = Field(
        default=None, ge=1, le=MOST_GRIDS, description="how many; from the households without it"
    )
    low: int = Field(default=300, ge=1, le=MOST_HOUSEHOLDS, description="least households of one")
    high: int = Field(default=500, ge=1, le=MOST_HOUSEHOLDS, description="most households of one")
    keep: float = Field(
        default=1.0,
        ge=0,
        le=1000,
        allow_inf_nan=False,
        description="weight of households that would get another grid",
    )
    seed: int = Field(default=0, ge=0, lt=2**32)
    seconds: float = Field(default=STANDARD_SECONDS, ge=1, le=MOST_SECONDS, allow_inf_nan=False)
    title: Line | None = None
    dry_run: bool = False


class ExceptionIn(BaseModel):
    """On this stretch, for this category: that area, or that unit, decides."""

    model_config = ConfigDict(extra="forbid")

    geometry: dict[str, Any] | None = Field(
        default=None, description="GeoJSON polygon, or a line (with width_m)"
    )
    crs: CrsName = "WGS84"
    width_m: float | None = Field(
        default=None, gt=0, le=500, description="of a line or border, both sides together"
    )
    between: list[AreaCode] | None = Field(
        default=None,
        min_length=2,
        max_length=2,
        description="the border of two areas (with width_m), within the polygon if there is one",
    )
    area: AreaCode | None = None
    unit: Line | None = None
    category: Line | None = None
    reason: Prose = Field(min_length=1)
    expires_at: Instant


@router.get("", summary="Boundary revisions, newest first")
def revisions(
    request: Request,
    app: Open,
    actor: Reader,
    after: Annotated[Cursor, Query(alias="cursor")] = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, Any]:
    """What was published when; open drafts too, for planners."""
    items, more = editions.revisions(app.database, actor, before=_before(after), limit=limit)
    return {"items": items, "next": _next(request, items[-1]["draft_id"] if more else None)}


@router.post("/drafts", status_code=201, summary="Draft boundaries from a file")
def draft(
    app: Open,
    actor: Planner,
    keyed: Keyed,
    file: UploadFile,
    level: Annotated[LevelName, Form()],
    code: Annotated[Line, Form(description="column of codes")],
    name: Annotated[Line, Form(description="column of names")],
    parent: Annotated[Line | None, Form(description="column of parent codes")] = None,
    kind: Annotated[Line | None, Form(description="column of kinds")] = None,
    crs: Annotated[CrsName | None, Form()] = None,
    code_system: Annotated[Line | None, Form()] = None,
    layer: Annotated[Line | None, Form()] = None,
    title: Annotated[Line | None, Form()] = None,
    retire: Annotated[Prose, Form(description="codes that retire, by comma or blank")] = "",
    skip_bad: Annotated[bool, Form()] = False,
    mend: Annotated[bool, Form()] = False,
    strict: Annotated[bool, Form()] = False,
) -> Response:
    """Check the file and keep what differs as a draft: whole or, with errors, not at all.

    200 when nothing differs, or when a draft of the same file is open already.
    """
    answered = editions.answered_before(app.database, actor, keyed)
    if answered is not None:
        return respond(answered)
    with tempfile.TemporaryDirectory(prefix="gridward-upload-") as folder:
        path = _stored(file, Path(folder))
        try:
            frame = files.read(path, layer=layer)
            chosen, source = files.source_of(frame, path, crs)
        except GovernanceError as error:
            raise _by_name(error, folder) from error
        report = import_areas(
            app.database,
            actor,
            frame,
            level=level,
            code=code,
            name=name,
            parent=parent,
            kind=kind,
            crs=chosen,
            code_system=code_system,
            retire=retire.replace(",", " ").replace("，", " ").split(),
            skip_bad=skip_bad,
            mend=mend,
            strict=strict,
            title=title,
            source=source,
        )
    told = report.to_json(limit=KEPT_FINDINGS)
    if not report.accepted:
        raise DraftRefused(file=path.name, errors=len(report.errors), report=told)
    answer = editions.keep_answer(
        app.database, actor, keyed, status=STATUS[report.outcome], body=told
    )
    place = f"/v1/boundaries/drafts/{report.draft_id}"
    return respond(answer, None if report.draft_id is None else {"Location": place})


@router.post("/retirements", status_code=201, summary="Draft that areas retire")
def retire(body: RetireIn, app: Open, actor: Planner, keyed: Keyed) -> Response:
    """Areas retire when the draft is published; their codes are never used again."""
    answer = editions.retire_areas(
        app.database, actor, body.codes, draft_id=body.draft_id, title=body.title, keyed=keyed
    )
    return respond(answer, {"Location": f"/v1/boundaries/drafts/{answer.body['draft_id']}"})


@router.get("/check", summary="What is wrong with the boundaries")
def check(
    app: Open,
    actor: Planner,
    area: Annotated[AreaCode | None, Query(description="only below this area")] = None,
    level: Annotated[LevelName | None, Query(description="only this level")] = None,
    draft: Annotated[int | None, Query(description="as this draft leaves it", ge=1)] = None,
    at: At = None,
) -> dict[str, Any]:
    """Gaps, overlaps, parents, codes: each with its place, size and what repair would do."""
    found = check_boundaries(
        app.database, actor, area=area, level=level, draft_id=draft, at=None if draft else at
    )
    return found.to_json(limit=KEPT_FINDINGS)


@router.post("/repairs", status_code=201, summary="Propose a repair as a draft")
def repair(body: RepairIn, app: Open, actor: Planner, keyed: Keyed) -> Response:
    """Nothing changes before the draft is published. 200 when there is nothing to repair."""
    request = RepairRequest(**dict(body))
    _, answer = propose_repair(app.database, actor, request, keyed=keyed)
    number = answer.body["draft_id"]
    place = None if number is None else {"Location": f"/v1/boundaries/drafts/{number}"}
    return respond(answer, place)


@router.post(
    "/redraws", status_code=202, summary="Propose balanced grids for a community, as a draft"
)
def redraw(body: RedrawIn, app: Open, actor: Planner, keyed: Keyed) -> Response:
    """A job: its progress and result are at `Location`. Nothing changes before publication."""
    answer = redraw_job.start(app.database, actor, RedrawRequest(**dict(body)), keyed=keyed)
    return respond(answer, {"Location": answer.body["job"]["url"]})


@router.get("/drafts/{id}", summary="What a draft would change")
def one(app: Open, actor: Planner, draft_id: Id) -> dict[str, Any]:
    """Report of the file, changes, lineage, conflicts; check of the whole city; who is concerned.

    ``check`` is kept until the draft, the boundaries or their exceptions change.
    """
    return review(app.database, actor, draft_id)


@router.get("/drafts/{id}/ground", summary="The ground that a draft moves")
def ground(app: Open, actor: Planner, draft_id: Id) -> dict[str, Any]:
    """GeoJSON for drawing: what gets another area (`role` `moved`), and the new outlines."""
    return moved_ground(app.database, actor, draft_id)


@router.post("/drafts/{id}/publish", summary="Publish a draft")
def publish(
    app: Open, actor: Planner, keyed: Keyed, draft_id: Id, body: PublishIn | None = None
) -> Response:
    """One transaction; every process serves the new revision within 2 seconds."""
    return respond(
        editions.publish_keyed(
            app.database,
            actor,
            draft_id,
            valid_from=None if body is None else body.valid_from,
            keyed=keyed,
        )
    )


@router.delete("/drafts/{id}", status_code=204, summary="Discard a draft")
def discard(app: Open, actor: Planner, draft_id: Id) -> None:
    """What is published is never touched."""
    editions.discard_draft(app.database, actor, draft_id)


@router.get("/exceptions", summary="Boundary exceptions, newest first")
def exception_list(
    request: Request,
    app: Open,
    actor: Ruler,
    ended: Annotated[bool, Query(description="those that ended or expired too")] = False,
    after: Annotated[Cursor, Query(alias="cursor")] = None,
    limit: Limit = DEFAULT_LIMIT,
) -> dict[str, Any]:
    """Where somebody other than the area on the map decides, who said so, and why."""
    items, more = exceptions.listing(
        app.database, actor, live_only=not ended, before=_before(after), limit=limit
    )
    return {"items": items, "next": _next(request, int(items[-1]["id"]) if more else None)}


@router.post("/exceptions", status_code=201, summary="Add a boundary exception")
def add_exception(body: ExceptionIn, app: Open, actor: Ruler, keyed: Keyed) -> Response:
    """In force from now until it expires."""
    answer = exceptions.add(app.database, actor, **dict(body), keyed=keyed)
    app.boundaries.refresh()  # here at once; other processes hear of it within 2 s
    return respond(answer, {"Location": "/v1/boundaries/exceptions"})


@router.delete("/exceptions/{id}", summary="End a boundary exception")
def end_exception(app: Open, actor: Ruler, exception_id: Id) -> dict[str, Any]:
    """It ends now and stays in the list of those that were."""
    ended = exceptions.expire(app.database, actor, exception_id)
    app.boundaries.refresh()
    return ended


def _stored(file: UploadFile, folder: Path) -> Path:
    """Put an upload into a folder under its own name, without whatever path came with it."""
    given = PurePosixPath((file.filename or "").replace("\\", "/")).name
    kept = "".join(c for c in given if c.isprintable() and c not in "/\x00")[-120:]
    path = folder / (kept.lstrip(".") or "upload")
    with path.open("wb") as out:
        shutil.copyfileobj(file.file, out)
    return path


def _by_name(error: GovernanceError, folder: str) -> GovernanceError:
    """Return an error about an upload without the folder where it lay for a moment."""
    return type(error)(
        **{
            key: value.replace(f"{folder}/", "") if isinstance(value, str) else value
            for key, value in error.facts.items()
        }
    )


def _before(after: str | None) -> int | None:
    return None if after is None else int(keys_of(after)[0])


def _next(request: Request, last: int | None) -> str | None:
    if last is None:
        return None
    url = request.url.include_query_params(cursor=cursor(last))
    return f"{url.path}?{url.query}"
