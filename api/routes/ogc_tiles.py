"""OGC API Tiles: vector tiles of a layer and of several, their sets, TileJSON, tiling schemes."""

from __future__ import annotations

import gzip
import hashlib
from typing import Annotated, Any, Final

from fastapi import APIRouter, Path, Request, Response

from api.ogc import asked, documents, tile_answers
from api.ogc.links import (
    HTML,
    JSON,
    MATRIX_SET,
    MATRIX_SET_URI,
    STYLE,
    chosen_format,
    link,
    root,
    said,
)
from api.ogc.tile_answers import Terms
from api.routes.ogc import LayerKey, Open, Reader, answered, spoken
from api.runtime import Runtime
from gis.governance.actors import Actor
from gis.store.layer_tiles import HALF
from layers.catalogue import Layer, View, layer_of, layers_for
from layers.state import version
from layers.styles import maplibre
from layers.tiles import checked

router = APIRouter(prefix="/ogc", tags=["layers"])

Digits = Annotated[str, Path(max_length=12)]
_BOTH: Final = {"json": JSON, "html": HTML}


@router.get("/tileMatrixSets", summary="Tiling schemes", response_class=Response)
async def schemes(request: Request, _actor: Reader) -> Response:
    """List the tiling schemes."""
    form = chosen_format(request, asked.parameters(request).get("f"), _BOTH)
    at = f"{root(request)}/tileMatrixSets/{MATRIX_SET}"
    listed = [
        {
            "id": MATRIX_SET,
            "title": "Google Maps Compatible for the World",
            "uri": MATRIX_SET_URI,
            "links": [link(at, "self", JSON, MATRIX_SET)],
        }
    ]
    return answered(request, form, {"tileMatrixSets": listed}, "document")


@router.get("/tileMatrixSets/WebMercatorQuad", summary="Web Mercator", response_class=Response)
async def scheme(request: Request, _actor: Reader) -> Response:
    """Describe WebMercatorQuad."""
    form = chosen_format(request, asked.parameters(request).get("f"), _BOTH)
    matrices = [
        {
            "id": str(zoom),
            "scaleDenominator": 2 * HALF / 256 / 0.00028 / 2**zoom,
            "cellSize": 2 * HALF / 256 / 2**zoom,
            "pointOfOrigin": [-HALF, HALF],
            "tileWidth": 256,
            "tileHeight": 256,
            "matrixWidth": 2**zoom,
            "matrixHeight": 2**zoom,
        }
        for zoom in range(tile_answers.ZOOMS[1] + 1)
    ]
    document = {
        "id": MATRIX_SET,
        "title": "Google Maps Compatible for the World",
        "uri": MATRIX_SET_URI,
        "crs": "http://www.opengis.net/def/crs/EPSG/0/3857",
        "orderedAxes": ["X", "Y"],
        "wellKnownScaleSet": "http://www.opengis.net/def/wkss/OGC/1.0/GoogleMapsCompatible",
        "tileMatrices": matrices,
    }
    return answered(request, form, document, "document")


@router.get("/tiles", summary="Tile sets of all layers", response_class=Response)
async def all_sets(request: Request, app: Open, actor: Reader) -> Response:
    """List the tile sets that hold all layers which the caller sees."""
    return await _sets(request, app, layers_for(actor), "")


@router.get("/collections/{key}/tiles", summary="Tile sets of a layer", response_class=Response)
async def sets(request: Request, app: Open, actor: Reader, key: LayerKey) -> Response:
    """List a layer's tile sets."""
    return await _sets(request, app, [layer_of(key, actor)], f"/collections/{key}")


@router.get("/tiles/WebMercatorQuad", summary="Tiles of all layers", response_class=Response)
async def whole_set(request: Request, app: Open, actor: Reader) -> Response:
    """Describe the tile set of all layers."""
    return await _set(request, app, layers_for(actor), "")


@router.get("/collections/{key}/tiles/WebMercatorQuad", summary="Tile set", response_class=Response)
async def one_set(request: Request, app: Open, actor: Reader, key: LayerKey) -> Response:
    """Describe the tile set of a layer."""
    return await _set(request, app, [layer_of(key, actor)], f"/collections/{key}")


