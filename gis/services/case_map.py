"""Grid evidence 网格依据: a small map that says whose ground a place is, and how sure that is."""

from __future__ import annotations

import json
from collections.abc import Sequence
from html import escape
from math import cos, radians
from typing import Any, Final

import shapely

from gis.services.boundary_snapshot import BoundarySnapshot
from gis.store import follow
from gis.store.unit_of_work import UnitOfWork

REACH_M: Final = 250.0
"""The map shows so many metres around the place."""

_METRES_PER_DEGREE: Final = 111_320.0
_SIDE: Final = 360


def evidence(work: UnitOfWork, snapshot: BoundarySnapshot, event: dict[str, Any]) -> dict[str, Any]:
    """Return what the map says about an event's place: to be kept with a return.

    Returns
    -------
    dict
        ``revision``, ``grid``, ``edge_distance_m``, ``rule`` in both languages, ``geojson`` (the
        grids around, cut to the map, EPSG:4326) and ``svg``; without a place only the rule.
    """
    if event["lon"] is None:
        return {
            "revision": snapshot.revision,
            "rule": {
                "zh": "该案件没有坐标，只能按地址文字认定。",
                "en": "The case has no position; only its address can tell.",
            },
        }
    lon, lat = event["lon"], event["lat"]
    height = REACH_M / _METRES_PER_DEGREE
    width = height / cos(radians(lat))
    box = (lon - width, lat - height, lon + width, lat + height)
    frame = shapely.box(*box)
    owner = snapshot.finest_covering(lon, lat)
    rows = [
        row for row in follow.areas_around(work, snapshot.revision, box) if row["level"] == "grid"
    ]
    shapes = [(row, shapely.from_wkb(bytes(row["wkb"])).intersection(frame)) for row in rows]
    shown = [(row, shape) for row, shape in shapes if not shape.is_empty]
    edge = event["match"].get("edge_distance_m")
    name = "无归属" if owner is None else f"{owner.name}({owner.code})"
    rule_zh = f"按边界版本 {snapshot.revision}，该点位于 {name}"
    rule_en = (
        f"By boundary revision {snapshot.revision} the place lies in "
        f"{'no area' if owner is None else owner.code}"
    )
    if edge is not None:
        rule_zh += f"，距边界 {edge:.1f} 米"
        rule_en += f", {edge:.1f} m from the edge"
    return {
        "revision": snapshot.revision,
        "grid": None if owner is None else owner.code,
        "edge_distance_m": edge,
        "rule": {"zh": rule_zh + "。", "en": rule_en + "."},
        "geojson": {
            "type": "FeatureCollection",
            "features": [
                *(
                    _feature(json.loads(shapely.to_geojson(shape)), row["code"], row["name"])
                    for row, shape in shown
                ),
                _feature({"type": "Point", "coordinates": [lon, lat]}, None, "案件位置"),
            ],
        },
        "svg": _svg(
            [(row["code"], row["name"], shape) for row, shape in shown],
            box,
            None if owner is None else owner.code,
        ),
    }


def _feature(geometry: Any, code: str | None, name: str) -> dict[str, Any]:  # noqa: ANN401 - GeoJSON
    return {"type": "Feature", "properties": {"code": code, "name": name}, "geometry": geometry}


def _svg(
    shapes: Sequence[tuple[str, str, Any]],
    box: tuple[float, float, float, float],
    owner: str | None,
) -> str:
    west, south, east, north = box

    def at(x: float, y: float) -> tuple[float, float]:
        return (
            round((x - west) / (east - west) * _SIDE, 1),
            round((north - y) / (north - south) * _SIDE, 1),
        )

    drawn = []
    for code, name, shape in shapes:
        rings = []
        for part in shapely.get_parts(shape):
            if isinstance(part, shapely.Polygon):
                for ring in (part.exterior, *part.interiors):
                    steps = " ".join("{},{}".format(*at(x, y)) for x, y in ring.coords)
                    rings.append(f"M{steps}Z")
        fill = "#cfe3ff" if code == owner else "#f4f4f0"
        drawn.append(
            f'<path d="{" ".join(rings)}" fill="{fill}" stroke="#33506b" stroke-width="1.5" '
            f'fill-rule="evenodd"><title>{escape(f"{name} {code}")}</title></path>'
        )
        inner = shape.representative_point()
        x, y = at(inner.x, inner.y)
        drawn.append(
            f'<text x="{x}" y="{y}" font-size="11" text-anchor="middle" fill="#223">'
            f"{escape(name)}</text>"
        )
    middle = _SIDE / 2
    metres = _SIDE / (2 * REACH_M) * 100
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_SIDE} {_SIDE}" width="{_SIDE}" '
        f'height="{_SIDE}" role="img"><rect width="{_SIDE}" height="{_SIDE}" fill="#fff"/>'
        + "".join(drawn)
        + f'<circle cx="{middle}" cy="{middle}" r="5" fill="#c0392b" stroke="#fff"/>'
        + f'<path d="M10,{_SIDE - 10}h{metres:.1f}" stroke="#222" stroke-width="2"/>'
        + f'<text x="10" y="{_SIDE - 16}" font-size="10" fill="#222">100 m</text></svg>'
    )
