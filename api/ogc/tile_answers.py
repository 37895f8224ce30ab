"""Answers to requests for tiles: tags, how long they keep, their encoding; from memory first."""

from __future__ import annotations

import gzip
import hashlib
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Final

from fastapi import Response
from starlette.concurrency import run_in_threadpool

from api.ogc.links import MVT
from api.runtime import Runtime
from gis.errors import TileUnknown
from gis.governance.actors import Actor
from gis.store.layer_state import State
from gis.store.layer_tiles import Tile, question, rendered
from layers.catalogue import LAYERS, Layer, View
from layers.tile_cache import TileCache
from layers.tiles import Made, cut_of, packed

ZOOMS: Final = (0, 22)
_KEEP_S: Final = 3600 * 24 * 30
_MVT: Final = MVT.encode()
_SMALL: Final = 16_384
"""Bytes that are compressed in less time than a thread takes to be asked."""

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True, slots=True)
class Terms:
    """What a request says beside the tile's address.

    ``versioned``: the address names a version, so the answer may be kept for long; ``tags`` is
    ``If-None-Match``.
    """

    versioned: bool = False
    tags: str = ""
    gzip: bool = False

    def know(self, tag: str) -> bool:
        """Tell whether the caller has what the tag stands for."""
        return bool(self.tags) and any(
            each.strip().removeprefix("W/") in (tag, "*") for each in self.tags.split(",")
        )


@dataclass(frozen=True, slots=True)
class Answer:
    """An answer as ASGI sends it."""

    status: int
    headers: Headers = field(default_factory=list)
    body: bytes = b""

    def response(self) -> Response:
        """Return it as an endpoint returns it."""
        made = Response(self.body, status_code=self.status)
        made.raw_headers = self.headers
        return made


@lru_cache(maxsize=2048)
def view_of(layer: str, role: str, area: str | None) -> tuple[str, bool]:
    """Return the key of what a role in an area sees of a layer, and whether that is private."""
    view = View.of(LAYERS[layer], Actor("", role, area))
    return view.key, view.private


def addressed(z: str, y: str, x: str) -> Tile:
    """Return the tile of an address.

    Raises
    ------
    gis.errors.TileUnknown
        No whole numbers.
    """
    if not all(one.isascii() and one.isdigit() and len(one) < 11 for one in (z, y, x)):
        shown = "/".join("".join(c if c.isprintable() else "?" for c in one) for one in (z, y, x))
        raise TileUnknown(tile=shown, zooms=f"{ZOOMS[0]}-{ZOOMS[1]}")
    return Tile(int(z), int(x), int(y))


async def one_layer(
    app: Runtime, actor: Actor, layer: Layer, state: State, wanted: Tile, *, terms: Terms
) -> Answer:
    """Return the answer to a request for a tile of a layer that the actor sees."""
    view, private = view_of(layer.key, actor.role, actor.area_code)
    made = app.layers.versions.of(layer, state, wanted)
    if made is None:
        content = await content_of(app, actor, layer, state, wanted)
        return answer(content, None, terms, private=private)
    tag = f'"{layer.key}.{view}.{made}.{wanted.z}.{wanted.y}.{wanted.x}"'
    if terms.know(tag):
        return unchanged(tag, terms, private=private)
    content = await content_of(app, actor, layer, state, wanted)
    return answer(content, tag, terms, private=private)


async def content_of(app: Runtime, actor: Actor, layer: Layer, state: State, wanted: Tile) -> bytes:
    """Return a tile's gzip bytes: from memory, from the folder, else cut now.

    A tile that is being cut is waited for, not cut again.
    """
    made = app.layers.versions.of(layer, state, wanted)
    if made is None:
        return (await _cut(app, actor, layer, state, wanted)).content
    kept = app.layers.tiles
    view, _ = view_of(layer.key, actor.role, actor.area_code)
    key = TileCache.key(layer.key, view, made, wanted)
    found = kept.remembered(key)
    if found is None and kept.has(key):
        found = await run_in_threadpool(kept.read, key)
    if found is not None:
        return found

    async def cut() -> bytes:
        made = await _cut(app, actor, layer, state, wanted)
        if made.lasting:
            kept.keep(key, made.content)
        return made.content

    return await app.layers.cutting.once(key, cut)


async def _cut(app: Runtime, actor: Actor, layer: Layer, state: State, wanted: Tile) -> Made:
    cut = cut_of(layer, actor, state, wanted.z)
    raw, token = rendered(await app.layers.lanes.tiles.ask(*question(cut, wanted)))
    if len(raw) < _SMALL:
        return packed(raw, token, layer, state)
    return await run_in_threadpool(packed, raw, token, layer, state)


def answer(content: bytes, tag: str | None, terms: Terms, *, private: bool) -> Answer:
    """Return the answer with a tile (gzip bytes); without a tag one is made of the bytes."""
    if tag is None:
        tag = f'"{hashlib.blake2b(content, digest_size=12).hexdigest()}"'
        terms = Terms(versioned=False, tags=terms.tags, gzip=terms.gzip)
        if terms.know(tag):
            return unchanged(tag, terms, private=private)
    if not content:
        return Answer(204, _headers(tag, terms, private=private))
    if terms.gzip:
        headers = _headers(tag, terms, private=private)
        headers.append((b"content-encoding", b"gzip"))
    else:
        # another encoding is another representation: its tag differs
        headers = _headers(f'{tag[:-1]}.plain"', terms, private=private)
        content = gzip.decompress(content)
    headers.append((b"content-type", _MVT))
    headers.append((b"content-length", b"%d" % len(content)))
    return Answer(200, headers, content)


def unchanged(tag: str, terms: Terms, *, private: bool) -> Answer:
    """Return the answer to one who has the tile already."""
    return Answer(304, _headers(tag, terms, private=private))


def _headers(tag: str, terms: Terms, *, private: bool) -> Headers:
    return [(b"etag", tag.encode()), *_KEEPING[private, terms.versioned]]


_KEEPING: Final = {
    (private, versioned): (
        (
            b"cache-control",
            f"{'private' if private else 'public'}, "
            f"{f'max-age={_KEEP_S}, immutable' if versioned else 'no-cache'}".encode(),
        ),
        (b"vary", b"Accept-Encoding, Authorization, Cookie"),
        (b"access-control-allow-origin", b"*"),
    )
    for private in (False, True)
    for versioned in (False, True)
}
