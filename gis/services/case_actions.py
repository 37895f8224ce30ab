"""What each action does to a case beside moving its state: one small function each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from gis.errors import (
    CategoryUnknown,
    EventCategoryInvalid,
    EventUnknown,
    ExtensionRefused,
    OutsideScope,
    SuspensionInvalid,
    TargetInvalid,
)
from gis.geometry.crs import normalise, point_to_wgs84
from gis.governance.actors import ROLES
from gis.governance.calendar import UNITS, check_limit
from gis.governance.categories import Limit
from gis.governance.duty import Assignment, Unrouted
from gis.governance.life import Transition
from gis.governance.work_orders import GROUNDS, ground_of, next_state
from gis.services import case_map, duplicates, rulings
from gis.services.case_file import CaseFile, level_above
from gis.services.case_lessons import teach, teach_by_ruling
from gis.services.case_targets import above, give, in_grid, own_area, target
from gis.services.match_request import MatchRequest
from gis.services.matching import kept_reason, match
from gis.services.responsibility import responsible
from gis.store import categories, duty, events
from gis.store import orders as store
from gis.store.unit_of_work import UnitOfWork

if TYPE_CHECKING:
    from gis.services.dispatch import Command


@dataclass(slots=True)
class Done:
    """What an effect leaves to the one who carries the action out.

    ``state`` when it is not the table's first; ``starts`` when other clocks begin than the table
    says; ``more`` goes into the log; ``extend`` runs after the clocks moved; ``then`` are the
    fields of the action that follows from it at once, by the same actor.
    """

    state: str | None = None
    event_values: dict[str, Any] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    starts: Sequence[str] | None = None
    extend: Callable[[], None] | None = None
    then: Mapping[str, Any] | None = None


def nothing(_case: CaseFile, _command: Command, _step: Transition, _threshold: float) -> Done:
    """Do nothing beside what the table says."""
    return Done()


# --- to whom ------------------------------------------------------------------------------------


def dispatch(case: CaseFile, command: Command, _step: Transition, _threshold: float) -> Done:
    """Send a case to whom the command names, else to whoever answers for its place."""
    chosen = target(case, command.to)
    values = give(case, chosen, command.to)
    return Done(event_values=values, more={"reason": chosen.reason.to_json()})


def transfer(case: CaseFile, command: Command, _step: Transition, _threshold: float) -> Done:
    """Send it to somebody else than who has it."""
    holder = {(case.order or {}).get("assignee_id", 0)}
    chosen = target(case, command.to, exclude=holder)
    values = give(case, chosen, command.to)
    return Done(event_values=values, more={"reason": chosen.reason.to_json()})


# --- where it is, what it is --------------------------------------------------------------------


def confirm_grid(case: CaseFile, command: Command, step: Transition, _threshold: float) -> Done:
    """Take a dispatcher's word for the grid, and send the case to whoever answers for it."""
    grid = str(command.grid)
    area = case.in_force.snapshot.areas.get(grid)
    if area is None or area.level != "grid":
        raise TargetInvalid(
            target=grid,
            reason_zh="现行边界中没有这个网格。",
            reason_en="no such grid stands today.",
        )
    if not case.work.actor.covers(grid):
        raise OutsideScope(scope=case.work.actor.area_code, code=grid)
    teach(case, grid)
    values = in_grid(case, grid)
    chosen = responsible(
        case.work, case.in_force.snapshot, grid, case.category, case.now, place=case.place
    )
    return _sent(
        case, chosen, values, grid, fallback="unrouted" if "unrouted" in step.after else ""
    )


def move(case: CaseFile, command: Command, _step: Transition, threshold: float) -> Done:
    """Match the case anew at the place where it really is."""
    location = command.location
    assert location is not None  # noqa: S101 - the table needs it
    request = MatchRequest(
        location=location,
        category=case.event["category"],
        at=case.event["reported_at"],
        source=case.event["source"],
    )
    matched = match(
        case.in_force.snapshot,
        request,
        threshold=threshold,
        exceptions=case.in_force.exceptions,
        at=case.now,
    )
    values: dict[str, Any] = {
        "raw_location": location.to_json(),
        "accuracy_m": location.accuracy_m,
        "match": matched.to_json(),
        "boundary_revision": case.in_force.snapshot.revision,
        "grid_code": matched.grid_code,
        "point": matched.point,
    }
    if matched.code is not None:
        path = [area.code for area in case.in_force.snapshot.path(matched.code)]
        values["path_codes"] = list(dict.fromkeys((*case.event["path_codes"], *path)))
    if matched.point is not None:
        case.event |= {"lon": matched.point[0], "lat": matched.point[1]}
    chosen: Assignment | Unrouted = Unrouted(matched.decision.reasons[-1])
    if matched.decision.decision == "auto":
        chosen = responsible(
            case.work,
            case.in_force.snapshot,
            matched.code,
            case.category,
            case.now,
            unit_code=matched.unit_code,
            place=matched.point,
        )
    fallback = "unrouted" if matched.decision.decision == "auto" else matched.decision.decision
    return _sent(case, chosen, values, matched.code, fallback=fallback)


