"""Which language an answer is in: ``Accept-Language`` for programs, a switch for pages."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import Depends, Request

from gis.errors import Language

LANGUAGE_COOKIE: Final = "gridward_language"
_TAGS: Final[dict[Language, str]] = {"zh": "zh-CN", "en": "en"}


def tag_of(language: Language) -> str:
    """Return the language tag for ``Content-Language`` and ``<html lang>``."""
    return _TAGS[language]


def language_of(request: Request) -> Language:
    """Return the language that ``Accept-Language`` prefers, else the setting's."""
    header = request.headers.get("accept-language", "")
    return preferred(header) or _default(request)


async def _spoken(request: Request) -> Language:
    """Return :func:`language_of` as a dependency; ``async``, so that it costs no thread hop."""
    return language_of(request)


Spoken = Annotated[Language, Depends(_spoken)]
"""Annotation of a route's parameter: the language that the caller wants texts in."""


def page_language(request: Request) -> Language:
    """Return the language of a page: ``?lang=``, else the cookie of the switch, else the setting.

    A browser's ``Accept-Language`` does not count here: browsers in Chinese offices are often
    installed in English, and the switch is one click away.
    """
    for choice in (request.query_params.get("lang"), request.cookies.get(LANGUAGE_COOKIE)):
        if choice in _TAGS:
            return choice
    return _default(request)


def preferred(header: str) -> Language | None:
    """Return the supported language of highest weight in an ``Accept-Language``, first of equals.

    >>> preferred("en-GB,en;q=0.9,zh;q=0.8"), preferred("fr, zh-CN;q=0.5"), preferred("*")
    ('en', 'zh', None)
    """
    best: tuple[float, Language] | None = None
    for part in header.split(","):
        tag, _, parameters = part.strip().partition(";")
        base = tag.strip().lower().partition("-")[0]
        weight = _weight(parameters)
        if weight > 0 and (best is None or weight > best[0]):
            if base == "zh":
                best = (weight, "zh")
            elif base == "en":
                best = (weight, "en")
    return None if best is None else best[1]


def _weight(parameters: str) -> float:
    name, _, value = parameters.partition("=")
    if name.strip().lower() != "q":
        return 1.0
    try:
        return float(value)
    except ValueError:
        return 0.0


def _default(request: Request) -> Language:
    return "en" if request.app.state.runtime.settings.language == "en" else "zh"
