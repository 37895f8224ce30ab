"""Community matters and people's proposals: raised, dealt with step by step, counted by area."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from gis.errors import (
    ActionUnknown,
    AreaUnknown,
    DeliberationUnknown,
    Language,
    OutsideScope,
    PlaceMissing,
    VersionStale,
)
from gis.geometry.crs import normalise, point_to_wgs84
from gis.governance.actors import ROLES, Actor
from gis.governance.calendar import SHANGHAI
from gis.governance.deliberation import (
    ACTIONS,
    KINDS,
    LIFE,
    STATES,
    TRANSITIONS,
    ratio,
    relations,
)
from gis.services.boundary_snapshot import BoundarySnapshot
from gis.services.city_time import ruler_of
from gis.services.deliberation_clock import limit_ends, tell
from gis.services.lookup import Boundaries
from gis.services.match_request import Location
from gis.store import access
from gis.store import deliberations as store
from gis.store.access import Answer, KeyedRequest
from gis.store.deliberations import DeliberationFilter as DeliberationFilter  # noqa: PLC0414
from gis.store.unit_of_work import Database, UnitOfWork

_STAMPS: Final = {"set_topic": "adopted_at", "validate": "validated_at", "finish": "carried_out_at"}
"""Action -> when it was done; setting the topic of a proposal adopts it, and finds it valid."""


@dataclass(frozen=True, slots=True, kw_only=True)
class NewItem:
    """What somebody raises: with a place, an area, or both."""

    kind: str
    title: str
    description: str | None = None
    location: Location | None = None
    area: str | None = None
    proposer: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An action on an item as it was asked for."""

    action: str
    version: int | None = None
    note: str | None = None
    decision: str | None = None
    score: int | None = None
    location: Location | None = None

    def given(self) -> set[str]:
        """Return the names of the fields that came with it."""
        names = ("note", "decision", "score", "location")
        return {name for name in names if getattr(self, name) not in (None, "")}


def raise_item(
    database: Database,
    boundaries: Boundaries,
    actor: Actor,
    item: NewItem,
    *,
    now: Callable[[], datetime],
    language: Language,
    keyed: KeyedRequest | None = None,
) -> Answer:
    """Raise a matter or a proposal 点事; it belongs to the area of its place.

    Raises
    ------
    gis.errors.PlaceMissing
        Neither a place in the city nor an area.
    gis.errors.AreaUnknown, gis.errors.OutsideScope
    """
    with database.transaction(actor) as work:
        answered = access.first_answer(work, keyed)
        if answered is not None:
            return answered
        snapshot = boundaries.snapshot(work)
        place = _place(item.location)
        code = _area(snapshot, place, item.area)
        if not actor.covers(code):
            raise OutsideScope(scope=actor.area_code, code=code)
        item_id = uuid.uuid4()
        values = {
            "id": item_id,
            "kind": item.kind,
            "title": item.title,
            "description": item.description,
            "status": "raised",
            "area_code": code,
            "path_codes": [area.code for area in snapshot.path(code)],
            "proposer": None if item.proposer is None else dict(item.proposer),
            "due_at": _due(work, "raised", now()),
            "created_by": actor.id,
        }
        store.add(work, values, place)
        store.add_entry(
            work, item_id, "raise", before=None, after={"status": "raised"}, note=item.title
        )
        made = _found(work, item_id)
        tell(work, made, "raise", {})
        body = _shown(work, made, language, now())
        return access.remember(work, keyed, status=201, body=body)


def act(
    database: Database,
    boundaries: Boundaries,
    actor: Actor,
    item_id: uuid.UUID,
    step: Step,
    *,
    now: Callable[[], datetime],
    language: Language,
    keyed: KeyedRequest | None = None,
) -> Answer:
    """Take an item one step on, by the table of its life.

    Raises
    ------
    gis.errors.DeliberationUnknown, gis.errors.VersionStale, gis.errors.ActionNotAllowed
    """
    with database.transaction(actor) as work:
        answered = access.first_answer(work, keyed)
        if answered is not None:
            return answered
        if step.action not in ACTIONS:
            raise ActionUnknown(action=step.action, known=", ".join(ACTIONS))
        item, instant = _found(work, item_id, lock=True), now()
        if step.version not in (None, item["version"]):
            raise VersionStale(given=step.version, current=item["version"])
        mine = relations(actor, item["created_by"])
        move = LIFE.step(item["status"], step.action, mine, step.given())
        after = move.after[0]
        place = _place(step.location)
        values = _changed(work, item, step, after, instant)
        if place is not None:
            values |= _moved(work, boundaries, place)
        store.change(work, item_id, values, place)
        told = {"status": after} | {
            key: values[key] for key in ("decision", "score", "area_code") if key in values
        }
        store.add_entry(
            work,
            item_id,
            step.action,
            before={"status": item["status"], "area_code": item["area_code"]},
            after=told,
            note=step.note,
        )
        found = _found(work, item_id)
        tell(work, found, step.action, {"before": item["status"]})
        body = _shown(work, found, language, now())
        return access.remember(work, keyed, status=200, body=body)


