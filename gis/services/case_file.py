"""A case as the transaction that changes it holds it: locked, read once, written once."""

from __future__ import annotations

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Self

from gis.errors import CategoryUnknown, EventUnknown, WorkOrderUnknown
from gis.governance.actors import Actor
from gis.governance.areas import COARSE_TO_FINE
from gis.governance.categories import Category
from gis.governance.duty import TeamMember
from gis.governance.life import Transition
from gis.governance.work_orders import STATES, Holder, relations
from gis.services.case_clocks import CaseClocks
from gis.services.city_time import ruler_of
from gis.services.lookup import Boundaries, InForce
from gis.store import categories, events
from gis.store import orders as store
from gis.store.unit_of_work import UnitOfWork


@dataclass(slots=True)
class CaseFile:
    """An event, its current work order if it has one, and its clocks, locked for this action."""

    work: UnitOfWork
    in_force: InForce
    now: datetime
    event: dict[str, Any]
    order: dict[str, Any] | None
    clocks: CaseClocks
    category: Category | None
    returns: Sequence[Mapping[str, Any]] = field(default_factory=list)

    @classmethod
    def open(
        cls, work: UnitOfWork, boundaries: Boundaries, event_id: uuid.UUID, now: datetime
    ) -> Self:
        """Lock and read a case; it must lie in the scope of the unit of work's actor.

        Raises
        ------
        gis.errors.EventUnknown
            There is none, or it lies elsewhere.
        """
        if not store.lock_case(work, event_id):
            raise EventUnknown(id=str(event_id))
        found = events.by_id(work, event_id)
        order = store.current_order(work, event_id)
        if found is None or not in_scope(work.actor, event := dict(found), order):
            raise EventUnknown(id=str(event_id))
        return cls(
            work=work,
            in_force=boundaries.in_force(work),
            now=now,
            event=event,
            order=order,
            clocks=CaseClocks(work, event_id, now, ruler_of(work)),
            category=category_of(work, event["category"]),
            returns=store.returns_of(work, event_id),
        )

    @property
    def state(self) -> str:
        """Return where the case stands."""
        state: str = self.event["status"] if self.order is None else self.order["status"]
        return state

    @property
    def path(self) -> dict[str, str]:
        """Return level -> code of the areas that the case lies in."""
        codes = self.event["path_codes"] or (self.order or {}).get("path_codes") or []
        known = self.in_force.snapshot.areas
        return {known[code].level: code for code in codes if code in known}

    @property
    def place(self) -> tuple[float, float] | None:
        """Return the position, EPSG:4326."""
        return None if self.event["lon"] is None else (self.event["lon"], self.event["lat"])

    @property
    def holder(self) -> Holder:
        """Return what relations depend on."""
        order = self.order or {}
        return Holder(
            order.get("area_code"),
            order.get("assignee_id"),
            order.get("handler_id"),
            order.get("handler_person_id"),
            self.ruling_area,
        )

    @property
    def ruling_area(self) -> str | None:
        """Return the area whose dispatcher may rule: one level above the one that has it."""
        level = "community" if self.order is None else self.order["level"]
        above = level_above(level)
        return self.path.get(above) if above else None

    def relations(self) -> frozenset[str]:
        """Return what the actor is to the case."""
        return relations(self.work.actor, self.holder)

    def told(self) -> dict[str, Any]:
        """Return where the case stands and who has it, as the log keeps it."""
        if self.order is None:
            return {"status": self.state, "grid": self.event["grid_code"]}
        order = self.order
        return {
            "status": order["status"],
            "level": order["level"],
            "area": order["area_code"],
            "assignee": order["assignee_name"],
            "assignee_id": order["assignee_id"],
            "role": order["assignee_role"],
            "unit": order["unit_code"],
            "unit_name": order["unit_name"],
            "due_at": None if order["due_at"] is None else order["due_at"].isoformat(),
        }

    def assign(self, member: TeamMember, level: str, grid: str | None = None) -> None:
        """Give the case to a person: a first order, or a change of the one there is."""
        path = [area.code for area in self.in_force.snapshot.path(grid or member.area_code)]
        path = path or list(self.event["path_codes"])
        values: dict[str, Any] = {
            "level": level,
            "area_code": member.area_code,
            "unit_code": member.unit_code,
            "assignee_id": member.person_id,
            "assignee_role": member.role,
            "path_codes": path,
        }
        if self.order is None:
            code = store.create_order(
                self.work,
                self.event["id"],
                {**values, "version": 0, "status": "dispatched", "dispatched_at": self.clocks.now},
            )
            self.order = store.current_order(self.work, self.event["id"]) or {}
            assert self.order["code"] == code  # noqa: S101 - just written
        else:
            self.order |= values | {
                "assignee_name": member.person_name,
                "unit_name": member.unit_name,
            }

    def write(self, state: str, event_values: Mapping[str, Any] | None = None) -> None:
        """Write state, order and event; the clocks wrote themselves."""
        handle = self.clocks.running("handle")
        final = STATES[state].final
        changed = dict(event_values or {})
        if self.order is not None:
            if handle is not None:
                self.order["due_at"] = handle.due_at
            closed = (self.order["closed_at"] or self.clocks.now) if final else None
            self.order |= {"status": state, "closed_at": closed}
            keep = (
                "status", "level", "area_code", "unit_code", "assignee_id", "assignee_role",
                "path_codes", "due_at", "closed_at", "round", "handler_id", "handler_person_id",
                "returns", "reworks", "extensions", "escalations", "supervised_at", "satisfied",
            )  # fmt: skip
            self.order["version"] = store.change_order(
                self.work, self.order["code"], {key: self.order[key] for key in keep}
            )
            # whoever saw the case goes on seeing it, and so does the new unit
            seen = list(dict.fromkeys((*self.event["path_codes"], *self.order["path_codes"])))
            changed.setdefault("path_codes", seen)
        changed["status"] = state
        self.event |= changed
        geometry = changed.pop("point", None)
        if geometry is not None:
            changed["geometry"] = store.point(*geometry)
        store.change_event(self.work, self.event["id"], self.event["received_at"], changed)

    def log(
        self,
        action: str,
        before: Mapping[str, Any],
        *,
        note: str | None = None,
        more: Mapping[str, Any] | None = None,
        place: tuple[float, float] | None = None,
    ) -> int:
        """Write what happened, before and after, and tell the listeners."""
        after = self.told() | dict(more or {})
        code = None if self.order is None else self.order["code"]
        number = store.add_log(
            self.work,
            self.event["id"],
            action,
            order=code,
            before=before,
            after=after,
            note=note,
            place=place or self.place,
            revision=self.in_force.snapshot.revision,
        )
        body = {
            "event": str(self.event["id"]),
            "number": self.event["number"],
            "category": self.event["category"],
            "action": action,
            "log": number,
            "before": dict(before),
            "after": after,
            "boundary_revision": self.in_force.snapshot.revision,
        }
        path = list(self.event["path_codes"])
        if self.order is not None:  # whoever has it in hand hears of it, also from elsewhere
            theirs = self.in_force.snapshot.path(self.order["area_code"])
            path += [area.code for area in theirs if area.code not in path]
        if code is None:
            store.add_message(
                self.work,
                "event.changed",
                str(self.event["id"]),
                path,
                {"id": body["event"], **body},
            )
        else:
            version = (self.order or {}).get("version")
            store.add_message(
                self.work,
                "work_order.changed",
                code,
                path,
                {"code": code, "version": version, **body},
            )
        return number

    def tick(
        self,
        step: Transition,
        action: str,
        *,
        until: datetime | None = None,
        starts: Sequence[str] | None = None,
    ) -> None:
        """Let the clocks do what a transition names."""
        self.clocks.apply(
            step,
            action,
            order=None if self.order is None else self.order["code"],
            round_=1 if self.order is None else self.order["round"],
            category=self.category,
            until=until,
            starts=starts,
        )


def in_scope(actor: Actor, event: Mapping[str, Any], order: Mapping[str, Any] | None) -> bool:
    """Tell whether a case lies in the actor's area, or in hand; one without a place is for all."""
    codes = [*event["path_codes"], *(() if order is None else order["path_codes"])]
    return actor.sees(codes, None if order is None else order["assignee_id"]) or not codes


def category_of(work: UnitOfWork, key: str | None) -> Category | None:
    """Return a category, also one that was switched off since."""
    try:
        return None if key is None else categories.by_key(work, key)
    except CategoryUnknown:
        return None


def level_above(level: str) -> str | None:
    """Return the next coarser level, None above the city.

    >>> level_above("grid"), level_above("city")
    ('community', None)
    """
    place = COARSE_TO_FINE.index(level)
    return COARSE_TO_FINE[place - 1] if place else None


def event_of(work: UnitOfWork, code: str) -> uuid.UUID:
    """Return the event of a work order.

    Raises
    ------
    gis.errors.WorkOrderUnknown
    """
    found = store.event_of_order(work, code)
    if found is None:
        raise WorkOrderUnknown(code=code)
    return found
