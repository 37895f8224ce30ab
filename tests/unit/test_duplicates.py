"""The same thing reported twice: likely when near, soon and alike; never across what differs."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from gis.governance.categories import load_default
from gis.matching.duplicates import (
    GROUP_REACH_M,
    LEAST,
    Sighting,
    probability,
    reach_m,
    suggestions,
)

WHEN = datetime(2026, 11, 23, 8, tzinfo=UTC)
METRE = 1.0 / 110_900.0  # of latitude
LEAK = Sighting(
    "a", "20261123-000001", 118.31, 32.3, WHEN, "event-burst-pipe", "突发事件",
    accuracy_m=15.0, text="丰乐路自来水管爆裂，路面积水", source="snap",
)  # fmt: skip
CALLS = (
    "水管爆了，满地是水", "丰乐路路口自来水管爆裂", "自来水管爆裂没人管", "路面积水很深，水管爆裂",
    "丰乐路跑水了，水管坏了",
)  # fmt: skip


def beside(number: int, metres: float, minutes: float, **changes: object) -> Sighting:
    values = {
        "id": f"r{number}", "number": f"20261123-{number:06d}",
        "lat": LEAK.lat + metres * METRE, "at": WHEN + timedelta(minutes=minutes),
    } | changes  # fmt: skip
    return replace(LEAK, **values)


def test_category_beats_its_group_and_the_group_beats_the_fallback() -> None:
    assert reach_m(35.0, "突发事件") == 35.0
    assert reach_m(0.0, "突发事件") == 0.0
    assert reach_m(None, "突发事件") == GROUP_REACH_M["突发事件"]
    assert reach_m(None, "新的大类") == reach_m(None, None) == 50.0
    groups = {category.major_zh for category in load_default()}
    assert set(GROUP_REACH_M) <= groups


def test_reach_of_zero_suggests_nothing_however_alike() -> None:
    assert suggestions(beside(2, 0, 1), [LEAK], 0.0) == ()


@pytest.mark.parametrize(
    ("nearer", "farther"),
    [
        (beside(2, 5, 10), beside(2, 90, 10)),
        (beside(2, 5, 10), beside(2, 5, 60 * 24 * 10)),
        (beside(2, 5, 10), beside(2, 5, 10, text="路灯不亮")),
        (beside(2, 5, 10), beside(2, 5, 10, category="event-other")),
        (beside(2, 5, 10, reporter="x"), beside(2, 5, 10, reporter="y")),
    ],
)
def test_what_speaks_for_one_thing_raises_the_probability(
    nearer: Sighting, farther: Sighting
) -> None:
    known = replace(LEAK, reporter="x")
    assert probability(nearer, known, 100.0) > probability(farther, known, 100.0)
    assert probability(nearer, known, 100.0) == probability(known, nearer, 100.0)


@pytest.mark.parametrize(
    "other",
    [
        beside(2, 101, 1),
        beside(2, 0, 60 * 24 * 15),
        beside(2, 0, 1, category="event-noise", group="街面秩序"),
        beside(2, 0, 1, category="x", group=None),
    ],
)
def test_beyond_reach_window_and_group_nothing_is_suggested(other: Sighting) -> None:
    assert suggestions(other, [LEAK], 100.0) == ()


def test_text_that_says_something_else_is_no_duplicate() -> None:
    lamp = beside(2, 3, 20, text="广场舞噪音太大影响休息")
    assert probability(lamp, LEAK, 50.0) < 0.5 < probability(beside(2, 3, 20), LEAK, 50.0)


def test_a_burst_of_forty_calls_collects_under_the_first_report() -> None:
    chance = random.Random(3)  # noqa: S311
    seen = [LEAK]
    for number in range(2, 42):
        channel = chance.choice(("hotline-12345", "snap", "patrol"))
        call = beside(
            number, chance.uniform(-40, 40), 2.0 * number, text=chance.choice(CALLS),
            source=channel,
        )  # fmt: skip
        found = suggestions(call, seen[-60:], 150.0)
        assert [one.of for one in found] == [LEAK.id], number
        assert found[0].probability > 0.5
        assert found[0].reports >= min(len(seen), 2)
        joined = number % 2 == 0  # a dispatcher joins every other one
        seen.append(replace(call, root=LEAK.id, root_number=LEAK.number) if joined else call)


def test_two_things_side_by_side_are_two_suggestions() -> None:
    lamp = beside(2, 60, 5, text="路灯杆倒了压在车上")
    new = beside(3, 30, 10, text="")
    assert {one.of for one in suggestions(new, [LEAK, lamp], 150.0)} == {"a", "r2"}


def test_suggestions_do_not_depend_on_the_order_and_carry_reasons() -> None:
    others = [LEAK, beside(2, 10, 5), beside(4, 30, 9, text="水管坏了"), beside(5, 70, 700)]
    new = beside(9, 4, 30, source="hotline-12345")
    found = suggestions(new, others, 150.0)
    for seed in range(5):
        shuffled = others[:]
        random.Random(seed).shuffle(shuffled)  # noqa: S311
        assert suggestions(new, shuffled, 150.0) == found
    assert all(one.probability >= LEAST for one in found)
    assert "20261123-000001" in found[0].reason.text_zh
    assert found[0].reason.facts["other_channel"] is True


def test_what_was_joined_to_the_report_itself_is_not_suggested() -> None:
    own = replace(beside(2, 1, 1), root="r9", root_number="20261123-000009")
    assert suggestions(beside(9, 0, 0), [own], 100.0) == ()