def recategorise(case: CaseFile, command: Command, _step: Transition, _threshold: float) -> Done:
    """Change the category; who answers and how long it may take follow from it."""
    key = str(command.category)
    try:
        case.category = categories.by_key(case.work, key)
    except CategoryUnknown as error:
        raise EventCategoryInvalid(category=key) from error
    more = {"category": key, "category_before": case.event["category"]}
    values: dict[str, Any] = {"category": key}
    code = own_area(case)
    if code is None or (case.order is None and not case.category.auto_dispatch):
        done = Done(case.state, values, more, starts=("register",))
        if case.state == "registered":
            done.starts = ("redispatch",)
        return done
    chosen = responsible(
        case.work, case.in_force.snapshot, code, case.category, case.now, place=case.place
    )
    sent = _sent(case, chosen, values, code, fallback="unrouted")
    sent.more = {**sent.more, **more}
    return sent


def _sent(
    case: CaseFile,
    chosen: Assignment | Unrouted,
    values: dict[str, Any],
    code: str | None,
    *,
    fallback: str,
) -> Done:
    """Give the case to the one found; else it waits, visibly, with the reason."""
    more = {"reason": chosen.reason.to_json()}
    if isinstance(chosen, Assignment):
        case.assign(chosen.member, chosen.level, code)
        return Done("dispatched", values, more)
    if case.order is not None:
        return Done("returned", values, more, starts=("redispatch",))
    told = dict(values.get("match") or case.event["match"])
    told["reasons"] = [*told["reasons"], kept_reason(chosen.reason)]
    return Done(fallback or case.state, values | {"match": told}, more, starts=("register",))


def mark_duplicate(case: CaseFile, command: Command, _step: Transition, _threshold: float) -> Done:
    """Join a case to the first report of the same thing; what was joined to it follows."""
    named = str(command.of)
    found = events.by_name(case.work, named)
    if found is None:
        raise EventUnknown(id=named)
    joined = duplicates.join(case.work, case.event["id"], found["id"])
    return Done(
        event_values={"duplicate_of": joined.root_id},
        more={"of": joined.root_number, "followed": list(joined.moved)},
    )


# --- in hand ------------------------------------------------------------------------------------


def send_back(case: CaseFile, command: Command, _step: Transition, _threshold: float) -> Done:
    """Send a case back with a ground; the map's word is kept with it."""
    ground = ground_of(str(command.ground))
    rulings.refuse_if_ruled(case, ground)
    assert case.order is not None  # noqa: S101 - only orders are sent back
    state = next_state("send_back", case.state, ground, [row["ground"] for row in case.returns])
    proof = case_map.evidence(case.work, case.in_force.snapshot, case.event)
    number = store.add_return(
        case.work,
        {
            "event_id": case.event["id"],
            "work_order_code": case.order["code"],
            "assignee_id": case.order["assignee_id"],
            "area_code": case.order["area_code"],
            "ground": ground,
            "note": command.note,
            "evidence": proof,
        },
    )
    case.order["returns"] += 1
    title = GROUNDS[ground].title
    more = {
        "ground": ground,
        "ground_zh": title[0],
        "ground_en": title[1],
        "return": number,
        "rule": proof["rule"],
    }
    return Done(state, more=more, starts=("rule",) if state == "ruling" else None)


def rule(case: CaseFile, command: Command, _step: Transition, _threshold: float) -> Done:
    """Rule who answers, for this case and for every later one like it."""
    chosen = target(case, command.to)
    teach_by_ruling(case, command.to or {})
    values = give(case, chosen, command.to)
    kept = rulings.keep(case, command, chosen)
    return Done(event_values=values, more={"reason": chosen.reason.to_json(), "ruling": kept})


def escalate(case: CaseFile, _command: Command, step: Transition, _threshold: float) -> Done:
    """Hand it to the level above; a return that is escalated waits there for a ruling."""
    if step.after == ("ruling",):
        return Done()
    chosen = above(case)
    if chosen is None:
        raise TargetInvalid(
            target="上级",
            reason_zh="上级没有在岗值守人员。",
            reason_en="nobody is on duty at the levels above.",
        )
    _lift(case, chosen)
    return Done(more={"reason": chosen.reason.to_json()})


def escalate_overdue(
    case: CaseFile, _command: Command, _step: Transition, _threshold: float
) -> Done:
    """Move an overdue case up; where nobody is above it stays in hand, one level higher."""
    assert case.order is not None  # noqa: S101 - only orders escalate
    chosen = above(case)
    if chosen is not None:
        _lift(case, chosen)
        return Done(more={"reason": chosen.reason.to_json()})
    case.order["level"] = level_above(case.order["level"]) or case.order["level"]
    case.order["escalations"] += 1
    return Done()


def _lift(case: CaseFile, chosen: Assignment) -> None:
    assert case.order is not None  # noqa: S101 - only orders escalate
    count = case.order["escalations"] + 1
    case.assign(chosen.member, chosen.level, own_area(case))
    case.order["escalations"] = count


