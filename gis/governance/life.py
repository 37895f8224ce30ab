"""Life cycles 流程 as tables: (state, action) -> what follows, who may, what it needs.

The engine knows no trade: work orders (:mod:`gis.governance.work_orders`) and deliberation items
(:mod:`gis.governance.deliberation`) are two tables for it. A pair that is not in the table is
refused with the list of those that are.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from gis.errors import ActionNotAllowed, ActionNotYours, ActorIsHandler, FieldMissing

Title = tuple[str, str]
"""(title_zh, title_en)."""


@dataclass(frozen=True, slots=True)
class State:
    """A state; a final one ends the round: nobody has it in hand any more."""

    title: Title
    final: bool = False


@dataclass(frozen=True, slots=True)
class Action:
    """An action, by its titles."""

    title: Title


@dataclass(frozen=True, slots=True, kw_only=True)
class Transition:
    """One entry of the table.

    Parameters
    ----------
    after
        The state that follows; several where it depends on the facts (the first is the usual).
    who
        Relations of which the actor needs one.
    not_by
        Relations that bar the actor, such as ``handler`` from checking their own work.
    needs
        Fields that the action must bring.
    stops, starts, pauses, resumes
        Stages whose clocks it stops first, then starts, pauses or resumes.
    """

    after: tuple[str, ...]
    who: tuple[str, ...]
    not_by: tuple[str, ...] = ()
    needs: tuple[str, ...] = ()
    stops: tuple[str, ...] = ()
    starts: tuple[str, ...] = ()
    pauses: tuple[str, ...] = ()
    resumes: tuple[str, ...] = ()


@dataclass(frozen=True)
class LifeCycle:
    """States, actions, and the one table of what is possible."""

    name: str
    states: Mapping[str, State]
    actions: Mapping[str, Action]
    relations: Mapping[str, Title]
    stages: Iterable[str]
    table: Mapping[tuple[str, str], Transition] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for (state, action), step in self.table.items():
            named = {state, *step.after}
            wrong = (
                named - set(self.states)
                or {action} - set(self.actions)
                or {*step.who, *step.not_by} - set(self.relations)
                or {*step.stops, *step.starts, *step.pauses, *step.resumes} - set(self.stages)
            )
            if wrong:
                message = f"{self.name}: ({state}, {action}) names what does not exist: {wrong}"
                raise ValueError(message)

    @cached_property
    def _by_state(self) -> dict[str, tuple[str, ...]]:
        return {
            state: tuple(action for action in self.actions if (state, action) in self.table)
            for state in self.states
        }

    def possible(self, state: str) -> tuple[str, ...]:
        """Return the actions that a state allows to somebody, in the order of the actions."""
        return self._by_state[state]

    def allowed(self, state: str, relations: Iterable[str]) -> tuple[str, ...]:
        """Return the actions that a state allows to an actor with these relations."""
        mine = set(relations)
        return tuple(
            action
            for action in self._by_state[state]
            if mine & set(self.table[state, action].who)
            and not mine & set(self.table[state, action].not_by)
        )

    def step(
        self,
        state: str,
        action: str,
        relations: Iterable[str],
        given: Iterable[str],
    ) -> Transition:
        """Return what an action does, or refuse it.

        Parameters
        ----------
        relations
            What the actor is to the thing: keys of ``relations``.
        given
            Names of the fields that came with the action.

        Raises
        ------
        gis.errors.ActionNotAllowed
            The state does not allow it; ``facts.allowed`` lists what it allows to this actor.
        gis.errors.ActionNotYours, gis.errors.ActorIsHandler
            It does, but not to this actor.
        gis.errors.FieldMissing
            Something that it needs did not come with it.
        """
        mine = set(relations)
        found = self.table.get((state, action))
        allowed = list(self.allowed(state, mine))
        if found is None:
            known = self.actions.get(action)
            raise ActionNotAllowed(
                action=action,
                state=state,
                title_zh=known.title[0] if known else action,
                title_en=known.title[1] if known else action,
                state_zh=self.states[state].title[0],
                state_en=self.states[state].title[1],
                allowed=allowed,
                allowed_zh="、".join(self.actions[one].title[0] for one in allowed) or "无",
                allowed_en=", ".join(allowed) or "nothing",
            )
        title = self.actions[action].title
        if mine & set(found.not_by):
            raise ActorIsHandler(
                action=action, title_zh=title[0], title_en=title[1], allowed=allowed
            )
        if not mine & set(found.who):
            raise ActionNotYours(
                action=action,
                title_zh=title[0],
                title_en=title[1],
                who_zh="、".join(self.relations[one][0] for one in found.who),
                who_en=", ".join(self.relations[one][1] for one in found.who),
                allowed=allowed,
            )
        missing = [name for name in found.needs if name not in set(given)]
        if missing:
            raise FieldMissing(
                action=action, title_zh=title[0], title_en=title[1], field=missing[0]
            )
        return found
