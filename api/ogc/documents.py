"""The documents of the OGC interface that describe: landing page, conformance, collections."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any, Final

from api.ogc.links import (
    GEOJSON,
    HTML,
    JSON,
    MATRIX_SET,
    MATRIX_SET_URI,
    MVT,
    OPENAPI,
    SCHEMA,
    STYLE,
    TILEJSON,
    link,
    said,
)
from gis.errors import Language
from layers.catalogue import Attribute, Layer, View
from layers.frames import CRS84, NamedFrame

_FEATURES: Final = "http://www.opengis.net/spec/ogcapi-features"
_TILES: Final = "http://www.opengis.net/spec/ogcapi-tiles-1/1.0/conf"
_COMMON: Final = "http://www.opengis.net/spec/ogcapi-common"
_CQL2: Final = "http://www.opengis.net/spec/cql2/1.0/conf"
CONFORMANCE: Final = (
    f"{_COMMON}-1/1.0/conf/core",
    f"{_COMMON}-2/1.0/conf/collections",
    *(f"{_FEATURES}-1/1.0/conf/{part}" for part in ("core", "oas30", "html", "geojson")),
    f"{_FEATURES}-2/1.0/conf/crs",
    *(
        f"{_FEATURES}-3/1.0/conf/{part}"
        for part in ("queryables", "queryables-query-parameters", "filter", "features-filter")
    ),
    *(
        f"{_CQL2}/{part}"
        for part in (
            "cql2-text",
            "cql2-json",
            "basic-cql2",
            "advanced-comparison-operators",
            "case-insensitive-comparison",
            "accent-insensitive-comparison",
            "basic-spatial-functions",
            "basic-spatial-functions-plus",
            "spatial-functions",
            "temporal-functions",
            "array-functions",
            "property-property",
            "arithmetic",
        )
    ),
    *(
        f"{_TILES}/{part}"
        for part in (
            "core",
            "tileset",
            "tilesets-list",
            "dataset-tilesets",
            "geodata-tilesets",
            "collections-selection",
            "mvt",
            "oas30",
        )
    ),
)
"""What the service claims; a test asks for each of it."""

_JSON_TYPES: Final[dict[str, dict[str, Any]]] = {
    "string": {"type": "string"},
    "integer": {"type": "integer"},
    "number": {"type": "number"},
    "boolean": {"type": "boolean"},
    "datetime": {"type": "string", "format": "date-time"},
    "strings": {"type": "array", "items": {"type": "string"}},
}
_GEOMETRY: Final = {
    "point": "https://geojson.org/schema/Point.json",
    "line": "https://geojson.org/schema/LineString.json",
    "polygon": "https://geojson.org/schema/MultiPolygon.json",
}
ITEM_FORMATS: Final = {
    "json": GEOJSON,
    "html": HTML,
    "geojsonl": "application/geo+json-seq",
    "csv": "text/csv",
    "fgb": "application/flatgeobuf",
}
"""``f`` of items -> media type."""

Extent = tuple[float, float, float, float]


def landing(root: str, links: Sequence[Mapping[str, Any]], language: Language) -> dict[str, Any]:
    """Return the landing page."""
    say = partial(said, language)
    return {
        "title": "Gridward",
        "description": say(
            "城市的边界、站点、道路、岗位与事件。",
            "Boundaries, stations, roads, jobs and events of the city.",
        ),
        "links": [
            *links,
            link(
                f"{root}/api",
                "service-desc",
                OPENAPI,
                say("接口说明（OpenAPI 3.0）", "The interface, OpenAPI 3.0"),
            ),
            link(
                f"{root}/api?f=html",
                "service-doc",
                HTML,
                say("接口说明（网页）", "The interface, to read"),
            ),
            link(
                f"{root}/conformance",
                "conformance",
                JSON,
                say("符合的标准", "What the service conforms to"),
            ),
            link(
                f"{root}/conformance",
                "http://www.opengis.net/def/rel/ogc/1.0/conformance",
                JSON,
                say("符合的标准", "What the service conforms to"),
            ),
            link(f"{root}/collections", "data", JSON, say("图层", "The layers")),
            link(
                f"{root}/collections",
                "http://www.opengis.net/def/rel/ogc/1.0/data",
                JSON,
                say("图层", "The layers"),
            ),
            link(
                f"{root}/tiles",
                "http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector",
                JSON,
                say("多图层矢量瓦片", "Vector tiles of several layers"),
            ),
            link(
                f"{root}/tileMatrixSets",
                "http://www.opengis.net/def/rel/ogc/1.0/tiling-schemes",
                JSON,
                say("瓦片方案", "Tiling schemes"),
            ),
        ],
    }


def collection(
    layer: Layer,
    *,
    root: str,
    language: Language,
    extent: Extent | None,
    frames: Sequence[NamedFrame],
    links: Sequence[Mapping[str, Any]],
) -> dict[str, Any]:
    """Return the description of a layer as a collection."""
    at = f"{root}/collections/{layer.key}"
    zh, say = language == "zh", partial(said, language)
    west, south, east, north = extent or (-180.0, -90.0, 180.0, 90.0)
    return {
        "id": layer.key,
        "title": layer.title(zh=zh),
        "description": layer.about_zh if zh else layer.about_en,
        "itemType": "feature",
        "extent": {
            "spatial": {"bbox": [[west, south, east, north]], "crs": CRS84},
            **({"temporal": {"interval": [[None, None]]}} if layer.instant is not None else {}),
        },
        "crs": [one.uri for one in frames],
        "storageCrs": CRS84,
        "minZoom": layer.zooms[0],
        "maxZoom": layer.zooms[1],
        "links": [
            *links,
            *(
                link(
                    f"{at}/items?f={form}",
                    "items",
                    media_type,
                    say(f"要素（{form}）", f"Features as {form}"),
                )
                for form, media_type in ITEM_FORMATS.items()
            ),
            link(
                f"{at}/queryables",
                "http://www.opengis.net/def/rel/ogc/1.0/queryables",
                SCHEMA,
                say("可用于筛选的属性", "What it may be filtered by"),
            ),
            link(
                f"{at}/tiles",
                "http://www.opengis.net/def/rel/ogc/1.0/tilesets-vector",
                JSON,
                say("矢量瓦片", "Vector tiles"),
            ),
            link(
                f"{at}/style",
                "stylesheet",
                STYLE,
                say("矢量瓦片的默认样式", "Default style for vector tiles"),
            ),
        ],
    }


def queryables(view: View, address: str, language: Language) -> dict[str, Any]:
    """Return the JSON Schema of what a layer may be filtered by."""
    layer, zh = view.layer, language == "zh"
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": address,
        "type": "object",
        "title": layer.title(zh=zh),
        "description": layer.about_zh if zh else layer.about_en,
        "properties": {
            "geometry": {"$ref": _GEOMETRY[layer.kind], "format": f"geometry-{layer.kind}"},
            **{one.name: attribute_schema(one, language) for one in view.attributes},
        },
        "additionalProperties": False,
    }


def attribute_schema(attribute: Attribute, language: Language) -> dict[str, Any]:
    """Return the JSON Schema of an attribute."""
    title = attribute.title_zh if language == "zh" else attribute.title_en
    unit = {"x-ogc-unit": attribute.unit} if attribute.unit else {}
    return {**_JSON_TYPES[attribute.type], "title": title, **unit}


def tileset(
    root: str, layers: Sequence[Layer], extent: Extent | None, language: Language, path: str
) -> dict[str, Any]:
    """Return the metadata of a tile set; ``path`` is what stands before ``/tiles``."""
    zh, say = language == "zh", partial(said, language)
    at = f"{root}{path}/tiles/{MATRIX_SET}"
    zooms = min(one.zooms[0] for one in layers), max(one.zooms[1] for one in layers)
    west, south, east, north = extent or (-180.0, -85.0, 180.0, 85.0)
    single = layers[0] if len(layers) == 1 else None
    return {
        "title": single.title(zh=zh) if single else say("全部图层", "All layers"),
        "dataType": "vector",
        "crs": "http://www.opengis.net/def/crs/EPSG/0/3857",
        "tileMatrixSetURI": MATRIX_SET_URI,
        "tileMatrixSetLimits": [],
        "boundingBox": {"lowerLeft": [west, south], "upperRight": [east, north], "crs": CRS84},
        "layers": [
            {
                "id": one.key,
                "title": one.title(zh=zh),
                "dataType": "vector",
                "geometryDimension": {"point": 0, "line": 1, "polygon": 2}[one.kind],
                "minTileMatrix": str(one.zooms[0]),
                "maxTileMatrix": str(one.zooms[1]),
            }
            for one in layers
        ],
        "minZoom": zooms[0],
        "maxZoom": zooms[1],
        "links": [
            link(at, "self", JSON, say("本瓦片集", "This tile set")),
            link(
                f"{root}/tileMatrixSets/{MATRIX_SET}",
                "http://www.opengis.net/def/rel/ogc/1.0/tiling-scheme",
                JSON,
                say("所用瓦片方案", "Its tiling scheme"),
            ),
            link(
                f"{at}/{{tileMatrix}}/{{tileRow}}/{{tileCol}}",
                "item",
                MVT,
                say("单个瓦片", "A tile"),
                templated=True,
            ),
            link(f"{at}/tilejson", "describedby", TILEJSON, "TileJSON"),
        ],
    }
