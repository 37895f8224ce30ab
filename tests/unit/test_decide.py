"""Decisions and the words that explain them."""

from __future__ import annotations

import itertools

import pytest

from gis.matching.candidates import AreaRef, Candidate, NearestArea
from gis.matching.decide import Decision, decide
from gis.matching.sentences import converted_crs

CITY = AreaRef("city", "341100", "滁州市")
COUNTY = AreaRef("county", "341102", "琅琊区")
TOWN = AreaRef("subdistrict", "341102001", "琅琊街道")
SOUTH = AreaRef("community", "341102001001", "南门社区")
NORTH = AreaRef("community", "341102001002", "北门社区")
TOP = (CITY, COUNTY, TOWN)


def grid(community: AreaRef, number: int, probability: float, distance_m: float = 0.0) -> Candidate:
    area = AreaRef("grid", f"{community.code}{number:03d}", f"{community.name}第{number}网格")
    return Candidate((*TOP, community, area), probability, distance_m)


def codes(decision: Decision) -> list[str]:
    return [reason.code for reason in decision.reasons]


def test_certain_grid_routes_itself() -> None:
    made = decide(
        [grid(SOUTH, 2, 0.03), grid(SOUTH, 1, 0.97)],
        0.0,
        status="inside",
        accuracy_m=30,
        edge_distance_m=41.2,
    )
    assert made.decision == "auto"
    assert made.grid is not None
    assert (made.grid.code, made.level, made.confidence) == ("341102001001001", "grid", 0.97)
    assert [area.level for area in made.path] == [
        "city",
        "county",
        "subdistrict",
        "community",
        "grid",
    ]
    assert codes(made) == ["inside"]
    assert "41 米" in made.reasons[0].text_zh
    assert "97 %" in made.reasons[0].text_en


def test_plain_pin_routes_itself() -> None:
    made = decide([grid(SOUTH, 1, 1.0)], 0.0, status="inside", edge_distance_m=3.21)
    assert (made.decision, made.confidence) == ("auto", 1.0)
    assert made.reasons[0].text_zh == "定位点归属南门社区第1网格，距边界 3.2 米。"


def test_wide_circle_asserts_the_finest_area_that_is_certain() -> None:
    near = [grid(SOUTH, 1, 0.5), grid(SOUTH, 2, 0.45), grid(NORTH, 1, 0.05)]
    made = decide(near, 0.0, status="inside", accuracy_m=80)
    assert (made.decision, made.level, made.grid) == ("review", "community", None)
    assert made.confidence == pytest.approx(0.95)
    assert codes(made) == ["accuracy-reaches", "certain-to-level"]
    assert "3 个区域" in made.reasons[0].text_zh
    wider = [grid(SOUTH, 1, 0.5), grid(NORTH, 1, 0.5)]
    assert decide(wider, 0.0, status="inside", accuracy_m=80).level == "subdistrict"
    assert decide(
        near, 0.0, status="inside", accuracy_m=80, auto_levels=["community"]
    ).decision == ("auto")


def test_threshold_is_reached_when_equal() -> None:
    near = [grid(SOUTH, 1, 0.7 + 0.1 + 0.1), grid(NORTH, 1, 0.1)]  # a hair below 0.9 in floats
    assert decide(near, 0.0, status="inside", threshold=0.9, accuracy_m=20).decision == "auto"
    below = [grid(SOUTH, 1, 0.8999), grid(NORTH, 1, 0.1001)]
    assert decide(below, 0.0, status="inside", threshold=0.9, accuracy_m=20).decision == "review"


def test_point_on_shared_edge_goes_to_smaller_code() -> None:
    tied = [grid(SOUTH, 3, 1 / 3), grid(NORTH, 1, 1 / 3), grid(SOUTH, 2, 1 / 3)]
    for order in itertools.permutations(tied):
        made = decide(order, 0.0, status="inside", ambiguous=True, edge_distance_m=0.0)
        assert made.grid is not None
        assert made.grid.code == "341102001001002"
        assert (made.decision, made.ambiguous) == ("auto", True)
        assert made.confidence == pytest.approx(1 / 3)
        assert [c.code for c in made.candidates] == [
            "341102001001002",
            "341102001001003",
            "341102001002001",
        ]
        assert codes(made) == ["on-shared-edge"]
        assert made.reasons[0].facts["by_rule"] is True
        assert "编码较小" in made.reasons[0].text_zh


