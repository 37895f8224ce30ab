"""Intake 上报受理: an event comes in, is matched, routed and written, in one transaction."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
import structlog

from gis.errors import (
    CalendarMissing,
    CategoryUnknown,
    EventCategoryInvalid,
    EventUnknown,
    Language,
    OutOfScope,
    SourceUnknown,
)
from gis.governance.actors import SYSTEM, Actor
from gis.governance.calendar import due_at
from gis.governance.categories import Category
from gis.governance.duty import Assignment, Unrouted
from gis.governance.reasons import Reason
from gis.services.lookup import Boundaries, BoundarySnapshot
from gis.services.matching import Match, MatchRequest, kept_reason, match, spoken
from gis.services.responsibility import responsible
from gis.store import access, categories, events
from gis.store.access import Answer, KeyedRequest
from gis.store.events import EventFilter as EventFilter  # noqa: PLC0414 - what routes ask with
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

READS_REPORTER: Final = frozenset({"dispatcher", "admin"})
"""Roles that see who reported; everybody else sees the case without the person."""

SHOWN: Final = (
    "id", "number", "source", "source_ref", "category", "title", "description", "address",
    "reported_at", "received_at", "routing", "status", "boundary_revision", "match",
    "duplicate_of", "version",
)  # fmt: skip
"""Columns of an event that every answer shows."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """An event as a source reports it.

    ``request`` holds place, address, category, source and instant: all that matching may use.
    """

    request: MatchRequest
    source_ref: str | None = None
    title: str | None = None
    description: str | None = None
    reporter: Mapping[str, Any] | None = None


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
) -> Answer:
    """Take an event in: match it, route it, write it; commit before returning.

    The same ``source`` and ``source_ref`` twice is one event: the first one is returned with
    status 200 and nothing is written. Two requests at once with one reference: the second waits.

    Raises
    ------
    gis.errors.Rejected
        Unknown source or category, a position that cannot be; nothing is written.
    gis.errors.OutOfScope
        The place lies outside the area that the actor may act in.
    """
    if report.request.source not in SOURCES:
        raise SourceUnknown(source=report.request.source, known=", ".join(SOURCES))
    with database.transaction(actor) as work:
        answered = access.first_answer(work, keyed)
        if answered is not None:
            return answered
        known = _known(work, report)
        if known is not None:
            status, body = 200, _view(work, known, language)
        else:
            status, body = _take_in(
                work,
                boundaries,
                report,
                now=now(),
                auto_threshold=auto_threshold,
                language=language,
            )
        return access.remember(work, keyed, status=status, body=body)


def _known(work: UnitOfWork, report: Report) -> uuid.UUID | None:
    if report.source_ref is None:
        return None
    return events.id_of_reference(work, report.request.source or "other", report.source_ref)


def _take_in(
    work: UnitOfWork,
    boundaries: Boundaries,
    report: Report,
    *,
    now: datetime,
    auto_threshold: float,
    language: Language,
) -> tuple[int, dict[str, Any]]:
    category = _category(work, report.request.category)
    snapshot = boundaries.snapshot(work)
    matched = match(snapshot, report.request, threshold=auto_threshold)
    if not _in_scope(work.actor, matched):
        raise OutOfScope(area=work.actor.area_code, grid=matched.code or "-")
    routing = route(work, snapshot, matched, category, now)
    row = events.record(work, _new_event(report, snapshot, matched, routing))
    if row is None:  # another transaction committed the same reference a moment ago
        known = _known(work, report)
        if known is None:
            message = "a source reference was taken and is not there"
            raise ValueError(message)
        return 200, _view(work, known, language)
    return 201, _view(work, row["id"], language)


def route(
    work: UnitOfWork,
    snapshot: BoundarySnapshot,
    matched: Match,
    category: Category | None,
    now: datetime,
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
    chosen = responsible(work, snapshot, matched.code, category, now)
    if isinstance(chosen, Unrouted):
        return Routing("unrouted", "unrouted", None, None, (chosen.reason,))
    due, doubts = _due(category, now)
    return Routing("auto", "dispatched", chosen, due, (chosen.reason, *doubts))


def _due(category: Category | None, now: datetime) -> tuple[datetime | None, tuple[Reason, ...]]:
    """Return the handling deadline; a year without a calendar never keeps an event out."""
    if category is None:
        return None, ()
    limit = category.deadlines["handle"]
    try:
        return due_at(now, limit.amount, limit.unit), ()
    except CalendarMissing as error:
        _log.error("calendar_missing", **error.facts)
        return None, (
            Reason("calendar-missing", error.detail("zh"), error.detail("en"), dict(error.facts)),
        )


def event(
    database: Database, actor: Actor, event_id: uuid.UUID, language: Language = "zh"
) -> dict[str, Any]:
    """Return one event as the actor may see it.

    Raises
    ------
    gis.errors.EventUnknown
        There is none, or it lies outside the actor's area.
    """
    with database.reading(actor) as work:
        return _view(work, event_id, language)


def event_log(database: Database, actor: Actor, event_id: uuid.UUID) -> list[dict[str, Any]]:
    """Return the history of an event, oldest first."""
    with database.reading(actor) as work:
        _view(work, event_id, "zh")
        return [_plain(dict(row)) for row in events.log_of(work, event_id)]


def event_list(
    database: Database,
    actor: Actor,
    wanted: EventFilter,
    *,
    after: tuple[datetime, uuid.UUID] | None,
    limit: int,
    language: Language = "zh",
) -> tuple[list[dict[str, Any]], bool]:
    """Return events of the actor's area, newest first, and whether more follow."""
    with database.reading(actor) as work:
        rows = events.listing(work, wanted, after=after, limit=limit + 1)
        orders = _orders(work, [row["id"] for row in rows[:limit]])
        return [
            _as_answer(row, orders.get(row["id"], []), actor, language) for row in rows[:limit]
        ], len(rows) > limit


