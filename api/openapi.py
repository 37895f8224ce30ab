"""The interface's own description: which routes there are, who may call them, what they answer."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

from fastapi import FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import Route

from api.problems import MEDIA_TYPE
from api.schemas import Problem
from api.security import SCHEMES, Allow, AllowPublic

TAGS: Final = (
    ("areas", "区域与边界: which areas own a place, their codes and geometry."),
    ("boundaries", "边界版本与例外: drafts, publications, exceptions."),
    ("matching", "匹配: from a pin or an address to the grid that owns it."),
    ("learning", "学习: what corrections and history taught matching, and taking it back."),
    ("events", "事件与工单: report, route, follow."),
    ("open311", "Open311 GeoReport v2: for any client of that standard."),
    ("webhooks", "推送: systems next door that are told of changes."),
    ("coverage", "覆盖: who is within reach of what."),
    ("layers", "图层: OGC API Features and Tiles; its own description is at /ogc/api."),
    ("maps", "地图: pages to look at."),
    ("sign-in", "登录: who one is."),
    ("health", "运行状态: alive, ready, metrics."),
    ("pages", "说明: problems explained."),
)

_METHODS: Final = frozenset({"get", "put", "post", "delete", "patch"})


@dataclass(frozen=True, slots=True)
class RouteRow:
    """One route with what it declares about its callers; no or several ``allows`` is a mistake."""

    path: str
    methods: frozenset[str]
    in_schema: bool
    allows: tuple[Allow | AllowPublic, ...]


def routes_of(app: FastAPI) -> Iterator[RouteRow]:
    """Yield every route of an application, in order."""
    for context in iter_route_contexts(app.routes):
        route = context.original_route
        path = context.path or ""
        methods = frozenset(context.methods or ())
        if isinstance(route, APIRoute):
            found = tuple(dict.fromkeys(_allows(context.dependant)))
            yield RouteRow(path, methods, bool(context.include_in_schema), found)
        else:
            shown = isinstance(route, Route) and route.include_in_schema
            yield RouteRow(path, methods, shown, ())


def describe(app: FastAPI) -> dict[str, Any]:
    """Return the OpenAPI document: FastAPI's own, with problems and callers filled in."""
    document = FastAPI.openapi(app)
    document.setdefault("components", {})["securitySchemes"] = SCHEMES
    components = document["components"].setdefault("schemas", {})
    for unused in ("HTTPValidationError", "ValidationError"):
        components.pop(unused, None)
    components["Problem"] = Problem.model_json_schema()
    document["tags"] = [{"name": name, "description": words} for name, words in TAGS]
    callers = {
        (row.path, method.lower()): row.allows[0]
        for row in routes_of(app)
        if row.allows
        for method in row.methods
    }
    for path, operations in document["paths"].items():
        for method, operation in operations.items():
            if method in _METHODS:
                _complete(operation, callers.get((path, method)))
    return document


def _complete(operation: dict[str, Any], allow: Allow | AllowPublic | None) -> None:
    """Say in an operation who may call it, and that every refusal is a problem."""
    responses = operation["responses"]
    responses.pop("422", None)
    reference = {"schema": {"$ref": "#/components/schemas/Problem"}}
    for family in ("4XX", "5XX"):
        responses[family] = {
            "description": "A problem (RFC 9457)",
            "content": {MEDIA_TYPE: reference},
        }
    if isinstance(allow, Allow):
        operation["x-roles"] = sorted(allow.roles)
        schemes: list[dict[str, list[str]]] = [{"token": []}, {"session": []}]
        operation["security"] = [*([{}] if allow.anonymous != "never" else []), *schemes]


def _allows(dependant: Dependant) -> Iterator[Allow | AllowPublic]:
    for dependency in dependant.dependencies:
        if isinstance(dependency.call, Allow | AllowPublic):
            yield dependency.call
        yield from _allows(dependency)
