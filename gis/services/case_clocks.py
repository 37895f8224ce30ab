"""Clocks of a case: rows of the database on one side, values that compute on the other."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, Final

from gis.governance import clocks as pure
from gis.governance.categories import Category, Limit
from gis.governance.clocks import STANDARD, Clock, Ruler
from gis.governance.life import Transition
from gis.governance.work_orders import DEFAULT_LIMITS, STAGES
from gis.store import orders as store
from gis.store.unit_of_work import UnitOfWork

_KEPT: Final = (
    "due_at", "warn_at", "warned", "overdue", "supervised", "escalations", "escalate_at",
    "extensions", "paused_at",
)  # fmt: skip


def limit_of(category: Category | None, stage: str) -> Limit:
    """Return the limit of a stage: the category's, else the default."""
    found = None if category is None else category.deadlines.get(stage)
    return found or DEFAULT_LIMITS[stage]


def from_row(row: Mapping[str, Any]) -> Clock:
    """Return the clock of a row."""
    return Clock(
        row["stage"],
        row["started_at"],
        Limit(row["amount"], row["unit"]),
        **{name: row[name] for name in _KEPT},
    )


def as_values(clock: Clock) -> dict[str, Any]:
    """Return what the database keeps of a clock that changes."""
    return {name: getattr(clock, name) for name in _KEPT} | {"next_at": clock.next_at}


def first_clocks(
    category: Category | None, stages: Iterable[str], at: datetime, ruler: Ruler = STANDARD
) -> list[dict[str, Any]]:
    """Return the clocks of a new case as JSON, for the statement that writes it."""
    made = []
    for stage in stages:
        clock = pure.begin(stage, limit_of(category, stage), at, ruler)
        made.append(
            {
                "stage": stage,
                "started_at": at.isoformat(),
                "amount": clock.limit.amount,
                "unit": clock.limit.unit,
                "due_at": None if clock.due_at is None else clock.due_at.isoformat(),
                "warn_at": None if clock.warn_at is None else clock.warn_at.isoformat(),
                "next_at": None if clock.next_at is None else clock.next_at.isoformat(),
            }
        )
    return made


class CaseClocks:
    """The running clocks of one case that the transaction has locked."""

    def __init__(
        self,
        work: UnitOfWork,
        event_id: uuid.UUID,
        now: datetime,
        ruler: Ruler = STANDARD,
    ) -> None:
        self._work = work
        self._event_id = event_id
        every = store.clocks_of(work, [event_id])
        self._rows = {row["stage"]: row for row in every if row["stopped_at"] is None}
        self.ruler = ruler
        # a computer's clock that was set back must not let a stage begin or end before the last one
        self.now = max([now, *(row["stopped_at"] or row["started_at"] for row in every)])

    def running(self, stage: str) -> Clock | None:
        """Return the running clock of a stage."""
        row = self._rows.get(stage)
        return None if row is None else from_row(row)

    @property
    def stages(self) -> tuple[str, ...]:
        """Return the stages that run, in the order of the life."""
        return tuple(stage for stage in STAGES if stage in self._rows)

    def apply(
        self,
        step: Transition,
        action: str,
        *,
        order: str | None,
        round_: int,
        category: Category | None,
        until: datetime | None = None,
        starts: Iterable[str] | None = None,
    ) -> None:
        """Stop, start, pause and resume what a transition names. ``starts`` overrides its list."""
        for stage in step.stops:
            self.stop(stage, action)
        for stage in step.pauses:
            self._change(stage, lambda clock: pure.paused(clock, self.now))
        for stage in step.resumes:
            self._change(stage, lambda clock: pure.resumed(clock, self.now, self.ruler))
        for stage in step.starts if starts is None else starts:
            if stage in self._rows:
                continue
            if stage == "suspension" and until is not None:
                clock = pure.begin_until(stage, self.now, max(until, self.now))
            else:
                clock = pure.begin(stage, limit_of(category, stage), self.now, self.ruler)
            self._start(clock, order, round_)

    def extend(self, stage: str, extra: Limit) -> Clock | None:
        """Grant more time on a stage; None when it does not run."""
        self._change(stage, lambda clock: pure.extended(clock, extra, self.now, self.ruler))
        return self.running(stage)

    def stop(self, stage: str, action: str) -> None:
        """End a stage; nothing when it does not run."""
        row = self._rows.pop(stage, None)
        if row is not None:
            store.change_clock(
                self._work,
                row["id"],
                {"stopped_at": self.now, "stopped_by": action, "next_at": None},
            )

    def save(self, stage: str, clock: Clock) -> None:
        """Keep a clock that fired."""
        store.change_clock(self._work, self._rows[stage]["id"], as_values(clock))
        self._rows[stage] = {**self._rows[stage], **as_values(clock)}

    def _change(self, stage: str, change: Any) -> None:  # noqa: ANN401 - a function of a clock
        clock = self.running(stage)
        if clock is not None:
            self.save(stage, change(clock))

    def _start(self, clock: Clock, order: str | None, round_: int) -> None:
        store.start_clock(
            self._work,
            {
                "event_id": self._event_id,
                "work_order_code": order,
                "stage": clock.stage,
                "round": round_,
                "amount": clock.limit.amount,
                "unit": clock.limit.unit,
                "started_at": clock.started_at,
                **as_values(clock),
            },
        )
        self._rows = store.running_clocks(self._work, self._event_id)
