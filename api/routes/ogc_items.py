"""OGC API Features: the features of a layer."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from functools import partial
from typing import Annotated, Any

from fastapi import APIRouter, Path, Request, Response

from api.language import tag_of
from api.ogc import asked
from api.ogc.documents import ITEM_FORMATS
from api.ogc.links import GEOJSON, HTML, JSON, chosen_format, here, link, root
from api.ogc.question import WHOLE, Question, question
from api.ogc.streams import streamed
from api.rendering import page as html
from api.routes.ogc import LayerKey, Open, Reader, spoken
from gis.errors import Language
from gis.governance.actors import Actor
from gis.store.unit_of_work import UnitOfWork
from layers.catalogue import Layer, View, layer_of
from layers.drawing import thumbnail
from layers.features import COUNTED_TO, Page, Selection, encoded, feature_json, plain_value
from layers.features import Reader as Features
from layers.frames import NamedFrame, frames_for, named
from layers.state import version

router = APIRouter(prefix="/ogc/collections/{key}/items", tags=["layers"])

FeatureId = Annotated[str, Path(max_length=200, description="要素编号 / id of the feature")]


@router.get("", summary="Features of a layer", response_class=Response)
async def items(request: Request, app: Open, actor: Reader, key: LayerKey) -> Response:
    """Features by `limit`, `bbox`, `datetime`, `filter` (CQL2), properties; `crs` and `f`.

    The parameters, with their defaults and bounds, are in the document at `/ogc/api`.
    """
    layer = layer_of(key, actor)
    view = View.of(layer, actor)
    wanted = question(request, view, frames_for(await app.layers.extent_of_city()))
    headers = _headers(view, wanted.frame)
    lane = app.layers.lanes.heavy if wanted.is_heavy else app.layers.lanes.pages
    if wanted.form in WHOLE:
        return await streamed(app.layers.lanes.heavy, actor, layer, wanted, headers)
    made = version(layer, await app.layers.now()) if wanted.plain.during is None else None
    tag = None if made is None else _tag(request, wanted.form, view.key, made)
    if tag is not None and _has(request, tag):
        return Response(status_code=304, headers={**headers, "ETag": tag})
    known = None
    if made is not None and wanted.plain.is_all and wanted.filter_text is None:
        known = app.layers.known_count(layer, view, made)
    ask = partial(
        _page, layer=layer, actor=actor, wanted=wanted, known=known, lasting=made is not None
    )
    page = await lane.ask(actor, ask)
    if made is not None and page.whole is not None:
        app.layers.note_count(layer, view, made, page.whole)
    if wanted.form == "html":
        return _html(request, view, wanted, page)
    body = _collection(request, wanted, page)
    headers["ETag"] = tag or f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    if _has(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=GEOJSON, headers=headers)


@router.get("/{feature_id}", summary="One feature", response_class=Response)
async def item(
    request: Request, app: Open, actor: Reader, key: LayerKey, feature_id: FeatureId
) -> Response:
    """One feature by its id, as GeoJSON or as a page."""
    layer = layer_of(key, actor)
    view = View.of(layer, actor)
    given = asked.parameters(request, {"crs"})
    formats = {"json": GEOJSON, "html": HTML}
    form = chosen_format(
        request, "json" if given.get("f") == "geojson" else given.get("f"), formats
    )
    offered = frames_for(await app.layers.extent_of_city())
    frame = named(given["crs"], "crs", offered) if "crs" in given else offered[0]
    row = await app.layers.lanes.pages.ask(
        actor, partial(_one, layer=layer, actor=actor, fid=feature_id, frame=frame)
    )
    at = f"{root(request)}/collections/{layer.key}"
    links = [
        *(
            link(here(request, f=each), "self" if each == form else "alternate", kind, each)
            for each, kind in formats.items()
        ),
        link(at, "collection", JSON, layer.title(zh=spoken(request, form) == "zh")),
    ]
    if form == "html":
        cells = list(zip(view.attributes, map(plain_value, row[2:]), strict=True))
        drawn = thumbnail([row[1]]) if frame.srid == 0 else None
        return html(request, "ogc_item.html", layer=layer, fid=row[0], cells=cells, drawn=drawn,
                    root=root(request))  # fmt: skip
    body = feature_json(row, view.names, {"links": links})
    headers = _headers(view, frame)
    headers["ETag"] = f'"{hashlib.blake2b(body, digest_size=12).hexdigest()}"'
    if _has(request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(body, media_type=GEOJSON, headers=headers)


def _page(
    work: UnitOfWork,
    *,
    layer: Layer,
    actor: Actor,
    wanted: Question,
    known: int | None,
    lasting: bool,
) -> Page:
    """Return a page; a whole layer whose version lasts is counted to its end, once."""
    selection = wanted.selection()
    reader = Features(work, layer, actor, selection)
    page = reader.page(
        wanted.frame.frame,
        limit=wanted.limit or asked.PAGE,
        after=wanted.after,
        offset=wanted.offset,
        names=wanted.names,
        counted=known is None,
    )
    if known is not None:
        return replace(page, matched=known)
    if selection.is_all and lasting:
        whole = reader.count() if page.matched is None else page.matched
        return replace(page, matched=whole, whole=whole)
    return page


def _one(work: UnitOfWork, *, layer: Layer, actor: Actor, fid: str, frame: NamedFrame) -> Any:  # noqa: ANN401
    return Features(work, layer, actor, Selection()).one(fid, frame.frame)


def _collection(request: Request, wanted: Question, page: Page) -> bytes:
    """Return a page as a GeoJSON feature collection."""
    members: dict[str, Any] = {
        "links": _links(request, wanted, page),
        "numberReturned": len(page.rows),
    }
    if page.matched is not None:
        members["numberMatched"] = page.matched
    else:
        members["numberMatchedAtLeast"] = COUNTED_TO
    features = b",".join(feature_json(row, wanted.names) for row in page.rows)
    head = encoded({"type": "FeatureCollection", **members})
    return head[:-1] + b',"features":[' + features + b"]}"


def _links(request: Request, wanted: Question, page: Page) -> list[dict[str, Any]]:
    at = str(request.url).partition("?")[0].removesuffix("/items")
    plain = here(request, f=None)
    plain += "&" if "?" in plain else "?"
    made = [
        link(
            f"{plain}f={form}",
            "self" if form == wanted.form else "alternate",
            media_type,
            f"This document as {form}",
        )
        for form, media_type in ITEM_FORMATS.items()
    ]
    made.append(link(at, "collection", JSON, "The layer"))
    if page.following is not None:
        following = here(request, cursor=asked.cursor(page.following), offset=None)
        made.append(link(following, "next", ITEM_FORMATS[wanted.form], "Next page"))
    return made


def _headers(view: View, frame: NamedFrame) -> dict[str, str]:
    scope = "private" if view.private else "public"
    return {
        "Content-Crs": f"<{frame.uri}>",
        "Cache-Control": f"{scope}, no-cache",
        "Vary": "Accept, Accept-Language, Authorization, Cookie",
        "Access-Control-Allow-Origin": "*",
        "Access-Control-Expose-Headers": "Content-Crs, ETag",
    }


def _tag(request: Request, form: str, *parts: str) -> str:
    """Return the strong tag of an answer that depends on nothing but these and its address."""
    text = "\n".join([str(request.url), form, *parts])
    return f'"{hashlib.blake2b(text.encode(), digest_size=12).hexdigest()}"'


def _has(request: Request, tag: str) -> bool:
    given = request.headers.get("if-none-match", "")
    return any(each.strip().removeprefix("W/") in (tag, "*") for each in given.split(","))


def _html(request: Request, view: View, wanted: Question, page: Page) -> Response:
    language: Language = spoken(request, "html")
    shown = [one for one in view.attributes if one.name in wanted.names]
    rows = [(row[0], [plain_value(value) for value in row[2:]]) for row in page.rows]
    following = None
    if page.following is not None:
        following = here(request, cursor=asked.cursor(page.following), offset=None)
    answer = html(
        request,
        "ogc_items.html",
        layer=view.layer,
        attributes=shown,
        rows=rows,
        matched=page.matched,
        at_least=COUNTED_TO,
        following=following,
        formats={form: here(request, f=form) for form in ITEM_FORMATS if form != "html"},
        drawn=thumbnail([row[1] for row in page.rows]) if wanted.frame.srid == 0 else None,
        root=root(request),
    )
    answer.headers["Content-Language"] = tag_of(language)
    return answer