def extend(case: CaseFile, command: Command, _step: Transition, _threshold: float) -> Done:
    """Grant more time for handling; a second time only the level above may."""
    assert case.order is not None  # noqa: S101 - only orders are extended
    check_limit(float(command.amount or 0), str(command.unit))
    extra = Limit(float(command.amount or 0), str(command.unit))  # type: ignore[arg-type]
    if case.order["extensions"] and "superior" not in case.relations():
        raise ExtensionRefused(
            reason_zh="第二次延期须由上一级调度员批准",
            reason_en="a second one is for a dispatcher of the level above",
        )
    clock = case.clocks.extend("handle", extra)
    if clock is None:
        raise ExtensionRefused(reason_zh="没有在计的处置时限", reason_en="no limit is running")
    case.order["extensions"] += 1
    return Done(
        more={
            "amount": extra.amount,
            "unit": extra.unit,
            "unit_zh": UNITS[extra.unit][0],
            "due_at": None if clock.due_at is None else clock.due_at.isoformat(),
        }
    )


def suspend(case: CaseFile, command: Command, _step: Transition, _threshold: float) -> Done:
    """Shelve it until a day on which somebody looks again; the clock stands still."""
    if command.until is None or command.until <= case.now:
        raise SuspensionInvalid(until=None if command.until is None else command.until.isoformat())
    return Done(more={"until": command.until.isoformat()})


def resolve(case: CaseFile, _command: Command, _step: Transition, _threshold: float) -> Done:
    """Remember who handled it: they will not be the one who checks."""
    assert case.order is not None  # noqa: S101 - only orders are handled
    case.order["handler_id"] = case.work.actor.id
    case.order["handler_person_id"] = case.order["assignee_id"]
    return Done()


def rework(case: CaseFile, _command: Command, _step: Transition, _threshold: float) -> Done:
    """Count that the work was not good enough."""
    assert case.order is not None  # noqa: S101 - only orders are handled
    case.order["reworks"] += 1
    return Done(more={"reworks": case.order["reworks"]})


def follow_up(case: CaseFile, command: Command, _step: Transition, _threshold: float) -> Done:
    """Keep what the reporter says about it; one who is not satisfied gets another round."""
    assert case.order is not None  # noqa: S101 - only orders are followed up
    case.order["satisfied"] = command.satisfied
    said = f"：{command.note}" if command.note else ""
    again = {"action": "reopen", "note": f"回访不满意{said}"}
    return Done(more={"satisfied": command.satisfied}, then=None if command.satisfied else again)


def reopen(case: CaseFile, command: Command, _step: Transition, _threshold: float) -> Done:
    """Begin a new round of the same case: with whoever answers for it now."""
    if case.state == "rejected":
        waits = "registered" if case.order is None else "returned"
        return Done(waits, starts=("redispatch",))
    assert case.order is not None  # noqa: S101 - it was closed
    case.order["round"] += 1
    case.order["closed_at"] = None
    try:
        chosen = target(case, command.to)
    except TargetInvalid:
        if command.to:
            raise
        return Done(more={"round": case.order["round"]})  # it stays with who had it
    values = give(case, chosen, command.to)
    return Done(
        event_values=values,
        more={"round": case.order["round"], "reason": chosen.reason.to_json()},
    )


def supervise(case: CaseFile, _command: Command, _step: Transition, _threshold: float) -> Done:
    """Put a case under supervision; it stays in hand where it is."""
    if case.order is not None:
        case.order["supervised_at"] = case.now
    return Done()


EFFECTS: Final[Mapping[str, Callable[[CaseFile, Command, Transition, float], Done]]] = {
    "dispatch": dispatch,
    "transfer": transfer,
    "confirm_grid": confirm_grid,
    "move": move,
    "recategorise": recategorise,
    "mark_duplicate": mark_duplicate,
    "send_back": send_back,
    "rule": rule,
    "escalate": escalate,
    "escalate_overdue": escalate_overdue,
    "extend": extend,
    "suspend": suspend,
    "resolve": resolve,
    "rework": rework,
    "follow_up": follow_up,
    "reopen": reopen,
    "supervise": supervise,
}
"""Action -> what it does beside moving the state; the others do nothing beside that."""


def by_whom(work: UnitOfWork) -> dict[str, Any]:
    """Return who acts, for the log: the person where one is known, else the role."""
    actor = work.actor
    if actor.person_id is not None:
        found = duty.person_by_id(work, actor.person_id)
        if found is not None:
            return {"by": found["name"]}
    if actor.id == "system":
        return {"by": "系统", "by_en": "Gridward"}
    titles = ROLES.get(actor.role, (actor.role, actor.role))
    return {"by": titles[0], "by_en": titles[1]}


def standing(command: Command) -> tuple[float, float] | None:
    """Return where the actor stands, in WGS84."""
    place = command.place
    if place is None:
        return None
    lon, lat = point_to_wgs84(place.lon, place.lat, normalise(place.crs))
    return float(lon), float(lat)
