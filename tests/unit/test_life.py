"""The table of a case's life: swept, pair by pair."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import product

import pytest

from gis.errors import (
    ActionNotAllowed,
    ActionNotYours,
    ActorIsHandler,
    ExtensionRefused,
    FieldMissing,
    GroundUnknown,
)
from gis.governance import clocks, story
from gis.governance.actors import Actor
from gis.governance.calendar import SHANGHAI
from gis.governance.categories import Limit, load_default
from gis.governance.work_orders import (
    ACTIONS,
    DEFAULT_LIMITS,
    GROUNDS,
    LIFE,
    NOTES,
    RELATIONS,
    STAGES,
    STATES,
    TRANSITIONS,
    Holder,
    ground_of,
    next_state,
    relations,
)

EVERYTHING = {"note", "to", "ground", "amount", "unit", "until", "satisfied", "grid", "of",
              "location", "category"}  # fmt: skip
FRIDAY = datetime(2025, 6, 6, 16, 30, tzinfo=SHANGHAI)


@pytest.mark.parametrize(("state", "action"), list(product(STATES, ACTIONS)))
def test_every_pair_moves_or_refuses(state: str, action: str) -> None:
    everybody = set(RELATIONS) - {"handler"}
    step = TRANSITIONS.get((state, action))
    if step is None:
        with pytest.raises(ActionNotAllowed) as refused:
            LIFE.step(state, action, everybody, EVERYTHING)
        assert set(refused.value.facts["allowed"]) == {a for s, a in TRANSITIONS if s == state}
        return
    assert LIFE.step(state, action, everybody, EVERYTHING) is step
    for relation in RELATIONS:
        only = {relation}
        if only & set(step.who) and not only & set(step.not_by):
            assert LIFE.step(state, action, only, EVERYTHING).after
            assert action in LIFE.allowed(state, only)
        else:
            with pytest.raises((ActionNotYours, ActorIsHandler)):
                LIFE.step(state, action, only, EVERYTHING)
            assert action not in LIFE.allowed(state, only)
    for field in step.needs:
        with pytest.raises(FieldMissing) as missing:
            LIFE.step(state, action, everybody, EVERYTHING - {field})
        assert missing.value.facts["field"] == field


def test_no_state_is_a_dead_end_and_all_are_reached() -> None:
    reached, fresh = set(), {"review", "unrouted", "outside", "dispatched"}
    while fresh:
        reached |= fresh
        fresh = {a for (s, _), t in TRANSITIONS.items() if s in reached for a in t.after} - reached
    assert reached == set(STATES)
    for state, about in STATES.items():
        ends = state in ("void", "duplicate")
        assert bool(LIFE.possible(state)) != ends
        assert about.final or LIFE.allowed(state, {"dispatcher"})


def test_whoever_handled_it_never_checks_it() -> None:
    for action in ("verify", "rework", "close", "follow_up"):
        for (_, name), step in TRANSITIONS.items():
            assert name != action or "handler" in step.not_by


def test_every_stage_that_starts_is_stopped_on_every_way_out() -> None:
    for (state, action), step in TRANSITIONS.items():
        if any(STATES[after].final for after in step.after) and action not in (
            "close",
            "follow_up",
        ):
            assert set(step.stops) == set(STAGES), (state, action)
    for stage in STAGES:
        assert any(stage in step.starts for step in TRANSITIONS.values()) or stage in (
            "register",
            "rule",
        )
        assert any(stage in step.stops for step in TRANSITIONS.values())
    assert set(DEFAULT_LIMITS) == set(STAGES) - {"suspension"}


def test_every_key_has_a_label_and_a_sentence() -> None:
    for table in (STATES, ACTIONS, GROUNDS):
        assert all(all(about.title) for about in table.values())
    for action in (*ACTIONS, *NOTES):
        entry = {"action": action, "actor_role": "dispatcher", "after": {}, "note": "因故"}
        for language, end in (("zh", "。"), ("en", ".")):
            told = story.sentence(entry, language)
            assert "{" not in told
            assert told.endswith((end, "因故"))


def test_grounds_are_known_by_key_and_by_title() -> None:
    assert {ground_of(g.title[0]) for g in GROUNDS.values()} == set(GROUNDS)
    with pytest.raises(GroundUnknown):
        ground_of("不想去")


def test_returns_end_with_a_ruling() -> None:
    assert next_state("send_back", "handling", "unclear-owner", []) == "returned"
    assert next_state("send_back", "handling", "unclear-owner", ["unclear-owner"]) == "ruling"
    assert next_state("send_back", "handling", "not-found", ["a", "b"]) == "ruling"


def test_a_token_without_a_person_acts_for_its_area_only() -> None:
    holder = Holder("341102001001003", 7, ruling_area="341102001001")
    assert "assignee" in relations(Actor("t", "grid_worker", "341102001001"), holder)
    assert "assignee" not in relations(Actor("t", "grid_worker", "341102001002"), holder)
    assert "assignee" not in relations(Actor("t", "grid_worker", None, 8), holder)
    assert "superior" in relations(Actor("t", "dispatcher", "341102001001"), holder)
    assert "superior" not in relations(Actor("t", "dispatcher", "341102001001003"), holder)


# --- clocks -------------------------------------------------------------------------------------


def handle() -> clocks.Clock:
    return clocks.begin("handle", Limit(4, "work_hours"), FRIDAY)


def test_a_warning_comes_once_and_never_after_the_end() -> None:
    clock, seen = handle(), []
    for minutes in range(0, 60 * 24 * 14, 7):
        left = ["community"][clock.escalations :]
        clock, effects = clocks.fire(clock, FRIDAY + timedelta(minutes=minutes), left)
        seen += effects
    assert seen == ["warn", "overdue", "escalate", "supervise"]


def test_a_sleep_is_caught_up_with_each_level_once() -> None:
    late, effects = clocks.fire(handle(), FRIDAY + timedelta(days=60), ["community", "subdistrict"])
    assert effects == ["overdue", "escalate", "escalate", "supervise"]
    assert clocks.fire(late, FRIDAY + timedelta(days=90), ["county"])[1] == []
    assert late.next_at is None


def test_the_levels_follow_at_the_distance_of_the_limit() -> None:
    clock, effects = clocks.fire(
        handle(), datetime(2025, 6, 9, 11, 30, tzinfo=SHANGHAI), ["a", "b"]
    )
    assert effects == ["overdue", "escalate"]
    # 4 working hours from Monday 11:30: half an hour, then from 14:00
    assert clock.next_at == datetime(2025, 6, 9, 17, 30, tzinfo=SHANGHAI)


def test_a_pause_gives_back_exactly_the_time_that_stood_still() -> None:
    stood = clocks.paused(handle(), datetime(2025, 6, 9, 9, 0, tzinfo=SHANGHAI))
    assert clocks.fire(stood, FRIDAY + timedelta(days=30), ["community"])[1] == []
    again = clocks.resumed(stood, datetime(2025, 6, 11, 9, 0, tzinfo=SHANGHAI))
    assert again.due_at == datetime(2025, 6, 11, 11, 30, tzinfo=SHANGHAI)
    assert again.warn_at == datetime(2025, 6, 11, 10, 30, tzinfo=SHANGHAI)


def test_an_extension_comes_before_the_end_and_warns_anew() -> None:
    clock = handle()
    warned, _ = clocks.fire(clock, datetime(2025, 6, 9, 10, 45, tzinfo=SHANGHAI), [])
    longer = clocks.extended(
        warned, Limit(2, "work_hours"), datetime(2025, 6, 9, 11, 0, tzinfo=SHANGHAI)
    )
    assert longer.due_at == datetime(2025, 6, 9, 15, 30, tzinfo=SHANGHAI)
    assert clocks.fire(longer, datetime(2025, 6, 9, 15, 0, tzinfo=SHANGHAI), [])[1] == ["warn"]
    with pytest.raises(ExtensionRefused):
        clocks.extended(
            clock, Limit(2, "work_hours"), datetime(2025, 6, 9, 11, 30, tzinfo=SHANGHAI)
        )
    with pytest.raises(ExtensionRefused):
        clocks.extended(clock, Limit(5, "work_hours"), FRIDAY)


def test_a_year_without_a_calendar_leaves_a_clock_without_an_end() -> None:
    clock = clocks.begin("handle", Limit(20, "work_days"), datetime(2031, 3, 3, tzinfo=UTC))
    assert (clock.due_at, clock.next_at) == (None, None)
    assert clocks.fire(clock, datetime(2032, 1, 1, tzinfo=UTC), ["community"])[1] == []
    with pytest.raises(ExtensionRefused):
        clocks.extended(clock, Limit(1, "work_days"), datetime(2031, 3, 4, tzinfo=UTC))


def test_every_default_category_names_where_it_escalates() -> None:
    for category in load_default():
        assert set(category.escalation) <= {"community", "subdistrict", "county", "city"}