def test_shared_edge_with_an_accuracy_is_put_to_a_person() -> None:
    noisy = [grid(SOUTH, 2, 0.5 + 1e-13), grid(SOUTH, 1, 0.5 - 1e-13)]
    made = decide(noisy, 0.0, status="inside", ambiguous=True, accuracy_m=30, edge_distance_m=0.0)
    assert (made.decision, made.level) == ("review", "community")
    assert made.candidates[0].code == "341102001001001"  # noise breaks no tie
    assert codes(made) == ["on-shared-edge", "accuracy-reaches", "certain-to-level"]


def test_overlap_is_told_apart_from_an_edge() -> None:
    tied = [grid(SOUTH, 2, 0.5), grid(SOUTH, 1, 0.5)]
    made = decide(tied, 0.0, status="inside", ambiguous=True, edge_distance_m=12.0)
    assert codes(made) == ["areas-overlap"]
    assert made.decision == "auto"


def test_outside_names_the_nearest_area() -> None:
    nearest = NearestArea(SOUTH, 831.4)
    made = decide([], 1.0, status="outside", nearest=nearest)
    assert (made.decision, made.path, made.confidence) == ("outside", (), 1.0)
    assert codes(made) == ["outside-city"]
    assert made.reasons[0].facts == {"nearest": SOUTH.code, "distance_m": 831.4}
    assert "831 米" in made.reasons[0].text_zh
    assert decide([], 1.0, status="outside").reasons[0].text_en == "The pin lies outside the city."


def test_outside_the_rim_but_possibly_in_is_put_to_a_person() -> None:
    near = [grid(SOUTH, 1, 0.4, distance_m=4.0)]
    made = decide(near, 0.6, status="outside", accuracy_m=30, nearest=NearestArea(SOUTH, 4.0))
    assert (made.decision, made.level, made.confidence) == ("review", None, 0.4)
    assert codes(made) == ["outside-city", "accuracy-reaches"]


def test_inside_the_rim_but_possibly_out_says_so() -> None:
    made = decide([grid(SOUTH, 1, 0.6)], 0.4, status="inside", accuracy_m=30)
    assert (made.decision, made.level) == ("review", None)
    assert codes(made) == ["accuracy-reaches", "may-be-outside"]
    vast = decide([grid(SOUTH, 1, 0.01)], 0.99, status="inside", accuracy_m=1e6)
    assert vast.decision == "review"


def test_gap_in_the_city_is_reviewed_and_keeps_the_areas_around_it() -> None:
    nearest = NearestArea(SOUTH, 7.0)
    made = decide([], 1.0, status="gap", containing=(*TOP, SOUTH), nearest=nearest)
    assert (made.decision, made.level, made.confidence) == ("review", "community", 1.0)
    assert codes(made) == ["in-gap"]
    assert "南门社区" in made.reasons[0].text_zh
    near = [grid(SOUTH, 1, 0.3), grid(NORTH, 1, 0.1)]
    partly = decide(near, 0.6, status="gap", containing=(*TOP, SOUTH), accuracy_m=20)
    assert partly.level == "community"
    assert partly.confidence == pytest.approx(0.9)
    lost = decide([], 1.0, status="gap")
    assert (lost.decision, lost.level) == ("review", None)


def test_notes_are_told_first() -> None:
    note = converted_crs("GCJ-02", 555.04)
    made = decide([grid(SOUTH, 1, 1.0)], 0.0, status="inside", notes=[note])
    assert made.reasons[0] == note
    assert made.reasons[0].to_json()["facts"] == {"crs": "GCJ-02", "shift_m": 555.04}


def test_same_input_in_any_order_gives_the_same_decision() -> None:
    near = [grid(SOUTH, 1, 0.3), grid(SOUTH, 2, 0.3), grid(NORTH, 1, 0.2), grid(NORTH, 2, 0.1)]
    answers = {
        repr(decide(order, 0.1, status="inside", accuracy_m=90))
        for order in itertools.permutations(near)
    }
    assert len(answers) == 1


def test_candidates_and_outside_sum_to_one() -> None:
    near = [grid(SOUTH, n, 1 / 7) for n in range(1, 7)]
    made = decide(near, 1 / 7, status="inside", accuracy_m=90)
    total = sum(c.probability for c in made.candidates) + made.outside_probability
    assert total == pytest.approx(1.0, abs=1e-6)


def test_caller_bugs_are_loud() -> None:
    with pytest.raises(ValueError, match="sum to"):
        decide([grid(SOUTH, 1, 0.5)], 0.0, status="inside")
    with pytest.raises(ValueError, match="threshold"):
        decide([grid(SOUTH, 1, 1.0)], 0.0, status="inside", threshold=0.0)
    with pytest.raises(ValueError, match="paths"):
        decide([Candidate((), 1.0)], 0.0, status="inside")
