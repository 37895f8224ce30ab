"""Web assets: only what is declared is served, and a page can stand alone."""

from __future__ import annotations

import re

import pytest

from gis.errors import AssetsMissing, AssetUnknown
from maps import assets

TEXTS = [
    path
    for path, asset in assets.ASSETS.items()
    if asset.media_type != "image/png" and not path.endswith(".mjs")
]


def test_every_declared_asset_is_installed_with_type_and_licence() -> None:
    assert assets.missing() == []
    for path, asset in assets.ASSETS.items():
        assert path == asset.path
        assert path.startswith(assets.PREFIX)
        assert asset.licence in {"BSD-2-Clause", "BSD-3-Clause", "Apache-2.0"}
        _, file = assets.file_of(path)
        assert file.stat().st_size > 0
        assert re.fullmatch(r"[0-9a-f]{16}", assets.content_hash(path))


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/assets/",
        "/assets/leaflet",
        "/assets/leaflet/../../assets.py",
        "/assets//leaflet/leaflet.js",
        "/assets/leaflet/leaflet.js/",
        "/assets/leaflet/leaflet.js\0",
        "/assets/leaflet/leaflet-src.js",
        "assets/leaflet/leaflet.js",
        "/assets/leaflet/%2e%2e/leaflet.js",
    ],
)
def test_undeclared_path_does_not_exist(path: str) -> None:
    with pytest.raises(AssetUnknown):
        assets.file_of(path)


def test_missing_package_says_what_to_run(
    monkeypatch: pytest.MonkeyPatch, tmp_path: object
) -> None:
    monkeypatch.setattr(assets, "_HERE", tmp_path)
    with pytest.raises(AssetsMissing, match="make setup"):
        assets.file_of("/assets/leaflet/leaflet.js")
    assert len(assets.missing()) == len(assets.ASSETS)


def test_styles_ask_only_for_declared_pictures() -> None:
    for path in TEXTS:
        if path.endswith(".css"):
            _, file = assets.file_of(path)
            for picture in re.findall(r"url\(['\"]?(?!['\"]|data:|#)([^)'\"]+)", file.read_text()):
                assert f"{path.rsplit('/', 1)[0]}/{picture}" in assets.ASSETS


@pytest.mark.parametrize("path", TEXTS)
def test_inlined_text_cannot_leave_its_element_nor_ask_the_network(path: str) -> None:
    text = assets.inline(path)
    assert not re.search(r"</(script|style)|<!--", text, re.IGNORECASE)
    assert "sourceMappingURL=" not in text
    if path.endswith(".css"):
        assert not re.search(r"url\(\s*['\"]?(?!['\"]|data:|#)", text)


@pytest.mark.parametrize(
    "path", ["/assets/leaflet/images/layers.png", "/assets/maplibre/maplibre-gl.mjs"]
)
def test_what_cannot_stand_in_a_page_is_a_callers_bug(path: str) -> None:
    with pytest.raises(ValueError, match="cannot be written into a page"):
        assets.inline(path)


def test_address_changes_with_the_content() -> None:
    path = "/assets/leaflet/leaflet.js"
    assert assets.url(path) == f"{path}?v={assets.content_hash(path)}"
