"""Long jobs 任务: how far they are, and what came out; for the one who started them."""

from __future__ import annotations

import uuid
from typing import Annotated, Any

from fastapi import APIRouter, Depends

from api.routes.areas import Open
from api.security import allow_signed_in
from gis.governance.actors import Actor
from gis.services import jobs

router = APIRouter(prefix="/v1/jobs", tags=["jobs"])

Anybody = Annotated[Actor, Depends(allow_signed_in)]


@router.get("/{job_id}", summary="How far a long job is")
def one(app: Open, actor: Anybody, job_id: uuid.UUID) -> dict[str, Any]:
    """Status, progress from 0 to 1, what it does now, and at the end result or problem."""
    return jobs.report(app.database, actor, job_id)


@router.delete("/{job_id}", summary="End a long job", status_code=202)
def end(app: Open, actor: Anybody, job_id: uuid.UUID) -> dict[str, Any]:
    """Asks the job to end; one that has not begun ends at once. A finished one stays."""
    return jobs.cancel(app.database, actor, job_id)
