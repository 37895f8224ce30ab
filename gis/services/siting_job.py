"""Siting that takes longer than a request: as a job with progress, ended on demand."""

from __future__ import annotations

import time
import uuid
from dataclasses import asdict
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final

from gis.coverage.plans import Progress, Stage
from gis.governance.actors import Actor
from gis.services import jobs, siting
from gis.services.coverage_question import StationChange, checked_area
from gis.services.siting_question import MOST_JOB_SECONDS, OwnCandidate, SitingQuestion, check

if TYPE_CHECKING:
    from gis.store.unit_of_work import Database

TASK: Final = "site-stations"
_EVERY_S: Final = 1.0
_STAGES: Final[dict[Stage, tuple[str, str]]] = {
    "prepare": ("准备数据", "preparing"),
    "search": ("搜索方案", "searching"),
    "bound": ("计算上界", "bounding"),
    "prove": ("证明最优", "proving"),
}


def start(database: Database, actor: Actor, question: SitingQuestion) -> uuid.UUID:
    """Put a siting question into the queue; return the id of its job.

    What cannot be answered is refused at once, not by the job.
    """
    check(question, most_seconds=MOST_JOB_SECONDS)
    question.rule()
    area = checked_area(actor, question.area)
    then = question.boundaries_at
    asked = asdict(question) | {
        "area": area,
        "boundaries_at": None if then is None else then.isoformat(),
    }
    arguments = {"question": asked, "owner": actor.id, "role": actor.role, "scope": actor.area_code}
    with database.transaction(actor) as work:
        return jobs.start(work, TASK, arguments)


@jobs.task(TASK, queue="long", attempts=2)
def run(
    context: jobs.Context, *, question: dict[str, Any], owner: str, role: str, scope: str | None
) -> dict[str, Any]:
    """Answer a siting question; a job that is ended keeps nothing."""
    told, ended = 0.0, False

    def watch(progress: Progress) -> bool:
        nonlocal told, ended
        now = time.monotonic()
        if not ended and now - told >= _EVERY_S:
            told = now
            try:
                share = min(progress.seconds / asked.seconds, 0.99)
                context.progress(share, *_STAGES[progress.stage])
            except jobs.JobCancelled:  # no exception may pass through the solver
                ended = True
        return not ended

    asked = question_of(question)
    context.progress(0.0, *_STAGES["prepare"])
    actor = Actor(owner, role, scope)
    answer = siting.site(context.database, actor, asked, watch=watch, most_seconds=MOST_JOB_SECONDS)
    if ended:
        raise jobs.JobCancelled
    return answer


def question_of(plain: dict[str, Any]) -> SitingQuestion:
    """Return a question that travelled as JSON."""
    then = plain.get("boundaries_at")
    return SitingQuestion(
        **{
            **plain,
            "boundaries_at": datetime.fromisoformat(then) if isinstance(then, str) else then,
            "changes": tuple(StationChange(**change) for change in plain["changes"]),
            "own": tuple(OwnCandidate(**place) for place in plain["own"]),
        }
    )