@router.get(
    "/tiles/WebMercatorQuad/tilejson", summary="TileJSON of all layers", response_class=Response
)
async def whole_tilejson(request: Request, app: Open, actor: Reader) -> Response:
    """Describe the tiles of all layers as TileJSON 3.0."""
    return await _tilejson(request, app, actor, layers_for(actor), "")


@router.get(
    "/collections/{key}/tiles/WebMercatorQuad/tilejson",
    summary="TileJSON",
    response_class=Response,
)
async def one_tilejson(request: Request, app: Open, actor: Reader, key: LayerKey) -> Response:
    """Describe the tiles of a layer as TileJSON 3.0."""
    return await _tilejson(request, app, actor, [layer_of(key, actor)], f"/collections/{key}")


@router.get("/collections/{key}/style", summary="Default style of a layer", response_class=Response)
async def style(request: Request, actor: Reader, key: LayerKey) -> Response:
    """Give the default style of a layer's tiles, as MapLibre and QGIS read it."""
    view = View.of(layer_of(key, actor), actor)
    chosen_format(request, asked.parameters(request).get("f"), {"json": STYLE})
    address = f"{root(request)}/collections/{view.layer.key}/tiles/{MATRIX_SET}/{{z}}/{{y}}/{{x}}"
    return answered(request, "json", maplibre(view, address), "document", media_type=STYLE)


@router.get(
    "/collections/{key}/tiles/WebMercatorQuad/{z}/{y}/{x}",
    summary="A tile",
    response_class=Response,
)
async def tile(
    request: Request, app: Open, actor: Reader, key: LayerKey, z: Digits, y: Digits, x: Digits
) -> Response:
    """Return a vector tile; 204 where nothing is, 404 outside the zooms."""
    layer = layer_of(key, actor)
    terms = _terms(request, ())
    wanted = checked(tile_answers.addressed(z, y, x), layer.zooms)
    state = await app.layers.now()
    return (await tile_answers.one_layer(app, actor, layer, state, wanted, terms=terms)).response()


@router.get(
    "/tiles/WebMercatorQuad/{z}/{y}/{x}", summary="A tile of several layers",
    response_class=Response,
)  # fmt: skip
async def whole_tile(
    request: Request, app: Open, actor: Reader, z: Digits, y: Digits, x: Digits
) -> Response:
    """Return a vector tile with the layers named in `collections`, all without it."""
    terms = _terms(request, ("collections",))
    given = request.query_params.get("collections")
    layers = layers_for(actor)
    if given is not None:
        layers = [layer_of(key, actor) for key in dict.fromkeys(given.split(","))]
    wanted = checked(tile_answers.addressed(z, y, x), _zooms(layers))
    layers = [one for one in layers if one.zooms[0] <= wanted.z <= one.zooms[1]]
    state = await app.layers.now()
    versions = [app.layers.versions.of(one, state, wanted) for one in layers]
    views = [View.of(one, actor) for one in layers]
    private = any(one.private for one in views)
    tag = None
    if None not in versions:
        parts = "".join(
            f"{v.layer.key}.{v.key}.{made};" for v, made in zip(views, versions, strict=True)
        )
        tag = f'"{hashlib.blake2b(parts.encode(), digest_size=12).hexdigest()}.{z}.{y}.{x}"'
        if terms.know(tag):
            return tile_answers.unchanged(tag, terms, private=private).response()
    raw = b""
    for one in layers:
        content = await tile_answers.content_of(app, actor, one, state, wanted)
        raw += gzip.decompress(content) if content else b""  # tiles are joined by joining bytes
    content = gzip.compress(raw, 1, mtime=0) if raw else b""
    return tile_answers.answer(content, tag, terms, private=private).response()


def _terms(request: Request, known: tuple[str, ...]) -> Terms:
    """Return what the request says; ``v``: the address names a version and may be kept for long."""
    form = asked.parameters(request, {*known, "v"})
    if form.get("f", "mvt") not in {"mvt", "pbf"}:
        raise asked.invalid("f", "可用的格式：mvt", "formats that there are: mvt")
    return Terms(
        versioned="v" in form,
        tags=request.headers.get("if-none-match", ""),
        gzip="gzip" in request.headers.get("accept-encoding", ""),
    )


