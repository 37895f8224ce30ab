"""Everything about a draft before it is published: changes, check of the whole city, impact.

The check of a large city takes a minute, so it is kept beside the draft with what it was made on
(its *basis*): the revision that stands, what the draft holds, the exceptions in force. When any of
these changes it is made again, by whoever looks first; a job makes the first one.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any

from gis.errors import DraftUnknown
from gis.governance.actors import SYSTEM
from gis.services import editions, jobs
from gis.services.boundaries import KEPT_FINDINGS
from gis.services.boundary_check import check_boundaries
from gis.services.impact import impact
from gis.store import boundaries as store
from gis.store import editions as edition_store
from gis.store import exceptions as exception_store

if TYPE_CHECKING:
    from gis.governance.actors import Actor
    from gis.services.boundary_check import BoundaryReport
    from gis.store.unit_of_work import Database, UnitOfWork


def review(database: Database, actor: Actor, draft_id: int) -> dict[str, Any]:
    """Return a draft as :func:`gis.services.editions.draft` does, with ``check`` and ``impact``.

    ``check`` is the report of :func:`gis.services.boundary_check.check_boundaries` on the city as
    the draft leaves it, at most :data:`~gis.services.boundaries.KEPT_FINDINGS` of each kind, those
    at areas of the draft first; ``of_draft`` counts these by kind. Of a published draft what was
    kept: its check as it was last made (null when it never was), no impact.

    Raises
    ------
    gis.errors.DraftUnknown, gis.errors.OutsideScope
    gis.errors.SignInRequired, gis.errors.RoleNotAllowed
        Of an open draft, for actors who are no planners.
    """
    found = editions.draft(database, actor, draft_id)
    if found["status"] != "draft":
        with database.reading(actor) as work:
            kept = store.kept_check(work, draft_id)
        return {**found, "check": None if kept is None else kept["report"]}
    checked = check_of(database, actor, draft_id)
    return {**found, "check": checked, "impact": impact(database, actor, draft_id)}


def check_of(database: Database, actor: Actor, draft_id: int) -> dict[str, Any]:
    """Return the check of the city as an open draft leaves it; the kept one while it holds.

    Raises
    ------
    gis.errors.DraftUnknown, gis.errors.OutsideScope
    """
    with database.reading(actor, snapshot=True) as work:
        codes = edition_store.codes_of(work, draft_id)
        editions.check_scope(actor, codes)
        basis, kept = _basis(work, codes), store.kept_check(work, draft_id)
    if kept is not None and kept["basis"] == basis:
        report: dict[str, Any] = kept["report"]
        return report
    found = check_boundaries(database, actor, draft_id=draft_id)
    report = _told(found, frozenset(codes))
    with database.transaction(actor) as work:
        # what changed while it was checked makes the basis differ: it is checked again next time
        store.keep_check(work, draft_id, {"basis": basis, "report": report})
    return report


def _basis(work: UnitOfWork, codes: list[str]) -> dict[str, Any]:
    """Return what a check depends on; a draft only ever gains areas that retire."""
    ruling = exception_store.listing(work, live_only=True)
    return {
        "revision": store.latest(work)[0],
        "areas": len(codes),
        "exceptions": sorted(int(row["id"]) for row in ruling),
    }


def _told(found: BoundaryReport, codes: frozenset[str]) -> dict[str, Any]:
    """Put the findings at areas of the draft first, and count them."""
    concerns = [not codes.isdisjoint(one.facts.get("areas", ())) for one in found.findings]
    order = sorted(range(len(concerns)), key=lambda i: not concerns[i])
    counted = Counter(one.kind for one, mine in zip(found.findings, concerns, strict=True) if mine)
    found.findings = [found.findings[i] for i in order]
    return found.to_json(limit=KEPT_FINDINGS) | {"of_draft": dict(counted)}


@jobs.task(editions.CHECK_DRAFT, queue="long", attempts=2)
def check_before_somebody_looks(context: jobs.Context, *, draft_id: int) -> None:
    """Check a draft and keep the report; one that is no longer open needs none."""
    try:
        check_of(context.database, SYSTEM, draft_id)
    except DraftUnknown:
        return
