"""The OGC interface in OpenAPI 3.0, written by hand: every schema inline, every parameter named.

GDAL and QGIS read it: the default and maximum of ``limit`` decide the size of their pages, and an
attribute that is declared as a parameter is filtered here instead of there.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

from api.ogc import asked
from api.ogc.documents import ITEM_FORMATS, attribute_schema
from api.ogc.links import GEOJSON, HTML, JSON, MVT, OPENAPI, SCHEMA, STYLE
from api.problems import MEDIA_TYPE
from layers.catalogue import View
from layers.frames import frames_for

Extent = tuple[float, float, float, float]

_LINK: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["href", "rel"],
    "properties": {
        "href": {"type": "string"},
        "rel": {"type": "string"},
        "type": {"type": "string"},
        "title": {"type": "string"},
    },
}
_LINKS: Final = {"type": "array", "items": _LINK}
_PROBLEM: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["type", "title", "status", "detail", "instance", "facts"],
    "properties": {
        "type": {"type": "string"},
        "title": {"type": "string"},
        "status": {"type": "integer"},
        "detail": {"type": "string"},
        "instance": {"type": "string"},
        "facts": {"type": "object"},
    },
}
_FEATURE: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["type", "geometry", "properties"],
    "properties": {
        "type": {"type": "string", "enum": ["Feature"]},
        "id": {"type": "string"},
        "geometry": {"type": "object", "nullable": True},
        "properties": {"type": "object", "nullable": True},
        "links": _LINKS,
    },
}
_FEATURES: Final[dict[str, Any]] = {
    "type": "object",
    "required": ["type", "features"],
    "properties": {
        "type": {"type": "string", "enum": ["FeatureCollection"]},
        "features": {"type": "array", "items": {"$ref": "#/components/schemas/feature"}},
        "links": _LINKS,
        "numberMatched": {"type": "integer", "minimum": 0},
        "numberReturned": {"type": "integer", "minimum": 0},
    },
}
_BBOX: Final[dict[str, Any]] = {
    "type": "array",
    "oneOf": [{"minItems": 4, "maxItems": 4}, {"minItems": 6, "maxItems": 6}],
    "items": {"type": "number", "format": "double"},
}
_LIMIT: Final[dict[str, Any]] = {
    "type": "integer",
    "minimum": 1,
    "maximum": asked.LARGEST_PAGE,
    "default": asked.PAGE,
}


def _query(name: str, schema: dict[str, Any], words: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    return {
        "name": name,
        "in": "query",
        "required": False,
        "schema": schema,
        "description": words,
        "style": "form",
        "explode": False,
        **more,
    }


def _path(name: str, schema: dict[str, Any]) -> dict[str, Any]:
    return {"name": name, "in": "path", "required": True, "schema": schema}


def _format(formats: Sequence[str]) -> dict[str, Any]:
    return _query("f", {"type": "string", "enum": list(formats)}, "Format of the answer.")


_LANG: Final = _query("lang", {"type": "string", "enum": ["zh", "en"]}, "Language of pages.")


def _operation(
    name: str,
    summary: str,
    parameters: Sequence[dict[str, Any]],
    content: dict[str, dict[str, Any]],
    *,
    empty: bool = False,
) -> dict[str, Any]:
    responses: dict[str, Any] = {
        "200": {
            "description": summary,
            "content": {kind: {"schema": schema} for kind, schema in content.items()},
        },
        **({"204": {"description": "Nothing there."}} if empty else {}),
        "304": {"description": "Not changed since the tag given."},
    }
    for status in ("400", "401", "404", "503", "default"):
        responses[status] = {"$ref": "#/components/responses/problem"}
    return {
        "get": {
            "operationId": name,
            "summary": summary,
            "tags": ["layers"],
            "parameters": list(parameters),
            "responses": responses,
            "security": [{}, {"token": []}],
        }
    }


def document(root: str, views: Sequence[View], extent: Extent | None) -> dict[str, Any]:
    """Return the description for the layers of these views."""
    any_json, page = {"type": "object"}, {"type": "string"}
    both = [_format(["json", "html"]), _LANG]
    read = {JSON: any_json, HTML: page}
    paths: dict[str, Any] = {
        "/": _operation("landing", "Landing page", both, read),
        "/conformance": _operation("conformance", "Conformance classes", both, read),
        "/api": _operation("api", "This document", both, {OPENAPI: any_json, HTML: page}),
        "/collections": _operation("collections", "The layers", both, read),
        "/tileMatrixSets": _operation("tileMatrixSets", "Tiling schemes", both, read),
        "/tileMatrixSets/WebMercatorQuad": _operation("tileMatrixSet", "Web Mercator", both, read),
        "/tiles": _operation("tilesets", "Tile sets of all layers", both, read),
        "/tiles/WebMercatorQuad": _operation("tileset", "Tiles of all layers", both, read),
        "/tiles/WebMercatorQuad/{tileMatrix}/{tileRow}/{tileCol}": _operation(
            "tile",
            "A tile of several layers",
            [
                *_tile_parameters(0, 22),
                _query(
                    "collections",
                    {"type": "array", "items": {"type": "string"}},
                    "Layers in the tile; all without it.",
                ),
            ],
            {MVT: {"type": "string", "format": "binary"}},
            empty=True,
        ),
    }
    frames = [one.uri for one in frames_for(extent)]
    for view in views:
        paths.update(_of_layer(view, frames))
    return {
        "openapi": "3.0.3",
        "info": {
            "title": "Gridward layers",
            "version": "1",
            "description": "OGC API Features and Tiles of the city.",
            "license": {"name": "Apache-2.0"},
        },
        "servers": [{"url": root, "description": "This service"}],
        "tags": [{"name": "layers", "description": "Layers of the city"}],
        "paths": paths,
        "components": {
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
            "responses": {
                "problem": {
                    "description": "A problem (RFC 9457) that says what to do.",
                    "content": {MEDIA_TYPE: {"schema": _PROBLEM}},
                }
            },
            "schemas": {"feature": _FEATURE, "features": _FEATURES},
        },
    }


def _of_layer(view: View, frames: list[str]) -> dict[str, Any]:
    key, at = view.layer.key, f"/collections/{view.layer.key}"
    any_json, page = {"type": "object"}, {"type": "string"}
    both = [_format(["json", "html"]), _LANG]
    crs = {"type": "string", "format": "uri", "enum": frames, "default": frames[0]}
    text = {"type": "string"}
    items = [
        _format([*ITEM_FORMATS]),
        _LANG,
        _query("limit", _LIMIT, "Features at most; more than the maximum counts as that."),
        _query("offset", {"type": "integer", "minimum": 0}, "Features to pass over."),
        _query("cursor", text, "Where a page begins: from a `next` link."),
        _query("bbox", _BBOX, "Features that touch a box."),
        _query("bbox-crs", crs, "Frame of `bbox`."),
        _query("crs", crs, "Frame of the answer."),
        _query("datetime", text, "An RFC 3339 instant, or start/end, .. for an open end."),
        _query(
            "filter", text, "CQL2, for example `kind = 'urban'`, names as in /queryables."
        ),
        _query("filter-lang", {"type": "string", "enum": ["cql2-text", "cql2-json"],
                               "default": "cql2-text"}, "Language of `filter`."),
        _query("filter-crs", crs, "Frame of geometries in `filter`."),
        _query(
            "properties",
            {"type": "array", "items": {"type": "string", "enum": list(view.names)}},
            "Attributes in the answer.",
        ),
        *(
            _query(one.name, attribute_schema(one, "en"), f"Features whose {one.name} is this.")
            for one in view.attributes
            if one.type != "strings"
        ),
    ]  # fmt: skip
    tiles = f"{at}/tiles"
    return {
        at: _operation(f"{key}.collection", view.layer.title_en, both,
                       {JSON: any_json, HTML: page}),
        f"{at}/queryables": _operation(
            f"{key}.queryables", "Queryables", both, {SCHEMA: any_json, HTML: page}
        ),
        f"{at}/items": _operation(
            f"{key}.items",
            f"Features of {view.layer.title_en}",
            items,
            {GEOJSON: {"$ref": "#/components/schemas/features"}, HTML: page},
        ),
        f"{at}/items/{{featureId}}": _operation(
            f"{key}.item",
            "One feature",
            [_path("featureId", text), _format(["json", "html"]), _LANG,
             _query("crs", crs, "Frame of the answer.")],
            {GEOJSON: {"$ref": "#/components/schemas/feature"}, HTML: page},
        ),
        f"{at}/style": _operation(f"{key}.style", "Default style", [], {STYLE: any_json}),
        tiles: _operation(f"{key}.tilesets", "Tile sets", both, {JSON: any_json, HTML: page}),
        f"{tiles}/WebMercatorQuad": _operation(
            f"{key}.tileset", "Tile set", both, {JSON: any_json, HTML: page}
        ),
        f"{tiles}/WebMercatorQuad/{{tileMatrix}}/{{tileRow}}/{{tileCol}}": _operation(
            f"{key}.tile",
            "A tile",
            _tile_parameters(*view.layer.zooms),
            {MVT: {"type": "string", "format": "binary"}},
            empty=True,
        ),
    }  # fmt: skip


def _tile_parameters(least: int, most: int) -> list[dict[str, Any]]:
    number = {"type": "integer", "minimum": 0, "maximum": 2**30}
    return [
        _path("tileMatrix", {"type": "integer", "minimum": least, "maximum": most}),
        _path("tileRow", number),
        _path("tileCol", number),
    ]
