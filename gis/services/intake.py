"""Intake 上报受理: an event comes in, is matched, routed and written, in one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import structlog

from gis.errors import (
    CalendarMissing,
    EventCategoryInvalid,
    Language,
    OutsideScope,
    SourceUnknown,
)
from gis.governance.actors import SYSTEM, Actor
from gis.governance.calendar import due_at
from gis.governance.categories import Category
from gis.governance.clocks import STANDARD, Ruler
from gis.governance.duty import Assignment, Unrouted
from gis.governance.reasons import Reason
from gis.governance.work_orders import IN_HAND
from gis.services import cases, duplicates, jobs, photo_rows, senders
from gis.services.boundary_snapshot import BoundarySnapshot
from gis.services.case_clocks import first_clocks, limit_of
from gis.services.city_time import ruler_of
from gis.services.lookup import Boundaries
from gis.services.match_request import MatchRequest
from gis.services.matching import Match, kept_reason, match
from gis.services.photos import Photo
from gis.services.responsibility import responsible
from gis.services.roster import Roster, Rosters
from gis.store import access, events
from gis.store.access import Answer, KeyedRequest
from gis.store.unit_of_work import Database, UnitOfWork

_log = structlog.get_logger(__name__)

SOURCES: Final[dict[str, tuple[str, str]]] = {
    "snap": ("随手拍", "snap report"),
    "hotline-12345": ("12345 热线", "12345 hotline"),
    "patrol": ("巡查上报", "patrol"),
    "courier": ("新就业群体上报", "courier"),
    "video": ("视频发现", "video"),
    "open311": ("Open311 接口", "Open311"),
    "other": ("其他", "other"),
}
"""Source key -> (title_zh, title_en)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """An event as a source reports it.

    ``request`` holds place, address, category, source and instant: all that matching may use.
    ``reasons`` are put before those of the match; ``hold`` says why it must wait for a person;
    ``also`` writes, in the same transaction, what the source keeps beside the event.
    """

    request: MatchRequest
    source_ref: str | None = None
    title: str | None = None
    description: str | None = None
    reporter: Mapping[str, Any] | None = None
    photos: Sequence[Photo] = ()
    reasons: Sequence[Reason] = ()
    hold: Reason | None = None
    also: Callable[[UnitOfWork, uuid.UUID], None] | None = None


@dataclass(frozen=True, slots=True)
class Routing:
    """What becomes of an event: its queue, who gets it, until when, and why."""

    routing: str
    status: str
    assignment: Assignment | None
    due_at: datetime | None
    reasons: tuple[Reason, ...]


def report_event(
    database: Database,
    boundaries: Boundaries,
    actor: Actor,
    report: Report,
    *,
    now: Callable[[], datetime],
    auto_threshold: float,
    language: Language = "zh",
    keyed: KeyedRequest | None = None,
    rosters: Rosters | None = None,
) -> Answer:
    """Take an event in: match it, route it, write it; commit before returning.

    The same ``source`` and ``source_ref`` twice is one event: the first one is returned with
    status 200 and nothing is written. Two requests at once with one reference: the second waits.

    Raises
    ------
    gis.errors.Rejected
        Unknown source or category, a position that cannot be; nothing is written.
    gis.errors.OutsideScope
        The place lies outside the area that the actor may act in.
    """
    with database.transaction(actor) as work:
        answered = access.first_answer(work, keyed)
        if answered is not None:
            return answered
        status, body = take_in(
            work,
            boundaries,
            report,
            now=now,
            auto_threshold=auto_threshold,
            language=language,
            rosters=rosters,
        )
        return access.remember(work, keyed, status=status, body=body)


def take_in(
    work: UnitOfWork,
    boundaries: Boundaries,
    report: Report,
    *,
    now: Callable[[], datetime],
    auto_threshold: float,
    language: Language = "zh",
    rosters: Rosters | None = None,
) -> tuple[int, dict[str, Any]]:
    """Take an event in inside an open unit of work: status (201, or 200: known) and the event.

    For :func:`report_event`, and for batches that commit several at once. Who answers comes from
    ``rosters`` where their stamp is the one that this transaction reads.
    """
    if report.request.source not in SOURCES:
        raise SourceUnknown(source=report.request.source, known=", ".join(SOURCES))
    context = _context(work, report)
    if context.known is not None:
        return 200, _known(work, context.known, language)
    in_force = boundaries.as_read(work, context.revision, context.exceptions)
    snapshot, instant = in_force.snapshot, now()
    knowledge = boundaries.knowledge(work, snapshot)
    matched = match(
        snapshot,
        senders.with_usual(work, report.request, report.reporter, knowledge),
        threshold=auto_threshold,
        exceptions=in_force.exceptions,
        at=instant,
        knowledge=knowledge,
    )
    if not _in_scope(work.actor, matched):
        raise OutsideScope(scope=work.actor.area_code, code=matched.code or "-")
    roster = None if rosters is None else rosters.at(context.roster)
    ruler = ruler_of(work) if roster is None else roster.ruler
    routing = route(work, snapshot, matched, context.category, instant, ruler=ruler, roster=roster)
    if report.hold is not None and routing.routing != "outside":
        routing = Routing("review", "review", None, None, (report.hold,))
    stages = IN_HAND if routing.assignment is not None else ("register",)
    timed = first_clocks(context.category, stages, instant, ruler)
    event = _new_event(report, snapshot, matched, routing, timed)
    status, body = _write(work, event, routing.assignment, language)
    if status == 201:
        body["attachments"] = _write_beside(work, event.id, report)
        body["suggested_duplicates"] = _suggested(work, event, context, body, language)
    return status, body


