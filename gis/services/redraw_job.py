"""A redraw takes longer than a request: it is a job with progress, ended on demand."""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import TYPE_CHECKING, Any, Final

from gis.errors import OutsideScope
from gis.governance.actors import Actor
from gis.services import jobs
from gis.services.boundaries import KEPT_FINDINGS
from gis.services.redraw import propose_redraw
from gis.services.redraw_ground import RedrawRequest, check
from gis.store import access

if TYPE_CHECKING:
    from gis.store.access import Answer, KeyedRequest
    from gis.store.unit_of_work import Database

TASK: Final = "redraw-grids"
_EVERY_S: Final = 0.5


def start(
    database: Database,
    actor: Actor,
    request: RedrawRequest,
    *,
    keyed: KeyedRequest | None = None,
) -> Answer:
    """Put a redraw into the queue, once per key; answer with the id of its job and where it is.

    What cannot be asked is refused at once, not by the job.

    Raises
    ------
    gis.errors.RedrawImpossible, gis.errors.OutsideScope
    """
    check(request)
    if not actor.covers(request.community):
        raise OutsideScope(scope=actor.area_code, code=request.community)
    arguments = {
        "request": asdict(request),
        "owner": actor.id,
        "role": actor.role,
        "scope": actor.area_code,
    }
    with database.transaction(actor) as work:
        answered = access.first_answer(work, keyed)
        if answered is not None:
            return answered
        job = str(jobs.start(work, TASK, arguments))
        body = {"job": {"id": job, "url": f"/v1/jobs/{job}"}}
        return access.remember(work, keyed, status=202, body=body)


@jobs.task(TASK, queue="long", attempts=2)
def run(
    context: jobs.Context, *, request: dict[str, Any], owner: str, role: str, scope: str | None
) -> dict[str, Any]:
    """Redraw; a job that is ended writes nothing."""
    told = 0.0

    def watch(share: float) -> bool:
        nonlocal told
        now = time.monotonic()
        if now - told >= _EVERY_S:
            told = now
            context.progress(0.1 + 0.8 * share, "搜索方案", "searching")
        return True

    context.progress(0.0, "读取社区", "reading the community")
    actor = Actor(owner, role, scope)
    report = propose_redraw(context.database, actor, RedrawRequest(**request), watch=watch)
    return report.to_json(limit=KEPT_FINDINGS)
