"""The service under test, and the register of requirements."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import httpx

CRS84 = "http://www.opengis.net/def/crs/OGC/1.3/CRS84"
EPSG = "http://www.opengis.net/def/crs/EPSG/0/"
Document = Any
"""Parsed JSON."""
CHECKS: dict[str, Callable[[Service], None]] = {}


@dataclass
class Service:
    """The service under test; what several checks need is asked once."""

    http: httpx.Client
    root: str
    layer: str = "communities"
    seen: dict[str, Any] = field(default_factory=dict)

    def get(self, path: str, status: int = 200, **query: str) -> httpx.Response:
        answer = self.http.get(f"{self.root}{path}", params=query or None)
        assert answer.status_code == status, (
            f"{path} {query}: {answer.status_code} {answer.text[:200]}"
        )
        return answer

    def json(self, path: str, **query: str) -> Document:
        return self.get(path, **query).json()

    def items(self, **query: str) -> Document:
        return self.json(f"/collections/{self.layer}/items", **query)

    def refused(self, **query: str) -> None:
        answer = self.get(f"/collections/{self.layer}/items", 400, **query)
        assert answer.headers["content-type"] == "application/problem+json"
        body = answer.json()
        assert set(body) == {"type", "title", "status", "detail", "instance", "facts"}
        assert "select" not in answer.text.lower()
        assert "psycopg" not in answer.text

    @cached_property
    def description(self) -> Document:
        return self.json("/api", f="json")

    @cached_property
    def sample(self) -> Document:
        return self.items(limit="1")["features"][0]

    @cached_property
    def box(self) -> tuple[float, float, float, float]:
        (box,) = self.json(f"/collections/{self.layer}")["extent"]["spatial"]["bbox"]
        return tuple(box)

    @cached_property
    def middle(self) -> tuple[float, float]:
        ring = first_ring(self.sample)
        return sum(p[0] for p in ring) / len(ring), sum(p[1] for p in ring) / len(ring)

    def tile(self, zoom: int) -> tuple[int, int]:
        lon, lat = self.middle
        side = 2**zoom
        row = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * side
        return int(row), int((lon + 180) / 360 * side)


def requirement(*ids: str) -> Callable[[Callable[[Service], None]], Callable[[Service], None]]:
    def register(check: Callable[[Service], None]) -> Callable[[Service], None]:
        for each in ids:
            assert each not in CHECKS, each
            CHECKS[each] = check
        return check

    return register


def first_ring(feature: Document) -> list[list[float]]:
    coordinates = feature["geometry"]["coordinates"]
    while isinstance(coordinates[0][0], list) and isinstance(coordinates[0][0][0], list):
        coordinates = coordinates[0]
    return coordinates[0] if isinstance(coordinates[0][0], list) else coordinates


def rels(document: Document) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for link in document["links"]:
        assert link["href"]
        assert link["rel"]
        found.setdefault(link["rel"], []).append(link)
    return found


def codes(collection: Document) -> list[str]:
    return [feature["id"] for feature in collection["features"]]
