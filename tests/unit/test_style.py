from __future__ import annotations

import itertools

import pytest

from maps import style


def luminance(colour: str) -> float:
    channels = [int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def test_classes_are_gapless_from_nobody_to_everybody() -> None:
    assert style.SHARE_CLASSES[0].upto == 0.0
    assert style.SHARE_CLASSES[-1].upto == 1.0
    for lower, upper in itertools.pairwise(style.SHARE_CLASSES):
        assert lower.upto == upper.over


def test_classes_grow_darker_so_that_any_eye_and_print_can_order_them() -> None:
    for classes in (style.SHARE_CLASSES, style.GAP_CLASSES):
        shades = [luminance(step.colour) for step in classes]
        assert shades == sorted(shades, reverse=True)
        assert all(a - b > 0.04 for a, b in itertools.pairwise(shades))


def test_nearly_everybody_is_not_everybody() -> None:
    assert style.share_colour(4_129_678 / 4_129_679) != style.share_colour(1.0)
    assert style.share_colour(1 / 4_129_679) != style.share_colour(0.0)


@pytest.mark.parametrize("ratio", [-2.0, 1.01])
def test_a_share_out_of_range_is_a_mistake(ratio: float) -> None:
    with pytest.raises(ValueError, match="share"):
        style.share_colour(ratio)


def test_marks_are_distinct_and_titled_in_both_languages() -> None:
    marks = [*style.STATION_MARKS.values(), style.station_mark("x", ["x", "y"])]
    assert len({mark.colour for mark in marks}) == len(marks)
    assert all(mark.title_zh and mark.title_en for mark in marks)
    assert style.station_mark("x", ["x", "y"]) == style.station_mark("x", ["y", "x"])
