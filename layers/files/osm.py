"""Roads out of OpenStreetMap extracts (PBF, XML) and GraphML, as the road import takes them.

A way's tags become ``class``, ``oneway``, ``walk``, ``ride`` and ``level``; what stands in a way's
path (a wall, a locked gate, a bollard) cuts it for those whom it stops.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from pathlib import Path
from typing import Any, Final

import geopandas as gpd
import numpy as np
import pandas as pd
import pyogrio
import shapely
from pyogrio.errors import DataLayerError, DataSourceError

from gis.errors import FileMissing, FileUnreadable, GeometryMissing
from layers.files.delimited import ROW

ENDINGS: Final = (".pbf", ".osm", ".osm.gz", ".graphml")

_TAG: Final = re.compile(r'"((?:[^"\\]|\\.)*)"=>"((?:[^"\\]|\\.)*)"')
_NEVER: Final = frozenset({"construction", "proposed", "abandoned", "razed", "platform", "elevator",
                           "bus_stop", "raceway", "rest_area", "services", "corridor"})  # fmt: skip
_CARS_ONLY: Final = frozenset({"motorway", "motorway_link", "trunk_link"})
_FEET_ONLY: Final = frozenset({"footway", "steps", "pedestrian", "trail"})
_CLOSED: Final = frozenset({"no", "private", "customers", "delivery", "military"})
_OPEN: Final = frozenset({"yes", "designated", "permissive", "destination"})
_STOPS_ALL: Final = frozenset({"wall", "fence", "city_wall", "retaining_wall", "block", "debris"})
_STOPS_WHEELS: Final = frozenset({"bollard", "cycle_barrier", "kissing_gate", "stile", "turnstile",
                                  "full-height_turnstile"})  # fmt: skip
_GAP_M: Final = 0.5


def is_road_file(path: Path) -> bool:
    """Tell whether a file is one of these by its name."""
    return path.name.lower().endswith(ENDINGS)


def read_roads(path: Path | str) -> gpd.GeoDataFrame:
    """Read roads: lines in WGS84 with ``code name class oneway walk ride level`` and ``row``.

    Raises
    ------
    gis.errors.FileMissing, gis.errors.FileUnreadable, gis.errors.GeometryMissing
    """
    path = Path(path)
    if not path.is_file():
        raise FileMissing(path=str(path))
    frame = _graphml(path) if path.suffix.lower() == ".graphml" else _osm(path)
    if not len(frame):
        raise GeometryMissing(path=str(path), columns="highway")
    frame[ROW] = np.arange(1, len(frame) + 1)
    return gpd.GeoDataFrame(frame, geometry="geometry", crs="EPSG:4326").reset_index(drop=True)


def tags_of(text: str | None) -> dict[str, str]:
    r"""Return the tags in GDAL's ``other_tags``.

    >>> tags_of('"oneway"=>"yes","name"=>"a \\"b\\""')
    {'oneway': 'yes', 'name': 'a "b"'}
    """
    return {
        key.replace('\\"', '"'): value.replace('\\"', '"')
        for key, value in _TAG.findall(text or "")
    }


def rules_of(highway: str, tags: dict[str, str]) -> dict[str, Any] | None:
    """Return who may use a way and in which direction; None for what is no road.

    >>> rules_of("residential", {"oneway": "yes"})
    {'oneway': 'yes', 'walk': 'yes', 'ride': 'yes', 'level': '0'}
    >>> rules_of("steps", {})["ride"], rules_of("motorway", {})["walk"], rules_of("platform", {})
    ('no', 'no', None)
    """
    if highway in _NEVER:
        return None
    access = tags.get("access", "yes")
    open_to_all = access not in _CLOSED
    walk = open_to_all and highway not in _CARS_ONLY
    ride = walk and highway not in _FEET_ONLY
    walk = _said(tags.get("foot"), walk)
    ride = _said(tags.get("bicycle"), ride)
    oneway = tags.get("oneway", "no")
    if tags.get("junction") in {"roundabout", "circular"} and "oneway" not in tags:
        oneway = "yes"
    oneway = tags.get("oneway:bicycle", oneway)
    if oneway not in {"yes", "1", "true", "-1", "reverse"}:
        oneway = "no"
    layer = tags.get("layer", "0")
    level = layer if re.fullmatch(r"-?\d{1,2}", layer) else "0"
    return {
        "oneway": oneway,
        "walk": "yes" if walk else "no",
        "ride": "yes" if ride else "no",
        "level": level,
    }


def _said(word: str | None, otherwise: bool) -> bool:
    return True if word in _OPEN else False if word in _CLOSED else otherwise


def _osm(path: Path) -> pd.DataFrame:
    source = f"/vsigzip/{path.resolve()}" if path.suffix.lower() == ".gz" else str(path)
    try:
        lines = pyogrio.read_dataframe(source, layer="lines", where="highway IS NOT NULL")
        points = pyogrio.read_dataframe(source, layer="points", where="barrier IS NOT NULL")
    except (DataSourceError, DataLayerError, ValueError) as error:
        raise FileUnreadable(path=str(path), reason=str(error)) from error
    rows: list[dict[str, Any]] = []
    for code, name, highway, other, shape in zip(
        lines["osm_id"], lines["name"], lines["highway"], lines["other_tags"], lines.geometry,
        strict=True,
    ):  # fmt: skip
        rules = rules_of(highway, tags_of(other if isinstance(other, str) else None))
        if rules is not None:
            title = name if isinstance(name, str) else None
            rows.append({"code": code, "name": title, "class": highway, **rules, "geometry": shape})
    return pd.DataFrame(_cut_at_barriers(rows, points))


def _cut_at_barriers(rows: list[dict[str, Any]], points: gpd.GeoDataFrame) -> list[dict[str, Any]]:
    """Return the roads with a gap of a metre where something stands in the way.

    What stops wheels only leaves a piece for walkers in the gap.
    """
    stops: list[tuple[Any, bool]] = []
    for kind, other, shape in zip(
        points["barrier"], points["other_tags"], points.geometry, strict=True
    ):
        tags = tags_of(other if isinstance(other, str) else None)
        closed = tags.get("access") in _CLOSED and tags.get("foot") not in _OPEN
        if kind in _STOPS_ALL or closed or tags.get("locked") == "yes":
            stops.append((shape, False))
        elif kind in _STOPS_WHEELS and tags.get("bicycle") not in _OPEN:
            stops.append((shape, True))
    if not stops or not rows:
        return rows
    tree = shapely.STRtree([row["geometry"] for row in rows])
    at, road = tree.query([shape for shape, _ in stops], predicate="dwithin", distance=1e-9)
    hits: dict[int, list[tuple[float, bool]]] = {}
    for stop, number in zip(at, road, strict=True):
        line = rows[number]["geometry"]
        place = float(shapely.line_locate_point(line, stops[stop][0]))
        hits.setdefault(int(number), []).append((place, stops[stop][1]))
    result: list[dict[str, Any]] = []
    for number, row in enumerate(rows):
        result += _pieces(row, sorted(hits[number])) if number in hits else [row]
    return result


def _pieces(row: dict[str, Any], stops: list[tuple[float, bool]]) -> list[dict[str, Any]]:
    line, gap = row["geometry"], _GAP_M / 111_000.0
    found: list[dict[str, Any]] = []
    begin = 0.0
    for place, walkers in stops:
        low, high = max(place - gap, begin), min(place + gap, float(line.length))
        if low > begin:
            found.append({**row, "geometry": _part(line, begin, low)})
        if walkers and high > low:
            found.append({**row, "ride": "no", "geometry": _part(line, low, high)})
        begin = high
    if begin < line.length:
        found.append({**row, "geometry": _part(line, begin, float(line.length))})
    return found


def _part(line: Any, begin: float, end: float) -> Any:  # noqa: ANN401 - shapely's own type
    from shapely.ops import substring  # noqa: PLC0415 - rare

    return substring(line, begin, end)


def _graphml(path: Path) -> pd.DataFrame:
    """Read a graph as osmnx saves it: nodes with x and y, edges with geometry and tags."""
    try:
        root = ET.parse(path).getroot()  # noqa: S314 - expat itself stops entity bombs
    except ET.ParseError as error:
        raise FileUnreadable(path=str(path), reason=str(error)) from error
    space = root.tag[: root.tag.index("}") + 1] if root.tag.startswith("{") else ""
    names = {key.get("id"): key.get("attr.name") for key in root.iter(f"{space}key")}

    def facts(element: ET.Element) -> dict[str, str]:
        return {
            str(names.get(data.get("key"), data.get("key"))): data.text or ""
            for data in element.iter(f"{space}data")
        }

    places: dict[str, tuple[float, float]] = {}
    for node in root.iter(f"{space}node"):
        about = facts(node)
        try:
            lon, lat = about.get("x", about.get("lon")), about.get("y", about.get("lat"))
            places[str(node.get("id"))] = (float(str(lon)), float(str(lat)))
        except ValueError as error:
            reason = f"node {node.get('id')} has no x, y"
            raise FileUnreadable(path=str(path), reason=reason) from error
    rows: list[dict[str, Any]] = []
    for edge in root.iter(f"{space}edge"):
        about = facts(edge)
        rules = rules_of(about.get("highway", "street"), {k: v.lower() for k, v in about.items()})
        if rules is None:
            continue
        ends = [places[end] for end in map(edge.get, ("source", "target")) if end in places]
        line = shapely.from_wkt(about["geometry"]) if "geometry" in about else None
        if line is None:
            if len(ends) != 2:
                reason = f"an edge names a node that is not there: {edge.attrib}"
                raise FileUnreadable(path=str(path), reason=reason)
            line = shapely.LineString(ends)
        rows.append(
            {
                "code": about.get("osmid"),
                "name": about.get("name"),
                "class": about.get("highway", "street"),
                **rules,
                "geometry": line,
            }
        )
    return pd.DataFrame(rows)
