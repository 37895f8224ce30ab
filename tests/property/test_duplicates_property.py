"""The weights of duplicates: each piece of evidence moves the probability one way only."""

from __future__ import annotations

import random
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gis.matching.duplicates import (
    _TEXT,
    LEAST,
    MOST,
    WINDOW,
    Sighting,
    distance_m,
    probability,
    suggestions,
)

WHEN = datetime(2026, 11, 23, 8, tzinfo=UTC)
METRE = 1.0 / 110_900.0  # of latitude
TEXTS = ("丰乐路自来水管爆裂，路面积水", "水管爆了，满地是水", "路灯不亮", "垃圾没人清", "")

metres, minutes = st.floats(0.0, 200.0), st.floats(0.0, 25_000.0)
reaches = st.sampled_from((20.0, 50.0, 150.0))


@st.composite
def sightings(draw: st.DrawFn, name: str = "a") -> Sighting:
    return Sighting(
        name,
        f"20261123-{name:>06}",
        118.31,
        32.3 + draw(metres) * METRE,
        WHEN + timedelta(minutes=draw(minutes)),
        draw(st.sampled_from(("event-burst-pipe", "event-flood"))),
        "突发事件",
        accuracy_m=draw(st.sampled_from((None, 5.0, 40.0))),
        text=draw(st.sampled_from(TEXTS)),
        reporter=draw(st.sampled_from((None, "x", "y"))),
    )


@given(sightings("1"), sightings("2"), reaches)
def test_a_probability_is_symmetric_and_nothing_beyond_reach_and_window(
    one: Sighting, other: Sighting, reach: float
) -> None:
    share = probability(one, other, reach)
    assert share == probability(other, one, reach)
    assert 0.0 <= share < 1.0
    beyond = distance_m(one, other) > reach or abs(one.at - other.at) > WINDOW
    assert (share == 0.0) == beyond


@given(sightings("1"), reaches, st.lists(metres, min_size=2, max_size=6))
def test_farther_is_never_likelier(one: Sighting, reach: float, away: list[float]) -> None:
    shares = [
        probability(one, replace(one, id="2", lat=one.lat + m * METRE), reach) for m in sorted(away)
    ]
    assert all(near >= far for near, far in pairwise(shares))


@given(sightings("1"), reaches, st.lists(minutes, min_size=2, max_size=6))
def test_later_is_never_likelier(one: Sighting, reach: float, late: list[float]) -> None:
    shares = [
        probability(one, replace(one, id="2", at=one.at + timedelta(minutes=m)), reach)
        for m in sorted(late)
    ]
    assert all(soon >= long for soon, long in pairwise(shares))


@given(sightings("1"), sightings("2"), reaches)
def test_one_category_and_one_reporter_speak_for_one_thing(
    one: Sighting, other: Sighting, reach: float
) -> None:
    share = probability(one, other, reach)
    assert probability(one, replace(other, category=one.category), reach) >= share
    known = replace(one, reporter="x")
    same, strange = replace(other, reporter="x"), replace(other, reporter="y")
    assert probability(known, same, reach) >= probability(known, strange, reach)


def test_the_more_alike_two_texts_are_the_more_they_speak_for_one_thing() -> None:
    assert all(low < high for low, high in pairwise(_TEXT))
    assert all(odds < more for (_, odds), (_, more) in pairwise(_TEXT))
    assert (_TEXT[0][0], _TEXT[-1][0]) == (0.0, 100.0)


@given(
    sightings("0"),
    st.lists(sightings(), min_size=1, max_size=8),
    reaches,
    st.randoms(use_true_random=False),
)
def test_suggestions_are_probable_few_sorted_and_independent_of_order(
    new: Sighting, others: list[Sighting], reach: float, chance: random.Random
) -> None:
    named = [replace(o, id=f"{k}", number=f"n{k}") for k, o in enumerate(others, start=1)]
    found = suggestions(new, named, reach)
    assert len(found) <= MOST
    assert [one.probability for one in found] == sorted(
        (o.probability for o in found), reverse=True
    )
    assert all(one.probability >= LEAST for one in found)
    assert len({one.of for one in found}) == len(found)
    assert sum(one.reports for one in found) <= len(named)
    shuffled = named[:]
    chance.shuffle(shuffled)
    assert suggestions(new, shuffled, reach) == found
    probable = [o for o in named if probability(new, o, reach) >= LEAST]
    assert bool(found) == bool(probable)
    best = max((probability(new, o, reach) for o in named), default=0.0)
    if found:
        assert found[0].probability == pytest.approx(best, abs=1e-6)
