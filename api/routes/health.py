"""Is it alive, is it ready, what does it count: for load balancers and Prometheus, no sign-in."""

from __future__ import annotations

from typing import Annotated, Any

from fastapi import APIRouter, Depends, Response

from api.problems import plain
from api.runtime import Runtime, runtime
from api.security import PUBLIC, allow
from gis.errors import DatabaseUnavailable, NotReady, Unavailable

router = APIRouter(tags=["health"], dependencies=[Depends(allow(PUBLIC))])

Here = Annotated[Runtime, Depends(runtime)]


@router.get("/healthz", summary="The process is alive")
async def healthz() -> dict[str, str]:
    """Answer as soon as the process can: it asks neither the database nor anything else."""
    return {"status": "alive"}


@router.get("/readyz", summary="Everything that an answer needs is there")
def readyz(here: Here) -> dict[str, Any]:
    """Check database, PostGIS, migration head, and the index of the published boundaries.

    Answers 503 with the reasons in `facts.reasons` while any of them is missing.
    """
    facts: dict[str, Any] = {}
    reasons: list[dict[str, Any]] = []
    for name, check in here.checks.items():
        try:
            facts[name] = plain(check())
        except Unavailable as error:
            reasons.append(
                {
                    "check": name,
                    "code": error.code,
                    "title": error.title("en"),
                    "title_zh": error.title("zh"),
                    "detail": error.detail("en"),
                    "detail_zh": error.detail("zh"),
                }
            )
            if isinstance(error, DatabaseUnavailable):
                break  # every further check would wait for the same database
    if reasons:
        parts = ", ".join(reason["check"] for reason in reasons)
        raise NotReady(parts=parts, reasons=reasons, ready=facts)
    return {"status": "ready", "checks": facts}


@router.get(
    "/metrics",
    summary="Metrics for Prometheus",
    response_class=Response,
    responses={200: {"content": {"text/plain": {"schema": {"type": "string"}}}}},
)
def metrics(here: Here) -> Response:
    """Return requests and latency by route template, pool, published revision, process."""
    return Response(here.metrics.exposition(), media_type="text/plain; version=0.0.4")