def _zooms(layers: list[Layer]) -> tuple[int, int]:
    return min(one.zooms[0] for one in layers), max(one.zooms[1] for one in layers)


async def _sets(request: Request, app: Runtime, layers: list[Layer], path: str) -> Response:
    form = chosen_format(request, asked.parameters(request).get("f"), _BOTH)
    extent = await app.layers.extent_of_city()
    language = spoken(request, form)
    made = documents.tileset(root(request), layers, extent, language, path)
    title = said(language, "瓦片集", "Tile sets")
    document = {
        "links": [link(f"{root(request)}{path}/tiles", "self", JSON, title)],
        "tilesets": [made],
    }
    return answered(request, form, document, "document")


async def _set(request: Request, app: Runtime, layers: list[Layer], path: str) -> Response:
    form = chosen_format(request, asked.parameters(request).get("f"), _BOTH)
    extent = await app.layers.extent_of_city()
    document = documents.tileset(root(request), layers, extent, spoken(request, form), path)
    return answered(request, form, document, "document")


async def _tilejson(
    request: Request, app: Runtime, actor: Actor, layers: list[Layer], path: str
) -> Response:
    chosen_format(request, asked.parameters(request).get("f"), {"json": JSON})
    language = spoken(request, "json")
    extent = await app.layers.extent_of_city() or (-180.0, -85.0, 180.0, 85.0)
    state = await app.layers.now()
    versions = [version(one, state) for one in layers]
    suffix = ""
    if len(layers) == 1 and versions[0] is not None:
        # the answer to an address with its version may be kept for long
        edition = state.editions.get(layers[0].key, ())
        text = f"{versions[0]}{edition[0].token if edition else ''}"
        suffix = f"?v={hashlib.blake2b(text.encode(), digest_size=6).hexdigest()}"
    document: dict[str, Any] = {
        "tilejson": "3.0.0",
        "name": layers[0].title(zh=language == "zh") if len(layers) == 1 else "Gridward",
        "tiles": [f"{root(request)}{path}/tiles/{MATRIX_SET}/{{z}}/{{y}}/{{x}}{suffix}"],
        "minzoom": _zooms(layers)[0],
        "maxzoom": _zooms(layers)[1],
        "bounds": list(extent),
        "center": [(extent[0] + extent[2]) / 2, (extent[1] + extent[3]) / 2, 10],
        "vector_layers": [one for layer in layers for one in _vector_layers(layer, actor)],
    }
    return answered(request, "json", document, "document")


def _aggregated(layer: Layer) -> dict[str, Any]:
    """Return what TileJSON tells of a layer whose tiles hold counts or joined lines at first."""
    if layer.binned_below:
        return {"aggregated": True, "aggregatedBelow": layer.binned_below}
    if layer.merged_below is not None:
        below, by = layer.merged_below
        return {"aggregated": True, "aggregatedBelow": below, "aggregatedBy": by}
    return {}


def _vector_layers(layer: Layer, actor: Actor) -> list[dict[str, Any]]:
    view = View.of(layer, actor)
    kinds = {"integer": "Number", "number": "Number", "boolean": "Boolean"}
    fields = {one.name: kinds.get(one.type, "String") for one in view.attributes if one.tiled}
    if layer.binned_below:
        fields["point_count"] = "Number"
    made: list[dict[str, Any]] = [
        {
            "id": layer.key,
            "description": layer.about_en,
            "fields": fields,
            "minzoom": layer.zooms[0],
            "maxzoom": layer.zooms[1],
            **_aggregated(layer),
        }
    ]
    if layer.kind == "polygon" and {"code", "name"} <= set(view.names):
        made.append(
            {
                "id": f"{layer.key}-labels",
                "description": "Label points",
                "fields": {"code": "String", "name": "String"},
                "minzoom": layer.zooms[0],
                "maxzoom": layer.zooms[1],
            }
        )
    return made
