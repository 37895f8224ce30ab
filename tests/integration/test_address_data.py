"""Real address texts: the floors that reading them must keep, on lines not looked at before."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

import pytest
from rapidfuzz import fuzz

from gis.matching.address_pair import PlaceWords, place_words, same_place
from tests.address_scores import Scores, labelled, pair_f1, pairs, parse_scores

if TYPE_CHECKING:
    from pathlib import Path

EVERY = 4
"""One in so many of the unseen lines, for time; the bench reads them all."""

FLOORS = {
    "prov": 0.96, "city": 0.94, "district": 0.92, "town": 0.84, "road": 0.87, "roadno": 0.95,
    "houseno": 0.88, "cellno": 0.95, "floorno": 0.94, "community": 0.60, "devzone": 0.62,
    "poi": 0.62, "subpoi": 0.55,
}  # fmt: skip


@pytest.fixture(scope="module")
def scores(shared_data: Path) -> Scores:
    return parse_scores(labelled(shared_data, 1)[::EVERY])


@pytest.mark.parametrize("label", FLOORS)
def test_parts_are_found(scores: Scores, label: str) -> None:
    assert scores.of(label)[2] >= FLOORS[label]


def test_parts_together_are_found(scores: Scores) -> None:
    assert scores.of()[2] >= 0.85
    assert scores.whole / scores.texts >= 0.62


def test_same_place_is_decided_better_than_by_letters(shared_data: Path) -> None:
    given = pairs(shared_data, every=6)

    @cache
    def words(text: str) -> PlaceWords:
        return place_words(text)

    ours, _ = pair_f1(given, lambda a, b: same_place(words(a), words(b)), at_least=1)
    letters, _ = pair_f1(given, fuzz.ratio, at_least=1)
    assert ours >= 0.60
    assert ours > letters