def category_list(database: Database, actor: Actor) -> list[dict[str, Any]]:
    """Return the active categories in the order of lists."""
    with database.reading(actor) as work:
        return [
            {
                **{key: value for key, value in asdict(category).items() if key != "deadlines"},
                "deadlines": {
                    stage: {"amount": limit.amount, "unit": limit.unit}
                    for stage, limit in category.deadlines.items()
                },
            }
            for category in categories.all_active(work)
        ]


def prepare_months(database: Database, now: datetime) -> None:
    """Make the partitions of this month and the next three; what has none waits in the default."""
    with database.transaction(SYSTEM) as work:
        events.ensure_months(work, now, now + timedelta(days=92))


def _category(work: UnitOfWork, key: str | None) -> Category | None:
    if key is None:
        return None
    try:
        return categories.by_key(work, key)
    except CategoryUnknown as error:  # in a path it is a 404, in a report a mistake of the sender
        raise EventCategoryInvalid(category=key) from error


def _in_scope(actor: Actor, matched: Match) -> bool:
    if actor.area_code is None:
        return True
    if matched.code is not None:
        return actor.covers(matched.code)
    if matched.decision.candidates:
        return any(actor.covers(candidate.code) for candidate in matched.decision.candidates)
    return matched.point is None  # no place yet: a dispatcher will find it


def _new_event(
    report: Report, snapshot: BoundarySnapshot, matched: Match, routing: Routing
) -> events.NewEvent:
    request, chosen = report.request, routing.assignment
    answer = matched.to_json()
    answer["reasons"] += [kept_reason(reason) for reason in routing.reasons]
    location = request.location
    point = matched.point
    entries: list[dict[str, Any]] = [
        {
            "action": "report",
            "after": {
                "routing": routing.routing,
                "status": routing.status,
                "grid": matched.grid_code,
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
                    "assignee": chosen.member.person_name,
                    "role": chosen.member.role,
                    "unit": chosen.member.unit_code,
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
        raw_location=None if location is None else location.to_json(),
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
        topics=topics,
    )


def _orders(work: UnitOfWork, ids: list[uuid.UUID]) -> dict[uuid.UUID, list[sa.RowMapping]]:
    found: dict[uuid.UUID, list[sa.RowMapping]] = {}
    for row in events.orders_of(work, ids) if ids else []:
        found.setdefault(row["event_id"], []).append(row)
    return found


def _view(work: UnitOfWork, event_id: uuid.UUID, language: Language) -> dict[str, Any]:
    row = events.by_id(work, event_id)
    scope = work.actor.area_code
    if row is None or (scope is not None and scope not in row["path_codes"] and row["path_codes"]):
        raise EventUnknown(id=str(event_id))
    return _as_answer(row, _orders(work, [event_id]).get(event_id, []), work.actor, language)


def _as_answer(
    row: sa.RowMapping, orders: list[sa.RowMapping], actor: Actor, language: Language
) -> dict[str, Any]:
    answer = _plain({key: row[key] for key in SHOWN})
    answer["match"] = spoken(row["match"], language)
    answer["location"] = row["raw_location"]
    answer["point"] = None if row["lon"] is None else {"lon": row["lon"], "lat": row["lat"]}
    answer["grid"] = row["grid_code"]
    answer["work_orders"] = [order_answer(order) for order in orders]
    answer["suggested_duplicates"] = []
    answer["attachments"] = []
    if actor.role in READS_REPORTER:
        answer["reporter"] = row["reporter"]
    return answer


def _plain(row: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row with instants as RFC 3339 and ids as text: what JSON carries."""
    return {
        key: value.isoformat()
        if isinstance(value, datetime)
        else str(value)
        if isinstance(value, uuid.UUID)
        else value
        for key, value in row.items()
    }


def order_answer(order: sa.RowMapping) -> dict[str, Any]:
    """Return a work order as answers show it."""
    return _plain(
        {
            "code": order["code"],
            "status": order["status"],
            "version": order["version"],
            "level": order["level"],
            "area": order["area_code"],
            "assignee": {"name": order["assignee_name"], "role": order["assignee_role"]},
            "unit": {"code": order["unit_code"], "name": order["unit_name"]},
            "dispatched_at": order["dispatched_at"],
            "due_at": order["due_at"],
            "closed_at": order["closed_at"],
            "round": order["round"],
        }
    )
