"""Work orders 工单 as the one who asks may see them, with what they may do next."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from gis.errors import Language, WorkOrderUnknown
from gis.governance.actors import Actor
from gis.governance.areas import LEVELS
from gis.governance.work_orders import (
    ACTIONS,
    GROUNDS,
    LIFE,
    STAGES,
    STATES,
    TRANSITIONS,
    Holder,
    relations,
)
from gis.services.case_file import level_above
from gis.store import orders as store
from gis.store.orders import OrderFilter as OrderFilter  # noqa: PLC0414 - what routes ask with
from gis.store.unit_of_work import Database, UnitOfWork


def order(work: UnitOfWork, code: str, now: datetime, language: Language = "zh") -> dict[str, Any]:
    """Return one work order inside an open unit of work.

    Raises
    ------
    gis.errors.WorkOrderUnknown
        There is none, or it lies outside the actor's area.
    """
    found = store.listing(work, store.OrderFilter(), after=None, limit=1, code=code)
    if not found or not _in_scope(work.actor, found[0]):
        raise WorkOrderUnknown(code=code)
    row = found[0]
    event_id: uuid.UUID = row["event_id"]
    clocks = [c for c in store.clocks_of(work, [event_id]) if _belongs(c, row)]
    answer = _shown(work.actor, dict(row), clocks, now, language)
    answer["returns"] = [_return(one, language) for one in store.returns_of(work, event_id)]
    return answer


def one_order(
    database: Database, actor: Actor, code: str, now: datetime, language: Language
) -> dict[str, Any]:
    """Return one work order as the actor may see it."""
    with database.reading(actor) as work:
        return order(work, code, now, language)


def order_list(
    database: Database,
    actor: Actor,
    wanted: OrderFilter,
    *,
    now: datetime,
    after: tuple[datetime, str] | None,
    limit: int,
    language: Language,
) -> tuple[list[dict[str, Any]], bool]:
    """Return work orders of the actor's area, newest first, and whether more follow."""
    with database.reading(actor) as work:
        rows = store.listing(work, wanted, after=after, limit=limit + 1)
        shown = rows[:limit]
        clocks: dict[uuid.UUID, list[Mapping[str, Any]]] = {}
        for clock in store.clocks_of(work, [row["event_id"] for row in shown]) if shown else []:
            clocks.setdefault(clock["event_id"], []).append(dict(clock))
        return [
            _shown(
                actor,
                dict(row),
                [c for c in clocks.get(row["event_id"], []) if _belongs(c, row)],
                now,
                language,
            )
            for row in shown
        ], len(rows) > limit


def order_total(database: Database, actor: Actor, wanted: OrderFilter) -> int | None:
    """Return how many orders a list has in all, None when it has more than 10,000."""
    with database.reading(actor) as work:
        return store.total(work, wanted)


def return_evidence(
    database: Database, actor: Actor, code: str, number: int | None
) -> dict[str, Any]:
    """Return what the map said at a return (the last one without a number).

    Raises
    ------
    gis.errors.WorkOrderUnknown
        No such order, or it was never sent back.
    """
    with database.reading(actor) as work:
        found = store.listing(work, store.OrderFilter(), after=None, limit=1, code=code)
        if not found or not _in_scope(actor, found[0]):
            raise WorkOrderUnknown(code=code)
        kept = [
            row
            for row in store.returns_of(work, found[0]["event_id"])
            if number in (None, row["id"])
        ]
    if not kept:
        raise WorkOrderUnknown(code=code if number is None else f"{code}/{number}")
    return dict(kept[-1]["evidence"])


def _belongs(clock: Mapping[str, Any], row: Mapping[str, Any]) -> bool:
    return clock["work_order_code"] in (None, row["code"])


def _in_scope(actor: Actor, row: Mapping[str, Any]) -> bool:
    return actor.sees([*row["path_codes"], *row["event_path"]], row["assignee_id"])


