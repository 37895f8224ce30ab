"""Every script, style and picture that a page may ask for: declared once, served by ourselves.

Government intranets have no internet, so a page never names another host. The files come from the
npm packages that ``maps/package-lock.json`` pins. A path that is not in :data:`ASSETS` does not
exist, whatever lies on the disk: there is nothing to traverse.
"""

from __future__ import annotations

import base64
import gzip
import hashlib
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from gis.errors import AssetsMissing, AssetUnknown

if TYPE_CHECKING:
    from collections.abc import Iterable

__all__ = ["ASSETS", "Asset", "content_hash", "file_of", "inline", "missing", "url"]

PREFIX = "/assets/"
_HERE = Path(__file__).resolve().parent

MediaType = Literal["text/javascript", "text/css", "image/png"]

_CSS_PICTURE = re.compile(r"""url\(\s*["']?(?!data:|#)(?P<file>[^"')]+)["']?\s*\)""")
_SOURCE_MAP = re.compile(r"^(?://|/\*)# sourceMappingURL=\S*(?:\s*\*/)?\s*$", re.MULTILINE)
# inside <script>: what would end it, or put the parser into its "escaped" state; both occur in
# string and regex literals only, where \x3C means the same
_SCRIPT_BREAKERS = re.compile(r"<(?=/script|!--)", re.IGNORECASE)


@dataclass(frozen=True)
class Asset:
    """One served file.

    ``path`` is public (``/assets/...``), ``file`` lies below ``maps/``; ``licence`` is the SPDX
    identifier of the package it belongs to.
    """

    path: str
    file: str
    media_type: MediaType
    licence: str

    @property
    def content_type(self) -> str:
        """Return the Content-Type header; texts are UTF-8."""
        return (
            self.media_type
            if self.media_type == "image/png"
            else f"{self.media_type}; charset=utf-8"
        )


_MEDIA_TYPES: dict[str, MediaType] = {
    ".js": "text/javascript",
    ".mjs": "text/javascript",
    ".css": "text/css",
    ".png": "image/png",
}


def _package(public: str, folder: str, licence: str, files: Iterable[str]) -> list[Asset]:
    return [
        Asset(
            path=f"{PREFIX}{public}/{file}",
            file=f"node_modules/{folder}/{file}",
            media_type=_MEDIA_TYPES[Path(file).suffix],
            licence=licence,
        )
        for file in files
    ]


_CONSOLE = [
    "api.mjs",
    "browse.mjs",
    "case.mjs",
    "circles.mjs",
    "compare.mjs",
    "console.css",
    "deliberation.mjs",
    "dispatch.mjs",
    "drafts.mjs",
    "map.mjs",
    "mine.mjs",
    "outbox.mjs",
    "page.mjs",
    "paints.mjs",
    "plan.mjs",
    "scenarios.mjs",
    "siting.mjs",
    "tour.mjs",
]


def _own(folder: str, files: Iterable[str]) -> list[Asset]:
    return [
        Asset(
            path=f"{PREFIX}{folder}/{file}",
            file=f"{folder}/{file}",
            media_type=_MEDIA_TYPES[Path(file).suffix],
            licence="Apache-2.0",
        )
        for file in files
    ]


ASSETS: dict[str, Asset] = {
    asset.path: asset
    for asset in [
        *_own("console", _CONSOLE),
        *_package(
            "leaflet",
            "leaflet/dist",
            "BSD-2-Clause",
            [
                "leaflet.js",
                "leaflet.css",
                "images/layers.png",
                "images/layers-2x.png",
                "images/marker-icon.png",
                "images/marker-icon-2x.png",
                "images/marker-shadow.png",
            ],
        ),
        # the main module loads the worker from beside itself, by that name
        *_package(
            "maplibre",
            "maplibre-gl/dist",
            "BSD-3-Clause",
            ["maplibre-gl.mjs", "maplibre-gl-worker.mjs", "maplibre-gl.css"],
        ),
        *_package(
            "swagger",
            "swagger-ui-dist",
            "Apache-2.0",
            ["swagger-ui-bundle.js", "swagger-ui.css", "favicon-16x16.png", "favicon-32x32.png"],
        ),
    ]
}


def file_of(path: str) -> tuple[Asset, Path]:
    """Return the declared asset of a public path, and its file.

    Raises
    ------
    gis.errors.AssetUnknown
        No such asset is declared; ``..``, encoded or doubled slashes are never declared.
    gis.errors.AssetsMissing
        It is declared, but the npm packages are not installed.

    Examples
    --------
    >>> file_of("/assets/leaflet/../../secret")
    Traceback (most recent call last):
    gis.errors.operation.AssetUnknown: There is no asset /assets/leaflet/../../secret.
    """
    asset = ASSETS.get(path)
    if asset is None:
        raise AssetUnknown(path=path)
    file = _HERE / asset.file
    if not file.is_file():
        raise AssetsMissing(file=asset.file)
    return asset, file


@cache
def content_hash(path: str) -> str:
    """Return 16 hexadecimal digits of the content's SHA-256: an ETag, and the ``v`` of :func:`url`.

    Read once per process: packages change only by a setup, which needs a restart anyway.
    """
    _, file = file_of(path)
    return hashlib.sha256(file.read_bytes()).hexdigest()[:16]


@cache
def packed(path: str) -> bytes | None:
    """Return the content as gzip, made once per process; None for pictures, which are packed."""
    asset, file = file_of(path)
    if asset.media_type.startswith("image/"):
        return None
    return gzip.compress(file.read_bytes(), mtime=0)


def url(path: str) -> str:
    """Return the public path with its content hash, so that browsers may keep it for ever."""
    return f"{path}?v={content_hash(path)}"


@cache
def inline(path: str) -> str:
    """Return a script or a style as text for a page that must stand alone (a saved file).

    Safe between ``<script>`` or ``<style>`` tags. A style's pictures become data URLs. Leaflet
    finds its default marker by the picture's file name, which a data URL does not have: standalone
    pages draw circle markers or name their icon.

    Raises
    ------
    ValueError
        The asset is a picture, or the MapLibre module (which loads its worker as a file).
    """
    asset, file = file_of(path)
    if asset.media_type == "image/png" or file.suffix == ".mjs":
        raise ValueError(f"{path} cannot be written into a page")
    text = _SOURCE_MAP.sub("", file.read_text(encoding="utf-8"))
    if asset.media_type == "text/css":
        return _CSS_PICTURE.sub(lambda found: f"url({_data_url(path, found['file'])})", text)
    return _SCRIPT_BREAKERS.sub(r"\\x3C", text)


def missing() -> list[str]:
    """Return the declared files that are not on the disk (below ``maps/``); empty after a setup."""
    return [asset.file for asset in ASSETS.values() if not (_HERE / asset.file).is_file()]


def _data_url(style: str, picture: str) -> str:
    asset, file = file_of(f"{style.rsplit('/', 1)[0]}/{picture}")
    encoded = base64.b64encode(file.read_bytes()).decode("ascii")
    return f"data:{asset.media_type};base64,{encoded}"
