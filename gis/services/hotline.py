"""12345 orders come in: each row for itself, or all of a batch or none; each order one event."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from gis.errors import GovernanceError, Language, OrdersRefused, Unavailable
from gis.geometry import custom_crs
from gis.governance.actors import Actor
from gis.governance.categories import Category
from gis.governance.hotline import Order, Profile, read_order
from gis.governance.reasons import Reason
from gis.services.intake import Report, take_in
from gis.services.lookup import Boundaries
from gis.services.match_request import Location, MatchRequest
from gis.services.roster import Rosters
from gis.store import categories, hotline
from gis.store.unit_of_work import Database, UnitOfWork

SOURCE: Final = "hotline-12345"
AT_ONCE: Final = 50
"""Rows of one transaction, where each row counts for itself."""

Row = tuple[int, Mapping[str, Any]]
"""Number of a row in its file (or place in its list, from 1), and its cells by column."""


@dataclass(slots=True)
class Taken:
    """What became of a batch, row by row in its order."""

    results: list[dict[str, Any]] = field(default_factory=list)

    @property
    def counts(self) -> dict[str, int]:
        """Count the rows by status, and those that wait for a person."""
        found = {"rows": len(self.results), "created": 0, "known": 0, "rejected": 0, "review": 0}
        for result in self.results:
            found[result["status"]] += 1
            found["review"] += result.get("routing") == "review" and result["status"] == "created"
        return found

    def to_json(self) -> dict[str, Any]:
        """Return counts and results as answers carry them."""
        return {"counts": self.counts, "results": self.results}


@dataclass(frozen=True, slots=True)
class _Desk:
    """What every row of a batch needs."""

    boundaries: Boundaries
    profile: Profile
    categories: Sequence[Category]
    now: Callable[[], datetime]
    auto_threshold: float
    language: Language
    rosters: Rosters | None


def take_orders(
    database: Database,
    boundaries: Boundaries,
    actor: Actor,
    rows: Sequence[Row],
    profile: Profile,
    *,
    now: Callable[[], datetime],
    auto_threshold: float,
    all_or_nothing: bool = False,
    language: Language = "zh",
    progress: Callable[[int], None] = lambda _done: None,
    rosters: Rosters | None = None,
) -> Taken:
    """Take orders in. The same order number twice is one event, today or in another batch.

    A bad row gets its own problem and the others are taken; with ``all_or_nothing`` one bad row
    refuses the whole batch. A category that has no counterpart holds the event for a person.

    Raises
    ------
    gis.errors.OrdersRefused
        ``all_or_nothing``, and some row is bad: nothing was written.
    gis.errors.CrsUnknown
        The profile declares a coordinate system that is none.
    gis.errors.Unavailable
        The database went away; send the batch again, what was taken is known then.
    """
    if profile.crs is not None:
        custom_crs.check(profile.crs)
    with database.reading(actor) as work:
        known = categories.all_active(work)
    desk = _Desk(boundaries, profile, known, now, auto_threshold, language, rosters)
    taken = Taken()
    size = max(len(rows), 1) if all_or_nothing else AT_ONCE
    for some in _slices(rows, size):
        with database.transaction(actor) as work:
            results = [_one(work, desk, row) for row in some]
            bad = [result for result in results if result["status"] == "rejected"]
            if all_or_nothing and bad:
                raise OrdersRefused(bad=len(bad), total=len(rows), rows=bad[:100])
        taken.results += results
        progress(len(taken.results))
    return taken


def order_list(
    database: Database,
    actor: Actor,
    *,
    doubtful: bool | None,
    after: tuple[datetime, str] | None,
    limit: int,
    language: Language,
) -> tuple[list[dict[str, Any]], bool]:
    """Return orders and what became of them, newest first, and whether more follow."""
    with database.reading(actor) as work:
        rows = hotline.listing(
            work, scope=actor.area_code, doubtful=doubtful, after=after, limit=limit + 1
        )
    return [_listed(dict(row), language) for row in rows[:limit]], len(rows) > limit


def _listed(row: Mapping[str, Any], language: Language) -> dict[str, Any]:
    return {
        "source_ref": row["source_ref"],
        "profile": row["profile"],
        "received_at": row["created_at"].isoformat(),
        "event": {
            "id": str(row["event_id"]),
            "number": row["number"],
            "category": row["category"],
            "routing": row["routing"],
            "status": row["status"],
            "grid": row["grid_code"],
        },
        "doubts": [{"code": d["code"], "text": d[language]} for d in row["doubts"]],
    }


def _one(work: UnitOfWork, desk: _Desk, row: Row) -> dict[str, Any]:
    """Take one row in, or say why not; a bad row leaves nothing behind."""
    number, cells = row
    reference = None
    try:
        order = read_order(cells, desk.profile, desk.categories)
        reference = order.source_ref
        report = _report(order, desk.profile, cells)
        with work.savepoint():
            status, event = take_in(
                work,
                desk.boundaries,
                report,
                now=desk.now,
                auto_threshold=desk.auto_threshold,
                language=desk.language,
                rosters=desk.rosters,
            )
    except Unavailable:
        raise
    except GovernanceError as error:
        return {
            "row": number,
            "source_ref": reference,
            "status": "rejected",
            "problem": {
                "type": f"/problems/{error.code}",
                "title": error.title(desk.language),
                "detail": error.detail(desk.language),
            },
        }
    return {
        "row": number,
        "source_ref": reference,
        "status": "created" if status == 201 else "known",
        "event": event["id"],
        "number": event["number"],
        "routing": event["routing"],
        "grid": event["grid"],
        "doubts": [
            {"code": code, "text": zh if desk.language == "zh" else en}
            for code, zh, en in order.doubts
        ],
    }


def _report(order: Order, profile: Profile, cells: Mapping[str, Any]) -> Report:
    reasons = tuple(Reason(code, zh, en, {}) for code, zh, en in order.doubts)
    held = [reason for reason in reasons if reason.code.startswith("order-category")]
    kept = [{"code": code, "zh": zh, "en": en} for code, zh, en in order.doubts]

    def also(work: UnitOfWork, event_id: uuid.UUID) -> None:
        hotline.add(
            work,
            event_id,
            source_ref=order.source_ref,
            profile=profile.name,
            raw=_storable(cells),
            doubts=kept,
        )

    return Report(
        request=MatchRequest(
            location=_pin(order, profile),
            address=order.address,
            category=order.category,
            at=order.reported_at,
            source=SOURCE,
        ),
        source_ref=order.source_ref,
        title=order.title,
        description=order.description,
        reporter=order.reporter,
        reasons=tuple(reason for reason in reasons if reason not in held),
        hold=held[0] if held else None,
        also=also,
    )


def _pin(order: Order, profile: Profile) -> Location | None:
    """Return the pin; coordinates of a city's own system are converted here, once."""
    if order.position is None or profile.crs is None:
        return None
    if custom_crs.is_custom(profile.crs):
        lon, lat = custom_crs.to_wgs84(*order.position, profile.crs)
        return Location(lon, lat, "WGS84")
    return Location(*order.position, profile.crs)


def _storable(cells: Mapping[str, Any]) -> dict[str, Any]:
    """Return a row as JSON can keep it."""
    found: dict[str, Any] = {}
    for name, value in cells.items():
        if value is None or isinstance(value, bool | int):
            found[str(name)] = value
        elif isinstance(value, float):
            found[str(name)] = value if abs(value) < float("inf") else None
        else:
            clean = str(value).replace("\x00", "")
            found[str(name)] = clean.encode("utf-8", "replace").decode()[:8000]
    return found


def _slices(rows: Sequence[Row], size: int) -> Iterator[Sequence[Row]]:
    for start in range(0, len(rows), size):
        yield rows[start : start + size]
