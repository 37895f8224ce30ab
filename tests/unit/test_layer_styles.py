"""The default styles: one for each layer, of what its tiles hold and the reader may see."""

from __future__ import annotations

import re

import pytest

from gis.governance.actors import ROLES, Actor
from layers.catalogue import LAYERS, View
from layers.styles import STYLES, maplibre

TILES = "http://127.0.0.1/ogc/{z}/{y}/{x}"


def test_every_layer_has_its_style() -> None:
    assert set(STYLES) == set(LAYERS)


def gets(expression: object) -> set[str]:
    """Return the attributes that an expression reads."""
    if not isinstance(expression, list):
        return set()
    if expression[:1] in (["get"], ["has"]):
        return {expression[1]}
    return set().union(*map(gets, expression)) if expression else set()


@pytest.mark.parametrize("key", LAYERS)
@pytest.mark.parametrize("role", ["anonymous", *ROLES])
def test_style_reads_what_the_tiles_hold(key: str, role: str) -> None:
    view = View.of(LAYERS[key], Actor("", role))
    style = maplibre(view, TILES)
    assert style["version"] == 8
    source = style["sources"][key]
    assert source["tiles"] == [TILES]
    assert (source["minzoom"], source["maxzoom"]) == LAYERS[key].zooms
    tiled = {one.name for one in view.attributes if one.tiled} | {"point_count"}
    ids = [one["id"] for one in style["layers"]]
    assert len(ids) == len(set(ids)) > 0
    for drawn in style["layers"]:
        assert drawn["source"] == key
        values = [*drawn["paint"].values(), *drawn.get("layout", {}).values()]
        for value in values:
            assert gets(value) <= tiled
            if isinstance(value, str) and value.startswith("#"):
                assert re.fullmatch(r"#[0-9a-f]{6}", value)
        if drawn["source-layer"] != key:
            assert drawn["source-layer"] == f"{key}-labels"
            assert {"code", "name"} <= set(view.names), "then label points are in the tiles"
            assert gets(drawn["layout"]["text-field"]) == {"name"}


def test_label_that_may_not_be_read_is_not_written() -> None:
    for key, style in STYLES.items():
        assert style.label is None or style.label in {
            one.name for one in LAYERS[key].attributes if one.tiled
        }
