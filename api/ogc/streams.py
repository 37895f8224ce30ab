"""Whole selections as streams: GeoJSON text sequences, CSV, FlatGeobuf; memory stays flat."""

from __future__ import annotations

import csv
import io
import tempfile
from collections.abc import AsyncIterator, Iterator, Sequence
from functools import partial
from pathlib import Path
from typing import Any, Final

from fastapi.responses import FileResponse, StreamingResponse
from starlette.background import BackgroundTask
from starlette.responses import Response

from api.ogc.documents import ITEM_FORMATS
from api.ogc.lanes import Lane
from api.ogc.question import Question
from gis.governance.actors import Actor
from gis.store.unit_of_work import UnitOfWork
from layers.catalogue import Layer
from layers.features import CHUNK, Page, Reader, feature_json, plain_value

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
    pieces = _pieces(lane, actor, layer, question)
    first = await anext(pieces)  # a refusal must come before the answer begins
    text = _csv if question.form == "csv" else _sequence
    return StreamingResponse(
        text(first, pieces, question, layer), media_type=media_type, headers=headers
    )


async def _pieces(
    lane: Lane, actor: Actor, layer: Layer, question: Question
) -> AsyncIterator[Sequence[Sequence[Any]]]:
    """Yield the features of a question in pieces; at least one piece, maybe empty."""
    left, after, offset = question.limit, question.after, question.offset
    while True:
        size = CHUNK if left is None else min(CHUNK, left)
        page = await lane.ask(
            actor,
            partial(_page, layer=layer, actor=actor, question=question, size=size, after=after,
                    offset=offset),
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
    size: int,
    after: str | None,
    offset: int,
) -> Page:
    reader = Reader(work, layer, actor, question.selection())
    return reader.page(
        question.frame.frame,
        limit=size,
        after=after,
        offset=offset,
        names=question.names,
        counted=False,
    )


async def _sequence(
    first: Sequence[Sequence[Any]],
    pieces: AsyncIterator[Sequence[Sequence[Any]]],
    question: Question,
    _layer: Layer,
) -> AsyncIterator[bytes]:
    async for rows in _all(first, pieces):
        yield b"".join(_SEPARATOR + feature_json(row, question.names) + b"\n" for row in rows)


async def _csv(
    first: Sequence[Sequence[Any]],
    pieces: AsyncIterator[Sequence[Sequence[Any]]],
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


async def _all(
    first: Sequence[Sequence[Any]], pieces: AsyncIterator[Sequence[Sequence[Any]]]
) -> AsyncIterator[Sequence[Sequence[Any]]]:
    yield first
    async for rows in pieces:
        yield rows


async def _flatgeobuf(
    lane: Lane, actor: Actor, layer: Layer, question: Question, headers: dict[str, str]
) -> Response:
    """Write the selection into a file beside, with its index, and send that."""
    folder = tempfile.TemporaryDirectory(prefix="gridward-fgb-")
    path = Path(folder.name) / f"{layer.key}.fgb"
    try:
        await lane.ask(
            actor,
            partial(_written, layer=layer, actor=actor, question=question, path=path),
        )
    except BaseException:
        folder.cleanup()
        raise
    return FileResponse(
        path,
        media_type=ITEM_FORMATS["fgb"],
        headers=headers,
        background=BackgroundTask(folder.cleanup),
    )


def _written(
    work: UnitOfWork, *, layer: Layer, actor: Actor, question: Question, path: Path
) -> None:
    from layers.files.export import Target, write_layer  # noqa: PLC0415 - GDAL takes its time

    reader = Reader(work, layer, actor, question.selection())
    attributes = [one for one in reader.view.attributes if one.name in question.names]
    crs = f"EPSG:{question.frame.srid}" if question.frame.srid else "WGS84"
    pieces = reader.chunks(names=question.names, limit=question.limit, after=question.after,
                           offset=question.offset)  # fmt: skip
    write_layer(layer, attributes, pieces, Target(path, crs))