def _context(work: UnitOfWork, report: Report) -> events.IntakeContext:
    request = report.request
    context = events.intake_context(
        work, request.source or "other", report.source_ref, request.category
    )
    if request.category is not None and context.category is None:
        raise EventCategoryInvalid(category=request.category)
    return context


def _write(
    work: UnitOfWork, event: events.NewEvent, chosen: Assignment | None, language: Language
) -> tuple[int, dict[str, Any]]:
    written = events.record(work, event)
    if written is not None:
        return 201, _as_written(work.actor, event, written, chosen, language=language)
    # Another transaction committed the same reference a moment ago: this statement sees it.
    known = events.intake_context(work, event.source, event.source_ref, None).known
    if known is None:
        message = "a source reference was taken and is not there"
        raise ValueError(message)
    return 200, _known(work, known, language)


def _known(work: UnitOfWork, event_id: uuid.UUID, language: Language) -> dict[str, Any]:
    """Return the first event of a reference to whoever sends it again, wherever it lies."""
    if work.actor.by_duty:
        work = UnitOfWork(work.connection, replace(work.actor, area_code=None))
    return cases.view(work, event_id, language)


def _suggested(
    work: UnitOfWork,
    event: events.NewEvent,
    context: events.IntakeContext,
    body: Mapping[str, Any],
    language: Language,
) -> list[dict[str, Any]]:
    """Return what a new event is probably another report of."""
    if event.lon is None or event.lat is None or context.category is None:
        return []
    new = duplicates.sighting(
        {
            **events.as_values(event),
            "number": body["number"],
            "group": context.category.major_zh,
            "reported_at": event.reported_at or datetime.fromisoformat(body["received_at"]),
            "duplicate_of": None,
            "root_number": None,
        }
    )
    return duplicates.shown(duplicates.suggested(work, new, context.category), language)


def _write_beside(work: UnitOfWork, event_id: uuid.UUID, report: Report) -> list[dict[str, Any]]:
    """Write what came along with a new event; return its attachments as answers show them."""
    if report.also is not None:
        report.also(work, event_id)
    if not report.photos:
        return []
    photo_rows.write(work, event_id, report.photos)
    return cases.attachments_of(work, [event_id])[event_id]


def _as_written(
    actor: Actor,
    event: events.NewEvent,
    written: Mapping[str, Any],
    chosen: Assignment | None,
    *,
    language: Language,
) -> dict[str, Any]:
    """Return the new event as a later look shows it, without reading it back."""
    received_at = written["received_at"]
    row = events.as_values(event) | {
        "number": written["number"],
        "received_at": received_at,
        "reported_at": received_at if event.reported_at is None else _utc(event.reported_at),
        "duplicate_of": None,
        "version": 1,
    }
    orders = []
    if chosen is not None:
        order = {
            "assignee_id": chosen.member.person_id,
            "code": written["work_order"],
            "status": "dispatched",
            "version": 1,
            "level": event.level,
            "area_code": event.area_code,
            "assignee_name": chosen.member.person_name,
            "assignee_role": event.assignee_role,
            "unit_code": event.unit_code,
            "unit_name": chosen.member.unit_name,
            "dispatched_at": received_at,
            "due_at": None if event.due_at is None else _utc(event.due_at),
            "closed_at": None,
            "round": 1,
        }
        orders.append(order)
    return cases.as_answer(row, orders, actor, language)


def _utc(instant: datetime) -> datetime:
    return instant.astimezone(UTC)