def _changed(
    work: UnitOfWork, item: Mapping[str, Any], step: Step, after: str, instant: datetime
) -> dict[str, Any]:
    """Return what a step writes beside the place."""
    values: dict[str, Any] = {"status": after}
    if after != item["status"]:
        values |= {"due_at": _due(work, after, instant), "reminded_at": None}
    if step.action in _STAMPS:
        values[_STAMPS[step.action]] = instant
    if step.action == "set_topic" and item["validated_at"] is None:
        values["validated_at"] = instant
    if step.decision is not None and step.action == "decide":
        values["decision"] = step.decision
    if step.action == "assess":
        values["score"] = step.score
    if STATES[after].final:
        values["closed_at"] = instant
    return values


def _moved(work: UnitOfWork, boundaries: Boundaries, place: tuple[float, float]) -> dict[str, Any]:
    snapshot = boundaries.snapshot(work)
    code = _area(snapshot, place, None)
    if not work.actor.covers(code):
        raise OutsideScope(scope=work.actor.area_code, code=code)
    return {"area_code": code, "path_codes": [area.code for area in snapshot.path(code)]}


def one(
    database: Database,
    actor: Actor,
    item_id: uuid.UUID,
    language: Language,
    *,
    now: Callable[[], datetime],
) -> dict[str, Any]:
    """Return one item with its history as sentences.

    Raises
    ------
    gis.errors.DeliberationUnknown
    """
    with database.reading(actor) as work:
        item = _found(work, item_id)
        answer = _shown(work, item, language, now())
        answer["log"] = [_told(entry, language) for entry in store.log_of(work, item_id)]
        return answer


def item_list(
    database: Database,
    actor: Actor,
    wanted: DeliberationFilter,
    *,
    after: tuple[datetime, uuid.UUID] | None,
    limit: int,
    language: Language,
    now: Callable[[], datetime],
) -> tuple[list[dict[str, Any]], bool]:
    """Return items of the actor's area, newest first, and whether more follow."""
    with database.reading(actor) as work:
        rows = store.listing(work, wanted, now(), after=after, limit=limit + 1)
        return [_shown(work, row, language, now()) for row in rows[:limit]], len(rows) > limit


def conversion(
    database: Database,
    boundaries: Boundaries,
    actor: Actor,
    *,
    kind: str,
    area: str | None,
    by: str,
    since: datetime | None,
    until: datetime | None,
) -> dict[str, Any]:
    """Return how many were received, valid, adopted and carried out, by area, with the shares.

    A share of nothing is null.

    Raises
    ------
    gis.errors.AreaUnknown
    """
    with database.reading(actor) as work:
        snapshot = boundaries.snapshot(work)
        within = area or actor.area_code
        if area is not None and area not in snapshot.areas:
            raise AreaUnknown(code=area)
        found = [
            one
            for one in snapshot.areas.values()
            if one.level == by
            and actor.covers(one.code)
            and (within is None or within in {above.code for above in snapshot.path(one.code)})
        ]
        codes = sorted(one.code for one in found)
        counted = store.counts(work, kind, codes, since=since, until=until)
    empty = dict.fromkeys(("received", "valid", "adopted", "carried_out", "assessed", "score"), 0)
    rows = [
        {"code": code, "name": snapshot.areas[code].name, **_rates(counted.get(code, empty))}
        for code in codes
    ]
    total = {key: sum(counted.get(code, empty)[key] for code in codes) for key in empty}
    return {"kind": kind, "by": by, "summary": _rates(total), "areas": rows}


def _rates(counts: Mapping[str, int]) -> dict[str, Any]:
    return {
        **{key: counts[key] for key in ("received", "valid", "adopted", "carried_out")},
        "valid_rate": ratio(counts["valid"], counts["received"]),
        "adoption_rate": ratio(counts["adopted"], counts["valid"]),
        "conversion_rate": ratio(counts["carried_out"], counts["adopted"]),
        "mean_score": ratio(counts["score"], counts["assessed"]),
    }


