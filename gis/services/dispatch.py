"""What people do with a case 案件处置: one action, one transaction, by the one table of its life.

:data:`gis.governance.work_orders.TRANSITIONS` says what is possible and for whom; here stands what
each action does beside moving the state. Locks: the case's row in ``event_registry``, so that two
actions on one case take turns, and nothing else.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from gis.errors import ActionUnknown, Language, VersionStale, WorkOrderUnknown
from gis.governance.actors import Actor
from gis.governance.work_orders import ACTIONS, LIFE
from gis.services import case_actions, case_view, photo_rows
from gis.services.case_file import CaseFile, event_of, in_scope
from gis.services.lookup import Boundaries
from gis.services.match_request import Location
from gis.services.photos import Photo
from gis.store import access, events
from gis.store import orders as store
from gis.store.access import Answer, KeyedRequest
from gis.store.unit_of_work import Database, UnitOfWork


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """An action as it was asked for; None is absent.

    ``version`` is what the caller saw; ``to`` names whom a case goes to: ``person``, ``unit``,
    ``grid`` or ``area``. ``place`` is where the actor stands, for the log; ``attachments`` are
    photos of the case that show what was done, ``photos`` new ones that came with the action.
    """

    action: str
    version: int | None = None
    note: str | None = None
    ground: str | None = None
    to: Mapping[str, str] | None = None
    amount: float | None = None
    unit: str | None = None
    until: datetime | None = None
    satisfied: bool | None = None
    grid: str | None = None
    of: str | None = None
    location: Location | None = None
    category: str | None = None
    place: Location | None = None
    radius_m: float | None = None
    attachments: Sequence[uuid.UUID] = ()
    photos: Sequence[Photo] = ()

    def given(self) -> set[str]:
        """Return the names of the fields that came with it."""
        names = (
            "note", "ground", "to", "amount", "unit", "until", "satisfied", "grid", "of",
            "location", "category",
        )  # fmt: skip
        return {name for name in names if getattr(self, name) not in (None, "", {})}


def act_on_order(
    database: Database,
    boundaries: Boundaries,
    actor: Actor,
    code: str,
    command: Command,
    *,
    now: Callable[[], datetime],
    auto_threshold: float,
    language: Language = "zh",
    keyed: KeyedRequest | None = None,
) -> Answer:
    """Carry out an action on a work order; answer with the order as it stands then.

    Raises
    ------
    gis.errors.WorkOrderUnknown
        There is none, or it lies outside the actor's area.
    gis.errors.VersionStale, gis.errors.ActionNotAllowed, gis.errors.ActionNotYours
        The order changed meanwhile; its state, or the actor's part in it, does not allow it.
    gis.errors.Rejected
        Something that the action needs is missing or wrong; nothing is written.
    """
    with database.transaction(actor) as work:
        answered = access.first_answer(work, keyed)
        if answered is not None:
            return answered
        event_id = event_of(work, code)
        store.lock_case(work, event_id)
        _require_scope(work, event_id, code)
        case = CaseFile.open(work, boundaries, event_id, now())
        order = case.order or {}
        if order.get("code") != code:  # an earlier order of the case: it is closed for good
            raise WorkOrderUnknown(code=code)
        _check_version(command, order["version"])
        act(case, command, auto_threshold=auto_threshold)
        return access.remember(
            work, keyed, status=200, body=case_view.order(work, code, now(), language)
        )


def act_on_event(
    database: Database,
    boundaries: Boundaries,
    actor: Actor,
    event_id: uuid.UUID,
    command: Command,
    *,
    now: Callable[[], datetime],
    auto_threshold: float,
    language: Language = "zh",
    keyed: KeyedRequest | None = None,
) -> Answer:
    """Carry out an action on an event; answer with the event as it stands then.

    Raises as :func:`act_on_order` does, :class:`~gis.errors.EventUnknown` for the unknown.
    """
    from gis.services import cases  # noqa: PLC0415 - reading cases shows what actions allow

    with database.transaction(actor) as work:
        answered = access.first_answer(work, keyed)
        if answered is not None:
            return answered
        case = CaseFile.open(work, boundaries, event_id, now())
        _check_version(command, case.event["version"])
        act(case, command, auto_threshold=auto_threshold)
        return access.remember(work, keyed, status=200, body=cases.view(work, event_id, language))


def act(case: CaseFile, command: Command, *, auto_threshold: float = 0.95) -> None:
    """Carry out an action on a case that the transaction holds.

    Raises
    ------
    gis.errors.ActionUnknown
        No such action exists. Else as :func:`act_on_order`.
    """
    if command.action not in ACTIONS:
        raise ActionUnknown(action=command.action, known=", ".join(ACTIONS))
    state, before = case.state, case.told()
    step = LIFE.step(state, command.action, case.relations(), command.given())
    effect = case_actions.EFFECTS.get(command.action, case_actions.nothing)
    done = effect(case, command, step, auto_threshold)
    shown = photo_rows.proof(case.work, case.event["id"], command.attachments, command.photos)
    after = done.state or step.after[0]
    if after not in step.after:
        message = f"({state}, {command.action}) led to {after}, the table says {step.after}"
        raise ValueError(message)
    case.tick(step, command.action, until=command.until, starts=done.starts)
    if done.extend is not None:
        done.extend()
    case.write(after, done.event_values)
    number = case.log(
        command.action,
        before,
        note=command.note,
        more=case_actions.by_whom(case.work) | dict(done.more) | shown.told(),
        place=case_actions.standing(command),
    )
    shown.write(case.work, case.event["id"], number)
    if done.then is not None:
        act(case, Command(**done.then), auto_threshold=auto_threshold)


def _check_version(command: Command, current: int) -> None:
    if command.version is not None and command.version != current:
        raise VersionStale(given=command.version, current=current)


def _require_scope(work: UnitOfWork, event_id: uuid.UUID, code: str) -> None:
    event, order = events.by_id(work, event_id), store.current_order(work, event_id)
    if event is None or not in_scope(work.actor, dict(event), order):
        raise WorkOrderUnknown(code=code)
