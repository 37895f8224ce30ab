"""Addresses and links of OGC resources, absolute as clients need them."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Final
from urllib.parse import urlencode

from fastapi import Request

from api.ogc.asked import invalid
from api.rendering import wants_page
from gis.errors import Language

JSON: Final = "application/json"
GEOJSON: Final = "application/geo+json"
HTML: Final = "text/html"
SCHEMA: Final = "application/schema+json"
OPENAPI: Final = "application/vnd.oai.openapi+json;version=3.0"
MVT: Final = "application/vnd.mapbox-vector-tile"
TILEJSON: Final = "application/json"
STYLE: Final = "application/vnd.mapbox.style+json"

MATRIX_SET: Final = "WebMercatorQuad"
MATRIX_SET_URI: Final = "http://www.opengis.net/def/tilematrixset/OGC/1.0/WebMercatorQuad"


def root(request: Request) -> str:
    """Return the address of the landing page, as the client knows this host."""
    return f"{str(request.base_url).rstrip('/')}/ogc"


def link(href: str, rel: str, media_type: str, title: str, **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """Return a link object."""
    return {"href": href, "rel": rel, "type": media_type, "title": title, **more}


def here(request: Request, **changed: str | None) -> str:
    """Return the address of the request with some parameters changed, or left out (None)."""
    kept = [(k, v) for k, v in request.query_params.multi_items() if k not in changed]
    query = urlencode([*kept, *((k, v) for k, v in changed.items() if v is not None)])
    address = f"{str(request.base_url).rstrip('/')}{request.url.path}"
    return f"{address}?{query}" if query else address


def chosen_format(request: Request, given: str | None, formats: Collection[str]) -> str:
    """Return the format of the answer: ``f``, else HTML for a browser, else the first one.

    Raises
    ------
    gis.errors.ParameterInvalid
        ``f`` names none of them.
    """
    if given is not None:
        if given not in formats:
            listed = ", ".join(formats)
            raise invalid("f", f"可用的格式：{listed}", f"formats that there are: {listed}")
        return given
    if "html" in formats and wants_page(request):
        return "html"
    return next(iter(formats))


def said(language: Language, zh: str, en: str) -> str:
    """Return the one of two texts that is in a language."""
    return zh if language == "zh" else en


def self_and_alternates(
    request: Request, form: str, media_types: dict[str, str], language: Language
) -> list[dict[str, Any]]:
    """Return the links to this document and to the same in its other formats."""
    return [
        link(
            here(request, f=each),
            "self" if each == form else "alternate",
            media_type,
            said(language, "本文档", "This document")
            if each == form
            else said(language, f"本文档（{each}）", f"This document as {each}"),
        )
        for each, media_type in media_types.items()
    ]
