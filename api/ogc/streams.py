"""Whole selections as streams: GeoJSON text sequences, CSV, FlatGeobuf; memory stays flat."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any, Final

from anyio import CapacityLimiter, from_thread
from anyio.to_thread import run_sync
from fastapi.responses import FileResponse, StreamingResponse
from starlette.background import BackgroundTask
from starlette.responses import Response

from api.ogc.documents import ITEM_FORMATS
from api.ogc.lanes import Lane
from api.ogc.question import Question
from gis.errors import GovernanceError
from gis.governance.actors import Actor
from gis.store.areas import published_revision
from gis.store.features import Frame
from gis.store.unit_of_work import UnitOfWork
from layers.catalogue import Layer, View
from layers.features import CHUNK, Page, Reader, feature_json, plain_value

Rows = Sequence[Sequence[Any]]

INDEXED_TO: Final = {"point": 100_000, "line": 20_000, "polygon": 20_000}
"""Features of a FlatGeobuf file with an index, by their kind: about 20 MB in memory meanwhile."""
_SEPARATOR: Final = b"\x1e"
"""Record separator of RFC 8142."""


async def streamed(
    lane: Lane, actor: Actor, layer: Layer, question: Question, headers: dict[str, str]
) -> Response:
    """Return the answer of a format for whole selections.

    Each piece is read in a short transaction of its own, after the last feature of the one before:
    a slow reader keeps no connection.
    """
    name = f'attachment; filename="{layer.key}.{question.form}"'
    headers = {**headers, "Content-Disposition": name}
    media_type = ITEM_FORMATS[question.form]
    if question.form == "fgb":
        return await _flatgeobuf(lane, actor, layer, question, headers)
    pieces = _pieces(lane, actor, layer, question, frame=question.frame.frame)
    first = await anext(pieces)  # a refusal must come before the answer begins
    text = _csv if question.form == "csv" else _sequence
    return StreamingResponse(
        text(first, pieces, question, layer), media_type=media_type, headers=headers
    )


async def _pieces(
    lane: Lane, actor: Actor, layer: Layer, question: Question, *, frame: Frame | None
) -> AsyncIterator[Rows]:
    """Yield the features of a question in pieces; at least one piece, maybe empty.

    Shapes are GeoJSON in a frame, WKB in lon/lat without one.
    """
    left, after, offset = question.limit, question.after, question.offset
    revision = None
    if layer.fresh == "revision" and question.plain.during is None:
        revision = await lane.ask(actor, published_revision) or 0  # one edition from end to end
    while True:
        size = CHUNK if left is None else min(CHUNK, left)
        page = await lane.ask(
            actor,
            partial(_page, layer=layer, actor=actor, question=question, frame=frame, size=size,
                    after=after, offset=offset, revision=revision),
        )  # fmt: skip
        yield page.rows
        left = None if left is None else left - len(page.rows)
        after, offset = page.following, 0
        if after is None or left == 0:
            return


def _page(
    work: UnitOfWork,
    *,
    layer: Layer,
    actor: Actor,
    question: Question,
    frame: Frame | None,
    size: int,
    after: str | None,
    offset: int,
    revision: int | None,
) -> Page:
    reader = Reader(work, layer, actor, question.selection(), revision=revision)
    return reader.page(
        frame,
        limit=size,
        after=after,
        offset=offset,
        names=question.names,
        counted=False,
    )


async def _sequence(
    first: Rows,
    pieces: AsyncIterator[Rows],
    question: Question,
    _layer: Layer,
) -> AsyncIterator[bytes]:
    async for rows in _all(first, pieces):
        yield b"".join(_SEPARATOR + feature_json(row, question.names) + b"\n" for row in rows)


async def _csv(
    first: Rows,
    pieces: AsyncIterator[Rows],
    question: Question,
    layer: Layer,
) -> AsyncIterator[bytes]:
    point = layer.kind == "point"
    head = ["id", *question.names, *(["lon", "lat"] if point else ["wkt"])]
    yield "\ufeff".encode() + _lines([head])
    async for rows in _all(first, pieces):
        yield _lines(_cells(row, point=point, flipped=question.frame.flipped) for row in rows)


def _cells(row: Sequence[Any], *, point: bool, flipped: bool) -> list[Any]:
    import json  # noqa: PLC0415 - shapely is not needed for points

    import shapely  # noqa: PLC0415

    values = [row[0], *(plain_value(value) for value in row[2:])]
    if point:
        first, second = json.loads(row[1])["coordinates"][:2]
        return [*values, *((second, first) if flipped else (first, second))]
    return [*values, shapely.to_wkt(shapely.from_geojson(row[1]), rounding_precision=9)]


def _lines(rows: Iterator[list[Any]] | list[list[Any]]) -> bytes:
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode()


async def _all(first: Rows, pieces: AsyncIterator[Rows]) -> AsyncIterator[Rows]:
    yield first
    async for rows in pieces:
        yield rows


async def _flatgeobuf(
    lane: Lane, actor: Actor, layer: Layer, question: Question, headers: dict[str, str]
) -> Response:
    """Write the selection into a file beside, and send that.

    The index stands before the features, so nothing can be sent before all is read; it is read in
    pieces like every other stream, and only a file grows: more features than
    :data:`INDEXED_TO` have no index.
    """
    indexed = await lane.ask(actor, partial(_indexed, layer=layer, actor=actor, question=question))
    pieces = _pieces(lane, actor, layer, question, frame=None)
    first = await anext(pieces)  # a refusal takes no place among the writers
    folder = tempfile.TemporaryDirectory(prefix="gridward-fgb-")
    path = Path(folder.name) / f"{layer.key}.fgb"
    write = partial(
        _written, layer=layer, actor=actor, question=question, path=path, indexed=indexed
    )
    try:
        async with lane.writers:
            await run_sync(partial(write, first, pieces), limiter=CapacityLimiter(1))
    except BaseException:
        folder.cleanup()
        raise
    return FileResponse(
        path,
        media_type=ITEM_FORMATS["fgb"],
        headers=headers,
        background=BackgroundTask(folder.cleanup),
    )


def _indexed(work: UnitOfWork, *, layer: Layer, actor: Actor, question: Question) -> bool:
    most = INDEXED_TO[layer.kind]
    if question.limit is not None and question.limit <= most:
        return True
    reader = Reader(work, layer, actor, question.selection())
    return reader.source.count(work, reader.wanted, up_to=most) is not None


def _written(
    first: Rows,
    pieces: AsyncIterator[Rows],
    *,
    layer: Layer,
    actor: Actor,
    question: Question,
    path: Path,
    indexed: bool,
) -> None:
    from layers.files.export import Target, write_layer  # noqa: PLC0415 - GDAL takes its time

    refused: list[GovernanceError] = []

    async def following() -> Rows | None:
        try:
            return await anext(pieces, None)
        except GovernanceError as error:
            refused.append(error)  # on its way through Arrow it would lose its words
            return None

    view = View.of(layer, actor)
    attributes = [one for one in view.attributes if one.name in question.names]
    crs = f"EPSG:{question.frame.srid}" if question.frame.srid else "WGS84"
    more = iter(lambda: from_thread.run(following), None)
    write_layer(layer, attributes, chain([first], more), Target(path, crs, indexed=indexed))
    if refused:
        raise refused[0]
