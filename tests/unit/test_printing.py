"""Drawings on paper: the sheet's size, the same bytes twice, Chinese text, a scale that is true."""

from __future__ import annotations

import io
import re
import zlib
from datetime import date
from typing import Any

import numpy as np
import pytest
from PIL import Image

from maps.drawing import Drawing, Field, LegendPart, LegendRow, Look, MapLayer, Ranked
from maps.paper import PAPERS_MM, Format, Paper
from maps.printing import DPI, _round_length, _wrapped, printed

RED = Look(line="#20262b", width=1, fill="#d94701")


def square(west: float, south: float, side: float, **properties: object) -> dict[str, Any]:
    ring = [
        [west, south],
        [west + side, south],
        [west + side, south + side],
        [west, south + side],
        [west, south],
    ]
    return {
        "type": "Feature",
        "id": "1",
        "properties": properties,
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


def drawing(**changes: object) -> Drawing:
    values: dict[str, Any] = {
        "title": "滁州市测试图 $100 {x}",
        "subtitle": "直线距离 3 km",
        "language": "zh",
        "bounds": (118.2, 32.2, 118.4, 32.4),
        "layers": [
            MapLayer("区域", "polygon", [square(118.2, 32.2, 0.2, name="琅琊区")], [RED]),
        ],
        "legend": [LegendPart("图例", [LegendRow("swatch", RED, "盲区")])],
        "revision": 3,
        "drawn_on": date(2026, 11, 25),
        "figure": "51.0%",
        "ranked_title": "最多",
        "ranked": [Ranked("1", "琅琊区", "7 人")],
        "notes": ["建筑到站点的大地线距离小于等于半径，即为覆盖；不按道路距离，也不按行政区。" * 2],
    }
    return Drawing(**{**values, **changes})


@pytest.mark.parametrize("paper", ["a4", "a3"])
def test_picture_has_the_size_of_the_paper_and_the_colour_of_the_map(paper: Paper) -> None:
    picture = Image.open(io.BytesIO(printed(drawing(), "png", paper)))
    width, height = (round(side / 25.4 * DPI) for side in PAPERS_MM[paper])
    assert abs(picture.width - width) <= 1
    assert abs(picture.height - height) <= 1
    pixels = np.asarray(picture.convert("RGB")).reshape(-1, 3)
    share = np.mean(np.all(pixels == (0xD9, 0x47, 0x01), axis=1))
    assert 0.1 < share < 0.6


@pytest.mark.parametrize("form", ["png", "pdf"])
def test_equal_drawings_give_equal_bytes(form: Format) -> None:
    assert printed(drawing(), form) == printed(drawing(), form)
    assert printed(drawing(), form) != printed(drawing(title="别的图"), form)


def test_document_is_one_page_of_the_paper() -> None:
    document = printed(drawing(), "pdf", "a3")
    boxes = re.findall(rb"/MediaBox \[ 0 0 ([\d.]+) ([\d.]+) \]", document)
    assert len(boxes) == 1
    assert [round(float(side) / 72 * 25.4) for side in boxes[0]] == [420, 297]
    streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", document, re.DOTALL)
    assert any(b" re" in _inflated(stream) or b" l\n" in _inflated(stream) for stream in streams)


def _inflated(stream: bytes) -> bytes:
    try:
        return zlib.decompress(stream)
    except zlib.error:
        return b""


def test_holes_are_not_painted() -> None:
    whole = square(118.2, 32.2, 0.2)
    hole = square(118.25, 32.25, 0.1)
    rings = [whole["geometry"]["coordinates"][0], hole["geometry"]["coordinates"][0]]
    holed = {**whole, "geometry": {"type": "Polygon", "coordinates": rings}}
    painted = []
    for features in ([whole], [holed]):
        content = printed(
            drawing(layers=[MapLayer("a", "polygon", features, [RED])], legend=()), "png"
        )
        pixels = np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).reshape(-1, 3)
        painted.append(int(np.sum(np.all(pixels == (0xD9, 0x47, 0x01), axis=1))))
    assert painted[1] / painted[0] == pytest.approx(0.75, abs=0.01)


def test_points_lines_and_labels_draw_and_hidden_layers_do_not() -> None:
    point = {
        "type": "Feature",
        "id": "p",
        "properties": {"name": "驿站"},
        "geometry": {"type": "Point", "coordinates": [118.3, 32.3]},
    }
    line = {
        **point,
        "geometry": {"type": "LineString", "coordinates": [[118.2, 32.2], [118.4, 32.4]]},
    }
    shown = [
        MapLayer("线", "line", [line], [Look(line="#0000ff", width=3, dash=(4, 2))]),
        MapLayer("点", "point", [point], [RED], fields=[Field("name", "名称")], label="name"),
    ]
    hidden = [MapLayer(one.name, one.kind, one.features, one.looks, shown=False) for one in shown]
    empty = printed(drawing(layers=()), "png")
    assert printed(drawing(layers=shown), "png") != empty
    assert printed(drawing(layers=hidden), "png") == empty


def test_no_line_begins_with_a_closing_sign_and_nothing_is_lost() -> None:
    words = "区县以下的边界、人口、道路、地址，均为合成数据；names in English stay whole。"
    for width in range(3, 30):
        lines = _wrapped(words, width)
        assert "".join(lines).replace(" ", "") == words.replace(" ", "")
        assert not any(line[0] in "，。、；" for line in lines)


@pytest.mark.parametrize("metres", [1.0, 3.7, 99.0, 12_345.0, 2e6])
def test_scale_bar_is_a_round_length_that_fits(metres: float) -> None:
    length = _round_length(metres)
    assert metres / 2.5 <= length <= metres
    assert f"{length:.0e}"[0] in "125"