def _shown(
    actor: Actor,
    row: Mapping[str, Any],
    clocks: Sequence[Mapping[str, Any]],
    now: datetime,
    language: Language,
) -> dict[str, Any]:
    side = 0 if language == "zh" else 1
    state = STATES[row["status"]]
    mine = relations(
        actor,
        Holder(
            row["area_code"],
            row["assignee_id"],
            row["handler_id"],
            row["handler_person_id"],
            _ruling_area(row),
        ),
    )
    allowed = LIFE.allowed(row["status"], mine)
    return {
        "code": row["code"],
        "event": {
            "id": str(row["event_id"]),
            "number": row["event_number"],
            "title": row["event_title"],
            "category": row["event_category"],
            "source": row["event_source"],
            "address": row["event_address"],
            "grid": row["event_grid"],
            "point": None if row["lon"] is None else {"lon": row["lon"], "lat": row["lat"]},
        },
        "status": row["status"],
        "status_title": state.title[side],
        "version": row["version"],
        "assignee": {
            "id": str(row["assignee_id"]),
            "name": row["assignee_name"],
            "role": row["assignee_role"],
        },
        "unit": {"code": row["unit_code"], "name": row["unit_name"]},
        "level": row["level"],
        "area": row["area_code"],
        "dispatched_at": _text(row["dispatched_at"]),
        "due_at": _text(row["due_at"]),
        "overdue": row["overdue"],
        "closed_at": _text(row["closed_at"]),
        "round": row["round"],
        "counts": {key: row[key] for key in ("returns", "reworks", "extensions", "escalations")},
        "supervised_at": _text(row["supervised_at"]),
        "satisfied": row["satisfied"],
        "allowed_actions": list(allowed),
        "actions": actions_said(row["status"], allowed, language),
        "clocks": [_clock(clock, now, side) for clock in clocks],
    }


def actions_said(state: str, allowed: Iterable[str], language: Language) -> list[dict[str, Any]]:
    """Return title and needed fields of what is allowed in a state, for buttons and forms."""
    side = 0 if language == "zh" else 1
    return [
        {
            "action": action,
            "title": ACTIONS[action].title[side],
            "needs": list(TRANSITIONS[state, action].needs),
            **(
                {"grounds": {key: ground.title[side] for key, ground in GROUNDS.items()}}
                if action == "send_back"
                else {}
            ),
        }
        for action in allowed
    ]


def _ruling_area(row: Mapping[str, Any]) -> str | None:
    """Return the area of the level above the order's, by the path kept with it."""
    above = level_above(row["level"])
    path = list(row["path_codes"])  # one code of each level, from the city down
    place = None if above is None else list(LEVELS).index(above)
    return None if place is None or place >= len(path) else path[place]


def _clock(clock: Mapping[str, Any], now: datetime, side: int) -> dict[str, Any]:
    running = clock["stopped_at"] is None
    late = clock["due_at"] is not None and (
        (clock["stopped_at"] or (clock["paused_at"] or now)) > clock["due_at"]
    )
    return {
        "stage": clock["stage"],
        "title": STAGES[clock["stage"]][side],
        "round": clock["round"],
        "limit": {"amount": clock["amount"], "unit": clock["unit"]},
        "started_at": _text(clock["started_at"]),
        "warn_at": _text(clock["warn_at"]),
        "due_at": _text(clock["due_at"]),
        "paused_at": _text(clock["paused_at"]),
        "stopped_at": _text(clock["stopped_at"]),
        "stopped_by": clock["stopped_by"],
        "running": running and clock["paused_at"] is None,
        "overdue": late,
        "extensions": clock["extensions"],
        "escalations": clock["escalations"],
        **({"reason": "calendar-missing"} if clock["due_at"] is None else {}),
    }


def _return(row: Mapping[str, Any], language: Language) -> dict[str, Any]:
    evidence = row["evidence"]
    title = GROUNDS[row["ground"]].title
    return {
        "id": str(row["id"]),
        "at": _text(row["created_at"]),
        "ground": row["ground"],
        "ground_title": title[0 if language == "zh" else 1],
        "note": row["note"],
        "area": row["area_code"],
        "evidence": {
            "revision": evidence.get("revision"),
            "grid": evidence.get("grid"),
            "edge_distance_m": evidence.get("edge_distance_m"),
            "rule": (evidence.get("rule") or {}).get(language),
            "map": f"/v1/work-orders/{row['work_order_code']}/evidence.svg?return={row['id']}",
            "geojson": f"/v1/work-orders/{row['work_order_code']}/evidence?return={row['id']}",
        },
    }


def _text(instant: datetime | None) -> str | None:
    return None if instant is None else instant.isoformat()