def route(
    work: UnitOfWork,
    snapshot: BoundarySnapshot,
    matched: Match,
    category: Category | None,
    now: datetime,
    *,
    ruler: Ruler = STANDARD,
    roster: Roster | None = None,
) -> Routing:
    """Decide which queue an event goes to and, where it routes itself, who gets it until when."""
    if matched.decision.decision != "auto":
        return Routing(matched.decision.decision, matched.decision.decision, None, None, ())
    if category is not None and not category.auto_dispatch:
        why = Reason(
            "category-needs-dispatcher",
            f"类别“{category.title_zh}”须由调度员派遣。",
            f"Cases of “{category.title_en}” are dispatched by a person.",
            {"category": category.key},
        )
        return Routing("review", "review", None, None, (why,))
    chosen = None
    if roster is not None:
        path = {area.level: area.code for area in snapshot.path(matched.code or "")}
        chosen = roster.responsible(
            path, category, now, unit_code=matched.unit_code, place=matched.point
        )
    if chosen is None:
        chosen = responsible(
            work,
            snapshot,
            matched.code,
            category,
            now,
            unit_code=matched.unit_code,
            place=matched.point,
        )
    if isinstance(chosen, Unrouted):
        return Routing("unrouted", "unrouted", None, None, (chosen.reason,))
    due, doubts = _due(category, now, ruler)
    return Routing("auto", "dispatched", chosen, due, (chosen.reason, *doubts))


def _due(
    category: Category | None, now: datetime, ruler: Ruler
) -> tuple[datetime | None, tuple[Reason, ...]]:
    """Return the handling deadline; a year without a calendar never keeps an event out."""
    limit = limit_of(category, "handle")
    try:
        due = due_at(now, limit.amount, limit.unit, office=ruler.office, calendar=ruler.calendar)
    except CalendarMissing as error:
        _log.error("calendar_missing", **error.facts)
        return None, (
            Reason("calendar-missing", error.detail("zh"), error.detail("en"), dict(error.facts)),
        )
    return due, ()


@jobs.task("prepare-months", every=timedelta(days=1))
def prepare_months_ahead(context: jobs.Context) -> None:
    """Make the partitions that come into reach while a server runs for months."""
    prepare_months(context.database, context.now())


def prepare_months(database: Database, now: datetime) -> None:
    """Make the partitions of this month and the next three; what has none waits in the default."""
    with database.transaction(SYSTEM) as work:
        events.ensure_months(work, now, now + timedelta(days=92))


def _in_scope(actor: Actor, matched: Match) -> bool:
    if actor.area_code is None or actor.by_duty:
        return True
    if matched.code is not None:
        return actor.covers(matched.code)
    if matched.decision.candidates:
        return any(actor.covers(candidate.code) for candidate in matched.decision.candidates)
    return matched.point is None  # no place yet: a dispatcher will find it


def _new_event(
    report: Report,
    snapshot: BoundarySnapshot,
    matched: Match,
    routing: Routing,
    timed: Sequence[Mapping[str, Any]],
) -> events.NewEvent:
    request, chosen = report.request, routing.assignment
    answer = matched.to_json()
    answer["reasons"][:0] = [kept_reason(reason) for reason in report.reasons]
    answer["reasons"] += [kept_reason(reason) for reason in routing.reasons]
    location = request.location or request.photo
    point = matched.point
    entries: list[dict[str, Any]] = [
        {
            "action": "report",
            "after": {
                "routing": routing.routing,
                "status": routing.status,
                "grid": matched.grid_code,
                "by": f"{SOURCES[request.source or 'other'][0]}上报人",
                "by_en": f"A reporter ({SOURCES[request.source or 'other'][1]})",
            },
            "note": " ".join(reason.text_zh for reason in routing.reasons) or None,
        }
    ]
    topics = ["event.created"]
    if chosen is not None:
        entries.append(
            {
                "action": "dispatch",
                "after": {
                    "by": "系统",
                    "by_en": "Gridward",
                    "status": routing.status,
                    "automatic": True,
                    "level": chosen.level,
                    "area": chosen.member.area_code,
                    "assignee": chosen.member.person_name,
                    "assignee_id": chosen.member.person_id,
                    "role": chosen.member.role,
                    "unit": chosen.member.unit_code,
                    "unit_name": chosen.member.unit_name,
                    "due_at": None if routing.due_at is None else routing.due_at.isoformat(),
                },
                "note": chosen.reason.text_zh,
            }
        )
        topics.append("event.routed")
    return events.NewEvent(
        id=uuid.uuid4(),
        source=request.source or "other",
        source_ref=report.source_ref,
        category=request.category,
        title=report.title,
        description=report.description,
        address=request.address,
        reported_at=request.at,
        lon=None if point is None else point[0],
        lat=None if point is None else point[1],
        accuracy_m=None if location is None else location.accuracy_m,
        raw_location=request.kept(),
        reporter=report.reporter,
        routing=routing.routing,
        status=routing.status,
        grid_code=matched.grid_code,
        path_codes=[area.code for area in snapshot.path(matched.code)] if matched.code else [],
        boundary_revision=snapshot.revision,
        match=answer,
        level=None if chosen is None else chosen.level,
        area_code=None if chosen is None else chosen.member.area_code,
        unit_code=None if chosen is None else chosen.member.unit_code,
        assignee_id=None if chosen is None else chosen.member.person_id,
        assignee_role=None if chosen is None else chosen.member.role,
        due_at=routing.due_at,
        entries=entries,
        clocks=timed,
        topics=topics,
    )
