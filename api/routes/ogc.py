"""OGC API: landing page, conformance, description, collections, queryables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Request, Response

from api.language import language_of, page_language, tag_of
from api.ogc import asked, documents, openapi
from api.ogc.links import (
    HTML,
    JSON,
    OPENAPI,
    SCHEMA,
    chosen_format,
    here,
    link,
    root,
    said,
    self_and_alternates,
)
from api.problems import dumped
from api.rendering import page
from api.runtime import Runtime, runtime
from api.security import allow_public_read
from gis.errors import Language
from gis.governance.actors import Actor
from layers.catalogue import View, layer_of, layers_for
from layers.frames import frames_for

router = APIRouter(prefix="/ogc", tags=["layers"])

Reader = Annotated[Actor, Depends(allow_public_read)]
Open = Annotated[Runtime, Depends(runtime)]
LayerKey = Annotated[str, Path(max_length=60, description="图层 / key of the layer")]

_BOTH: Final = {"json": JSON, "html": HTML}


@router.get("", summary="Landing page", response_class=Response)
async def landing(request: Request, _actor: Reader) -> Response:
    """Links to everything else; a page for browsers."""
    form = chosen_format(request, asked.parameters(request).get("f"), _BOTH)
    language = spoken(request, form)
    links = self_and_alternates(request, form, _BOTH, language)
    return answered(request, form, documents.landing(root(request), links, language), "landing")


@router.get("/conformance", summary="What the service conforms to", response_class=Response)
async def conformance(request: Request, _actor: Reader) -> Response:
    """List the conformance classes."""
    form = chosen_format(request, asked.parameters(request).get("f"), _BOTH)
    links = self_and_alternates(request, form, _BOTH, spoken(request, form))
    document = {"conformsTo": list(documents.CONFORMANCE), "links": links}
    return answered(request, form, document, "conformance")


@router.get("/api", summary="The OGC interface in OpenAPI 3.0", response_class=Response)
async def description(request: Request, app: Open, actor: Reader) -> Response:
    """Describe every resource and parameter, for the layers that the caller sees."""
    form = chosen_format(request, asked.parameters(request).get("f"), _BOTH)
    layers = layers_for(actor)
    document = openapi.document(
        root(request), [View.of(one, actor) for one in layers], await app.layers.extent_of_city()
    )
    if form == "html":
        return answered(request, form, document, "api")
    return Response(
        dumped(document), media_type=OPENAPI, headers={"Access-Control-Allow-Origin": "*"}
    )


@router.get("/collections", summary="The layers", response_class=Response)
async def collections(request: Request, app: Open, actor: Reader) -> Response:
    """List the layers that the caller sees."""
    form = chosen_format(request, asked.parameters(request).get("f"), _BOTH)
    language = spoken(request, form)
    frames = frames_for(await app.layers.extent_of_city())
    listed = [
        documents.collection(
            layer,
            root=root(request),
            language=language,
            extent=await app.layers.extent(layer, actor),
            frames=frames,
            links=[
                link(
                    f"{root(request)}/collections/{layer.key}",
                    "self",
                    JSON,
                    said(language, "本图层", "This layer"),
                ),
                link(
                    f"{root(request)}/collections/{layer.key}?f=html",
                    "alternate",
                    HTML,
                    said(language, "本图层（网页）", "This layer as HTML"),
                ),
            ],
        )
        for layer in layers_for(actor)
    ]
    document = {
        "links": self_and_alternates(request, form, _BOTH, spoken(request, form)),
        "collections": listed,
        "crs": [one.uri for one in frames],
        "numberMatched": len(listed),
        "numberReturned": len(listed),
    }
    return answered(request, form, document, "collections")


@router.get("/collections/{key}", summary="One layer", response_class=Response)
async def collection(request: Request, app: Open, actor: Reader, key: LayerKey) -> Response:
    """Describe a layer: extent, coordinate systems, links."""
    form = chosen_format(request, asked.parameters(request).get("f"), _BOTH)
    layer = layer_of(key, actor)
    document = documents.collection(
        layer,
        root=root(request),
        language=spoken(request, form),
        extent=await app.layers.extent(layer, actor),
        frames=frames_for(await app.layers.extent_of_city()),
        links=self_and_alternates(request, form, _BOTH, spoken(request, form)),
    )
    return answered(request, form, document, "collection", view=View.of(layer, actor))


@router.get(
    "/collections/{key}/queryables",
    summary="What a layer may be filtered by",
    response_class=Response,
)
async def queryables(request: Request, actor: Reader, key: LayerKey) -> Response:
    """Give the attributes as JSON Schema."""
    formats = {"json": SCHEMA, "html": HTML}
    form = chosen_format(request, asked.parameters(request).get("f"), formats)
    view = View.of(layer_of(key, actor), actor)
    document = documents.queryables(view, here(request, f=None), spoken(request, form))
    if form == "html":
        return answered(request, form, document, "queryables", view=view)
    return answered(request, form, document, "queryables", media_type=SCHEMA)


def spoken(request: Request, form: str) -> Language:
    """Return the language of an answer: a page's switch, else ``Accept-Language``."""
    return page_language(request) if form == "html" else language_of(request)


def answered(
    request: Request,
    form: str,
    document: Mapping[str, Any],
    template: str,
    *,
    media_type: str = JSON,
    **more: Any,  # noqa: ANN401 - what the template shows
) -> Response:
    """Return a document in the format chosen."""
    if form == "html":
        return page(request, f"ogc_{template}.html", document=document, root=root(request), **more)
    return Response(
        dumped(document),
        media_type=media_type,
        headers={
            "Content-Language": tag_of(language_of(request)),
            "Vary": "Accept, Accept-Language, Authorization, Cookie",
            "Access-Control-Allow-Origin": "*",
        },
    )