def _place(location: Location | None) -> tuple[float, float] | None:
    if location is None:
        return None
    lon, lat = point_to_wgs84(location.lon, location.lat, normalise(location.crs))
    return float(lon), float(lat)


def _area(snapshot: BoundarySnapshot, place: tuple[float, float] | None, named: str | None) -> str:
    """Return the area that an item belongs to: of its place, else the one named."""
    if place is not None:
        found = snapshot.finest_covering(*place)
        if found is not None:
            return found.code
        raise PlaceMissing
    if named is None:
        raise PlaceMissing
    if named not in snapshot.areas:
        raise AreaUnknown(code=named)
    return named


def _due(work: UnitOfWork, state: str, at: datetime) -> datetime | None:
    return limit_ends(state, at, ruler_of(work))


def _found(work: UnitOfWork, item_id: uuid.UUID, *, lock: bool = False) -> dict[str, Any]:
    item = store.by_id(work, item_id, lock=lock)
    scope = work.actor.area_code
    if item is None or (scope is not None and scope not in item["path_codes"]):
        raise DeliberationUnknown(id=str(item_id))
    if work.actor.role == "reporter" and item["created_by"] != work.actor.id:
        raise DeliberationUnknown(id=str(item_id))
    return item


def _shown(
    work: UnitOfWork, item: Mapping[str, Any], language: Language, now: datetime
) -> dict[str, Any]:
    side = 0 if language == "zh" else 1
    mine = relations(work.actor, item["created_by"])
    instants = ("due_at", "validated_at", "adopted_at", "carried_out_at", "created_at", "closed_at")
    answer = {
        "id": str(item["id"]),
        "number": item["number"],
        "kind": item["kind"],
        "kind_title": KINDS[item["kind"]][side],
        "title": item["title"],
        "description": item["description"],
        "status": item["status"],
        "status_title": STATES[item["status"]].title[side],
        "version": item["version"],
        "area": item["area_code"],
        "point": None if item["lon"] is None else {"lon": item["lon"], "lat": item["lat"]},
        "decision": item["decision"],
        "score": item["score"],
        **{key: None if item[key] is None else item[key].isoformat() for key in instants},
        "overdue": item["due_at"] is not None
        and item["closed_at"] is None
        and item["due_at"] <= now,
        "allowed_actions": list(LIFE.allowed(item["status"], mine)),
        "actions": [
            {
                "action": action,
                "title": ACTIONS[action].title[side],
                "needs": list(TRANSITIONS[item["status"], action].needs),
            }
            for action in LIFE.allowed(item["status"], mine)
        ],
    }
    if work.actor.role in ("dispatcher", "admin") or "proposer" in mine:
        answer["proposer"] = item["proposer"]
    return answer


def _told(entry: Mapping[str, Any], language: Language) -> dict[str, Any]:
    side = 0 if language == "zh" else 1
    role = ROLES.get(entry["actor_role"], (entry["actor_role"],) * 2)[side]
    titles = {"raise": ("点事", "raise"), "remind": ("提醒", "reminds")}
    titles |= {key: one.title for key, one in ACTIONS.items()}
    if entry["action"] == "remind":
        stage = STATES[entry["after"]["status"]].title[side]
        due = datetime.fromisoformat(entry["after"]["due_at"]).astimezone(SHANGHAI)
        text = (
            f"系统提醒：“{stage}”已超过时限（{due:%Y-%m-%d %H:%M}）"
            if side == 0
            else f"Gridward reminds: it {stage} and should have gone on by {due:%Y-%m-%d %H:%M}"
        )
        return _entry(entry, text, side)
    said = entry["note"] or entry["after"].get("decision") or entry["after"].get("score") or ""
    title = titles[entry["action"]][side]
    text = f"{role}{title}：{said}" if side == 0 else f"{role}: {title}: {said}"
    return _entry(entry, text, side)


def _entry(entry: Mapping[str, Any], text: str, side: int) -> dict[str, Any]:
    return {
        "at": entry["at"].isoformat(),
        "actor_role": entry["actor_role"],
        "action": entry["action"],
        "before": entry["before"],
        "after": entry["after"],
        "note": entry["note"],
        "text": text.rstrip("：:。. ") + ("。" if side == 0 else "."),
    }
