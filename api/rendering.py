"""Server-rendered pages: Jinja templates with autoescape, one function to render them.

Templates say both languages in place, ``{{ t("首页", "Start") }}``, and hold no inline script or
style: the content security policy forbids them.
"""

from __future__ import annotations

import hashlib
from functools import cache
from importlib import resources
from typing import Any, Final
from urllib.parse import urlencode

import jinja2
from fastapi import Request
from fastapi.responses import HTMLResponse

from api.language import LANGUAGE_COOKIE, page_language, tag_of
from gis.errors import Language

_TEMPLATES: Final = jinja2.Environment(
    loader=jinja2.PackageLoader("api", "pages"),
    autoescape=True,
    undefined=jinja2.StrictUndefined,
    trim_blocks=True,
    lstrip_blocks=True,
)
_LANGUAGE_SECONDS: Final = 365 * 24 * 3600


PAGE_ASSETS: Final = {
    "/assets/pages/pages.css": ("pages.css", "text/css; charset=utf-8"),
    "/assets/pages/icon.svg": ("icon.svg", "image/svg+xml"),
    "/assets/pages/docs.js": ("docs.js", "text/javascript; charset=utf-8"),
}
"""Public path -> file in ``api/pages`` and media type: the pages' own style and script."""


@cache
def page_asset(path: str) -> tuple[bytes, str, str]:
    """Return content, media type and content hash of one of :data:`PAGE_ASSETS`."""
    name, media_type = PAGE_ASSETS[path]
    content = resources.files("api").joinpath("pages", name).read_bytes()
    return content, media_type, hashlib.sha256(content).hexdigest()[:16]


def asset_url(path: str) -> str:
    """Return the address of a page asset with its content hash, so that browsers may keep it."""
    return f"{path}?v={page_asset(path)[2]}"


def wants_page(request: Request) -> bool:
    """Tell whether the caller is a browser that navigates, not a program or a script."""
    accept = request.headers.get("accept", "")
    return "text/html" in accept and not request.url.path.startswith("/v1/")


def page(request: Request, template: str, *, status: int = 200, **values: Any) -> HTMLResponse:  # noqa: ANN401
    """Render a template of ``api/pages`` in the language of the page.

    Every template sees ``t(zh, en)``, ``tag`` (of ``<html lang>``) and ``other_language`` (the
    query that switches).
    """
    language = page_language(request)

    def t(zh: str, en: str) -> str:
        return zh if language == "zh" else en

    content = _TEMPLATES.get_template(template).render(
        t=t,
        asset=asset_url,
        tag=tag_of(language),
        language=language,
        other_language=other_language(request, language),
        **values,
    )
    return html_page(request, content, language, status=status)


def other_language(request: Request, language: Language) -> str:
    """Return the query that shows the same page in the other language."""
    other = "en" if language == "zh" else "zh"
    kept = [(key, value) for key, value in request.query_params.multi_items() if key != "lang"]
    return "?" + urlencode([*kept, ("lang", other)])


def html_page(
    request: Request, content: str, language: Language, *, status: int = 200
) -> HTMLResponse:
    """Return a rendered page; a choice of language by ``?lang=`` is kept in a cookie."""
    response = HTMLResponse(content, status)
    response.headers["Content-Language"] = tag_of(language)
    response.headers["Cache-Control"] = "no-store"
    if request.query_params.get("lang") == language:
        response.set_cookie(
            LANGUAGE_COOKIE, language, max_age=_LANGUAGE_SECONDS, httponly=True, samesite="lax"
        )
    return response
